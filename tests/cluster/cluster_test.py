#!/usr/bin/env python3
"""Three sluice-acs on one PostgreSQL, and a fleet before them, through what may happen: the owner
of the store is killed in the middle of a rollout, and PostgreSQL is restarted. `--devices N` says
how large the fleet is, `--measure` prints what was measured."""

from __future__ import annotations

import argparse
import http.client
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
LARGE = 20_000  # devices of a store that a node takes over
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
        rollout = cluster.start_rollout(cluster.publish_new(NEW))
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

    def ask_as(self, source: str, node: str, token: str) -> int:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.cluster.nodes[node]["api"], timeout=10, source_address=(source, 0))
        try:
            connection.request("GET", "/api/v1/devices", headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status
        finally:
            connection.close()

    def test_operators_at_other_nodes_are_told_apart_by_their_own_addresses(self) -> None:
        cluster, token = self.cluster, self.folder / "token"
        token.write_text("a-token-of-the-operators\n", encoding="utf-8")
        for name in "ab":
            cluster.start_node(name, "--api-token-file", token)
        right = token.read_text(encoding="utf-8").strip()
        self.assertEqual(self.ask_as("127.0.0.3", "b", right), 200)
        wrong = {self.ask_as("127.0.0.2", "b", "a guess") for _ in range(40)}
        self.assertEqual(wrong, {401, 429})
        self.assertEqual(self.ask_as("127.0.0.3", "b", right), 200, "another's guesses count")
        self.assertEqual(self.ask_as("127.0.0.2", "a", right), 429, "the owner's own door")

    def test_the_next_owner_of_a_large_store_answers_in_time(self) -> None:
        cluster = self.cluster
        cluster.start_node("a")
        fleet = start_fleet(cluster.fleet_argv(BUILD / "sim" / "sluice-sim", 1, "1.0",
                                               "--time-limit", "5 s"), self.folder / "fleet.log")
        self.addCleanup(fleet.stdout.close)
        self.addCleanup(fleet.wait)
        self.addCleanup(fleet.kill)
        cluster.wait_for_informs(1)
        columns = [name for name, in self.server.ask(
            "fleet", "SELECT column_name FROM information_schema.columns WHERE table_name = 'device'"
            " AND column_name NOT IN ('identity', 'serial', 'site')")]
        self.server.ask("fleet", f"INSERT INTO device (identity, serial, site, {', '.join(columns)})"
                        " SELECT oui || '-' || product_class || '-L' || n, 'L' || n,"
                        f" 'home ' || n / 4, {', '.join(columns)} FROM device,"
                        f" generate_series(1, {LARGE}) n")
        cluster.start_node("b")
        cluster.programs.kill("a")
        FIGURES[f"takeover with {LARGE} devices, s"] = cluster.time_until_it_answers(60)
        self.assertEqual(cluster.owner(), "b")
        said = (self.folder / "logs" / "b.log").read_text(encoding="utf-8")
        self.assertIn("store restored", said)

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
        published = cluster.publish_new(NEW)
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
    parser.add_argument("--large", type=int, default=LARGE)
    parser.add_argument("--measure", action="store_true")
    parsed, rest = parser.parse_known_args()
    BUILD, DEVICES, LARGE = parsed.build, parsed.devices, parsed.large
    result = unittest.main(argv=[sys.argv[0], *rest], exit=False).result
    if parsed.measure:
        print(json.dumps(FIGURES))
    sys.exit(0 if result.wasSuccessful() else 1)
