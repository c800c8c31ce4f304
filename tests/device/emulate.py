"""Boots a firmware in QEMU: `emulate` beside it says how."""

import argparse
import subprocess
import sys
from pathlib import Path

from stage import bound


def main():
    parser = argparse.ArgumentParser(prog="tests/device/emulate")
    parser.add_argument("decoder", help=argparse.SUPPRESS)
    parser.add_argument("folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-f", dest="port", type=int, help="of the host, forwarded to the server's")
    parser.add_argument("name", help="of a program in src/bin")
    parser.add_argument("arguments", nargs="*", metavar="argument=value", help="for the program")
    given = parser.parse_intermixed_args()
    elf = given.folder / given.name
    if not elf.exists():
        sys.exit(f"there is no {elf}: tests/device/build makes it")

    # A server has no business to reach out.
    forward = f",restrict=on,hostfwd=tcp:127.0.0.1:{given.port}-:1740" if given.port else ""
    semihosting = "".join(f",arg={argument}" for argument in [given.name, *given.arguments])
    command = "qemu-system-arm -M mps2-an385 -display none -monitor none -serial null -net nic,netdev=n0".split()
    command += ["-netdev", f"user,id=n0{forward}", "-kernel", elf]
    command += ["-semihosting-config", f"enable=on,target=native{semihosting}"]
    decoder = subprocess.Popen([given.decoder, "-e", elf], stdin=subprocess.PIPE)
    # The kernel ends it with this program; the decoder ends with its input.
    emulator = subprocess.Popen(bound(command), stdin=subprocess.DEVNULL, stdout=decoder.stdin)
    decoder.stdin.close()
    status = emulator.wait()
    decoder.wait()
    return status


sys.exit(main())
