"""Our way: a real `sluice-agent fetch` on every host, with Assignments that `sluice plan` made."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab.network import host_address
from lab.report import Report
from lab.rollout import PORT, Rollout
from lab.site import Run, Site, Way


# Hosts of a run start together; after this long each has found its source.
STARTING_S = 2.0


class Fault:
    """Something that goes wrong during a run, and what is measured about it; this one is none."""

    excused: frozenset[int] = frozenset()    # hosts that need not finish
    uncounted: frozenset[int] = frozenset()  # hosts whose own count misses what a killed life took
    cuts_connections = False
    programs: dict[int, Path] = {}  # another agent than the usual one, by host
    installs = False  # agents also install, into two slots, and the slots are looked at

    def prepare(self, site: Site, agents: "Agents") -> frozenset[int]:
        """Before the agents are started; returns the hosts that get no agent."""
        return frozenset()

    def watch(self, site: Site, agents: "Agents") -> None:
        """Called every few milliseconds while the run lasts."""

    def measure(self, site: Site, agents: "Agents", run: Run) -> None:
        """After the run: adds figures to `run.extra` and problems to `run.problems`."""

    def undo(self, site: Site) -> None:
        """Brings the site back to how it was, whatever happened."""


@dataclass
class _Device:
    assignment: bytes
    folder: Path
    process: subprocess.Popen | None
    report: Report
    gate: int | None  # the writing end of the named pipe it waits at
    ended: int | None = None  # how it ended by itself
    peak_rss_mib: float = 0.0


class Agents(Way):
    name = "sluice"

    def __init__(self, agent_program: Path, rollout: Rollout, fault: Fault | None = None):
        self._program = agent_program
        self.rollout = rollout
        self._fault = fault or Fault()
        # Without a fault nobody need look closely, and looking costs processor time.
        self._poll_s = 0.02 if fault else 0.2
        self.excused = self._fault.excused
        self.devices: dict[int, _Device] = {}

    # --- the five steps of a Way -----------------------------------------------------------

    def prepare(self, site: Site) -> None:
        """Starts every agent; each blocks reading its Assignment from a named pipe."""
        self.devices = {}
        assignments = self.rollout.assignments()
        absent = self._fault.prepare(site, self)
        for index in range(site.hosts):
            if index not in absent:
                self.devices[index] = self._start(site, index, assignments[index])
        for index, device in self.devices.items():
            device.gate = _open_when_read(device.folder / "assignment.pipe", device.process)

    def release(self, site: Site) -> None:
        """The plan is sent: every agent reads its Assignment now."""
        for device in self.devices.values():
            os.write(device.gate, device.assignment)
            os.close(device.gate)
            device.gate = None

    def wait(self, site: Site, deadline: float) -> dict[int, float]:
        wanted = set(self.devices) - self.excused
        while time.monotonic() < deadline:
            for device in self.devices.values():
                device.report.update()
            self._fault.watch(site, self)
            last = "installed" if self._fault.installs else "finished"
            if all(self.devices[index].report.of(last) for index in wanted):
                break
            if any(self.devices[index].report.failure() is not None for index in wanted):
                break
            time.sleep(self._poll_s)
        finished = {index: self.devices[index].report.finished_at() for index in wanted}
        return {index: at for index, at in finished.items() if at is not None}

    def stop(self, site: Site) -> None:
        self._fault.undo(site)
        for device in self.devices.values():
            if device.gate is not None:
                os.close(device.gate)
                device.gate = None
            if device.process is not None:
                device.ended = device.process.poll()
                device.peak_rss_mib = _peak_rss_mib(device.process.pid)
                device.process.kill()
                device.process.wait()

    def received(self, site: Site) -> dict[int, int]:
        """Every device's own count: image bytes by source, as its report closes with."""
        return {index: sum(device.report.bytes_by_source()) + device.report.swarm_bytes()
                for index, device in self.devices.items()
                if index not in self.excused | self._fault.uncounted
                and device.report.of("finished")}

    def does_log_of_origin_count(self) -> bool:
        return not self._fault.cuts_connections

    def is_whole(self, site: Site, host: int) -> bool:
        device = self.devices[host]
        images = [self.rollout.image_in(device.folder / "store")]
        if self._fault.installs:
            images += [device.folder / "slots" / f"{event['slot']}.img"
                       for event in device.report.of("installed")]
        return all(site.is_image(image) for image in images)

    def finish(self, site: Site, run: Run) -> None:
        for index, device in self.devices.items():
            failure = device.report.failure()
            if failure is not None and index not in self.excused:
                run.problems.append(f"host {index}: {failure}")
            if self._fault.installs and index not in self.excused:
                if not device.report.of("installed"):
                    run.problems.append(f"host {index} never installed")
            if device.process is not None and device.ended not in (None, 0):
                run.problems.append(f"host {index}: its agent ended with {device.ended}")
        run.extra["peers_left"] = sum(self._peers_left(index) for index in self.devices)
        if self.rollout.is_swarm():
            run.extra["by_swarm"] = self._swarm_share()
            run.extra["peak_rss_mib"] = max(d.peak_rss_mib for d in self.devices.values())
        self._fault.measure(site, self, run)

    def _swarm_share(self) -> float:
        """Of the pieces of all devices but the masters, how many the swarm brought."""
        pieces = [event["source"] for index, device in self.devices.items()
                  if self.rollout.swarms(index) and index not in self.rollout.masters()
                  for event in device.report.of("piece")]
        return sum(source == "swarm" for source in pieces) / max(1, len(pieces))

    def _peers_left(self, index: int) -> int:
        """How often a device turned away from a peer, after the first moments: a peer that is not
        up yet refuses, and is asked again."""
        events = self.devices[index].report.events
        started = next((e["t"] for e in events if e["event"] == "started"), 0.0)
        sources = self.rollout.sources_of(index)
        return sum(e["event"] == "left" and e["t"] > started + STARTING_S
                   and sources[e["source"]] in self.rollout.peer_urls for e in events)

    # --- for faults ------------------------------------------------------------------------

    def kill(self, index: int) -> None:
        """kill -9: its sockets are reset by the kernel, its store stays."""
        device = self.devices[index]
        device.process.kill()
        device.process.wait()
        device.process = None

    def restart(self, site: Site, index: int) -> None:
        device = self.devices[index]
        (device.folder / "assignment.json").write_bytes(device.assignment)
        device.process = self._run(site, index, device.folder, device.folder / "assignment.json")

    def progress(self, index: int) -> float:
        """Share of the image's pieces that the device says it has verified."""
        return self.devices[index].report.pieces / self.rollout.piece_count

    # --- starting --------------------------------------------------------------------------

    def _start(self, site: Site, index: int, assignment: bytes) -> _Device:
        folder = site.host_folder(index)
        (folder / "store").mkdir()
        (folder / "slots").mkdir()
        os.mkfifo(folder / "assignment.pipe")
        process = self._run(site, index, folder, folder / "assignment.pipe")
        return _Device(assignment, folder, process, Report(folder / "report.jsonl"), None)

    def _run(self, site: Site, index: int, folder: Path, assignment: Path) -> subprocess.Popen:
        return site.processes.start(
            [self._fault.programs.get(index, self._program), "fetch", "--assignment", assignment, "--trust", self.rollout.trust,
             "--device", self.rollout.device, "--store", folder / "store",
             "--listen", f"{host_address(index)}:{PORT}", "--report", folder / "report.jsonl",
             "--keep-serving", "3600",
             *(["--slots", folder / "slots"] if self._fault.installs else [])],
            namespace=site.network.host(index), log=f"agent-{index}")


def _peak_rss_mib(pid: int) -> float:
    """Of a running process: the most it ever had in memory."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _open_when_read(pipe: Path, process: subprocess.Popen, limit_s: float = 20.0) -> int:
    """The writing end, once the agent has opened the other: then it is up and waiting."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if process.poll() is not None:
                raise RuntimeError(f"an agent ended with {process.returncode} before its "
                                   f"assignment came: see {pipe.parent}") from error
            if time.monotonic() > deadline:
                raise RuntimeError(f"an agent never opened {pipe}") from error
            time.sleep(0.01)
