#!/usr/bin/env python3
"""Safe rollouts under a storm: agents and server lose their processes at random moments, now and then
the new image is not well. Every device ends on the new image or where it began, with its own
configuration in use, and the server says which. SLUICE_STORM_ROUNDS rounds of five devices (2)."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from fleet.devices import Place, start_agent

ROUNDS = int(os.environ.get("SLUICE_STORM_ROUNDS", "2"))
SEED = int(os.environ.get("SLUICE_STORM_SEED", "20261124"))
DEVICES = 5
STEPS = ("back_up", "transfer", "restore", "put_back", "roll_back")
SAFE = {"backup": "require", "restore": "always", "tries": 1, "steps": {
    name: {"pause_s": 1, "attempts": 20} for name in STEPS}}


class SafeStorm(case.FleetTest):
    uplink_bps = 8_000_000

    def setUp(self) -> None:
        super().setUp()
        keys = self.folder / "backup-keys"
        keys.write_text(f"first:{'5a' * 32}\n", encoding="utf-8")
        keys.chmod(0o600)
        self.operation.acs_options = ["--backup-keys", keys]
        # Of odd versions the devices of `sick` are not well.
        self.sick = self.folder / "sick"
        self.sick.mkdir()

    def settings(self, place: Place) -> Path:
        return self.operation.world().home(place) / "settings.conf"

    def start(self, place: Place) -> None:
        health = self.operation.world().home(place) / "health"
        health.write_text(f"test ! -e {self.sick}/{place.serial}-$SLUICE_VERSION\n", encoding="utf-8")
        start_agent(self.programs, self.operation.world(), place, config_file=self.settings(place),
                    periodic_interval=2, retry_minimum=1,
                    health_command=f"/bin/sh {health}")

    def start_safe_rollout(self, image: str) -> str:
        spec = self.folder / "safe.json"
        spec.write_text(json.dumps({"safe": SAFE, "retry_first_s": 1, "error": {"percent": 100, "verification_count": 0}}),
                        encoding="utf-8")
        return self.operation.start_rollout(image, "a", "--spec", str(spec))

    def storm(self, places: list[Place], moments: random.Random, rollout: str) -> int:
        kills = 0
        deadline = time.monotonic() + 60
        while kills < 3 * len(places) and time.monotonic() < deadline:
            time.sleep(moments.uniform(0.02, 0.5))
            if moments.random() < 0.2:
                self.operation.kill_acs()
                self.operation.start_acs()
            else:
                place = moments.choice(places)
                self.programs.kill(place.serial)
                time.sleep(moments.uniform(0, 0.2))
                self.start(place)
            kills += 1
            if self.operation.status(rollout)["state"] == "finished":
                break
        return kills

    def ends(self, rollout: str) -> dict[str, str]:
        shown = self.programs.json("upgrade", "list", *self.operation.api)["upgrades"]
        return {u["identity"]: u["state"] for u in shown if u["rollout"] == rollout}

    def wait_until_decided(self, rollout: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while any(state not in ("done", "rolled_back", "unchanged", "abandoned")
                  for state in self.ends(rollout).values()) or len(self.ends(rollout)) < DEVICES:
            self.assertLess(time.monotonic(), deadline, f"not decided: {self.ends(rollout)}")
            time.sleep(0.2)

    def test_every_device_ends_whole_with_its_own_configuration(self):
        moments = random.Random(SEED)
        self.operation.start_acs()
        places = [Place(site, 1) for site in range(1, DEVICES + 1)]
        runs_now = {place: "1.0" for place in places}
        for place in places:
            self.settings(place).parent.mkdir(parents=True, exist_ok=True)
            self.settings(place).write_text(f"ssid=home-{place.serial}\n", encoding="utf-8")
            self.start(place)
        self.operation.wait_for_informs(len(places))
        told = {"done": 0, "rolled_back": 0}
        kills = 0
        for number in range(ROUNDS):
            version = f"{number + 2}.0"
            sick = moments.sample(places, 1)
            for place in sick:
                (self.sick / f"{place.serial}-{version}").touch()
            published = self.operation.publish(self.an_image(version, 2))
            rollout = self.start_safe_rollout(published["id"])
            kills += self.storm(places, moments, rollout)
            self.wait_until_decided(rollout, 180)
            ends = self.ends(rollout)
            versions = {d["identity"]: d["software_version"] for d in self.operation.devices()}
            for place in places:
                end = ends[place.identity]
                with self.subTest(round=number, device=place.serial, end=end):
                    self.assertIn(end, told)
                    if place in sick:
                        self.assertEqual(end, "rolled_back")
                    if end == "done":
                        runs_now[place] = version
                    told[end] += 1
                    self.assertEqual(versions[place.identity], runs_now[place])
                    self.assertEqual(self.settings(place).read_text(encoding="utf-8"),
                                     f"ssid=home-{place.serial}\n")
        print(f"{ROUNDS * DEVICES} upgrades, {kills} kills: {told}", file=sys.stderr)


if __name__ == "__main__":
    case.main()
