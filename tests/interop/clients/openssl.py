"""What openssl's client makes of the server's TLS: versions, ALPN, certificates, tickets, and a WebSocket through it.

PLAIN and UNTRUSTED in the environment are the ports of two servers; the certificate of the first is in SSL_CERT_FILE.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from stage import Checks, Process

checks = Checks("ok", "not ok")
folder = tempfile.TemporaryDirectory()
scratch = Path(folder.name)


def s_client(server, *options):
    return [
        *("timeout", "10", "openssl", "s_client", "-connect", f"127.0.0.1:{os.environ[server]}"),
        *("-verify_return_error", "-CAfile", os.environ["SSL_CERT_FILE"], *options),
    ]


class Talk:
    """A connection without a word of ours: what openssl says of it, and its exit status.

    It takes commands from stdin, which ends unless there are some."""

    def __init__(self, server, *options, commands=None):
        command = s_client(server, "-verify_ip", "127.0.0.1", *options)
        process = Process(scratch / "said", *command, stdin=subprocess.PIPE)
        if commands is None:
            process.stdin.close()
        else:
            process.stdin.write(commands)
            process.stdin.flush()
        self.exit_status = process.wait()
        self.said = process.output()

    def says(self, name, pattern):
        self.check(name, self.exit_status == 0, pattern)

    def fails(self, name, pattern):
        self.check(name, self.exit_status != 0, pattern)

    def check(self, name, is_good, pattern):
        is_good = is_good and re.search(pattern, self.said, re.MULTILINE)
        checks.add(name, bool(is_good), f"exit status {self.exit_status}\n{self.said}")


# The key and its accept value are written down, not computed. A text, `hello` under the masking key 00 00 00 00, and a
# close frame with 1000: the server ends the connection.
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: sN9cRrP/n9NdMgdcy2VJFQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    b"\x81\x85\0\0\0\0hello\x88\x82\0\0\0\0\x03\xe8"
)
OPENED = re.compile(
    rb"HTTP/1\.1 101.*\r\nSec-WebSocket-Accept: fFBooB7FAkLlXgRSz0BT3v4hq5s=\r\n.*\r\n\x81\x05hello\x88\x02\x03\xe8",
    re.DOTALL | re.IGNORECASE,
)


def upgrade(name, *options):
    """Opens a WebSocket, has a text echoed, closes."""
    command = s_client("PLAIN", "-quiet", *options)
    done = subprocess.run(command, input=UPGRADE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if name:
        checks.add(name, bool(OPENED.fullmatch(done.stdout)), f"exit status {done.returncode}\n{done.stdout}")


TRUSTED = r"Verify return code: 0 \(ok\)"

print("version", subprocess.check_output(["openssl", "version"], text=True).split()[1], flush=True)

talk = Talk("PLAIN")
talk.says("TLS 1.3 by default", "^New, TLSv1.3")
talk.says("  with the certificate trusted", TRUSTED)
talk.says("  without compression", "^Compression: NONE")
talk = Talk("PLAIN", "-tls1_2")
talk.says("TLS 1.2", "^New, TLSv1.2")
talk.says("  with a key that is forgotten", "Cipher is ECDHE-")
talk.says("  with secure renegotiation", "Secure Renegotiation IS supported")
talk.says("  with the extended master secret", "Extended master secret: yes")
for version in "tls1_1", "tls1":
    talk = Talk("PLAIN", f"-{version}", "-cipher", "ALL:@SECLEVEL=0")
    # rustls first misses the signature algorithms, which these versions did not name.
    talk.fails(f"{version} is refused", "alert (protocol version|handshake failure)")
talk = Talk("PLAIN", "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
talk.fails("a cipher without a key that is forgotten is refused", "alert handshake failure")
talk = Talk("PLAIN", "-alpn", "http/1.1")
talk.says("ALPN: http/1.1", "^ALPN protocol: http/1.1")
talk = Talk("PLAIN", "-alpn", "h2,http/1.1")
talk.says("ALPN: http/1.1 beside h2", "^ALPN protocol: http/1.1")
talk = Talk("PLAIN", "-alpn", "h2")
talk.fails("ALPN: h2 alone is refused", "alert no application protocol")
talk = Talk("PLAIN", "-noservername")
talk.says("no server name", TRUSTED)
talk = Talk("PLAIN", "-servername", "another.example")
talk.says("another server name", "^New, TLSv1.3")
talk = Talk("PLAIN", "-verify_hostname", "localhost")
talk.says("the certificate is for localhost", TRUSTED)
talk = Talk("PLAIN", "-verify_hostname", "another.example")
talk.fails("  and not for another host", "ostname mismatch")
talk = Talk("UNTRUSTED")
talk.fails("a certificate that is not trusted is refused", "self-signed certificate")
talk = Talk("PLAIN", "-tls1_2", commands=b"R\n")
talk.fails("a renegotiation is refused", "no renegotiation")
for version in "tls1_2", "tls1_3":
    upgrade(f"a WebSocket over {version}", f"-{version}")
    ticket = scratch / version
    upgrade(None, f"-{version}", "-sess_out", ticket)
    upgrade("  also with the ticket of the connection before", f"-{version}", "-sess_in", ticket)
    talk = Talk("PLAIN", f"-{version}", "-sess_in", ticket)
    talk.says("  which is taken", "^Reused, TLSv1")
upgrade("a WebSocket in records of 512 bytes", "-max_send_frag", "512")
upgrade("a WebSocket after HelloRetryRequest", "-groups", "P-384")
sys.exit(checks.failed > 0)
