#!/usr/bin/env python3
"""Safe rollouts of real agents: configurations are backed up before and restored after; a device
that is not well on the new image ends where it began; a server that is killed at any step goes on."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from end_to_end.safe_case import SafeTest
from fleet.devices import Place
from fleet.programs import wait_for

ALWAYS = {"backup": "require", "restore": "always", "steps": {
    name: {"pause_s": 1} for name in ("back_up", "transfer", "restore", "put_back", "roll_back")}}
SEED = 20261123
KILLS = 20


class SafeUpgrade(SafeTest):
    def test_every_device_is_backed_up_upgraded_and_restored(self):
        self.operation.start_acs()
        places = [Place(1, 1), Place(1, 2), Place(2, 1)]
        texts = [self.start_with_configuration(place) for place in places]
        self.operation.wait_for_informs(len(places))
        published = self.operation.publish(self.an_image())
        rollout = self.start_safe_rollout(published["id"], ALWAYS)
        self.wait_until_finished(rollout, 120)
        self.assert_all_run("2.0")
        for place, text in zip(places, texts):
            self.assertEqual(self.configured(place), text)
        shown = self.upgrades()
        self.assertEqual([u["state"] for u in shown], ["done"] * len(places), shown)
        self.assertTrue(all(u["backup"] for u in shown), shown)

    def test_a_device_that_is_not_well_on_the_new_image_ends_where_it_began(self):
        self.operation.start_acs()
        place = Place(1, 1)
        text = self.start_with_configuration(place, health_command="/bin/false")
        self.operation.wait_for_informs(1)
        published = self.operation.publish(self.an_image())
        began = time.monotonic()
        rollout = self.start_safe_rollout(published["id"], ALWAYS | {"tries": 1})
        wait_for("the verdict", 120, lambda: self.operation.status(rollout)["failed"] == 1,
                 self.programs)
        print(f"rolled back and told after {time.monotonic() - began:.1f} s", file=sys.stderr)
        self.assert_all_run("1.0")
        self.assertEqual(self.configured(place), text)
        shown = self.upgrades()[0]
        self.assertEqual(shown["state"], "rolled_back", shown)
        self.assertIn("went back", json.dumps(shown))

    def test_a_server_that_is_killed_at_any_step_comes_to_the_same_end(self):
        moments = random.Random(SEED)
        self.operation.start_acs()
        places = [Place(1, 1), Place(2, 1)]
        texts = [self.start_with_configuration(place) for place in places]
        self.operation.wait_for_informs(len(places))
        published = self.operation.publish(self.an_image())
        rollout = self.start_safe_rollout(published["id"], ALWAYS)
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.05, 0.6))
            self.operation.kill_acs()
            self.operation.start_acs()
        self.wait_until_finished(rollout, 150)
        self.assert_all_run("2.0")
        for place, text in zip(places, texts):
            self.assertEqual(self.configured(place), text)
            self.assertEqual(len(self.events_of(place, "installed")), 1, place)


if __name__ == "__main__":
    case.main()
