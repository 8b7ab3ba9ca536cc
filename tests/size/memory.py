#!/usr/bin/env python3
"""Resident memory of one agent that is master of eight slaves, all on loopback: while it fetches,
idle, and while it serves all eight at once.

Usage: memory.py BUILD. Exits 1 when a bar is missed.
"""
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SLAVES = 8
IMAGE_BYTES = 64 << 20
IDLE_BAR_KIB = 8 * 1024
SERVING_BAR_KIB = 16 * 1024
LIMIT_S = 60
DEVICE = {"manufacturer": "ACME", "oui": "00D09E", "product_class": "GW3", "hardware_version": "A"}


class Origin(http.server.BaseHTTPRequestHandler):
    """Ranges of the files of one folder, over connections that stay open."""
    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_GET(self):
        body = (self.folder / self.path.lstrip("/")).read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.send_response(206 if wanted else 200)
        if wanted:
            first, last = int(wanted[1]), int(wanted[2])
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            body = body[first:last + 1]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start_origin(folder):
    Origin.folder = folder
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"memory: {command[0]} failed: {done.stdout.strip()}")


def pack(sluice, folder):
    image = folder / "image"
    image.write_bytes(os.urandom(IMAGE_BYTES))
    run(sluice, "keygen", "--out", folder / "key")
    run(sluice, "trust", "init", "--pin", folder / "key.pub.pem", "--key", folder / "key.pem",
        "--threshold", 1, "--out", folder / "trust.json")
    run(sluice, "image", "pack", image, "--key", folder / "key.pem", "--out", folder / "web",
        "--name", "image", "--version", "2.0", "--security-version", 1,
        "--manufacturer", DEVICE["manufacturer"], "--oui", DEVICE["oui"],
        "--product-class", DEVICE["product_class"],
        "--hardware-version", DEVICE["hardware_version"])


def plan(sluice, folder, origin_url, master_url):
    # Slaves without an address serve nobody: all eight take from the one master.
    devices = [{"name": "master", "url": master_url, **DEVICE}]
    devices += [{"name": f"slave{i}", **DEVICE} for i in range(SLAVES)]
    for device in devices:
        device |= {"software_version": "1.0", "lan_up_bps": 10**9, "lan_down_bps": 10**9,
                   "cpu_percent": 5}
    site = {"version": 1, "origin_bps": 10**8, "access_bps": 10**8, "devices": devices}
    (folder / "site.json").write_text(json.dumps(site))
    # All nine share one machine: its load is not the master's own, and the CPU gate stays open.
    (folder / "policy.json").write_text(json.dumps({"planning": {"cpu_gate_percent": 100}}))
    run(sluice, "plan", "--site", folder / "site.json", "--policy", folder / "policy.json",
        "--manifest", folder / "web/image.manifest.json", "--image-url", origin_url + "/image.bin",
        "--key-out", folder / "rollout.key", "--out", folder / "plan")


def start_agent(agent, folder, name, *more):
    (folder / f"store-{name}").mkdir()
    with open(folder / f"{name}.log", "w") as log:
        return subprocess.Popen(
            [str(agent), "fetch", "--assignment", str(folder / f"plan/{name}.json"),
             "--trust", str(folder / "trust.json"), "--store", str(folder / f"store-{name}"),
             "--report", str(folder / f"{name}.report"), "--no-progress", *more],
            stdout=log, stderr=subprocess.STDOUT)


def wait_for(folder, name, event, process):
    report = folder / f"{name}.report"
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if report.exists() and f'"event":"{event}"' in report.read_text():
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    sys.exit(f"memory: {name} did not report '{event}': {(folder / f'{name}.log').read_text()}")


def status_kib(pid, field):
    return int(re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(),
                         re.MULTILINE)[1])


def forget_peak(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5): resets VmHWM


def measure(agent, sluice, folder):
    """{what: KiB}"""
    pack(sluice, folder)
    port = free_port()
    plan(sluice, folder, start_origin(folder / "web"), f"http://127.0.0.1:{port}")
    started = []
    try:
        master = start_agent(agent, folder, "master", "--listen", f"127.0.0.1:{port}",
                             "--keep-serving", str(LIMIT_S))
        started.append(master)
        wait_for(folder, "master", "finished", master)
        found = {"fetching, peak": status_kib(master.pid, "VmHWM")}
        time.sleep(1)  # the last batch becomes durable; then nothing happens
        found["idle"] = status_kib(master.pid, "VmRSS")
        forget_peak(master.pid)
        slaves = [start_agent(agent, folder, f"slave{i}") for i in range(SLAVES)]
        started += slaves
        for slave in slaves:
            if slave.wait(LIMIT_S) != 0:
                sys.exit(f"memory: a slave failed: {(folder / 'slave0.log').read_text()}")
        found[f"serving {SLAVES} slaves, peak"] = status_kib(master.pid, "VmHWM")
        check_that_the_master_served(folder)
        return found
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
            process.wait()


def check_that_the_master_served(folder):
    for i in range(SLAVES):
        lines = (folder / f"slave{i}.report").read_text().splitlines()
        finished = next(json.loads(line) for line in lines if '"finished"' in line)
        if finished["bytes_by_source"][0] < IMAGE_BYTES:
            sys.exit(f"memory: slave{i} took {finished['bytes_by_source']} bytes, "
                     "not all from the master")


def _agent_of(build):
    """The agent that the bars are for: without libtorrent, where both are built."""
    lean = build / "agent/sluice-agent-lean"
    return lean if lean.exists() else build / "agent/sluice-agent"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = Path(sys.argv[1])
    folder = Path(tempfile.mkdtemp(prefix="sluice-memory-"))
    try:
        found = measure(_agent_of(build), build / "acs-plugin/sluice", folder)
    finally:
        shutil.rmtree(folder)
    bars = {"idle": IDLE_BAR_KIB, f"serving {SLAVES} slaves, peak": SERVING_BAR_KIB}
    missed = False
    print(f"{'agent, resident, KiB':<28} {'measured':>10} {'bar':>8}")
    for what, kib in found.items():
        bar = bars.get(what)
        missed = missed or (bar is not None and kib > bar)
        verdict = "" if bar is None else "  met" if kib <= bar else "  MISSED"
        print(f"{what:<28} {kib:>10,} {f'{bar:,}' if bar else '':>8}{verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
