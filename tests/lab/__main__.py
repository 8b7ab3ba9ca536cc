"""The lab's command line; tests/lab/run is its door."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from lab import machine, programs
from lab.network import NotPermitted, command
from lab.scenarios import PEERS, SCENARIOS, SHORT, SWARM, UNSTEADY, Options, Scenario
from lab.table import render

# What ctest takes for "skipped" (tests/lab/CMakeLists.txt).
SKIPPED = 77
_ROOT = Path(__file__).resolve().parents[2]
_GROUPS = {"all": SCENARIOS + SWARM + UNSTEADY + PEERS, "agents": SCENARIOS, "swarm": SWARM,
           "unsteady": UNSTEADY[:-1] + (SWARM[1], UNSTEADY[-1]), "peers": PEERS, "short": SHORT}


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.list:
        for scenario in _GROUPS["all"] + SHORT:
            print(f"{scenario.name:24}{scenario.title}")
        return 0
    # A plain kill unwinds like an interrupt: namespaces, processes and folders go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    chosen = _chosen(arguments.scenario)
    found = programs.Programs.of_build(arguments.build.resolve())
    reason = _why_not(chosen, found)
    if reason:
        print(f"SKIPPED: {reason}" if arguments.may_skip else f"lab: {reason}", file=sys.stderr)
        return SKIPPED if arguments.may_skip else 1
    options = Options(found, arguments.runs, arguments.work_dir, arguments.keep,
                      arguments.however_busy, arguments.patience,
                      tell=lambda line: print(line, flush=True))
    try:
        outcomes = [scenario.run(options) for scenario in chosen]
    except NotPermitted as error:
        print(f"SKIPPED: {error}" if arguments.may_skip else f"lab: {error}", file=sys.stderr)
        return SKIPPED if arguments.may_skip else 1
    except KeyboardInterrupt:
        return 130
    print("\n" + render(outcomes, machine.description()))
    if arguments.however_busy:
        print("runs on a busy machine were counted: the times say little")
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"machine": machine.description(),
             "scenarios": [outcome.as_json() for outcome in outcomes]}, indent=1), encoding="utf-8")
    return 0 if all(outcome.verdict == "pass" for outcome in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab", description="Real agents, and their peers, on shaped links in network "
        "namespaces of this machine (root). Exit 0: every bar is met; 1: one is missed, or too "
        "few runs counted; 2: wrong use.")
    parser.add_argument("scenario", nargs="*", default=["all"],
                        help="scenario names (--list), or a group: " + ", ".join(_GROUPS)
                        + " (all)")
    parser.add_argument("--list", action="store_true", help="name the scenarios and stop")
    parser.add_argument("--runs", type=_positive, metavar="N",
                        help="runs of each scenario, instead of its own number (mostly 5)")
    parser.add_argument("--build", type=Path, default=_ROOT / "build", metavar="DIR",
                        help="build directory with the programs (build)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--work-dir", type=Path, metavar="DIR",
                        help="where the devices' stores are (/dev/shm: a device has its own flash, "
                        "forty of them do not share a disk)")
    parser.add_argument("--keep", action="store_true", help="keep the work folder with all logs")
    parser.add_argument("--however-busy", action="store_true",
                        help="count every run, also on a busy machine: to look for faults, not "
                        "to measure")
    parser.add_argument("--patience", type=float, default=20.0, metavar="SECONDS",
                        help="how long each run waits for a quiet machine before it starts (20)")
    parser.add_argument("--may-skip", action="store_true",
                        help=f"exit {SKIPPED} with the reason where this machine cannot run a lab")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of runs")
    return number


def _chosen(names: list[str]) -> list[Scenario]:
    by_name = {scenario.name: [scenario] for scenario in _GROUPS["all"] + SHORT}
    by_name |= {name: list(group) for name, group in _GROUPS.items()}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        print(f"lab: no scenario named {', '.join(unknown)}; see --list", file=sys.stderr)
        raise SystemExit(2)
    return [scenario for name in names for scenario in by_name[name]]


def _why_not(chosen: list[Scenario], found: programs.Programs) -> str | None:
    """Why this machine cannot run them; None when it can."""
    if os.geteuid() != 0:
        return "namespaces need root"
    needed: list[Path | str] = ["ip", "tc", "nft", "nginx", "sysctl"]
    needed += ["curl", "aria2c", found.libtorrent_peer] if any(s.way for s in chosen) else []
    needed += [found.agent, found.sluice] if any(s.way is None for s in chosen) else []
    missing = programs.missing(needed)
    if missing:
        return "not found: " + ", ".join(missing)
    try:
        probe = f"sluice-lab-{os.getpid()}-0-probe"
        command("ip", "netns", "add", probe)
        try:  # entering one makes mounts, which a chroot or a container may forbid
            command("ip", "netns", "exec", probe, "true")
        finally:
            command("ip", "netns", "delete", probe)
    except RuntimeError as error:
        return f"namespaces are not permitted here: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
