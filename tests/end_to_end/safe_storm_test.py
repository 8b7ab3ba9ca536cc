#!/usr/bin/env python3
"""Safe rollouts under a storm: agents and server lose their processes at random moments, now and then
the new image is not well. Every device ends on the new image or where it began, with its own
configuration in use, and the server says which. SLUICE_STORM_ROUNDS rounds of five devices (2)."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from end_to_end.safe_case import ENDS, NO_HALT, SafeTest
from fleet.devices import Place

ROUNDS = int(os.environ.get("SLUICE_STORM_ROUNDS", "2"))
SEED = int(os.environ.get("SLUICE_STORM_SEED", "20261124"))
DEVICES = 5
STEPS = ("back_up", "transfer", "restore", "put_back", "roll_back")
SAFE = {"backup": "require", "restore": "always", "tries": 1, "steps": {
    name: {"pause_s": 1, "attempts": 20} for name in STEPS}}


class SafeStorm(SafeTest):
    uplink_bps = 8_000_000

    def setUp(self) -> None:
        super().setUp()
        # <serial>-<version> of who is not well on it.
        self.sick = self.folder / "sick"
        self.sick.mkdir()

    def start(self, place: Place) -> str:
        health = self.operation.world().home(place) / "health"
        health.parent.mkdir(parents=True, exist_ok=True)
        health.write_text(f"test ! -e {self.sick}/{place.serial}-$SLUICE_VERSION\n", encoding="utf-8")
        return self.start_with_configuration(place, periodic_interval=2, health_command=f"/bin/sh {health}")

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
        return {u["identity"]: u["state"] for u in self.upgrades() if u["rollout"] == rollout}

    def wait_until_decided(self, rollout: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while any(state not in ENDS for state in self.ends(rollout).values()) or len(self.ends(rollout)) < DEVICES:
            self.assertLess(time.monotonic(), deadline, f"not decided: {self.ends(rollout)}")
            time.sleep(0.2)

    def test_every_device_ends_whole_with_its_own_configuration(self):
        moments = random.Random(SEED)
        self.operation.start_acs()
        places = [Place(site, 1) for site in range(1, DEVICES + 1)]
        runs_now = {place: "1.0" for place in places}
        texts = {place: self.start(place) for place in places}
        self.operation.wait_for_informs(len(places))
        told = {"done": 0, "rolled_back": 0}
        kills = 0
        for number in range(ROUNDS):
            version = f"{number + 2}.0"
            sick = moments.sample(places, 1)
            for place in sick:
                (self.sick / f"{place.serial}-{version}").touch()
            published = self.operation.publish(self.an_image(version, 2))
            rollout = self.start_safe_rollout(published["id"], SAFE, error=NO_HALT)
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
                    self.assertEqual(self.configured(place), texts[place])
        print(f"{ROUNDS * DEVICES} upgrades, {kills} kills: {told}", file=sys.stderr)


if __name__ == "__main__":
    case.main()
