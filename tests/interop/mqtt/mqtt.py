"""The checks of the stage; see run.

usage: mqtt.py CLIENT OUT, with the example, and a folder to write to
"""

import string
import subprocess
import sys
from pathlib import Path

from stage import Checks, Process, free_ports, output_of

CLIENT, OUT = map(Path, sys.argv[1:])
SENT = {0: 0, 1: 1, 125: 2, 126: 0, 1000: 1, 70000: 2}  # bytes and quality of service
EXPECTED = "\n".join(
    ["connected", "subscribed"]
    + [f"published and received {size} bytes, quality of service {qos}" for size, qos in SENT.items()]
    + ["answered a ping", "disconnected", "subscribed", "cut in the middle of a packet: ConnectionReset"]
)

websocket, plain = free_ports(2)
template = string.Template((Path(__file__).parent / "mosquitto.conf").read_text())
config = OUT / "mosquitto.conf"
config.write_text(template.substitute(WEBSOCKET=websocket, PLAIN=plain))
broker = Process(OUT / "mosquitto.log", "mosquitto", "-v", "-c", config)
for port in websocket, plain:
    broker.listens(port)

# The other end. The broker's log, which has no buffer, tells when it has subscribed.
options = ["-V", "5", "-h", "127.0.0.1", "-p", plain, "-t", "sensors/1", "-C", len(SENT), "-W", "60", "-q", "2"]
other = Process(OUT / "sub", "mosquitto_sub", *options, "-F", "%l bytes, quality of service %q")
broker.says(r"Sending SUBACK to ")

checks = Checks()


def judge(name, expected, came):
    log = "\n".join(broker.output().splitlines()[-30:])
    checks.add(name, came == expected, f"something else\nexpected:\n{expected}\ncame:\n{came}\nmosquitto:\n{log}")


output = output_of(CLIENT, f"ws://127.0.0.1:{websocket}/mqtt", "sensors/1")
judge("rust-mqtt over a WebSocket", EXPECTED, output)
status = other.wait()
# Messages of one quality of service keep their order, others may overtake them: those of 2 are handed over when the
# sender has released them.
received = sorted(other.output().splitlines(), key=lambda line: line.split()[-1])
expected = [f"{size} bytes, quality of service {qos}" for size, qos in sorted(SENT.items(), key=lambda sent: sent[1])]
came = "\n".join([*received, f"exit status {status}"])
judge("mosquitto_sub at the other end", "\n".join([*expected, "exit status 0"]), came)
help_text = subprocess.run(["mosquitto", "-h"], stdout=subprocess.PIPE, text=True).stdout
checks.finish(help_text.splitlines()[0])
