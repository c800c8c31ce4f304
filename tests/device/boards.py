"""Builds the programs that need a board, and runs the one that needs none: `boards` beside it says how.

BUILD_STD in the environment is what makes cargo build Rust's own core first, where the compiler brings none.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from stage import Checks

HERE = Path(__file__).parent
EXAMPLES = Path("core/examples/boards").resolve()
TARGETS = {
    "rp2040-w5500": "thumbv6m-none-eabi",
    "pico-w": "thumbv6m-none-eabi",
    "stm32h7": "thumbv7em-none-eabihf",
    "esp32-c3": "riscv32imc-unknown-none-elf",
}


class Boards:
    def __init__(self, built, built_here, build_std, link):
        self.built, self.built_here, self.build_std, self.link = built, built_here, build_std, link

    def cargo(self, folder, command, target, *options):
        environment = os.environ | {"CARGO_TARGET_DIR": str(self.built)}
        command = ["cargo", command, *self.build_std, "--locked", "--target", target, *options]
        return subprocess.run(command, cwd=folder, env=environment).returncode == 0

    def sizes(self, target, *programs):
        command = [sys.executable, HERE / "sizes.py", *(self.built / target / "release" / name for name in programs)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def embassy(self):
        target = TARGETS["pico-w"]
        good = self.cargo(HERE / "embassy", "build", target, "--release")
        return good, self.sizes(target, "sensor", "dashboard") if good else ""

    def smoltcp(self):
        # Not with the compiler for bare metal.
        environment = {name: value for name, value in os.environ.items() if name not in ("RUSTC", "RUSTC_BOOTSTRAP")}
        environment["CARGO_TARGET_DIR"] = str(self.built_here)
        done = subprocess.run(["cargo", "run", "--locked"], cwd=EXAMPLES / "smoltcp", env=environment)
        return done.returncode == 0, "runs"

    def example(self, board):
        folder, target = EXAMPLES / board, TARGETS[board]
        if not self.link:
            # The other profile would build the macros a second time.
            return self.cargo(folder, "check", target, "--release"), "compiles"
        good = self.cargo(folder, "build", target, "--release")
        return good, self.sizes(target, board) if good else ""

    def judge(self, board):
        match board:
            case "embassy":
                return self.embassy()
            case "smoltcp":
                return self.smoltcp()
        return self.example(board)


def main():
    names = ["embassy", "smoltcp", *TARGETS]
    parser = argparse.ArgumentParser(prog="tests/device/boards")
    parser.add_argument("built", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("built_here", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--link", action="store_true", help="links the examples too and says what each takes")
    parser.add_argument("board", nargs="*", help=f"instead of all: {', '.join(names)}")
    given = parser.parse_intermixed_args()
    if unknown := set(given.board) - set(names):
        parser.error(f"no board {', '.join(unknown)}")
    boards = Boards(given.built, given.built_here, os.environ["BUILD_STD"].split(), given.link)
    checks = Checks(row="{word}   {name}")
    for board in given.board or names:
        good, said = boards.judge(board)
        checks.add(f"{board}: {said}" if good else board, good, "see above")
    checks.finish()


main()
