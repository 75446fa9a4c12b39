"""Measurements that print JSON: machine, commit, settings, median and 95th percentile.

Speed: `python -m benchmarks.locate --json`. A speed claim without such a file is not made.
"""
