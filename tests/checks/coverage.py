"""Which lines of a package its tests run, without the unit tests' own lines; shows those that none runs.

Fails if fewer lines are run than PERCENT: 98 of the libraries', 90 of the host's unless told. A file's unit tests,
which stand at its end, do not count.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

HOST = "microws-host"
HOST_PROGRAMS = "microws-echo", "microws-cat"


@dataclass
class Package:
    folder: str
    percent: float
    tests: tuple


CORE_TESTS = ("-p", "microws-tests", "--no-default-features", "--tests")
HOST_TESTS = ("-p", "microws-tests", "--lib", "--bins", "--test", "host_*", "--test", "hostile")
PACKAGES = {
    "microws": Package("core", 98, CORE_TESTS),
    "microws-socketio": Package("core/socketio", 98, CORE_TESTS),
    HOST: Package("host", 90, HOST_TESTS),
}


class Tools:
    """Those of the compiler's LLVM."""

    def __init__(self, folder, sources):
        self.cov, self.profdata, self.sources = folder / "llvm-cov", folder / "llvm-profdata", sources

    def counts(self, profiles, program):
        """By file and line, how often the profiles say that the program ran it."""
        merged = profiles.with_suffix(".profdata")
        command = [self.profdata, "merge", "-sparse", "-o", merged, *profiles.glob("*.profraw")]
        subprocess.run(command, check=True)
        command = [self.cov, "export", "--format", "lcov", "--instr-profile", merged, program]
        command += ["--sources", self.sources]
        counts, path = defaultdict(Counter), None
        for entry in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
            kind, _, value = entry.partition(":")
            if kind == "SF":
                path = Path(value)
            # Of a program without any of these sources llvm-cov tells all others.
            elif kind == "DA" and path.is_relative_to(self.sources):
                line, count = map(int, value.split(",")[:2])
                counts[path][line] += count
        return counts


def build(package, tests):
    """The programs of the tests, each with the folder that it runs in."""
    command = ["cargo", "test", "--locked", "-p", package, *tests, "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for message in map(json.loads, lines):
        if message.get("executable") and message["profile"]["test"]:
            yield Path(message["executable"]), Path(message["manifest_path"]).parent


def measure(package, out, tools):
    """Each program by itself: of a function that stands in several, llvm-cov would look at one, in which it may not be
    run."""
    os.environ |= {"RUSTFLAGS": "-Cinstrument-coverage", "CARGO_TARGET_DIR": str(out / "target")}
    os.environ["LLVM_PROFILE_FILE"] = str(out / "build.profraw")
    name = "%m-%p.profraw"
    if package == HOST:
        # Its tests kill the programs that they start: so each count is in the file at once.
        os.environ["RUSTFLAGS"] += " -Cllvm-args=-runtime-counter-relocation"
        name = "%m%c.profraw"
    shutil.rmtree(out / "profiles", ignore_errors=True)
    counts, of_all = defaultdict(Counter), out / "profiles" / "all"
    of_all.mkdir(parents=True)
    measured = []
    for program, folder in list(build(package, PACKAGES[package].tests)):
        profiles = out / "profiles" / program.name
        profiles.mkdir()
        environment = os.environ | {"LLVM_PROFILE_FILE": str(profiles / name)}
        subprocess.run([program, "--quiet"], check=True, cwd=folder, env=environment)
        measured.append((profiles, program))
        # What those of the host start, for all of them together.
        if package == HOST:
            for profile in profiles.glob("*.profraw"):
                shutil.copy(profile, of_all / f"{program.name}-{profile.name}")
    if package == HOST:
        measured += [(of_all, out / "target" / "debug" / started) for started in HOST_PROGRAMS]
    for profiles, program in measured:
        for path, lines in tools.counts(profiles, program).items():
            counts[path].update(lines)
    return counts


def lines_of(path):
    """A file's lines before its unit tests."""
    lines = path.read_text().splitlines()
    for i, (marker, module) in enumerate(itertools.pairwise(lines)):
        if marker.startswith("#[cfg(test)]") and module.startswith("mod tests"):
            return lines[:i]
    return lines


def share(run, all_):
    return f"{100 * run / all_:6.2f} % of {all_:4} lines of"


def judge(package, counts, percent):
    table, run_of_all, all_of_all = [], 0, 0
    print("---")
    for path, of_file in sorted(counts.items()):
        lines, name = lines_of(path), path.relative_to(Path.cwd())
        counted = {line: count for line, count in sorted(of_file.items()) if line <= len(lines)}
        for line, count in counted.items():
            if count == 0:
                print(f"{name}:{line}: {lines[line - 1]}")
        run = sum(count > 0 for count in counted.values())
        table.append(f"{share(run, len(counted))} {name}" if counted else f"no lines of {name}")
        run_of_all += run
        all_of_all += len(counted)
    print(*table, sep="\n")
    print(share(run_of_all, all_of_all), package)
    return 100 * run_of_all >= percent * all_of_all


def main():
    parser = argparse.ArgumentParser(prog="tests/checks/coverage", description=__doc__)
    parser.add_argument("work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("tools", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("package", nargs="?", default="microws", choices=PACKAGES)
    parser.add_argument("percent", nargs="?", type=float)
    given = parser.parse_args()
    package = PACKAGES[given.package]
    tools = Tools(given.tools, Path.cwd() / package.folder / "src")
    counts = measure(given.package, given.work, tools)
    if not counts:
        sys.exit("nothing was measured")
    return judge(given.package, counts, given.percent or package.percent)


if __name__ == "__main__":
    sys.exit(not main())
