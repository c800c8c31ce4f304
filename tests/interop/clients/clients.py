"""The same checks for three clients in Python: websockets, aiohttp and websocket-client.

SCHEME in the environment is ws or wss, PLAIN, TAKEOVER and CHOSEN are the ports of the three servers. Over wss a fourth
server is at UNTRUSTED, whose certificate nobody trusts; those of the others are in SSL_CERT_FILE.
"""

import asyncio
import importlib.metadata
import os
import random
import sys

SCHEME = os.environ["SCHEME"]
ORIGIN = "https://allowed.example"
NO_LIMIT = 2**26
RANDOM = random.Random(6455)


def url(server):
    return "%s://127.0.0.1:%s/" % (SCHEME, os.environ[server])


class Websockets:
    can_fragment = True
    largest = NO_LIMIT

    @classmethod
    async def connect(cls, server, protocols=(), origin=None):
        from websockets.asyncio.client import connect

        self = cls()
        self.socket = await connect(
            url(server), subprotocols=list(protocols) or None, origin=origin, max_size=NO_LIMIT, compression=None,
            proxy=None, ping_interval=None,
        )
        self.protocol = self.socket.subprotocol
        return self

    async def send(self, message):
        await self.socket.send(message)

    async def receive(self):
        return await self.socket.recv()

    async def ping(self, payload):
        await (await self.socket.ping(payload))  # the second wait is for the pong that carries the same payload

    async def fragments(self, parts, ping):
        async def one_by_one():
            for i, part in enumerate(parts):
                if i == 1:
                    await self.ping(ping)
                yield part

        await self.socket.send(one_by_one())

    async def close(self, code, reason=""):
        await self.socket.close(code, reason)
        return self.socket.close_code

    async def closed(self):
        await self.socket.wait_closed()
        return self.socket.close_code


class Aiohttp:
    can_fragment = False  # it sends whole messages only
    largest = NO_LIMIT

    @classmethod
    async def connect(cls, server, protocols=(), origin=None):
        import aiohttp

        self = cls()
        self.session = aiohttp.ClientSession()
        try:
            self.socket = await self.session.ws_connect(
                url(server), protocols=protocols, origin=origin, max_msg_size=NO_LIMIT, autoping=False
            )
        except BaseException:
            await self.session.close()
            raise
        self.protocol = self.socket.protocol
        return self

    async def send(self, message):
        await (self.socket.send_str(message) if isinstance(message, str) else self.socket.send_bytes(message))

    async def receive(self):
        import aiohttp

        message = await self.socket.receive()
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        return message.data

    async def ping(self, payload):
        import aiohttp

        await self.socket.ping(payload)
        message = await self.socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, payload), message

    async def close(self, code, reason=""):
        await self.socket.close(code=code, message=reason.encode())
        await self.session.close()
        return self.socket.close_code

    async def closed(self):
        import aiohttp

        # Its close_code is 1006 if it could not answer: asyncio sends nothing after the server's end of TLS.
        message = await self.socket.receive()
        await self.session.close()
        assert message.type == aiohttp.WSMsgType.CLOSE, message
        return message.data


class WebsocketClient:
    can_fragment = True
    # A client that sends megabytes to an echo server and does not read meanwhile waits for ever, rightly: the sending
    # needs a thread of its own. Over TLS it can have none, because Python's ssl lets two threads into one connection of
    # OpenSSL, which breaks it ("bad length"). There, only what the buffers between hold is sent, and then received.
    largest = NO_LIMIT if SCHEME == "ws" else 2**17

    @classmethod
    async def connect(cls, server, protocols=(), origin=None):
        import websocket

        self = cls()
        self.websocket = websocket
        self.socket = await asyncio.to_thread(
            websocket.create_connection, url(server), timeout=60, subprotocols=list(protocols) or None, origin=origin,
            # It sends an Origin of its own making otherwise.
            suppress_origin=origin is None,
        )
        self.protocol = self.socket.getsubprotocol()
        return self

    async def send(self, message):
        send = self.socket.send if isinstance(message, str) else self.socket.send_binary
        self.sending = asyncio.create_task(asyncio.to_thread(send, message))
        if SCHEME == "wss":
            await self.sending

    async def receive(self):
        opcode, data = await asyncio.to_thread(self.socket.recv_data)
        await self.sending
        assert opcode in (self.websocket.ABNF.OPCODE_TEXT, self.websocket.ABNF.OPCODE_BINARY), (opcode, data)
        return data.decode() if opcode == self.websocket.ABNF.OPCODE_TEXT else data

    async def pong(self, payload):
        opcode, frame = await asyncio.to_thread(self.socket.recv_data_frame, True)
        assert (opcode, frame.data) == (self.websocket.ABNF.OPCODE_PONG, payload), (opcode, frame.data)

    async def ping(self, payload):
        self.socket.ping(payload)
        await self.pong(payload)

    async def fragments(self, parts, ping):
        abnf = self.websocket.ABNF
        first = abnf.OPCODE_TEXT if isinstance(parts[0], str) else abnf.OPCODE_BINARY
        for i, part in enumerate(parts):
            if i == 1:
                self.socket.ping(ping)
            opcode = first if i == 0 else abnf.OPCODE_CONT
            self.socket.send_frame(abnf.create_frame(part, opcode, int(i == len(parts) - 1)))

        async def nothing():
            pass

        self.sending = asyncio.create_task(nothing())

    async def close(self, code, reason=""):
        self.socket.send_close(code, reason.encode())
        return await self.closed()

    async def closed(self):
        opcode, frame = await asyncio.to_thread(self.socket.recv_data_frame, True)
        assert opcode == self.websocket.ABNF.OPCODE_CLOSE, opcode
        self.socket.shutdown()
        return int.from_bytes(frame.data[:2], "big")


CLIENTS = {"websockets": Websockets, "aiohttp": Aiohttp, "websocket-client": WebsocketClient}


async def main(name):
    client = CLIENTS[name]
    print("version", importlib.metadata.version(name), flush=True)
    failures = []

    async def check(what, run):
        try:
            await asyncio.wait_for(run, 60)
            print("ok", what, flush=True)
        except Exception as error:
            failures.append(what)
            print("not ok", "%s: %s" % (what, (repr(error).replace("\n", " "))[:300]), flush=True)

    async def echoes(message):
        await echo.send(message)
        same(await echo.receive(), message)

    def same(got, sent):
        assert type(got) is type(sent), "text came back as text, binary as binary"
        assert len(got) == len(sent), (len(got), len(sent))
        assert got == sent, "the bytes differ"

    echo = await client.connect("PLAIN")

    async def nothing_chosen():
        assert echo.protocol is None, echo.protocol

    await check("none offered, no subprotocol", nothing_chosen())
    sizes = 0, 1, 125, 126, 127, 65535, 65536, 65537, 2**20, 2**24
    for size in (size for size in sizes if size <= client.largest):
        await check("binary of %d bytes" % size, echoes(RANDOM.randbytes(size)))
        await check("text of %d bytes" % size, echoes("".join(RANDOM.choices("abcdefgh", k=size))))
    if name == "websockets":
        # `send` waits until all is written, and `recv` comes after it: what came meanwhile waits, here and there.
        await check("64 MiB sent before anything is read", echoes(RANDOM.randbytes(2**26)))
    characters = "zß水👋" * (min(client.largest, 300_000) // 10)
    await check("text of 1 to 4 bytes a character, cut anywhere", echoes(characters))
    await check("ping", echo.ping(b"are you there?"))
    await check("ping of 125 bytes", echo.ping(RANDOM.randbytes(125)))

    async def fragments(parts, ping):
        await echo.fragments(parts, ping)
        if name == "websocket-client":  # the other one has waited for its pong already
            await echo.pong(ping)
        same(await echo.receive(), parts[0][:0].join(parts))

    if client.can_fragment:
        await check("a message in fragments with a ping in between", fragments(["half a ", "", "message"], b"between"))
        parts = [RANDOM.randbytes(100) for _ in range(1000)]
        await check("a binary message in 1,000 fragments", fragments(parts, b"again"))

    async def closes(connection, code, reason=""):
        got = await connection.close(code, reason)
        assert got == code, got

    await check("close(1000, 'bye') is clean", closes(echo, 1000, "bye"))
    for code in 3000, 4999:
        await check("close(%d) comes back" % code, closes(await client.connect("PLAIN"), code))

    async def negotiates():
        connection = await client.connect("PLAIN", ["unknown", "echo-protocol"])
        assert connection.protocol == "echo-protocol", connection.protocol
        await connection.send("agreed")
        same(await connection.receive(), "agreed")
        await closes(connection, 1000)

    await check("a subprotocol is chosen among those offered", negotiates())

    async def chosen():
        connection = await client.connect("CHOSEN", ["second"], ORIGIN)
        assert connection.protocol == "second", connection.protocol
        connection.sending = asyncio.sleep(0)
        same(await connection.receive(), "something")
        message = RANDOM.randbytes(1000)
        await connection.send(message)
        same(await connection.receive(), message)
        await connection.send(RANDOM.randbytes(1001))
        code = await connection.closed()
        assert code == 1009, code

    async def compressed(server, terms):
        from websockets.asyncio.client import connect
        from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

        text = "".join("{'id': %d, 'value': %d}, " % (i, i * i % 1009) for i in range(12_000))
        messages = ["", "short", text[:2000], text, text, RANDOM.randbytes(100_000), bytes(2**22), "zß水👋" * 30_000]
        async with connect(
            url(server), extensions=[ClientPerMessageDeflateFactory(**terms)], compression=None, max_size=NO_LIMIT,
            proxy=None, ping_interval=None,
        ) as socket:
            assert [extension.name for extension in socket.protocol.extensions] == ["permessage-deflate"]
            for message in messages:
                await socket.send(message)
                same(await socket.recv(), message)
            await socket.send(text[i : i + 1000] for i in range(0, len(text), 1000))
            same(await socket.recv(), text)
            await socket.close(1000)
            assert socket.close_code == 1000, socket.close_code

    if name == "websockets":
        none = {"server_no_context_takeover": True, "client_no_context_takeover": True}
        windows = [{"server_max_window_bits": bits, "client_max_window_bits": bits} for bits in range(9, 16)]
        for server in "PLAIN", "TAKEOVER":
            for terms in {}, {"client_max_window_bits": True}, none, *windows:
                await check("compressed, server %s, %s" % (server, terms), compressed(server, terms))

    await check("a greeting, the subprotocol on request, and 1009 beyond the limit", chosen())

    async def refused():
        try:
            await client.connect("CHOSEN", [], "https://other.example")
        except Exception as error:
            assert "403" in str(error), error
        else:
            raise AssertionError("it was let in")

    await check("another origin is refused", refused())

    async def untrusted():
        try:
            await client.connect("UNTRUSTED")
        except Exception as error:
            assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
        else:
            raise AssertionError("it was trusted")

    if SCHEME == "wss":
        await check("a certificate that is not trusted is refused", untrusted())
    return 1 if failures else 0


sys.exit(asyncio.run(main(sys.argv[1])))
