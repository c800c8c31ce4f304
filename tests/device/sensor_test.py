"""The sensor firmware against a server of another hand that goes away and comes back.

usage: sensor_test.py EMULATE...    the command that boots a firmware, to which the arguments for it are added
"""

import asyncio
import sys
import time

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

SUBPROTOCOL = "readings"
INTERVAL = 0.1
LIMIT = 60  # seconds in which everything must have happened


class Visit:
    """One connection of the sensor, as the server sees it."""

    def __init__(self):
        self.path = None
        self.subprotocol = None
        self.messages = []
        self.times = []
        self.close_code = None
        self.close_reason = None


class Server:
    """Takes readings on a port that stays the same; each start is a new server."""

    def __init__(self, port=0):
        self.port = port
        self.visits = []
        self.news = asyncio.Condition()
        self.greeting = None
        self.stop_after = None

    async def __aenter__(self):
        self.server = await serve(self.handle, "127.0.0.1", self.port, subprotocols=[SUBPROTOCOL])
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        # As a process that dies: no closing handshake.
        for connection in self.server.connections:
            connection.transport.abort()
        self.server.close(close_connections=False)
        await self.server.wait_closed()

    async def handle(self, connection):
        visit = Visit()
        visit.path = connection.request.path
        visit.subprotocol = connection.subprotocol
        self.visits.append(visit)
        try:
            if self.greeting is not None:
                await connection.send(self.greeting)
            async for message in connection:
                visit.messages.append(message)
                visit.times.append(time.monotonic())
                if self.stop_after is not None and len(visit.messages) > self.stop_after:
                    self.stop_after = None
                    await connection.send("stop")
                async with self.news:
                    self.news.notify_all()
        except ConnectionClosed:
            pass
        visit.close_code = connection.close_code
        visit.close_reason = connection.close_reason
        async with self.news:
            self.news.notify_all()

    async def until(self, condition):
        async with self.news:
            await self.news.wait_for(condition)


class Sensor:
    """The emulator with the firmware in it, and its log."""

    def __init__(self, emulate, *arguments, firmware="client"):
        self.command = [*emulate, firmware, *arguments]
        self.log = []

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=asyncio.subprocess.PIPE)
        self.reader = asyncio.create_task(self.read())
        return self

    async def read(self):
        async for line in self.process.stdout:
            self.log.append(line.decode().strip())
            print("   ", self.log[-1], flush=True)

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await self.reader

    async def end(self):
        status = await self.process.wait()
        await self.reader
        return status


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_readings(visit, first):
    """They follow each other, in number and in time."""
    check(visit.path == "/sensors/1", f"asked for {visit.path}")
    check(visit.subprotocol == SUBPROTOCOL, f"subprotocol {visit.subprotocol}")
    check(visit.messages[0] == "subscribe commands", f"first message {visit.messages[0]}")
    numbers = [int(message.split()[1]) for message in visit.messages[1:]]
    check(numbers == list(range(first, first + len(numbers))), f"readings {numbers}, not from {first} on")
    if len(numbers) > 2:
        mean = (visit.times[-1] - visit.times[1]) / (len(numbers) - 1)
        check(0.8 * INTERVAL < mean < 1.5 * INTERVAL, f"a reading every {mean:.3f} s")
    return first + len(numbers)


async def closes_after_so_many_readings(emulate):
    async with Server() as server:
        async with Sensor(emulate, f"server=10.0.2.2:{server.port}", "readings=20") as sensor:
            status = await sensor.end()
    check(status == 0, f"exit status {status}")
    [visit] = server.visits
    check(check_readings(visit, 0) == 20, f"{len(visit.messages) - 1} readings instead of 20")
    check((visit.close_code, visit.close_reason) == (1000, "done"), f"closed with {visit.close_code}")


async def closes_when_the_server_says_so(emulate):
    async with Server() as server:
        server.stop_after = 10
        async with Sensor(emulate, f"server=10.0.2.2:{server.port}") as sensor:
            status = await sensor.end()
    check(status == 0, f"exit status {status}")
    [visit] = server.visits
    check(10 <= check_readings(visit, 0) <= 12, f"{len(visit.messages) - 1} readings")
    check(visit.close_code == 1000, f"closed with {visit.close_code}")


async def survives_the_servers_restart(emulate):
    async with Server() as server:
        async with Sensor(emulate, f"server=10.0.2.2:{server.port}") as sensor:
            await server.until(lambda: server.visits and len(server.visits[-1].messages) > 10)
            await server.__aexit__()
            # Away long enough for attempts that fail.
            while not sum("again in" in line for line in sensor.log) >= 4:
                check(sensor.process.returncode is None, "the firmware ended")
                await asyncio.sleep(0.05)
            async with Server(server.port) as again:
                again.stop_after = 10
                status = await sensor.end()
    check(status == 0, f"exit status {status}")
    pauses = [int(line.split("again in ")[1].split()[0]) for line in sensor.log if "again in" in line]
    for i, pause in enumerate(pauses):
        longest = min(100 * 2**i, 10_000)
        check(longest / 2 - 1 <= pause <= longest, f"pauses of {pauses} ms do not double")
    next_reading = check_readings(server.visits[0], 0)
    # What was under way when the server died is lost, nothing else.
    first = int(again.visits[0].messages[1].split()[1])
    check(next_reading <= first <= next_reading + 2, f"reading {first} after {next_reading - 1}")
    check_readings(again.visits[0], first)
    check(again.visits[0].close_code == 1000, f"closed with {again.visits[0].close_code}")


async def run(tests, *arguments):
    """Runs the tests, prints what came of them, and ends the program."""
    failed = 0
    for test in tests:
        name = test.__name__.replace("_", " ")
        print(f"== the sensor {name}", flush=True)
        try:
            await asyncio.wait_for(test(*arguments), LIMIT)
            print("passed", flush=True)
        except (AssertionError, TimeoutError, ValueError) as error:
            failed += 1
            print(f"FAILED {error!r}", flush=True)
    print(f"sensor: {len(tests) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    asyncio.run(
        run(
            [closes_after_so_many_readings, closes_when_the_server_says_so, survives_the_servers_restart],
            sys.argv[1:],
        )
    )
