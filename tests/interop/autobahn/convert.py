"""Makes the installed suite a program for Python 3, in place: convert.py SITE-PACKAGES

fissix, a maintained lib2to3, first changes the syntax and the names of the library; then come the rules below, for
what no converter can know. They change the edges of the suite only: its cases say what they say.
"""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# (files, pattern, replacement, how often it applies in each file, None for any number; another number is another
# version of the suite, and ends here)
RULES = [
    # The cases. "µ" in a literal was two octets of UTF-8. Read as latin-1 the same file gives the same octets, each a
    # character.
    (
        "case/case6_2_1.py case/case6_2_2.py case/case6_2_3.py case/case6_x_x.py",
        r"\A# coding=utf-8",
        "# coding=latin-1",
        1,
    ),
    # Old-style classes had no order of methods that `object`, named first, could spoil.
    (
        "case/case6_x_x.py case/case7_7_X.py case/case7_9_X.py case/case9_7_X.py",
        r"\(object, Case, \)",
        "(Case,)",
        1,
    ),
    ("case/case12_x_x.py", r"\(object, Case, \)", "(Case,)", 2),
    # Hexadecimal text was a str.
    (
        "case/case6_2_1.py case/case6_2_2.py case/case6_2_3.py case/case6_2_4.py case/case6_3_1.py case/case6_3_2.py "
        "case/case6_4_1.py case/case6_4_2.py case/case6_4_3.py case/case6_4_4.py case/case6_x_x.py case/case7_5_1.py",
        r"\bimport binascii\b",
        "from autobahntestsuite import octets as binascii",
        None,
    ),
    ("case/case10_1_1.py", r"len\(self\.payload\) / self", "len(self.payload) // self", 1),
    # The validator wants bytes.
    ("case/case6_x_x.py", r"v\.validate\(vss\[:i\]\)", "v.validate(binascii.raw(vss[:i]))", 1),
    # Imported, though it does not run: zope.interface has no `implements` now.
    ("case/case9_9_1.py", r"(?m)^from zope\.interface import implements$|^ *implements\(.*\)$", "", 2),
    # What is compressed is read from files, hashed and decoded: here it is bytes.
    ("case/case12_x_x.py", r"(def onMessage\(self, msg, binary\):\n)", r"\1   msg = octets.raw(msg)\n", 1),
    ("case/case12_x_x.py", r"binascii\.hexlify", "octets.b2a_hex", None),
    (
        "case/case12_x_x.py",
        r"(?m)^from \.case import Case$",
        r"\g<0>\nfrom autobahntestsuite import octets",
        1,
    ),
    # setuptools' pkg_resources is gone.
    (
        "broadcast.py case/case12_x_x.py echo.py fuzzing.py testee.py",
        r"pkg_resources\.resource_filename\(",
        "octets.resource(",
        None,
    ),
    ("case/case12_x_x.py fuzzing.py wstest.py", r", pkg_resources\b", "", 1),
    ("broadcast.py echo.py testee.py", r"(?m)^import pkg_resources$|, pkg_resources\b", "", None),
    ("broadcast.py echo.py testee.py", r"\A", "from autobahntestsuite import octets\n", None),
    # A mode of WAMP's, which would need more packages.
    ("wstest.py", r"(?m)^from \. import serializer$", "", 1),
    # Between the cases, autobahn and the reports.
    ("fuzzing.py", r"(?m)^from \.caseset import CaseSet$", r"\g<0>\nfrom . import octets", 1),
    ("fuzzing.py", r"class FuzzingProtocol:", "class FuzzingProtocol(octets.Edge):", 1),
    (
        "fuzzing.py",
        r"self\.runCase\.onMessage\(msg, binary\)",
        "self.runCase.onMessage(octets.octets(msg), binary)",
        1,
    ),
    ("fuzzing.py", r"self\.runCase\.onPong\(payload\)", "self.runCase.onPong(octets.octets(payload))", 1),
    ("fuzzing.py", r"binascii\.b2a_hex", "octets.b2a_hex", 5),
    # It cuts and decodes octets.
    (
        "fuzzing.py",
        r"(def asciiLogData\(.*\):\n)   ellipses = \" \.\.\.\"\n",
        r'\1   data = octets.raw(data)\n   ellipses = b" ..."' "\n",
        1,
    ),
    ("fuzzing.py", r"''\.join\(payload\)", "b''.join(payload)", 1),
    # What autobahn has as bytes is text in json and in the pages.
    ("fuzzing.py", r'("description": )(self\.Case\.DESCRIPTION)', r"\1octets.readable(\2)", 1),
    ("fuzzing.py", r"% (CCase\.DESCRIPTION)", r"% octets.readable(\1)", 1),
    ("fuzzing.py", r'("localCloseReason": )(self\.localCloseReason)', r"\1octets.readable(\2)", 1),
    ("fuzzing.py", r"(self\.http_(?:request|response)_data) if", r"octets.octets(\1) if", 2),
    (
        "fuzzing.py",
        r"(open\(os\.path\.join\(outdir, report_filename\), 'w')\)",
        r"\1, encoding = 'utf-8', errors = 'surrogatepass')",
        4,
    ),
    ("fuzzing.py", r"(c\[1\]\))\)\.encode\(\"utf-8\"\)", r"\1)", 1),
    ("fuzzing.py", r"ll\.encode\('utf8'\)", "ll", 1),
    # autobahn 0.10.9 was meant for Python 3, but repeats no payload there,
    (
        "../autobahn/websocket/protocol.py",
        r"range\(payload_len / len\(payload\)\)",
        "range(payload_len // len(payload))",
        1,
    ),
    # and does not decode surrogates, which Python 2 did: a close frame with them comes to its verdict.
    (
        "../autobahn/websocket/protocol.py",
        r"reasonRaw\.decode\('utf8'\)",
        "reasonRaw.decode('utf8', 'surrogatepass')",
        1,
    ),
    # What raises inside the suite ends it: Twisted goes on, and in a handshake autobahn answers with an error, as if it
    # were the peer's.
    (
        "wstest.py",
        r"(?m)^from twisted\.internet\.defer import Deferred$",
        r"\g<0>\nfrom . import octets\nlog.addObserver(octets.end_at_errors)",
        1,
    ),
    ("fuzzing.py", r"(?m)^( *)(?=def onConnect\()", r"\1@octets.ends_at_errors\n\1", 2),
]


def main(packages):
    suite = os.path.join(packages, "autobahntestsuite")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "fissix", "-w", "-n", "--no-diffs", suite],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    shutil.copy(os.path.join(HERE, "octets.py"), suite)
    for files, pattern, replacement, times in RULES:
        for name in files.split():
            path = os.path.join(suite, name)
            # latin-1 keeps every octet of the file; some have CRLF, which becomes LF.
            with open(path, encoding="latin-1") as file:
                text, count = re.subn(pattern, replacement, file.read())
            if times not in (None, count):
                sys.exit("%s: %r applies %d times, not %d" % (name, pattern, count, times))
            with open(path, "w", encoding="latin-1") as file:
                file.write(text)


main(*sys.argv[1:])
