#!/usr/bin/env python3
"""The lab's own rules, without namespaces: what counts, what is void, what a liar says."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from lab.bars import Bar, Outcome, collect, judge
from lab.faults import HEADS_OF_A_LIFE, Kill, new_source_waits, open_sources, received_again
from lab.liar import have_answer, with_lies
from lab.peers.torrent_v1 import bencode
from lab.peers.tracker import answer
from lab.report import Report
from lab.site import Run, _reconcile

_FAST = Bar("last device", "ratio", 1.08, by="median")


def a_run(ratio: float = 1.0, idle: float = 1.0, **more) -> Run:
    return Run(last_device_s=ratio, ratio=ratio, origin_images=1.0, most_received_images=1.0,
               idle=idle, **more)


def judged(runs: list[Run], *bars: Bar) -> Outcome:
    outcome = Outcome("s", "t", 1.0, runs=runs, wanted_runs=len(runs))
    judge(outcome, bars)
    return outcome


class Judging(unittest.TestCase):
    def test_holds_the_median_or_the_worst_against_the_bar(self):
        ratios = [1.0, 1.05, 1.5]
        self.assertEqual(judged([a_run(r) for r in ratios], _FAST).verdict, "pass")
        worst = Bar("last device", "ratio", 1.08, by="worst")
        self.assertEqual(judged([a_run(r) for r in ratios], worst).verdict, "missed")

    def test_a_run_that_left_a_host_behind_is_never_a_pass(self):
        self.assertEqual(judged([a_run()], _FAST).verdict, "pass")
        self.assertEqual(judged([a_run(unfinished=[3])], _FAST).verdict, "missed")
        self.assertEqual(judged([a_run(problems=["wrong bytes"])], _FAST).verdict, "missed")

    def test_a_figure_that_a_run_did_not_give_is_never_a_pass(self):
        bar = Bar("new source", "new_source_s", 2.0)
        self.assertEqual(judged([a_run(extra={"new_source_s": 1.0})], bar).verdict, "pass")
        self.assertEqual(judged([a_run()], bar).verdict, "missed")


class Collecting(unittest.TestCase):
    def collect(self, runs: list[Run], wanted: int) -> Outcome:
        outcome, left = Outcome("s", "t", 1.0), iter(runs)
        # No idle share is below 0 but what a test says: the machine is not waited for.
        collect(outcome, wanted, -0.5, lambda: next(left), tell=lambda line: None)
        return outcome

    def test_repeats_a_run_on_a_busy_machine(self):
        outcome = self.collect([a_run(idle=-1), a_run(1.01), a_run(1.02)], wanted=2)
        self.assertEqual([run.ratio for run in outcome.runs], [1.01, 1.02])
        self.assertEqual(len(outcome.void_runs), 1)

    def test_says_void_when_the_machine_stays_busy(self):
        outcome = self.collect([a_run(idle=-1)] * 7, wanted=2)
        judge(outcome, (_FAST,))
        self.assertEqual(outcome.verdict, "void")

    def test_counts_a_failed_run_however_busy_the_machine_was(self):
        outcome = self.collect([a_run(idle=-1, unfinished=[1])], wanted=1)
        judge(outcome, (_FAST,))
        self.assertEqual(outcome.verdict, "missed")


class Counting(unittest.TestCase):
    def test_two_counts_of_the_same_bytes_may_differ_by_two_percent_and_heads(self):
        run = a_run(0.0)
        _reconcile(run, "access log", 32 << 20, (32 << 20) + 600_000, neighbours=10)
        self.assertEqual(run.problems, [])
        _reconcile(run, "access log", 32 << 20, (32 << 20) + 800_000, neighbours=10)
        self.assertEqual(len(run.problems), 1)


class Reading(unittest.TestCase):
    def test_a_report_survives_a_killed_writer(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.jsonl"
            report = Report(path)
            report.update()
            path.write_text('{"t":1.0,"event":"piece","piece":0}\n{"t":1.5,"event":"pie')
            report.update()
            self.assertEqual(report.pieces, 1)
            with open(path, "a", encoding="utf-8") as file:
                file.write('{"t":2.0,"event":"piece","piece":1}\n')
            report.update()
            self.assertEqual([event["piece"] for event in report.of("piece")], [0, 1])

    def test_the_wait_for_a_new_source_runs_from_the_loss_to_the_next_request(self):
        left = {"t": 11.5, "event": "left", "source": 0, "why": "silent"}
        same = {"t": 11.6, "event": "request", "source": 0}
        other = {"t": 11.7, "event": "request", "source": 1}
        self.assertAlmostEqual(new_source_waits([left, same, other], lost_at=10.0)[0], 1.7)
        self.assertEqual(new_source_waits([left, same], lost_at=10.0), [float("inf")])
        self.assertEqual(new_source_waits([left, other], lost_at=12.0), [])


def life(at: float, resumed: int) -> dict:
    return {"t": at, "event": "started", "resumed_pieces": resumed}


def asking(at: float, found: int = 0) -> dict:
    return {"t": at, "event": "request", "id": 1, "source": 0, "first": 9, "count": 1,
            "found": found}


class Killing(unittest.TestCase):
    def test_what_a_life_received_and_the_next_did_not_find_was_received_again(self):
        events = [life(1.0, resumed=0), asking(1.1),
                  life(3.0, resumed=3), asking(3.1),
                  life(5.0, resumed=4), asking(5.1)]
        kills = [Kill(2.0, 3500 + HEADS_OF_A_LIFE), Kill(4.0, 4500 + 2 * HEADS_OF_A_LIFE)]
        self.assertEqual(received_again(events, kills, 1000), [0.5, 0.0])

    def test_what_the_next_life_found_of_a_piece_was_not_received_again(self):
        events = [life(1.0, resumed=0), asking(1.1), life(3.0, resumed=3), asking(3.1, found=400)]
        kills = [Kill(2.0, 3500 + HEADS_OF_A_LIFE)]
        self.assertAlmostEqual(received_again(events, kills, 1000)[0], 0.1)

    def test_a_life_that_never_asked_lost_nothing_of_what_the_one_after_it_found(self):
        events = [life(1.0, resumed=0), asking(1.1), life(3.0, resumed=2),
                  life(5.0, resumed=3), asking(5.1, found=400)]
        kills = [Kill(2.0, 3500 + HEADS_OF_A_LIFE), Kill(4.0, 3500 + HEADS_OF_A_LIFE)]
        first, second = received_again(events, kills, 1000)
        self.assertAlmostEqual(first, 0.1)
        self.assertEqual(second, 0.0)

    def test_a_life_that_ended_before_it_began_kept_nothing_and_lost_nothing(self):
        events = [life(5.0, resumed=2), {"t": 5.1, "event": "finished"}]
        kills = [Kill(2.0, 2000 + HEADS_OF_A_LIFE), Kill(3.0, 2000 + HEADS_OF_A_LIFE)]
        self.assertEqual(received_again(events, kills, 1000), [0.0, 0.0])

    def test_of_a_kill_that_nobody_outlived_nothing_is_said(self):
        events = [life(1.0, resumed=0), asking(1.1)]
        self.assertEqual(received_again(events, [Kill(2.0, 9000)], 1000), [])

    def test_a_source_is_open_until_its_pieces_came_or_it_was_left(self):
        asked = [{"t": 1.0, "event": "request", "id": 1, "source": 0, "first": 0, "count": 2},
                 {"t": 1.1, "event": "request", "id": 2, "source": 1, "first": 2, "count": 1}]
        came = [{"t": 1.2, "event": "piece", "piece": 2, "source": 1}]
        left = [{"t": 1.3, "event": "left", "source": 0, "why": "silent"}]
        self.assertEqual(open_sources(asked, 0.0, 2.0), {0, 1})
        self.assertEqual(open_sources(asked + came, 0.0, 2.0), {0})
        self.assertEqual(open_sources(asked + came + left, 0.0, 2.0), set())
        self.assertEqual(open_sources(asked + came, 0.0, 1.15), {0, 1})


class Lying(unittest.TestCase):
    def test_every_piece_from_the_middle_on_is_wrong_by_one_bit(self):
        image = bytes(1000)
        lying = with_lies(image, 100)
        self.assertEqual(lying[:500], image[:500])
        wrong = [at // 100 for at in range(1000) if lying[at] != image[at]]
        self.assertEqual(wrong, [5, 6, 7, 8, 9])

    def test_have_says_that_every_piece_is_there(self):
        self.assertEqual(have_answer(10), bytes([0, 0, 0, 1, 0, 0, 0, 10, 0xFF, 0xC0]))


class Torrents(unittest.TestCase):
    def test_bencoding_sorts_keys_and_refuses_what_it_does_not_know(self):
        self.assertEqual(bencode({"b": [1, "x"], "a": b"\0"}), b"d1:a1:\x001:bli1e1:xee")
        with self.assertRaises(TypeError):
            bencode(1.5)

    def test_the_tracker_names_every_peer(self):
        self.assertIn(b"5:peers12:\x0a\x5b\x00\x0b\x1a\xe1\x0a\x5b\x00\x0c\x1a\xe1",
                      answer(["10.91.0.11", "10.91.0.12"], 6881))


if __name__ == "__main__":
    unittest.main()
