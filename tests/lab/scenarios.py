"""The lab's scenarios: on which links, which fault, how often, held against which bars."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from lab.agents import Agents, Fault
from lab.bars import Bar, Outcome, collect, judge
from lab.faults import AgentKilled, Liar, MasterLost, OriginGone
from lab.peers.aria2 import Aria2, UnsteadyAria2
from lab.peers.direct_nginx import DirectNginx
from lab.peers.libtorrent import Libtorrent
from lab.peers.store_and_forward import StoreAndForward
from lab.programs import Programs
from lab.rollout import Rollout
from lab.site import Site, Way
from lab.swarm import Mixed, Outsider, Poison, Unsteady

MIB = 1 << 20
MBIT = 1_000_000

LAST_DEVICE = "last device / (F/u_origin)"
ORIGIN = Bar("origin payload, images", "origin_images", 1.01)
RECEIVED = Bar("most received by a device, images", "most_received_images", 1.02)


@dataclass(frozen=True)
class Options:
    programs: Programs
    runs: int | None = None        # instead of each scenario's own
    work_dir: Path | None = None
    keep: bool = False
    counts_busy_runs: bool = False
    patience_s: float = 20.0       # how long a run waits for a quiet machine
    tell: Callable[[str], None] = print


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    bars: tuple[Bar, ...]
    hosts: int = 10
    image_bytes: int = 32 * MIB
    uplink_bps: int = 100 * MBIT
    port_bps: int = 1000 * MBIT
    piece_bytes: int | None = None     # None: as the packer chooses
    runs: int = 5
    idle_needed: float = 0.20
    limit_s: float = 60.0
    fault: Callable[[Rollout], Fault] | None = None
    fault_with: Callable[[Rollout, Programs], Fault] | None = None  # one that starts others' programs
    topology: str | None = None        # None: agents that cannot swarm; else as a policy says it
    departures_per_hour: float = 0.0   # what the planner is told
    outsiders: int = 0                 # the last so many hosts are not of the site
    cannot_swarm: int = 0              # the last so many devices take by HTTP
    way: Callable[[Programs], Way] | None = None  # a peer instead of our agents

    def run(self, options: Options) -> Outcome:
        options.tell(f"{self.name}: {self.title}")
        with Site(self.hosts, self.image_bytes, self.uplink_bps, self.port_bps,
                  options.work_dir, options.keep) as site:
            way = self._way(site, options.programs)
            outcome = Outcome(self.name, self.title, site.bound_s)
            idle_needed = 0.0 if options.counts_busy_runs else self.idle_needed
            collect(outcome, options.runs or self.runs, idle_needed,
                    lambda: site.measure(way, self.limit_s), options.tell, options.patience_s)
        judge(outcome, self.bars)
        return outcome

    def _way(self, site: Site, programs: Programs) -> Way:
        if self.way is not None:
            return self.way(programs)
        rollout = Rollout(programs.sluice, site, self.piece_bytes, self.topology,
                          self.departures_per_hour, self.outsiders, self.cannot_swarm)
        fault = None
        if self.fault:
            fault = self.fault(rollout)
        elif self.fault_with:
            fault = self.fault_with(rollout, programs)
        return Agents(programs.agent, rollout, fault)


def _last_device(limit: float | None) -> Bar:
    return Bar(LAST_DEVICE, "ratio", limit, by="median")


def _origin(limit: float | None) -> Bar:
    return Bar(ORIGIN.label, ORIGIN.metric, limit)


def _master_killed(rollout: Rollout) -> Fault:
    return MasterLost(rollout.masters()[0], is_silent=False)


_BANNED = Bar("devices that met a lie and banned it", "devices_that_banned", None)
_NEW_SOURCE = Bar("new source after the loss", "new_source_s", 2.0, unit=" s")
_PEERS_LEFT = Bar("times a peer was turned away from", "peers_left", 0)
_SWARM_SHARE = Bar("of what the others received, by swarm", "by_swarm", None)
_PEER_BARS = (_last_device(None), Bar("origin on the wire, images", "origin_wire_images", None))

PEERS = (
    Scenario("peer_direct_nginx", "ten hosts, every host from nginx with curl", _PEER_BARS,
             way=lambda programs: DirectNginx()),
    Scenario("peer_store_and_forward", "ten hosts, master by curl, then nginx on the master",
             _PEER_BARS, way=lambda programs: StoreAndForward()),
    Scenario("peer_aria2", "ten hosts, aria2 swarm, web seed for the master only", _PEER_BARS,
             way=lambda programs: Aria2()),
    Scenario("peer_libtorrent", "ten hosts, libtorrent v2 swarm, web seed for the master only",
             _PEER_BARS, way=lambda programs: Libtorrent(programs.libtorrent_peer)),
)

SCENARIOS = (
    Scenario("ten_hosts", "10 hosts at 1 Gbit/s behind 100 Mbit/s, 32 MiB",
             (_last_device(1.08), ORIGIN, RECEIVED)),
    Scenario("forty_hosts", "40 hosts at 1 Gbit/s behind 100 Mbit/s, 32 MiB",
             (_last_device(1.12), ORIGIN, RECEIVED), hosts=40, idle_needed=0.10),
    Scenario("forty_hosts_25mbit", "40 hosts, every link 25 Mbit/s, 8 MiB",
             (_last_device(1.20), ORIGIN, RECEIVED), hosts=40, image_bytes=8 * MIB,
             uplink_bps=25 * MBIT, port_bps=25 * MBIT, piece_bytes=16 * 1024, idle_needed=0.10),
    Scenario("master_killed", "10 hosts, kill -9 of the master half-way",
             (_origin(1.20), _NEW_SOURCE, _last_device(None)),
             fault=_master_killed),
    Scenario("master_silent", "10 hosts, the master's cable pulled half-way",
             (_origin(1.20), _NEW_SOURCE, _last_device(None)),
             fault=lambda rollout: MasterLost(rollout.masters()[0], is_silent=True)),
    Scenario("origin_slow", "origin at 0.5 Mbit/s, 10 slaves, 1 MiB",
             (_origin(1.05), _PEERS_LEFT, _last_device(None)), hosts=11, image_bytes=MIB,
             uplink_bps=MBIT // 2, limit_s=120),
    Scenario("origin_gone", "origin silent for 30 s half-way, 10 slaves",
             (_origin(1.05), _PEERS_LEFT,
              Bar("done after the origin's return", "after_return_s", None, unit=" s")),
             hosts=11, limit_s=180, fault=lambda rollout: OriginGone(rollout.masters()[0])),
    Scenario("master_lies", "10 hosts, the master serves wrong bytes from the middle on",
             (_BANNED, _origin(None), _last_device(None)),
             fault=lambda rollout: Liar(rollout, rollout.masters()[0])),
    Scenario("neighbour_lies", "10 hosts, a neighbour serves wrong bytes from the middle on",
             (_BANNED, _origin(1.20), _last_device(None)),
             fault=lambda rollout: Liar(rollout, rollout.busiest_slave())),
    Scenario("agent_killed", "kill -9 of a slave at 50 random moments, started again each time",
             (Bar("pieces verified twice", "verified_again", 0, unit=" pieces"),
              Bar("received again a kill, pieces, worst kill", "received_again_worst", 1.0),
              Bar("received again a kill, pieces, mean", "received_again_mean", 1.0),
              Bar("kills after which more than a piece was", "kills_above_a_piece", None)),
             # Bytes are counted, no times: a busy machine is a harder one.
             uplink_bps=20 * MBIT, runs=1, limit_s=180, idle_needed=0.0,
             fault=lambda rollout: AgentKilled(victim=5, kills=50, seed=1)),
)

_STAYED = "last of those that stayed / (F/u_origin)"
_UNSTEADY_BARS = (Bar(_STAYED, "stayed", None),
                  Bar("a leaver done after its return", "after_return_s", None, unit=" s"),
                  _origin(None))
# What the planner is told of such a site: a third of thirty leaves within some four seconds.
_UNSTEADY_DEPARTURES = 300.0


def _unsteady(name: str, topology: str | None, **how: object) -> Scenario:
    return Scenario(f"unsteady_{name}", f"30 hosts at 25 Mbit/s, 8 MiB, a third leaves: {name}",
                    _UNSTEADY_BARS, hosts=30, image_bytes=8 * MIB, uplink_bps=25 * MBIT,
                    port_bps=25 * MBIT, idle_needed=0.10, limit_s=200, topology=topology, **how)


UNSTEADY = (
    *(_unsteady(topology, topology, fault=Unsteady) for topology in ("star", "chain", "tree")),
    _unsteady("aria2", None, way=lambda programs: UnsteadyAria2()),
)
SWARM = (
    Scenario("swarm_ten_hosts", "10 hosts at 1 Gbit/s behind 100 Mbit/s, 32 MiB, by swarm",
             (_last_device(1.15), _origin(1.02), _SWARM_SHARE,
              Bar("an agent's memory at its most", "peak_rss_mib", 20, unit=" MiB")),
             topology="swarm", runs=10),
    Scenario("swarm_unsteady", "30 hosts at 25 Mbit/s, 8 MiB, a third leaves for 1 to 5 s",
             (Bar(_STAYED, "stayed", 1.5, by="median"), *_UNSTEADY_BARS[1:], _SWARM_SHARE),
             hosts=30, image_bytes=8 * MIB, uplink_bps=25 * MBIT, port_bps=25 * MBIT,
             idle_needed=0.10, limit_s=90, topology="auto",
             departures_per_hour=_UNSTEADY_DEPARTURES,
             fault=lambda rollout: Unsteady(rollout, must_swarm=True)),
    Scenario("swarm_poison", "two of ten poison, one leaves every 2 s, the master dies at 30 %",
             (Bar("poisoners banned", "poisoners_banned", None),
              Bar("honest peers banned by one device", "wrong_bans", None), _origin(1.20),
              _last_device(None), _SWARM_SHARE), uplink_bps=50 * MBIT, topology="swarm",
             fault_with=lambda rollout, programs: Poison(rollout, programs.libtorrent_peer,
                                                         (4, 8))),
    Scenario("swarm_outsider", "a host that no Assignment names, with the torrent",
             (Bar("bytes that it got", "outsider_bytes", 0, unit=" bytes"), _last_device(None)),
             hosts=11, outsiders=1, topology="swarm", runs=2,
             fault_with=lambda rollout, programs: Outsider(rollout, programs.libtorrent_peer, 10)),
    Scenario("swarm_mixed", "ten hosts by swarm, two of them without libtorrent, one by curl",
             (_last_device(1.25), _origin(1.02), _SWARM_SHARE,
              Bar("curl at a member of the swarm / (F/u_origin)", "plain_cpe", 1.5)),
             topology="swarm", cannot_swarm=3, runs=3,
             fault_with=lambda rollout, programs: Mixed(rollout, programs.lean_agent, 10)),
)

SHORT = (
    Scenario("short_plain", "4 hosts behind 50 Mbit/s, 4 MiB", (ORIGIN, _last_device(None)),
             hosts=4, image_bytes=4 * MIB, uplink_bps=50 * MBIT, runs=1, idle_needed=0.0,
             limit_s=20),
    Scenario("short_master_killed", "4 hosts behind 50 Mbit/s, 8 MiB, master killed half-way",
             (_origin(1.20), _NEW_SOURCE), hosts=4, image_bytes=8 * MIB, uplink_bps=50 * MBIT,
             runs=1, idle_needed=0.0, limit_s=30, fault=_master_killed),
)
