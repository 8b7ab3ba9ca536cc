#!/usr/bin/env python3
"""What a device must have in flash to run the agent: the program, and each library that it loads
beyond libc, each compressed by itself with xz -9e.

Usage: size.py ARCHITECTURE PROGRAM [SYSROOT]. Exits 1 when the sum is above the bar.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BAR_BYTES = 3_000_000
# libc itself, and what is part of it since glibc 2.34: every device has them. libm is a file of its own
# that small firmwares do without, so it counts.
LIBC = re.compile(r"^(libc|libdl|libpthread|librt|ld-linux[\w-]*)\.so")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def needed(binary):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", str(binary)))


def library_folders(architecture, sysroot):
    triplet = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[architecture]
    root = Path(sysroot or "/")
    return [root / "usr/lib" / triplet, root / "lib" / triplet]


def loaded_libraries(program, folders):
    """Every library the program loads, and those that they load."""
    found, waiting = {}, needed(program)
    while waiting:
        name = waiting.pop()
        if LIBC.match(name) or name in found:
            continue
        path = next((f / name for f in folders if (f / name).exists()), None)
        if path is None:
            sys.exit(f"size: {name} is in none of {', '.join(map(str, folders))}")
        found[name] = path.resolve()
        waiting += needed(path)
    return dict(sorted(found.items()))


def compressed(path):
    xz = subprocess.run(["xz", "-9e", "--threads=1", "-c", str(path)], check=True,
                        stdout=subprocess.PIPE)
    return len(xz.stdout)


def stripped(program, architecture, folder):
    strip = {"amd64": "strip", "arm64": "aarch64-linux-gnu-strip"}[architecture]
    copy = Path(folder) / Path(program).name
    subprocess.run([strip, "-o", str(copy), str(program)], check=True)
    return copy


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    architecture, program = sys.argv[1:3]
    folders = library_folders(architecture, sys.argv[3] if len(sys.argv) == 4 else None)
    total = 0
    print(f"{architecture + ', bytes':<28} {'stripped':>12} {'xz -9e':>12}")
    with tempfile.TemporaryDirectory() as scratch:
        parts = {Path(program).name: stripped(program, architecture, scratch)}
        parts |= loaded_libraries(program, folders)
        for name, path in parts.items():
            size = compressed(path)
            total += size
            print(f"{name:<28} {path.stat().st_size:>12,} {size:>12,}")
    print(f"{'sum':<28} {'':>12} {total:>12,}   bar {BAR_BYTES:,}: "
          f"{'met' if total <= BAR_BYTES else 'MISSED'}")
    return 0 if total <= BAR_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
