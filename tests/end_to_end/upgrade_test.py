#!/usr/bin/env python3
"""A rollout from start to end: one copy into each site, every device in the new image once."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from fleet.devices import Place, start_plain


class Upgrade(case.FleetTest):
    def roll_out(self, flow: str, devices: int) -> dict:
        self.operation.wait_for_informs(devices)
        published = self.operation.publish(self.an_image())
        rollout = self.operation.start_rollout(published["id"], flow)
        return self.wait_until_finished(rollout, 90)

    def assert_one_copy_a_site(self, status: dict) -> None:
        for site in status["sites"]:
            self.assertLessEqual(site["origin_payload_ratio"], 1.05, site)
            self.assertEqual(site["done"], site["devices"], site)

    def assert_installed_once(self, places: list[Place]) -> None:
        for place in places:
            self.assertEqual(len(self.events_of(place, "installed")), 1, place)

    def test_flow_a_takes_one_copy_into_each_site_and_serves_a_plain_cpe(self):
        self.operation.start_acs()
        agents = self.start_agents(4, 2)
        start_plain(self.programs, self.operation.world(), Place(1, 5))
        status = self.roll_out("a", 7)
        self.assert_one_copy_a_site(status)
        self.assert_installed_once(agents)
        self.assert_all_run("2.0")

    def test_flow_b_does_the_same_with_the_master_told_beforehand(self):
        self.operation.start_acs()
        agents = self.start_agents(3, 2)
        status = self.roll_out("b", 5)
        self.assert_one_copy_a_site(status)
        self.assert_installed_once(agents)
        self.assert_all_run("2.0")

    def test_a_master_that_is_unhealthy_in_the_new_image_falls_back_and_its_slaves_are_served(self):
        self.operation.start_acs()
        agents = self.start_agents(4)
        self.programs.kill(agents[1].serial)
        # Only asked on trial: the factory image is healthy, whatever this says.
        case.start_agent(self.programs, self.operation.world(), agents[1],
                         health_command="/bin/false")
        self.operation.wait_for_informs(4)
        published = self.operation.publish(self.an_image())
        rollout = self.operation.start_rollout(published["id"])
        # One device that is not well on the new image is enough; the operator looks, and goes on.
        self.wait_for_state(rollout, "halted", 60)
        self.operation.resume(rollout)
        status = self.wait_until_finished(rollout, 90)
        self.assertEqual([s["failed"] for s in status["sites"]], [1])
        self.assertEqual([s["done"] for s in status["sites"]], [3])


if __name__ == "__main__":
    case.main()
