#!/usr/bin/env python3
"""`sluice-sim fleet` against the real sluice-acs: every session is held, every order done once, and
each fault that the fleet was told to have reaches the ACS under its own name."""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet.devices import HARDWARE, MANUFACTURER, OUI, PRODUCT_CLASS  # noqa: E402
from fleet.operation import Operation  # noqa: E402

BUILD = Path(__file__).resolve().parents[2] / "build"
NEW = "2.0"


class FleetEmulation(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-emulated-"))
        self.addCleanup(lambda: shutil.rmtree(self.folder))
        self.operation = Operation(self.folder, BUILD, 0, 0)
        self.addCleanup(self.operation.programs.stop)
        self.operation.start_acs()
        self.rows: list[dict] = []

    def fleet_argv(self, *options) -> list[str]:
        world = self.operation.world()
        return [str(word) for word in (
            BUILD / "sim" / "sluice-sim", "fleet", "--acs", world.acs_url,
            "--manufacturer", MANUFACTURER, "--oui", OUI, "--product-class", PRODUCT_CLASS,
            "--hardware-version", HARDWARE, "--username", "cpe",
            "--password-file", world.password, "--json", "--time-limit", "60 s",
            "--retry-minimum", "1", "--install-time", "10 ms", "--reboot-time", "20 ms",
            "--fall-back-time", "50 ms", "--peer-net", "127.64.0.0/10", "--devices-csv", self.folder / "devices.csv", *options)]

    def start_fleet(self, *options) -> subprocess.Popen:
        fleet = subprocess.Popen(self.fleet_argv(*options), stdout=subprocess.PIPE, text=True)
        self.addCleanup(fleet.stdout.close)
        self.addCleanup(fleet.wait)
        self.addCleanup(fleet.kill)
        return fleet

    def result_of(self, fleet: subprocess.Popen, status: int = 0) -> dict:
        text, _ = fleet.communicate(timeout=90)
        self.assertEqual(fleet.returncode, status, text)
        with open(self.folder / "devices.csv", newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        return json.loads(text)

    def published(self, version: str = NEW) -> str:
        raw = self.folder / "raw"
        raw.write_bytes(random.Random(version).randbytes(300_000))
        return self.operation.publish(self.operation.pack(raw, f"gw3-{version}", version))["id"]

    # --- sessions ----------------------------------------------------------------------------

    def test_every_session_of_many_devices_is_held(self) -> None:
        acs = self.operation.programs.pid("sluice-acs")
        result = self.result_of(self.start_fleet(
            "--devices", 600, "--rounds", 2, "--period", "1 s", "--site-size", 4,
            "--agents", "70 %", "--acs-pid", acs))
        self.assertEqual(result["reached"], 600)
        self.assertEqual(result["failed"], 0, result["examples"])
        self.assertGreaterEqual(result["sessions"], 1200)
        self.assertGreater(result["acs_cpu_ms_per_session"], 0)
        self.assertLess(result["bytes_per_device"], 2048)
        self.assertEqual(len(self.operation.devices()), 600)
        self.assertEqual({row["kind"] for row in self.rows}, {"agent", "plain"})
        self.assertTrue(all(int(row["sessions"]) >= 2 for row in self.rows))

    def test_a_wrong_password_lets_no_device_in(self) -> None:
        wrong = self.folder / "wrong"
        wrong.write_text("guess\n", encoding="utf-8")
        result = self.result_of(self.start_fleet(
            "--devices", 20, "--rounds", 1, "--password-file", wrong, "--time-limit", "2 s"), 1)
        self.assertFalse(result["complete"])
        self.assertEqual(result["sessions"], 0)
        self.assertGreaterEqual(result["failed_by_kind"]["HTTP 401"], 20)

    def test_devices_of_a_node_that_is_gone_go_to_the_next(self) -> None:
        world = self.operation.world()
        result = self.result_of(self.start_fleet(
            "--acs", "http://127.0.0.1:1/", "--devices", 40, "--rounds", 1))
        self.assertEqual(result["reached"], 40, world.acs_url)
        self.assertEqual(result["failed_by_kind"], {"unreachable": 20})

    # --- rollouts ----------------------------------------------------------------------------

    def test_a_rollout_reaches_every_device_once(self) -> None:
        fleet = self.start_fleet(
            "--devices", 300, "--site-size", 5, "--agents", "80 %", "--until-version", NEW,
            "--target-version", NEW, "--period", "30 s", "--listen", "0.0.0.0:0",
            "--connection-username", "acs",
            "--connection-password-file", self.operation.world().password)
        self.operation.wait_for_informs(300)
        rollout = self.operation.start_rollout(self.published())
        result = self.result_of(fleet)
        self.assertEqual(result["versions"], {NEW: 300})
        self.assertEqual(result["failed"], 0, result["examples"])
        self.assertEqual({row["installs"] for row in self.rows}, {f"{NEW}:1"})
        self.assertGreater(result["images_from_peers"], 150)
        self.assertGreaterEqual(result["calls"]["taken"], 1)
        self.assertEqual(self.operation.status(rollout)["state"], "finished")

    def test_faults_reach_the_acs_by_their_names(self) -> None:
        fleet = self.start_fleet(
            "--devices", 120, "--until-version", NEW, "--period", "1 s",
            "--fault-refuse", "20 %", "--fault-transfer", "20 %", "--fault-code", 9017,
            "--fault-lost", "10 %", "--fault-unhealthy", "10 %", "--time-limit", "6 s")
        self.operation.wait_for_informs(120)
        self.operation.start_rollout(self.published())
        result = self.result_of(fleet, 1)
        # How far it comes is the rollout's own: it may halt at what it sees.
        self.assertGreater(result["refused"], 0)
        self.assertGreater(result["transfer_faults"]["9017"], 0)
        self.assertGreater(result["transfer_faults"]["9010"], 0)
        self.assertGreater(result["fall_backs"], 0)
        self.assertGreater(result["lost_devices"], 0)
        self.assertGreater(result["versions"].get(NEW, 0), 0)

    # --- wrong use ---------------------------------------------------------------------------

    def test_what_cannot_be_is_refused_by_name(self) -> None:
        for options, word in ((("--devices", 0), "--devices"),
                              (("--agents", "130 %"), "--agents"),
                              (("--fetch", "half"), "--fetch"),
                              (("--acs", "ftp://x/"), "--acs"),
                              (("--period", "5"), "--period"),
                              (("--devises", 5), "--devices"),
                              (("--username", "x", "--device-secret-file",
                                self.operation.world().password), "--device-secret-file")):
            done = subprocess.run(self.fleet_argv(*options), capture_output=True, text=True,
                                  timeout=10, check=False)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn(word, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", type=Path, default=BUILD)
    parsed, rest = parser.parse_known_args()
    BUILD = parsed.build
    unittest.main(argv=[sys.argv[0], *rest])
