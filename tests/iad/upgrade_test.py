"""Safe upgrades over SNMP, end to end: backup, upgrade, reset, restore, or back where it was."""

import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bench  # noqa: E402

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "sluice-iad"


class Case(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory(prefix="sluice-iad-")
        os.chmod(self.home.name, 0o755)
        self.folder = pathlib.Path(self.home.name)
        self.addCleanup(self.home.cleanup)

    def ftp(self):
        return self.stopped_at_the_end(bench.Ftp(self.folder))

    def tftp(self):
        return self.stopped_at_the_end(bench.Tftp(self.folder))

    def device(self, **how):
        return self.stopped_at_the_end(bench.Device(self.folder, PROGRAM, **how))

    def manager(self, device, server, **how):
        return bench.Manager(self.folder, PROGRAM, device, server, **how)

    def stopped_at_the_end(self, what):
        self.addCleanup(what.stop)
        return what


class Words(unittest.TestCase):
    def said(self, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_of_help_are_there_for_each_command(self):
        for command in ("device", "upgrade", "answer", "convert"):
            status, said = self.said(command, "--help")
            self.assertEqual(status, 0, said)
            self.assertIn("usage: sluice-iad " + command, said)

    def test_of_wrong_use_name_what_is_missing_or_unknown(self):
        for words, named in ((["device"], "--state"), (["upgrade"], "--version"), (["answer"], "accept"),
                             (["convert"], "--conversions"), (["upgrade", "--devise", "x"], "'--device'"), (["x"], "")):
            status, said = self.said(*words)
            self.assertEqual(status, 2, said)
            self.assertIn(named, said)


class Upgrades(Case):
    def test_over_snmpv3_and_tftp_with_informs_backs_up_upgrades_resets_and_restores(self):
        heard = bench.free_port()
        device, tftp = self.device(trap_port=heard), self.tftp()
        manager = self.manager(device, tftp, listen=heard).image("2.0\nforgets\n", 3_000_000)
        self.assertEqual(manager.run(), 0, manager.said())
        self.assertEqual(device.version(), "2.0")
        self.assertEqual(device.configuration.read_text(), "users=7\nport=5060\n")
        for words in ("backing up", "transferring the image", "resetting", "restoring", "done"):
            self.assertIn(words, manager.said())
        self.assertNotIn("taken=0", manager.said())

    def test_over_v2c_and_ftp_works_by_asking_alone(self):
        device, ftp = self.device(v2c=True), self.ftp()
        manager = self.manager(device, ftp, v2c=True).image()
        self.assertEqual(manager.run(), 0, manager.said())
        self.assertEqual(device.version(), "2.0")


class Conversions(Case):
    def conversions(self, one):
        file = self.folder / "conversions.json"
        file.write_text(json.dumps([{"from": "1.*", "to": "2.*", **one}]))
        return ["--conversions", file]

    def upgraded(self, one, policy=None):
        device, ftp = self.device(), self.ftp()
        manager = self.manager(device, ftp, more=self.conversions(one), policy=policy).image()
        return device, manager, manager.run()

    def test_by_rules_restore_what_the_new_version_reads(self):
        rules = {"rules": {"rename": {"port": "sip-port"}, "default": {"codec": "g711"}}}
        device, manager, status = self.upgraded(rules)
        self.assertEqual(status, 0, manager.said())
        self.assertEqual(device.configuration.read_text(), "users=7\nsip-port=5060\ncodec=g711\n")

    def test_by_a_program_here_restore_what_it_prints(self):
        device, manager, status = self.upgraded({"program": "tr a-z A-Z"})
        self.assertEqual(status, 0, manager.said())
        self.assertEqual(device.configuration.read_text(), "USERS=7\nPORT=5060\n")

    def test_by_a_program_on_the_device_restore_what_it_wrote(self):
        device, ftp = self.device(), self.ftp()
        program = device.flash / "converters/to-2"
        program.write_text("#!/bin/sh\nsed s/port/sip-port/\n")
        program.chmod(0o755)
        manager = self.manager(device, ftp, more=self.conversions({"device_program": "to-2"})).image()
        self.assertEqual(manager.run(), 0, manager.said())
        self.assertEqual(device.configuration.read_text(), "users=7\nsip-port=5060\n")

    def test_that_crash_put_everything_back(self):
        device, manager, status = self.upgraded({"program": "echo half; kill -SEGV $$"}, {"tries": 1})
        self.assertEqual(status, 1)
        self.assertIn("rolled back", manager.said())
        self.assertIn("ended with 139", manager.said())
        self.assertEqual(device.version(), "1.0")
        self.assertEqual(device.configuration.read_text(), "users=7\nport=5060\n")


class Failures(Case):
    def was_not_touched(self, device, manager, status):
        self.assertEqual(status, 1, manager.said())
        self.assertIn("unchanged", manager.said())
        self.assertEqual(device.version(), "1.0")
        self.assertEqual(device.starts, 1)

    def is_back(self, device, manager, status):
        self.assertEqual(status, 1, manager.said())
        self.assertIn("rolled back", manager.said())
        self.assertEqual(device.version(), "1.0")
        self.assertEqual(device.configuration.read_text(), "users=7\nport=5060\n")

    def test_an_image_that_is_not_well_is_rolled_back_with_the_configuration(self):
        device, ftp = self.device(), self.ftp()
        manager = self.manager(device, ftp, policy={"tries": 1, "steps": {
            "verify": {"limit_s": 2, "pause_s": 0, "attempts": 1}}}).image("2.0\nunwell\nforgets\n")
        self.is_back(device, manager, manager.run())

    def test_a_device_that_goes_back_by_itself_is_believed_after_a_while(self):
        device, ftp = self.device(falls_back=True), self.ftp()
        manager = self.manager(device, ftp, policy={"tries": 1}).image("2.0\nunwell\n")
        self.is_back(device, manager, manager.run())
        self.assertIn("went back to the image it had", manager.said())

    def test_a_file_that_is_not_the_one_announced_is_never_installed(self):
        device, ftp = self.device(), self.ftp()
        (device.flash / "slow").touch()
        manager = self.manager(device, ftp).image().start()
        manager.waits_for("backing up")
        (ftp.files / "image-2.0").unlink()
        (ftp.files / "image-2.0").write_bytes(b"2.0\n" + bytes(300_000))
        self.was_not_touched(device, manager, manager.wait())
        self.assertIn("is not the file that was announced", manager.said())

    def test_a_backup_that_cannot_be_read_back_is_none(self):
        device, ftp, tftp = self.device(), self.ftp(), self.tftp()
        manager = self.manager(device, ftp, more=["--our-file-server", tftp.url()]).image()
        status = manager.run()
        self.was_not_touched(device, manager, status)
        self.assertIn("not what was sent", manager.said())

    def test_a_file_server_that_dies_is_waited_for(self):
        device, ftp = self.device(), self.ftp()
        manager = self.manager(device, ftp, policy={"steps": {
            "transfer": {"limit_s": 30, "pause_s": 1, "attempts": 20}}}).image(size=30_000_000).start()
        manager.waits_for("transferring")
        ftp.stop()
        manager.waits_for("attempt 2, after a pause")
        ftp.start()
        self.assertEqual(manager.wait(), 0, manager.said())
        self.assertEqual(device.version(), "2.0")

    def test_a_restore_that_is_refused_is_corrected_by_the_operator(self):
        device, ftp = self.device(), self.ftp()
        (device.flash / "refuses-restore").touch()
        manager = self.manager(device, ftp, policy={"steps": {
            "restore": {"limit_s": 20, "pause_s": 0, "attempts": 1, "asks": True}}}).image().start()
        manager.waits_for("asks you")
        self.assertIn("no such line", manager.said())
        (device.flash / "refuses-restore").unlink()
        manager.answer("correct", "--image-file", ftp.files / "image-2.0", "--version", "3.0")
        manager.waits_for("another image is of no use while restoring its configuration")
        edited = self.folder / "edited"
        edited.write_text("users=7\nedited=yes\n")
        manager.answer("correct", "--configuration", edited)
        self.assertEqual(manager.wait(), 0, manager.said())
        self.assertEqual(device.configuration.read_text(), "users=7\nedited=yes\n")

    def test_an_image_that_never_runs_is_corrected_by_the_operator(self):
        device, ftp = self.device(), self.ftp()
        manager = self.manager(device, ftp, policy={"tries": 1, "steps": {
            "verify": {"limit_s": 2, "pause_s": 0, "attempts": 1, "asks": True}}}).image("2.0\nunwell\n").start()
        manager.waits_for("asks you")
        edited = self.folder / "edited"
        edited.write_text("users=7\nedited=yes\n")
        manager.answer("correct", "--configuration", edited)
        manager.waits_for("a configuration is of no use while waiting for the new version")
        other = self.folder / "image-3.0"
        other.write_text("3.0\n")
        manager.answer("correct", "--image-file", other, "--version", "3.0")
        self.assertEqual(manager.wait(), 0, manager.said())
        self.assertEqual(device.version(), "3.0")
        self.assertEqual(device.configuration.read_text(), "users=7\nport=5060\n")

    def test_an_operator_who_declines_has_the_device_as_it_was(self):
        device, ftp = self.device(), self.ftp()
        (device.flash / "refuses-restore").touch()
        manager = self.manager(device, ftp, policy={"steps": {
            "restore": {"limit_s": 20, "pause_s": 0, "attempts": 1, "asks": True}}}).image().start()
        manager.waits_for("asks you")
        (device.flash / "refuses-restore").unlink()
        manager.answer("decline")
        self.is_back(device, manager, manager.wait())


class Notifications(Case):
    def snmptrap(self, port, *how):
        subprocess.run(["snmptrap", *how, f"127.0.0.1:{port}", "", self.ENDED,
                        *itertools.chain(*self.VALUES)], env={**os.environ, "MIBS": ""},
                       stderr=subprocess.DEVNULL, check=False, timeout=20)

    ROOT = ".1.3.6.1.4.1.8072.9999.9999.7547"
    ENDED = ROOT + ".0.2"
    # "Order 1 is done": if this were believed, steps would be passed over.
    VALUES = [(ROOT + ".1.4.1.0", "u", "1"), (ROOT + ".1.4.2.0", "i", "2"), (ROOT + ".1.4.3.0", "i", "2")]

    def test_of_strangers_are_ignored_and_counted(self):
        heard = bench.free_port()
        device, ftp = self.device(trap_port=heard), self.ftp()
        manager = self.manager(device, ftp, listen=heard, policy={"steps": {
            "transfer": {"limit_s": 30, "pause_s": 2, "attempts": 5}}}).image(size=20_000_000).start()
        manager.waits_for("transferring")
        self.snmptrap(heard, "-v2c", "-c", "wrong")
        self.snmptrap(heard, "-v3", "-e", "0x8000000001020304", "-u", "iad", "-l", "authPriv", "-a", "SHA-256",
                      "-A", bench.AUTH, "-x", "AES", "-X", bench.PRIV)
        self.snmptrap(heard, "-v3", "-e", "0x8000000001020304", "-u", "nobody", "-l", "noAuthNoPriv")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for datagram in (b"", b"\x30", b"\x30\x82\xff\xff" + bytes(60_000), os.urandom(1000)):
                s.sendto(datagram, ("127.0.0.1", heard))
        self.assertEqual(manager.wait(), 0, manager.said())
        line = [l for l in manager.said().splitlines() if "notifications" in l][-1]
        counts = dict(word.split("=") for word in line.split() if "=" in word)
        self.assertGreater(int(counts["taken"]), 0)
        self.assertGreaterEqual(int(counts["not_authentic"]) + int(counts["malformed"]), 6, line)


if __name__ == "__main__":
    bench.main(__name__)
