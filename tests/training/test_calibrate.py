"""The fit of both scores finds what made the cases, and refuses to fit on nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install -r requirements-train.txt")

from core.errors import DataError
from core.files import read_json, write_json
from core.image import write_image
from pipeline.locate import Locator
from training import calibrate
from training.calibrate import Case, fit, gather
from training.scenes import CachedScene

COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0), "yellow": (255, 255, 0)}
SEATS = [[20, 10, 60, 40], [100, 50, 160, 90], [20, 60, 70, 90]]


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


def make_scene(path, *captions):
    """A scene of plain boxes in the colors of their captions, as the fake stages see them."""
    picture = np.full((100, 200, 3), 200, np.uint8)
    for caption, (x1, y1, x2, y2) in zip(captions, SEATS, strict=False):
        picture[y1:y2, x1:x2] = COLORS[caption.split()[0]]
    write_image(picture, path)
    boxes = np.array(SEATS[: len(captions)], np.float32)
    return CachedScene(path, boxes, captions, tuple(c.split()[-1] for c in captions))


@pytest.fixture
def scenes(tmp_path):
    told = [
        ("red helicopter", "blue drone"),
        ("green chopper",),
        ("red missile", "red missile", "blue glider"),
    ]
    return [make_scene(tmp_path / f"{i}.png", *captions) for i, captions in enumerate(told)]


def test_captions_are_asked_of_their_scene_and_of_others_that_have_no_such_thing(
    scenes, fake_locator: Locator, monkeypatch
):
    asked = []
    embed = fake_locator.reranker.embed_texts
    monkeypatch.setattr(
        fake_locator.reranker, "embed_texts", lambda texts: asked.append(texts) or embed(texts)
    )
    cases = gather(fake_locator, scenes, np.random.default_rng(0))
    own = [captions[:count] for captions, count in zip(asked, (2, 1, 1), strict=True)]
    # Two red missiles: the caption means neither of them alone.
    assert own == [["red helicopter", "blue drone"], ["green chopper"], ["blue glider"]]
    assert set(asked[0][2:]) == {"red missile", "blue glider"}
    assert not {"red helicopter", "green chopper"} & set(asked[1][1:])
    assert [int(case.right.sum()) for case in cases] == [1, 1, 0, 0, 1, 0, 1, 0]
    # Each object's own box, wherever the detector puts it in its list.
    assert all(case.logits.argmax() == case.right.argmax() for case in cases[:2])


def test_the_fit_is_written_beside_what_the_model_says_of_itself(
    scenes, fake_locator: Locator, tmp_path, monkeypatch, capsys
):
    write_json(tmp_path / "reranker.json", {"kind": "siglip", "calibration": {"a": 9}})
    monkeypatch.setattr(calibrate.Locator, "open", lambda config: fake_locator)
    monkeypatch.setattr(calibrate, "read_scenes", lambda folder: scenes * 12)
    calibrate.main(["--scenes", str(tmp_path), "--model", str(tmp_path)])
    written, told = read_json(tmp_path / "reranker.json"), json.loads(capsys.readouterr().out)
    assert written["kind"] == "siglip"
    assert written["calibration"] == {k: told[k] for k in ("a", "b", "c", "detector_weight")}
    assert written["found_probability_min"] == told["found_probability_min"]
    assert told["first_box_right"] == 1
