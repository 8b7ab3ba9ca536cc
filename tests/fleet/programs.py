"""Processes: started, watched, and never outliving who started them."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class FleetError(Exception):
    """One line for the person who watches."""


class Programs:
    def __init__(self, build: Path, logs: Path):
        self.sluice = build / "acs-plugin" / "sluice"
        self.acs = build / "acs-plugin" / "sluice-acs"
        self.agent = build / "agent" / "sluice-agent"
        self._logs = logs
        self._running: dict[str, subprocess.Popen] = {}

    def start(self, name: str, argv: list, **more) -> None:
        with open(self._logs / f"{name}.log", "ab") as log:
            self._running[name] = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), **more)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def check(self) -> None:
        """All that were started still run; whoever ended is named with its last word."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise FleetError(f"{name} ended with {process.returncode}: {self._last_word(name)}")

    def wait_for_end(self, name: str, seconds: float) -> int:
        """It ends by itself: its exit code; to be started again, or forgotten."""
        code = self._running[name].wait(seconds)
        del self._running[name]
        return code

    def log_of(self, name: str) -> str:
        return (self._logs / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash or a power cut of one machine; to be started again, or forgotten."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + 5
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _last_word(self, name: str) -> str:
        lines = self.log_of(name).strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def command(self, *words) -> str:
        """A `sluice` command to its end; what it printed."""
        done = subprocess.run([str(self.sluice), *map(str, words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise FleetError(f"sluice {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.command(*words, "--json"))


def wait_for(what: str, seconds: float, is_there, programs: Programs):
    """Polls until `is_there` gives something; a program that ended, or too long, is an error."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = is_there()
        if found:
            return found
        programs.check()
        time.sleep(0.1)
    raise FleetError(f"{what}: not within {seconds:.0f} s")
