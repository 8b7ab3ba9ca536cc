#!/usr/bin/env python3
"""sluice-acs whose disk is full, or may only be read: it says which file and why, acknowledges nothing that
is not there, and goes on once it can. The disks are small file systems in memory, in a mount namespace
of the test's own."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from fleet.mounts import RDONLY, REMOUNT, mounted, own_mounts, unmounted

BUILD = Path(__file__).resolve().parents[3] / "build"
INFORM = """<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header>
<soap:Body><cwmp:Inform><DeviceId><Manufacturer>Acme</Manufacturer><OUI>00D09E</OUI><ProductClass>GW3
</ProductClass><SerialNumber>{serial}</SerialNumber></DeviceId><Event><EventStruct><EventCode>2 PERIODIC
</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes>
<CurrentTime>2026-01-01T00:00:00Z</CurrentTime><RetryCount>0</RetryCount><ParameterList>
<ParameterValueStruct><Name>InternetGatewayDevice.DeviceInfo.SoftwareVersion</Name><Value>1.0</Value>
</ParameterValueStruct></ParameterList></cwmp:Inform></soap:Body></soap:Envelope>"""


class DiskTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-disk-"))
        self.addCleanup(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        self.disk, self.images = self.folder / "disk", self.folder / "images"
        for each in (self.disk, self.images):
            each.mkdir()
            mounted(each, 0, "size=768k")
            self.addCleanup(unmounted, each)
        self.store = self.disk / "acs.sqlite"
        self.log = self.folder / "log"
        self.acs: subprocess.Popen | None = None
        self.addCleanup(self.stop)
        self.acknowledged: list[str] = []

    # --- the program ---------------------------------------------------------------------------

    def stop(self) -> None:
        if self.acs is not None and self.acs.poll() is None:
            self.acs.kill()
        if self.acs is not None:
            self.acs.wait()

    def start(self) -> bool:
        """Whether it came to serve."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with open(self.log, "wb") as log:
            self.acs = subprocess.Popen(
                [BUILD / "acs-plugin" / "sluice-acs", "--listen", "127.0.0.1:0",
                 "--origin-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0", "--store",
                 self.store, "--images", self.images, "--insecure-lab", "--ready-file", ready],
                stderr=log)
        deadline = time.monotonic() + 20
        while not ready.exists():
            if self.acs.poll() is not None:
                return False
            self.assertLess(time.monotonic(), deadline, "neither ready nor ended")
            time.sleep(0.02)
        self.ports = json.loads(ready.read_text(encoding="ascii"))
        return True

    def ended_because_of(self, what: Path, *words: str) -> None:
        self.assertEqual(self.acs.wait(10), 1)
        last = self.log.read_text(encoding="utf-8").strip().splitlines()[-1]
        self.assertIn(str(what), last)
        self.assertTrue(any(word in last for word in words), last)

    # --- who talks to it -----------------------------------------------------------------------

    def request(self, port: str, method: str, target: str, body: str = "") -> tuple[int, str]:
        """0: the connection was refused, or ended without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=10)
        kind = "text/xml" if port == "cwmp" else "application/json"
        try:
            connection.request(method, target, body or None, {"Content-Type": kind} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def inform(self, serial: int) -> int:
        return self.request("cwmp", "POST", "/", INFORM.format(serial=serial))[0]

    def write(self) -> int:
        """Something that is acknowledged once it is on the disk."""
        name = f"t{len(self.acknowledged)}"
        status, _ = self.request("api", "POST", "/api/v1/tokens",
                                 json.dumps({"name": name, "role": "viewer"}))
        if status == 201:
            self.acknowledged.append(name)
        return status

    def assert_all_is_there(self) -> None:
        names = [each["name"] for each in json.loads(self.request("api", "GET", "/api/v1/tokens")[1])
                 ["tokens"]]
        self.assertEqual([name for name in self.acknowledged if names.count(name) != 1], [])
        # One may be there whose answer was lost.
        self.assertLessEqual(len(names), len(self.acknowledged) + 1)

    # --- the disks -----------------------------------------------------------------------------

    def test_a_full_disk_loses_nothing_acknowledged_and_serves_again_with_room(self) -> None:
        self.assertTrue(self.start())
        self.assertEqual(self.inform(1), 200)
        device = 1
        while self.write() == 201:
            device += 1
            self.inform(device)
            self.assertLess(device, 5000, "the disk never gets full")
        self.assertGreater(len(self.acknowledged), 5)
        self.ended_because_of(self.store, "full", "I/O")
        self.assertEqual(self.inform(1), 0)
        if not self.start():  # still no room: what a supervisor sees, again and again
            self.ended_because_of(self.store, "full", "I/O")
        self.stop()
        mounted(self.disk, REMOUNT, "size=64m")
        self.assertTrue(self.start())
        self.assert_all_is_there()
        self.assertEqual(self.inform(1), 200)
        self.assertEqual(self.write(), 201)

    def test_a_disk_that_may_only_be_read_is_named_and_served_again_when_it_may_be_written(self) -> None:
        self.assertTrue(self.start())
        for _ in range(5):
            self.assertEqual(self.write(), 201)
        # As a disk with errors: open files are not asked, so the program is stopped first.
        self.stop()
        mounted(self.disk, REMOUNT | RDONLY, "size=768k")
        self.assertFalse(self.start())
        self.ended_because_of(self.store, "Read-only")
        mounted(self.disk, REMOUNT, "size=768k")
        self.assertTrue(self.start())
        self.assert_all_is_there()
        self.assertEqual(self.write(), 201)

    def test_a_backup_made_while_it_serves_can_take_the_stores_place(self) -> None:
        self.assertTrue(self.start())
        self.assertEqual(self.write(), 201)
        copy = self.folder / "copy.sqlite"
        backup = [BUILD / "acs-plugin" / "sluice-acs", "backup", "--store", self.store, "--to", copy]
        self.assertEqual(subprocess.run(backup, check=False).returncode, 0)
        again = subprocess.run(backup, capture_output=True, text=True, check=False)
        self.assertEqual((again.returncode, again.stderr),
                         (1, f"sluice-acs backup: {copy}: is there already\n"))
        self.stop()
        for each in self.disk.iterdir():
            each.unlink()
        shutil.copy(copy, self.store)
        self.assertTrue(self.start())
        self.assert_all_is_there()

    def test_a_full_disk_of_images_takes_none_and_stops_nothing_else(self) -> None:
        self.assertTrue(self.start())
        raw, out = self.folder / "raw", self.folder / "packed"
        raw.write_bytes(random.Random(1).randbytes(2_000_000))

        def sluice(*words) -> subprocess.CompletedProcess:
            return subprocess.run([BUILD / "acs-plugin" / "sluice", *words], capture_output=True,
                                  text=True, check=False)
        self.assertEqual(sluice("keygen", "--out", self.folder / "key").returncode, 0)
        packed = sluice("image", "pack", raw, "--name", "gw3", "--version", "2.0",
                        "--security-version", "1", "--manufacturer", "Acme", "--oui", "00D09E",
                        "--product-class", "GW3", "--hardware-version", "1", "--key",
                        self.folder / "key.pem", "--out", out)
        self.assertEqual(packed.returncode, 0, packed.stderr)
        publish = ("image", "publish", out / "gw3.manifest.json", "--api",
                   f"http://127.0.0.1:{self.ports['api']}")
        refused = sluice(*publish)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("No space left", refused.stderr)
        self.assertEqual(self.inform(1), 200)
        self.assertEqual(self.write(), 201)
        mounted(self.images, REMOUNT, "size=64m")
        taken = sluice(*publish)
        self.assertEqual(taken.returncode, 0, taken.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", type=Path, default=BUILD)
    parsed, rest = parser.parse_known_args()
    BUILD = parsed.build
    try:
        own_mounts()
    except OSError as why:
        print(f"skipped: no file systems of our own here: {why}")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest])
