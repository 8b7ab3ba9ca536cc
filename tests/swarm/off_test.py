#!/usr/bin/env python3
"""An agent built without the swarm carries no libtorrent; one built with it does."""

import subprocess
import sys


def libraries(program: str) -> str:
    return subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout


def symbols(program: str) -> str:
    both = [subprocess.run(["nm", "-C", *how, program], capture_output=True, text=True,
                           check=False).stdout for how in ([], ["-D"])]
    return "\n".join(both)


def main() -> int:
    lean, whole = sys.argv[1:]
    faults = []
    if "libtorrent" in libraries(lean) or "libtorrent" in symbols(lean):
        faults.append(f"{lean} has libtorrent in it")
    if "libtorrent" not in libraries(whole):
        faults.append(f"{whole} has no libtorrent: this test sees nothing")
    print("\n".join(faults) or "ok")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
