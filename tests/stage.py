"""What the stages in Python share; tests/lib.sh puts this folder on PYTHONPATH."""

import atexit
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 20  # seconds in which a condition must hold; a program's whole run may take three times as long

# What ends the stage from outside must not skip what ends its programs.
for number in signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, lambda number, _: sys.exit(128 + number))


def until(what, condition):
    """Waits until the condition gives something, and returns that."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)
    return found


def free_ports(number):
    """So many ports of 127.0.0.1 at which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [free.getsockname()[1] for free in sockets]
    for free in sockets:
        free.close()
    return ports


def bound(command):
    """The command, as one that the kernel ends if the thread that starts it ends, and so if the stage is killed."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, command)]


class Process(subprocess.Popen):
    """A program in the background. What it prints goes to the file `log`; it ends with the stage."""

    def __init__(self, log, *command, **more):
        self.log, self.name = Path(log), Path(command[0]).name
        with open(log, "wb") as file:
            streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
            super().__init__(bound(command), **streams | more)
        atexit.register(self.end)

    def output(self):
        return self.log.read_text(errors="replace")

    def says(self, pattern):
        """Waits for a match in what it prints; `^` begins a line."""
        return self.reaches(repr(pattern), lambda: re.search(pattern, self.output(), re.MULTILINE))

    def listens(self, port):
        """Waits until somebody can connect."""

        def connects():
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        return self.reaches(f"port {port}", connects)

    def reaches(self, what, condition):
        """Waits until the condition gives something, unless the program ends before."""

        def still():
            has_ended = self.poll() is not None
            found = condition()
            assert found or not has_ended, f"exit status {self.returncode} before {what}:\n{self.output()[-2000:]}"
            return found

        return until(f"{what} of {self.name}, see {self.log}", still)

    def end(self):
        """Asks, waits five seconds, insists."""
        atexit.unregister(self.end)
        self.terminate()
        try:
            self.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()


def output_of(*command, stderr=subprocess.STDOUT):
    """What a program without input prints, and its exit status in a last line unless that is 0."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": stderr}
    done = subprocess.run(bound(command), **streams, timeout=3 * PATIENCE)
    status = f"\nexit status {done.returncode}" if done.returncode else ""
    return done.stdout.decode(errors="replace").rstrip("\n") + status


class Checks:
    """Tells of each check as it is made, and counts them."""

    def __init__(self, good="passed", bad="FAILED", row="{word} {name}"):
        self.words, self.row = (good, bad), row
        self.rows, self.failed = [], 0

    def add(self, name, is_good, detail=""):
        """The first line of the detail is for the table, if the check failed."""
        row = self.row.format(word=self.words[not is_good], name=name)
        row += "" if is_good else ": " + detail.partition("\n")[0][:300]
        self.failed += not is_good
        self.rows.append(row)
        print(row, *([] if is_good else detail.splitlines()[1:]), sep="\n    ", flush=True)

    def finish(self, *heading):
        """Writes the result of the stage, which ends here."""
        print("---", *heading, *self.rows, sep="\n")
        print(f"{len(self.rows) - self.failed} passed, {self.failed} failed", flush=True)
        sys.exit(self.failed > 0)
