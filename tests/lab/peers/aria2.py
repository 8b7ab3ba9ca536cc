"""aria2 on every host as a BitTorrent swarm; the master alone has the origin as its web seed."""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path

from lab.network import ROUTER_LAN_ADDRESS, host_address
from lab.origin import wait_until_listening
from lab.peers.torrent_v1 import make_torrent
from lab.processes import Barrier
from lab.departures import Departures, measure_departures
from lab.site import Run, Site, Way

MASTER = 0
PIECE_BYTES = 128 * 1024
_PEER_PORT = 6881
_TRACKER_PORT = 6969


class Aria2(Way):
    name = "aria2, web seed for the master only"

    def prepare(self, site: Site) -> None:
        tracker = f"http://{ROUTER_LAN_ADDRESS}:{_TRACKER_PORT}/announce"
        self._tracker = site.processes.start(
            [sys.executable, Path(__file__).with_name("tracker.py"), ROUTER_LAN_ADDRESS,
             _TRACKER_PORT, _PEER_PORT, *(host_address(index) for index in range(site.hosts))],
            namespace=site.network.router, log="tracker")
        wait_until_listening(site.network.router, ROUTER_LAN_ADDRESS, _TRACKER_PORT)
        self._finished = _FinishBell(site.folder)
        self._barrier = Barrier()
        self._running = [self._start(site, index, tracker) for index in range(site.hosts)]

    def _start(self, site: Site, index: int, tracker: str):
        folder = site.host_folder(index)
        torrent = folder / "image.torrent"
        web_seed = site.origin.url("image.bin") if index == MASTER else None
        torrent.write_bytes(make_torrent(site.image, PIECE_BYTES, tracker, web_seed))
        argv = ["aria2c", "--no-conf=true", f"--dir={folder}", "--enable-dht=false",
                "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false",
                f"--listen-port={_PEER_PORT}", "--bt-max-peers=0", "--seed-time=60",
                "--seed-ratio=0.0", "--file-allocation=none", "--summary-interval=0",
                "--show-console-readout=false", "--bt-min-crypto-level=plain",
                f"--on-bt-download-complete={self._finished.hook(index)}", torrent]
        return site.processes.start(Barrier.behind(argv), namespace=site.network.host(index),
                                    log=f"aria2-{index}", stdin=self._barrier.waiting_end)

    def release(self, site: Site) -> None:
        self._barrier.release()

    def wait(self, site: Site, deadline: float) -> dict[int, float]:
        return self._finished.wait(site.hosts, deadline)

    def stop(self, site: Site) -> None:
        for process in [*self._running, self._tracker]:
            process.kill()
            process.wait()
        self._finished.close()

    def is_whole(self, site: Site, host: int) -> bool:
        return site.is_image(site.host_folder(host) / "image.bin")


class UnsteadyAria2(Aria2):
    """The same, while a third of the hosts leaves for 1 to 5 s."""

    name = "aria2, a third leaves"

    def __init__(self) -> None:
        self._runs = 0
        self._departures: Departures | None = None

    def does_log_of_origin_count(self) -> bool:
        return False

    def release(self, site: Site) -> None:
        self._runs += 1
        self._departures = Departures.of_a_third(site.hosts, {MASTER}, self._runs, site.bound_s)
        self._began = time.monotonic()
        super().release(site)
        self._departures.start(site.network)

    def wait(self, site: Site, deadline: float) -> dict[int, float]:
        self._ended = super().wait(site, deadline)
        return self._ended

    def stop(self, site: Site) -> None:
        if self._departures:
            self._departures.stop(site.network)
        super().stop(site)

    def finish(self, site: Site, run: Run) -> None:
        measure_departures(self._departures, self._ended, self._began, site, run)


class _FinishBell:
    """aria2 runs a program when the last piece is verified: ours rings through a named pipe."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._pipe = folder / "finished"
        self._pipe.unlink(missing_ok=True)
        os.mkfifo(self._pipe)
        self._descriptor = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)

    def hook(self, index: int) -> Path:
        script = self._folder / f"finished-{index}.sh"
        script.write_text(f"#!/bin/sh\necho {index} >'{self._pipe}'\n", encoding="utf-8")
        script.chmod(0o755)
        return script

    def wait(self, hosts: int, deadline: float) -> dict[int, float]:
        finished: dict[int, float] = {}
        while len(finished) < hosts and (left := deadline - time.monotonic()) > 0:
            if select.select([self._descriptor], [], [], left)[0]:
                now = time.monotonic()
                for word in os.read(self._descriptor, 4096).split():
                    finished.setdefault(int(word), now)
        return finished

    def close(self) -> None:
        os.close(self._descriptor)
