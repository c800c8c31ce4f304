"""Starts echo servers for the checks in JavaScript beside it, runs these, and says how they went.

usage: browser.py ECHO_SERVER NODE FOLDER    FOLDER takes logs and pictures; CHROMIUM in the environment is the browser
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from stage import Process, bound, output_of

HERE = Path(__file__).parent


def start(server, log, *arguments):
    """An echo server on a free port; gives the port."""
    process = Process(log, server, "--listen", "127.0.0.1:0", *arguments)
    return process.says(r"listening on wss?://127\.0\.0\.1:([0-9]+)/")[1]


def key_of(certificate):
    """The hash of its public key: the browser trusts no certificate by another way without a store of them."""
    command = ["openssl", "x509", "-in", certificate, "-pubkey", "-noout"]
    pem = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def main(server, node, out):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    client = Path(os.environ["NODE_PATH"]) / "socket.io-client" / "dist" / "socket.io.min.js"
    environment = os.environ | {
        "UNTRUSTED": start(server, out / "untrusted.log", "--tls"),
        "PORT": start(server, out / "server.log", "--tls-save", out / "server.pem"),
        "SPKI": key_of(out / "server.pem"),
        "SOCKETIO": start(server, out / "socketio.log", "--socketio-client", client),
        "LOG": str(out / "socketio.log"),
        "OUT": str(out),
    }
    command = [node, "--test", "--test-concurrency=1", "--test-reporter=tap", *sorted(HERE.glob("*.test.cjs"))]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(bound(command), env=environment, text=True, errors="replace", **streams)
    print(done.stdout, "---", output_of(os.environ["CHROMIUM"], "--version", stderr=subprocess.DEVNULL), sep="\n")
    # TAP marks each test with a line at the start or indented; the summary follows.
    for verdict, name in re.findall(r"^ *(not ok|ok) [0-9]+ - (.*)$", done.stdout, re.MULTILINE):
        if not name.endswith(".cjs"):
            print(f"  {verdict} {name}")
    passed, failed = (re.search(f"^# {kind} ([0-9]+)", done.stdout, re.MULTILINE) for kind in ("pass", "fail"))
    print(f"{passed[1] if passed else 'no'} passed, {failed[1] if failed else 'no'} failed")
    return done.returncode


sys.exit(main(*sys.argv[1:]))
