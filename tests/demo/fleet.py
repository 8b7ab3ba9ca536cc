"""The devices: agents with their slots and identities, and CPEs without an agent."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from demo.programs import Programs

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
    def gateway(self) -> "Place":
        return Place(self.site, 1)


def _toml(values: dict) -> str:
    def text(value) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, (int, float)) else f'"{value}"'

    return "".join(f"{key} = {text(value)}\n" for key, value in values.items())


def start_agent(programs: Programs, folder: Path, place: Place, acs_url: str, trust: Path,
                password: Path, uplink_bps: int, lan_bps: int) -> None:
    home = folder / place.serial
    home.mkdir()
    gateway = place.gateway
    config = home / "agent.toml"
    config.write_text(_toml({
        "acs-url": acs_url, "acs-username": "cpe", "acs-password-file": password,
        "connection-username": "acs", "connection-password-file": password,
        "manufacturer": MANUFACTURER, "oui": OUI, "product-class": PRODUCT_CLASS,
        "serial": place.serial, "hardware-version": HARDWARE, "software-version": OLD_VERSION,
        "gateway-oui": OUI, "gateway-product-class": PRODUCT_CLASS, "gateway-serial": gateway.serial,
        "trust": trust, "state": home / "state", "store": home / "store", "slots": home / "slots",
        "listen": f"{place.address}:0", "connection-listen": f"{place.address}:0",
        "local-address": place.address, "reboot-command": "restart",
        "uplink-rate": uplink_bps, "downlink-rate": uplink_bps, "lan-rate": lan_bps,
        "report": home / "report.jsonl", "insecure-lab": True,
    }), encoding="utf-8")
    programs.start(place.serial, [programs.agent, "run", "--config", config])


def start_plain(programs: Programs, folder: Path, place: Place, acs_url: str,
                password: Path) -> None:
    home = folder / place.serial
    home.mkdir()
    programs.start(place.serial, [
        sys.executable, "-m", "plain_cpe", "--acs", acs_url, "--username", "cpe",
        "--password-file", password, "--manufacturer", MANUFACTURER, "--oui", OUI,
        "--product-class", PRODUCT_CLASS, "--serial", place.serial, "--hardware-version", HARDWARE,
        "--software-version", OLD_VERSION, "--next-version", NEW_VERSION,
        "--gateway", OUI, PRODUCT_CLASS, place.gateway.serial,
        "--local-address", place.address, "--connection-username", "acs",
        "--connection-password-file", password, "--state", home,
        "--report", home / "report.jsonl"], cwd=TESTS)
