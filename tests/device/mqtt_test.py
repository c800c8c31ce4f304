"""The sensor of MQTT in the emulator against mosquitto's WebSocket listener, with mosquitto's clients at the other end.

usage: mqtt_test.py CONFIGURATION FOLDER EMULATE...

CONFIGURATION is mosquitto's, FOLDER takes its logs, EMULATE is the command that boots a firmware.
"""

import asyncio
import re
import socket
import sys
from pathlib import Path

from sensor_test import Sensor, check, run

READINGS = "sensors/1/readings"
COMMANDS = "sensors/1/commands"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    return [each.getsockname()[1] for each in sockets]


async def end(process):
    if process.returncode is None:
        process.kill()
    await process.wait()


class Broker:
    """mosquitto, which can die and start again on the same ports, and a relay to it that can cut a packet."""

    def __init__(self, configuration, folder):
        self.websocket, self.plain = free_ports(2)
        text = Path(configuration).read_text()
        text = text.replace("${WEBSOCKET}", str(self.websocket)).replace("${PLAIN}", str(self.plain))
        self.configuration, self.log = Path(folder) / "mosquitto.conf", Path(folder) / "mosquitto.log"
        self.configuration.write_text(text)
        self.readings, self.news = [], asyncio.Condition()
        self.cut_at = None  # in what the broker sends
        self.cut_next = False  # what the device sends next
        self.links = set()
        self.sent = bytearray()  # by the device, over all its connections

    async def __aenter__(self):
        await self.start()
        self.server = await asyncio.start_server(self.relay, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for link in self.links:
            link.transport.abort()
        await self.die()

    async def start(self):
        with self.log.open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                "mosquitto", "-c", self.configuration, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )
        for port in self.websocket, self.plain:
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except ConnectionRefusedError:
                    check(self.process.returncode is None, "mosquitto ended")
                    await asyncio.sleep(0.05)
        # It says at once that it has subscribed, not when its output is full.
        program = ["stdbuf", "-oL", "mosquitto_sub", "-d"]
        arguments = ["-h", "127.0.0.1", "-p", str(self.plain), "-q", "1", "-t", READINGS]
        self.subscriber = await asyncio.create_subprocess_exec(*program, *arguments, stdout=asyncio.subprocess.PIPE)
        while not (await self.subscriber.stdout.readline()).startswith(b"Subscribed"):
            check(self.subscriber.returncode is None, "mosquitto_sub ended")
        self.reader = asyncio.create_task(self.read())

    async def die(self):
        await end(self.process)
        await end(self.subscriber)
        await self.reader

    async def read(self):
        async for line in self.subscriber.stdout:
            if reading := re.fullmatch(rb"reading (\d+) \d+\n", line):
                self.readings.append(int(reading[1]))
                async with self.news:
                    self.news.notify_all()

    async def further_readings(self, count):
        """Waits for them; as numbers."""
        begin = len(self.readings)
        async with self.news:
            await self.news.wait_for(lambda: len(self.readings) >= begin + count)
        return self.readings[begin:]

    async def publish(self, command):
        arguments = ["-h", "127.0.0.1", "-p", str(self.plain), "-q", "1", "-t", COMMANDS, "-m", command]
        process = await asyncio.create_subprocess_exec("mosquitto_pub", *arguments)
        check(await process.wait() == 0, "mosquitto_pub failed")

    async def relay(self, from_device, to_device):
        self.links.add(to_device)
        try:
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self.websocket)
        except ConnectionRefusedError:
            to_device.transport.abort()
            return
        self.links.add(to_broker)

        def cut():
            # The device gets a normal end of TCP: only the streams above it know that there is more to come.
            to_device.close()
            to_broker.transport.abort()

        async def downwards():
            last = b""
            while data := await from_broker.read(4096):
                for byte in data:
                    to_device.write(bytes([byte]))
                    last += bytes([byte])
                    if self.cut_at and last.endswith(self.cut_at):
                        self.cut_at = None
                        await to_device.drain()
                        return cut()
            to_device.close()

        async def upwards():
            while data := await from_device.read(4096):
                self.sent += data
                if self.cut_next:
                    self.cut_next = False
                    to_broker.write(data[: len(data) // 2])
                    return cut()
                to_broker.write(data)
            to_broker.close()

        await asyncio.gather(downwards(), upwards(), return_exceptions=True)


def boot(emulate, broker):
    return Sensor(emulate, f"server=10.0.2.2:{broker.port}", firmware="mqtt")


async def stops(broker, sensor):
    """What it logs about the readings that were acknowledged."""
    await broker.publish("stop")
    check(await sensor.end() == 0, "exit status")
    [last] = [line for line in sensor.log if "stopped after" in line]
    return int(re.search(r"after (\d+) readings", last)[1])


def messages(sent):
    """What the device sent on one connection, after its request: the payload of each message, unmasked."""
    _, rest = bytes(sent).split(b"\r\n\r\n", 1)
    while rest:
        check(rest[0] in (0x82, 0x88), f"a frame begins with {rest[0]:#x}")
        check(0x80 <= rest[1] < 0x80 + 126, f"a length of {rest[1]:#x}")
        length, mask = rest[1] - 0x80, rest[2:6]
        if rest[0] == 0x82:
            yield bytes(byte ^ mask[i % 4] for i, byte in enumerate(rest[6 : 6 + length]))
        rest = rest[6 + length :]


def check_packets(sent, acknowledged, commands):
    """rust-mqtt writes a packet in several pieces; each packet goes out as one message."""
    packets = list(messages(sent))
    for packet in packets:
        check(packet[1] == len(packet) - 2, f"no packet by itself: {packet}")
    kinds = [packet[0] >> 4 for packet in packets]
    connect, publish, acknowledge, subscribe, disconnect = 1, 3, 4, 8, 14
    check((kinds[:2], kinds[-1]) == ([connect, subscribe], disconnect), f"kinds {kinds}")
    check(acknowledged <= kinds.count(publish) <= acknowledged + 1, f"kinds {kinds}, {acknowledged} acknowledged")
    check(kinds.count(acknowledge) == commands, f"kinds {kinds}")
    print(f"    {len(packets)} packets in as many messages: {sum(map(len, packets))} bytes")


def check_order(readings, acknowledged):
    """From the first on, none is missing; what was not acknowledged may come twice."""
    check(readings[0] == 0, f"the first reading is {readings[0]}")
    for a, b in zip(readings, readings[1:], strict=False):
        check(b in (a, a + 1), f"reading {b} after {a}")
    check(acknowledged - 1 <= readings[-1] <= acknowledged, f"{acknowledged} acknowledged, the last is {readings[-1]}")


async def publishes_readings_and_obeys_commands(configuration, folder, emulate):
    async with Broker(configuration, folder) as broker, boot(emulate, broker) as sensor:
        await broker.further_readings(5)
        await broker.publish("interval 20000")
        # One may be under way.
        while True:
            try:
                await asyncio.wait_for(broker.further_readings(1), 2)
            except TimeoutError:
                break
        await broker.publish("something else")
        acknowledged = await stops(broker, sensor)
        check_order(broker.readings, acknowledged)
        check_packets(broker.sent, acknowledged, 3)
        check(any("no such command" in line for line in sensor.log), "took a command that is none")


async def survives_a_cut_in_the_middle_of_a_packet_of_the_brokers(configuration, folder, emulate):
    async with Broker(configuration, folder) as broker, boot(emulate, broker) as sensor:
        await broker.further_readings(3)
        broker.cut_at = b"the first half"
        await broker.publish("the first half|the second half")
        while not any("again in" in line for line in sensor.log):
            await asyncio.sleep(0.05)
        check(any("Network(ConnectionReset)" in line for line in sensor.log), "no I/O error")
        check(not any("no such command" in line for line in sensor.log), "half a command was taken")
        await broker.further_readings(3)
        check_order(broker.readings, await stops(broker, sensor))


async def survives_a_cut_in_the_middle_of_a_packet_of_its_own(configuration, folder, emulate):
    async with Broker(configuration, folder) as broker, boot(emulate, broker) as sensor:
        await broker.further_readings(3)
        broker.cut_next = True
        while not any("again in" in line for line in sensor.log):
            await asyncio.sleep(0.05)
        check(any("Network(" in line for line in sensor.log), "no I/O error")
        await broker.further_readings(3)
        check_order(broker.readings, await stops(broker, sensor))


async def comes_back_when_the_broker_does(configuration, folder, emulate):
    async with Broker(configuration, folder) as broker, boot(emulate, broker) as sensor:
        await broker.further_readings(3)
        await broker.die()
        while sum("again in" in line for line in sensor.log) < 3:
            check(sensor.process.returncode is None, "the firmware ended")
            await asyncio.sleep(0.05)
        await broker.start()
        await broker.further_readings(3)
        await stops(broker, sensor)
        # A broker that dies may have acknowledged what it has not passed on.
        gaps = sum(b != a + 1 for a, b in zip(broker.readings, broker.readings[1:], strict=False))
        check(gaps <= 1, f"readings {broker.readings}")


if __name__ == "__main__":
    asyncio.run(
        run(
            [
                publishes_readings_and_obeys_commands,
                survives_a_cut_in_the_middle_of_a_packet_of_the_brokers,
                survives_a_cut_in_the_middle_of_a_packet_of_its_own,
                comes_back_when_the_broker_does,
            ],
            sys.argv[1],
            sys.argv[2],
            sys.argv[3:],
        )
    )
