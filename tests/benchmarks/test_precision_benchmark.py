"""The comparison of orders: what counts as alike, and that both 16-bit ways run."""

from __future__ import annotations

import json

import numpy as np
import pytest


@pytest.fixture(scope="module")
def precision():
    pytest.importorskip("torch", reason="pip install -r requirements-dev.txt")
    from benchmarks import precision

    return precision


def test_pairs_that_change_places_are_counted(precision) -> None:
    logits = np.array([[[3.0, 2.0, 1.0]]], np.float32)
    other = np.array([[[3.0, 0.9, 1.0]]], np.float32)
    told = precision.compare_orders(logits, other)
    assert told["pairs"] == 3
    assert told["pairs_alike"] == pytest.approx(2 / 3, abs=1e-5)
    assert told["first_alike"] == 1
    assert told["largest_logit_difference"] == pytest.approx(1.1)
    assert told["largest_gap_turned"] == pytest.approx(1.0)


def test_equal_logits_agree(precision) -> None:
    logits = np.random.default_rng(0).normal(size=(5, 4, 4)).astype(np.float32)
    told = precision.compare_orders(logits, logits)
    assert told["pairs"] == 5 * 4 * 6
    assert (told["pairs_alike"], told["largest_gap_turned"]) == (1, 0)


def test_report(precision, capsys) -> None:
    precision.main(["--count", "8", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["crops"] == 8
    for name in ("float16", "bfloat16"):
        # Near, but not the same: the numbers really were rounded.
        assert 0 < report[name]["largest_logit_difference"] < 0.5
