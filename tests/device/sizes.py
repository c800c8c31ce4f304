"""What programs for a device take, in one line: flash, and RAM that is there before the stack.

usage: sizes.py PROGRAM...
"""

import subprocess
import sys
from pathlib import Path

sizes = []
for program in map(Path, sys.argv[1:]):
    output = subprocess.run(["llvm-size", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    text, data, bss = map(int, output.splitlines()[1].split()[:3])
    sizes.append(f"{program.name}: {text + data} bytes of flash, {data + bss} of static RAM")
print("; ".join(sizes))
