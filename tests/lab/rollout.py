"""One rollout of the site's image as an operator makes it: keys, manifest, trust, and the plan."""

from __future__ import annotations

import collections
import json
import shutil
from pathlib import Path

from lab.network import command, host_address
from lab.site import Site

PORT = 7547
_MANUFACTURER = "Lab"
_OUI = "0090A0"
_PRODUCT_CLASS = "bench"
_HARDWARE = "A"


class Rollout:
    """The files are made once for a site; every run of it gets the same Assignments."""

    def __init__(self, sluice: Path, site: Site, piece_bytes: int | None,
                 topology: str | None = None, departures_per_hour: float = 0.0,
                 outsiders: int = 0, cannot_swarm: int = 0):
        """`topology`: what policy forces; "auto" leaves it to the planner, with agents that can
        swarm; None: agents that cannot. `outsiders`: the last so many hosts are not of the site.
        `cannot_swarm`: the last so many devices take by HTTP."""
        self._folder = site.folder / "rollout"
        self._folder.mkdir()
        self._sluice = sluice
        self._topology = topology
        self._devices = site.hosts - outsiders
        self._swarmers = self._devices - cannot_swarm if topology is not None else 0
        self._departures_per_hour = departures_per_hour
        self._pack(site, piece_bytes)
        self._plan(site)

    # --- what the scenario needs to know ---------------------------------------------------

    def masters(self) -> list[int]:
        return [index for index, a in enumerate(self._parsed) if a["role"] == "master"]

    def sources_of(self, index: int) -> list[str]:
        return [source["url"] for source in self._parsed[index]["sources"]]

    def is_swarm(self) -> bool:
        return any("swarm" in assignment for assignment in self._parsed)

    def swarms(self, index: int) -> bool:
        return "swarm" in self._parsed[index]

    def first_source(self, index: int) -> dict:
        return self._parsed[index]["sources"][0]

    def busiest_slave(self) -> int:
        """The slave that most others have as their first source: a lie there is passed on most."""
        slaves = {peer_url(i): i for i in range(len(self._parsed)) if i not in self.masters()}
        first = collections.Counter(
            self.sources_of(index)[0] for index in range(len(self._parsed))
            if self.sources_of(index)[0] in slaves)
        if not first:
            raise RuntimeError("in this plan no slave is anybody's first source")
        return slaves[first.most_common(1)[0][0]]

    def assignments(self) -> list[bytes]:
        return self._assignments

    def image_in(self, store: Path) -> Path:
        return store / self.image_id / "image.bin"

    # --- making it -------------------------------------------------------------------------

    def _pack(self, site: Site, piece_bytes: int | None) -> None:
        folder = self._folder
        key, public_key = folder / "vendor.pem", folder / "vendor.pub.pem"
        self.trust = folder / "trust.json"
        command(self._sluice, "keygen", "--out", folder / "vendor")
        command(self._sluice, "trust", "init", "--pin", public_key, "--key", key,
                "--threshold", 1, "--out", self.trust)
        command(self._sluice, "image", "pack", site.image, "--key", key, "--out", folder,
                "--name", "image", "--version", "2.0", "--security-version", 2,
                "--manufacturer", _MANUFACTURER,
                "--oui", _OUI, "--product-class", _PRODUCT_CLASS, "--hardware-version", _HARDWARE,
                "--no-copy", *(["--piece-length", piece_bytes] if piece_bytes else []))
        self.envelope = folder / "image.manifest.json"
        self.layer = folder / "image.bin.layer"
        shutil.copy(self.layer, site.web_root)  # the origin has it beside the image
        self.device = folder / "device.toml"
        self.device.write_text(
            f'manufacturer = "{_MANUFACTURER}"\noui = "{_OUI}"\n'
            f'product_class = "{_PRODUCT_CLASS}"\nhardware_version = "{_HARDWARE}"\n'
            'software_version = "1.0"\nsecurity_version = 1\n', encoding="utf-8")

    def _plan(self, site: Site) -> None:
        site_file = self._folder / "site.json"
        site_file.write_text(json.dumps({
            "version": 1, "origin_bps": site.uplink_bps, "access_bps": site.uplink_bps,
            "departures_per_hour": self._departures_per_hour,
            "devices": [self._device_entry(site, index) for index in range(self._devices)]}))
        policy = self._folder / "policy.json"
        # Every host sees the load of the machine that all of them share: the CPU gate, which is
        # for a device that is busy itself, stays open.
        policy.write_text(json.dumps({"planning": {"cpu_gate_percent": 100,
                                                   "topology": self._topology or "auto"}}))
        out = self._folder / "plan"
        self.text = command(
            self._sluice, "plan", "--site", site_file, "--policy", policy,
            "--manifest", self.envelope,
            "--image-url", site.origin.url("image.bin"), "--out", out,
            "--key-out", self._folder / "rollout.key")
        self._assignments = [(out / f"d{index}.json").read_bytes() for index in range(self._devices)]
        self._parsed = [json.loads(text) for text in self._assignments]
        self.peer_urls = {peer_url(index) for index in range(self._devices)}
        self.image_id = self._parsed[0]["image"]
        # The layer is one 32-byte digest for each piece; pieces are a power of two long.
        self.piece_count = self.layer.stat().st_size // 32
        self.piece_bytes = 16 * 1024
        while self.piece_bytes * self.piece_count < site.image_bytes:
            self.piece_bytes *= 2

    def _device_entry(self, site: Site, index: int) -> dict:
        return {"name": f"d{index}", "url": peer_url(index), "manufacturer": _MANUFACTURER,
                "oui": _OUI, "product_class": _PRODUCT_CLASS, "hardware_version": _HARDWARE,
                "software_version": "1.0", "lan_up_bps": site.network.port_bps,
                "lan_down_bps": site.network.port_bps, "cpu_percent": 5 if index == 0 else 20,
                "can_swarm": index < self._swarmers, "is_gateway": False}


def peer_url(index: int) -> str:
    return f"http://{host_address(index)}:{PORT}"
