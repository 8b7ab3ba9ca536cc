"""A single-file BitTorrent v1 torrent (BEP 3), for aria2, which knows no v2."""

from __future__ import annotations

import hashlib
from pathlib import Path


def bencode(value: object) -> bytes:
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(bencode(item) for item in value) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    raise TypeError(f"bencode knows no {type(value).__name__}")


def make_torrent(image: Path, piece_bytes: int, tracker: str, web_seed: str | None = None) -> bytes:
    data = image.read_bytes()
    digests = b"".join(hashlib.sha1(data[begin:begin + piece_bytes]).digest()
                       for begin in range(0, len(data), piece_bytes))
    torrent: dict[str, object] = {
        "announce": tracker,
        "info": {"length": len(data), "name": image.name, "piece length": piece_bytes,
                 "pieces": digests, "private": 1}}
    if web_seed:
        torrent["url-list"] = [web_seed]
    return bencode(torrent)
