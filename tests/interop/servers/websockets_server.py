"""The server of the stage, over `websockets`; with CERT and KEY in the environment over TLS; see run."""

import asyncio
import os
import ssl

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def talk(socket):
    async for message in socket:
        match message:
            case "ping me":
                await (await socket.ping("are you there?"))
                await socket.send("ponged are you there?")
            case "fragments":
                await socket.send(fragments(socket))
            case "close me":
                await socket.close(4001, "as asked")
            case _:
                await socket.send(message)


async def fragments(socket):
    yield "one, "
    yield "two, "
    await socket.ping("between")
    yield "three"


async def handle(socket):
    try:
        await talk(socket)
    except ConnectionClosed:
        pass
    await socket.wait_closed()
    received = socket.protocol.close_rcvd
    print("closed", f"{received.code} {received.reason}" if received else "without a close frame", flush=True)


async def main():
    tls = None
    if "CERT" in os.environ:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(os.environ["CERT"], os.environ["KEY"])
    async with serve(handle, "127.0.0.1", 0, ssl=tls, max_size=None, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"listening on {'wss' if tls else 'ws'}://127.0.0.1:{port}/", flush=True)
        await server.serve_forever()


asyncio.run(main())
