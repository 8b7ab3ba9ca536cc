"""What a person reads at the end: one line for each bar, measured beside bound and bar."""

from __future__ import annotations

from lab.bars import Outcome, Row


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}{unit}" if unit == " pieces" else f"{value:.3f}{unit}"


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()


def _cells(outcome: Outcome, row: Row) -> list[str]:
    bar = "-" if row.limit is None else f"{row.by} <= {_number(row.limit, row.unit)}"
    judged = "" if row.limit is None else ("pass" if row.is_met else "MISSED")
    return [outcome.scenario, row.label, _number(row.median, row.unit),
            _number(row.worst, row.unit), bar, judged]


def render(outcomes: list[Outcome], machine: str) -> str:
    heading = ["scenario", "what", "median", "worst", "bar", ""]
    body = [_cells(outcome, row) for outcome in outcomes for row in outcome.rows]
    widths = [max(len(line[i]) for line in [heading, *body]) for i in range(len(heading))]
    lines = [_line(heading, widths), _line(["-" * width for width in widths], widths)]
    lines += [_line(cells, widths) for cells in body]
    lines.append("")
    for outcome in outcomes:
        left_out = len(outcome.void_runs)
        void = f", {left_out} void (busy machine) left out" if left_out else ""
        lines.append(f"{outcome.scenario}: {outcome.verdict}; {len(outcome.runs)} of "
                     f"{outcome.wanted_runs} runs counted{void}; bound F/u_origin "
                     f"{outcome.bound_s:.3f} s")
        lines += [f"  {problem}" for problem in outcome.problems]
    lines.append(f"machine: {machine}")
    return "\n".join(lines)
