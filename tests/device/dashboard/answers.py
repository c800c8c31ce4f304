"""The dashboard in the emulator, asked by hand: what each request gets, and readings that are the same for all viewers.

usage: answers.py PORT PAGE
"""

import gzip
import json
import socket
import sys
import time
from http.client import HTTPResponse
from pathlib import Path

from websockets.sync.client import connect

port, page = int(sys.argv[1]), Path(sys.argv[2]).read_bytes()
PLACES = 8


def dial():
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer(stream, method):
    """The status, the fields and the content of one answer."""
    response = HTTPResponse(stream, method=method)
    response.begin()
    return response.status, response.headers, response.read()


def ask(stream, line, *fields, content=b""):
    head = "".join(f"{part}\r\n" for part in (line, "Host: dashboard", *fields, ""))
    stream.sendall(head.encode() + content)
    return answer(stream, line.split()[0])


def status_of(line, *fields, content=b""):
    with dial() as stream:
        return ask(stream, line, *fields, content=content)[0]


def check_page(status, fields, content):
    assert status == 200, status
    assert fields["Content-Type"] == "text/html; charset=utf-8", fields
    assert fields["Content-Encoding"] == "gzip", fields
    assert int(fields["Content-Length"]) == len(content), fields
    assert gzip.decompress(content) == page


def the_page_comes_compressed_with_its_type_and_length():
    with dial() as stream:
        check_page(*ask(stream, "GET / HTTP/1.1"))


def head_gets_the_same_head_and_no_content():
    with dial() as stream:
        status, fields, content = ask(stream, "HEAD / HTTP/1.1")
        assert (status, content) == (200, b"")
        # Content would be taken for the next answer.
        got = ask(stream, "GET / HTTP/1.1")
        check_page(*got)
        assert fields.items() == got[1].items(), fields


def a_connection_stays_for_further_requests_and_becomes_a_websocket():
    with dial() as stream:
        for _ in range(3):
            status, fields, content = ask(stream, "GET /nothing HTTP/1.1")
            assert (status, fields["Connection"]) == (404, "keep-alive"), (status, fields)
            assert int(fields["Content-Length"]) == len(content) > 0, fields
            check_page(*ask(stream, "GET / HTTP/1.1"))
        assert ask(stream, "HEAD /nothing HTTP/1.1")[0::2] == (404, b"")
        with connect(f"ws://127.0.0.1:{port}/live", sock=stream, compression=None) as viewer:
            assert "celsius" in json.loads(viewer.recv(timeout=20))


def a_connection_ends_when_the_client_wants_that():
    for line, *fields in [("GET / HTTP/1.1", "Connection: close"), ("GET / HTTP/1.0",), ("GET /no HTTP/1.0",)]:
        with dial() as stream:
            got = ask(stream, line, *fields)
            assert got[1]["Connection"] == "close", got
            assert stream.recv(1) == b"", "bytes after the answer"


def each_path_gets_its_status():
    for path, status in {
        "/?": 200,
        "/?a=/live": 200,
        "http://dashboard/": 200,
        "/.": 404,
        "/..": 404,
        "/./": 404,
        "/../../etc/passwd": 404,
        "/live/../": 404,
        "/index.html": 404,
        "//": 404,
        "/%2e": 404,
        "/%2E%2E%2f": 404,
        "/%6cive": 404,
        "/%": 404,
        "/%zz": 404,
        "/%00": 404,
        "/live": 426,
        "/live?a=b": 426,
        "/" + "a" * 200: 404,
        "/" + "a" * 8192: 414,
        "/" + "%61" * 2731: 414,
    }.items():
        for method in "GET", "HEAD":
            got = status_of(f"{method} {path} HTTP/1.1")
            assert got == status, f"{method} {path[:60]}: {got} instead of {status}"


def each_fault_gets_its_status():
    for line, *fields, status in [
        ("DELETE / HTTP/1.1", 405),
        ("POST / HTTP/1.1", "Content-Length: 0", 405),
        ("POST /nothing HTTP/1.1", "Content-Length: 0", 405),
        ("GET / HTTP/2.0", 505),
        ("GET /a b HTTP/1.1", 400),
        ("GET nothing HTTP/1.1", 400),
        ("GET / HTTP/1.1", "Host: another", 400),
        ("GET / HTTP/1.1", "no field", 400),
        ("GET / HTTP/1.1", f"Cookie: {'a' * 4096}", 200),
        ("GET / HTTP/1.1", f"Cookie: {'a' * 17000}", 431),
    ]:
        got = status_of(line, *fields)
        assert got == status, f"{line} {fields}: {got} instead of {status}"


def six_viewers_see_the_same_readings_and_pages_come_meanwhile():
    viewers = [connect(f"ws://127.0.0.1:{port}/live", compression=None) for _ in range(6)]
    first = [viewer.recv(timeout=20) for viewer in viewers]
    with dial() as stream:
        check_page(*ask(stream, "GET / HTTP/1.1"))
    seen = [[one] + [viewer.recv(timeout=20) for _ in range(5)] for one, viewer in zip(first, viewers, strict=True)]
    uptimes = [[json.loads(reading)["uptime"] for reading in readings] for readings in seen]
    every = sorted({uptime for viewer in uptimes for uptime in viewer})
    for viewer in uptimes:
        begin = every.index(viewer[0])
        assert viewer == every[begin : begin + len(viewer)], f"{viewer} of {every}"
    assert len(set().union(*seen)) == len(every), "one time, two readings"
    pauses = [b - a for a, b in zip(every, every[1:], strict=False)]
    assert min(pauses) >= 499, pauses
    for viewer in viewers:
        viewer.close()
        assert viewer.close_code == 1000, viewer.close_code


def who_comes_when_all_places_are_taken_is_refused_and_served_later():
    streams = [dial() for _ in range(PLACES)]
    for stream in streams:
        check_page(*ask(stream, "GET / HTTP/1.1"))
    with dial() as late:
        try:
            late.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert late.recv(1) == b"", "a ninth connection got an answer"
        except ConnectionError:
            pass
    for stream in streams:
        stream.close()
    until = time.monotonic() + 20
    while True:
        try:
            with dial() as stream:
                return check_page(*ask(stream, "GET / HTTP/1.1"))
        except ConnectionError:
            assert time.monotonic() < until, "no place became free"


def a_browser_that_keeps_a_connection_for_nothing_loses_it_without_a_word():
    with dial() as stream:
        check_page(*ask(stream, "GET / HTTP/1.1"))
        begin = time.monotonic()
        assert stream.recv(1) == b""
        assert time.monotonic() - begin > 4


failed = 0
tests = [
    the_page_comes_compressed_with_its_type_and_length,
    head_gets_the_same_head_and_no_content,
    a_connection_stays_for_further_requests_and_becomes_a_websocket,
    a_connection_ends_when_the_client_wants_that,
    each_path_gets_its_status,
    each_fault_gets_its_status,
    six_viewers_see_the_same_readings_and_pages_come_meanwhile,
    who_comes_when_all_places_are_taken_is_refused_and_served_later,
    a_browser_that_keeps_a_connection_for_nothing_loses_it_without_a_word,
]
for test in tests:
    name = test.__name__.replace("_", " ")
    try:
        test()
        print("ok", name, flush=True)
    except (AssertionError, OSError, ValueError) as error:
        failed += 1
        print("not ok", name, repr(error), flush=True)
print(f"answers: {len(tests) - failed} passed, {failed} failed")
sys.exit(failed > 0)
