"""Bars and what is held against them: a scenario's runs become rows of the table."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Callable

from lab import machine
from lab.site import Run

# A run starts when others leave this much of the machine, or when patience ends: waiting is
# cheaper than a void run.
_QUIET = 0.9


@dataclass(frozen=True)
class Bar:
    """One line of a scenario's table: at most `limit`, by the median or by the worst run.

    `limit` None: measured and printed, not judged."""

    label: str
    metric: str
    limit: float | None
    by: str = "worst"
    unit: str = ""

    def value_of(self, run: Run) -> float | None:
        if self.metric in run.extra:
            return run.extra[self.metric]
        return getattr(run, self.metric, None)


@dataclass
class Row:
    label: str
    unit: str
    median: float
    worst: float
    limit: float | None
    by: str
    is_met: bool


@dataclass
class Outcome:
    """A scenario's result: the rows over all runs that count."""

    scenario: str
    title: str
    bound_s: float
    runs: list[Run] = field(default_factory=list)
    void_runs: list[Run] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    wanted_runs: int = 0

    @property
    def verdict(self) -> str:
        if self.problems or any(not row.is_met for row in self.rows):
            return "missed"
        if len(self.runs) < self.wanted_runs:
            return "void"
        return "pass"

    def as_json(self) -> dict:
        return asdict(self) | {"verdict": self.verdict}


def judge(outcome: Outcome, bars: tuple[Bar, ...]) -> None:
    """Fills the rows; a bar without a figure from every run is a problem, never a pass."""
    for number, run in enumerate(outcome.runs, start=1):
        outcome.problems += [f"run {number}: {problem}" for problem in run.problems]
        if run.unfinished:
            outcome.problems.append(f"run {number}: hosts {run.unfinished} never finished")
    for bar in bars:
        values = [bar.value_of(run) for run in outcome.runs]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            outcome.problems.append(f"{bar.label}: {len(values) - len(known)} runs without it")
        if not known:
            continue
        median, worst = statistics.median(known), max(known)
        held = median if bar.by == "median" else worst
        outcome.rows.append(Row(bar.label, bar.unit, median, worst, bar.limit, bar.by,
                                is_met=bar.limit is None or held <= bar.limit))


def collect(outcome: Outcome, wanted: int, idle_needed: float, one_run: Callable[[], Run],
            tell: Callable[[str], None], patience_s: float = 0.0) -> None:
    """Runs until `wanted` runs count. A void run (busy machine) is repeated, up to as many again
    plus three; one that fails counts, however busy the machine: void excuses slowness only."""
    outcome.wanted_runs = wanted
    for attempt in range(2 * wanted + 3):
        if len(outcome.runs) == wanted:
            return
        if idle_needed > 0:
            machine.wait_until_quiet(_QUIET, patience_s)
        run = one_run()
        is_void = run.idle < idle_needed
        note = "  VOID: machine too busy" if is_void else ""
        tell(f"  run {attempt + 1}: {describe(run)}{note}")
        if is_void and not run.problems and not run.unfinished:
            outcome.void_runs.append(run)
        else:
            outcome.runs.append(run)
    if len(outcome.runs) < wanted:
        tell(f"  gave up: only {len(outcome.runs)} of {wanted} runs were on a machine idle enough")


def describe(run: Run) -> str:
    extra = ", ".join(f"{name} {value:.3g}" for name, value in run.extra.items())
    troubles = [*run.problems] + ([f"unfinished {run.unfinished}"] if run.unfinished else [])
    return (f"last device {run.last_device_s:.2f} s = {run.ratio:.3f} x bound, origin "
            f"{run.origin_images:.3f} images, most received {run.most_received_images:.3f}, "
            f"idle {run.idle:.0%}" + (f", {extra}" if extra else "")
            + "".join(f"; {trouble}" for trouble in troubles))
