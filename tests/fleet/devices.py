"""The devices: agents with their slots and identities, and CPEs without an agent."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from fleet.programs import Programs

MANUFACTURER, OUI, PRODUCT_CLASS, HARDWARE = "ACME", "00D09E", "GW3", "A"
OLD_VERSION, NEW_VERSION = "1.0", "2.0"
TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Place:
    """One device's: sites count from 1, devices of a site from 1; device 1 is the gateway."""

    site: int
    number: int

    @property
    def address(self) -> str:
        return f"127.{self.site}.0.{self.number}"

    @property
    def serial(self) -> str:
        return f"S{self.site:02}D{self.number:03}"

    @property
    def identity(self) -> str:
        return f"{OUI}-{PRODUCT_CLASS}-{self.serial}"

    @property
    def gateway(self) -> "Place":
        return Place(self.site, 1)


@dataclass(frozen=True)
class World:
    """What every device is told, and where its files are."""

    folder: Path
    acs_url: str
    trust: Path
    password: Path
    uplink_bps: int
    lan_bps: int

    def home(self, place: Place) -> Path:
        return self.folder / place.serial

    def report(self, place: Place) -> list[dict]:
        """What the device says it did, oldest first; a line cut short by a kill is left out."""
        path = self.home(place) / "report.jsonl"
        events = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                events.append(json.loads(line))
            except json.JSONDecodeError:
                pass
        return events


def _toml(values: dict) -> str:
    def text(value) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, (int, float)) else f'"{value}"'

    return "".join(f"{key} = {text(value)}\n" for key, value in values.items())


def start_agent(programs: Programs, world: World, place: Place, **more) -> None:
    """`more` goes into its configuration, dashes as underscores; a second start is a restart."""
    home, gateway = world.home(place), place.gateway
    factory_slot = home / "slots" / "a.img"
    if not factory_slot.exists():
        factory_slot.parent.mkdir(parents=True, exist_ok=True)
        factory_slot.write_bytes(f"{PRODUCT_CLASS} {OLD_VERSION}".encode())
    config = home / "agent.toml"
    config.write_text(_toml({
        "acs-url": world.acs_url, "acs-username": "cpe", "acs-password-file": world.password,
        "connection-username": "acs", "connection-password-file": world.password,
        "manufacturer": MANUFACTURER, "oui": OUI, "product-class": PRODUCT_CLASS,
        "serial": place.serial, "hardware-version": HARDWARE, "software-version": OLD_VERSION,
        "gateway-oui": OUI, "gateway-product-class": PRODUCT_CLASS, "gateway-serial": gateway.serial,
        "trust": world.trust, "state": home / "state", "store": home / "store",
        "slots": home / "slots",
        "listen": f"{place.address}:0", "connection-listen": f"{place.address}:0",
        "local-address": place.address, "reboot-command": "restart", "boot-spread": 0,
        "uplink-rate": world.uplink_bps, "downlink-rate": world.uplink_bps,
        "lan-rate": world.lan_bps, "is-gateway": place == gateway,
        "report": home / "report.jsonl", "insecure-lab": True,
    } | {key.replace("_", "-"): value for key, value in more.items()}), encoding="utf-8")
    programs.start(place.serial, [programs.agent, "run", "--config", config])


def start_plain(programs: Programs, world: World, place: Place, *more: str) -> None:
    """`more` are options of the plain_cpe program (--quirk NAME)."""
    home = world.home(place)
    home.mkdir(exist_ok=True)
    gateway = ["--gateway", OUI, PRODUCT_CLASS, place.gateway.serial]
    programs.start(place.serial, [
        sys.executable, "-m", "plain_cpe", "--acs", world.acs_url, "--username", "cpe",
        "--password-file", world.password, "--manufacturer", MANUFACTURER, "--oui", OUI,
        "--product-class", PRODUCT_CLASS, "--serial", place.serial, "--hardware-version", HARDWARE,
        "--software-version", OLD_VERSION, "--next-version", NEW_VERSION, *gateway,
        "--local-address", place.address, "--connection-username", "acs",
        "--connection-password-file", world.password, "--state", home,
        "--report", home / "report.jsonl", *more], cwd=TESTS)
