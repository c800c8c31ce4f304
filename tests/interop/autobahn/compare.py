"""Has both suites judge the same peers, and compares their reports case by case; see `compare`.

usage: compare.py WORK [PEER...] [OPTION...], with the folder that the suites are in
"""

import collections
import glob
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stage import Checks, Process

HERE = Path(__file__).parent
WORK = Path(sys.argv[1])
OUT, ORIGINAL = WORK / "compare", WORK / "original"
PEERS = ("server", "client", "bad-server", "bad-client")
VERDICT = ("behavior", "behaviorClose", "remoteCloseCode")
# Details that differ from run to run.
VARY = {"started", "duration", "httpRequest", "httpResponse", "rxOctetStats", "txOctetStats", "trafficStats", "wirelog"}


def python2():
    candidates = [os.environ.get("PYTHON2", "")]
    if shutil.which("pyenv"):
        root = subprocess.check_output(["pyenv", "root"], text=True).strip()
        candidates += glob.glob(f"{root}/versions/2.7*/bin/python2.7")
    for candidate in filter(None, map(shutil.which, [*candidates, "python2.7", "python2", "python"])):
        # Asked itself, since pyenv's and Debian's names may lead nowhere.
        ask = [candidate, "-c", "import sys; sys.exit(sys.version_info[:2] != (2, 7))"]
        if subprocess.run(ask, stderr=subprocess.DEVNULL).returncode == 0:
            return candidate
    sys.exit("needs Python 2.7: name it in PYTHON2")


def make_original():
    """The suite under Python 2.7, made once for the same versions."""
    versions = HERE / "original.txt"
    made_from = ORIGINAL / "made-from"
    if made_from.exists() and made_from.read_text() == versions.read_text():
        return
    interpreter = python2()
    shutil.rmtree(ORIGINAL, ignore_errors=True)
    tool, suite = ORIGINAL / "tool/bin", ORIGINAL / "suite"
    # The last virtualenv that knows Python 2.7 is run by Python 3.
    install = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", tool.parent], check=True)
    subprocess.run([tool / "python", *install, "virtualenv==20.21.1"], check=True)
    subprocess.run([tool / "virtualenv", "-q", "--python", interpreter, suite], check=True)
    install += ["--no-python-version-warning", "-c", versions, "autobahntestsuite==0.8.2"]
    subprocess.run([suite / "bin/python", *install], check=True)
    made_from.write_text(versions.read_text())


def judge(peer, folder, options, suite):
    """One suite's report of a peer goes to the folder. That cases fail is no failure here."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [HERE / "run", peer.removeprefix("bad-"), "--out", folder, *options]
    naive = None
    if peer == "bad-server":
        naive = Process(OUT / "naive.log", sys.executable, HERE / "naive.py", "server")
        command += ["--url", naive.says(r"^(.*)\n")[1]]
    if peer == "bad-client":
        command += ["--", sys.executable, HERE / "naive.py", "client"]
    subprocess.run(command, env=os.environ | suite)
    if naive:
        naive.end()


def report(folder):
    """Each case's page, with what the index says of it."""
    (cases,) = json.loads((folder / "index.json").read_text()).values()
    pages = {}
    for case, entry in cases.items():
        # The original writes what it has received as it is.
        page = (folder / entry["reportfile"]).read_text(errors="surrogateescape")
        pages[case] = json.loads(page) | entry
    return pages


def verdict(page):
    return tuple(page.get(key) for key in VERDICT)


def compare(first, second):
    """How many cases differ, and lines that tell of them."""
    verdicts, differ, seconds, lines = collections.Counter(), 0, [0, 0], []
    for case in sorted(first.keys() | second.keys(), key=lambda case: [int(part) for part in case.split(".")]):
        a, b = first.get(case, {}), second.get(case, {})
        if verdict(a) != verdict(b) or not a or not b:
            differ += 1
            lines.append("%s: %s, %s" % (case, verdict(a), verdict(b)))
        for key in sorted(key for key in a.keys() | b.keys() if key not in VARY.union(VERDICT, ["reportfile"])):
            if a.get(key) != b.get(key):
                lines.append("  %s %s: %.100r, %.100r" % (case, key, a.get(key), b.get(key)))
        verdicts["%s, close %s" % verdict(a)[:2]] += 1
        for i, page in enumerate((a, b)):
            seconds[i] += page.get("duration", 0) / 1000
    lines += ["%5d %s" % (count, kind) for kind, count in sorted(verdicts.items())]
    return differ, [*lines, "%d cases, %d differ; they took %.1f s and %.1f s" % (len(first), differ, *seconds)]


peers = list(itertools.takewhile(lambda argument: argument in PEERS, sys.argv[2:]))
options = sys.argv[2 + len(peers) :]
if options and not options[0].startswith("--"):
    sys.exit(f"no peer {options[0]}; there are {', '.join(PEERS)}")
make_original()
checks, table = Checks(), []
for peer in peers or PEERS:
    folders = [OUT / peer / name for name in ("python3", "python2")]
    judge(peer, folders[0], options, {})
    judge(peer, folders[1], options, {"AUTOBAHN_SUITE": str(ORIGINAL / "suite")})
    try:
        differ, lines = compare(*map(report, folders))
    except (OSError, ValueError) as error:
        differ, lines = 0, [f"no report: {error}"]
    table += [peer, *lines]
    checks.add(peer, not differ and len(lines) > 1, lines[-1])
checks.finish(*table)
