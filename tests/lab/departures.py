"""Hosts that come and go, whatever runs on them."""

from __future__ import annotations

import random
import threading
import time

from lab.network import Network
from lab.site import Run, Site


class Departures:
    """Hosts whose cable is out for a while: a plan of (host, when, for how long), in seconds."""

    def __init__(self, plan: list[tuple[int, float, float]]):
        self.plan = plan
        self.returned: dict[int, float] = {}  # when each was last back, CLOCK_MONOTONIC
        self._away: set[int] = set()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @staticmethod
    def of_a_third(hosts: int, masters: set[int], seed: int, bound_s: float) -> "Departures":
        """Each of a third of the hosts leaves once, for 1 to 5 s, while the image comes in."""
        rng = random.Random(seed)
        leavers = rng.sample([host for host in range(hosts) if host not in masters], hosts // 3)
        return Departures([(host, rng.uniform(0.1, 0.9) * bound_s, rng.uniform(1, 5))
                           for host in leavers])

    def hosts(self) -> set[int]:
        return {host for host, _, _ in self.plan}

    def start(self, network: Network) -> None:
        began = time.monotonic()
        moments = sorted([(at, host, True) for host, at, _ in self.plan]
                         + [(at + length, host, False) for host, at, length in self.plan])

        def run() -> None:
            for at, host, is_leaving in moments:
                if self._over.wait(max(0.0, began + at - time.monotonic())):
                    return
                self._set(network, host, is_leaving)

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def stop(self, network: Network) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()
            self._thread = None
        for host in list(self._away):
            self._set(network, host, False)

    def _set(self, network: Network, host: int, is_leaving: bool) -> None:
        network.silence_host(host, silent=is_leaving)
        if is_leaving:
            self._away.add(host)
        else:
            self._away.discard(host)
            self.returned[host] = time.monotonic()


def measure_departures(departures: Departures, finished: dict[int, float], began: float,
                       site: Site, run: Run) -> None:
    stayed = [at for host, at in finished.items() if host not in departures.hosts()]
    run.extra["stayed"] = (max(stayed, default=float("inf")) - began) / site.bound_s
    waits = [at - departures.returned[host] for host, at in finished.items()
             if host in departures.returned]
    run.extra["after_return_s"] = max(waits, default=0.0)
