"""Replays the kept corpus of each target, then fuzzes it for a while.

What is found goes to target/tests/fuzz/TARGET/corpus; an input that does harm is kept beside it in artifacts.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from stage import Checks

FOLDER = Path("tests/fuzz")


def toolchain():
    """Coverage instrumentation needs what only a nightly compiler lets through, or a stable one by this variable."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run(["cargo", "+nightly", "--version"], **quiet).returncode == 0:
        return ["cargo", "+nightly"]
    os.environ["RUSTC_BOOTSTRAP"] = "1"
    return ["cargo"]


def last(pattern, said):
    return (re.findall(pattern, said) or ["no"])[-1]


def main():
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    command += ["--manifest-path", FOLDER / "Cargo.toml"]
    [package] = json.loads(subprocess.check_output(command))["packages"]
    targets = [target["name"] for target in package["targets"] if target["kind"] == ["bin"]]
    parser = argparse.ArgumentParser(prog="tests/fuzz/run", description=__doc__)
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", metavar="N", type=int, default=30, help="for each target; 0 only replays")
    parser.add_argument("target", nargs="*", help="instead of all: %s" % ", ".join(targets))
    given = parser.parse_intermixed_args()
    if unknown := set(given.target) - set(targets):
        parser.error(f"no target {', '.join(unknown)}")

    cargo = [*toolchain(), "fuzz"]
    # No sanitizer: there is no unsafe code to watch, and without it every second tries more.
    common = ["--fuzz-dir", FOLDER, "--target-dir", given.build, "--sanitizer", "none"]
    subprocess.run([*cargo, "build", *common], check=True)

    def fuzz(name, folders, limit):
        """The exit status and what libFuzzer says, which also goes to the log."""
        command = [*cargo, "run", *common, name, *folders, "--", f"-artifact_prefix={given.work / name / 'artifacts'}/"]
        command += ["-print_final_stats=1", "-timeout=10", "-max_len=2000", limit]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        print(done.stdout, flush=True)
        return done.returncode, done.stdout

    checks = Checks(row="{word}   {name}")
    for name in given.target or targets:
        kept, own = FOLDER / "corpus" / name, given.work / name / "corpus"
        own.mkdir(parents=True, exist_ok=True)
        artifacts = given.work / name / "artifacts"
        artifacts.mkdir(exist_ok=True)
        before = set(artifacts.iterdir())
        status, said = fuzz(name, [kept], "-runs=0")
        if status:
            checks.add(name, False, f"a kept input of {len(list(kept.iterdir()))}")
        elif given.seconds == 0:
            checks.add(f"{name}: replayed", True)
        else:
            status, said = fuzz(name, [own, kept], f"-max_total_time={given.seconds}")
            executions, edges = last("number_of_executed_units: *([0-9]+)", said), last(" cov: ([0-9]+)", said)
            figures = f"{executions} executions, {edges} edges"
            found = ", ".join(map(str, set(artifacts.iterdir()) - before))
            checks.add(name if status else f"{name}: {figures}", status == 0, found or said.strip().rpartition("\n")[2])
    checks.finish()


sys.exit(main())
