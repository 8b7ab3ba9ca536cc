#!/usr/bin/env python3
"""What goes wrong at the server's end of safe rollouts: the file server dies in the middle of transfers, backups
rot in the store, its disk is full. Upgrades end as docs/SAFE-UPGRADE.md says, and no configuration is lost."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
import unittest
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from end_to_end.safe_case import NO_HALT, SafeTest
from fleet.devices import Place
from fleet.mounts import REMOUNT, mounted, unmounted, why_no_mounts
from fleet.programs import wait_for
from fleet.relay import Relay

STEPS = ("back_up", "transfer", "restore", "roll_back", "put_back")
TOO_LONG = "did not end in the time set"
why_no_disks = ""  # of our own, to fill


def patient(**steps) -> dict:
    rules = {step: {"pause_s": 1, "attempts": 20} | steps.get(step, {}) for step in STEPS}
    return {"backup": "require", "restore": "always", "tries": 1, "steps": rules}


class SafeServerFaults(SafeTest):
    uplink_bps = 8_000_000  # an image takes three seconds

    def begin(self, image: str, policies: dict[Place, dict]) -> dict[Place, str]:
        return {place: self.start_safe_rollout(image, policy, error=NO_HALT, devices=[place.identity])
                for place, policy in policies.items()}

    def backups(self, place: Place) -> list[dict]:
        return self.programs.json("backup", "list", "--device", place.identity, *self.operation.api)["backups"]

    def rot(self, *backups: int) -> None:
        """One byte of each, in the store of a server that does not run."""
        with sqlite3.connect(self.operation.store) as store:
            for backup in backups:
                sealed, = store.execute("SELECT CAST(sealed AS BLOB) FROM backup_bytes WHERE id = ?",
                                        (backup,)).fetchone()
                at = len(sealed) // 2
                other = b"A" if sealed[at:at + 1] != b"A" else b"B"
                store.execute("UPDATE backup_bytes SET sealed = CAST(? AS TEXT) WHERE id = ?",
                              (sealed[:at] + other + sealed[at + 1:], backup))
        store.close()

    def assert_over(self, place: Place, end: str, version: str, *words: str) -> dict:
        shown = self.wait_until_over(place, 60)
        self.assertEqual(shown["state"], end, shown)
        for word in words:
            self.assertIn(word, json.dumps(shown))
        runs = {d["identity"]: d["software_version"] for d in self.operation.devices()}
        self.assertEqual(runs[place.identity], version)
        return shown

    # --- the file server dies, and backups rot -------------------------------------------------

    def test_transfers_outlive_a_file_server_and_rotten_backups_are_not_given_to_devices(self):
        patient_one, impatient_one, rots_at_once, rots_later = places = [Place(n, 1) for n in range(1, 5)]
        file_server = Relay(self.programs, "file-server")
        front = Relay(self.programs, "front", refuses="7 TRANSFER COMPLETE")
        self.operation.acs_options += ["--origin-url", file_server.url]
        self.operation.start_acs()
        file_server.start(self.operation.port("origin"))
        front.start(self.operation.port("cwmp"))
        texts = {place: self.start_with_configuration(place, **(
            {"acs_url": f"{front.url}/"} if place == rots_at_once else {})) for place in places}
        self.operation.wait_for_informs(len(places))
        image = self.operation.publish(self.an_image())["id"]
        # One has sent its configuration and could not say so; the others are half-way with the image.
        rollouts = self.begin(image, {rots_at_once: patient()})
        wait_for("a configuration", 30, lambda: self.backups(rots_at_once), self.programs)
        rollouts |= self.begin(image, {
            patient_one: patient(), impatient_one: patient(transfer={"attempts": 1, "limit_s": 4}),
            rots_later: patient(restore={"attempts": 1, "asks": True})})
        wait_for("transfers under way", 30, lambda: all(
            self.events_of(place, "piece") for place in places if place != rots_at_once), self.programs)
        file_server.kill()
        self.assertFalse(any(self.events_of(place, "finished") for place in places))
        rotten = {place: self.backups(place)[0]["id"] for place in (rots_at_once, rots_later)}
        self.operation.kill_acs()
        self.rot(*rotten.values())
        self.operation.start_acs()
        front.stop_refusing(self.operation.port("cwmp"))
        self.wait_for_upgrade(impatient_one, "to be rolled back", 60, lambda u: u["state"].startswith("roll"))
        file_server.start(self.operation.port("origin"))

        self.assert_over(patient_one, "done", "2.0")
        pieces = [e["piece"] for e in self.events_of(patient_one, "piece")]
        self.assertEqual(len(pieces), len(set(pieces)), "a piece twice")
        self.assert_over(impatient_one, "rolled_back", "1.0", TOO_LONG)
        self.assertEqual(self.events_of(impatient_one, "installed"), [])
        self.assertIn(TOO_LONG, json.dumps(self.history(impatient_one, "device.state")[-1]))
        # Backed up again before anything was installed.
        shown = self.assert_over(rots_at_once, "done", "2.0")
        self.assertNotEqual(shown["backup"], rotten[rots_at_once])

        asking = self.wait_for_upgrade(rots_later, "its question", 60, lambda u: u["state"] == "asking")
        self.assertEqual(asking["question"]["step"], "restore", asking)
        self.assertEqual(self.configured(rots_later), texts[rots_later])
        said = self.programs.log_of("sluice-acs").splitlines()
        self.assertTrue(any(f"backup {rotten[rots_later]}:" in line for line in said))
        own = self.folder / "own"
        own.write_text(texts[rots_later] + "restored=by hand\n", encoding="utf-8")
        self.answer(rots_later, "correct", "--configuration", own)
        self.assert_over(rots_later, "done", "2.0")
        texts[rots_later] = own.read_text(encoding="utf-8")
        for place in places:
            self.assertEqual(self.configured(place), texts[place], place)
            self.assertEqual(self.verdict(rollouts[place])["state"],
                             "failed" if place == impatient_one else "done")

    # --- the server's disk is full -------------------------------------------------------------

    def leave_room(self, bytes_: int) -> None:
        disk = self.operation.store.parent
        room = os.statvfs(disk)
        (disk / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize - bytes_))

    def test_a_backup_that_finds_no_room_is_not_kept_in_part_and_comes_again(self):
        if why_no_disks:
            raise unittest.SkipTest(why_no_disks)
        disk = self.folder / "small"
        disk.mkdir()
        mounted(disk, 0, "size=8m")
        self.addCleanup(unmounted, disk)
        self.operation.store = disk / "acs.sqlite"
        self.operation.start_acs()
        place = Place(1, 1)
        self.configuration(place).parent.mkdir()
        text = f"ssid=home\nkeys={random.Random(1).randbytes(1_000_000).hex()}\n"
        self.configuration(place).write_text(text, encoding="utf-8")
        self.start_with_configuration(place)
        self.operation.wait_for_informs(1)
        image = self.operation.publish(self.an_image())["id"]
        self.leave_room(1_000_000)
        self.begin(image, {place: patient()})
        # As the store says that it does, on a full disk: a supervisor sees it.
        self.assertEqual(self.programs.wait_for_end("sluice-acs", 30), 1)
        last = self.programs.log_of("sluice-acs").strip().splitlines()[-1]
        self.assertIn(str(self.operation.store), last)
        self.assertIn("full", last)
        wait_for("the device to hear it", 30, lambda: [
            e for e in self.events_of(place, "failed") if "9011" in e["why"]], self.programs)

        (disk / "ballast").unlink()
        with sqlite3.connect(self.operation.store) as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            for table in ("backup", "backup_bytes"):
                self.assertEqual(store.execute(f"SELECT count(*) FROM {table}").fetchone(), (0,), table)
        store.close()
        mounted(disk, REMOUNT, "size=64m")
        self.operation.start_acs()
        shown = self.assert_over(place, "done", "2.0")
        kept, = self.backups(place)
        self.assertEqual((kept["id"], kept["length"]), (shown["backup"], len(text)))
        self.assertEqual(self.programs.command("backup", "download", kept["id"], *self.operation.api), text)
        self.assertEqual(self.configured(place), text)


if __name__ == "__main__":
    why_no_disks = why_no_mounts()
    case.main()
