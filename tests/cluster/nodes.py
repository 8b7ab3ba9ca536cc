"""Several sluice-acs on one PostgreSQL, an operator at any of them, and a fleet before all."""

from __future__ import annotations

import csv
import json
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cluster.postgres import Postgres  # noqa: E402
from fleet.devices import HARDWARE, MANUFACTURER, OUI, PRODUCT_CLASS  # noqa: E402
from fleet.operation import Operation  # noqa: E402
from fleet.programs import FleetError, wait_for  # noqa: E402


def free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


class Cluster(Operation):
    """An Operation whose ACS is several nodes; what it asks, it asks the node `talks_to`."""

    def __init__(self, folder: Path, build: Path, server: Postgres):
        super().__init__(folder, build, 100_000_000, 1_000_000_000)
        self.server = server
        self.url = server.make_database("fleet")
        self.secret = folder / "secret"
        self.secret.write_text("a secret that all nodes know\n", encoding="utf-8")
        # Devices go to one node's origin, whoever owns the store.
        self.origin_port, self.origin_node = free_port(), "b"
        self.has_own_folders = False  # for images; else one that all nodes share
        self.nodes: dict[str, dict] = {}

    def images_of(self, name: str) -> Path:
        return self.folder / (f"published-{name}" if self.has_own_folders else "published")

    def start_node(self, name: str, *more) -> None:
        ready = self.folder / f"{name}.json"
        ready.unlink(missing_ok=True)
        policy = self.folder / "policy.json"
        policy.write_text(json.dumps({"masters": {"max_cpu_percent": 100}}), encoding="utf-8")
        origin = self.origin_port if name == self.origin_node else 0
        self.programs.start(name, [
            self.programs.acs, "--listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
            "--origin-listen", f"127.0.0.1:{origin}",
            "--origin-url", f"http://127.0.0.1:{self.origin_port}",
            "--db", self.url, "--cluster-listen", "127.0.0.1:0", "--cluster-secret-file",
            self.secret, "--images", self.images_of(name), "--policy", policy,
            "--username", "cpe", "--password-file", self._password,
            "--connection-username", "acs", "--connection-password-file", self._password,
            "--lan-prefix", "127.0.0.0/8", "--insecure-lab", "--ready-file", ready, *more])
        self.nodes[name] = wait_for(
            f"node {name} to be ready", 20,
            lambda: ready.exists() and json.loads(ready.read_text() or "null"), self.programs)
        self.talk_to(name)

    def talk_to(self, name: str) -> None:
        self._ports = self.nodes[name]

    def owner(self) -> str:
        """Name of the node that owns the store."""
        row = self.server.ask("fleet", "SELECT address FROM node_lease WHERE expires >"
                                       " clock_timestamp()")
        at = row[0][0] if row else ""
        for name, ports in self.nodes.items():
            if at and at.endswith(f":{ports['cluster']}"):
                return name
        return ""

    def answers(self) -> bool:
        try:
            self.programs.json("device", "list", *self.api)
            return True
        except FleetError:
            return False

    # --- a fleet and its rollout ---------------------------------------------------------------

    def fleet_argv(self, simulator: Path, devices: int, version: str, *more) -> list[str]:
        nodes = [word for name in self.nodes
                 for word in ("--acs", f"http://127.0.0.1:{self.nodes[name]['cwmp']}/")]
        return [str(word) for word in (
            simulator, "fleet", *nodes, "--devices", devices, "--manufacturer", MANUFACTURER,
            "--oui", OUI, "--product-class", PRODUCT_CLASS, "--hardware-version", HARDWARE,
            "--username", "cpe", "--password-file", self._password, "--json",
            "--connection-username", "acs", "--connection-password-file", self._password,
            "--listen", "0.0.0.0:0", "--retry-minimum", 1, "--install-time", "50 ms",
            "--reboot-time", "50 ms", "--fall-back-time", "50 ms", "--peer-net", "127.64.0.0/10",
            "--until-version", version, "--target-version", version, "--site-size", 5,
            "--agents", "80 %", "--devices-csv", self.folder / "devices.csv", *more)]

    def wait_for_informs(self, count: int) -> None:
        wait_for(f"Informs of {count} devices", 60 + count / 20, lambda: int(self.server.ask(
            "fleet", "SELECT count(*) FROM device")[0][0]) == count, self.programs)

    def publish_new(self, version: str) -> str:
        raw = self.folder / "raw"
        raw.write_bytes(random.Random(version).randbytes(300_000))
        return self.publish(self.pack(raw, f"gw3-{version}", version))["id"]

    def done(self) -> int:
        rows = self.server.ask("fleet", "SELECT count(*) FROM rollout_device WHERE state = 'done'")
        return int(rows[0][0])

    def wait_until_done(self, count: int, seconds: float) -> None:
        wait_for(f"{count} devices to be done", seconds, lambda: self.done() >= count,
                 self.programs)

    def time_until_it_answers(self, seconds: float) -> float:
        began = time.monotonic()
        while not self.answers():
            if time.monotonic() - began > seconds:
                raise FleetError(f"no node answers within {seconds:.0f} s")
            time.sleep(0.02)
        return time.monotonic() - began

    def installs(self) -> list[str]:
        with open(self.folder / "devices.csv", newline="", encoding="utf-8") as file:
            return [row["installs"] for row in csv.DictReader(file)]

    def broken_chains(self, rollout: str) -> list[str]:
        """Where the log tells a device's way in the rollout not as one chain of states, each
        once."""
        rows = self.server.ask(
            "fleet", "SELECT identity, from_state, to_state FROM event WHERE kind ="
            f" 'device.state' AND rollout = '{rollout}' ORDER BY number")
        at: dict[str, str] = {}
        broken = []
        for identity, before, after in rows:
            if identity in at and before != at[identity]:
                broken.append(f"{identity}: {at[identity]}, then {before} to {after}")
            at[identity] = after
        states = self.server.ask(
            "fleet", f"SELECT identity, state FROM rollout_device WHERE rollout = '{rollout}'")
        for identity, state in states:
            if at.get(identity) != state:
                broken.append(f"{identity}: is {state}, the log ends with {at.get(identity)}")
        return broken


def start_fleet(argv: list[str], log: Path) -> subprocess.Popen:
    with open(log, "wb") as errors:
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, text=True)
