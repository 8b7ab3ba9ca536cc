#!/usr/bin/env python3
"""Every habit of real CPEs that plain_cpe knows, each on a device of its own: all are upgraded."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from fleet.devices import Place, start_plain
from plain_cpe.quirks import QUIRKS


class RealCpes(case.FleetTest):
    uplink_bps = 400_000_000

    def test_each_is_upgraded_whatever_its_habits(self):
        self.operation.start_acs()
        quirks = sorted(QUIRKS)
        for number, quirk in enumerate(quirks, 1):
            start_plain(self.programs, self.operation.world(), Place(number, 1), "--quirk", quirk,
                        "--retry-wait", "0.2", "--reboot-seconds", "0.2")
        self.operation.wait_for_informs(len(quirks))
        published = self.operation.publish(self.an_image())
        self.wait_until_finished(self.operation.start_rollout(published["id"]), 90)
        versions = {d["identity"]: d["software_version"] for d in self.operation.devices()}
        for number, quirk in enumerate(quirks, 1):
            with self.subTest(quirk):
                self.assertEqual(versions[Place(number, 1).identity], "2.0")


if __name__ == "__main__":
    case.main()
