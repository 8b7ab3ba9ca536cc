#!/usr/bin/env python3
"""sluice-split between real processes: CPEs, an ITMS and two collectors, each host in a network
namespace of its own. Skipped with a printed reason where namespaces or nftables are not permitted.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent)

from sessions.namespaces import COLLECTORS, SPLITTER, NotPermitted, cpe_address
from sessions.splitter import LINGER, Lab

SKIPPED = 77
PROGRAM = Path(sys.argv.pop(1) if len(sys.argv) > 1 else "sluice-split").resolve()
FOREIGN = "table ip someone {\nchain c {\ntype filter hook input priority 0\naccept\n}\n}"

ITMS = ["itms"] * 4
COLLECTOR = ["collector"] * 4


class WithLab(unittest.TestCase):
    lab: Lab
    configuration: dict[str, str] = {}

    @classmethod
    def setUpClass(cls) -> None:
        cls._folder = tempfile.TemporaryDirectory()
        os.chmod(cls._folder.name, 0o755)
        cls.lab = Lab(PROGRAM, Path(cls._folder.name))
        cls.lab.configure(**cls.configuration)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.lab.close()
        cls._folder.cleanup()

    def setUp(self) -> None:
        for host in self.lab.hosts:
            host.heard()

    def assert_woken(self, cpe: int, **how) -> None:
        """Called, the CPE's whole session reaches the collector, the one after `linger` the ITMS."""
        how.setdefault("family", 4)
        answers = self.lab.call(cpe, **how)["answers"]
        self.assertEqual(answers, [200] if how.get("once") else [401, 200])
        session = self.lab.cpes[cpe].expect("session")
        self.assertEqual(session["answers"], COLLECTOR, session)
        time.sleep(LINGER + 0.3)
        after = self.lab.session(cpe, how["family"])
        self.assertEqual(after["answers"], ITMS, after)


class Sessions(WithLab):
    def setUp(self) -> None:
        if not self.lab.running:
            self.lab.start()
        self.lab.split("flush")
        super().setUp()

    def test_a_woken_cpe_reports_to_the_collector_and_after_linger_to_the_itms(self):
        for family in (4, 6):
            with self.subTest(family=family):
                self.lab.collector.heard()
                self.assert_woken(0, family=family)
                self.assertEqual({report["cpe"] for report in self.lab.collector.heard()},
                                 {cpe_address(0, family)})
                self.assertIn(cpe_address(0, family),
                              {report["cpe"] for report in self.lab.itms.heard()})

    def test_the_collectors_call_comes_from_the_splitters_own_address(self):
        for family in (4, 6):
            self.lab.call(1, family=family, once=True)
            self.assertEqual(self.lab.cpes[1].expect("called_by")["called_by"], SPLITTER[family])

    def test_others_never_reach_the_collector(self):
        self.lab.call(0, wait=0.5)
        for cpe in (1, 2):
            self.assertEqual(self.lab.session(cpe)["answers"], ITMS)
            self.assertEqual(self.lab.session(cpe, 6)["answers"], ITMS)
        self.assertEqual(self.lab.cpes[0].expect("session")["answers"], COLLECTOR)
        self.assertEqual({report["cpe"] for report in self.lab.collector.heard()},
                         {cpe_address(0, 4)})

    def test_a_call_on_one_connection_and_one_on_two(self):
        self.assert_woken(0, once=True)
        self.assert_woken(1, once=False)

    def test_an_inform_before_the_collectors_fin(self):
        self.assert_woken(0, hold=0.7)

    def test_a_connection_for_each_request(self):
        self.assert_woken(2, style="each")

    def test_tls_passes_untouched(self):
        self.lab.call(0, style="tls")
        session = self.lab.cpes[0].expect("session")
        self.assertEqual(session["answers"], COLLECTOR)
        self.assertIn(session["certificate"].split("-----BEGIN CERT")[1].strip(),
                      self.lab.certificates["collector"])
        time.sleep(LINGER + 0.3)
        self.assertIn(self.lab.session(0, style="tls")["certificate"]
                      .split("-----BEGIN CERT")[1].strip(), self.lab.certificates["itms"])

    def test_each_collector_gets_the_cpes_that_it_woke(self):
        self.lab.call(0, collector=0)
        self.lab.call(1, collector=1)
        for cpe in (0, 1):
            self.assertEqual(self.lab.cpes[cpe].expect("session")["answers"], COLLECTOR)
        self.assertEqual({(report["cpe"], report["at"]) for report in self.lab.collector.heard()},
                         {(cpe_address(i, 4), COLLECTORS[4][i]) for i in (0, 1)})

    def test_the_itms_calls_as_itself_and_wakes_for_itself(self):
        done = self.lab.network.itms.run(
            sys.executable, "-c", "import http.client, sys\n"
            "link = http.client.HTTPConnection(sys.argv[1], 7547, timeout=5)\n"
            "link.request('GET', '/open'); print(link.getresponse().status)", cpe_address(0, 4))
        self.assertEqual(done.stdout.strip(), "200", done.stderr)
        self.assertEqual(self.lab.cpes[0].expect("called_by")["called_by"], "10.2.0.10")
        self.assertEqual(self.lab.cpes[0].expect("session")["answers"], ITMS)

    def test_status_tells_who_is_activated_and_flush_forgets_it(self):
        self.lab.call(0, wait=0.01)
        self.lab.cpes[0].expect("session")
        records = self.lab.status()["activated"]
        self.assertEqual([(r["cpe"], r["collector"]) for r in records],
                         [(cpe_address(0, 4), COLLECTORS[4][0])])
        self.assertGreater(self.lab.status()["counters"]["turned"], 0)
        self.assertEqual(self.lab.split("flush").returncode, 0)
        self.assertEqual(self.lab.status()["activated"], [])
        self.assertEqual(self.lab.session(0)["answers"], ITMS)


class InPatentMode(WithLab):
    configuration = {"mode": "patent"}

    def setUp(self) -> None:
        if not self.lab.running:
            self.lab.start()
        self.lab.split("flush")
        super().setUp()

    def test_a_cpe_is_activated_when_the_collector_has_closed(self):
        self.assert_woken(0)
        self.assert_woken(1, style="each")

    def test_an_inform_before_the_collectors_fin_goes_to_the_itms(self):
        self.lab.call(0, hold=0.7, once=True)
        self.assertEqual(self.lab.cpes[0].expect("session")["answers"], ITMS)
        self.assertEqual(self.lab.session(0)["answers"], COLLECTOR)  # a session too late

    def test_the_fin_of_a_challenge_is_a_fin(self):
        self.lab.call(0, hold=0.7)
        self.assertEqual(self.lab.cpes[0].expect("session")["answers"], COLLECTOR)


class Staying(WithLab):
    """What lives on when the program, its rules or its configuration come and go."""

    configuration = {"activation_ttl": "30s"}

    def setUp(self) -> None:
        self.lab.kill()
        self.lab.split("uninstall")
        self.lab.configure(**self.configuration)
        self.lab.start()
        super().setUp()
        self.lab.call(0, wait=0.05)
        self.assertEqual(self.lab.cpes[0].expect("session")["answers"], COLLECTOR)
        self.lab.call(0, wait=60)  # activated again, and silent
        self.lab.cpes[0].tell(f"begin {cpe_address(0, 4)}")
        self.assertEqual(self.lab.cpes[0].expect("long")["answer"], "collector")

    def assert_all_lives_on(self, is_restored: bool = True) -> None:
        self.lab.cpes[0].tell("go-on")
        self.assertEqual(self.lab.cpes[0].expect("long")["answer"], "collector")
        self.assertEqual(self.lab.session(0)["answers"], COLLECTOR if is_restored else ITMS)
        self.assertEqual(self.lab.session(1)["answers"], ITMS)

    def test_a_crash_leaves_the_rules_at_work_and_a_restart_takes_them_over(self):
        self.lab.kill()
        self.assert_all_lives_on()
        before = self.lab.rules()
        self.lab.start()
        # The rules were in place all the time: only the log says that it has looked.
        self.lab.wait_until_said("in place already")
        self.assertEqual(before.count("chain"), self.lab.rules().count("chain"))

    def test_sessions_and_tables_survive_a_restart(self):
        self.lab.kill()
        self.lab.start()
        self.assert_all_lives_on()

    def test_sessions_and_tables_survive_a_reload(self):
        self.lab.configure(**self.configuration, half_open_timeout="29s")
        self.lab.running.send_signal(1)
        self.lab.wait_until_in_place()
        self.assertIn("timeout 29s", self.lab.rules())
        self.assert_all_lives_on()

    def test_a_wrong_configuration_is_not_loaded(self):
        self.lab.configure(**self.configuration, linger="soon")
        self.lab.running.send_signal(1)
        deadline = time.monotonic() + 5
        while "the old one stays" not in self.lab.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIn("linger: 'soon' is not a time", self.lab.log.read_text())
        self.lab.configure(**self.configuration)
        self.assert_all_lives_on()

    def test_sessions_survive_a_foreign_flush_and_the_rules_come_back(self):
        self.lab.network.router.must("nft", "flush", "ruleset")
        self.lab.wait_until_in_place()
        self.assertIn("someone removed the rules: put back", self.lab.log.read_text())
        self.assert_all_lives_on(is_restored=False)

    def test_a_foreign_change_of_the_rules_is_undone(self):
        self.lab.network.router.must("nft", "flush", "chain", "inet", "sluice_split", "turn")
        self.lab.wait_until_in_place()
        self.assert_all_lives_on()

    def test_stopping_leaves_the_rules_and_uninstalling_leaves_nothing(self):
        self.lab.network.router.must("nft", FOREIGN)
        self.assertEqual(self.lab.split("uninstall").returncode, 1)  # run would put them back
        self.assertEqual(self.lab.stop(), 0)
        self.assert_all_lives_on()
        self.assertEqual(self.lab.split("uninstall").returncode, 0)
        self.assertNotIn("sluice", self.lab.rules())
        self.assertIn("table ip someone", self.lab.rules())
        self.lab.network.router.must("nft", "delete table ip someone")
        self.assertEqual(self.lab.rules(), "")
        self.assertEqual(self.lab.session(1)["answers"], ITMS)
        self.assertEqual(self.lab.split("uninstall").returncode, 0)

    def test_metrics_are_written_for_prometheus(self):
        path = Path(self._folder.name) / "split.prom"
        self.lab.configure(**self.configuration, metrics_file=str(path), metrics_interval="100ms")
        self.lab.running.send_signal(1)
        deadline = time.monotonic() + 5
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        text = path.read_text()
        self.assertIn("sluice_split_installed 1\n", text)
        self.assertIn('sluice_split_records{table="activated"} 1\n', text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) sluice_split_\w+ .+|'
                                   r'sluice_split_\w+(\{\w+="\w+"\})? \d+)$')


def _without_root() -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def _without_nftables() -> None:
    """Makes sockets to netfilter fail as on a kernel without it (seccomp; x86-64 and arm64)."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 41, "aarch64": 198}[os.uname().machine]

    def step(code, jt, jf, k):
        return struct.pack("HBBI", code, jt, jf, k)

    program = b"".join([
        step(0x20, 0, 0, 0), step(0x15, 0, 3, number),           # socket(2)?
        step(0x20, 0, 0, 16 + 16), step(0x15, 0, 1, 12),         # its protocol NETLINK_NETFILTER?
        step(0x06, 0, 0, 0x00050000 | 93),                       # EPROTONOSUPPORT
        step(0x06, 0, 0, 0x7FFF0000)])
    buffer = ctypes.create_string_buffer(program)
    head = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.c_char_p(head), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


class Refusals(WithLab):
    def assert_refused(self, code: int, words: str, *, before=None, **changes: str) -> None:
        self.lab.configure(**changes)
        for command in ("run", "check"):
            done = self.lab.split(command, before=before)
            with self.subTest(command=command):
                self.assertEqual(done.returncode, code, done.stderr)
                lines = [line for line in done.stderr.splitlines() if not line.startswith("Try")]
                self.assertIn(words, lines[-1])
                self.assertEqual(len(lines), 1, done.stderr)
        self.assertEqual(self.lab.rules(), "")
        self.assertEqual(self.lab.session(0)["answers"], ITMS)

    def test_bad_configurations_are_refused_before_anything_is_installed(self):
        self.assert_refused(2, "collectors: 10.2.0.10 stands under itms too",
                            collectors="10.2.0.10")
        self.assert_refused(2, "cpe-networks: 10.2.0.10, a server, is inside",
                            cpe_networks="10.0.0.0/8")
        self.assert_refused(1, "itms-interface: there is no interface 'eth9'",
                            itms_interface="eth9")
        self.assert_refused(2, "activated-max: '0' is not a number", activated_max="0")
        self.assert_refused(2, "unknown key 'lingerr' (did you mean 'linger'?)", lingerr="1s")

    def test_without_privileges_it_says_so_in_one_line(self):
        self.assert_refused(1, "no permission to use nftables: run as root, or with CAP_NET_ADMIN",
                            before=_without_root)

    def test_without_nftables_it_says_so_in_one_line(self):
        self.assert_refused(1, "this kernel has no nftables", before=_without_nftables)

    def test_check_prints_rules_that_nft_takes_and_changes_nothing(self):
        self.lab.configure()
        done = self.lab.split("check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.lab.rules(), "")
        self.lab.network.router.must("nft", "-c", "-f", "-", given=done.stdout)

    def test_wrong_use_is_exit_2_and_help_is_not(self):
        for argv, code in (([], 2), (["walk"], 2), (["run", "--lingr", "1s"], 2),
                           (["--help"], 0), (["--version"], 0)):
            done = self.lab.network.router.run(PROGRAM, *argv)
            self.assertEqual(done.returncode, code, argv)
        self.assertEqual(self.lab.split("status").returncode, 1)


def each_in_a_lab_of_its_own() -> bool:
    """All classes side by side: nearly all that they do is wait for timers of the kernel."""
    running = [subprocess.Popen([sys.executable, __file__, PROGRAM, each.__name__], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for each in (Sessions, InPatentMode, Staying, Refusals)]
    for process in running:
        print(process.communicate()[0], flush=True)
    return all(process.returncode == 0 for process in running)


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as folder:
            lab = Lab(PROGRAM, Path(folder))
            try:
                lab.rules()
            finally:
                lab.close()
    except (NotPermitted, RuntimeError, PermissionError) as error:
        print(f"skipped: {error}")
        return SKIPPED
    if len(sys.argv) == 1:
        return 0 if each_in_a_lab_of_its_own() else 1
    return 0 if unittest.main(exit=False, verbosity=2).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
