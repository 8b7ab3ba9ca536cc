#!/usr/bin/env python3
"""Three ACS nodes on PostgreSQL before 2,000 emulated CPEs, the owner killed in the middle of a
rollout and PostgreSQL restarted: that all devices are done, one install each, and how long the
takeover took. tests/cluster in large."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST = "ClusterTest.test_a_rollout_outlives_its_owner_and_a_restart_of_the_database"

if __name__ == "__main__":
    sys.exit(subprocess.run([ROOT / "tests" / "cluster" / "cluster_test.py", "--build",
                             ROOT / "build", "--devices", "2000", "--measure", TEST],
                            check=False).returncode)
