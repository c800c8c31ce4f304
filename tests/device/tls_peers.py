"""What the sensor over TLS is tested with: a key and its certificate, OpenSSL in front of a server, and a server whose
handshake is made by hand, so that it can do what no library does."""

import asyncio
import datetime
import hashlib
import hmac
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

P256 = ec.SECP256R1()


class Identity:
    """A key on P-256 and a certificate that it has signed itself, in files of a folder."""

    def __init__(self, folder, name):
        self.key = ec.generate_private_key(P256)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.pin = point.hex()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(self.key, hashes.SHA256())
        )
        self.certificate_file, self.key_file = folder / f"{name}.crt", folder / f"{name}.key"
        self.certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key_file.write_bytes(pem)


class Relay:
    """Ends TLS in front of a server on this machine, with OpenSSL, and notes how each client ended it."""

    def __init__(self, identity, target, port=0, cut=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(identity.certificate_file, identity.key_file)
        self.target, self.port, self.cut = target, port, cut
        self.endings = []
        self.writers = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.handle, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        # As a process that dies.
        for writer in self.writers:
            writer.transport.abort()
        self.server.close()
        await self.server.wait_closed()

    async def handle(self, reader, writer):
        self.writers.add(writer)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)

        async def send():
            while data := outgoing.read(self.cut or -1):
                writer.write(data)
                await writer.drain()
                if self.cut and outgoing.pending:
                    await asyncio.sleep(0.02)

        async def do(operation, *arguments):
            while True:
                try:
                    return operation(*arguments)
                except ssl.SSLWantReadError:
                    await send()
                    data = await reader.read(1 << 16)
                    incoming.write(data) if data else incoming.write_eof()
                finally:
                    await send()

        async def forward(backend):
            while data := await backend.read(1 << 16):
                tls.write(data)
                await send()
            try:
                tls.unwrap()
            except ssl.SSLError:
                pass  # the client's close_notify is read where all else is
            await send()

        ending = "none"
        try:
            await do(tls.do_handshake)
            backend, backend_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self.writers.add(backend_writer)
            other = asyncio.create_task(forward(backend))
            try:
                while data := await do(tls.read, 1 << 16):
                    backend_writer.write(data)
                # Its close_notify came before ours; after ours, reading raises SSLZeroReturnError.
                ending = "close_notify"
            finally:
                backend_writer.write_eof()
                await other
        except ssl.SSLZeroReturnError:
            ending = "close_notify"
        except ssl.SSLEOFError:
            ending = "torn"
        except ssl.SSLError as error:
            ending = error.reason
        except OSError:
            ending = "reset"
        self.endings.append(ending)
        writer.close()


def expand(secret, label, context, length=32):
    """HKDF-Expand-Label (RFC 8446 section 7.1), of at most one block."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\1", "sha256")[:length]


def vector(data, width):
    return len(data).to_bytes(width, "big") + data


class HandMade:
    """A TLS 1.3 server for one client; its tests say which messages it sends (RFC 8446)."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.transcript = b""
        self.sequence = 0

    async def record(self):
        """The next record of the client."""
        header = await self.reader.readexactly(5)
        return header[0], await self.reader.readexactly(int.from_bytes(header[3:], "big"))

    async def send(self, kind, body):
        self.writer.write(bytes([kind, 3, 3]) + vector(body, 2))
        await self.writer.drain()

    async def send_encrypted(self, kind, body):
        body += bytes([kind]) if kind else b""
        key, iv = expand(self.secret, b"key", b"", 16), expand(self.secret, b"iv", b"", 12)
        nonce = (int.from_bytes(iv, "big") ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        header = bytes([23, 3, 3]) + (len(body) + 16).to_bytes(2, "big")
        await self.send(23, AESGCM(key).encrypt(nonce, body, header))

    def message(self, kind, body):
        """A handshake message, which is now part of the transcript."""
        message = bytes([kind]) + vector(body, 3)
        self.transcript += message
        return message

    def digest(self):
        return hashlib.sha256(self.transcript).digest()

    async def hello(self):
        """Up to the keys of the handshake."""
        kind, hello = await self.record()
        assert (kind, hello[0]) == (22, 1), "the first record is no ClientHello"
        self.transcript += hello
        session_id = hello[39 : 39 + hello[38]]
        # A key share on P-256 is an uncompressed point of 65 bytes.
        at = hello.index(b"\x00\x17\x00\x41\x04") + 4
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(P256, hello[at : at + 65])
        ours = ec.generate_private_key(P256)
        share = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        extensions = b"\x00\x2b\x00\x02\x03\x04\x00\x33" + vector(b"\x00\x17" + vector(share, 2), 2)
        body = b"\x03\x03" + os.urandom(32) + vector(session_id, 1) + b"\x13\x01\x00" + vector(extensions, 2)
        await self.send(22, self.message(2, body))
        empty = hashlib.sha256(b"").digest()
        early = hmac.digest(bytes(32), bytes(32), "sha256")
        shared = ours.exchange(ec.ECDH(), theirs)
        handshake = hmac.digest(expand(early, b"derived", empty), shared, "sha256")
        self.secret = expand(handshake, b"s hs traffic", self.digest())
        self.master = hmac.digest(expand(handshake, b"derived", empty), bytes(32), "sha256")

    def extensions(self):
        return self.message(8, vector(b"", 2))

    def certificate(self, key):
        """One that a client can't parse, and the proof of its key."""
        certificate = self.message(11, b"\0" + vector(vector(b"none", 3) + vector(b"", 2), 3))
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + self.digest()
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return certificate + self.message(15, b"\x04\x03" + vector(signature, 2))

    def finished(self):
        key = expand(self.secret, b"finished", b"")
        return self.message(20, hmac.digest(key, self.digest(), "sha256"))

    def to_application_keys(self):
        self.secret = expand(self.master, b"s ap traffic", self.digest())
        self.sequence = 0
