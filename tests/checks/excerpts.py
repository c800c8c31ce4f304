"""Code that a document shows is that of the file it names: a line `<!-- FILE -->` stands right before the block.

usage: excerpts.py ROOT DOCUMENT...

A block may leave out lines, with a line `// ...` in their place. Indentation in common does not count.
"""

import re
import sys
from pathlib import Path
from textwrap import dedent

BLOCK = re.compile(r"^<!-- (?P<file>\S+) -->\n```rust\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def parts(code):
    """The pieces between the lines left out."""
    return [part for part in re.split(r"^ *// \.\.\.\n", code, flags=re.MULTILINE) if part.strip()]


def is_in(part, lines):
    wanted = dedent(part).splitlines()
    for start in range(len(lines) - len(wanted) + 1):
        piece = lines[start : start + len(wanted)]
        if dedent("\n".join(piece)).splitlines() == wanted:
            return True
    return False


root, failed, found = Path(sys.argv[1]), 0, 0
for document in sys.argv[2:]:
    text = (root / document).read_text()
    blocks = list(BLOCK.finditer(text))
    if len(blocks) != text.count("```rust"):
        failed += 1
        print(f"{document}: a block without the file that it is from")
    for block in blocks:
        found += 1
        lines = (root / block["file"]).read_text().splitlines()
        for part in parts(block["code"]):
            if not is_in(part, lines):
                failed += 1
                print(f"{document}: not in {block['file']}:\n{part}")
if found == 0:
    failed += 1
    print("no block at all")
sys.exit(failed > 0)
