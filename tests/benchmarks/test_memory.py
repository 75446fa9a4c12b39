"""The peak of memory that benchmarks report: that of the process itself, not of its parent."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from benchmarks import project, synth
from benchmarks.machine import peak_memory_mib

HELD_MIB = 512

needs_status = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="only Linux tells the peak of a process"
)


@pytest.fixture
def large_parent() -> None:
    """This process has once held more than any process that it starts here needs."""
    assert np.ones(HELD_MIB << 20, np.uint8).all()
    assert peak_memory_mib() > HELD_MIB


@needs_status
@pytest.mark.usefixtures("large_parent")
def test_a_large_project_is_measured_without_what_made_it(capsys):
    project.main(["--images", "300", "--boxes", "900", "--repeats", "3", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert 1 < report["memory_mib_before"] <= report["memory_mib_after"] < HELD_MIB


@needs_status
@pytest.mark.usefixtures("large_parent")
def test_workers_are_measured_without_who_started_them():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert 1 < synth._memory_mib(pool, 1) < HELD_MIB


def test_memory_is_told_where_there_is_no_status(tmp_path):
    assert 1 < peak_memory_mib(tmp_path / "status") < 1_000_000
    (tmp_path / "status").write_text("Name:\tpython\nVmHWM:\t    2048 kB\n", encoding="utf-8")
    assert peak_memory_mib(tmp_path / "status") == 2
