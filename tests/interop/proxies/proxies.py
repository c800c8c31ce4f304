"""The checks of the stage; see run.

usage: proxies.py ECHO DIR, with the echo server, and a folder to write to, which has a certificate
"""

import asyncio
import os
import random
import re
import socket
import ssl
import string
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from stage import PATIENCE, Checks, Process, free_ports
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ECHO, DIR = sys.argv[1:]
TLS = ssl.create_default_context(cafile=DIR + "/cert.pem")
IDLE = 2
CLIENTS = 50
NAMES = "A B C D E F NGINX NGINX_TLS HAPROXY HAPROXY_TLS PROXY_V2 PROXY_V1 FORWARDED UNTRUSTED".split()
PORTS = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))

TRUST = ["--trust-proxy", "127.0.0.1"]
PINGS = ["--ping-interval", str(IDLE / 4)]
SERVERS = {
    "A": TRUST + PINGS,
    "B": TRUST + PINGS,
    "C": TRUST + PINGS + ["--client-address", "proxy-protocol"],
    "D": TRUST + PINGS + ["--client-address", "proxy-protocol"],
    "E": TRUST + PINGS + ["--client-address", "forwarded"],
    "F": ["--trust-proxy", "127.0.0.99", "--ping-interval", "0"],
}
# The ways to servers A and B, and to C and D.
AB = {"nginx": "NGINX", "nginx, TLS": "NGINX_TLS", "HAProxy": "HAPROXY", "HAProxy, TLS": "HAPROXY_TLS"}
CD = {"HAProxy, PROXY v2": "PROXY_V2", "HAProxy, PROXY v1": "PROXY_V1"}


async def until(what, condition):
    """Waits until the condition gives something."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = await condition() if asyncio.iscoroutinefunction(condition) else condition()
        if found:
            return found
        assert time.monotonic() < deadline, "waited in vain: " + what
        await asyncio.sleep(0.02)


class Server:
    """An echo server that greets with its name."""

    all = {}

    def __init__(self, name):
        self.name = name
        self.process = None
        Server.all[name] = self

    async def start(self):
        options = ["--greeting", self.name, "--log-format", "plain", "-v", *SERVERS[self.name]]
        listen = ["--listen", f"127.0.0.1:{PORTS[self.name]}"]
        self.process = Process(f"{DIR}/{self.name}.log", ECHO, *listen, *options)
        await until(f"{self.name} listens", lambda: "listening on" in self.process.output() or self.ended())

    def ended(self):
        status = self.process.poll()
        assert status is None, f"server {self.name} ended with {status}: {self.process.output()}"

    async def says(self, text):
        """Waits for a line of the log that contains the text."""
        find = lambda: next((line for line in self.process.output().splitlines() if text in line), None)
        return await until(f"{self.name} logs {text!r}", find)

    def stop(self):
        self.process.terminate()

    async def stopped(self):
        status = await asyncio.wait_for(asyncio.to_thread(self.process.wait), PATIENCE)
        assert status == 0, f"server {self.name}: exit status {status}"
        await self.says("stopped, 0 clients did not answer")


def url(port, scheme):
    tls = "s" if port.endswith("_TLS") else ""
    return f"{scheme}{tls}://127.0.0.1:{PORTS[port]}/"


class Client:
    """A WebSocket to whichever server the proxy chooses."""

    @classmethod
    async def open(cls, port, ip="127.0.0.1", headers=()):
        self = cls()
        self.port = port
        self.socket = await connect(
            url(port, "ws"), ssl=TLS if port.endswith("_TLS") else None, compression=None, proxy=None, max_size=None,
            ping_interval=None, open_timeout=PATIENCE, local_addr=(ip, 0), additional_headers=headers,
        )
        self.server = await asyncio.wait_for(self.socket.recv(), PATIENCE)
        return self

    @property
    def name(self):
        return "%s:%d" % self.socket.local_address

    async def echo(self, message):
        await self.socket.send(message)
        came = await asyncio.wait_for(self.socket.recv(), PATIENCE)
        assert type(came) is type(message) and came == message, "something else came back"

    async def closed(self):
        """The code of the close frame that the server has sent."""
        try:
            message = await asyncio.wait_for(self.socket.recv(), PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code
        raise AssertionError(f"{message!r} came, no close frame")

    async def close(self):
        await self.socket.close()


def get(target):
    tls = TLS if target.startswith("https") else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    with opener.open(target, timeout=PATIENCE) as answer:
        return answer.status, answer.headers, answer.read().decode()


async def page(port):
    status, headers, body = await asyncio.to_thread(get, url(port, "http"))
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8", (status, headers)
    assert "WebSocket" in body and body.rstrip().endswith("</html>"), body
    # What the server refuses is not the proxy's own answer.
    try:
        await asyncio.to_thread(get, url(port, "http") + "no-such")
    except urllib.error.HTTPError as error:
        assert error.code == 404 and b"the page is at /" in error.read(), error
    else:
        raise AssertionError("a page that there is not was found")


async def echoes(port):
    client = await Client.open(port)
    for message in "", "text: zß水👋", b"", b"\0\xff", "x" * 125, b"y" * 126, "z" * 65536:
        await client.echo(message)
    await (await client.socket.ping(b"are you there?"))
    await client.close()
    assert client.socket.close_code == 1000, client.socket.close_code


async def large(port):
    client = await Client.open(port)
    rng = random.Random(6455)
    await client.echo(rng.randbytes(16 << 20))
    await client.echo("".join(rng.choices("abcdefgh", k=1 << 16)) * 256)
    await client.close()


async def outlives_idleness(port):
    client = await Client.open(port)
    # The silence itself is what is tested, for longer than the proxies bear it.
    try:
        await asyncio.wait_for(client.socket.wait_closed(), IDLE * 2.5)
    except TimeoutError:
        await client.echo("still there")
        return await client.close()
    raise AssertionError(f"closed while it was idle: {client.socket.close_code}")


async def is_cut_off_without_pings():
    client = await Client.open("UNTRUSTED")
    await asyncio.wait_for(client.socket.wait_closed(), PATIENCE)
    assert client.socket.close_code == 1006, client.socket.close_code


async def name_in_log(port, ip, headers=()):
    """The name that the server's log gives to a client from that address, and the client's own."""
    mark = "mark-%d" % random.getrandbits(60)
    client = await Client.open(port, ip, [*headers, ("Origin", "http://" + mark)])
    line = await Server.all[client.server].says(mark + ",")
    # As all lines of the client.
    await client.echo("hello")
    await Server.all[client.server].says(f"{line.split()[0]} received: text, 5 bytes")
    own = client.name
    await client.close()
    return line.split()[0], own


FORGED = [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9")]


async def address_by_header(port, ip):
    for headers in [], FORGED[:1], FORGED:
        name, _ = await name_in_log(port, ip, headers)
        assert name == ip, (name, ip, headers)


async def address_and_port(port, ip):
    for headers in [], FORGED:
        name, own = await name_in_log(port, ip, headers)
        assert name == own and own.startswith(ip), (name, own)


async def address_not_believed():
    name, own = await name_in_log("UNTRUSTED", "127.0.0.8")
    assert name.startswith("127.0.0.1:") and name != own, (name, own)
    # Without a proxy in between, from an address that is not trusted.
    for server in "A", "E", "F":
        name, own = await name_in_log(server, "127.0.0.9", FORGED)
        assert name == own, (name, own)


async def wrong_preamble():
    reader, writer = await asyncio.open_connection("127.0.0.1", PORTS["C"])
    name = "%s:%d" % writer.get_extra_info("sockname")[:2]
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    try:
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    except ConnectionResetError:
        pass
    writer.close()
    line = await Server.all["C"].says(name)
    assert "no valid PROXY protocol header" in line, line


def state(backend, server):
    """What HAProxy's health checks say: whether the server is up."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(DIR + "/haproxy.sock")
        control.sendall(f"show servers state {backend}\n".encode())
        lines = b"".join(iter(lambda: control.recv(65536), b"")).decode().splitlines()
    names = next(line for line in lines if line.startswith("# ")).removeprefix("# ").split()
    for line in lines:
        fields = dict(zip(names, line.split(), strict=False))
        if fields.get("srv_name") == server.lower():
            return fields["srv_op_state"] == "2"
    raise AssertionError(lines)


async def marked(backend, server, is_up):
    word = "up" if is_up else "down"
    await until(f"{server} is {word} in {backend}", lambda: state(backend, server) == is_up)


async def healthy(backend, first, second):
    for name in first, second:
        await marked(backend, name, True)
    other = Server.all[second]
    other.stop()
    await other.stopped()
    await marked(backend, second, False)
    assert state(backend, first)
    await other.start()
    await marked(backend, second, True)


async def told_and_served_again(clients, stopping, other):
    """SIGTERM to one server: its clients are told, come again at once, once, and the other one serves them."""
    theirs = [client for client in clients if client.server == stopping.name]
    rest = [client for client in clients if client.server != stopping.name]
    assert theirs and all(any(client.port == told.port for told in theirs) for client in clients), "all by the other"

    async def again(client):
        code = await client.closed()
        assert code == 1001, f"closed with {code}"
        came = await Client.open(client.port)
        assert came.server == other.name, f"served by {came.server}"
        await came.echo("served again")
        return came

    waiting = [asyncio.create_task(again(client)) for client in theirs]
    stopping.stop()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    assert not failures, f"{len(failures)} of {len(theirs)}, as {failures[0]!r}"
    for client in rest:
        await client.echo("undisturbed")
    await stopping.stopped()
    return rest + results


async def come_and_go(port, until_set):
    """New clients, one after the other: none may fail to open, whatever its server does meanwhile. Returns how many."""
    opened = 0
    while not until_set.is_set():
        client = await Client.open(port)
        opened += 1
        try:
            await client.echo("a moment")
            await client.close()
        except ConnectionClosed as closed:
            assert closed.rcvd and closed.rcvd.code == 1001, closed
    return opened


async def rolling_restart(ways, backends, first, second):
    first, second = Server.all[first], Server.all[second]
    ports = list(ways.values())
    clients = await asyncio.gather(*(Client.open(port) for port in ports for _ in range(CLIENTS)))
    over = asyncio.Event()
    others = [asyncio.create_task(come_and_go(port, over)) for port in ports]
    for stopping, other in (first, second), (second, first):
        clients = await told_and_served_again(clients, stopping, other)
        await stopping.start()
        for backend in backends:
            await marked(backend, stopping.name, True)
        for port in ports:
            # It gets traffic again; those that it gets take part in the next round.
            async def is_served(port=port, stopping=stopping, clients=clients):
                clients.append(await Client.open(port))
                return clients[-1].server == stopping.name

            await until(f"{stopping.name} is used again by {port}", is_served)
    over.set()
    # How many depends on how busy the machine is.
    assert min(await asyncio.gather(*others)) > 0, "no clients came meanwhile"
    for client in clients:
        await client.echo("at the end")
    await asyncio.gather(*(client.close() for client in clients))


def start_proxies():
    """nginx and HAProxy, which takes the values from its environment."""
    values = {name: str(port) for name, port in PORTS.items()} | {"DIR": DIR, "IDLE": str(IDLE)}
    here = Path(__file__).parent
    # nginx has variables of its own, which stay.
    config = string.Template((here / "nginx.conf").read_text()).safe_substitute(values)
    Path(DIR, "nginx.conf").write_text(config)
    nginx = Process(f"{DIR}/nginx.log", "nginx", "-e", "stderr", "-p", DIR, "-c", f"{DIR}/nginx.conf")
    environment = os.environ | values
    haproxy = Process(f"{DIR}/haproxy.log", "haproxy", "-db", "-f", here / "haproxy.cfg", env=environment)
    nginx.listens(PORTS["NGINX"])
    haproxy.listens(PORTS["HAPROXY"])
    return nginx, haproxy


checks = Checks()


async def check(what, run):
    try:
        await asyncio.wait_for(run, 120)
        checks.add(what, True)
    except Exception as error:
        checks.add(what, False, repr(error).replace("\n", " "))


async def main():
    await asyncio.gather(*(Server(name).start() for name in SERVERS))
    for backend, servers in ("echo", "AB"), ("proxy_v2", "CD"), ("proxy_v1", "CD"), ("forwarded", "E"):
        for server in servers:
            await marked(backend, server, True)
    ways = AB | CD
    for name, port in ways.items():
        await check(f"{name}: the page", page(port))
        await check(f"{name}: echoes, a ping, a clean close", echoes(port))
        await check(f"{name}: messages of 16 MiB", large(port))
    idle = (check(f"{name}: pings keep an idle connection", outlives_idleness(port)) for name, port in ways.items())
    await asyncio.gather(*idle, check("HAProxy: without pings it is cut off", is_cut_off_without_pings()))
    for i, (name, port) in enumerate(AB.items()):
        await check(f"{name}: the client's address by X-Forwarded-For", address_by_header(port, f"127.0.0.{20 + i}"))
    await check("HAProxy: the client's address by Forwarded", address_and_port("FORWARDED", "127.0.0.30"))
    for i, (name, port) in enumerate(CD.items()):
        await check(f"{name}: the client's address", address_and_port(port, f"127.0.0.{40 + i}"))
    await check("no address is believed of a proxy that is not trusted", address_not_believed())
    await check("a connection without the PROXY header that must come is closed", wrong_preamble())
    await check("HAProxy: health checks see a server stop and start", healthy("echo", "A", "B"))
    await check("HAProxy, PROXY v2: health checks see a server stop and start", healthy("proxy_v2", "C", "D"))
    await check(
        f"nginx and HAProxy, plain and TLS: both servers restarted, {CLIENTS} clients each, "
        "all told 1001 and served again",
        rolling_restart(AB, ["echo"], "A", "B"),
    )
    await check(
        f"HAProxy, PROXY v2 and v1: both servers restarted, {CLIENTS} clients each, all told 1001 and served again",
        rolling_restart(CD, ["proxy_v2", "proxy_v1"], "C", "D"),
    )


def version(*command):
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return re.search(r"(nginx/|version )([^\s-]+)", said)[2]


proxies = start_proxies()
asyncio.run(main())
if checks.failed:
    for proxy in proxies:
        print(f"{proxy.log}:", *proxy.output().splitlines()[-20:], sep="\n    ")
checks.finish(f"nginx {version('nginx', '-v')}, HAProxy {version('haproxy', '-v')}")
