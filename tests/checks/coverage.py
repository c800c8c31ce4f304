"""What of a package's lines the tests run, of the trace files that llvm-cov writes.

    coverage.py ROOT SOURCES PACKAGE PERCENT <TRACES

Lists the lines that no test runs and the share of each file. Fails if fewer than PERCENT of all are run. A file's unit
tests, which stand at its end, do not count.
"""

import itertools
import sys
from pathlib import Path


def lines_of(path: Path) -> list[str]:
    """A file's lines before its unit tests."""
    lines = path.read_text().splitlines()
    for i, (marker, module) in enumerate(itertools.pairwise(lines)):
        if marker.startswith("#[cfg(test)]") and module.startswith("mod tests"):
            return lines[:i]
    return lines


def main(root: Path, sources: Path, package: str, percent: float) -> bool:
    texts: dict[Path, list[str]] = {}
    counts: dict[Path, dict[int, int]] = {}
    path = sources
    for entry in sys.stdin:
        kind, _, value = entry.strip().partition(":")
        if kind == "SF":
            path = Path(value)
        # Of a program without any of these sources llvm-cov tells all others.
        elif kind == "DA" and path.is_relative_to(sources):
            texts.setdefault(path, lines_of(path))
            line, count = map(int, value.split(",")[:2])
            if line <= len(texts[path]):
                of_file = counts.setdefault(path, {})
                of_file[line] = of_file.get(line, 0) + count

    def share(run: int, all_: int) -> str:
        return f"{100 * run / all_:6.2f} % of {all_:4} lines of"

    table, run_of_all, all_of_all = [], 0, 0
    for path, of_file in sorted(counts.items()):
        name = path.relative_to(root)
        for line, count in sorted(of_file.items()):
            if count == 0:
                print(f"{name}:{line}: {texts[path][line - 1]}")
        run = sum(count > 0 for count in of_file.values())
        table.append(f"{share(run, len(of_file))} {name}")
        run_of_all += run
        all_of_all += len(of_file)
    print("\n".join(table))
    print(share(run_of_all, all_of_all), package)
    return 100 * run_of_all >= percent * all_of_all


if __name__ == "__main__":
    root, sources, package, percent = sys.argv[1:]
    sys.exit(not main(Path(root), Path(sources), package, float(percent)))
