"""Runs the programs that `run` has built, judges what they sent, and prints what they took.

usage: measure.py FOLDER CRATE...
"""

import struct
import subprocess
import sys
from pathlib import Path

PROFILES = {"release": "z", "fast": "3"}
JOBS = {
    "echo": "echo of frames",
    "server": "server: handshake, then echo",
    "client": "client: handshake, then echo",
}
MESSAGES = [("text", 16), ("text", 125), ("text", 1024), ("binary", 16), ("binary", 125), ("binary", 1024)]
REPEATS = 8
MASKED = [126, 1024]
TICKS_PER_INSTRUCTION = 1.6  # 64 ns of the emulator's clock in ticks of 25 MHz
LETTERS = bytes(97 + i % 26 for i in range(1024))


def sections(program):
    """Flash, and RAM that is there before the stack."""
    lines = subprocess.run(["llvm-size", "-A", program], check=True, capture_output=True, text=True).stdout
    size = {}
    for line in lines.splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdigit():
            size[words[0]] = int(words[1])
    flash = sum(size.get(name, 0) for name in (".vector_table", ".text", ".rodata", ".data"))
    return flash, size.get(".data", 0) + size.get(".bss", 0)


def boot(program):
    """What the program sent, and what it measured."""
    command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "null"]
    command += ["-icount", "shift=6", "-semihosting-config", "enable=on,target=native", "-kernel", program]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    sent, mark, measured = done.stdout.rpartition(b"MEASURED")
    if done.returncode != 0 or not mark:
        sys.exit(f"{program}: status {done.returncode}, {done.stderr.decode()}")
    stack, state, *ticks = struct.unpack("<8I", measured)
    return sent, stack, state, [t / TICKS_PER_INSTRUCTION for t in ticks]


def frames(data):
    """(opcode with FIN, payload) of every frame."""
    while data:
        opcode, length = data[0], data[1] & 0x7F
        masked, data = data[1] & 0x80, data[2:]
        if length == 126:
            length, data = int.from_bytes(data[:2], "big"), data[2:]
        key = bytes(4)
        if masked:
            key, data = data[:4], data[4:]
        payload = bytes(b ^ key[i % 4] for i, b in enumerate(data[:length]))
        data = data[length:]
        yield opcode, payload, bool(masked)


def judge(program, job, sent):
    """What went wrong beside the job; that must have been done, or its figures mean nothing."""
    if job != "echo":
        head, _, sent = sent.partition(b"\r\n\r\n")
        accept = b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI="
        want = accept if job == "server" else b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        if want not in head.split(b"\r\n"):
            sys.exit(f"{program}: the handshake is {head!r}")
    want = [(0x81 if kind == "text" else 0x82, LETTERS[:n]) for kind, n in MESSAGES for _ in range(REPEATS)]
    got = list(frames(sent))
    masked = job == "client"
    if any(frame[2] != masked for frame in got):
        sys.exit(f"{program}: frames must {'' if masked else 'not '}be masked")
    got = [frame[:2] for frame in got]
    if got[: len(want)] != want:
        sys.exit(f"{program}: the echo differs from what was sent")
    # Behind them: a message in two fragments, a pong between them, a close frame.
    rest = got[len(want) :]
    if rest[-1] != (0x88, b"\x03\xe8"):
        sys.exit(f"{program}: the last frame is {rest[-1]}")
    faults = []
    if b"".join(payload for opcode, payload in rest if opcode & 0x0F in (0, 1)) != LETTERS[:100] * 2:
        faults.append("spoils a message in fragments with a ping between them")
    if (0x8A, LETTERS[:125]) not in rest:
        faults.append("does not answer a ping between fragments with a pong")
    return faults


def unmask(program, which, length):
    if not program.exists():
        return ""
    sent, _, _, instructions = boot(program)
    if sent != b"".join(LETTERS[:n] for n in MASKED):
        sys.exit(f"{program}: unmasked to {sent!r}")
    return f"{instructions[which] / length:.2f}"


def main():
    folder, crates = Path(sys.argv[1]), sys.argv[2:]
    results, faults = {}, {}
    for profile in PROFILES:
        for job in JOBS:
            rig_flash, rig_ram = sections(folder / f"{profile}-{job}-none")
            for crate in crates:
                program = folder / f"{profile}-{job}-{crate}"
                flash, ram = sections(program)
                sent, stack, state, instructions = boot(program)
                faults.setdefault(crate, set()).update(judge(program, job, sent))
                results[profile, job, crate] = (flash - rig_flash, ram - rig_ram, stack, state, instructions)

    print("Bytes of flash, static RAM and stack beyond the caller's buffers, on thumbv7em:\n")
    print("| job | opt-level | | " + " | ".join(crates) + " |")
    print("|---|---|---|" + "---:|" * len(crates))
    for job, what in JOBS.items():
        for profile, level in PROFILES.items():
            for i, name in enumerate(("flash", "static RAM", "stack")):
                row = [f"{results[profile, job, crate][i]:,}" for crate in crates]
                print(f"| {what} | {level} | {name} | " + " | ".join(row) + " |")
                what = ""
    for profile, level in PROFILES.items():
        flash = sections(folder / f"{profile}-server-refusing")[0] - sections(folder / f"{profile}-server-none")[0]
        note = "server that tells why it refuses (the others hang up)" if profile == "release" else ""
        row = [f"{flash:,}" if crate == "microws" else "" for crate in crates]
        print(f"| {note} | {level} | flash | " + " | ".join(row) + " |")
    row = [f"{results['release', 'echo', crate][3]:,}" for crate in crates]
    print("| state of a connection | | | " + " | ".join(row) + " |")

    print("\nInstructions from a frame received to its echo ready to send, as a server:\n")
    print("| message | opt-level | " + " | ".join(crates) + " |")
    print("|---|---|" + "---:|" * len(crates))
    for i, (kind, length) in enumerate(MESSAGES):
        for profile, level in PROFILES.items():
            row = [f"{results[profile, 'echo', crate][4][i]:,.0f}" for crate in crates]
            print(f"| {kind}, {length} bytes | {level} | " + " | ".join(row) + " |")

    print("\nInstructions per byte unmasked, of the crates that make masking public:\n")
    print("| payload | opt-level | " + " | ".join(crates) + " |")
    print("|---|---|" + "---:|" * len(crates))
    for i, length in enumerate(MASKED):
        for profile, level in PROFILES.items():
            row = [unmask(folder / f"{profile}-mask-{crate}", i, length) for crate in crates]
            print(f"| {length} bytes | {level} | " + " | ".join(row) + " |")

    for crate in crates:
        for fault in sorted(faults[crate]):
            print(f"\n{crate} {fault}.")


main()
