"""A Socket.IO server of the stage, over `python-socketio`; see run."""

import asyncio
import sys

import socketio
from aiohttp import web

NAMESPACES = ["/", "/secret", "/kick"]
# Of the heartbeat it tells its clients whole seconds alone.
server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=1, ping_timeout=1, namespaces=NAMESPACES)


async def echo(namespace, sid, *sent):
    back = await server.call("echo", sent, to=sid, namespace=namespace, timeout=3)
    if back != (sent or None):
        print(f"error the echo differs: {back}", flush=True)


async def converse(namespace, sid, who):
    if namespace == "/kick":
        return await server.disconnect(sid, namespace=namespace)
    if who == "again" and "stay" in sys.argv:
        return
    if who != "again":
        await echo(namespace, sid, 1, "zwö", {"bytes": bytes([7] * 300)}, [b""])
        await echo(namespace, sid)
    # Two heartbeats later.
    await asyncio.sleep(0.1 if who == "again" else 2)
    await server.emit("leave", to=sid, namespace=namespace)


def serve(namespace):
    async def connect(sid, environ, auth):
        if namespace == "/secret" and (auth or {}).get("token") != "abc":
            print("closed refused", flush=True)
            raise socketio.exceptions.ConnectionRefusedError("no token", {"code": 7})

    async def disconnect(sid, reason):
        print(f"closed {reason}", flush=True)

    async def hello(sid, who):
        server.start_background_task(converse, namespace, sid, who)
        return {"for": who, "bytes": b"\x01\x02\x03"}, "x"

    for handler in (connect, disconnect, hello):
        server.on(handler.__name__, handler, namespace=namespace)


async def main():
    for namespace in NAMESPACES:
        serve(namespace)
    application = web.Application()
    server.attach(application)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0, reuse_address=True)
    await site.start()
    print(f"listening on 127.0.0.1:{site._server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
