"""Has messages inflated and deflated by the programs that `run` has built, checks each against zlib, and prints what
they took.

usage: measure.py FOLDER
"""

import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from messages import corpora

PROFILES = {"release": "z", "fast": "3"}
WINDOWS = range(8, 16)
ENTRIES = [8, 10, 12]
INFLATER = 1064
TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.1
TICKS_PER_INSTRUCTION = 1.6  # 64 ns of the emulator's clock in ticks of 25 MHz


def emulate(program, tasks):
    """What became of each task: the bytes made, instructions, and the distance that was too long for the ring."""
    with tempfile.TemporaryDirectory() as folder:
        heads = [struct.pack("<BBBxI", ord(what), bits, how, len(data)) + data for what, bits, how, data in tasks]
        Path(folder, "work").write_bytes(b"".join(heads))
        command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "null"]
        command += ["-icount", "shift=6", "-kernel", program, "-semihosting-config", "enable=on,target=native"]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, timeout=400)
        if done.returncode != 0:
            sys.exit(f"{program}: status {done.returncode}")
        data, at, results = Path(folder, "done").read_bytes(), 0, []
    while at < len(data):
        made = b""
        while size := struct.unpack_from("<I", data, at)[0]:
            made += data[at + 4 : at + 4 + size]
            at += 4 + size
        ticks, distance = struct.unpack_from("<II", data, at + 4)
        at += 12
        results.append((made, ticks / TICKS_PER_INSTRUCTION, distance))
    if len(results) != len(tasks):
        sys.exit(f"{program}: {len(results)} results of {len(tasks)}")
    return results


def by_zlib(messages, bits, keep):
    """The payloads of a peer with zlib's level 6; its raw streams have no window of 2^8 bytes."""
    made, peer = [], None
    for message in messages:
        if not (peer and keep):
            peer = zlib.compressobj(6, zlib.DEFLATED, -bits)
        made.append((peer.compress(message) + peer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL))
    return made


def share(payloads, messages):
    return f"{100 * sum(map(len, payloads)) / sum(map(len, messages)):.1f}"


def table(heads, rows):
    print()
    print("| " + " | ".join(heads) + " |")
    print("|" + "---:|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def deflated(program, messages, bits, entries):
    """Our payloads, and instructions for a byte."""
    results = emulate(program, [("d", bits, entries, message) for message in messages])
    for (payload, *_), message in zip(results, messages, strict=True):
        if zlib.decompressobj(-max(bits, 9)).decompress(payload + TAIL) != message:
            sys.exit(f"a window of 2^{bits}, 2^{entries} entries: zlib reads another message")
    return [result[0] for result in results], sum(result[1] for result in results) / sum(map(len, messages))


def inflated(program, payloads, messages, bits, keep):
    """Instructions for a byte, and how many of the messages a ring of so many bits takes."""
    results = emulate(program, [("i", bits, keep, payload) for payload in payloads])
    taken = [i for i, (_, _, distance) in enumerate(results) if distance == 0]
    if any(results[i][0] != messages[i] for i in taken):
        sys.exit(f"a ring of 2^{bits}: another message")
    return sum(results[i][1] for i in taken) / max(1, sum(len(messages[i]) for i in taken)), len(taken)


def receiving(programs, messages):
    """A row for each window."""
    unbounded = by_zlib(messages, 15, False)
    for bits in WINDOWS:
        ours = [deflated(programs / "fast", messages, bits, entries)[0] for entries in ENTRIES]
        if bits > 8:
            alone, kept = by_zlib(messages, bits, False), by_zlib(messages, bits, True)
            if inflated(programs / "fast", kept, messages, bits, True)[1] < len(messages):
                sys.exit(f"a window of 2^{bits} that is kept: its ring is too small")
            sizes = [share(alone, messages), share(kept, messages)]
        else:
            alone, sizes = ours[0], ["", ""]
        sizes += [share(payloads, messages) for payloads in ours]
        cost = [f"{inflated(programs / profile, alone, messages, bits, False)[0]:.1f}" for profile in PROFILES]
        taken = inflated(programs / "fast", unbounded, messages, bits, False)[1]
        yield [f"{1 << bits:,}", f"{INFLATER + (1 << bits):,}", *sizes, *cost, f"{100 * taken // len(messages)} %"]


INTRODUCTION = """# Which window: what it costs and what it saves

Bytes on the wire in percent of the messages, without frame headers. *zlib* is a peer with its level 6 and memory level
8, *alone* without context takeover, *kept* with it; it makes no raw streams with 256 bytes. *ours* is the `Deflater`
with a table of so many entries, each message alone. *RAM to receive* is the inflater and its ring; *inflate* is
instructions per byte made on a Cortex-M4, opt-level z and 3, of what zlib sends alone (ours in the first row). The last
column is about a peer that can't be told a window, such as Firefox, and keeps none: how many of its messages the ring
takes."""
SENDING = """
## Sending

RAM of a `Deflater`'s table, and instructions per byte read on a Cortex-M4, by opt-level, with a window of 32 KiB. A
session deflates each message twice, to know its length beforehand. zlib's deflater takes 2^(bits + 2) +
2^(memory level + 9) bytes, 256 KiB by default (zconf.h)."""


def main():
    programs = Path(sys.argv[1]).resolve()
    print(INTRODUCTION)
    heads = ["window and ring", "RAM to receive", "zlib, alone", "zlib, kept"]
    heads += [f"ours, {1 << entries:,}" for entries in ENTRIES]
    heads += ["inflate, z", "inflate, 3", "of a peer with 32 KiB"]
    kinds = corpora()
    for name, (what, messages) in kinds.items():
        sizes = sorted(map(len, messages))
        print(f"\n## {name}\n\n{what}")
        print(f"{len(messages)} messages, {sizes[0]} to {sizes[-1]:,} bytes, the median {sizes[len(sizes) // 2]}.")
        table(heads, receiving(programs, messages))
    print(SENDING)
    rows = []
    for entries in ENTRIES:
        cost = [deflated(programs / p, messages, 15, entries)[1] for _, messages in kinds.values() for p in PROFILES]
        rows.append([f"{1 << entries:,}", f"{2 << entries:,}", *(f"{number:.1f}" for number in cost)])
    table(["entries", "RAM"] + [f"{name}, {level}" for name in kinds for level in PROFILES.values()], rows)


main()
