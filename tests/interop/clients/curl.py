"""Heads made by hand, sent with curl: what the server answers to an upgrade and to everything that is none.

SCHEME in the environment is ws or wss, PLAIN and CHOSEN are the ports of the two servers. Over wss a third server is at
UNTRUSTED, whose certificate nobody trusts; those of the others are in CURL_CA_BUNDLE.
"""

import os
import subprocess
import sys
import tempfile
from itertools import takewhile
from pathlib import Path

from stage import Checks

checks = Checks("ok", "not ok")


class Answer:
    """What a server answers: status, fields by their names in small letters, body; and curl's exit status."""

    def __init__(self, server, path, *fields, options=()):
        url = f"{os.environ['SCHEME'].replace('ws', 'http')}://127.0.0.1:{os.environ[server]}{path}"
        command = ["curl", "--silent", "--http1.1", "--max-time", "10", "--dump-header", "-", *options]
        for field in fields:
            command += ["-H", field]
        with tempfile.TemporaryDirectory() as folder:
            body = Path(folder) / "body"
            with subprocess.Popen([*command, "--output", body, url], stdout=subprocess.PIPE, text=True) as curl:
                # An empty line ends the head. After a 101 the connection stays open.
                lines = [line.rstrip("\n") for line in takewhile(lambda line: line != "\n", curl.stdout)]
                self.status = int(lines[0].split()[1]) if lines else None
                if self.status == 101:
                    curl.terminate()
            self.body = body.read_text() if body.exists() else ""
        self.head = "\n".join(lines)
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.exit_status = curl.returncode

    def check(self, name, is_good):
        checks.add(name, is_good, self.head or f"curl's exit status is {self.exit_status}")

    def has(self, name, status):
        self.check(name, self.status == status)

    def has_field(self, name, field, value):
        self.check(name, self.status is not None and self.fields.get(field) == value)


# RFC 6455 gives the accept value of a key; this pair is written down, not computed.
KEY, ACCEPT = "sN9cRrP/n9NdMgdcy2VJFQ==", "fFBooB7FAkLlXgRSz0BT3v4hq5s="
UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"]
VERSION = "Sec-WebSocket-Version: 13"
PROPER = [*UPGRADE, VERSION, f"Sec-WebSocket-Key: {KEY}"]
ALLOWED = "Origin: https://allowed.example"

print("version", subprocess.check_output(["curl", "--version"], text=True).split()[1], flush=True)

answer = Answer("PLAIN", "/", *PROPER)
answer.has("an upgrade gets 101", 101)
answer.has_field("  with the accept value of its key", "sec-websocket-accept", ACCEPT)
answer.has_field("  with Upgrade", "upgrade", "websocket")
answer.has_field("  with Connection", "connection", "Upgrade")
answer.has_field("  without a subprotocol", "sec-websocket-protocol", None)
answer.has_field("  without an extension", "sec-websocket-extensions", None)
answer = Answer("PLAIN", "/any/path?with=query", *PROPER)
answer.has("an upgrade of another path gets 101", 101)
odd = [f"sec-websocket-key: {KEY}", "connection: keep-alive, UPGRADE", "upgrade: h2c, WebSocket"]
answer = Answer("PLAIN", "/", VERSION, *odd)
answer.has("tokens in lists and in any case get 101", 101)
answer = Answer("PLAIN", "/", *PROPER, "Cookie: " + "c" * 4000)
answer.has("a cookie of 4,000 bytes gets 101", 101)
answer = Answer("PLAIN", "/", *PROPER, "Sec-WebSocket-Protocol: unknown, echo-protocol")
answer.has_field("an offered subprotocol is chosen", "sec-websocket-protocol", "echo-protocol")
answer = Answer("PLAIN", "/", *PROPER, "Sec-WebSocket-Protocol: unknown")
answer.has_field("a subprotocol that it does not speak is not chosen", "sec-websocket-protocol", None)
answer = Answer("CHOSEN", "/", *PROPER, ALLOWED, "Sec-WebSocket-Protocol: second")
answer.has("the origin allowed gets 101", 101)
answer.has_field("  and the second of two subprotocols", "sec-websocket-protocol", "second")

answer = Answer("PLAIN", "/")
answer.has("GET / without an upgrade gets 200", 200)
answer.check("  a page", answer.fields.get("content-type", "").startswith("text/html"))
answer.check("  with a WebSocket in it", "new WebSocket" in answer.body)
answer = Answer("PLAIN", "/nowhere")
answer.has("GET of another path gets 404", 404)
answer = Answer("PLAIN", "/", options=["--request", "POST"])
answer.has("POST gets 405", 405)
answer.check("  with the method allowed", "GET" in answer.fields.get("allow", ""))
answer = Answer("PLAIN", "/", *PROPER, options=["--request", "POST"])
answer.has("POST with an upgrade gets 405", 405)
answer = Answer("PLAIN", "/", *PROPER, options=["--request", "GET", "--data", "frame"])
answer.has("an upgrade with a body gets 400", 400)

answer = Answer("PLAIN", "/", *UPGRADE, "Sec-WebSocket-Version: 8", f"Sec-WebSocket-Key: {KEY}")
answer.has("version 8 gets 426", 426)
answer.has_field("  with the version that would do", "sec-websocket-version", "13")
answer = Answer("PLAIN", "/", *UPGRADE, VERSION)
answer.has("no key gets 400", 400)
answer = Answer("PLAIN", "/", *UPGRADE, VERSION, "Sec-WebSocket-Key: c2hvcnQ=")
answer.has("a key of 5 bytes gets 400", 400)
answer = Answer("PLAIN", "/", *PROPER, f"Sec-WebSocket-Key: {KEY}")
answer.has("two keys get 400", 400)
answer = Answer("PLAIN", "/", *PROPER, "Host:")
answer.has("no Host gets 400", 400)
answer = Answer("CHOSEN", "/", *PROPER, "Origin: https://other.example")
answer.has("another origin gets 403", 403)
answer = Answer("CHOSEN", "/", *PROPER, "Origin: https://allowed.example.evil.example")
answer.has("an origin that only begins like it gets 403", 403)

if os.environ["SCHEME"] == "wss":
    answer = Answer("UNTRUSTED", "/")
    # "Peer certificate cannot be authenticated with given CA certificates."
    answer.check("a certificate that is not trusted is refused", answer.exit_status == 60 and not answer.head)
    answer = Answer("UNTRUSTED", "/", options=["--insecure"])
    answer.has("  and taken by whom it does not trouble", 200)
sys.exit(checks.failed > 0)
