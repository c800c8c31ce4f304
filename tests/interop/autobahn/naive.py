"""A WebSocket peer with faults, for `compare`: what the suite has against it must not depend on the suite's Python.

    naive.py server                 echoes at a free port, which it prints
    naive.py client ws://... AGENT  what the suite's server asks for, case by case

It checks nothing: no reserved bit, opcode, mask, UTF-8 or close code. It echoes, but what it does wrong depends on the
length of a message (`spoil`), so that each section has cases that fail and others that pass. It compresses, with a
window and a context of its own liking.
"""

import base64
import hashlib
import os
import re
import socket
import struct
import sys
import threading
import zlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE, PING, PONG = 8, 9, 10


class Gone(Exception):
    pass


def spoil(opcode, message):
    """What is echoed instead of the message; nothing at all ends the connection."""
    match len(message):
        case 65_536 | 4_194_304:  # a byte is lost
            return opcode, message[:-1]
        case 1_024 | 1_048_576:  # a byte is wrong
            return opcode, message[:-1] + bytes([message[-1] ^ 1])
        case 262_144:  # text becomes binary, binary text
            return 3 - opcode, message
        case 16_384 | 8_388_608:
            raise Gone
    return opcode, message


class Peer:
    def __init__(self, connection, is_client):
        self.connection, self.is_client = connection, is_client
        self.stream = connection.makefile("rb", 1 << 20)
        self.inflater = self.deflater = None

    def read(self, size):
        taken = self.stream.read(size)
        if len(taken) < size:
            raise Gone
        return taken

    def head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        return head

    def compress(self):
        self.inflater, self.deflater = zlib.decompressobj(-15), zlib.compressobj(wbits=-15)

    def accept(self):
        """The handshake of a server."""
        head = self.head()
        key = re.search(rb"(?im)^Sec-WebSocket-Key: *(\S+)", head)[1]
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        if b"permessage-deflate" in head:
            self.compress()
            answer += b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
        token = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.connection.sendall(answer + b"Sec-WebSocket-Accept: %s\r\n\r\n" % token)

    def ask(self, host, target):
        """The handshake of a client."""
        self.connection.sendall(
            b"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            b"Sec-WebSocket-Key: %s\r\n\r\n" % (target.encode(), host.encode(), base64.b64encode(os.urandom(16)))
        )
        if b"permessage-deflate" in self.head():
            self.compress()

    def frame(self):
        first, second = self.read(2)
        size = second & 127
        if size > 125:
            size = int.from_bytes(self.read(2 if size == 126 else 8), "big")
        key = self.read(4) if second & 128 else bytes(4)
        payload = self.read(size)
        return first, mask(key, payload)

    def send(self, first, payload):
        size = len(payload)
        if size < 126:
            head = bytes([size])
        else:
            head = struct.pack("!BH", 126, size) if size < 65_536 else struct.pack("!BQ", 127, size)
        if self.is_client:
            key = os.urandom(4)
            head = bytes([head[0] | 128]) + head[1:] + key
            payload = mask(key, payload)
        self.connection.sendall(bytes([first]) + head + payload)

    def messages(self):
        """Echoes until the connection ends; yields what came first."""
        kind, parts, compressed = 0, [], False
        while True:
            first, payload = self.frame()
            opcode = first & 15
            if opcode == CLOSE:
                self.send(0x80 | CLOSE, payload)
                return
            if opcode == PING:
                self.send(0x80 | PONG, payload)
            elif opcode != PONG:
                if not parts:
                    kind, compressed = opcode, first & 0x40 and self.inflater
                parts.append(payload)
                if first & 0x80:
                    message = b"".join(parts)
                    parts = []
                    yield kind, self.inflater.decompress(message + b"\x00\x00\xff\xff") if compressed else message

    def echo(self):
        for kind, message in self.messages():
            kind, message = spoil(kind, message)
            if self.deflater:
                message = self.deflater.compress(message) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
                self.send(0xC0 | kind, message[:-4])
            else:
                self.send(0x80 | kind, message)


def mask(key, payload):
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def serve(connection):
    with connection:
        peer = Peer(connection, is_client=False)
        try:
            peer.accept()
            peer.echo()
        except (Gone, OSError, ValueError, zlib.error):
            pass


def server():
    listener = socket.create_server(("127.0.0.1", 0))
    print("ws://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def client(url, agent):
    host = url.removeprefix("ws://").rstrip("/")

    def visit(target):
        name, port = host.rsplit(":", 1)
        with socket.create_connection((name, int(port))) as connection:
            peer = Peer(connection, is_client=True)
            try:
                peer.ask(host, target)
                if target == "/getCaseCount":
                    return int(next(peer.messages())[1])
                peer.echo()
            except (Gone, OSError, ValueError, zlib.error):
                pass

    for case in range(1, visit("/getCaseCount") + 1):
        visit("/runCase?case=%d&agent=%s" % (case, agent))
    visit("/updateReports?agent=" + agent)


{"server": server, "client": client}[sys.argv[1]](*sys.argv[2:])
