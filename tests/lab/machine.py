"""What the machine did meanwhile: a run on a busy machine measures the neighbours, not us."""

from __future__ import annotations

import os
import platform
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


def description() -> str:
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = " ".join(line.split(":", 1)[1].split())
                break
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release()}"
