"""Results folders of sluice-sim as pandas frames. Pure Python: `import sluice_sim` from this folder.

    run = sluice_sim.load_run("nationwide-1m-results")
    run.summary["strategies"][0]["offload"]
    run.timeseries.query("strategy == 'planned'").plot("time_s", "origin_bps")

    sweep = sluice_sim.load_sweep("homes-gulf-sweep")
    sweep.surface("images_per_site", "planned")

Without pandas, tables are lists of dicts with numbers as numbers.
"""
import csv
import json
import pathlib
from dataclasses import dataclass
from typing import Any

try:
    import pandas
except ImportError:  # tables are lists then
    pandas = None


def _number(text):
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _table(path):
    if pandas is not None:
        return pandas.read_csv(path)
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _folder(path, needed):
    folder = pathlib.Path(path)
    if not (folder / needed).is_file():
        raise FileNotFoundError(f"{folder}: no results of sluice-sim there ({needed} is missing)")
    return folder


@dataclass
class Run:
    """What `sluice-sim run` left."""
    summary: dict
    timeseries: Any  # strategy, time_s, origin_bps, active, done, running
    scenario: str    # TOML, every key
    devices: Any = None  # with --devices-csv

    def strategy(self, name):
        """One strategy's part of the summary."""
        for part in self.summary["strategies"]:
            if part["strategy"] == name:
                return part
        known = ", ".join(part["strategy"] for part in self.summary["strategies"])
        raise KeyError(f"no strategy {name!r} in this run (there are {known})")


@dataclass
class Sweep:
    """What `sluice-sim sweep` left."""
    runs: Any  # a row a run
    ci: Any    # means and 95 % intervals
    scenario: str
    keys: list  # the varied ones, in the order of the grid

    def surface(self, figure, strategy):
        """{values of the keys: (mean, low, high)} of one figure and strategy."""
        rows = self.ci.to_dict("records") if pandas is not None else self.ci
        return {tuple(row[key] for key in self.keys): (row["mean"], row["low"], row["high"])
                for row in rows if row["figure"] == figure and row["strategy"] == strategy}


def load_run(path):
    folder = _folder(path, "summary.json")
    devices = folder / "devices.csv"
    return Run(summary=json.loads((folder / "summary.json").read_text(encoding="utf-8")),
               timeseries=_table(folder / "timeseries.csv"),
               scenario=(folder / "scenario.toml").read_text(encoding="utf-8"),
               devices=_table(devices) if devices.is_file() else None)


def load_sweep(path):
    folder = _folder(path, "ci.csv")
    with open(folder / "ci.csv", newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file))
    return Sweep(runs=_table(folder / "sweep.csv"), ci=_table(folder / "ci.csv"),
                 scenario=(folder / "scenario.toml").read_text(encoding="utf-8"),
                 keys=columns[:columns.index("strategy")])
