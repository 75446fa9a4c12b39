"""Memory that stays with the process: images made one after another cost no page faults."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import resource
import sys

import numpy as np

from core.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
for turn in range(20):
    if turn == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    images = [np.full((870, 1520, 3), level, np.uint8) for level in range(3)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(way: str) -> int:
    command = [sys.executable, "-c", _PROGRAM, way]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="nothing is done elsewhere")
def test_freed_memory_is_used_again() -> None:
    assert _faults("kept") < 200
    assert _faults("given back") > 10 * _faults("kept")
