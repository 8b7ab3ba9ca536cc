#!/usr/bin/env python3
"""sluice-sim as a person meets it: exit codes, one-line errors, folders, same bytes."""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
SCENARIO = ROOT / "sim/scenarios/equations.toml"


def sim(*arguments, cwd):
    return subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, text=True,
                          capture_output=True, timeout=60)


# On this machine only: shared memory between them, their own channel on the loopback.
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
       "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_oob_tcp_if_include": "lo",
       "OMPI_MCA_btl": "vader,self", "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
       "OMPI_MCA_plm_rsh_agent": "false"}


def mpi(count, *arguments, cwd):
    return subprocess.run(["mpirun", "-n", count, PROGRAM, *map(str, arguments)], cwd=cwd,
                          text=True, capture_output=True, timeout=100, env={**os.environ, **MPI})


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.here = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def refused(self, *arguments):
        before = sorted(self.here.iterdir())
        done = sim(*arguments, cwd=self.here)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(sorted(self.here.iterdir()), before, "something half-written")
        return done.stderr

    def test_run_leaves_a_whole_folder_and_the_same_bytes_again(self):
        for name in "a", "b":
            done = sim("run", SCENARIO, "--out", name, "--devices-csv", cwd=self.here)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn("seed 1", done.stdout)
        names = ["devices.csv", "report.html", "scenario.toml", "summary.json", "timeseries.csv"]
        self.assertEqual(sorted(p.name for p in (self.here / "a").iterdir()), names)
        self.assertEqual(filecmp.cmpfiles(self.here / "a", self.here / "b", names, shallow=False)[0],
                         names)

    def test_what_was_resolved_runs_again_to_the_same_summary(self):
        sim("run", SCENARIO, "--out", "a", "--seed", "9", cwd=self.here)
        sim("run", "a/scenario.toml", "--out", "b", cwd=self.here)
        self.assertTrue(filecmp.cmp(self.here / "a/summary.json", self.here / "b/summary.json",
                                    shallow=False))

    def test_sweep_is_the_same_at_any_number_of_threads(self):
        for jobs in "1", "3":
            done = sim("sweep", SCENARIO, "--vary", "fleet.devices=20|40|60", "--replications", "2",
                       "--jobs", jobs, "--out", jobs, cwd=self.here)
            self.assertEqual(done.returncode, 0, done)
        for name in "sweep.csv", "ci.csv", "report.html":
            self.assertTrue(filecmp.cmp(self.here / "1" / name, self.here / "3" / name, shallow=False))

    @unittest.skipIf(shutil.which("mpirun") is None, "Open MPI's mpirun is not installed")
    def test_sweep_over_processes_merges_to_the_bytes_of_one(self):
        arguments = ["sweep", SCENARIO, "--vary", "fleet.devices=20|40|60", "--replications", "3"]
        sim(*arguments, "--out", "alone", cwd=self.here)
        for count in "2", "3":
            crowd = mpi(count, *arguments, "--out", count, cwd=self.here)
            self.assertEqual(crowd.returncode, 0, crowd)
        for name in "sweep.csv", "ci.csv", "report.html":
            for count in "2", "3":
                self.assertTrue(filecmp.cmp(self.here / "alone" / name, self.here / count / name,
                                            shallow=False))
        self.assertEqual(sorted(p.name for p in self.here.iterdir()), ["2", "3", "alone"])

    @unittest.skipIf(shutil.which("mpirun") is None, "Open MPI's mpirun is not installed")
    def test_what_is_wrong_is_said_once_however_many_processes_there_are(self):
        refused = mpi("2", "sweep", SCENARIO, "--out", "/proc/none/out", cwd=self.here)
        self.assertEqual(refused.returncode, 2, refused)
        self.assertEqual(refused.stderr.count("sluice-sim sweep: /proc/none/out"), 1, refused)

    def test_report_draws_again_from_the_files(self):
        sim("run", SCENARIO, "--out", "a", cwd=self.here)
        page = (self.here / "a/report.html").read_bytes()
        (self.here / "a/report.html").unlink()
        self.assertEqual(sim("report", "a", cwd=self.here).returncode, 0)
        self.assertEqual((self.here / "a/report.html").read_bytes(), page)

    def test_what_cannot_be_is_one_line_and_exit_2(self):
        (self.here / "bad.toml").write_text("version = 1\n[fleet]\ndevises = 3\n")
        (self.here / "fleet.csv").write_text("site,access_down,port_up\n1,5 Mbit/s,1 Gbit/s\n")
        for arguments, says in [
            (["run"], "a scenario file is required"),
            (["run", "none.toml"], "none.toml"),
            (["run", "bad.toml"], "did you mean 'fleet.devices'?"),
            (["run", SCENARIO, "--set", "network.origin_rate=0 bit/s"], "network.origin_rate"),
            (["run", SCENARIO, "--set", "fleet.file=fleet.csv"], "fleet.csv: line 1: no column 'port_down'"),
            (["run", SCENARIO, "--set", "policy.masters=64"], "64 masters for 20"),
            (["run", SCENARIO, "--out", "/proc/none/out"], "/proc/none/out"),
            (["run", SCENARIO, "--set", "network.origin_rate=nan bit/s"], "network.origin_rate"),
            (["run", SCENARIO, "--set", "network.origin_rate=-5 Mbit/s"], "network.origin_rate"),
            (["run", SCENARIO, "--set", "lan.kind=wify"], "did you mean 'wifi'?"),
            (["run", SCENARIO, "--set", "run.fidelity=session"], "equations.toml: run.strategies: swarm"),
            (["run", SCENARIO, "--set", "fleet.devices=200000", "--set", "run.fidelity=session"], "equations.toml: fleet.devices"),
            (["run", SCENARIO, "--set", "fleet.devices=50000000", "--set", "lan.kind=lines", "--quiet"], "equations.toml: fleet.devices: needs about"),
            (["run", "/"], "Is a directory"),
            (["run", SCENARIO, "--sede", "3"], "did you mean '--seed'?"),
            (["sweep", SCENARIO, "--vary", "fleet.devices"], "is not KEY=VALUE|VALUE"),
            (["sweep", SCENARIO, "--replications", "0"], "--replications"),
            (["report", "none"], "none/scenario.toml"),
            (["validate", SCENARIO, "bad.toml"], "bad.toml: line 3"),
            (["ruin"], "did you mean 'run'?"),
            ([], "a command is required"),
        ]:
            with self.subTest(arguments=arguments):
                self.assertIn(says, self.refused(*arguments))

    def test_an_older_folder_gives_way_only_to_force(self):
        sim("run", SCENARIO, "--out", "a", cwd=self.here)
        self.assertIn("--force", self.refused("run", SCENARIO, "--out", "a"))
        self.assertEqual(sim("run", SCENARIO, "--out", "a", "--force", cwd=self.here).returncode, 0)

    def test_a_fleet_can_come_from_a_file(self):
        rows = ["site,model,access_down,port_up,port_down,cpu,kind"]
        rows += [f"home-{i // 2},G1,100 Mbit/s,1 Gbit/s,1 Gbit/s,{i % 50},agent" for i in range(40)]
        (self.here / "fleet.csv").write_text("\n".join(rows) + "\n")
        done = sim("run", SCENARIO, "--set", "fleet.file=fleet.csv", "--out", "a", cwd=self.here)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("40 devices, 20 sites", done.stdout)

    def test_every_verb_has_help(self):
        for verb in [], ["run"], ["sweep"], ["report"], ["validate"]:
            done = sim(*verb, "--help", cwd=self.here)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith("Usage: sluice-sim"))
        self.assertRegex(sim("--version", cwd=self.here).stdout, r"^sluice-sim \d")


unittest.main(argv=[sys.argv[0]])
