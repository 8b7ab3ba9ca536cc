#!/usr/bin/env python3
"""Turns what ctest and the GoogleTest programs left behind into the closing line of `dev test`.

Usage: tally.py RESULTS. RESULTS/ctest.junit is ctest's own report; RESULTS/test_<name>.xml is the
report of the GoogleTest program behind ctest's test <name>. A program with a report counts by its
cases, any other test as one. A program that failed without a failed case (a crash, a time-out) is
one failure. Exits 1 when anything failed or nothing ran.
"""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def cases_of(report):
    """(passed, failed, [(name, reason) skipped]) of one GoogleTest report."""
    passed, failed, skipped = 0, 0, []
    for case in xml.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            failed += 1
        elif case.get("status") == "notrun":
            skipped.append((name, "disabled"))
        elif case.get("result") == "skipped":
            reason = case.find("skipped")
            lines = (reason.get("message") or "" if reason is not None else "").strip().splitlines()
            skipped.append((name, lines[-1] if lines else ""))  # the first names a source line
        else:
            passed += 1
    return passed, failed, skipped


def outcome_of(test, results):
    """The same for one of ctest's tests."""
    status = test.get("status")
    report = results / f"test_{test.get('name')}.xml"
    if status in ("run", "fail") and report.exists():
        try:
            passed, failed, skipped = cases_of(report)
        except xml.ParseError:  # cut short: the program died while it wrote
            return 0, 1, []
        if status == "fail" and failed == 0:
            failed = 1
        return passed, failed, skipped
    if status == "run":
        return 1, 0, []
    if status == "fail":
        return 0, 1, []
    skipped = test.find("skipped")
    reason = skipped.get("message", "") if skipped is not None else ""
    output = (test.findtext("system-out") or "").strip().splitlines()
    # A test that could not even start is no skip.
    if "SKIP" not in reason:
        return 0, 1, []
    return 0, 0, [(test.get("name"), output[-1] if output else reason)]


def main():
    results = Path(sys.argv[1])
    passed, failed, skipped = 0, 0, []
    for test in xml.parse(results / "ctest.junit").iter("testcase"):
        p, f, s = outcome_of(test, results)
        passed, failed, skipped = passed + p, failed + f, skipped + s
    for name, reason in skipped:
        print(f"skipped: {name}: {reason or 'no reason given'}")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
