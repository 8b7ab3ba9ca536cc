"""The lab: the network, its hosts as processes, and sluice-split at work on the router."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sessions.namespaces import (COLLECTORS, CPES, ITMS, SPLITTER, Network, Namespace, cpe_address)

HOST = Path(__file__).with_name("host.py")
REPORT_PORT, TLS_PORT = 7547, 7548
LINGER = 1.0
PATIENCE = 10.0

CONFIGURATION = {
    "mode": "early", "cpe-interface": "cpe0", "itms-interface": "itms0",
    "collector-interface": "coll0", "cpe-address": f"{SPLITTER[4]} {SPLITTER[6]}",
    "itms": f"{ITMS[4]} {ITMS[6]}", "collectors": " ".join(COLLECTORS[4] + COLLECTORS[6]),
    "report-ports": f"{REPORT_PORT} {TLS_PORT}", "linger": "1s", "activation-ttl": "5s",
    "check-interval": "1s",
}


class Host:
    """A process of host.py; what it says is read as it comes."""

    def __init__(self, namespace: Namespace, *argv: object):
        self._process = namespace.start(sys.executable, HOST, *argv, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self._said: queue.Queue[dict] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.expect("ready")

    def _read(self) -> None:
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def tell(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def expect(self, key: str) -> dict:
        """The next thing said that has `key`."""
        deadline = time.monotonic() + PATIENCE
        while True:
            event = self._said.get(timeout=max(0.01, deadline - time.monotonic()))
            if key in event:
                return event

    def heard(self) -> list[dict]:
        """All that was said and not asked for yet."""
        time.sleep(0.05)
        out = []
        while not self._said.empty():
            out.append(self._said.get())
        return out

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Lab:
    def __init__(self, program: Path, folder: Path):
        # A copy that users without privileges may run, wherever the build folder is.
        self.program, self.folder = folder / program.name, folder
        shutil.copy(program, self.program)
        self.network = Network()
        self.hosts: list[Host] = []
        self.running: subprocess.Popen | None = None
        self.file = folder / "split.toml"
        self.log = folder / "split.log"
        try:
            self._start_hosts()
        except BaseException:
            self.close()
            raise

    def _start_hosts(self) -> None:
        pems = {name: self._certificate(name) for name in ("itms", "collector")}
        self.certificates = {name: pem.read_text().split("-----BEGIN CERT")[1]
                             for name, pem in pems.items()}
        network = self.network
        both = [*ITMS.values()]
        self.itms = self._host(network.itms, "serve", "--name", "itms", "--address", *both,
                               "--port", REPORT_PORT, TLS_PORT, "--certificate", pems["itms"])
        self.collector = self._host(
            network.collector, "serve", "--name", "collector", "--address",
            *COLLECTORS[4], *COLLECTORS[6], "--port", REPORT_PORT, TLS_PORT,
            "--certificate", pems["collector"])
        self.cpes = [self._host(network.cpes[i], "cpe", "--address", cpe_address(i, 4),
                                cpe_address(i, 6), "--itms", *both, "--port", REPORT_PORT,
                                "--tls-port", TLS_PORT) for i in range(CPES)]

    def _host(self, namespace: Namespace, *argv: object) -> Host:
        self.hosts.append(Host(namespace, *argv))
        return self.hosts[-1]

    def _certificate(self, name: str) -> Path:
        pem = self.folder / f"{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-keyout", pem, "-out", f"{pem}.crt"], check=True,
                       capture_output=True)
        with open(pem, "a", encoding="ascii") as file:
            file.write(Path(f"{pem}.crt").read_text(encoding="ascii"))
        return pem

    def close(self) -> None:
        self.kill()
        for host in self.hosts:
            host.stop()
        self.network.close()

    # --- sluice-split ---------------------------------------------------------------------

    def configure(self, **changes: str) -> None:
        settings = CONFIGURATION | {key.replace("_", "-"): value for key, value in changes.items()}
        self.file.write_text("".join(f'{key} = "{value}"\n' for key, value in settings.items()
                                     if value != ""), encoding="ascii")

    def split(self, command: str, *more: object, before=None) -> subprocess.CompletedProcess:
        return self.network.router.run(self.program, command, "--config", self.file, *more,
                                       before=before)

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.running = self.network.router.start(self.program, "run", "--config", self.file,
                                                     stdout=log, stderr=log)
        self.wait_until_in_place()

    def wait_until_said(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.log.read_text(encoding="utf-8"):
            if time.monotonic() > deadline:
                raise AssertionError(f"the log never said: {words}")
            time.sleep(0.02)

    def wait_until_in_place(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status = self.status()
            if status["installed"] and status["intact"] and status["current"]:
                return
            time.sleep(0.02)
        raise RuntimeError("sluice-split did not get its rules in place: " + self.log.read_text())

    def kill(self) -> None:
        if self.running:
            self.running.kill()
            self.running.wait()
            self.running = None

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        code = self.running.wait(timeout=PATIENCE)
        self.running = None
        return code

    def status(self) -> dict:
        done = self.split("status", "--json")
        if done.returncode not in (0, 1) or not done.stdout:
            raise RuntimeError(f"status: {done.stderr}")
        return json.loads(done.stdout)

    def rules(self) -> str:
        return self.network.router.must("nft", "list", "ruleset")

    # --- what hosts do ----------------------------------------------------------------------

    def call(self, cpe: int, *, family: int = 4, collector: int = 0, style: str = "one",
             hold: float = 0, wait: float = 0.2, once: bool = False) -> dict:
        """A connection request, awaited to its end. Its answers' statuses."""
        done = self.network.collector.run(
            sys.executable, HOST, "call", "--source", COLLECTORS[family][collector], "--to",
            cpe_address(cpe, family), "--style", style, "--hold", hold, "--wait", wait,
            *(["--once"] if once else []))
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    def session(self, cpe: int, family: int = 4, style: str = "one") -> dict:
        """A session that the CPE begins by itself."""
        self.cpes[cpe].tell(f"session {cpe_address(cpe, family)} {style}")
        return self.cpes[cpe].expect("session")
