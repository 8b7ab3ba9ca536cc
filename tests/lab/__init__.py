"""The lab: real programs on shaped links, in network namespaces of one machine.

What it builds and measures is told in docs/LAB.md; `tests/lab/run.py --help` says how to run it.
"""
