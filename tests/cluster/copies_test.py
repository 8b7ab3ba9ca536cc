#!/usr/bin/env python3
"""Three sluice-acs with folders of their own on one PostgreSQL: images published at any of them are
had from each, whoever dies; configurations go up, down and to operators through any of them."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cluster.case import ClusterCase  # noqa: E402
from fleet.devices import Place, start_agent, start_plain  # noqa: E402
from fleet.programs import wait_for  # noqa: E402

IMAGE_BYTES = 24_000_000
SAFE = {"backup": "require", "restore": "always"}


class CopiesTest(ClusterCase):
    def setUp(self) -> None:
        super().setUp()
        self.cluster.has_own_folders = True

    def an_image(self, version: str = "2.0", size: int = IMAGE_BYTES) -> tuple[Path, bytes]:
        raw = self.folder / f"raw-{version}"
        content = random.Random(version).randbytes(size)
        raw.write_bytes(content)
        return self.cluster.pack(raw, f"gw3-{version}", version), content

    def holders(self, image: str) -> set[str]:
        return {name for name in self.cluster.nodes
                if (self.cluster.images_of(name) / f"{image}.img").exists()}

    def get(self, node: str, token: str, name: str = "gw3-2.0.bin", **fields) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.nodes[node]["origin"],
                                                timeout=30)
        try:
            connection.request("GET", f"/p/{token}/{name}", headers=fields)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get_in_the_end(self, node: str, token: str) -> bytes:
        """As a device: told to come again, it does."""
        def tried() -> bytes | None:
            status, content = self.get(node, token)
            self.assertIn(status, (200, 503))
            return content if status == 200 else None
        return wait_for(f"the image at {node}", 30, tried, self.cluster.programs)

    def a_device_with_an_order(self, image: str, at: str) -> str:
        """Its token. It is told to fetch where nothing is ever given, and so goes on fetching."""
        self.cluster.talk_to(at)
        start_plain(self.cluster.programs, self.cluster.world(), Place(1, 1))
        self.cluster.wait_for_informs(1)
        self.cluster.start_rollout(image)
        return wait_for("an order", 30, lambda: [row[0] for row in self.server.ask(
            "fleet", "SELECT token FROM rollout_device WHERE token <> ''")],
            self.cluster.programs)[0]

    def start_three(self) -> None:
        # Where devices are sent: nobody answers there.
        silent = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(silent.close)
        self.cluster.origin_port = silent.getsockname()[1]
        self.cluster.origin_node = ""
        for name in "abc":
            self.cluster.start_node(name)
        self.assertEqual(self.cluster.owner(), "a")

    def test_an_image_is_had_from_every_node_and_outlives_the_one_that_took_it(self) -> None:
        cluster = self.cluster
        self.start_three()
        manifest, content = self.an_image()
        cluster.talk_to("c")
        image = cluster.publish(manifest)["id"]
        self.assertGreaterEqual(len(self.holders(image)), 2, "acknowledged on one node alone")
        token = self.a_device_with_an_order(image, "b")
        for name in "abc":
            self.assertEqual(self.get_in_the_end(name, token), content, name)
        status, part = self.get("c", token, Range="bytes=12345678-12345999")
        self.assertEqual((status, part), (206, content[12345678:12346000]))
        wait_for("a copy on every node", 20, lambda: self.holders(image) == set("abc"),
                 cluster.programs)

        cluster.programs.kill("a")
        del cluster.nodes["a"]
        cluster.talk_to("b")
        cluster.time_until_it_answers(15)
        for name in "bc":
            self.assertEqual(self.get_in_the_end(name, token), content, name)

        cluster.start_node("d")
        self.assertEqual(self.get_in_the_end("d", token), content)
        wait_for("d to catch up", 20, lambda: "d" in self.holders(image), cluster.programs)

    def test_an_owner_that_dies_as_soon_as_it_said_published_loses_nothing(self) -> None:
        cluster = self.cluster
        self.start_three()
        for version in ("2.0", "2.1"):
            owner = cluster.owner()
            manifest, content = self.an_image(version, 3_000_000)
            cluster.talk_to(owner)
            image = cluster.publish(manifest)["id"]
            cluster.programs.kill(owner)
            others = {name for name in "abc" if name != owner}
            cluster.talk_to(min(others))
            cluster.time_until_it_answers(15)
            listed = cluster.programs.json("image", "list", *cluster.api)["images"]
            self.assertIn(image, [each["id"] for each in listed])
            wait_for("a copy on both that live", 30, lambda: others <= self.holders(image),
                     cluster.programs)
            for name in others:
                kept = (cluster.images_of(name) / f"{image}.img").read_bytes()
                self.assertEqual(kept, content)
            cluster.start_node(owner)

    def test_a_node_that_is_killed_while_it_fetches_goes_on_from_there(self) -> None:
        cluster = self.cluster
        cluster.start_node("a")
        manifest, content = self.an_image("2.0", 200_000_000)
        image = cluster.publish(manifest)["id"]
        cluster.start_node("b")
        partial = cluster.images_of("b") / f".partial-{image}.img"
        deadline = time.monotonic() + 20
        while not partial.exists() or partial.stat().st_size == 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)
        cluster.programs.kill("b")
        self.assertNotIn("b", self.holders(image))
        kept = partial.stat().st_size
        self.assertGreater(kept, 0)
        cluster.start_node("b")
        wait_for("b to go on", 30, lambda: "b" in self.holders(image), cluster.programs)
        self.assertEqual((cluster.images_of("b") / f"{image}.img").read_bytes(), content)

    def test_configurations_go_by_nodes_that_do_not_own_the_store(self) -> None:
        cluster = self.cluster
        keys = self.folder / "backup-keys"
        keys.write_text(f"first:{'5a' * 32}\n", encoding="utf-8")
        keys.chmod(0o600)
        for name in "abc":
            cluster.start_node(name, "--backup-keys", keys)
        # The device's sessions, its upload and its download are all at node b.
        cluster.talk_to("b")
        place = Place(1, 1)
        settings = cluster.world().home(place) / "settings.conf"
        settings.parent.mkdir(parents=True, exist_ok=True)
        text = "ssid=home\nkey=" + "secret" * 50_000 + "\n"
        settings.write_text(text, encoding="utf-8")
        start_agent(cluster.programs, cluster.world(), place, config_file=settings,
                    periodic_interval=2, retry_minimum=1)
        cluster.wait_for_informs(1)
        manifest, _ = self.an_image("2.0", 3_000_000)
        cluster.talk_to("c")
        image = cluster.publish(manifest)["id"]
        spec = self.folder / "safe.json"
        spec.write_text(json.dumps({"safe": SAFE, "retry_first_s": 1}), encoding="utf-8")
        rollout = cluster.start_rollout(image, "a", "--spec", str(spec))
        wait_for("the rollout to end", 90,
                 lambda: cluster.status(rollout)["state"] == "finished", cluster.programs)
        self.assertEqual(cluster.owner(), "a")
        shown = cluster.programs.json("upgrade", "list", *cluster.api)["upgrades"]
        self.assertEqual([each["state"] for each in shown], ["done"], shown)
        self.assertEqual(settings.read_text(encoding="utf-8"), text)
        for name in "bca":
            cluster.talk_to(name)
            backups = cluster.programs.json("backup", "list", "--device", place.identity,
                                            *cluster.api)["backups"]
            self.assertEqual(len(backups), 1)
            out = self.folder / f"read-at-{name}"
            cluster.programs.command("backup", "download", backups[0]["id"], "--out", out,
                                     *cluster.api)
            self.assertEqual(out.read_text(encoding="utf-8"), text, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", type=Path, default=ClusterCase.build)
    parsed, rest = parser.parse_known_args()
    ClusterCase.build = parsed.build
    unittest.main(argv=[sys.argv[0], *rest])
