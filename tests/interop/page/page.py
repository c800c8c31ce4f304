"""The checks of the stage; see run.

usage: page.py SERVER PAGE OUT, with the example, the page that it serves, a folder to write to
"""

import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from stage import PATIENCE, Checks, Process
from websockets.sync.client import connect

EXAMPLE, PAGE, OUT = map(Path, sys.argv[1:])
page = PAGE.read_bytes()
server = Process(OUT / "server.log", EXAMPLE, "127.0.0.1:0")
url = server.says(r"^listening on (.*)\n")[1]


def curl(*options):
    """What curl prints, which must succeed."""
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), "--http1.1", *options]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def whole_page(*options):
    came = curl(*options, url)
    assert came == page, f"{len(came)} bytes, other than the page's {len(page)}"


def head():
    lines = curl("--head", url).decode().splitlines()
    fields = [f"Content-Length: {len(page)}", "Content-Type: text/html; charset=utf-8", "Connection: keep-alive"]
    for line in ["HTTP/1.1 200 OK", *fields]:
        assert line in lines, f"no {line} in {lines}"


def two_on_one_connection():
    files = [OUT / "one", OUT / "two"]
    notes = OUT / "notes"
    curl("--verbose", "--stderr", notes, "--output", files[0], url, "--output", files[1], url)
    assert [file.read_bytes() for file in files] == [page, page], "no two pages"
    assert re.search("re-using existing connection", notes.read_text(), re.IGNORECASE), notes.read_text()


def status(expected, *options):
    came = curl("--output", OUT / "body", "--write-out", "%{http_code}", *options).decode()
    assert came == expected, came


def five_at_once():
    with ThreadPoolExecutor(5) as pool:
        for future in [pool.submit(whole_page) for _ in range(5)]:
            future.result()


def after_the_page():
    """A connection that has got the page, for the WebSocket."""
    address = urlsplit(url)
    stream = socket.create_connection((address.hostname, address.port), PATIENCE)
    stream.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    received = b""
    while not received.endswith(page):
        piece = stream.recv(4096)
        assert piece, f"ended after {len(received)} bytes"
        received += piece
    assert received.startswith(b"HTTP/1.1 200 "), received[:100]
    return stream


def three_viewers():
    live = url.replace("http", "ws") + "live"
    viewers = [connect(live, sock=after_the_page(), compression=None) for _ in range(3)]
    seen = [[viewer.recv(timeout=PATIENCE) for _ in range(3)] for viewer in viewers]
    assert all(reading.endswith(" °C") for readings in seen for reading in readings), seen
    # They began one after the other.
    assert len(set(map(tuple, seen))) == 1 or set(seen[0]) & set(seen[1]) & set(seen[2]), seen
    for viewer in viewers:
        viewer.close()
        assert viewer.close_code == 1000, viewer.close_code


checks = Checks()


def check(name, test, *arguments):
    try:
        test(*arguments)
        checks.add(name, True)
    except Exception as error:
        log = "\n".join(server.output().splitlines()[-5:])
        checks.add(name, False, f"{type(error).__name__}: {error}\n{log}")


check("the whole page", whole_page)
check("its head", head)
check("two pages on one connection", two_on_one_connection)
check("a page that is not there", status, "404", f"{url}nothing")
check("another method", status, "405", "--request", "DELETE", url)
check("the WebSocket without an upgrade", status, "426", f"{url}live")
check("a client of HTTP/1.0", whole_page, "--http1.0")
check("a client that reads slowly", whole_page, "--limit-rate", "1500")
check("five clients at once", five_at_once)
check("the page, then the WebSocket on the same connection, and readings to three viewers", three_viewers)
checks.finish(curl("--version").decode().splitlines()[0])
