"""Runs Autobahn's wstest once and says what it found. Called by `run` beside this file, which also installs it."""

import argparse
import collections
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

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


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("mode", choices=["server", "client"])
    arguments.add_argument("--suite", required=True, help="the virtualenv that it is in")
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--url")
    arguments.add_argument("--cert", help="a file: the suite's server speaks TLS")
    arguments.add_argument("--key", help="a file")
    arguments.add_argument("--cases", action="append", default=[])
    arguments.add_argument("--exclude", action="append", default=[])
    arguments.add_argument("--long", action="store_true", help="every case of sections 12 and 13")
    arguments.add_argument("--timeout", type=float, default=1200, help="seconds for the whole run")
    arguments.add_argument(
        "--second-try", action="store_true", help="cases that fail, if they are few, are run again and told of"
    )
    end = sys.argv.index("--")
    command = sys.argv[end + 1 :]
    arguments = arguments.parse_args(sys.argv[1:end])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` ends what was started

    python = os.path.join(arguments.suite, "bin", "python")
    patterns = {
        "cases": split(arguments.cases) or ["%d.*" % section for section in range(1, 11)] + compression(arguments.long),
        "exclude-cases": split(arguments.exclude),
    }
    listed = subprocess.run([python, "-c", LIST_CASES, json.dumps(patterns)], env=QUIET, stdout=subprocess.PIPE)
    if listed.returncode:
        sys.exit("the suite does not list its cases")
    cases = json.loads(listed.stdout)
    if not cases:
        sys.exit("no such case: %s" % patterns)

    started = time.monotonic()
    results, note = run_suite(patterns, arguments.out, arguments, command)
    bad = [case for case in cases if not is_good(results.get(case, {}))]
    again = []
    if arguments.second_try and not note and 0 < len(bad) <= MOST_AGAIN:
        out = os.path.join(arguments.out, "second-try")
        os.makedirs(out, exist_ok=True)
        second, note = run_suite({"cases": bad, "exclude-cases": []}, out, arguments, command)
        for case in filter(lambda case: is_good(second.get(case, {})), bad):
            again.append("%s passed at the second try; the first: %s" % (case, verdict(results, case, arguments.out)))
            results[case] = second[case]
    return report(cases, results, arguments.out, note, time.monotonic() - started, again)


def run_suite(patterns, out, arguments, command):
    """The results by case, and what went wrong with the run itself."""
    index = os.path.join(out, "index.json")
    if os.path.exists(index):
        os.remove(index)  # an old report must not speak for this run
    spec = dict(patterns, outdir=out)
    spec["exclude-agent-cases"] = {}
    if arguments.cert:
        spec.update(cert=arguments.cert, key=arguments.key)
    wstest = [os.path.join(arguments.suite, "bin", name) for name in ("python", "wstest")]
    run = Run(wstest, spec, out, time.monotonic() + arguments.timeout)
    try:
        if arguments.mode == "server":
            note = run.against_server(arguments.url)
        else:
            note = run.against_client(command)
    finally:
        run.end()
    if "INTERNAL ERROR" in read(out, "wstest.log"):  # octets.py says that before it gives up
        raised = "an exception inside the suite, see %s" % os.path.join(out, "wstest.log")
        note = "; ".join(filter(None, [note, raised]))
    return (json.load(open(index)).get(AGENT, {}) if os.path.exists(index) else {}), note


def compression(is_long):
    """Sections 12 and 13 send 1,000 messages a case, which takes the suite most of its time: without --long, each kind
    of message and each set of parameters comes with 8 of its 18 sizes, fragmented ones among them."""
    if is_long:
        return ["12.*", "13.*"]
    kinds = [(12, kind) for kind in range(1, 6)] + [(13, kind) for kind in range(1, 8)]
    return ["%d.%d.%d" % (*kind, size) for kind in kinds for size in (1, 3, 5, 7, 9, 12, 15, 18)]


def split(lists):
    return [pattern for given in lists for pattern in re.split(r"[,\s]+", given) if pattern]


class Run:
    def __init__(self, wstest, spec, out, deadline):
        self.wstest, self.spec, self.out, self.deadline = wstest, spec, out, deadline
        self.running = []

    def start(self, command, log, **more):
        with open(os.path.join(self.out, log), "wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True, **more
            )
        self.running.append(process)
        return process

    def start_suite(self, mode, *options):
        path = os.path.join(self.out, "spec.json")
        with open(path, "w") as file:
            json.dump(self.spec, file, indent=1)
        return self.start(self.wstest + ["-m", mode, "-s", path, *options], "wstest.log", env=QUIET, cwd=self.out)

    def wait(self, process):
        """The exit status, or None where the time is up."""
        try:
            return process.wait(max(1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def against_server(self, url):
        self.spec["servers"] = [{"agent": AGENT, "url": url, "options": {"version": 18}}]
        status = self.wait(self.start_suite("fuzzingclient"))
        refused = re.search(r"Connection to .* failed.*", read(self.out, "wstest.log"))
        return explain("the suite", status) + (refused.group(0) if refused else "")

    def against_client(self, command):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.spec["url"] = url = "%s://127.0.0.1:%d" % ("wss" if "cert" in self.spec else "ws", port)
        suite = self.start_suite("fuzzingserver", "-u", "0")  # no web page beside it
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if suite.poll() is not None or time.monotonic() > self.deadline:
                    sys.exit("the suite's server did not start:\n" + read(self.out, "wstest.log"))
                time.sleep(0.1)
        status = self.wait(self.start(command + [url, AGENT], "client.log"))
        if status != 0:
            print(read(self.out, "client.log")[-3000:])
        return explain("the client", status)

    def end(self):
        for process in reversed(self.running):
            try:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    pass
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def explain(who, status):
    if status == 0:
        return ""
    return "%s was given up" % who if status is None else "%s's exit status was %d" % (who, status)


def read(folder, name):
    with open(os.path.join(folder, name), errors="replace") as file:
        return file.read()


def number(case):
    return tuple(int(part) for part in case.split("."))


def reason(result, out):
    try:
        case = json.loads(read(out, result["reportfile"]))
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


sys.exit(main())
