"""A tuned libtorrent v2 swarm (libtorrent_peer.cpp); the master alone has the web seed."""

from __future__ import annotations

import select
import subprocess
import time
from pathlib import Path

from lab.network import command, host_address
from lab.processes import Barrier
from lab.site import Site, Way

MASTER = 0
PIECE_BYTES = 128 * 1024
_PEER_PORT = 6881


class Libtorrent(Way):
    name = "libtorrent v2, web seed for the master only, tuned"

    def __init__(self, program: Path):
        self._program = program

    def prepare(self, site: Site) -> None:
        torrent = site.folder / "image.torrent"
        command(self._program, "create", site.image, PIECE_BYTES, torrent)
        self._barrier = Barrier()
        self._running = {}
        for index in range(site.hosts):
            # Each pair needs one connection: the later host opens it.
            peers = [f"{host_address(other)}:{_PEER_PORT}" for other in range(index)]
            web_seed = [site.origin.url("image.bin")] if index == MASTER else []
            self._running[index] = site.processes.start(
                [self._program, "fetch", torrent, site.host_folder(index),
                 f"{host_address(index)}:{_PEER_PORT}", *peers, *web_seed],
                namespace=site.network.host(index), log=f"libtorrent-{index}",
                stdin=self._barrier.waiting_end, stdout=subprocess.PIPE)
        # Sessions are up and listening when each has said so.
        self._lines(site.hosts, time.monotonic() + 30, "ready")

    def _lines(self, hosts: int, deadline: float, word: str) -> dict[int, float]:
        """Waits until every program has printed `word` with the time it happened."""
        said: dict[int, float] = {}
        by_descriptor = {p.stdout.fileno(): (index, p) for index, p in self._running.items()}
        while len(said) < hosts and (left := deadline - time.monotonic()) > 0:
            for descriptor in select.select(list(by_descriptor), [], [], left)[0]:
                index, process = by_descriptor[descriptor]
                line = process.stdout.readline().split()
                if not line:
                    by_descriptor.pop(descriptor)
                elif line[0] == word.encode():
                    said[index] = float(line[1])
        return said

    def release(self, site: Site) -> None:
        self._barrier.release()

    def wait(self, site: Site, deadline: float) -> dict[int, float]:
        return self._lines(site.hosts, deadline, "finished")

    def stop(self, site: Site) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
            process.stdout.close()

    def is_whole(self, site: Site, host: int) -> bool:
        return site.is_image(site.host_folder(host) / "image.bin")
