"""What the machine did meanwhile: a run on a busy machine measures the neighbours, not us."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class CpuTimes:
    idle: int
    total: int


def cpu_times() -> CpuTimes:
    """Ticks of all processors since boot (/proc/stat, first line); waiting for a disk is idle."""
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:9]]
    return CpuTimes(idle=ticks[3] + ticks[4], total=sum(ticks))


def idle_share(before: CpuTimes, after: CpuTimes) -> float:
    total = after.total - before.total
    return (after.idle - before.idle) / total if total else 1.0


def wait_until_quiet(idle_wanted: float, limit_s: float) -> None:
    """Returns once others left the machine idle for a second, or when the time is over."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        before = cpu_times()
        time.sleep(1)
        if idle_share(before, cpu_times()) >= idle_wanted:
            return


def description() -> str:
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = " ".join(line.split(":", 1)[1].split())
                break
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release()}"
