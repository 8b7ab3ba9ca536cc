#!/usr/bin/env python3
"""The Python loader reads what sluice-sim wrote; the notebook's cells run on it."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "sim/python"))
import sluice_sim  # noqa: E402


def sim(*arguments):
    subprocess.run([PROGRAM, *map(str, arguments), "--quiet"], check=True, timeout=60)


def missing_libraries():
    return [name for name in ("matplotlib", "pandas") if importlib.util.find_spec(name) is None]


def rows(table):
    return table if isinstance(table, list) else table.to_dict("records")


class Loader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.here = pathlib.Path(cls.folder.name)
        scenario = ROOT / "sim/scenarios/equations.toml"
        sim("run", scenario, "--out", cls.here / "run", "--devices-csv")
        sim("sweep", scenario, "--vary", "fleet.devices=20|40", "--replications", "2",
            "--out", cls.here / "sweep")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_a_run_is_read_with_its_equations(self):
        run = sluice_sim.load_run(self.here / "run")
        self.assertAlmostEqual(run.strategy("store-and-forward")["done_s"]["last"], 7.7846282, 6)
        last = [row for row in rows(run.timeseries) if row["strategy"] == "star"][-1]
        self.assertEqual(last["done"], 20)
        self.assertEqual(len(rows(run.devices)), 20 * len(run.summary["strategies"]))
        self.assertIn("[fleet]", run.scenario)
        with self.assertRaisesRegex(KeyError, "there are planned"):
            run.strategy("flood")

    def test_a_sweep_is_read_as_surfaces(self):
        sweep = sluice_sim.load_sweep(self.here / "sweep")
        self.assertEqual(sweep.keys, ["fleet.devices"])
        self.assertEqual(sweep.surface("origin_images", "unicast")[(40,)], (40, 40, 40))
        self.assertEqual(len(rows(sweep.runs)), 2 * 2 * 7)

    def test_another_folder_is_said_to_be_one(self):
        with self.assertRaisesRegex(FileNotFoundError, "summary.json is missing"):
            sluice_sim.load_run(self.here)

    def test_the_notebook_is_one_and_has_no_output(self):
        book = json.loads((ROOT / "sim/python/plots.ipynb").read_text())
        self.assertEqual(book["nbformat"], 4)
        for cell in book["cells"]:
            if cell["cell_type"] == "code":
                compile("".join(cell["source"]), "plots.ipynb", "exec")
                self.assertEqual(cell["outputs"], [])

    @unittest.skipIf(missing_libraries(), "not installed: " + ", ".join(missing_libraries()))
    def test_the_notebook_runs_from_the_first_cell_to_the_last(self):
        import matplotlib
        matplotlib.use("Agg")
        runs, at = self.here / "runs", self.here / "sim/python"
        at.mkdir(parents=True)
        sim("run", ROOT / "sim/scenarios/nationwide-1m.toml", "--set", "fleet.devices=20000",
            "--out", runs / "nationwide")
        sim("sweep", ROOT / "sim/scenarios/homes-gulf.toml", "--set", "fleet.devices=400",
            "--vary", "sites.size=1|5|20", "--replications", "2", "--out", runs / "sizes")
        names, before = {}, os.getcwd()
        os.chdir(at)
        try:
            for cell in json.loads((ROOT / "sim/python/plots.ipynb").read_text())["cells"]:
                if cell["cell_type"] == "code":
                    exec("".join(cell["source"]), names)
            plots = names["plt"].get_fignums()
            self.assertEqual(len(plots), 5)
            for number in plots:
                path = pathlib.Path(os.environ.get("SLUICE_PLOTS", ".")) / f"plot-{number}.png"
                names["plt"].figure(number).savefig(path)
                self.assertGreater(path.stat().st_size, 10_000)
        finally:
            os.chdir(before)


unittest.main(argv=[sys.argv[0]])
