#!/usr/bin/env python3
"""Usage: plans_test.py BUILD. Both worlds ask the same sources: what `sluice plan` orders for each
scenario's site, device by device, and what the simulated site of that name was given."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from lab.network import ORIGIN_ADDRESS
from lab.programs import Programs
from lab.rollout import Rollout
from lab.scenarios import SCENARIOS, Scenario

_BUILD = Path(sys.argv.pop() if len(sys.argv) > 1 else "build").resolve()


def planned(scenario: Scenario, folder: Path) -> list[list[str]]:
    """By device, the URLs of its sources in order; as the lab orders them, without its network."""
    image = folder / "image.bin"
    with open(image, "wb") as file:
        file.truncate(scenario.image_bytes)
    site = SimpleNamespace(
        folder=folder, image=image, image_bytes=scenario.image_bytes, web_root=folder / "www",
        hosts=scenario.hosts, uplink_bps=scenario.uplink_bps,
        network=SimpleNamespace(port_bps=scenario.port_bps),
        origin=SimpleNamespace(url=lambda name: f"http://{ORIGIN_ADDRESS}/{name}"))
    site.web_root.mkdir()
    rollout = Rollout(Programs.of_build(_BUILD).sluice, site, scenario.piece_bytes)
    return [rollout.sources_of(index) for index in range(scenario.hosts)]


def simulated(scenario: Scenario) -> list[list[str]]:
    text = subprocess.run([_BUILD / "tests/world/sluice-world", "--json", scenario.name],
                          check=True, capture_output=True, text=True).stdout
    return [[source["url"] for source in device["sources"]]
            for device in json.loads(text)[0]["devices"]]


class Sources(unittest.TestCase):
    def test_are_the_same_in_the_lab_and_in_virtual_time(self):
        for scenario in SCENARIOS:
            with self.subTest(scenario.name), tempfile.TemporaryDirectory() as folder:
                there = planned(scenario, Path(folder))
                here = simulated(scenario)
                self.assertEqual(len(here), scenario.hosts)
                self.assertEqual(here, there)


if __name__ == "__main__":
    unittest.main()
