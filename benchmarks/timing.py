"""Timing a call again and again, once the engines have settled."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from benchmarks.machine import summarize_ms

__all__ = ["time_settled_ms"]

# OpenVINO compiles a copy of a network for a size that comes the sixth time, beside the runs and
# one copy after the other. Three sizes of a detector took 8 long calls or, where calls are short,
# 3 s of a busy machine; a call that is timed before that shares its cores with a compiler.
WARM_UP_CALLS = 12
WARM_UP_S = 4.0


def time_settled_ms(call: Callable[[], object], repeats: int) -> float:
    """Return the median milliseconds of a call; those in which engines learn do not count."""
    start_s = perf_counter()
    num_calls = 0
    while num_calls < WARM_UP_CALLS or perf_counter() - start_s < WARM_UP_S:
        call()
        num_calls += 1
    seconds = []
    for _ in range(repeats):
        start_s = perf_counter()
        call()
        seconds.append(perf_counter() - start_s)
    return summarize_ms(seconds)[0]
