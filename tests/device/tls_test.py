"""The sensor firmware over TLS, with OpenSSL, with the echo server, and with peers that mean harm.

usage: tls_test.py FOLDER ECHO_SERVER EMULATE...    the folder is for keys; the command boots a firmware
"""

import asyncio
import sys
from pathlib import Path

from sensor_test import Sensor, Server, check, check_readings, run
from tls_peers import HandMade, Identity, Relay

# Bytes; memory.x leaves 40 KiB.
STACK = 20_000


class Bench:
    """The keys, the emulator and the echo server of all tests."""

    def __init__(self, folder, echo_server, *emulate):
        self.folder, self.echo_server, self.emulate = Path(folder), echo_server, emulate
        self.identity, self.other = Identity(self.folder, "server"), Identity(self.folder, "other")

    def sensor(self, port, *arguments, pin=None):
        arguments = (f"server=10.0.2.2:{port}", f"key={pin or self.identity.pin}", *arguments)
        return Sensor(self.emulate, *arguments, firmware="tls_client")


async def until(condition, sensor):
    while not condition():
        check(sensor.process.returncode is None, "the firmware ended")
        await asyncio.sleep(0.02)


def lines(sensor, text):
    return [line for line in sensor.log if text in line]


async def closes_after_so_many_readings(bench):
    async with Server() as server, Relay(bench.identity, server.port) as relay:
        async with bench.sensor(relay.port, "readings=20") as sensor:
            status = await sensor.end()
            await until(lambda: relay.endings, sensor)
    check(status == 0, f"exit status {status}")
    [visit] = server.visits
    check(check_readings(visit, 0) == 20, f"{len(visit.messages) - 1} readings instead of 20")
    check((visit.close_code, visit.close_reason) == (1000, "done"), f"closed with {visit.close_code}")
    check(relay.endings == ["close_notify"], f"TLS ended with {relay.endings}")
    [closed] = lines(sensor, "closed after 20 readings")
    stack = int(closed.split(", ")[1].split()[0])
    check(0 < stack < STACK, f"{stack} bytes of stack")


async def refuses_a_server_with_another_key(bench):
    async with Server() as server, Relay(bench.other, server.port) as relay:
        async with bench.sensor(relay.port) as sensor:
            await until(lambda: relay.endings and lines(sensor, "another key than the pinned one"), sensor)
    check(server.visits == [], "it went on")
    # The server is told, too.
    check("ALERT_DECRYPT_ERROR" in relay.endings[0], f"TLS ended with {relay.endings}")


async def survives_the_servers_restart(bench):
    async with Server() as server, Relay(bench.identity, server.port) as relay:
        async with bench.sensor(relay.port) as sensor:
            await server.until(lambda: server.visits and len(server.visits[-1].messages) > 10)
            await relay.__aexit__()
            await until(lambda: len(lines(sensor, "Unreachable")) >= 3, sensor)
            server.stop_after = 10
            async with Relay(bench.identity, server.port, relay.port) as again:
                status = await sensor.end()
                await until(lambda: again.endings, sensor)
    check(status == 0, f"exit status {status}")
    before, after = server.visits
    next_reading = check_readings(before, 0)
    # What was under way when the server died is lost, nothing else.
    first = int(after.messages[1].split()[1])
    check(next_reading <= first <= next_reading + 2, f"reading {first} after {next_reading - 1}")
    check_readings(after, first)
    check((after.close_code, again.endings) == (1000, ["close_notify"]), f"{after.close_code}, {again.endings}")


async def reads_the_longest_record(bench):
    async with Server() as server, Relay(bench.identity, server.port) as relay:
        server.greeting, server.stop_after = bytes(3 << 14), 5
        async with bench.sensor(relay.port) as sensor:
            status = await sensor.end()
    check(status == 0, f"exit status {status}")
    check_readings(server.visits[0], 0)


async def reads_records_that_come_in_pieces(bench):
    # Pieces of 7 bytes, so that headers are cut, too; its readings are late as long as a record is.
    async with Server() as server, Relay(bench.identity, server.port, cut=7) as relay:
        server.greeting, server.stop_after = bytes(200), 5
        async with bench.sensor(relay.port) as sensor:
            status = await sensor.end()
    check(status == 0, f"exit status {status}")
    [visit] = server.visits
    numbers = [int(message.split()[1]) for message in visit.messages[1:]]
    check(numbers == list(range(len(numbers))), f"readings {numbers}")
    check(visit.close_code == 1000, f"closed with {visit.close_code}")


async def with_hand_made(bench, serve, expected):
    """A sensor on a server that does `serve`; ends when the log says what is expected."""
    after = []

    async def handle(reader, writer):
        peer = HandMade(reader, writer)
        try:
            await peer.hello()
            await serve(peer)
            while True:
                after.append(await peer.record())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server, bench.sensor(server.sockets[0].getsockname()[1]) as sensor:
        # It lives on: it comes back and finds the same again.
        await until(lambda: len(lines(sensor, expected)) >= 2, sensor)
    return after


async def refuses_a_server_that_proves_nothing(bench):
    async def serve(peer):
        await peer.send_encrypted(22, peer.extensions() + peer.finished())

    after = await with_hand_made(bench, serve, "has not shown that it has the pinned key")
    # ClientHello was read before; each connection sends Finished, 36 bytes with its head, type and tag, and no request.
    check(all(len(body) == 36 + 1 + 16 for _, body in after), f"it sent {after}")


async def refuses_a_signature_of_another_handshake(bench):
    async def serve(peer):
        # The extensions come before the certificate, which is signed without them.
        certificate = peer.certificate(bench.identity.key)
        await peer.send_encrypted(22, peer.extensions() + certificate + peer.finished())

    await with_hand_made(bench, serve, "another key than the pinned one")


def established(bench, rest):
    async def serve(peer):
        flight = peer.extensions() + peer.certificate(bench.identity.key) + peer.finished()
        await peer.send_encrypted(22, flight)
        peer.to_application_keys()
        # Its Finished, and the request: the handshake is done.
        await peer.record()
        await peer.record()
        await rest(peer)

    return serve


async def refuses_an_encrypted_record_without_a_type(bench):
    await with_hand_made(bench, lambda peer: peer.send_encrypted(0, b""), "an encrypted record of 16 bytes")


async def refuses_a_handshake_message_in_the_clear(bench):
    rest = lambda peer: peer.send(22, peer.extensions())
    await with_hand_made(bench, established(bench, rest), "a record of type 22 in the clear")


async def believes_no_close_notify_in_the_clear(bench):
    rest = lambda peer: peer.send(21, b"\1\0")
    await with_hand_made(bench, established(bench, rest), "a record of type 21 in the clear")


async def comes_back_after_a_close_notify_alone(bench):
    rest = lambda peer: peer.send_encrypted(21, b"\1\0")
    await with_hand_made(bench, established(bench, rest), "Ended(Eof)")


async def comes_back_when_the_server_wants_new_keys(bench):
    rest = lambda peer: peer.send_encrypted(22, peer.message(24, b"\0"))
    await with_hand_made(bench, established(bench, rest), "TLS failed: Unimplemented")


class EchoServer:
    """The echo server, with rustls; its log is complete when it has ended."""

    def __init__(self, bench, port=0):
        self.bench, self.port = bench, port

    async def __aenter__(self):
        identity = self.bench.identity
        self.process = await asyncio.create_subprocess_exec(
            *(self.bench.echo_server, "--listen", f"127.0.0.1:{self.port}"),
            *("--tls-cert", identity.certificate_file, "--tls-key", identity.key_file),
            stderr=asyncio.subprocess.PIPE,
        )
        while b"listening on" not in (line := await self.process.stderr.readline()):
            check(line, "the echo server did not start")
        self.port = int(line.split(b"127.0.0.1:")[1].split(b"/")[0])
        # It must not wait for its log to be read.
        self.reader = asyncio.create_task(self.process.stderr.read())
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()
        self.log = (await self.reader).decode()
        print(self.log, end="")
        await self.process.wait()


async def talks_to_the_echo_server(bench):
    async with EchoServer(bench) as server, bench.sensor(server.port, "readings=20") as sensor:
        await until(lambda: lines(sensor, "connected"), sensor)
        server.process.kill()
        await until(lambda: len(lines(sensor, "Unreachable")) >= 2, sensor)
        async with EchoServer(bench, server.port) as again:
            status = await sensor.end()
    check(status == 0, f"exit status {status}")
    check(lines(sensor, "closed after 20 readings"), "it did not close")
    check('disconnected: 1000 (normal closure) "done"' in again.log, "the server saw no closing handshake")


async def refuses_an_echo_server_with_another_key(bench):
    async with EchoServer(bench) as server, bench.sensor(server.port, pin=bench.other.pin) as sensor:
        await until(lambda: lines(sensor, "another key than the pinned one"), sensor)
    check("disconnected before it was open: TLS" in server.log, "it went on")
    check("DecryptError" in server.log, "the server was not told why")


TESTS = [
    closes_after_so_many_readings,
    refuses_a_server_with_another_key,
    survives_the_servers_restart,
    reads_the_longest_record,
    reads_records_that_come_in_pieces,
    refuses_a_server_that_proves_nothing,
    refuses_a_signature_of_another_handshake,
    refuses_an_encrypted_record_without_a_type,
    refuses_a_handshake_message_in_the_clear,
    believes_no_close_notify_in_the_clear,
    comes_back_after_a_close_notify_alone,
    comes_back_when_the_server_wants_new_keys,
    talks_to_the_echo_server,
    refuses_an_echo_server_with_another_key,
]

if __name__ == "__main__":
    asyncio.run(run(TESTS, Bench(*sys.argv[1:])))
