"""Captions that say where their thing is: what is read as a place, and what a place decides."""

from __future__ import annotations

import re

import numpy as np
import pytest

from core.errors import DataError
from core.result import Reading, Result
from core.types import Detections
from pipeline.rank import PLACE_COST, PLACE_WINDOW, place, rank
from pipeline.rerank.places import find_places
from pipeline.stages import Calibration

PLAIN = Calibration(a=1, b=0.2, c=0, found_probability_min=0.5, detector_weight=0)
# One in each corner, the last one large and in the middle.
BOXES = [[0, 0, 10, 10], [80, 0, 90, 10], [0, 80, 12, 90], [80, 80, 90, 90], [35, 35, 65, 65]]


def seen(count=5):
    return Detections.from_xyxy(BOXES[:count], (100, 100))


def placed(evidence, *places):
    return place(np.float32(evidence), places, seen(len(evidence)))


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("the plane on the left", ("left",)),
        ("Leftmost drone", ("left",)),
        ("the left-hand helicopter", ("left",)),
        ("plane, right", ("right",)),
        ("plane on the far right side of the picture", ("right",)),
        ("drone in the upper right corner", ("top", "right")),
        ("the bottom left one", ("bottom", "left")),
        ("the highest balloon", ("top",)),
        ("jet in the middle", ("middle",)),
        ("the largest aircraft", ("large",)),
        ("the smallest of the sky", ("small",)),
        ("the jet in the background", ("small",)),
        ("plane with red wings on the left", ("left",)),
        ("a plane flying on the left", ("left",)),
        ("left plane, not the red one", ("left",)),
        ("plane left of the tower", ()),
        ("plane to the left of the tower", ()),
        ("helicopter on top of the building", ()),
        ("drone in front of the house", ()),
        ("the plane closest to the camera", ()),
        ("a jet flying to the left", ()),
        ("jet banking hard right", ()),
        ("plane with its right engine on fire", ()),
        ("glider with a red top", ()),
        ("drone right above the tree", ()),
        ("not the plane on the left", ()),
        ("the second plane from the left", ()),
        ("a red plane", ()),
        ("", ()),
    ],
)
def test_places_are_told_from_parts_relations_and_directions(caption, expected):
    words = list(re.finditer(r"\w+", caption))
    ends = [row for row, word in enumerate(words) if caption[word.end() : word.end() + 1] == ","]
    places, used = find_places([word[0] for word in words], ends)
    assert places == expected
    assert bool(used) is bool(expected)
    assert used <= set(range(len(words)))


@pytest.mark.parametrize(
    ("places", "row"),
    [
        (("left", "top"), 0),
        (("right", "top"), 1),
        (("left", "bottom"), 2),
        (("bottom", "right"), 3),
        (("middle",), 4),
        (("large",), 4),
    ],
)
def test_of_boxes_that_fit_alike_the_one_at_the_place_is_meant(places, row):
    evidence = np.float32([3, 3.2, 3.1, 2.9, 2.8])
    reading = Reading("whole", "plane", (), places)
    ranking = rank(["plane"], evidence[None], seen(), calibration=PLAIN, readings=[reading])[0]
    assert ranking.answer_row == ranking.order[0] == row
    assert ranking.evidence[row] == evidence[row], "what is at its place loses nothing"
    assert ranking.margin > 0.5
    plain = rank(["plane"], evidence[None], seen(), calibration=PLAIN)[0]
    assert plain.answer_row == 1


def test_what_does_not_fit_is_not_taken_for_its_place():
    far_below = 5 - PLACE_WINDOW - 0.1
    np.testing.assert_allclose(placed([far_below, 5], "left"), [far_below, 5])
    # At the very place, but so much worse that the best one is meant.
    within = 5 - PLACE_WINDOW + 0.1
    np.testing.assert_allclose(placed([within, 5], "left"), [within, 5 - PLACE_COST])
    assert placed([5, 5], "left", "right").tolist() == [5, 5], "both ends: neither is nearer"
    assert placed([5], "left").tolist() == [5]
    assert placed([5, 4]).tolist() == [5, 4]
    assert place(np.zeros(0, np.float32), ("left",), Detections.empty((9, 9))).tolist() == []


def test_jointly_each_takes_the_one_at_its_place():
    captions = ["left plane", "right plane"]
    readings = [Reading("whole", text, (), (text.split()[0],)) for text in captions]
    logits = np.float32([[2, 4], [3.9, 2.5]])
    detections = seen(2)
    for assignment in ("joint", "independent"):
        rankings = rank(
            captions, logits, detections,
            calibration=PLAIN, assignment=assignment, readings=readings,
        )  # fmt: skip
        assert [ranking.answer_row for ranking in rankings] == [0, 1]


def test_places_come_back_from_json():
    reading = Reading("whole", "left plane", (), ("left",))
    rankings = rank(
        ["left plane"], np.float32([[1, 2]]), seen(2), calibration=PLAIN, readings=[reading]
    )
    told = Result((100, 100), seen(2), rankings).to_dict()
    assert told["rankings"][0]["reading"]["places"] == ["left"]
    assert Result.from_dict(told).rankings[0].reading == reading
    del told["rankings"][0]["reading"]["places"]
    assert Result.from_dict(told).rankings[0].reading.places == ()
    told["rankings"][0]["reading"]["places"] = ["beyond"]
    with pytest.raises(DataError, match="places must be a list of left, right"):
        Result.from_dict(told)
