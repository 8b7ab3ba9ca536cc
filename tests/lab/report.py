"""An agent's report file: JSON lines, `t` in CLOCK_MONOTONIC seconds, one clock for all hosts."""

from __future__ import annotations

import json
from pathlib import Path


class Report:
    """Follows one file; `update` reads what was added since the last call.

    An agent that is started again goes on in the same file: `starts` says where each life began."""

    def __init__(self, path: Path):
        self._path = path
        self._offset = 0
        self._rest = b""
        self.events: list[dict] = []
        self.pieces = 0

    def update(self) -> None:
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                added = file.read()
        except FileNotFoundError:
            return
        self._offset += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            # A killed agent may leave half a line; its next life begins on the same one.
            begin = line.rfind(b'{"t"')
            try:
                event = json.loads(line[max(begin, 0):])
            except json.JSONDecodeError:
                continue
            self.events.append(event)
            self.pieces += event["event"] == "piece"

    def of(self, name: str) -> list[dict]:
        return [event for event in self.events if event["event"] == name]

    def finished_at(self) -> float | None:
        """When the last piece of the last life was verified."""
        finished = self.of("finished")
        return finished[-1]["t"] if finished else None

    def bytes_by_source(self) -> list[int]:
        """Summed over lives; sources keep their index as long as the assignment is the same."""
        total: list[int] = []
        for event in self.of("finished"):
            for index, count in enumerate(event["bytes_by_source"]):
                total += [0] * (index + 1 - len(total))
                total[index] += count
        return total

    def swarm_bytes(self) -> int:
        return sum(event.get("swarm_bytes", 0) for event in self.of("finished"))

    def failure(self) -> str | None:
        failed = self.of("failed")
        return failed[-1].get("why", "") if failed else None
