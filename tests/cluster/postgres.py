"""A PostgreSQL server of the test's own: a cluster in a folder, on a socket in it, run by an
unprivileged user, gone with its parent."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def programs() -> Path | None:
    """Where the server's programs are; none: no PostgreSQL is installed (Debian: postgresql-15)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self, is_durable: bool = False):
        self._bin = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="sluice-pg-"))
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", self._folder / "data", "-U", "sluice", "--auth=trust",
                  "--no-sync", "--locale=C", "--encoding=UTF8")
        self._options = [] if is_durable else ["-c", "fsync=off"]
        self._process: subprocess.Popen | None = None
        self.start()

    def _as_user(self) -> dict:
        entry = pwd.getpwnam(self._user)

        def prepare():
            if os.geteuid() == 0:
                os.setgid(entry.pw_gid)
                os.setuid(entry.pw_uid)
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
        return {"preexec_fn": prepare, "cwd": "/", "env": {"LC_ALL": "C"}}

    def _run(self, name: str, *words) -> str:
        done = subprocess.run([str(self._bin / name), *map(str, words)], capture_output=True,
                              text=True, check=False, **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")
        return done.stdout

    def url(self, database: str) -> str:
        return f"postgresql:///{database}?user=sluice&host={self._folder}"

    def start(self) -> None:
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self._folder / "data"), "-k",
                 str(self._folder), "-c", "listen_addresses=", "-c", "max_connections=60",
                 *self._options], stdout=log, stderr=log, **self._as_user())
        deadline = time.monotonic() + 30
        while subprocess.run([str(self._bin / "pg_isready"), "-q", "-d", self.url("postgres")],
                             check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text(errors="replace")[-500:])
            time.sleep(0.02)

    def stop(self) -> None:
        """As an operator restarts it: clients are told, and lose their connections."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def close(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_database(self, name: str) -> str:
        self.ask("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def ask(self, database: str, sql: str) -> list[list[str]]:
        text = self._run("psql", "-XAtq", "-F", "\t", "-d", self.url(database), "-c", sql)
        return [line.split("\t") for line in text.splitlines()]

    def dump(self, database: str, to: Path) -> None:
        self._run("pg_dump", "-Fc", "-d", self.url(database), "-f", to)

    def restore(self, database: str, frm: Path) -> None:
        self._run("pg_restore", "--no-owner", "--exit-on-error", "-d", self.url(database), frm)
