"""The firmware in the emulator, judged by programs of other hands: `run` beside it builds and says how.

The environment names what else is installed: CHROMIUM, ECHO_SERVER, and Node.js's modules in BROWSER_MODULES and
SERVER_MODULES.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from stage import Checks, Process, bound, free_ports

HERE = Path(__file__).parent
INTEROP = HERE.parent / "interop"
EMULATE = HERE / "emulate"
PROGRAMS = "server", "deflate_server", "dashboard", "client", "tls_client", "socketio_client", "mqtt"

CASES = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*"
# Each kind of message and each set of parameters, with messages of 16 bytes to 8 KiB, some in fragments.
COMPRESSION = ["12.1.1,12.2.3,12.3.5,12.4.6,12.5.11,13.1.2,13.2.4,13.3.5,13.4.5,13.5.3,13.6.4,13.7.4"]
# By section, each of which takes minutes.
ALL_COMPRESSION = [f"12.{kind}.*" for kind in range(1, 6)] + [f"13.{kind}.*" for kind in range(1, 8)]


def told(*command, **environment):
    """Whether a program passes, and the last line that it prints, which says what came of it. Its result is not the
    stage's."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(bound(command), env=os.environ | environment, text=True, errors="replace", **streams)
    last = ""
    for line in process.stdout:
        if line != "---\n":
            print(line, end="", flush=True)
        last = line.strip() or last
    return process.wait() == 0, last


class Device:
    def __init__(self, work, built, node):
        self.work, self.built, self.node = work, built, node
        self.picture, self.readings = work / "picture.png", 6

    def folder(self, name):
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def boot(self, name):
        """The emulator with a server that listens, and the port. A SYN that came before would be lost, and repeated
        seconds later."""
        (port,) = free_ports(1)
        emulator = Process(self.work / f"{name}.log", EMULATE, "-f", port, name)
        emulator.says(" up: ")
        return emulator, port

    def sizes(self):
        return told(sys.executable, HERE / "sizes.py", *(self.built / name for name in PROGRAMS))

    def autobahn(self, mode, firmware, cases, *options):
        """The suite gives many cases one second of the clock on the wall, in which an emulated device may have got no
        processor: the second try tells that from a fault."""
        out = self.folder(f"suite-{firmware}")
        always = ["--out", out, "--cases", cases, "--timeout", 7200, "--second-try"]
        return told(INTEROP / "autobahn" / "run", mode, *always, *options)

    def autobahn_server(self, firmware, cases):
        """Autobahn's fuzzing clients against the server in the emulator."""
        emulator, port = self.boot(firmware)
        passed, said = self.autobahn("server", firmware, cases, "--url", f"ws://127.0.0.1:{port}")
        lives = emulator.poll() is None
        emulator.end()
        return passed and lives, said

    def autobahn_client(self, firmware, cases):
        """The client in the emulator against Autobahn's fuzzing server, which calls it with a url and a name."""
        return self.autobahn("client", firmware, cases, "--", sys.executable, __file__, "client", firmware)

    def dashboard(self):
        """Its answers, its readings for many viewers, and Chromium that shows it."""
        emulator, port = self.boot("dashboard")
        page = HERE / "device" / "src" / "dashboard.html"
        answers, _ = told(sys.executable, HERE / "dashboard" / "answers.py", port, page)
        environment = {"PORT": str(port), "READINGS": str(self.readings), "PICTURE": str(self.picture)}
        environment["NODE_PATH"] = os.environ["BROWSER_MODULES"]
        test = HERE / "dashboard" / "browser.test.cjs"
        browser, _ = told(self.node, "--test", "--test-reporter=tap", test, **environment)
        lives = emulator.poll() is None
        emulator.end()
        judged = {"its answers": answers, "Chromium": browser, "it ended": lives}
        if failed := [what for what, good in judged.items() if not good]:
            return False, ", ".join(failed)
        return True, re.search(" up: (.*)", emulator.output())[1]

    def sensor(self):
        return told(sys.executable, HERE / "sensor_test.py", EMULATE)

    def sensor_over_tls(self):
        """OpenSSL, rustls in the echo server, and servers that mean harm."""
        echo = os.environ["ECHO_SERVER"]
        return told(sys.executable, HERE / "tls_test.py", self.folder("keys"), echo, EMULATE)

    def sensor_of_socketio(self):
        """With npm's server."""
        modules = os.environ["SERVER_MODULES"]
        return told(sys.executable, HERE / "socketio_test.py", self.node, EMULATE, NODE_PATH=modules)

    def sensor_of_mqtt(self):
        """With Debian's broker."""
        configuration = INTEROP / "mqtt" / "mosquitto.conf"
        return told(sys.executable, HERE / "mqtt_test.py", configuration, self.folder("mqtt"), EMULATE)


def main():
    parser = argparse.ArgumentParser(prog="tests/device/run")
    parser.add_argument("work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("built", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("node", help=argparse.SUPPRESS)
    parser.add_argument("--long", action="store_true", help="section 9 and all cases of compression too")
    parser.add_argument("--picture", action="store_true", help="the dashboard, and makes its picture anew")
    parser.add_argument("word", nargs="?", default="", help="only what has it in its name")
    given = parser.parse_intermixed_args()
    given.work.mkdir(parents=True, exist_ok=True)
    device = Device(given.work, given.built, given.node)
    if given.picture:
        given.word, device.readings, device.picture = "dashboard", 120, HERE / "dashboard" / "picture.png"

    cases = CASES + ",9.*" if given.long else CASES
    stages = [
        ("size", device.sizes),
        ("Autobahn, server", device.autobahn_server, "server", cases),
        ("Autobahn, client", device.autobahn_client, "autobahn", cases),
    ]
    for some in ALL_COMPRESSION if given.long else COMPRESSION:
        stages += [
            (f"Autobahn, compression, server, {some}", device.autobahn_server, "deflate_server", some),
            (f"Autobahn, compression, client, {some}", device.autobahn_client, "deflate_autobahn", some),
        ]
    stages += [
        ("dashboard", device.dashboard),
        ("sensor", device.sensor),
        ("sensor over TLS", device.sensor_over_tls),
        ("sensor of Socket.IO", device.sensor_of_socketio),
        ("sensor of MQTT", device.sensor_of_mqtt),
    ]
    chosen = [stage for stage in stages if given.word in stage[0]]
    if not chosen:
        parser.error(f"no stage has {given.word!r} in its name")
    checks = Checks(row="{word}   {name}")
    for name, judge, *arguments in chosen:
        print("==", name, flush=True)
        passed, said = judge(*arguments)
        checks.add(f"{name}: {said}" if passed else name, passed, said)
    checks.finish()


if sys.argv[1] == "client":
    _, _, firmware, url, agent = sys.argv
    port = re.search(":([0-9]+)/?$", url)[1]
    os.execv(EMULATE, [str(EMULATE), firmware, f"server=10.0.2.2:{port}", f"agent={agent}"])
main()
