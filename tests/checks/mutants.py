"""Mutation testing: small changes to a package, one at a time, each of which must make a test fail.

The tests that are named as the first ones meet every mutant, one after the other, each those that the ones before let
through, and then all others the rest: a mutant is compiled into what it meets only, which is most of the time. `lib`
stands for the tests in the package itself. Further arguments are cargo-mutants' own, for instance:

  tests/checks/mutants --first lib --first inflate --first deflater --first deflate --file 'core/src/deflate/*.rs'
  tests/checks/mutants microws-host --first lib --first host_deflate --file 'host/src/deflate/*.rs'

Fails if fewer mutants than --percent of those that compile are caught; the rest is listed. A mutant takes some ten
seconds.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# What a package's own tests need; the others ask for it by themselves.
PACKAGES = {
    "microws": ["embedded-io", "embedded-nal", "embedded-nal-async", "http", "deflate"],
    "microws-socketio": ["embedded-io", "embedded-io-async", "serde-json-core"],
    "microws-host": [],
}
# cargo-mutants: 2 if some were missed, 3 if some took too long.
JUDGED = (0, 2, 3)


def options():
    parser = argparse.ArgumentParser(
        prog="tests/checks/mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", help=argparse.SUPPRESS)
    parser.add_argument("package", nargs="?", default="microws", choices=PACKAGES)
    parser.add_argument("--first", metavar="TEST", action="append", default=[])
    parser.add_argument("--percent", type=float, default=95)
    return parser.parse_known_args()


def main():
    given, others = options()
    work, package = Path(given.work), given.package
    # The tests that look at the package: core's need no host, the host's need the program.
    if package == "microws-host":
        features, tests, seconds = [], ["--lib", "--test", "host_*"], 120
    else:
        features, tests, seconds = ["--no-default-features"], ["--lib", "--tests"], 20

    # A mutant that never ends is stopped by the processor time of one program of tests, as the machine may be busy.
    host = re.search(r"^host: (.*)$", subprocess.check_output(["rustc", "-vV"], text=True), re.MULTILINE)[1]
    runner = f"CARGO_TARGET_{host.upper().replace('-', '_')}_RUNNER"
    os.environ |= {"PROPTEST_CASES": "32", runner: f"prlimit --cpu={seconds}:{seconds}"}
    # A test that fails anyway would catch everything.
    subprocess.run(["cargo", "test", "--locked", "-p", package, "-p", "microws-tests", *features, *tests], check=True)

    # The sources are copied for the run; what they depend on is compiled once. Not where the true ones are compiled:
    # cargo takes one for the other.
    os.environ |= {"CARGO_TARGET_DIR": str(work / "target"), "CARGO_PROFILE_DEV_DEBUG": "false"}
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    found = {"caught": set(), "unviable": set(), "missed": set(), "timeout": set()}

    def meet(packages, *arguments):
        """What no round before has caught meets these tests."""
        command = ["cargo", "mutants", "--package", package, "--test-package", packages, "--output", out]
        command += ["--iterate", "--baseline", "skip", "--timeout", "1800", "--build-timeout", "1800"]
        command += ["--colors", "never", "--no-times"]
        # For cargo's builds too, or each mutant would be built into all that there is.
        command += [f"--cargo-arg={argument}" for argument in arguments]
        status = subprocess.run([*command, *others]).returncode
        if status not in JUDGED:
            sys.exit(f"cargo-mutants gave up: {status}")
        for kind, mutants in found.items():
            now = set((out / "mutants.out" / f"{kind}.txt").read_text().splitlines())
            found[kind] = mutants | now if kind in ("caught", "unviable") else now

    for test in given.first:
        if test == "lib":
            meet(package, "--lib", "--features", ",".join(PACKAGES[package]))
        else:
            meet(f"{package},microws-tests", *features, "--test", test)
    meet(f"{package},microws-tests", *features, *tests)

    caught, missed = len(found["caught"]), sorted(found["missed"] | found["timeout"])
    if not caught + len(missed):
        sys.exit("nothing to mutate")
    print("---", *missed, sep="\n")
    print(f"{caught} caught, {len(missed)} missed, {len(found['unviable'])} do not compile")
    return 100 * caught >= given.percent * (caught + len(missed))


sys.exit(not main())
