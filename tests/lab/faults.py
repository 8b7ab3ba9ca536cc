"""What goes wrong in the lab, and what is measured about it. Each class is a Fault (lab.agents)."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab.agents import Agents, Fault
from lab.network import host_address
from lab.origin import wait_until_listening
from lab.rollout import PORT, Rollout, peer_url
from lab.site import Run, Site


class MasterLost(Fault):
    """The master dies half-way: its process is killed, or its cable is pulled (silence)."""

    cuts_connections = True

    def __init__(self, master: int, is_silent: bool, at: float = 0.5):
        self._is_silent = is_silent
        self._master = master
        self._at = at
        self._lost_at: float | None = None
        self.excused = frozenset({master})

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        self._lost_at = None
        return frozenset()

    def watch(self, site: Site, agents: Agents) -> None:
        if self._lost_at is not None or agents.progress(self._master) < self._at:
            return
        if self._is_silent:
            site.network.silence_host(self._master)
            self._lost_at = time.monotonic()
        else:
            self._lost_at = time.monotonic()
            agents.kill(self._master)

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        if self._lost_at is None:
            run.problems.append("the master was never lost: the run ended before")
            return
        waits = [wait for index, device in agents.devices.items() if index != self._master
                 for wait in new_source_waits(device.report.events, self._lost_at)]
        if not waits:
            run.problems.append("nobody turned away from the lost master")
            return
        run.extra["new_source_s"] = max(waits)

    def undo(self, site: Site) -> None:
        if self._is_silent:
            site.network.silence_host(self._master, silent=False)


def new_source_waits(events: list[dict], lost_at: float) -> list[float]:
    """For a device that left its source after the loss: how long until it asked another one."""
    left = next((e for e in events if e["event"] == "left" and e["t"] >= lost_at), None)
    if left is None:
        return []
    asked = next((e for e in events if e["event"] == "request" and e["t"] >= left["t"]
                  and e["source"] != left["source"]), None)
    return [asked["t"] - lost_at] if asked else [float("inf")]


class OriginGone(Fault):
    """The origin falls silent half-way, for `for_s`, and comes back."""

    cuts_connections = True

    def __init__(self, master: int, for_s: float = 30.0, at: float = 0.5):
        self._master = master
        self._for_s = for_s
        self._at = at
        self._gone_at: float | None = None
        self._is_back = False

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        self._gone_at, self._is_back = None, False
        return frozenset()

    def watch(self, site: Site, agents: Agents) -> None:
        if self._gone_at is None and agents.progress(self._master) >= self._at:
            site.network.silence_origin()
            self._gone_at = time.monotonic()
        elif self._gone_at and not self._is_back:
            if time.monotonic() - self._gone_at >= self._for_s:
                site.network.silence_origin(silent=False)
                self._is_back = True

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        if not self._is_back:
            run.problems.append("the run ended before the origin was back")
            return
        run.extra["after_return_s"] = run.ended_at - (self._gone_at + self._for_s)

    def undo(self, site: Site) -> None:
        if self._gone_at and not self._is_back:
            site.network.silence_origin(silent=False)


class Liar(Fault):
    """One host serves wrong bytes from the middle of the image on, and else answers rightly."""

    def __init__(self, rollout: Rollout, host: int):
        self._rollout = rollout
        self._host = host
        self.installs = True
        self.excused = frozenset({host})

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        site.processes.start(
            [sys.executable, Path(__file__).with_name("liar.py"), host_address(self._host), PORT,
             site.image, self._rollout.layer, self._rollout.envelope, self._rollout.piece_bytes],
            namespace=site.network.host(self._host), log="liar")
        wait_until_listening(site.network.host(self._host), host_address(self._host), PORT)
        return frozenset({self._host})

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        """Bans hit the liar alone, once for each device, at the first wrong piece it gave."""
        liar_url = peer_url(self._host)
        banning = 0
        for index, device in agents.devices.items():
            bans = device.report.of("banned")
            sources = self._rollout.sources_of(index)
            for ban in bans:
                if sources[ban["source"]] != liar_url:
                    run.problems.append(f"host {index} banned {sources[ban['source']]}, "
                                        "which never lied: wrong bytes were passed on")
            banning += bool(bans)
            self._check_first_wrong_piece(index, device.report.events, run)
        run.extra["devices_that_banned"] = banning
        if banning == 0:
            run.problems.append("nobody banned the liar")

    def _check_first_wrong_piece(self, index: int, events: list[dict], run: Run) -> None:
        """After a ban nothing may be asked of that source again, nor taken from it."""
        banned_at: dict[int, float] = {}
        for event in events:
            if event["event"] == "banned":
                if event["source"] in banned_at:
                    run.problems.append(f"host {index} banned source {event['source']} twice")
                banned_at[event["source"]] = event["t"]
            elif event["event"] == "request" and event["source"] in banned_at:
                run.problems.append(f"host {index} asked source {event['source']} after its ban")


# Answers' heads, a challenge, a `have` or two: what a life receives beside pieces.
HEADS_OF_A_LIFE = 4096
# What was on its way to an agent when it was killed has reached its port after this long.
SETTLES_S = 0.06


@dataclass
class Kill:
    at: float            # CLOCK_MONOTONIC, when the victim was dead
    received_bytes: int  # by the victim's port, since the run began


class AgentKilled(Fault):
    """kill -9 of one slave at random moments, each followed by a start on the same store."""

    def __init__(self, victim: int, kills: int, seed: int):
        self.uncounted = frozenset({victim})
        self._victim = victim
        self._wanted = kills
        self._seed = seed

    def prepare(self, site: Site, agents: Agents) -> frozenset[int]:
        self._rng = random.Random(self._seed)
        # Moments of progress, not of time: a kill finds the agent somewhere in the image.
        self._moments = sorted(self._rng.uniform(0.01, 0.98) for _ in range(self._wanted))
        self._kills: list[Kill] = []
        self._received_before = site.network.host_traffic()[self._victim].to_host
        return frozenset()

    def watch(self, site: Site, agents: Agents) -> None:
        if len(self._kills) == self._wanted:
            return
        if _verified(agents, self._victim) < self._moments[len(self._kills)]:
            return
        # Anywhere between two pieces, not always just after one.
        time.sleep(self._rng.uniform(0, 0.02))
        agents.kill(self._victim)
        at = time.monotonic()
        time.sleep(SETTLES_S)
        received = site.network.host_traffic()[self._victim].to_host - self._received_before
        self._kills.append(Kill(at, received))
        agents.restart(site, self._victim)

    def measure(self, site: Site, agents: Agents, run: Run) -> None:
        if len(self._kills) < self._wanted:
            run.problems.append(f"only {len(self._kills)} of {self._wanted} kills came to pass")
        events = agents.devices[self._victim].report.events
        pieces = [e["piece"] for e in events if e["event"] == "piece"]
        run.extra["verified_again"] = len(pieces) - len(set(pieces))
        again = received_again(events, self._kills, agents.rollout.piece_bytes)
        run.extra["received_again_mean"] = sum(again) / max(1, len(again))
        run.extra["received_again_worst"] = max(again, default=0.0)
        run.extra["kills_above_a_piece"] = sum(a > 1 for a in again)


def received_again(events: list[dict], kills: list[Kill], piece_bytes: int) -> list[float]:
    """For each kill, in pieces and by each source that was open: what the victim's port had
    received in that life, less heads, and the next lives did not find in the store, or among the
    pieces that had begun to come, and ask for no more. A life that was killed before it asked for
    anything received nothing, and what it did not take up the one after it may."""
    found = []
    life_began, kept, received, begun = 0.0, 0, 0, 0
    for kill in kills:
        asked_at = next((e["t"] for e in events
                         if e["event"] in ("request", "finished") and e["t"] > kill.at), None)
        if asked_at is None:
            break  # nobody lived to tell
        next_at = next((later.at for later in kills if later.at > asked_at), float("inf"))
        taken_up = sum(e.get("found", 0) for e in events
                       if e["event"] == "request" and asked_at <= e["t"] <= next_at)
        after = [e["resumed_pieces"] for e in events
                 if e["event"] == "started" and kill.at < e["t"] <= asked_at][-1]
        body = max(0, kill.received_bytes - received - HEADS_OF_A_LIFE)
        lost = max(0.0, (body + begun - taken_up) / piece_bytes - (after - kept))
        found.append(lost / max(1, len(open_sources(events, life_began, kill.at))))
        life_began, kept, received, begun = kill.at, after, kill.received_bytes, taken_up
    return found


def open_sources(events: list[dict], begin: float, end: float) -> set[int]:
    """Who had been asked, between two moments of a report, for pieces that had not come."""
    still_open: dict[int, tuple[int, set[int]]] = {}
    for event in events:
        if not begin < event["t"] <= end:
            continue
        if event["event"] == "request":
            run = set(range(event["first"], event["first"] + event["count"]))
            still_open[event["id"]] = (event["source"], run)
        elif event["event"] == "piece":
            for _, run in still_open.values():
                run.discard(event["piece"])
        elif event["event"] in ("left", "banned"):
            still_open = {id_: asked for id_, asked in still_open.items()
                          if asked[0] != event["source"]}
    return {source for source, run in still_open.values() if run}


def _verified(agents: Agents, index: int) -> float:
    pieces = {event["piece"] for event in agents.devices[index].report.of("piece")}
    return len(pieces) / agents.rollout.piece_count
