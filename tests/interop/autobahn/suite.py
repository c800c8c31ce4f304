"""Runs Autobahn's wstest once and says what it found: suite.py SUITE REPORTS OURS ARGUMENT..., from `run` beside it.

SUITE is the virtualenv that the suite is in, REPORTS a folder, OURS our peer unless the arguments name another.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import time

from stage import Process, free_ports

GOOD = ("OK", "INFORMATIONAL")
MOST_AGAIN = 3
SECTIONS = {
    1: "framing", 2: "pings and pongs", 3: "reserved bits", 4: "opcodes", 5: "fragmentation", 6: "UTF-8",
    7: "closing", 9: "limits and performance", 10: "miscellaneous", 12: "compression", 13: "compression, parameters",
}
AGENT = "microws"
QUIET = dict(os.environ, PYTHONWARNINGS="ignore", PYTHONUNBUFFERED="1")

# Asked of the suite itself: which of its cases do these patterns name?
LIST_CASES = """
import json, sys
from autobahntestsuite.case import Cases, CaseCategories, CaseSubCategories, CaseSetname, CaseBasename
from autobahntestsuite.caseset import CaseSet
known = CaseSet(CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories)
print(json.dumps([case for case in known.parseSpecCases(json.loads(sys.argv[1])) if case in known.CasesById]))
"""


def options(arguments):
    usage = "%(prog)s MODE [OPTION...] [-- COMMAND...]"
    parser = argparse.ArgumentParser(prog="tests/interop/autobahn/run", usage=usage)
    parser.add_argument("mode", choices=["server", "client"], help="what is tested")
    parser.add_argument("--url", help="another server than ours: ws://127.0.0.1:PORT")
    parser.add_argument("--tls", action="store_true", help="over TLS; a client finds the certificate's file in $CERT")
    parser.add_argument("--cases", metavar="1.*,2.1", type=patterns, help="instead of all")
    parser.add_argument("--exclude", metavar="9.*", type=patterns, default=[], help="without these")
    parser.add_argument("--long", action="store_true", help="every case of 12 and 13, which takes twice as long")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds for the whole run, 1200 unless told")
    parser.add_argument("--second-try", action="store_true", help="runs up to three cases that fail again, and says so")
    parser.add_argument("--out", help="folder for the report, otherwise target/autobahn/MODE")
    parser.epilog = "COMMAND is another client than ours; it is called with the url and the agent's name."
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return parser.parse_args(arguments[:end]), arguments[end + 1 :]


def patterns(text):
    return [pattern for pattern in re.split(r"[,\s]+", text) if pattern]


def main(suite, reports, ours, *arguments):
    given, command = options(list(arguments))
    out = os.path.abspath(given.out or os.path.join(reports, given.mode + ("-tls" if given.tls else "")))
    os.makedirs(out, exist_ok=True)
    python = os.path.join(suite, "bin", "python")
    chosen = {
        "cases": given.cases or ["%d.*" % section for section in range(1, 11)] + compression(given.long),
        "exclude-cases": given.exclude,
    }
    listed = subprocess.run([python, "-c", LIST_CASES, json.dumps(chosen)], env=QUIET, stdout=subprocess.PIPE)
    if listed.returncode:
        sys.exit("the suite does not list its cases")
    cases = json.loads(listed.stdout)
    if not cases:
        sys.exit("no such case: %s" % chosen)

    wstest = [python, os.path.join(suite, "bin", "wstest")]
    if given.mode == "server":
        run = against_server(given.url or echo_server(ours, out, given.tls))
    else:
        run = against_client(command or [ours], certificate(out) if given.tls else {})
    started = time.monotonic()
    deadline = started + given.timeout
    results, note = judge(run, wstest, chosen, out, deadline)
    bad = [case for case in cases if not is_good(results.get(case, {}))]
    again = []
    if given.second_try and not note and 0 < len(bad) <= MOST_AGAIN:
        folder = os.path.join(out, "second-try")
        os.makedirs(folder, exist_ok=True)
        second, note = judge(run, wstest, {"cases": bad, "exclude-cases": []}, folder, deadline)
        for case in filter(lambda case: is_good(second.get(case, {})), bad):
            again.append("%s passed at the second try; the first: %s" % (case, verdict(results, case, out)))
            results[case] = second[case]
    return report(cases, results, out, note, time.monotonic() - started, again)


def echo_server(binary, out, tls):
    """The url of ours, which ends with this program."""
    server = Process(os.path.join(out, "server.log"), binary, "--listen", "127.0.0.1:0", *(["--tls"] if tls else []))
    return server.says("listening on (%s://127.0.0.1:[0-9]+)/" % ("wss" if tls else "ws"))[1]


def certificate(out):
    """The suite's server has it, the client trusts it."""
    files = {name: os.path.join(out, name + ".pem") for name in ("cert", "key")}
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    make += " -addext basicConstraints=critical,CA:FALSE"
    make = [*make.split(), "-out", files["cert"], "-keyout", files["key"]]
    subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
    return files


def judge(run, wstest, chosen, out, deadline):
    """The results by case, and what went wrong with the run itself."""
    index, log = os.path.join(out, "index.json"), os.path.join(out, "wstest.log")
    if os.path.exists(index):
        os.remove(index)  # an old report must not speak for this run

    def start_suite(mode, spec, *options):
        path = os.path.join(out, "spec.json")
        with open(path, "w") as file:
            json.dump(chosen | spec | {"outdir": out, "exclude-agent-cases": {}}, file, indent=1)
        return Process(log, *wstest, "-m", mode, "-s", path, *options, env=QUIET, cwd=out)

    note = run(start_suite, out, deadline)
    if "INTERNAL ERROR" in read(log):  # octets.py says that before it gives up
        note = "; ".join(filter(None, [note, "an exception inside the suite, see %s" % log]))
    return (json.load(open(index)).get(AGENT, {}) if os.path.exists(index) else {}), note


def against_server(url):
    def run(start_suite, out, deadline):
        suite = start_suite("fuzzingclient", {"servers": [{"agent": AGENT, "url": url, "options": {"version": 18}}]})
        note = wait("the suite", suite, deadline)
        refused = re.search(r"Connection to .* failed.*", suite.output())
        return note + (refused.group(0) if refused else "")

    return run


def against_client(command, tls):
    def run(start_suite, out, deadline):
        (port,) = free_ports(1)
        url = "%s://127.0.0.1:%d" % ("wss" if tls else "ws", port)
        suite = start_suite("fuzzingserver", {"url": url, **tls}, "-u", "0")  # no web page beside it
        suite.listens(port)
        environment = os.environ | ({"CERT": tls["cert"]} if tls else {})
        client = Process(os.path.join(out, "client.log"), *command, url, AGENT, env=environment)
        note = wait("the client", client, deadline)
        suite.end()
        if note:
            print(client.output()[-3000:])
        return note

    return run


def wait(name, process, deadline):
    """Nothing if it ends well in time."""
    try:
        status = process.wait(max(1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.end()
        return "%s was given up" % name
    return "%s's exit status was %d" % (name, status) if status else ""


def compression(is_long):
    """Sections 12 and 13 send 1,000 messages a case, which takes the suite most of its time: without --long, each kind
    of message and each set of parameters comes with 8 of its 18 sizes, fragmented ones among them."""
    if is_long:
        return ["12.*", "13.*"]
    kinds = [(12, kind) for kind in range(1, 6)] + [(13, kind) for kind in range(1, 8)]
    return ["%d.%d.%d" % (*kind, size) for kind in kinds for size in (1, 3, 5, 7, 9, 12, 15, 18)]


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def number(case):
    return tuple(int(part) for part in case.split("."))


def reason(result, out):
    try:
        case = json.loads(read(os.path.join(out, result["reportfile"])))
    except (OSError, ValueError, KeyError):
        return ""
    return "; ".join(text for text in (case.get("result"), case.get("resultClose")) if text)[:300]


def is_good(result):
    return result.get("behavior") in GOOD and result.get("behaviorClose") in GOOD


def verdict(results, case, out):
    result = results.get(case, {})
    behaviour, close = result.get("behavior", "NO RESULT"), result.get("behaviorClose", "NO RESULT")
    return "%s, close %s: %s" % (behaviour, close, reason(result, out))


def report(cases, results, out, note, seconds, again):
    behaviours, closes = collections.Counter(), collections.Counter()
    sections = {}
    others = []
    failed = 0
    for case in sorted(cases, key=number):
        result = results.get(case, {})
        behaviour, close = result.get("behavior", "NO RESULT"), result.get("behaviorClose", "NO RESULT")
        behaviours[behaviour] += 1
        closes[close] += 1
        good = is_good(result)
        failed += not good
        section = sections.setdefault(number(case)[0], [0, 0])
        section[0] += 1
        section[1] += good
        if (behaviour, close) != ("OK", "OK"):
            others.append("%-8s %s" % (case, verdict(results, case, out)))
    print("---")
    print("section                     cases   good")
    for section, (count, good) in sections.items():
        print("%7d %-20s%5d  %5d" % (section, SECTIONS.get(section, ""), count, good))
    for line in others[:60]:
        print(line)
    if len(others) > 60:
        print("... and %d more" % (len(others) - 60))
    for name, counter in ("behaviour", behaviours), ("close", closes):
        print("%-9s  %s" % (name, ", ".join("%d %s" % (n, what) for what, n in counter.most_common())))
    for line in again:
        print(line)
    if note:
        print(note)
    print("report: %s, %.0f s" % (os.path.join(out, "index.html"), seconds))
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed or note else 0


sys.exit(main(*sys.argv[1:]))
