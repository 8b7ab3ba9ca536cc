"""Small file systems in memory, for what happens when a disk is full: seen by this process and its
children alone, and gone with them."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWUSER = 0x20000, 0x10000000
_DETACH = 2
_REC, _PRIVATE = 16384, 1 << 18
RDONLY, REMOUNT = 1, 32


def mounted(at: Path | str, flags: int, data: str, kind: str | None = "tmpfs") -> None:
    words = [None if word is None else str(word).encode() for word in ("none", at, kind, data)]
    if _libc.mount(*words[:3], ctypes.c_ulong(flags), words[3]) != 0:
        raise OSError(ctypes.get_errno(), f"mount {at}")


def unmounted(at: Path) -> None:
    _libc.umount2(str(at).encode(), _DETACH)


def own_mounts() -> None:
    """Mounts of ours are nobody else's from here on; also where we are not root, if the kernel lets us."""
    ids = (os.geteuid(), os.getegid())
    if _libc.unshare(_NEWNS if ids[0] == 0 else _NEWNS | _NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if ids[0] != 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {ids[0]} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {ids[1]} 1", encoding="ascii")
    mounted("/", _REC | _PRIVATE, "", None)


def why_no_mounts() -> str:
    """own_mounts(), or why there are none."""
    try:
        own_mounts()
    except OSError as why:
        return str(why)
    return ""
