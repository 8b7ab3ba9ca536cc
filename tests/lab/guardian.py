"""Outlives a killed lab just long enough to remove its namespaces and its folder.

Its standard input is a pipe whose only writer is the lab: end of file means that the lab is gone.
"""

import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from lab.network import remove_namespaces

    sys.stdin.buffer.read()
    remove_namespaces(sys.argv[1])
    for folder in sys.argv[2:]:
        shutil.rmtree(folder, ignore_errors=True)
