"""Where the programs under test are, and what of others the lab needs on the machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Programs:
    agent: Path
    lean_agent: Path  # without libtorrent
    sluice: Path
    libtorrent_peer: Path

    @staticmethod
    def of_build(build: Path) -> "Programs":
        return Programs(agent=build / "agent/sluice-agent",
                        lean_agent=build / "agent/sluice-agent-lean", sluice=build / "acs-plugin/sluice",
                        libtorrent_peer=build / "tests/lab/libtorrent_peer")


def missing(programs: list[Path | str]) -> list[str]:
    """Names of those that cannot be run."""
    return [str(program) for program in programs
            if shutil.which(str(program), path=_PATH) is None]


# nginx, ip and tc live where an ordinary user's PATH may not look.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
