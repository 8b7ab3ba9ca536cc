"""One measured site: network, origin, one folder for each host; and how one run is measured."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab import machine
from lab.network import ORIGIN_ADDRESS, Network, Traffic
from lab.origin import Nginx
from lab.processes import Processes

# What two counts of the same bytes may differ by, after headers.
RECONCILE_WITHIN = 0.02
# And hand-shakes and layers, which weigh on a small image.
RECONCILE_BYTES = 64 * 1024
# And the heads of `have` polls: two a second from each neighbour that waits.
RECONCILE_BYTES_A_SECOND = 2 * 500


@dataclass
class Run:
    """What one run measured. Times in seconds, amounts in images unless the name says bytes."""

    last_device_s: float
    ratio: float                 # last device ÷ F/u_origin
    origin_images: float         # payload that left the origin, by the interface
    most_received_images: float  # by the device that received most, by its interface
    idle: float                  # share of the machine that had nothing to do
    unfinished: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)
    ended_at: float = 0.0        # CLOCK_MONOTONIC, the last device's last piece


class Way:
    """One way to bring the image to every host. Its steps are called in this order, once a run."""

    name: str
    excused: frozenset[int] = frozenset()  # hosts that need not finish

    def prepare(self, site: "Site") -> None:
        """Starts every program, each blocked before it asks anybody for anything."""
        raise NotImplementedError

    def release(self, site: "Site") -> None:
        """Lets them go: the moment from which the run is timed."""
        raise NotImplementedError

    def wait(self, site: "Site", deadline: float) -> dict[int, float]:
        """When each host had its last piece (CLOCK_MONOTONIC); those that never did are absent."""
        raise NotImplementedError

    def stop(self, site: "Site") -> None:
        """Ends every program, also after a step that failed."""
        raise NotImplementedError

    def is_whole(self, site: "Site", host: int) -> bool:
        raise NotImplementedError

    def received(self, site: "Site") -> dict[int, int]:
        """What hosts themselves counted as received, where their count is of payload alone."""
        return {}

    def does_log_of_origin_count(self) -> bool:
        """nginx logs what it gave to the kernel: of a connection that was cut, more than left."""
        return True

    def finish(self, site: "Site", run: Run) -> None:
        """Adds what else the way knows about the run."""


class Site:
    """A context manager; everything a run leaves is under one folder, removed at the end."""

    def __init__(self, hosts: int, image_bytes: int, uplink_bps: int, port_bps: int,
                 work_dir: Path | None = None, keep: bool = False):
        self.hosts = hosts
        self.image_bytes = image_bytes
        self.uplink_bps = uplink_bps
        self._port_bps = port_bps
        self._work_dir = work_dir
        self._keep = keep

    def __enter__(self) -> "Site":
        parent = self._work_dir or default_work_dir()
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-lab-", dir=parent))
        self.network = Network(self.hosts, self.uplink_bps, self._port_bps,
                               None if self._keep else self.folder)
        try:
            self.processes = Processes(self.folder)
            self.web_root = self.folder / "www"
            self.web_root.mkdir()
            self.image = self.web_root / "image.bin"
            self.image_sha256 = _write_image(self.image, self.image_bytes)
            self.network.__enter__()
            self.origin = Nginx(self.network.origin, ORIGIN_ADDRESS, self.web_root,
                                self.folder / "origin")
            self.origin.start(self.processes)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.processes.stop_all()
        self.network.__exit__()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def bound_s(self) -> float:
        """No way of distribution is faster: the image once through the uplink."""
        return self.image_bytes * 8 / self.uplink_bps

    def host_folder(self, index: int) -> Path:
        return self.folder / f"h{index}"

    def is_image(self, path: Path) -> bool:
        if not path.exists():
            return False
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.image_sha256

    def measure(self, way: Way, limit_s: float) -> Run:
        """One cold run of `way`: from its release until the last host has the verified image."""
        for index in range(self.hosts):
            shutil.rmtree(self.host_folder(index), ignore_errors=True)
            self.host_folder(index).mkdir()
        self.origin.forget_requests()
        try:
            way.prepare(self)
            origin_before, hosts_before = self.network.origin_traffic(), self.network.host_traffic()
            cpu_before = machine.cpu_times()
            start = time.monotonic()
            way.release(self)
            finished = way.wait(self, start + limit_s)
            idle = machine.idle_share(cpu_before, machine.cpu_times())
        finally:
            way.stop(self)
        origin = self.network.origin_traffic() - origin_before
        hosts = [now - then for now, then in zip(self.network.host_traffic(), hosts_before)]
        return self._run(way, start, finished, idle, origin, hosts)

    def _run(self, way: Way, start: float, finished: dict[int, float], idle: float,
             origin: Traffic, hosts: list[Traffic]) -> Run:
        last_device_s = max(finished.values(), default=start) - start
        run = Run(
            last_device_s=last_device_s,
            ratio=last_device_s / self.bound_s,
            origin_images=origin.to_host / self.image_bytes,
            most_received_images=max(hosts[index].to_host for index in range(self.hosts)
                                     if index not in way.excused) / self.image_bytes,
            idle=idle,
            unfinished=[index for index in range(self.hosts)
                        if index not in finished and index not in way.excused],
            extra={"origin_wire_images": origin.wire_to_host / self.image_bytes},
            ended_at=start + last_device_s)
        for index in finished:
            if not way.is_whole(self, index):
                run.problems.append(f"host {index} finished with wrong bytes")
        if way.does_log_of_origin_count():
            logged = sum(request.body_bytes for request in self.origin.requests())
            _reconcile(run, "origin: access log", logged, origin.to_host, self.hosts)
        for index, bytes_ in way.received(self).items():
            _reconcile(run, f"host {index}: its own count", bytes_, hosts[index].to_host,
                       self.hosts)
        way.finish(self, run)
        return run


def _reconcile(run: Run, what: str, counted: int, on_interface: int, neighbours: int) -> None:
    heads = RECONCILE_BYTES + RECONCILE_BYTES_A_SECOND * neighbours * run.last_device_s
    allowed = max(RECONCILE_WITHIN * max(counted, on_interface), heads)
    if abs(counted - on_interface) > allowed:
        run.problems.append(f"{what} says {counted} bytes, the interface {on_interface}")


def _write_image(path: Path, size: int) -> str:
    """Bytes that no link compresses, the same in every run; returns their SHA-256."""
    generator = random.Random(size)
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for begin in range(0, size, 1 << 20):
            block = generator.randbytes(min(1 << 20, size - begin))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def default_work_dir() -> Path:
    """Memory, where there is some: forty devices have forty flash chips, not one disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else Path(tempfile.gettempdir())


