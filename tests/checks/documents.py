"""Every command in the documents, run as a reader would, every link between them, followed, and code compared.

usage: documents.py ECHO_SERVER    in the project's folder

The commands of one block run one after the other in a folder that has the files they speak of. A server stays until
the block ends, on a free port in place of 1740. What takes minutes or another machine (stages, benchmarks, emulators)
is only asked whether it knows its arguments.

Rust in a document is compiled with the tests, or is that of a file: a line `<!-- FILE -->` stands right before it, and
a line `// ...` in place of what is left out. Indentation in common does not count.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from textwrap import dedent

from markdown_it import MarkdownIt

ROOT = Path.cwd()
ECHO = Path(sys.argv[1]).resolve()
FIXTURES = {"photo.jpg": b"\xff\xd8\xff" * 999, "log.txt": b"a line of text\n" * 99, "socket.io.min.js": b"// io\n"}
RELEASE = r"cargo run --release(?: -p microws-host --bin microws-echo)?(?: --)?"
KEY = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
KEY += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]


class Failed(Exception):
    pass


def shell(command, folder, stdin="", minutes=5):
    done = subprocess.run(
        ["bash", "-uc", command], cwd=folder, input=stdin, text=True, capture_output=True, timeout=60 * minutes
    )
    if done.returncode:
        raise Failed(f"exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")


class Block:
    """The commands between two fences."""

    def __init__(self, folder):
        self.folder, self.servers, self.port, self.settings = Path(folder), [], None, ""

    def serve(self, arguments):
        command = [ECHO, "--listen", "127.0.0.1:0", "--log-format", "plain", *shlex.split(arguments)]
        server = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.servers.append(server)
        for line in server.stderr:
            if found := re.search(r"listening on wss?://127\.0\.0\.1:(\d+)/", line):
                self.port = found[1]
                # What it logs from now on is not read, and little.
                return
        raise Failed(f"the server ended with {server.wait()}")

    def run(self, command):
        command = command.split(" #")[0].strip()
        if found := re.fullmatch(rf"(?:{RELEASE}|microws-echo)( .*)?", command):
            self.serve(found[1] or "")
        elif command.startswith("tests/run"):
            shell(f"{command} --list", ROOT)
        elif found := re.match(r"cargo bench -p microws-benches --bench (\w+)", command):
            # Building them takes minutes. A benchmark is a folder of its name, and an option a field in it.
            source = "".join(path.read_text() for path in (ROOT / "benches" / found[1]).glob("*.rs"))
            for option in re.findall(r" --([\w-]+)", command.partition(" -- ")[2]):
                if not re.search(rf"\b{option.replace('-', '_')}\b", source):
                    raise Failed(f"the benchmark has no --{option}")
        elif found := re.match(r"(tests|benches)/\S+", command):
            program = ROOT / found[0]
            if not os.access(program, os.X_OK):
                raise Failed("no such program")
            for option in re.findall(r" (-{1,2}\w[\w-]*)", command):
                if option not in program.read_text():
                    raise Failed(f"{found[0]} has no {option}")
        elif re.fullmatch(r"\w+=\S+", command):
            name, _, value = command.partition("=")
            value = value.replace("target/release", str(ECHO.parent))
            self.settings += f"{name}={value}\n"
        else:
            if "1740" in command:
                if not self.port:
                    self.serve("--tls --tls-save certificate.pem")
                command = command.replace("1740", self.port)
            command = re.sub(r"^cargo (build|run)", rf"cargo \1 --locked --manifest-path {ROOT}/Cargo.toml", command)
            shell(self.settings + command, self.folder, stdin="hello\n", minutes=10)

    def end(self):
        for server in self.servers:
            server.send_signal(signal.SIGTERM)
            try:
                status = server.wait(10)
            finally:
                server.kill()
                server.stderr.close()
            if status:
                raise Failed(f"the server ended with {status}")


def commands(text):
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def slug(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


class Document:
    def __init__(self, path):
        self.path = path
        self.tokens = MarkdownIt().enable("table").parse(path.read_text())
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        self.anchors = [slug(inner.content.replace("`", "")) for token, inner in pairs if token.type == "heading_open"]

    def fences(self, *kinds):
        return [token for token in self.tokens if token.type == "fence" and token.info.split(" ")[0] in kinds]

    def links(self):
        for token in self.tokens:
            for child in token.children or []:
                address = child.attrGet("href") or child.attrGet("src")
                if address and not re.match(r"\w+:", address):
                    yield address


def check_links(document, documents):
    for address in document.links():
        name, _, anchor = address.partition("#")
        target = (document.path.parent / name).resolve() if name else document.path
        if not target.exists():
            yield f"{address}: there is no such file"
        elif anchor and target in documents and anchor not in documents[target].anchors:
            yield f"{address}: there is no such heading"


def has(lines, part):
    """Whether these lines have that part, at any depth."""
    wanted = dedent(part).splitlines()
    pieces = (lines[start : start + len(wanted)] for start in range(len(lines)))
    return any(dedent("\n".join(piece)).splitlines() == wanted for piece in pieces)


def check_rust(document, included):
    if document.path in included:
        return
    previous = [None, *document.tokens]
    for before, fence in zip(previous, document.tokens, strict=False):
        if fence.type != "fence" or fence.info.split(" ")[0] != "rust":
            continue
        named = before and before.type == "html_block" and re.fullmatch(r"<!-- (\S+) -->", before.content.strip())
        if not named:
            yield "its Rust is compiled by nobody"
            return
        lines = (ROOT / named[1]).read_text().splitlines()
        for part in re.split(r"^ *// \.\.\.\n", fence.content, flags=re.MULTILINE):
            if part.strip() and not has(lines, part):
                yield f"not in {named[1]}:\n{part}"


def check_commands(document):
    if "boards" in document.path.parts:
        return  # They need a board.
    for fence in document.fences("sh", "console", "bash"):
        with tempfile.TemporaryDirectory() as folder:
            for entry in ("core", "tests", "benches", "host"):
                (Path(folder) / entry).symlink_to(ROOT / entry)
            for name, content in FIXTURES.items():
                (Path(folder) / name).write_bytes(content)
            for certificate, key in (("server.crt", "server.key"), ("chain.pem", "key.pem")):
                subprocess.run([*KEY, "-out", certificate, "-keyout", key], cwd=folder, check=True, capture_output=True)
            block = Block(folder)
            try:
                for command in commands(fence.content):
                    started = time.monotonic()
                    try:
                        block.run(command)
                        yield command, None
                    except (Failed, subprocess.TimeoutExpired) as fault:
                        yield command, fault
                    took = time.monotonic() - started
                    print(f"{took:6.1f} s  {document.path.relative_to(ROOT)}: {command}", flush=True)
            finally:
                block.end()


def main():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True)
    documents = {path: Document(path) for path in (ROOT / line for line in listed.stdout.splitlines())}
    grep = ["git", "grep", "-o", r'include_str!("[^"]*")', "--", "*.rs"]
    found = subprocess.run(grep, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    lines = [line.split('"') for line in found.splitlines()]
    included = {((ROOT / source.partition(":")[0]).parent / name).resolve() for source, name, _ in lines}
    passed, faults = 0, []
    for path, document in documents.items():
        name = path.relative_to(ROOT)
        found = [*check_links(document, documents), *check_rust(document, included)]
        passed += not found
        faults += [f"{name}: {fault}" for fault in found]
        for command, fault in check_commands(document):
            passed += fault is None
            faults += [f"{name}: {command}: {fault}"] if fault else []
    print("---")
    print("\n".join(faults), end="\n" if faults else "")
    print(f"{passed} passed, {len(faults)} failed")
    sys.exit(bool(faults))


main()
