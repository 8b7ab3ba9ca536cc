#!/usr/bin/env python3
"""What goes wrong on devices and with their files in safe rollouts, each on a real agent of its own, all at
once: every one comes to the end that docs/SAFE-UPGRADE.md says, with the image and the configuration that
belong to it, and the operator is told why."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from end_to_end import case
from end_to_end.safe_case import NO_HALT, SafeTest
from fleet.devices import Place
from fleet.mounts import mounted, unmounted, why_no_mounts
from fleet.programs import wait_for

CONVERSIONS = [
    {"from": "1.0-hangs", "to": "*", "program": "sleep 600"},
    {"from": "1.0-crashes", "to": "*", "program": "kill -SEGV $$"},
    {"from": "1.0-program", "to": "*", "program": "sed s/^ssid=/network=/"},
    {"from": "1.0-rules", "to": "*", "rules": {"rename": {"ssid": "network"}}},
    {"from": "1.0-device", "to": "*", "device_program": "convert2"},
]
STEPS = ("back_up", "transfer", "convert", "restore", "roll_back", "put_back")
FULL = "No space left on device"
why_no_disks = ""  # of our own, to fill


def twice(converts: bool = False, **steps) -> dict:
    """R3 as written: each step twice, then given up; `steps` says otherwise."""
    rules = {step: {"pause_s": 1, "attempts": 2} | steps.get(step, {}) for step in STEPS}
    return {"backup": "require", "restore": "always", "tries": 1, "converts": converts, "steps": rules}


def renamed(text: str) -> str:
    return text.replace("ssid=", "network=")


@dataclass
class Case:
    name: str
    end: str
    says: tuple[str, ...] = ()  # words that the operator is shown
    version: str = "1.0"
    policy: dict = field(default_factory=twice)
    agent: Callable[[SafeFaults, Case], dict] = lambda test, case_: {}  # its options
    bytes: int = 0              # of its configuration
    grows_to: int = 0           # once the agent keeps the first
    image: str = "2.0"
    comes_to_run: bool = True   # the new image, whatever comes of it then
    text: Callable[[str], str] = lambda text: text  # that it ends with, of that before
    correction: str = ""        # the operator's, when asked
    place: Place = Place(0, 0)
    before: str = ""            # its configuration
    rollout: str = ""

    @property
    def boots(self) -> list[str]:
        there = [self.version, "2.0"] if self.comes_to_run else [self.version]
        return there + [self.version] if self.end == "rolled_back" and self.comes_to_run else there


class SafeFaults(SafeTest):
    # --- devices with something wrong ----------------------------------------------------------

    def home(self, each: Case) -> Path:
        return self.operation.world().home(each.place)

    def script(self, each: Case, name: str, text: str) -> str:
        file = self.home(each) / name
        file.write_text(text, encoding="utf-8")
        return f"/bin/sh {file}"

    def small_disk(self, each: Case, size: str) -> Path:
        at = self.home(each) / "small"
        at.mkdir()
        mounted(at, 0, f"size={size}")
        self.addCleanup(unmounted, at)
        return at

    def changes_it_in_new_image(self, each: Case) -> dict:
        """As software does that takes its predecessor's configuration for its own."""
        return {"health_command": self.script(
            each, "migrate", f"test $SLUICE_VERSION = {each.version} || "
                             f"echo migrated=1 >> {self.configuration(each.place)}\n")}

    def refuses_old_format(self, each: Case) -> dict:
        file = self.configuration(each.place)
        apply = self.script(each, "apply", "if test $SLUICE_VERSION = 2.0; then echo too old; exit 3; fi\n"
                                           f"cat > {file}\n")
        return {"config_export_command": f"/bin/cat {file}", "config_apply_command": apply}

    def crashes(self, each: Case) -> dict:
        return {"convert_command": self.script(each, "convert", "kill -SEGV $$\n")}

    def has_the_program(self, each: Case) -> dict:
        return {"convert_command": self.script(each, "convert",
                                               "test $SLUICE_NAME = convert2 && exec sed s/^ssid=/network=/\n")}

    def trusts_another_vendor(self, each: Case) -> dict:
        key, trust = self.home(each) / "vendor", self.home(each) / "trust.json"
        self.programs.command("keygen", "--out", key)
        self.programs.command("trust", "init", "--pin", f"{key}.pub.pem", "--key", f"{key}.pem",
                              "--threshold", 1, "--out", trust)
        return {"trust": trust}

    # --- the cases -----------------------------------------------------------------------------

    def of_conversions(self) -> list[Case]:
        """They begin on the new image: from there it goes back by order."""
        again, asks = twice(True), twice(True, convert={"attempts": 1, "asks": True})
        changes = SafeFaults.changes_it_in_new_image
        return [
            Case("hangs at the server", "rolled_back", ("did not end in the time set",), "1.0-hangs", again, changes),
            Case("crashes at the server", "rolled_back", ("ended with 139",), "1.0-crashes", again, changes),
            Case("fits none", "rolled_back", ("no conversion fits 1.0-odd to 2.0",), "1.0-odd", again, changes),
            Case("works at the server", "done", (), "1.0-program", again, text=renamed),
            Case("hangs, and the operator has another", "done", (), "1.0-hangs", asks,
                 correction="edited by hand\n", text=lambda text: "edited by hand\n"),
            Case("works on the device", "done", (), "1.0-device", again, SafeFaults.has_the_program, text=renamed),
            Case("hangs on the device", "rolled_back", ("fault 9010", "not done after 2 s"), "1.0-device", again,
                 lambda test, each: {"convert_command": "/bin/sleep 600", "command_timeout": 2}),
            Case("crashes on the device", "rolled_back", ("fault 9010", "signal 11"), "1.0-device", again,
                 SafeFaults.crashes),
            Case("no program on the device", "rolled_back", ("fault 9001",), "1.0-device", again, changes),
        ]

    def of_files(self) -> list[Case]:
        return [
            Case("restore refused", "rolled_back", ("fault 9010", "too old"), agent=SafeFaults.refuses_old_format),
            Case("image of another vendor", "rolled_back", ("fault 9019",), comes_to_run=False,
                 agent=SafeFaults.trusts_another_vendor),
            # Its server is asked again and again; the order is taken back with the upgrade.
            Case("file that is gone", "rolled_back", ("did not end in the time set",), image="3.0",
                 policy=twice(transfer={"limit_s": 3}), comes_to_run=False),
        ]

    def of_full_disks(self) -> list[Case]:
        if why_no_disks:
            print(f"left out, full disks of devices: {why_no_disks}", file=sys.stderr)
            return []
        def state(size: str) -> Callable[[SafeFaults, Case], dict]:
            return lambda test, each: {"state": test.small_disk(each, size)}
        return [
            Case("no room for the image", "rolled_back", ("fault 9010", FULL), comes_to_run=False,
                 agent=lambda test, each: {"store": test.small_disk(each, "1m")}),
            Case("no room to keep what it has", "rolled_back", ("fault 9002", FULL), comes_to_run=False,
                 agent=state("256k"), grows_to=400_000),
            Case("no room for another configuration", "rolled_back", ("fault 9002", FULL), "1.0-rules",
                 twice(True), state("512k"), bytes=300_000),
            Case("room for none but the one it has", "done", agent=state("512k"), bytes=300_000),
        ]

    # --- played --------------------------------------------------------------------------------

    def write_configuration(self, each: Case, length: int) -> None:
        each.before = f"ssid=home-{each.place.serial}\nkey=secret\n"
        if length:
            each.before += f"keys={random.Random(length).randbytes(length // 2).hex()}\n"
        self.configuration(each.place).write_text(each.before, encoding="utf-8")

    def start(self, each: Case) -> None:
        self.home(each).mkdir()
        self.write_configuration(each, each.bytes)
        self.start_with_configuration(each.place, software_version=each.version, **each.agent(self, each))

    def publish(self) -> dict[str, str]:
        ids = {version: self.operation.publish(self.an_image(version))["id"] for version in ("2.0", "3.0")}
        (self.operation.published / f"{ids['3.0']}.img").rename(self.folder / "taken-away")
        return ids

    def correct(self, each: Case) -> None:
        asking = self.wait_for_upgrade(each.place, "its question", 60, lambda u: u["state"] == "asking")
        self.assertEqual(asking["question"]["step"], "convert", asking)
        self.assertEqual(len(self.history(each.place, "upgrade.question")), 1)
        other = self.home(each) / "other"
        other.write_text(each.correction, encoding="utf-8")
        self.answer(each.place, "correct", "--step", "convert", "--configuration", other)

    def check(self, each: Case) -> None:
        shown = self.wait_until_over(each.place, 60)
        self.assertEqual(shown["state"], each.end, shown)
        for word in each.says:
            self.assertIn(word, json.dumps(shown))
        runs = self.programs.json("device", "show", each.place.identity, *self.operation.api)["software_version"]
        self.assertEqual(runs, "2.0" if each.end == "done" else each.version)
        self.assertEqual(self.configured(each.place), each.text(each.before))
        self.assertEqual([e["version"] for e in self.events_of(each.place, "booted")], each.boots)
        verdict = self.verdict(each.rollout)
        self.assertEqual(verdict["state"], "done" if each.end == "done" else "failed", verdict)
        last = self.history(each.place, "device.state")[-1]
        self.assertEqual(last["to"], verdict["state"], last)
        for word in each.says:
            self.assertIn(word, json.dumps(last))

    def put_back_the_file_that_was_gone(self, image: str, cases: list[Case]) -> None:
        """Nobody waits for it any more, and nobody takes it."""
        said = self.programs.log_of("sluice-acs").splitlines()
        self.assertTrue(any("a published file is gone" in line and image in line for line in said))
        (self.folder / "taken-away").rename(self.operation.published / f"{image}.img")
        for each in cases:
            if each.image == "3.0":
                wait_for("another session", 20, lambda at=each.place, so_far=len(self.events_of(each.place, "session")):
                         len(self.events_of(at, "session")) > so_far + 1, self.programs)
                self.assertEqual(self.events_of(each.place, "piece"), [])

    def test_each_comes_to_the_documented_end_with_its_image_and_configuration(self):
        conversions = self.folder / "conversions.json"
        conversions.write_text(json.dumps(CONVERSIONS), encoding="utf-8")
        self.operation.acs_options += ["--conversions", conversions, "--conversion-limit", 2]
        self.operation.start_acs()
        cases = self.of_conversions() + self.of_files() + self.of_full_disks()
        for site, each in enumerate(cases, 1):
            each.place = Place(site, 1)
            self.start(each)
        self.operation.wait_for_informs(len(cases))
        for each in cases:
            if each.grows_to:
                self.write_configuration(each, each.grows_to)
        images = self.publish()
        for each in cases:
            each.rollout = self.start_safe_rollout(images[each.image], each.policy, error=NO_HALT,
                                                   devices=[each.place.identity])
        for each in cases:
            if each.correction:
                self.correct(each)
        for each in cases:
            with self.subTest(each.name):
                self.check(each)
        self.put_back_the_file_that_was_gone(images["3.0"], cases)


if __name__ == "__main__":
    why_no_disks = why_no_mounts()
    case.main()
