"""Power cuts of the device and kills of the manager at random moments of real upgrades: a device
always runs a whole image, and ends with the configuration it had. `--runs N` (3), `--seed S`."""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bench  # noqa: E402


def one(program, seed):
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="sluice-iad-") as home:
        os.chmod(home, 0o755)
        folder = pathlib.Path(home)
        heard = bench.free_port()
        is_bad = draw.random() < 0.25
        text = "2.0\n" + ("unwell\n" if is_bad else "") + ("forgets\n" if draw.random() < 0.5 else "")
        server = (bench.Ftp if draw.random() < 0.5 else bench.Tftp)(folder)
        device = bench.Device(folder, program, trap_port=heard, falls_back=draw.random() < 0.5)
        manager = bench.Manager(folder, program, device, server, listen=heard, policy={
            "tries": 2, "steps": {"verify": {"limit_s": 8, "pause_s": 0, "attempts": 2}}})
        # Later starts put no other image there: what is upgraded to stays the same.
        manager.image(text, draw.choice([100_000, 3_000_000])).start()
        try:
            kills = []
            for _ in range(draw.randrange(1, 5)):
                time.sleep(draw.uniform(0.05, 2.5))
                kills.append(draw.choice(["device", "manager"]))
                if kills[-1] == "device":
                    device.power_cut()
                elif manager.process.is_.poll() is None:
                    manager.kill()
                    manager.start()
            status = manager.wait(150)
            version, configuration = device.version(), device.configuration.read_text()
            whole = (version, configuration) in (("2.0", "users=7\nport=5060\n"), ("1.0", "users=7\nport=5060\n"))
            as_told = (version == "2.0") == (status == 0)
            if not whole or not as_told or (is_bad and version == "2.0"):
                print(manager.said())
                return f"seed {seed}: after {kills}: exit {status}, version {version}, {configuration!r}"
        finally:
            manager.kill()
            device.stop()
            server.stop()
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if bench.missing():
        print("skipped: needs " + ", ".join(bench.missing()))
        return 77
    wrong = [w for w in (one(arguments.program, s)
                         for s in range(arguments.seed, arguments.seed + arguments.runs)) if w]
    print("\n".join(wrong) or f"{arguments.runs} runs: every device whole, every configuration kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
