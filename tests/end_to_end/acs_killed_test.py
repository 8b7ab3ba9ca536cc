#!/usr/bin/env python3
"""sluice-acs loses its process at random moments of rollouts: nothing acknowledged is lost, nothing
is installed twice, and every rollout ends."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case

KILLS, ROLLOUTS = 50, 5
SEED = 20261122


class AcsKilled(case.FleetTest):
    uplink_bps = 10_000_000

    def test_every_rollout_ends_with_each_device_upgraded_once(self):
        moments = random.Random(SEED)
        self.operation.start_acs()
        places = self.start_agents(3, 2, periodic_interval=5, retry_minimum=1)
        self.operation.wait_for_informs(len(places))
        kills = 0
        for number in range(ROLLOUTS):
            version = f"{number + 2}.0"
            published = self.operation.publish(self.an_image(version, number + 2))
            rollout = self.operation.start_rollout(published["id"])
            for _ in range(KILLS // ROLLOUTS):
                time.sleep(moments.uniform(0.02, 0.5))
                self.operation.kill_acs()
                self.operation.start_acs()
                kills += 1
                self.assertIn(self.operation.status(rollout)["state"], ("running", "finished"))
            self.wait_until_finished(rollout, 120)
            self.assert_all_run(version)
            for place in places:
                self.assertEqual(len(self.events_of(place, "installed")), number + 1, place)
                keys = [e["key"] for e in self.events_of(place, "delivered")]
                self.assertEqual(len(keys), len(set(keys)), f"{place}: a transfer twice")
        self.assertEqual(kills, KILLS)


if __name__ == "__main__":
    case.main()
