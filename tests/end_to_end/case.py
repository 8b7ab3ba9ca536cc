"""What the tests of this folder share: a fleet of their own in a folder of their own."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path

from fleet.devices import Place, start_agent
from fleet.operation import Operation

IMAGE_BYTES = 3_000_000
BUILD = Path(__file__).resolve().parents[2] / "build"


class FleetTest(unittest.TestCase):
    uplink_bps, lan_bps = 40_000_000, 400_000_000

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-fleet-"))
        self.operation = Operation(self.folder, BUILD, self.uplink_bps, self.lan_bps)
        self.programs = self.operation.programs
        self.addCleanup(self._put_away)

    def run(self, result=None):
        self._result = result
        return super().run(result)

    def _put_away(self) -> None:
        self.programs.stop()
        unlucky = self._result.failures + self._result.errors if self._result else []
        if any(test is self for test, _ in unlucky):
            print(f"all files and logs: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder)

    def an_image(self, version: str = "2.0", security_version: int = 2) -> Path:
        """Packed and signed; other bytes for each version."""
        raw = self.folder / f"raw-{version}"
        raw.write_bytes(random.Random(version).randbytes(IMAGE_BYTES))
        return self.operation.pack(raw, f"gw3-{version}", version, security_version)

    def start_agents(self, *per_site: int, **more) -> list[Place]:
        places = [Place(site, number + 1) for site, count in enumerate(per_site, 1)
                  for number in range(count)]
        for place in places:
            start_agent(self.programs, self.operation.world(), place, **more)
        return places

    def wait_until_finished(self, rollout: str, seconds: float) -> dict:
        return self.wait_for_state(rollout, "finished", seconds)

    def wait_for_state(self, rollout: str, state: str, seconds: float) -> dict:
        deadline = time.monotonic() + seconds
        while True:
            status = self.operation.status(rollout)
            if status["state"] == state:
                return status
            self.assertLess(time.monotonic(), deadline, f"not {state}: {status}")
            self.programs.check()
            time.sleep(0.1)

    def assert_all_run(self, version: str) -> None:
        stale = {d["identity"]: d["software_version"] for d in self.operation.devices()
                 if d["software_version"] != version}
        self.assertEqual(stale, {})

    def events_of(self, place: Place, event: str) -> list[dict]:
        return [e for e in self.operation.world().report(place) if e["event"] == event]


def main() -> None:
    """unittest's, on the build folder that --build names."""
    global BUILD
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", type=Path, default=BUILD)
    options, rest = parser.parse_known_args()
    BUILD = options.build
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
