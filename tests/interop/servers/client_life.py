"""The example client_life against a server that refuses, moves, opens, goes away and at last wants credentials.

usage: client_life.py PROGRAM
"""

import base64
import hashlib
import re
import socket
import subprocess
import sys

listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(30)
port = listener.getsockname()[1]


def request():
    """The next connection and the head of its request."""
    stream, _ = listener.accept()
    stream.settimeout(30)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        assert byte, head
        head += byte
    return stream, head


def opened(stream, head):
    key = re.search(rb"^Sec-WebSocket-Key: (.*)\r$", head, re.MULTILINE)[1]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    head = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    stream.sendall(head + accept + b"\r\n\r\n")
    # A text "hi"; the client's first message; a close frame with 1001, which the client returns masked.
    stream.sendall(b"\x81\x02hi")
    assert stream.recv(1) == b"\x81"
    stream.sendall(b"\x88\x02\x03\xe9")
    received = b""
    while piece := stream.recv(1000):
        received += piece
        if b"\x88\x82" in received:
            break


STEPS = [
    ("/start", b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
    ("/start", b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:%d/moved\r\n\r\n" % port),
    ("/moved", opened),
    # Back home: without an answer; to a place that is no address; with credentials only.
    ("/start", b""),
    ("/start", b"HTTP/1.1 301 Moved\r\nLocation: /path\r\n\r\n"),
    ("/start", b"HTTP/1.1 401 Unauthorized\r\n\r\n"),
]
EXPECTED = """\
the server answered with status 429 instead of 101: wait as long as the answer's Retry-After field says, then try again
again in N ms
the server answered with status 301 instead of 101: connect to the address in the answer's Location field
connected to ws://127.0.0.1:PORT/moved
the server says hi
closed: 1001 (going away)
again in N ms
no WebSocket: the stream ended without a close frame
again in N ms
the server answered with status 301 instead of 101: connect to the address in the answer's Location field
again in N ms
the server answered with status 401 instead of 101: send valid credentials, in an Authorization field
"""

command = [sys.argv[1], f"ws://127.0.0.1:{port}/start"]
client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
try:
    for path, answer in STEPS:
        stream, head = request()
        assert head.startswith(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()), head
        if callable(answer):
            answer(stream, head)
        else:
            stream.sendall(answer)
        stream.close()
    output, errors = client.communicate(timeout=30)
finally:
    client.kill()
waits = [int(n) for n in re.findall(r"again in (\d+) ms", output)]
told = re.sub(r"again in \d+ ms", "again in N ms", output).replace(str(port), "PORT")
assert told == EXPECTED, told
assert client.returncode == 1 and "401" in errors, errors
# What Retry-After says and the first wait; a first one again after the connection; then they double.
for wait, (least, most) in zip(waits, [(1250, 1500), (250, 500), (500, 1000), (1000, 2000)], strict=True):
    assert least <= wait <= most, waits
print("passed")
