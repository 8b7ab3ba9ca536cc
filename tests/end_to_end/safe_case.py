"""What the tests of safe rollouts share: agents with a configuration, and an operator who looks."""

from __future__ import annotations

import json
from pathlib import Path

from end_to_end import case
from fleet.devices import Place, start_agent
from fleet.programs import wait_for

ENDS = ("done", "unchanged", "rolled_back", "abandoned")
NO_HALT = {"percent": 100, "verification_count": 0}  # a rollout's thresholds


class SafeTest(case.FleetTest):
    def setUp(self) -> None:
        super().setUp()
        keys = self.folder / "backup-keys"
        keys.write_text(f"first:{'5a' * 32}\n", encoding="utf-8")
        keys.chmod(0o600)
        self.operation.acs_options = ["--backup-keys", keys]

    # --- devices -------------------------------------------------------------------------------

    def configuration(self, place: Place) -> Path:
        return self.operation.world().home(place) / "settings.conf"

    def configured(self, place: Place) -> str:
        return self.configuration(place).read_text(encoding="utf-8")

    def start_with_configuration(self, place: Place, **more) -> str:
        file = self.configuration(place)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(f"ssid=home-{place.serial}\nkey=secret\n", encoding="utf-8")
        start_agent(self.programs, self.operation.world(), place, **({
            "config_file": file, "periodic_interval": 3, "retry_minimum": 1} | more))
        return self.configured(place)

    # --- the operator --------------------------------------------------------------------------

    def start_safe_rollout(self, image: str, safe: dict, **more) -> str:
        spec = self.folder / "safe.json"
        spec.write_text(json.dumps({"safe": safe, "retry_first_s": 1} | more), encoding="utf-8")
        return self.operation.start_rollout(image, "a", "--spec", str(spec))

    def upgrades(self) -> list[dict]:
        return self.programs.json("upgrade", "list", *self.operation.api)["upgrades"]

    def upgrade(self, place: Place) -> dict:
        return self.programs.json("upgrade", "show", place.identity, *self.operation.api)

    def wait_for_upgrade(self, place: Place, what: str, seconds: float, is_there) -> dict:
        def looked() -> dict | None:
            shown = {u["identity"]: u for u in self.upgrades()}.get(place.identity)
            return shown if shown and is_there(shown) else None
        return wait_for(f"{place.serial}: {what}", seconds, looked, self.programs)

    def wait_until_over(self, place: Place, seconds: float) -> dict:
        return self.wait_for_upgrade(place, "the end", seconds, lambda u: u["state"] in ENDS)

    def answer(self, place: Place, *words) -> None:
        self.programs.command("upgrade", "answer", place.identity, *words, *self.operation.api)

    def history(self, place: Place, *kinds: str) -> list[dict]:
        asked = [word for kind in kinds for word in ("--kind", kind)]
        lines = self.programs.command("events", "--device", place.identity, "--limit", 1000, "--json",
                                      *asked, *self.operation.api)
        return [json.loads(line) for line in lines.splitlines()]

    def verdict(self, rollout: str) -> dict:
        """Of a rollout's only device."""
        return self.programs.json("rollout", "status", rollout, "--devices",
                                  *self.operation.api)["each_device"][0]
