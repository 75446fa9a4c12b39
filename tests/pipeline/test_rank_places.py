"""Captions that say where their thing is: what a place decides between boxes."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import DataError
from core.result import Reading, Result
from core.types import Detections
from pipeline.rank import PLACE_ENOUGH, PLACE_WINDOW, place, rank
from pipeline.stages import Calibration

PLAIN = Calibration(a=1, b=0.2, c=0, found_probability_min=0.5, detector_weight=0)
# One in each corner, the last one large and in the middle.
BOXES = [[0, 0, 10, 10], [80, 0, 90, 10], [0, 80, 12, 90], [80, 80, 90, 90], [35, 35, 65, 65]]


def seen(count=5):
    return Detections.from_xyxy(BOXES[:count], (100, 100))


def placed(evidence, *places):
    return place(np.float32(evidence), places, seen(len(evidence)), PLAIN)


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
    enough = PLACE_ENOUGH + 3
    far_below = PLACE_ENOUGH - PLACE_WINDOW - 0.1
    np.testing.assert_allclose(placed([far_below, enough], "left"), [far_below, enough])
    # However much better another one is: this one may be meant as well, and is at its place.
    within = PLACE_ENOUGH - PLACE_WINDOW + 0.1
    placed_both = placed([within, enough], "left")
    assert placed_both[0] == np.float32(within) > placed_both[1]
    assert placed([5, 5], "left", "right").tolist() == [5, 5], "both ends: neither is nearer"
    assert placed([5], "left").tolist() == [5]
    assert placed([5, 4]).tolist() == [5, 4]
    flat = Calibration(a=0, b=0, c=1)
    assert place(np.float32([5, 4]), ("right",), seen(2), flat).tolist() == [5, 4]
    nothing = Detections.empty((9, 9))
    assert place(np.zeros(0, np.float32), ("left",), nothing, PLAIN).tolist() == []


@pytest.mark.parametrize(
    ("boxes", "wanted", "meant"),
    [
        # Two boxes of one object: a hair farther left or larger is no reason.
        ([[100, 10, 140, 40], [101, 10, 141, 40]], "left", 1),
        ([[100, 10, 140, 41], [100, 10, 140, 40]], "large", 1),
        ([[100, 10, 140, 40], [130, 10, 170, 40]], "left", 0),
        ([[100, 10, 140, 50], [100, 10, 130, 40]], "large", 0),
        ([[100, 10, 140, 50], [100, 10, 130, 40]], "small", 1),
        ([[190, 90, 210, 110], [190, 0, 210, 20]], "middle", 0),
        ([[100, 90, 120, 110], [190, 60, 210, 80]], "middle", 1),
    ],
)
def test_a_hair_decides_nothing(boxes, wanted, meant):
    detections = Detections.from_xyxy(boxes, (400, 200))
    fits = place(np.float32([1.0, 1.4]), (wanted,), detections, PLAIN)
    assert int(fits.argmax()) == meant


@pytest.mark.parametrize(
    ("wanted", "rows"), [("left", [3, 1, 0, 2]), ("large", [1, 2, 0, 3]), ("small", [3, 0, 2, 1])]
)
def test_boxes_that_fit_are_counted_from_a_place(wanted, rows):
    boxes = [[50, 0, 60, 10], [30, 40, 60, 70], [80, 0, 92, 12], [10, 0, 16, 6], [0, 0, 90, 90]]
    detections = Detections.from_xyxy(boxes, (100, 100))
    # The last one does not fit, the others do, one way or the other.
    logits = np.float32([[0.5, 6, 3, 1, -4]])
    for nth, row in enumerate(rows, 1):
        reading = Reading("whole", "plane", ("a note",), (wanted,), nth)
        (told,) = rank(["plane"], logits, detections, calibration=PLAIN, readings=[reading])
        assert told.order[0] == told.nearest_row == row
        assert told.evidence[row] == logits[0, row], "what is meant loses nothing"
        assert told.reading == reading


def test_without_so_many_there_is_no_nth():
    logits = np.float32([[3, 2.5, -2, -3, -4]])
    reading = Reading("whole", "plane", (), ("left",), 3)
    (told,) = rank(["plane"], logits, seen(), calibration=PLAIN, readings=[reading])
    assert not told.found
    assert told.nearest_row == 1, "the last of those that fit"
    assert told.found_probability == pytest.approx(1 / (1 + np.exp(2)))
    assert told.reading.notes == ("Only 2 boxes may fit, so there is no third.",)
    reading = Reading("whole", "plane", (), ("left",), 6)
    (told,) = rank(["plane"], logits, seen(), calibration=PLAIN, readings=[reading])
    assert (told.found, told.found_probability) == (False, 0)
    assert told.reading.notes == ("Only 2 boxes may fit, so there is no 6th.",)


@pytest.mark.parametrize(
    ("score", "wanted", "nth", "row"),
    [
        ((0.6, 0.9, 0.7, 0.8, 0.2), "large", 1, 2),
        ((0.6, 0.9, 0.1, 0.2, 0.7), "bottom", 1, 4),
        ((0.6, 0.9, 0.7, 0.8, 0.5), "large", 1, 4),
        ((0.4, 0.3, 0.4, 0.1, 0.2), "large", 1, 4),
        ((0.1, 0.9, 0.1, 0.8, 0.2), "large", 2, 3),
        ((0.1, 0.9, 0.1, 0.1, 0.2), "large", 2, 2),
    ],
)
def test_what_is_likelier_no_object_is_not_anything(score, wanted, nth, row):
    detections = Detections.from_xyxy(BOXES, (100, 100), score=score)
    told = {}
    for is_anything in (True, False):
        reading = Reading("whole", "it", (), (wanted,), nth, is_anything=is_anything)
        [ranking] = rank(
            ["it"], np.float32([[2, 2.1, 2, 2, 2]]), detections,
            calibration=PLAIN, readings=[reading],
        )  # fmt: skip
        told[is_anything] = int(ranking.order[0])
    assert told[True] == row
    assert told[False] == {("large", 1): 4, ("bottom", 1): 3, ("large", 2): 2}[wanted, nth]


def test_a_place_makes_nothing_surer():
    logits = np.float32([[1, 0.9, -6, -6, -6]])
    reading = Reading("whole", "plane", (), ("left",))
    (plain,) = rank(["plane"], logits, seen(), calibration=PLAIN)
    (told,) = rank(["plane"], logits, seen(), calibration=PLAIN, readings=[reading])
    assert told.answer_row == plain.answer_row == 0
    assert told.margin > plain.margin
    assert told.found_probability == plain.found_probability


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
    reading = Reading("whole", "left plane", (), ("left",), is_anything=True)
    rankings = rank(
        ["left plane"], np.float32([[1, 2]]), seen(2), calibration=PLAIN, readings=[reading]
    )
    told = Result((100, 100), seen(2), rankings).to_dict()
    assert told["rankings"][0]["reading"]["places"] == ["left"]
    assert Result.from_dict(told).rankings[0].reading == reading
    for nth in (0, "2", None):
        told["rankings"][0]["reading"]["nth"] = nth
        with pytest.raises(DataError, match="nth must be a number"):
            Result.from_dict(told)
    told["rankings"][0]["reading"]["nth"] = 2
    assert Result.from_dict(told).rankings[0].reading.nth == 2
    del told["rankings"][0]["reading"]["nth"]
    del told["rankings"][0]["reading"]["places"]
    assert Result.from_dict(told).rankings[0].reading.places == ()
    told["rankings"][0]["reading"]["places"] = ["beyond"]
    with pytest.raises(DataError, match="places must be a list of left, right"):
        Result.from_dict(told)
