"""Whether the entries to the core link where a panic handler that is reached is an error.

usage: links.py LINKER BUILT TARGET...    BUILT is the folder that both forms are built in
"""

import subprocess
import sys
from pathlib import Path

from stage import Checks

PANIC = "panic_is_reachable"
FORMS = {"compact": "libnopanic.a", "default": "libnopanic_stubbed.a"}
ENTRIES = {
    "the connection by hand, both roles": ["converse_only"],
    "a server and a client by hand": ["serve", "connect"],
    "sessions, both roles and upgraded": ["serve_session", "connect_session", "converse_session"],
    "compressed messages, the engine alone, by hand and in sessions":
        ["deflate_alone", "deflate_by_hand", "deflate_sessions"],
    "addresses, waits, pages, messages for many, in sessions": ["kit_session"],
    "byte streams, pages and whole messages, blocking and polled":
        ["stream_blocking", "whole_blocking", "whole_polled"],
    "Socket.IO, client by hand and by handle, server, codec":
        ["socketio_client", "socketio_blocking", "socketio_polled", "socketio_server", "socketio_codec"],
    "the adapter blocking, both roles": ["serve_blocking", "connect_blocking"],
    "the adapter polled, both roles": ["serve_polled", "connect_polled"],
}  # fmt: skip
FUTURES = {
    "byte streams and whole messages async and a dial, but for a future polled after its end":
        ["stream_async", "whole_async", "dial_async"],
    "the adapter asynch, both roles, but for a future polled after its end": ["serve_async", "connect_async"],
}  # fmt: skip


class Library:
    def __init__(self, linker, built, target, name):
        self.linker, self.elf = linker, built / "nopanic.elf"
        self.path = built / target / "release" / name

    def link(self, entry, *options):
        """What the linker says that it lacks; nothing if it links."""
        command = [self.linker, "--gc-sections", *options, "-e", entry, "-o", self.elf, "--whole-archive", self.path]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0 or done.stdout, "the linker failed and said nothing"
        return done.stdout if done.returncode else ""

    def panics_left(self, entry):
        """The functions of the library for panics that the program has, if one may be reached."""
        if errors := self.link(entry, "--defsym", f"{PANIC}=0"):
            return [errors]
        names = subprocess.run(["llvm-nm", self.elf], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        return [name for name in names if "9panicking" in name and "9panic_fmt" not in name]


def main(linker, built, *targets):
    checks = Checks(row="{word}   {name}")
    for target in targets:
        for form, name in FORMS.items():
            library, of = Library(linker, Path(built), target, name), f"{target}, {form}: "
            for what, entries in ENTRIES.items():
                errors = "".join(library.link(entry) for entry in entries)
                checks.add(of + what, not errors, errors)
            # A future that is polled after its end panics; that check is the compiler's, and all that may be left.
            for what, entries in FUTURES.items():
                left = [library.panics_left(entry) for entry in entries]
                good = all(len(panics) == 1 and "async_fn_resumed" in panics[0] for panics in left)
                checks.add(of + what, good, "\n".join(panic for panics in left for panic in panics))
            # The check itself must be able to fail.
            checks.add(of + "an index out of bounds does not link", PANIC in library.link("panics"))
    checks.finish()


main(*sys.argv[1:])
