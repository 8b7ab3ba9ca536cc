"""What goes wrong in a swarm site: hosts that come and go, peers that poison, a host that nobody
named. Each class is a Fault (lab.agents)."""

from __future__ import annotations

import base64
import json
import random
import time
from pathlib import Path

from lab.agents import Agents, Fault
from lab.departures import Departures, measure_departures
from lab.network import host_address
from lab.peers.torrent_v1 import bencode
from lab.processes import Barrier
from lab.rollout import PORT, Rollout
from lab.site import Run, Site

SWARM_PORT = PORT + 1  # planning::kSwarmPortOffset


class Unsteady(Fault):
    """A third of the hosts leaves for 1 to 5 s; another third, at other moments, in each run."""

    cuts_connections = True

    def __init__(self, rollout: Rollout, must_swarm: bool = False):
        self._rollout = rollout
        self._must_swarm = must_swarm
        self._runs = 0

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        self._runs += 1
        self._departures = Departures.of_a_third(site.hosts, set(self._rollout.masters()),
                                                 self._runs, site.bound_s)
        # Its own count misses what was on the way when its cable was out.
        self.uncounted = frozenset(range(site.hosts))
        self._began: float | None = None
        return frozenset()

    def watch(self, site: Site, agents: Agents) -> None:
        if self._began is None:
            self._began = time.monotonic()
            self._departures.start(site.network)

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        finished = {index: device.report.finished_at()
                    for index, device in agents.devices.items() if device.report.finished_at()}
        measure_departures(self._departures, finished, self._began, site, run)
        if self._must_swarm and not self._rollout.is_swarm():
            run.problems.append("the planner chose no swarm")

    def undo(self, site: Site) -> None:
        self._departures.stop(site.network)


class Poison(Fault):
    """Two peers give wrong bytes to whoever asks, an honest one leaves every 2 s, and the master
    is killed at 30 %."""

    cuts_connections = True
    installs = True
    LEAVES_EVERY_S = 2.0

    def __init__(self, rollout: Rollout, program: Path, poisoners: tuple[int, ...]):
        self._rollout = rollout
        self._program = program
        self._poisoners = poisoners
        self._master = rollout.masters()[0]
        self.excused = frozenset({*poisoners, self._master})
        self._runs = 0

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        self._runs += 1
        self._is_killed, self._departures = False, None
        self.uncounted = frozenset(range(site.hosts))
        torrent = site.folder / "image.torrent"
        torrent.write_bytes(make_torrent_v2(self._rollout))
        for host in self._poisoners:
            folder = site.host_folder(host)
            wrong = bytearray(site.image.read_bytes())
            for offset in range(0, len(wrong), 16 * 1024):
                wrong[offset] ^= 1
            (folder / "image").write_bytes(wrong)
            site.processes.start(
                [self._program, "poison", torrent, folder, f"{host_address(host)}:{SWARM_PORT}",
                 *(f"{host_address(other)}:{SWARM_PORT}" for other in range(site.hosts)
                   if other != host)],
                namespace=site.network.host(host), log=f"poisoner-{host}")
        return frozenset(self._poisoners)

    def watch(self, site: Site, agents: Agents) -> None:
        if self._departures is None:
            rng = random.Random(self._runs)
            honest = [host for host in range(site.hosts) if host not in self.excused]
            self._departures = Departures(
                [(rng.choice(honest), self.LEAVES_EVERY_S * (turn + 1), rng.uniform(1, 2))
                 for turn in range(10)])
            self._departures.start(site.network)
        if not self._is_killed and agents.progress(self._master) >= 0.3:
            agents.kill(self._master)
            self._is_killed = True

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        if not self._is_killed:
            run.problems.append("the master was never killed: the run ended before")
        liars = {host_address(host) for host in self._poisoners}
        banned: set[str] = set()
        wrongly = 0  # by devices that got blocks of one piece from a liar and from an honest peer
        for device in agents.devices.values():
            for ban in device.report.of("banned"):
                banned.add(ban.get("address", "by HTTP"))
                wrongly += ban.get("address") not in liars
        run.extra["poisoners_banned"] = len(banned & liars)
        run.extra["wrong_bans"] = wrongly
        if not liars <= banned:
            run.problems.append(f"banned were {sorted(banned)}, the liars are {sorted(liars)}")

    def undo(self, site: Site) -> None:
        if self._departures:
            self._departures.stop(site.network)


class Outsider(Fault):
    """A host beside the site's, with the torrent and every member's address: the last one."""

    def __init__(self, rollout: Rollout, program: Path, host: int):
        self._rollout = rollout
        self._program = program
        self._host = host
        self.excused = frozenset({host})

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        torrent = site.folder / "image.torrent"
        torrent.write_bytes(make_torrent_v2(self._rollout))
        self._barrier = Barrier()
        site.processes.start(
            [self._program, "fetch", torrent, site.host_folder(self._host),
             f"{host_address(self._host)}:{SWARM_PORT}",
             *(f"{host_address(other)}:{SWARM_PORT}" for other in range(self._host))],
            namespace=site.network.host(self._host), log="outsider",
            stdin=self._barrier.waiting_end)
        self._barrier.release()
        self._before = site.network.host_traffic()[self._host]
        return frozenset({self._host})

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        traffic = site.network.host_traffic()[self._host] - self._before
        run.extra["outsider_bytes"] = traffic.to_host
        run.extra["outsider_knocked_bytes"] = traffic.from_host


class Mixed(Fault):
    """The last three hosts know no swarm: two agents without libtorrent, and at the last one curl,
    as a plain CPE would, from the member that the planner gave it, as soon as that one answers."""

    def __init__(self, rollout: Rollout, lean_agent: Path, hosts: int):
        self._rollout = rollout
        self._plain = hosts - 1
        self.programs = {host: lean_agent for host in (hosts - 3, hosts - 2)}
        self.excused = frozenset({self._plain})

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        source = self._rollout.first_source(self._plain)
        self._image = site.host_folder(self._plain) / "image.bin"
        self._barrier = Barrier()
        self._began = 0.0
        url = f"{source['url']}/v1/images/{self._rollout.image_id}/image.bin"
        self._curl = site.processes.start(
            Barrier.behind(["curl", "--silent", "--show-error", "--fail", "--digest",
                            "--retry", "20", "--retry-delay", "1", "--retry-all-errors",
                            "--user", f"{source['username']}:{source['password']}",
                            "--output", self._image, url]),
            namespace=site.network.host(self._plain), log="plain-cpe",
            stdin=self._barrier.waiting_end)
        self._ended: float | None = None
        return frozenset({self._plain})

    def watch(self, site: Site, agents: Agents) -> None:
        if not self._began:
            self._began = time.monotonic()
            self._barrier.release()
        if self._ended is None and self._curl.poll() is not None:
            self._ended = time.monotonic()

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        member = next(index for index in range(site.hosts) if self._rollout.swarms(index)
                      and host_address(index) in self._rollout.first_source(self._plain)["url"])
        if self._rollout.masters()[0] == member:
            run.problems.append("the plain CPE is at the master: nothing of the swarm's is shown")
        if self._ended is None:
            self._curl.wait(timeout=30)
            self._ended = time.monotonic()
        run.extra["plain_cpe"] = (self._ended - self._began) / site.bound_s
        if not site.is_image(self._image):
            run.problems.append("the plain CPE has not the image")


def make_torrent_v2(rollout: Rollout) -> bytes:
    """The torrent whose v2 info-hash is the image id (DESIGN: the info-dict travels nowhere)."""
    envelope = json.loads(rollout.envelope.read_bytes())
    image = json.loads(base64.b64decode(envelope["payload"]))["image"]
    root = bytes.fromhex(image["pieces_root"])
    return bencode({
        "info": {"file tree": {"image": {"": {"length": image["length"], "pieces root": root}}},
                 "meta version": 2, "name": "image", "piece length": image["piece_length"],
                 "private": 1},
        "piece layers": {root: rollout.layer.read_bytes()}})
