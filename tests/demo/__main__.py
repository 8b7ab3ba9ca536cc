from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo.fleet import (HARDWARE, MANUFACTURER, NEW_VERSION, OUI, PRODUCT_CLASS, Place, start_agent,
                        start_plain)
from demo.options import read_options
from demo.programs import DemoError, Programs, wait_for


class Demo:
    def __init__(self, options, folder: Path):
        self.options = options
        self.folder = folder
        (folder / "logs").mkdir()
        self.programs = Programs(options.build, folder / "logs")
        self.places = [Place(site, number + 1) for site, count in enumerate(options.devices, 1)
                       for number in range(count)]
        self.plain = [Place(1, options.devices[0] + 1 + n) for n in range(options.plain)]

    def say(self, text: str) -> None:
        print(text, flush=True)

    # --- the operator's files ------------------------------------------------------------------

    def make_image(self) -> Path:
        key = self.folder / "vendor"
        self.trust = self.folder / "trust.json"
        self.password = self.folder / "password"
        self.password.write_text("a-secret-of-the-demo\n", encoding="utf-8")
        self.password.chmod(0o600)
        self.programs.command("keygen", "--out", key)
        self.programs.command("trust", "init", "--pin", f"{key}.pub.pem", "--key", f"{key}.pem",
                              "--threshold", 1, "--out", self.trust)
        out = self.folder / "image"
        self.programs.command(
            "image", "pack", self.options.image, "--name", "gw3-2.0", "--version", NEW_VERSION,
            "--security-version", 2, "--manufacturer", MANUFACTURER, "--oui", OUI,
            "--product-class", PRODUCT_CLASS, "--hardware-version", HARDWARE,
            "--vendor-verified", "--key", f"{key}.pem", "--out", out)
        return out / "gw3-2.0.bin"

    # --- the programs --------------------------------------------------------------------------

    def start_acs(self) -> None:
        policy = self.folder / "policy.json"
        policy.write_text(json.dumps(
            {"planning": {"rate_cap_bps": int(self.options.lan * 1e6)}}), encoding="utf-8")
        ready = self.folder / "acs.json"
        self.programs.start("sluice-acs", [
            self.programs.acs, "--listen", "127.0.0.1:0", "--origin-listen", "127.0.0.1:0",
            "--api-listen", "127.0.0.1:0", "--store", self.folder / "acs.sqlite",
            "--images", self.folder / "published", "--policy", policy,
            "--username", "cpe", "--password-file", self.password,
            "--connection-username", "acs", "--connection-password-file", self.password,
            "--site-rate", int(self.options.uplink * 1e6), "--lan-prefix", "127.0.0.0/8",
            "--insecure-lab", "--ready-file", ready])
        ports = wait_for("sluice-acs to listen", 10,
                         lambda: ready.exists() and json.loads(ready.read_text() or "null"),
                         self.programs)
        self.acs_url = f"http://127.0.0.1:{ports['cwmp']}/"
        self.api = ("--api", f"http://127.0.0.1:{ports['api']}")

    def start_devices(self) -> None:
        for place in self.places:
            start_agent(self.programs, self.folder, place, self.acs_url, self.trust, self.password,
                        int(self.options.uplink * 1e6), int(self.options.lan * 1e6))
        for place in self.plain:
            start_plain(self.programs, self.folder, place, self.acs_url, self.password)
        wanted = len(self.places) + len(self.plain)
        wait_for(f"Informs of {wanted} devices", 60,
                 lambda: len(self.devices()) == wanted, self.programs)

    def devices(self) -> list:
        return self.programs.json("device", "list", *self.api)["devices"]

    # --- the rollout ---------------------------------------------------------------------------

    def roll_out(self, image: Path) -> bool:
        published = self.programs.json("image", "publish", image, *self.api)
        self.say(f"published  {published['name']}, {published['length']:,} bytes")
        rollout = self.programs.json(
            "rollout", "start", "--image", published["id"], "--name", "demo",
            "--flow", self.options.flow, *self.api)["id"]
        result = self.folder / "result.json"
        watch = subprocess.run([self.programs.sluice, "rollout", "watch", rollout, *self.api,
                                "--json", result], check=False)
        if self.options.json and result.exists():
            shutil.copy(result, self.options.json)
        return watch.returncode == 0

    def is_upgraded(self) -> bool:
        """Asks the devices' own last words, not the rollout's."""
        stale = [d for d in self.devices() if d["software_version"] != NEW_VERSION]
        for device in stale:
            self.say(f"{device['identity']} still runs {device['software_version']}")
        return not stale

    def run(self) -> bool:
        sizes = " and ".join(map(str, self.options.devices))
        self.say(f"sites      {self.options.sites} with {sizes} agents"
                 + (f", {len(self.plain)} CPE without an agent" if self.plain else "")
                 + f"; {self.options.uplink:g} Mbit/s into each site")
        try:
            image = self.make_image()
            self.start_acs()
            self.start_devices()
            self.say(f"devices    {len(self.devices())} have reported, all on version 1.0")
            return self.roll_out(image) and self.is_upgraded()
        finally:
            self.programs.stop()


def main() -> int:
    options = read_options()
    folder = Path(tempfile.mkdtemp(prefix="sluice-demo-"))
    began = time.monotonic()
    is_good = False
    try:
        is_good = Demo(options, folder).run()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
    if options.keep or not is_good:
        print(f"all files and logs: {folder}")
    else:
        shutil.rmtree(folder)
    print(f"demo: {'every device runs the new version' if is_good else 'FAILED'}"
          f" after {time.monotonic() - began:.0f} s")
    return 0 if is_good else 1
