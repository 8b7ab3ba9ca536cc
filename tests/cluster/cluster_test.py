#!/usr/bin/env python3
"""Three sluice-acs on one PostgreSQL, and a fleet before them, through what may happen: the owner
of the store is killed in the middle of a rollout, and PostgreSQL is restarted. `--devices N` says
how large the fleet is, `--measure` prints what was measured."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cluster.nodes import Cluster, start_fleet  # noqa: E402
from cluster.postgres import Postgres, programs  # noqa: E402

BUILD = Path(__file__).resolve().parents[2] / "build"
DEVICES = 200
NEW = "2.0"
FIGURES: dict[str, float] = {}


@unittest.skipIf(programs() is None, "no PostgreSQL server is installed (Debian: postgresql-15)")
class ClusterTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-cluster-"))
        self.addCleanup(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        self.server = Postgres()
        self.addCleanup(self.server.close)
        self.cluster = Cluster(self.folder, BUILD, self.server)
        self.addCleanup(self.cluster.programs.stop)

    def test_a_rollout_outlives_its_owner_and_a_restart_of_the_database(self) -> None:
        cluster, count = self.cluster, DEVICES
        for name in "abc":
            cluster.start_node(name)
        self.assertEqual(cluster.owner(), "a")
        began = time.monotonic()
        fleet = start_fleet(cluster.fleet_argv(
            BUILD / "sim" / "sluice-sim", count, NEW, "--period", "15 s", "--boot-spread",
            f"{count / 400:.0f} s", "--time-limit", f"{60 + count / 8:.0f} s"),
            self.folder / "fleet.log")
        self.addCleanup(fleet.stdout.close)
        self.addCleanup(fleet.wait)
        self.addCleanup(fleet.kill)
        cluster.wait_for_informs(count)
        # Through node c, as all that an operator does here.
        rollout = cluster.start_rollout(cluster.published(NEW))
        cluster.wait_until_done(count // 5, 60 + count / 20)
        self.server.stop()
        self.server.start()
        cluster.wait_until_done(2 * count // 5, 60 + count / 20)
        self.assertEqual(cluster.owner(), "a", "the owner outlived the restart")
        cluster.programs.kill("a")
        FIGURES["takeover, s"] = cluster.time_until_it_answers(10)
        self.assertIn(cluster.owner(), ("b", "c"))
        text, _ = fleet.communicate(timeout=90 + count / 6)
        FIGURES["all done, s"] = time.monotonic() - began
        self.assertEqual(fleet.returncode, 0, (self.folder / "fleet.log").read_text()[-500:] + text)
        self.assertEqual(json.loads(text)["versions"], {NEW: count})
        cluster.wait_until_done(count, 30)
        installs = cluster.installs()
        self.assertEqual(len(installs), count)
        self.assertEqual({each for each in installs if each != f"{NEW}:1"}, set())
        self.assertEqual(cluster.broken_chains(rollout), [])
        self.assertEqual(cluster.status(rollout)["state"], "finished")

    def test_a_node_that_is_told_to_stop_hands_over_at_once(self) -> None:
        cluster = self.cluster
        cluster.start_node("a")
        cluster.start_node("b")
        process = cluster.programs._running.pop("a")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)
        FIGURES["hand-over, s"] = cluster.time_until_it_answers(3)
        self.assertEqual(cluster.owner(), "b")

    def test_an_owner_that_slept_too_long_ends_and_changes_nothing(self) -> None:
        cluster = self.cluster
        cluster.start_node("a")
        cluster.start_node("b")
        process = cluster.programs._running.pop("a")
        process.send_signal(signal.SIGSTOP)
        cluster.time_until_it_answers(10)
        self.assertEqual(cluster.owner(), "b")
        epoch = self.server.ask("fleet", "SELECT epoch FROM node_lease")
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(10), 1)
        self.assertIn("another node owns", (self.folder / "logs" / "a.log").read_text())
        self.assertEqual(self.server.ask("fleet", "SELECT epoch FROM node_lease"), epoch)
        self.assertTrue(cluster.answers())

    def test_a_node_with_another_secret_is_no_node(self) -> None:
        cluster = self.cluster
        cluster.start_node("a")
        cluster.secret.write_text("not the secret of the others\n", encoding="utf-8")
        cluster.start_node("b")
        self.assertFalse(cluster.answers())
        cluster.talk_to("a")
        self.assertTrue(cluster.answers())

    def test_a_dump_restored_elsewhere_is_the_same_store(self) -> None:
        cluster = self.cluster
        cluster.start_node("a")
        published = cluster.published(NEW)
        self.server.dump("fleet", Path("/tmp") / f"{self.folder.name}.dump")
        self.server.make_database("other")
        dump = Path("/tmp") / f"{self.folder.name}.dump"
        self.addCleanup(dump.unlink)
        self.server.restore("other", dump)
        cluster.programs.kill("a")
        cluster.url = self.server.url("other")
        cluster.start_node("a")
        cluster.time_until_it_answers(10)  # the dump's lease has to pass first
        images = cluster.programs.json("image", "list", *cluster.api)["images"]
        self.assertEqual([each["id"] for each in images], [published])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", type=Path, default=BUILD)
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--measure", action="store_true")
    parsed, rest = parser.parse_known_args()
    BUILD, DEVICES = parsed.build, parsed.devices
    result = unittest.main(argv=[sys.argv[0], *rest], exit=False).result
    if parsed.measure:
        print(json.dumps(FIGURES))
    sys.exit(0 if result.wasSuccessful() else 1)
