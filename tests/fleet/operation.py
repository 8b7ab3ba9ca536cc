"""An operator at work: keys, an image, sluice-acs, devices, a rollout; all by the programs' own
commands."""

from __future__ import annotations

import json
from pathlib import Path

from fleet.devices import (HARDWARE, MANUFACTURER, NEW_VERSION, OUI, PRODUCT_CLASS, World)
from fleet.programs import Programs, wait_for


class Operation:
    def __init__(self, folder: Path, build: Path, uplink_bps: int, lan_bps: int):
        self.folder = folder
        (folder / "logs").mkdir()
        self.programs = Programs(build, folder / "logs")
        self._uplink_bps, self._lan_bps = uplink_bps, lan_bps
        self._ports = {"cwmp": 0, "origin": 0, "api": 0}
        self.acs_options: list = []  # more of them
        self.store, self.published = folder / "acs.sqlite", folder / "published"
        self._password = folder / "password"
        self._password.write_text("a-secret-of-the-lab\n", encoding="utf-8")
        self._password.chmod(0o600)
        self._key, self._trust = folder / "vendor", folder / "trust.json"
        self.programs.command("keygen", "--out", self._key)
        self.programs.command("trust", "init", "--pin", f"{self._key}.pub.pem", "--key",
                              f"{self._key}.pem", "--threshold", 1, "--out", self._trust)

    def world(self) -> World:
        return World(self.folder, f"http://127.0.0.1:{self._ports['cwmp']}/", self._trust,
                     self._password, self._uplink_bps, self._lan_bps)

    def pack(self, image: Path, name: str = "gw3-2.0", version: str = NEW_VERSION,
             security_version: int = 2) -> Path:
        """Its manifest; the image is beside it."""
        out = self.folder / "image"
        self.programs.command(
            "image", "pack", image, "--name", name, "--version", version,
            "--security-version", security_version, "--manufacturer", MANUFACTURER, "--oui", OUI,
            "--product-class", PRODUCT_CLASS, "--hardware-version", HARDWARE,
            "--vendor-verified", "--key", f"{self._key}.pem", "--out", out)
        return out / f"{name}.manifest.json"

    # --- the ACS -------------------------------------------------------------------------------

    def start_acs(self) -> None:
        """Also after kill_acs(): on the same ports, from the same store."""
        policy = self.folder / "policy.json"
        # All devices are this one machine: its load says nothing about any of them.
        policy.write_text(json.dumps({
            "masters": {"max_cpu_percent": 100},
            "planning": {"rate_cap_bps": self._lan_bps, "cpu_gate_percent": 100}}),
            encoding="utf-8")
        ready = self.folder / "acs.json"
        ready.unlink(missing_ok=True)
        self.programs.start("sluice-acs", [
            self.programs.acs, "--listen", f"127.0.0.1:{self._ports['cwmp']}",
            "--origin-listen", f"127.0.0.1:{self._ports['origin']}",
            "--api-listen", f"127.0.0.1:{self._ports['api']}",
            "--store", self.store, "--images", self.published,
            "--policy", policy, "--username", "cpe", "--password-file", self._password,
            "--connection-username", "acs", "--connection-password-file", self._password,
            "--site-rate", self._uplink_bps, "--lan-prefix", "127.0.0.0/8",
            "--insecure-lab", "--ready-file", ready, *self.acs_options])
        self._ports = wait_for(
            "sluice-acs to listen", 10,
            lambda: ready.exists() and json.loads(ready.read_text() or "null"), self.programs)

    def kill_acs(self) -> None:
        self.programs.kill("sluice-acs")

    def port(self, of: str) -> int:
        """cwmp, origin or api; the same after every start."""
        return self._ports[of]

    @property
    def api(self) -> tuple[str, str]:
        return ("--api", f"http://127.0.0.1:{self._ports['api']}")

    # --- what the operator asks it -------------------------------------------------------------

    def devices(self) -> list[dict]:
        return self.programs.json("device", "list", *self.api)["devices"]

    def wait_for_informs(self, count: int) -> None:
        wait_for(f"Informs of {count} devices", 60, lambda: len(self.devices()) == count,
                 self.programs)

    def publish(self, manifest: Path) -> dict:
        return self.programs.json("image", "publish", manifest, *self.api)

    def start_rollout(self, image_id: str, flow: str = "a", *more: str) -> str:
        return self.programs.json("rollout", "start", image_id, "--name", "fleet",
                                  "--flow", flow, *more, *self.api)["id"]

    def resume(self, rollout: str) -> None:
        self.programs.json("rollout", "resume", rollout, *self.api)

    def status(self, rollout: str) -> dict:
        return self.programs.json("rollout", "status", rollout, *self.api)
