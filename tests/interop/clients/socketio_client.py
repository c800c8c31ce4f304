"""python-socketio's clients against the echo server, in three modes: WebSocket, polling, polling and then the upgrade.

In the clear it is the one with threads, over TLS the one for asyncio: of the first one thread writes while another one
reads, and Python's ssl lets both into one connection of OpenSSL, which is not made for that.

Each check is a line `ok ...` or `not ok ...`; the server's port is SOCKETIO in the environment, and
SCHEME is ws or wss.
"""

import asyncio
import importlib.metadata
import os
import queue
import threading

import socketio

IS_TLS = os.environ["SCHEME"] == "wss"
URL = "%s://127.0.0.1:%s" % ("https" if IS_TLS else "http", os.environ["SOCKETIO"])
PATIENCE = 10
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def done(result):
    """What a call came to: that of the client for asyncio is a coroutine."""
    if not IS_TLS:
        return result
    return asyncio.run_coroutine_threadsafe(result, LOOP).result(2 * PATIENCE)


class Client:
    """A client whose events wait in a queue."""

    def __init__(self, transports, namespace="/", **options):
        self.client = (socketio.AsyncClient if IS_TLS else socketio.Client)(reconnection=False)
        self.namespace = namespace
        self.events = queue.Queue()
        self.client.on("*", lambda name, *args: self.events.put((name, args)), namespace=namespace)
        self.client.on("disconnect", lambda *args: self.events.put(("disconnect", args)), namespace=namespace)
        options |= {"transports": transports, "namespaces": [namespace], "wait_timeout": PATIENCE}
        done(self.client.connect(URL, **options))

    def next(self, name):
        while True:
            event, args = self.events.get(timeout=PATIENCE)
            if event == name:
                return args

    def emit(self, name, *args):
        done(self.client.emit(name, args, namespace=self.namespace))

    def call(self, name, *args):
        return done(self.client.call(name, args, namespace=self.namespace, timeout=PATIENCE))


def the_news_come(open):
    assert open().next("news") == ({"hello": "world"},)


def an_event_comes_back(open):
    client = open()
    args = (1, "zwö", {"three": [None, True]}, [])
    client.emit("everything", *args)
    assert client.next("everything") == args


def an_event_is_acknowledged(open):
    assert open().call("question", 1, "b") == (1, "b")


def binary_comes_back_in_events_and_acknowledgements(open):
    client = open()
    data = bytes(range(256)) * 40
    client.emit("binary", data, {"deep": [b"second"]})
    assert client.next("binary") == (data, {"deep": [b"second"]})
    assert client.call("binary", data) == data


def many_events_keep_their_order(open):
    client = open()
    # It takes no more than 16 packets in an answer over polling, by a limit of its own.
    for first in range(0, 300, 15):
        for n in range(first, first + 15):
            client.emit("n", n)
        assert [client.next("n") for _ in range(15)] == [(n,) for n in range(first, first + 15)]


def a_namespace_is_joined_with_an_auth_payload(open):
    client = open(namespace="/custom", auth={"token": "abc"})
    client.emit("here", 1)
    assert client.next("here") == (1,)


def an_unknown_namespace_is_refused(open):
    try:
        open(namespace="/unknown")
    except socketio.exceptions.ConnectionError:
        return
    raise AssertionError("it was joined")


def heartbeats_keep_an_idle_client(open):
    client = open()
    done(client.client.sleep(1.5))  # five intervals of the server's
    assert client.call("still", "here") == "here"


CHECKS = [
    the_news_come,
    an_event_comes_back,
    an_event_is_acknowledged,
    binary_comes_back_in_events_and_acknowledgements,
    many_events_keep_their_order,
    a_namespace_is_joined_with_an_auth_payload,
    an_unknown_namespace_is_refused,
    heartbeats_keep_an_idle_client,
]
MODES = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": None}

print("version", importlib.metadata.version("python-socketio"))
for mode, transports in MODES.items():
    for check in CHECKS:
        clients = []

        def open(clients=clients, transports=transports, **options):
            clients.append(Client(transports, **options))
            return clients[-1]

        name = "%s: %s" % (mode, check.__name__.replace("_", " "))
        try:
            check(open)
            print("ok", name, flush=True)
        except Exception as error:
            print("not ok", name, repr(error).replace("\n", " "), flush=True)
        for client in clients:
            done(client.client.disconnect())
