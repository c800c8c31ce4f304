"""Runs the programs that `run` has built, judges what they sent, and prints what they took.

usage: measure.py FOLDER TARGETS CONTENDER...
"""

import struct
import subprocess
import sys
import zlib
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


def masked_frame(first, payload, length=None, key=bytes((0x37, 0xFA, 0x21, 0x3D))):
    """A client's frame; `length` in more bytes than needed if it is given."""
    size = length if length is not None else bytes([len(payload)])
    return bytes([first, size[0] | 0x80]) + size[1:] + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


# What a server must not take (RFC 6455), as its first frame.
FAULTS = {
    "a reserved bit (5.2)": masked_frame(0xC2, b"fault"),
    "a reserved opcode (5.2)": masked_frame(0x83, b"fault"),
    "an unmasked frame (5.1)": b"\x82\x05fault",
    "a length in more bytes than needed (5.2)": masked_frame(0x82, b"fault", b"\x7e\x00\x05"),
    "a continuation of nothing (5.4)": masked_frame(0x80, b"fault"),
    "a message inside another (5.4)": masked_frame(0x02, b"a") + masked_frame(0x82, b"fault"),
    "a ping in fragments (5.5)": masked_frame(0x09, b"fault"),
    "a ping of 126 bytes (5.5)": masked_frame(0x89, bytes(126), b"\x7e\x00\x7e"),
    "text that is not UTF-8 (8.1)": masked_frame(0x81, b"\xc0\xaf"),
    "a close code that must not be sent (7.4)": masked_frame(0x88, b"\x03\xed"),
    "a close frame of one byte (5.5.1)": masked_frame(0x88, b"\x03"),
}


def sections(program):
    """Flash, and RAM that is there before the stack."""
    lines = subprocess.run(["llvm-size", "-A", program], check=True, capture_output=True, text=True).stdout
    size = {}
    for line in lines.splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdigit():
            size[words[0]] = int(words[1])
    # Elsewhere than on Cortex-M read-only data has sections of its own.
    parts = (".vector_table", ".text", ".rodata", ".data", ".sdata", ".srodata")
    flash = sum(n for name, n in size.items() if any(name == part or name.startswith(part + ".") for part in parts))
    return flash, size.get(".data", 0) + size.get(".bss", 0)


def boot(program, fault=b""):
    """What the program sent, and what it measured; `fault` is a frame that comes first."""
    command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "null"]
    command += ["-icount", "shift=6", "-kernel", program]
    arguments = f",arg=size,arg={fault.hex()}" if fault else ""
    command += ["-semihosting-config", f"enable=on,target=native{arguments}"]
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
        if opcode & 0x40:  # compressed (RFC 7692)
            opcode &= ~0x40
            payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        yield opcode, payload, bool(masked)


def judge(program, job, sent):
    """What went wrong beside the job; that must have been done, or its figures mean nothing."""
    if job != "echo":
        head, _, sent = sent.partition(b"\r\n\r\n")
        accept = b"sec-websocket-accept", b"ICX+Yqv66kxgM0FcWaLWlFLwTAI="
        want = accept if job == "server" else (b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==")
        # Names compare without case.
        fields = [line.partition(b": ") for line in head.split(b"\r\n")]
        if want not in [(name.lower(), value) for name, _, value in fields]:
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


def reaction(program, fault):
    """What a server does about a frame at fault: a close frame with a code, or none, or it takes it."""
    try:
        sent, *_ = boot(program, fault)
        got = list(frames(sent))
    except (IndexError, subprocess.TimeoutExpired, SystemExit):
        return "panics"
    # The messages that come after it are not echoed if the connection has failed.
    if any(payload == LETTERS[:16] for opcode, payload, _ in got if opcode & 0x0F < 3):
        return "taken"
    closes = [payload for opcode, payload, _ in got if opcode == 0x88]
    return str(int.from_bytes(closes[-1][:2], "big")) if closes and len(closes[-1]) > 1 else "hangs up"


def table(first, columns, rows):
    print("| " + " | ".join((*first, *columns)) + " |")
    print("|" + "---|" * len(first) + "---:|" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main():
    folder, targets, contenders = Path(sys.argv[1]), sys.argv[2].split(), sys.argv[3:]
    measured = targets[0]
    results, faults = {}, {}

    def program(target, profile, job, contender):
        return folder / f"{target}-{profile}-{job}-{contender}"

    def weight(target, profile, job, contender, part=0):
        """Flash, or static RAM as the other part."""
        path = program(target, profile, job, contender)
        if not path.exists():
            return "does not build"
        return f"{sections(path)[part] - sections(program(target, profile, job, 'none'))[part]:,}"

    for profile in PROFILES:
        for job in JOBS:
            rig_flash, rig_ram = sections(program(measured, profile, job, "none"))
            for contender in contenders:
                path = program(measured, profile, job, contender)
                size, ram = sections(path)
                sent, stack, state, instructions = boot(path)
                faults.setdefault(contender, set()).update(judge(path, job, sent))
                results[profile, job, contender] = (size - rig_flash, ram - rig_ram, stack, state, instructions)

    print(f"Bytes of flash, static RAM and stack beyond the caller's buffers, on {measured}:\n")
    rows = []
    for job, what in JOBS.items():
        for profile, level in PROFILES.items():
            for i, name in enumerate(("flash", "static RAM", "stack")):
                row = [f"{results[profile, job, contender][i]:,}" for contender in contenders]
                rows.append([what, level, name, *row])
                what = ""
    for profile, level in PROFILES.items():
        rejecting = {"microws": "rejecting", "compact": "compact-rejecting"}
        rejecting |= {c: c for c in contenders if c.startswith("session")}
        row = [weight(measured, profile, "server", rejecting[c]) if c in rejecting else "" for c in contenders]
        rows.append(["server that tells why it rejects (the others hang up)", level, "flash", *row])
    tls = {"session": "session-tls"}
    for profile, level in PROFILES.items():
        for i, name in enumerate(("flash", "static RAM")):
            row = [weight(measured, profile, "client", tls[c], i) if c in tls else "" for c in contenders]
            rows.append(["client over TLS 1.3 with embedded-tls, record buffers included", level, name, *row])
    rows.append(["state of a connection", "", "", *(f"{results['release', 'echo', c][3]:,}" for c in contenders)])
    table(("job", "opt-level", ""), contenders, rows)

    print("\nBytes of flash on other cores, opt-level z:\n")
    rows = []
    for target in targets[1:]:
        for job, what in JOBS.items():
            rows.append([target, what, *(weight(target, "release", job, contender) for contender in contenders)])
    table(("target", "job"), contenders, rows)

    print("\nInstructions from a frame received to its echo ready to send, as a server:\n")
    rows = []
    for i, (kind, length) in enumerate(MESSAGES):
        for profile, level in PROFILES.items():
            row = [f"{results[profile, 'echo', contender][4][i]:,.0f}" for contender in contenders]
            rows.append([f"{kind}, {length} bytes", level, *row])
    table(("message", "opt-level"), contenders, rows)

    print("\nInstructions per byte unmasked, of those that make masking public:\n")
    rows = []
    for i, length in enumerate(MASKED):
        for profile, level in PROFILES.items():
            row = [unmask(program(measured, profile, "mask", contender), i, length) for contender in contenders]
            rows.append([f"{length} bytes", level, *row])
    table(("payload", "opt-level"), contenders, rows)

    print("\nWhat a server does about a first frame that RFC 6455 forbids; a number is the code of its close frame:\n")
    rows = []
    for what, fault in FAULTS.items():
        row = [reaction(program(measured, "release", "echo,fault", contender), fault) for contender in contenders]
        rows.append([what, *row])
    table(("fault",), contenders, rows)

    for contender in contenders:
        for fault in sorted(faults[contender]):
            print(f"\n{contender} {fault}.")


main()
