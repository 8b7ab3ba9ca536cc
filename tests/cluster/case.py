"""What the tests of this folder share: nodes on a PostgreSQL of their own, in a folder of their own."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path

from cluster.nodes import Cluster
from cluster.postgres import Postgres, programs

BUILD = Path(__file__).resolve().parents[2] / "build"


@unittest.skipIf(programs() is None, "no PostgreSQL server is installed (Debian: postgresql-15)")
class ClusterCase(unittest.TestCase):
    build = BUILD

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-cluster-"))
        self.addCleanup(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        self.server = Postgres()
        self.addCleanup(self.server.close)
        self.cluster = Cluster(self.folder, self.build, self.server)
        self.addCleanup(self.cluster.programs.stop)
