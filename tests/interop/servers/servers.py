"""The checks of the stage; see run.

usage: servers.py TARGET NODE [SERVER...], with cargo's folder of what it has built
"""

import base64
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from stage import PATIENCE, Checks, Process, output_of

TARGET, NODE, *CHOSEN = sys.argv[1:]
HERE = Path(__file__).parent
OUT = Path(TARGET) / "tests/servers"
EXAMPLES = Path(TARGET) / "debug/examples"
CAT = Path(TARGET) / "debug/microws-cat"
SERVERS = {
    "ws": [NODE, HERE / "ws.cjs"],
    "websockets": [sys.executable, HERE / "websockets_server.py"],
    "tungstenite": [EXAMPLES / "tungstenite_server"],
    "socket.io": [NODE, HERE / "socketio.cjs"],
    "python-socketio": [sys.executable, HERE / "socketio_server.py"],
    "recovery": [NODE, HERE / "socketio_recovery.cjs"],
}
NORMAL = "closed: 1000 (normal closure)"
checks = Checks(row="{name} {word}")


class Server(Process):
    """A server of other hands, and its log under the same name."""

    def __init__(self, name, command, **more):
        super().__init__(OUT / f"{name}.log", *command, **more)
        self.url = self.says(r"^listening on (.*)\n")[1]
        self.reports = 0

    def next_report(self):
        """What it says of the next connection that has ended."""
        self.reports += 1
        said = lambda: re.findall(r"^((?:closed|error).*)\n", self.output(), re.MULTILINE)[self.reports - 1 :]
        return self.reaches(f"report {self.reports} of an ending", said)[0]


class Judge:
    """Compares what one of our clients prints, and how the server reports the ending."""

    def __init__(self, name, client, server=None):
        self.name, self.client, self.server = name, client, server

    def __call__(self, what, expected, run, *arguments, ending=None, **more):
        """`run` returns what was printed. Without an ending the server reports none, or nothing to rely on."""
        came = attempt(run, *arguments, **more)
        ended = ending and attempt(self.server.next_report)
        detail = f"something else\nexpected:\n{expected[:2000]}\n{ending}\ncame:\n{came[:2000]}\n{ended}"
        checks.add(f"{self.name:<15} {self.client:<18} {what:<46}", (came, ended) == (expected, ending), detail)


def attempt(run, *arguments, **more):
    """What it returns, or what went wrong."""
    try:
        return run(*arguments, **more)
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"


def echoed(*messages):
    """What an example prints of messages that came back whole: their kind, bytes and fragments."""
    return [f"{kind} of {size} bytes in {number} fragment(s): echoed" for kind, size, number in messages]


SIZES = [("Binary", 0, 1), ("Text", 0, 1), ("Binary", 1, 1), ("Binary", 125, 1), ("Binary", 126, 1), ("Text", 127, 1)]
SIZES += [("Binary", 65535, 1), ("Binary", 65536, 1)]
# What the client is told to do, and what it prints before it has closed.
CONVERSATIONS = {
    "messages of 0 to 65,536 bytes": ("0 t0 1 125 126 t127 65535 65536".split(), echoed(*SIZES)),
    "messages of 4 MiB": (["4194304", "t4194304"], echoed(("Binary", 4194304, 1), ("Text", 4194304, 1))),
    "our fragments": (
        ["10/10", "t1000/9", "100000/7"],
        echoed(("Binary", 10, 10), ("Text", 1000, 9), ("Binary", 100000, 7)),
    ),
    "their fragments, a ping between": (
        ["fragments", "t5"],
        ['"fragments": one, two, three', *echoed(("Text", 5, 1))],
    ),
    "pings from either side": (["ping", "ping me"], ["ping: pong", '"ping me": ponged are you there?']),
}
AS_ASKED = [*echoed(("Text", 5, 1)), '"close me": closed by the server: 4001 (private use) as asked']


def incompressible(length):
    return base64.b64encode(os.urandom(length)).decode()


def against(name):
    """All clients: buffers of 512 bytes, and microws-cat."""
    server = Server(name, SERVERS[name])
    for client in "client_blocking", "client_polled", "client_async":
        judge = Judge(name, client, server)
        run = [output_of, EXAMPLES / client, server.url]
        for what, (steps, lines) in CONVERSATIONS.items():
            judge(what, "\n".join([*lines, NORMAL]), *run, *steps, ending="closed 1000 done")
        judge("they close", "\n".join(AS_ASKED), *run, "t5", "close me", ending="closed 4001 as asked")
    judge = Judge(name, "microws-cat", server)
    through_cat(judge)
    if name != "tungstenite":
        # Compressed both ways: a line that repeats, one that does not, one longer than a fragment.
        lines = [" ".join(map(str, range(1, 9001))), incompressible(30000), " ".join(map(str, range(1, 50001)))]
        expected = "\n".join(["connected, permessage-deflate, WINDOWS", *lines, NORMAL])
        judge("compressed messages", expected, converse, lines, server.url, "--compress", ending="closed 1000 ")
    server.end()


def converse(lines, *arguments):
    """A person waits for the answer to each line, and ends stdin then."""
    cat = Process(OUT / "cat.log", CAT, *arguments, stdin=subprocess.PIPE)
    try:
        for line in lines:
            cat.stdin.write(line.encode() + b"\n")
            cat.stdin.flush()
            cat.reaches(f"the echo of {line[:20]}", lambda line=line: f"\n{line}\n" in cat.output())
        cat.stdin.close()
        status = cat.wait(PATIENCE)
    finally:
        cat.end()
    output = re.sub(r"^pong after [\d.]+ ms$", "pong after TIME", cat.output(), flags=re.MULTILINE)
    output = re.sub(r"window .*", "WINDOWS", output).rstrip("\n")
    return f"{output}\nexit status {status}" if status else output


def through_cat(judge, *trust):
    """microws-cat, with the options by which it trusts the server."""
    url = judge.server.url
    # Legal, and seldom seen: a scheme in capitals, a query without a path, a Host that differs.
    odd = [url.rstrip("/").replace("ws", "WS", 1) + "?room=7", *trust, "--ping", "--close", "4000"]
    odd += ["--header", "X-Test: 1", "--header", "Host: example.org:80"]
    expected = "connected\npong after TIME\nfirst\nsecond\nclosed: 4000 (private use)"
    judge("lines, a ping, a close code", expected, converse, ["first", "second"], *odd, ending="closed 4000 ")

    # Closed by them: after our close frame not every server sends what it has.
    large = incompressible(3145728)
    for file, text in {"4MiB": large, "fragments": "fragments", "close": "close me"}.items():
        (OUT / file).write_text(text)
    stay, close = [output_of, CAT, url, *trust, "--stay"], ["--file", OUT / "close"]
    quiet = {"stderr": subprocess.DEVNULL, "ending": "closed 4001 as asked"}
    judge("a file of 4 MiB", large + "\nexit status 5", *stay, "--quiet", "--file", OUT / "4MiB", *close, **quiet)
    expected = "one, two, three\nexit status 5"
    fragments = [*stay, "--quiet", "--file", OUT / "fragments", *close]
    judge("their fragments, a ping between", expected, *fragments, **quiet)
    expected = "connected\nclosed: 4001 (private use) as asked\n"
    expected += "microws-cat: the server closed with 4001 (private use)\nexit status 5"
    judge("they close", expected, *stay, *close, ending="closed 4001 as asked")


def over_tls(name):
    cert, key = OUT / "cert.pem", OUT / "key.pem"
    server = Server(f"{name}-tls", SERVERS[name], env=os.environ | {"CERT": str(cert), "KEY": str(key)})
    judge = Judge(f"{name}, TLS", "microws-cat", server)
    through_cat(judge, "--ca", cert)
    refused = "microws-cat: the server's certificate is not trusted: invalid peer certificate: "
    hint = "; --ca FILE trusts it, --insecure any\nexit status 3"
    judge("a certificate that is not trusted", f"{refused}UnknownIssuer{hint}", output_of, CAT, server.url)
    reason = 'certificate not valid for name "localhost"; certificate is only valid for IpAddress(127.0.0.1)'
    localhost = server.url.replace("127.0.0.1", "localhost")
    judge("a certificate for another host", refused + reason + hint, output_of, CAT, localhost, "--ca", cert)
    insecure = [output_of, CAT, server.url, "--insecure"]
    judge("any certificate", f"connected\n{NORMAL}", *insecure, ending="closed 1000 ")
    server.end()


def client_life():
    """A server made for it: everything that brings a client back, and what ends it."""
    run = [output_of, sys.executable, HERE / "client_life.py", EXAMPLES / "client_life"]
    Judge("scripted", "client_life")("it is refused, moved, closed, and comes back", "passed", *run)


def begin(client, server, *arguments):
    """One of our clients in the background, connected."""
    process = Process(OUT / "background.log", EXAMPLES / client, server.url, *arguments)
    process.says(r"^connected\n")
    return process


def end_of(process):
    process.wait(3 * PATIENCE)
    return process.output().splitlines()


def socketio(name, left, kicked, refused, unknown):
    """What the server says of clients that left or were sent away or refused, and what it tells those that ask for a
    namespace that does not exist."""
    server = Server(name, SERVERS[name])
    word = "zwö" if name == "socket.io" else r"zw\u00f6"
    clients = {style: f"socketio_{style}" for style in ("blocking", "async", "polled")}
    for style, client in clients.items():
        judge = Judge(name, client, server)
        run = [output_of, EXAMPLES / client, server.url]
        bytes_0, bytes_1 = ('{"_placeholder":true,"num":%d}' % number for number in range(2))
        hello = f'connected\nacknowledged: {{"for":"{style}","bytes":{bytes_0}}},"x" and 1 attachment(s)\n'
        whole = hello + f'echo(1,"{word}",{{"bytes":{bytes_0}}},[{bytes_1}])\necho()\nwe left the namespace'
        judge("acknowledgements, attachments, heartbeats", whole, *run, "/", ending=left)
        judge("a namespace that wants a token", whole, *run, "/secret", '{"token":"abc"}', ending=left)
        no = 'refused: {"message":"no token","data":{"code":7}}\nthe server refused the namespace'
        judge("a namespace that refuses", no, *run, "/secret", '{"token":"?"}', ending=refused)
        judge("they end the namespace", f"{hello}the peer ended the namespace", *run, "/kick", ending=kicked)
        no = f"refused: {unknown}\nthe server refused the namespace"
        # Only npm's server sees a connection without a namespace end.
        ending = refused if name == "socket.io" else None
        judge("a namespace that does not exist", no, *run, "/nowhere", ending=ending)

    def falls_silent(client):
        process = begin(client, server, "/")
        server.send_signal(signal.SIGSTOP)
        try:
            return end_of(process)[-1]
        finally:
            server.send_signal(signal.SIGCONT)

    for client in clients.values():
        Judge(name, client)("a server that falls silent", "the heartbeat was missed", falls_silent, client)
    server.end()

    def starts_again():
        port = server.url.rpartition(":")[2]
        first = Server(name, [*SERVERS[name], port, "stay"])
        process = begin("socketio_reconnect", first, "/")
        first.kill()
        first.wait()
        second = Server(name, [*SERVERS[name], port])
        lines = end_of(process)
        second.end()
        return "\n".join(line for line in lines if re.match("connected$|we left", line))

    expected = "connected\nconnected\nwe left the namespace"
    Judge(name, "socketio_reconnect")("a server that dies and starts again", expected, starts_again)


def recovery():
    def recovers():
        server = Server("recovery", SERVERS["recovery"])
        lines = end_of(begin("socketio_reconnect", server, "/", '{"token":"abc"}'))
        # The last argument is the server's: which event it was.
        lines = [line for line in lines if re.match(r"(connected|recovered|we left|[a-z]+\()", line)]
        lines = [re.sub(r',"[^"]*"\)$', ")", line) for line in lines] + server.output().splitlines()[-1:]
        server.end()
        return "\n".join(lines)

    expected = 'connected\nseen(1)\nmissed(2)\nmissed(3,{"_placeholder":true,"num":0})\nrecovered\n'
    expected += "we left the namespace\nrecovered with token abc"
    Judge("socket.io", "socketio_reconnect")("what was missed comes after a recovery", expected, recovers)


NPMS = ["closed client namespace disconnect", "closed server namespace disconnect"]
NPMS += ["closed unjoined, transport close", '{"message":"Invalid namespace"}']
PYPIS = ["closed client disconnect", "closed server disconnect", "closed refused", '"Unable to connect"']
RUNS = {
    "ws": (against, "ws"),
    "websockets": (against, "websockets"),
    "tungstenite": (against, "tungstenite"),
    "ws-tls": (over_tls, "ws"),
    "websockets-tls": (over_tls, "websockets"),
    "client-life": (client_life,),
    "socket.io": (socketio, "socket.io", *NPMS),
    "python-socketio": (socketio, "python-socketio", *PYPIS),
    "recovery": (recovery,),
}
if unknown := set(CHOSEN) - set(RUNS):
    sys.exit(f"no {', '.join(unknown)}; there are {', '.join(RUNS)}")
for run, *arguments in [RUNS[name] for name in CHOSEN or RUNS]:
    run(*arguments)
checks.finish()
