"""Child processes inside a namespace: never outliving the lab, released together."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterable

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1


def enter_namespace(name: str) -> None:
    """Moves the calling thread into the named network namespace."""
    with open(f"/run/netns/{name}", "rb") as namespace:
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, f"cannot enter namespace {name}: {os.strerror(error)}")


class Processes:
    """The programs of one run. `stop_all` ends them; so does the death of the lab itself."""

    def __init__(self, log_dir: Path):
        self._log_dir = log_dir
        self._running: list[subprocess.Popen] = []

    def start(self, argv: list[str], *, namespace: str, log: str, stdin=subprocess.DEVNULL,
              stdout=None) -> subprocess.Popen:
        """Starts `argv` in `namespace`; what it says on stderr (and stdout) goes to `log`."""

        def before_exec() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            enter_namespace(namespace)

        with open(self._log_dir / f"{log}.log", "ab") as log_file:
            process = subprocess.Popen(
                [str(word) for word in argv], stdin=stdin, stdout=stdout or log_file,
                stderr=log_file, preexec_fn=before_exec, start_new_session=True)
        self._running.append(process)
        return process

    def stop_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
        for process in self._running:
            process.wait()
        self._running.clear()


class Barrier:
    """Holds shells back until `release`: the programs then exec at the same moment.

    Every waiting shell reads the same pipe, whose only writer is the lab; closing it lets all go.
    """

    def __init__(self) -> None:
        self.waiting_end, self._writer = os.pipe()

    @staticmethod
    def behind(argv: Iterable[object]) -> list[str]:
        return ["sh", "-c", 'read _; exec "$@"', "sh", *(str(word) for word in argv)]

    def release(self) -> None:
        os.close(self._writer)
        os.close(self.waiting_end)


def wait_for_exits(processes: dict[int, subprocess.Popen], deadline: float,
                   on_exit=lambda key, at: None) -> dict[int, float]:
    """Waits for each process; returns when each ended (CLOCK_MONOTONIC). Missing = timed out."""
    poll = select.poll()
    keys: dict[int, int] = {}
    for key, process in processes.items():
        descriptor = os.pidfd_open(process.pid)
        keys[descriptor] = key
        poll.register(descriptor, select.POLLIN)
    ended: dict[int, float] = {}
    try:
        while len(ended) < len(processes):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            for descriptor, _ in poll.poll(left * 1000):
                now = time.monotonic()
                poll.unregister(descriptor)
                key = keys[descriptor]
                processes[key].wait()
                ended[key] = now
                on_exit(key, now)
    finally:
        for descriptor in keys:
            os.close(descriptor)
    return ended
