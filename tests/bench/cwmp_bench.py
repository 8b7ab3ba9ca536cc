#!/usr/bin/env python3
"""CWMP sessions a second of one core: sluice-acs on one core, `sluice-sim fleet` on another. Each session
is a new connection, an Inform of 3 kB that is challenged (401) and sent again, and the empty POST; each
Inform is written to SQLite with FULL sync. Plain, over TLS with full handshakes, over TLS resumed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 200
INFORM_BYTES = 3000
BAR_RATE, BAR_P99_MS = 3000, 100


def make_certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", folder / "acs.key", "-out", folder / "acs.crt", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True)


def start_acs(build: Path, folder: Path, core: int, is_tls: bool) -> tuple[subprocess.Popen, int]:
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    for old in folder.glob("acs.sqlite*"):
        old.unlink()
    tls = ["--tls-certificate", folder / "acs.crt", "--tls-key", folder / "acs.key"]
    acs = subprocess.Popen(
        ["taskset", "-c", str(core), build / "acs-plugin" / "sluice-acs", "--insecure-lab",
         "--listen", "127.0.0.1:0", "--origin-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
         "--store", folder / "acs.sqlite", "--images", folder / "images", "--username", "cpe",
         "--password-file", folder / "password", "--log-level", "warning", "--ready-file", ready,
         *(tls if is_tls else [])], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not ready.exists():
        if acs.poll() is not None or time.monotonic() > deadline:
            acs.kill()
            sys.exit("sluice-acs did not start")
        time.sleep(0.05)
    return acs, json.loads(ready.read_text())["cwmp"]


def measure(build: Path, folder: Path, cores: list[int], mode: str, devices: int, sessions: int,
            kind: str) -> dict:
    is_tls = mode != "plain"
    acs, port = start_acs(build, folder, cores[0], is_tls)
    tls = ["--ca-file", folder / "acs.crt", *(["--no-resume"] if mode == "TLS full" else [])]
    try:
        done = subprocess.run(
            ["taskset", "-c", str(cores[1]), build / "sim" / "sluice-sim", "fleet",
             "--acs", f"{'https' if is_tls else 'http'}://127.0.0.1:{port}/",
             "--devices", str(devices), "--period", "1 s", "--at-once", str(AT_ONCE),
             "--warm-up-sessions", str(devices), "--sessions", str(sessions),
             "--username", "cpe", "--password-file", folder / "password",
             "--acs-pid", str(acs.pid), "--time-limit", "150 s", "--json", "--quiet",
             *(["--agents", "0 %", "--inform-bytes", str(INFORM_BYTES)] if kind == "plain" else []),
             *(tls if is_tls else [])], stdout=subprocess.PIPE, text=True, check=False)
    finally:
        acs.terminate()
        acs.wait()
    if not done.stdout:
        sys.exit("sluice-sim fleet failed")
    return json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--devices", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=40_000)
    parser.add_argument("--modes", default="plain,TLS full,TLS resumed")
    parser.add_argument("--agents", action="store_true",
                        help="agents with their own, longer Inform instead of plain CPEs")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("skipped: one core for the server and one for the fleet are needed")
        return 0
    is_good = True
    with tempfile.TemporaryDirectory(prefix="sluice-cwmp-bench-") as name:
        folder = Path(name)
        (folder / "password").write_text("secret\n", encoding="utf-8")
        make_certificate(folder)
        print(f"{options.devices} devices, {options.sessions} sessions, {AT_ONCE} at a time\n"
              f"{'':12} {'sessions/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} "
              f"{'ACS ms CPU':>11} {'fleet ms CPU':>13} {'failed':>7}")
        for mode in options.modes.split(","):
            result = measure(options.build, folder, cores, mode, options.devices, options.sessions,
                             "agent" if options.agents else "plain")
            took = result["session_ms"]
            print(f"{mode:12} {result['sessions_per_second']:11.0f} {took['p50']:8.1f} "
                  f"{took['p99']:8.1f} {took['max']:8.1f} {result['acs_cpu_ms_per_session']:11.3f} "
                  f"{result['own_cpu_ms_per_session']:13.3f} {result['failed']:7}", flush=True)
            for kind, count in result["failed_by_kind"].items():
                print(f"  {count} {kind}: {result['examples'][kind]}")
            is_good &= result["failed"] == 0 and result["complete"]
            if mode == "plain":
                is_good &= result["sessions_per_second"] >= BAR_RATE and took["p99"] <= BAR_P99_MS
    print(f"bar: plain >= {BAR_RATE}/s with p99 <= {BAR_P99_MS} ms, no session lost: "
          f"{'held' if is_good else 'NOT held'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
