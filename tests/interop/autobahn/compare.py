"""Compares two reports of the suite, case by case: compare.py FOLDER FOLDER"""

import collections
import json
import os
import sys

VERDICT = ("behavior", "behaviorClose", "remoteCloseCode")
# Details that differ from run to run.
VARY = {"started", "duration", "httpRequest", "httpResponse", "rxOctetStats", "txOctetStats", "trafficStats", "wirelog"}


def report(folder):
    """Each case's page, with what the index says of it."""
    with open(os.path.join(folder, "index.json")) as file:
        (cases,) = json.load(file).values()
    pages = {}
    for case, entry in cases.items():
        # The original writes what it has received as it is.
        with open(os.path.join(folder, entry["reportfile"]), errors="surrogateescape") as file:
            pages[case] = dict(json.load(file), **entry)
    return pages


def verdict(page):
    return tuple(page.get(key) for key in VERDICT)


def main(first, second):
    first, second = report(first), report(second)
    verdicts, differ, seconds = collections.Counter(), 0, [0, 0]
    for case in sorted(first.keys() | second.keys(), key=lambda case: [int(part) for part in case.split(".")]):
        a, b = first.get(case, {}), second.get(case, {})
        if verdict(a) != verdict(b) or not a or not b:
            differ += 1
            print("%s: %s, %s" % (case, verdict(a), verdict(b)))
        for key in sorted(key for key in a.keys() | b.keys() if key not in VARY.union(VERDICT, ["reportfile"])):
            if a.get(key) != b.get(key):
                print("  %s %s: %.100r, %.100r" % (case, key, a.get(key), b.get(key)))
        verdicts["%s, close %s" % verdict(a)[:2]] += 1
        for i, page in enumerate((a, b)):
            seconds[i] += page.get("duration", 0) / 1000
    for kind, count in sorted(verdicts.items()):
        print("%5d %s" % (count, kind))
    print("%d cases, %d differ; they took %.1f s and %.1f s" % (len(first), differ, *seconds))
    return bool(differ or not first)


sys.exit(main(*sys.argv[1:]))
