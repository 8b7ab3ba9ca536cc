from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo.options import read_options
from fleet.devices import NEW_VERSION, Place, start_agent, start_plain
from fleet.operation import Operation
from fleet.programs import FleetError


def _say(text: str) -> None:
    print(text, flush=True)


def _describe(options) -> str:
    agents = ", ".join(map(str, options.devices))
    plain = f"; {options.plain} without an agent in site 1" if options.plain else ""
    return (f"{options.sites} with {agents} agents{plain}; {options.uplink:g} Mbit/s into each, "
            f"{options.lan:g} Mbit/s from device to device")


def _start_devices(operation: Operation, options) -> int:
    agents = [Place(site, number + 1) for site, count in enumerate(options.devices, 1)
              for number in range(count)]
    plain = [Place(1, options.devices[0] + 1 + n) for n in range(options.plain)]
    for place in agents:
        start_agent(operation.programs, operation.world(), place)
    for place in plain:
        start_plain(operation.programs, operation.world(), place)
    return len(agents) + len(plain)


def _watch(operation: Operation, rollout: str, result: Path) -> bool:
    done = subprocess.run([operation.programs.sluice, "rollout", "watch", rollout, *operation.api,
                           "--json", result], check=False)
    return done.returncode == 0


def _all_upgraded(operation: Operation) -> bool:
    """By the devices' own last words, not the rollout's."""
    stale = [d for d in operation.devices() if d["software_version"] != NEW_VERSION]
    for device in stale:
        _say(f"{device['identity']} still runs {device['software_version']}")
    return not stale


def run_demo(options, folder: Path) -> bool:
    operation = Operation(folder, options.build, int(options.uplink * 1e6), int(options.lan * 1e6))
    _say(f"sites      {_describe(options)}")
    try:
        manifest = operation.pack(options.image)
        operation.start_acs()
        count = _start_devices(operation, options)
        operation.wait_for_informs(count)
        _say(f"devices    {count} have reported, all on version 1.0")
        published = operation.publish(manifest)
        _say(f"published  {published['name']}, {published['length']:,} bytes, signed")
        rollout = operation.start_rollout(published["id"], options.flow)
        result = folder / "result.json"
        is_done = _watch(operation, rollout, result)
        if options.json and result.exists():
            shutil.copy(result, options.json)
        return is_done and _all_upgraded(operation)
    finally:
        operation.programs.stop()


def main() -> int:
    options = read_options()
    folder = Path(tempfile.mkdtemp(prefix="sluice-demo-"))
    began = time.monotonic()
    is_good = False
    try:
        is_good = run_demo(options, folder)
    except FleetError as error:
        print(f"demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
    if options.keep or not is_good:
        _say(f"all files and logs: {folder}")
    else:
        shutil.rmtree(folder)
    _say(f"demo: {'every device runs the new version' if is_good else 'FAILED'}"
         f" after {time.monotonic() - began:.0f} s")
    return 0 if is_good else 1
