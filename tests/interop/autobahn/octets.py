"""What Python 2's str was, at the edges of the suite: `convert.py` puts this beside it, as autobahntestsuite.octets.

Inside the suite every payload stays a str, a character (U+0000 to U+00FF) for each octet, so that its literals,
indices, joins and comparisons mean what they meant. Octets become bytes on the way to autobahn, zlib, hashlib or a
file, and come back as such a str.
"""

import binascii
import functools
import os
import sys
import traceback
import zlib

from autobahn.websocket.http import HttpException


def raw(value):
    """The octets, as bytes."""
    # Strict: a character above U+00FF was never an octet, and must not pass for one.
    return value.encode("latin-1") if isinstance(value, str) else value


def octets(value):
    """The octets, as the suite keeps them."""
    return bytes(value).decode("latin-1") if isinstance(value, (bytes, bytearray, memoryview)) else value


def b2a_hex(value):
    return binascii.b2a_hex(raw(value)).decode("ascii")


def readable(value):
    """For a report: decoded where it is UTF-8."""
    if value is None:
        return None
    value = raw(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def resource(package, name):
    """The path of a file in a package."""
    return os.path.join(os.path.dirname(__import__(package).__file__), *name.split("/"))


def give_up(error):
    """No verdict is to be trusted now, and many exceptions leave the suite waiting for ever."""
    # `suite.py` looks for these words.
    print("INTERNAL ERROR: %s" % error, file=sys.stderr, flush=True)
    os._exit(70)


def end_at_errors(event):
    """An observer of Twisted's log."""
    failure = event.get("failure")
    # What a peer has compressed wrongly raises too: the connection ends, and the verdict is right.
    if event.get("isError") and not (failure and failure.check(zlib.error)):
        give_up(failure.getTraceback() if failure else event.get("message"))


def ends_at_errors(method):
    @functools.wraps(method)
    def wrapped(*arguments):
        try:
            return method(*arguments)
        except HttpException:  # a refusal
            raise
        except Exception:
            give_up(traceback.format_exc())

    return wrapped


class Edge:
    """Stands before autobahn's protocol in the bases of the suite's: makes bytes of what a case sends."""

    def sendFrame(self, opcode, payload=b"", *rest, **more):
        return super().sendFrame(opcode, raw(payload), *rest, **more)

    def sendMessage(self, payload, *rest, **more):
        return super().sendMessage(raw(payload), *rest, **more)

    def sendMessageFrame(self, payload, *rest, **more):
        return super().sendMessageFrame(raw(payload), *rest, **more)

    def sendMessageFrameData(self, payload, *rest, **more):
        return super().sendMessageFrameData(raw(payload), *rest, **more)

    def sendPing(self, payload=None):
        return super().sendPing(raw(payload))

    def sendPong(self, payload=None):
        return super().sendPong(raw(payload))

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        return super().sendCloseFrame(code, raw(reasonUtf8), isReply)
