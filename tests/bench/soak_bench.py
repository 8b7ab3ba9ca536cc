#!/usr/bin/env python3
"""A fleet of 20,000 emulated CPEs under one sluice-acs, from the first Inform to the end of a rollout:
no session may be lost, and every device installs once."""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from fleet.devices import HARDWARE, MANUFACTURER, OUI, PRODUCT_CLASS  # noqa: E402
from fleet.operation import Operation  # noqa: E402

NEW = "2.0"
BOOT_SPREAD_S = 15


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--devices", type=int, default=20_000)
    parser.add_argument("--site-size", type=int, default=5)
    parser.add_argument("--time-limit", default="15 min")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sluice-soak-"))
    operation = Operation(folder, options.build, 0, 0)
    try:
        operation.start_acs()
        raw = folder / "raw"
        raw.write_bytes(random.Random(1).randbytes(1_000_000))
        image = operation.publish(operation.pack(raw, f"gw3-{NEW}", NEW))["id"]
        world = operation.world()
        fleet = subprocess.Popen(
            [str(word) for word in (
                options.build / "sim" / "sluice-sim", "fleet", "--acs", world.acs_url,
                "--devices", options.devices, "--site-size", options.site_size,
                "--manufacturer", MANUFACTURER, "--oui", OUI, "--product-class", PRODUCT_CLASS,
                "--hardware-version", HARDWARE, "--username", "cpe",
                "--password-file", world.password, "--peer-net", "127.0.0.0/8",
                "--listen", "0.0.0.0:0", "--connection-username", "acs",
                "--connection-password-file", world.password, "--period", "2 min",
                "--boot-spread", f"{BOOT_SPREAD_S} s", "--reboot-time", "1 s",
                "--acs-pid", operation.programs.pid("sluice-acs"), "--until-version", NEW,
                "--time-limit", options.time_limit, "--json", "--quiet",
                "--devices-csv", folder / "devices.csv")], stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(BOOT_SPREAD_S + 5)  # most have reported; the rollout takes late ones too
            began = time.monotonic()
            operation.start_rollout(image)
            result = json.loads(fleet.communicate()[0])
            took = time.monotonic() - began
        finally:
            fleet.kill()
        with open(folder / "devices.csv", newline="", encoding="utf-8") as file:
            installs = [row["installs"] for row in csv.DictReader(file)]
    finally:
        operation.programs.stop()
        shutil.rmtree(folder)
    once = sum(entry == f"{NEW}:1" for entry in installs)
    print(f"{options.devices} CPEs from one process, sites of {options.site_size}: "
          f"{result['sessions']} sessions, {result['failed']} failed\n"
          f"rollout: {took:.0f} s until the last device reported {NEW}; {once} devices installed "
          f"once; {result['images_from_peers']} images from neighbours, "
          f"{result['images_from_servers']} from the origin\n"
          f"CPU a session: ACS {result['acs_cpu_ms_per_session']:.3f} ms, "
          f"fleet {result['own_cpu_ms_per_session']:.3f} ms; "
          f"p99 of a session {result['session_ms']['p99']:.0f} ms; "
          f"{result['bytes_per_device']} bytes a silent device")
    for kind, count in result["failed_by_kind"].items():
        print(f"  {count} {kind}: {result['examples'][kind]}")
    is_good = result["complete"] and result["failed"] == 0 and once == options.devices
    print(f"bar: no session lost, one install a device: {'held' if is_good else 'NOT held'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
