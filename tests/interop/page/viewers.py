"""A page and then a WebSocket on one connection; three viewers get the same readings.

usage: viewers.py URL FILE
"""

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from websockets.sync.client import connect

url, page = urlsplit(sys.argv[1]), Path(sys.argv[2]).read_bytes()


def on_one_connection():
    """A connection that has got the page, for the WebSocket."""
    stream = socket.create_connection((url.hostname, url.port), timeout=20)
    stream.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    received = b""
    while not received.endswith(page):
        piece = stream.recv(4096)
        assert piece, f"ended after {len(received)} bytes"
        received += piece
    assert received.startswith(b"HTTP/1.1 200 ")
    return stream


viewers = [connect(f"ws://{url.netloc}/live", sock=on_one_connection(), compression=None) for _ in range(3)]
seen = [[viewer.recv(timeout=20) for _ in range(3)] for viewer in viewers]
assert all(reading.endswith(" °C") for readings in seen for reading in readings), seen
# They began one after the other.
assert len(set(map(tuple, seen))) == 1 or set(seen[0]) & set(seen[1]) & set(seen[2]), seen
for viewer in viewers:
    viewer.close()
    assert viewer.close_code == 1000, viewer.close_code
