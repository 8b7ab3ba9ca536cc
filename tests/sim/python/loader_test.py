#!/usr/bin/env python3
"""The Python loader reads what sluice-sim wrote; the notebook's cells run on it."""
import json
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


unittest.main(argv=[sys.argv[0]])
