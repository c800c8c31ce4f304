"""The sensor firmware as a client of Socket.IO, with npm's `socket.io`.

usage: socketio_test.py NODE EMULATE...    Node.js, which finds the module, and the command that boots a firmware
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

from sensor_test import Sensor, check, run

SERVER = Path(__file__).with_name("socketio.cjs")
# Bytes; memory.x leaves 58 KiB.
STACK = 10_000


class Server:
    """A process of its own; each start is a new server."""

    def __init__(self, node, port=0):
        self.node, self.port = node, port
        self.said = []
        self.news = asyncio.Condition()

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            self.node, str(SERVER), str(self.port), stdin=pipe, stdout=pipe
        )
        self.reader = asyncio.create_task(self.read())
        await self.until(lambda: self.said)
        [[_, self.port]] = self.said
        return self

    async def read(self):
        async for line in self.process.stdout:
            self.said.append(json.loads(line))
            async with self.news:
                self.news.notify_all()

    async def __aexit__(self, *_):
        # As a process that dies: no closing handshake.
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.reader

    def command(self, *command):
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    async def until(self, condition):
        async with self.news:
            await self.news.wait_for(condition)

    async def until_said(self, name, times=1):
        await self.until(lambda: len(self.all(name)) >= times)

    def all(self, name):
        """What was said under that name."""
        return [what[1:] for what in self.said if what[0] == name]

    def readings(self):
        return [reading for [reading] in self.all("reading")]


class Bench:
    def __init__(self, node, *emulate):
        self.node, self.emulate = node, emulate

    def server(self, port=0):
        return Server(self.node, port)

    def sensor(self, server, token="abc"):
        arguments = (f"server=10.0.2.2:{server.port}", f"token={token}")
        return Sensor(self.emulate, *arguments, firmware="socketio_client")


def check_readings(readings, first):
    """They follow each other; the number of the next one."""
    numbers = [reading["number"] for reading in readings]
    check(numbers == list(range(first, first + len(numbers))), f"readings {numbers}, not from {first} on")
    return first + len(numbers)


def mean_interval(readings):
    return (readings[-1]["ms"] - readings[0]["ms"]) / (len(readings) - 1)


async def stop(server, sensor):
    """The sensor is told to stop, says how many readings it has sent, leaves the namespace and ends."""
    server.command("stop")
    status = await sensor.end()
    check(status == 0, f"exit status {status}")
    await server.until_said("disconnected")
    check(server.all("disconnected") == [["client namespace disconnect"]], f"{server.all('disconnected')}")
    [[_, count]] = [what for what in server.all("acknowledged") if what[0] == "stop"]
    check(count == server.readings()[-1]["number"] + 1, f"{count} readings acknowledged")
    [left] = [line for line in sensor.log if f"left after {count} readings" in line]
    stack = int(left.split(", ")[1].split()[0])
    check(0 < stack < STACK, f"{stack} bytes of stack")


async def emits_readings_and_acknowledges_commands(bench):
    async with bench.server() as server, bench.sensor(server) as sensor:
        await server.until_said("reading", 12)
        server.command("interval", 50)
        await server.until_said("acknowledged")
        before = len(server.readings())
        for refused in ([9], [60_001], ["50"], [50.5], []):
            server.command("interval", *refused)
        server.command("interval", 50, {"more": ["is", "ignored"]})
        await server.until_said("acknowledged", 7)
        await server.until_said("reading", before + 12)
        # Its answers to the server's pings.
        await server.until_said("heartbeat", 2)
        await stop(server, sensor)
    check(server.all("connected") == [["websocket"]], f"connected: {server.all('connected')}")
    replies = [what[1:] for what in server.all("acknowledged")[:7]]
    check(replies == [[100], *[[None]] * 5, [50]], f"acknowledged with {replies}")
    readings = server.readings()
    check_readings(readings, 0)
    slow, fast = mean_interval(readings[: before - 1]), mean_interval(readings[before + 1 :])
    check(80 < slow < 150 and 40 < fast < 75, f"a reading every {slow:.0f} ms, then every {fast:.0f} ms")


async def is_let_in_by_its_token_alone(bench):
    async with bench.server() as server, bench.sensor(server, token="xyz") as sensor:
        # It asks again, later and later.
        await server.until_said("refused", 3)
    check(server.all("refused")[0] == [{"token": "xyz"}], f"refused {server.all('refused')}")
    check(server.all("connected") == [], "it was let in")
    check(any("refused: " in line and "no token" in line for line in sensor.log), "the log has no reason")
    check_pauses(sensor, "Ended(Refused)")


def check_pauses(sensor, why):
    """The pauses since the last connection double, and the log says why they are made."""
    lines = [line for line in sensor.log if "again in " in line]
    pauses = [int(line.split("again in ")[1].split()[0]) for line in lines]
    for i, pause in enumerate(pauses):
        longest = min(100 * 2**i, 10_000)
        check(longest / 2 - 1 <= pause <= longest, f"pauses of {pauses} ms do not double")
    check(why in lines[0], f"not {why}: {lines[0]}")


async def survives_the_servers_restart(bench):
    async with bench.server() as server, bench.sensor(server) as sensor:
        await server.until_said("reading", 10)
        await server.__aexit__()
        # Away long enough for attempts that fail.
        while sum("again in" in line for line in sensor.log) < 4:
            check(sensor.process.returncode is None, "the firmware ended")
            await asyncio.sleep(0.05)
        async with bench.server(server.port) as again:
            await again.until_said("reading", 10)
            await stop(again, sensor)
    check_pauses(sensor, "Ended(WebSocket(Eof))")
    next_reading = check_readings(server.readings(), 0)
    # What was under way when the server died is lost, nothing else.
    first = again.readings()[0]["number"]
    check(next_reading <= first <= next_reading + 2, f"reading {first} after {next_reading - 1}")
    check_readings(again.readings(), first)


async def comes_back_to_a_server_that_sent_it_away(bench):
    async with bench.server() as server, bench.sensor(server) as sensor:
        await server.until_said("reading", 3)
        server.command("kick")
        await server.until_said("connected", 2)
        before = len(server.readings())
        await server.until_said("reading", before + 3)
    check(server.all("disconnected")[0] == ["server namespace disconnect"], f"{server.all('disconnected')}")
    check_pauses(sensor, "Ended(Disconnected)")


async def notices_a_server_that_falls_silent(bench):
    async with bench.server() as server, bench.sensor(server) as sensor:
        await server.until_said("reading", 3)
        server.process.send_signal(signal.SIGSTOP)
        while not any("again in" in line for line in sensor.log):
            check(sensor.process.returncode is None, "the firmware ended")
            await asyncio.sleep(0.05)
        server.process.send_signal(signal.SIGCONT)
        await server.until_said("connected", 2)
    check_pauses(sensor, "Ended(Overdue(Heartbeat))")
    check(not any("not sent" in line for line in sensor.log), "it sends after the end")


TESTS = [
    emits_readings_and_acknowledges_commands,
    is_let_in_by_its_token_alone,
    survives_the_servers_restart,
    comes_back_to_a_server_that_sent_it_away,
    notices_a_server_that_falls_silent,
]

if __name__ == "__main__":
    asyncio.run(run(TESTS, Bench(*sys.argv[1:])))
