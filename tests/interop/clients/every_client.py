"""Starts the servers, runs each client against them, and makes the table; see run.

usage: every_client.py ECHO EXAMPLES NODE OUT [NAME...], with the echo server, the folder of the examples, Node.js, and
a folder to write to
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from stage import Process

ECHO, EXAMPLES, NODE, OUT = sys.argv[1:5]
HERE = Path(__file__).parent
# Each says its version in a line `version ...`, then `ok ...` or `not ok ...` for each check.
CLIENTS = {
    "ws": [NODE, HERE / "clients.cjs", "ws"],
    "websocket": [NODE, HERE / "clients.cjs", "websocket"],
    "node": [NODE, HERE / "clients.cjs", "node"],
    "websockets": [sys.executable, HERE / "clients.py", "websockets"],
    "aiohttp": [sys.executable, HERE / "clients.py", "aiohttp"],
    "websocket-client": [sys.executable, HERE / "clients.py", "websocket-client"],
    "curl": [sys.executable, HERE / "curl.py"],
    "openssl": [sys.executable, HERE / "openssl.py"],
    "socket.io-client": [NODE, HERE / "socketio.cjs"],
    "python-socketio": [sys.executable, HERE / "socketio_client.py"],
    "chat": [NODE, HERE / "chat.cjs"],
    "engine.io-client": [NODE, HERE / "engineio.cjs"],
}
# Programs of their own, without TLS.
PLAIN_ONLY = {"chat", "engine.io-client"}
TLS_ONLY = {"openssl"}
# As it comes, with context takeover, with its choices made, and for Socket.IO.
SERVERS = {
    "PLAIN": [],
    "TAKEOVER": ["--deflate", "takeover"],
    "CHOSEN": "--subprotocol first --subprotocol second --greeting something --max-message 1000".split()
    + ["--origin", "https://allowed.example"],
    "SOCKETIO": "--socketio-ping-interval 0.3 --socketio-ping-timeout 5".split()
    + ["--socketio-namespace", "/", "--socketio-namespace", "/custom"],
}
MINUTES = 5  # for a client


def start(log, *options):
    """An echo server's port."""
    server = Process(f"{OUT}/{log}.log", ECHO, "--listen", "127.0.0.1:0", *options)
    return server.says(r"listening on wss?://127\.0\.0\.1:(\d+)/")[1]


def plain_servers():
    """What the environment tells the clients of servers without TLS."""
    ports = {name: start(name.lower(), *options) for name, options in SERVERS.items()}
    return ports | {"SCHEME": "ws", "CHAT": f"{EXAMPLES}/socketio_chat", "ENGINEIO": f"{EXAMPLES}/engineio"}


def tls_servers():
    """The same with TLS, and one that nobody trusts."""
    ports, certificates = {}, []
    for name, options in SERVERS.items():
        certificates.append(Path(f"{OUT}/{name.lower()}.pem"))
        ports[name] = start(f"{name.lower()}-tls", "--tls-only", "--tls-save", certificates[-1], *options)
    ports["UNTRUSTED"] = start("untrusted", "--tls")
    trusted = Path(f"{OUT}/trusted.pem")
    trusted.write_text("".join(certificate.read_text() for certificate in certificates))
    trust = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]
    return ports | {"SCHEME": "wss"} | dict.fromkeys(trust, str(trusted))


def run(name, environment):
    """How many checks passed, and the others; a row of the table."""
    scheme = environment["SCHEME"]
    print(f"== {name} over {scheme}", flush=True)
    client = Process(f"{OUT}/{name}-{scheme}.log", *CLIENTS[name], env=os.environ | environment)
    try:
        status = client.wait(MINUTES * 60)
    except subprocess.TimeoutExpired:
        client.end()
        status = f"none after {MINUTES} minutes"
    output = client.output()
    print(output, end="", flush=True)
    find = lambda pattern: re.findall(pattern, output, re.MULTILINE)
    good, bad = find(r"^ok (.*)"), find(r"^not ok (.*)")
    # A client that ended early, or checked nothing, is a failure that no line of its own tells.
    if not bad and (status != 0 or not good):
        bad = [f"exit status {status}"]
    version = "".join(find(r"^version (.*)"))
    row = f"{name:<18} {version:<10} {scheme:<4} {len(good):3} of {len(good) + len(bad)}"
    return len(good), [f"FAILED {name} over {scheme}: {what}" for what in bad], row


names = sys.argv[5:] or list(CLIENTS)
if unknown := set(names) - set(CLIENTS):
    sys.exit(f"no {', '.join(unknown)}; there are {', '.join(CLIENTS)}")
plain, tls = plain_servers(), tls_servers()
runs = [run(name, plain) for name in names if name not in TLS_ONLY]
runs += [run(name, tls) for name in names if name not in PLAIN_ONLY]
passed = sum(good for good, _, _ in runs)
failures = [failure for _, bad, _ in runs for failure in bad]
print("---", f"{'client':<18} {'version':<10} over checks passed", *(row for _, _, row in runs), *failures, sep="\n")
print(f"{passed} passed, {len(failures)} failed")
sys.exit(bool(failures) or not passed)
