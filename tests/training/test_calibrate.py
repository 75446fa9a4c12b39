"""The fit of both scores finds what made the cases, and refuses to fit on nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install -r requirements-train.txt")

from core.errors import DataError
from training.calibrate import Case, fit


def make_cases(weight, count=400):
    """Cases whose right box is drawn by similarity plus weight times the detector's log-odds."""
    rng = np.random.default_rng(1)
    cases = []
    for number in range(count):
        logits = rng.normal(0, 2, 5).astype(np.float32)
        log_odds = rng.normal(0, 1.5, 5)
        chance = np.exp(2 * (logits + weight * log_odds))
        right = np.zeros(5, bool)
        if number % 2:
            right[rng.choice(5, p=chance / chance.sum())] = True
            logits[right] += 4  # what is there looks like its caption
        score = (1 / (1 + np.exp(-log_odds))).astype(np.float32)
        cases.append(Case(logits, score, right))
    return cases


def test_a_detector_that_knows_nothing_weighs_little_and_one_that_does_weighs():
    idle, telling = (fit(make_cases(weight)) for weight in (0.0, 3.0))
    assert idle["detector_weight"] < 0.3 < telling["detector_weight"]


def test_answers_that_are_there_are_told_from_those_that_are_not():
    fitted = fit(make_cases(0.0))
    assert fitted["cases"] == 400
    assert fitted["first_box_right"] > 0.75
    assert fitted["found_or_not_right"] > 0.75
    assert 0.05 <= fitted["found_probability_min"] <= 0.95


def test_too_few_cases_are_refused():
    with pytest.raises(DataError, match="fewer than 20"):
        fit(make_cases(0.0, count=10))
