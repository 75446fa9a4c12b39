"""From logits to answers, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.arrays import sigmoid
from core.errors import DataError
from core.result import Reading, Result
from core.types import Detections
from pipeline.rank import assign_jointly, margin_of, rank
from pipeline.stages import Calibration

PLAIN = Calibration(a=1, b=0, c=0, found_probability_min=0.5)


def seen(n, score=None):
    boxes = [[10 * i, 0, 10 * i + 5, 5] for i in range(n)]
    return Detections.from_xyxy(np.array(boxes).reshape(-1, 4), (100, 10), score=score)


def test_order_and_answer():
    ranking = rank(["a"], np.float32([[-1, 3, 2]]), seen(3), calibration=PLAIN)[0]
    assert ranking.order.tolist() == [1, 2, 0]
    assert ranking.answer_row == ranking.nearest_row == 1
    assert ranking.margin == 1
    assert ranking.found_probability == pytest.approx(sigmoid(np.float32(3)))
    np.testing.assert_allclose(ranking.score, 1 / (1 + np.exp([1, -3, -2])), rtol=1e-5)


def test_ties_go_to_the_detector_then_to_the_row():
    logits = np.float32([[1, 1, 1, 0]])
    detections = seen(4, score=[0.5, 0.9, 0.9, 1])
    assert rank(["a"], logits, detections, calibration=PLAIN)[0].order.tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize(
    ("logits", "calibration", "found"),
    [
        ([2, -5], Calibration(1, 0, 0, 0.5), True),
        ([-2, -5], Calibration(1, 0, 0, 0.5), False),
        ([-2, -5], Calibration(1, 1, 0, 0.5), True),
        ([-2, -2.1], Calibration(1, 1, 0, 0.5), False),
        ([2, -5], Calibration(1, 0, 0, 0.99), False),
        ([2, -5], Calibration(1, 0, -3, 0.5), False),
    ],
    ids=["yes", "no", "margin", "close", "strict", "offset"],
)
def test_found_depends_on_the_calibration(logits, calibration, found):
    ranking = rank(["a"], np.float32([logits]), seen(2), calibration=calibration)[0]
    assert ranking.found is found
    assert ranking.nearest_row == 0


def test_whose_box_went_to_another_caption_is_not_said_to_be_elsewhere():
    # Both mean box 0; box 1 fits neither, and the second caption would get it.
    logits = np.float32([[4, -9], [3, -9]])
    first, second = rank(["a", "b"], logits, seen(2), calibration=PLAIN, assignment="joint")
    assert first.answer_row == 0
    assert (second.answer_row, second.nearest_row) == (None, 0)
    assert second.found_probability == pytest.approx(sigmoid(np.float32(3)))
    # What may be there is left where it was put.
    logits[:, 1] = 1
    rankings = rank(["a", "b"], logits, seen(2), calibration=PLAIN, assignment="joint")
    assert [ranking.answer_row for ranking in rankings] == [0, 1]


def test_margin_is_capped():
    assert margin_of(np.float32([50, 0]), 0) == 10
    assert margin_of(np.float32([0, 50]), 0) == -10
    assert margin_of(np.float32([5]), 0) == 10
    assert margin_of(np.float32([5, 3, 4]), 0) == 1


def test_joint_assignment():
    logits = np.float32([[3, 2.5], [2.9, -1]])
    alone = rank(["a", "b"], logits, seen(2), calibration=PLAIN)
    joint = rank(["a", "b"], logits, seen(2), calibration=PLAIN, assignment="joint")
    assert [ranking.answer_row for ranking in alone] == [0, 0]
    assert [ranking.answer_row for ranking in joint] == [1, 0]
    assert joint[0].margin == pytest.approx(-0.5)
    # The order of preference is the caption's own, whatever was assigned.
    assert joint[0].order.tolist() == [0, 1]


def test_more_captions_than_boxes():
    assert assign_jointly(np.float32([[1], [5], [3]])) == [None, 0, None]
    rankings = rank(["a", "b"], np.float32([[1], [5]]), seen(1), calibration=PLAIN,
                    assignment="joint")  # fmt: skip
    assert [ranking.answer_row for ranking in rankings] == [None, 0]
    assert [ranking.nearest_row for ranking in rankings] == [0, 0]


@pytest.mark.parametrize("assignment", ["independent", "joint"])
def test_nothing_seen(assignment):
    rankings = rank(
        ["a", "b"], np.zeros((2, 0), np.float32), seen(0), calibration=PLAIN, assignment=assignment
    )
    assert [(r.answer_row, r.nearest_row, r.found_probability) for r in rankings] == [
        (None, None, 0.0)
    ] * 2


def test_detector_doubt_decides_between_equals():
    detections = Detections.from_xyxy(
        [[0, 0, 9, 9], [20, 0, 29, 9]], (40, 20), score=np.array([0.1, 0.9], np.float32)
    )
    logits = np.array([[2.2, 2.0]], np.float32)

    def first(weight):
        calibration = Calibration(detector_weight=weight)
        (ranking,) = rank(["a"], logits, detections, calibration=calibration)
        # What the reranker said stays visible as it is.
        np.testing.assert_array_equal(ranking.logit, logits[0])
        assert ranking.lead_of(ranking.answer_row) == pytest.approx(ranking.margin)
        return ranking.answer_row, round(ranking.margin, 2)

    assert first(0.0) == (0, 0.2)
    assert first(0.5) == (1, round(-0.2 + 0.5 * 2 * np.log(9), 2))


def test_a_caption_whose_object_is_absent_takes_no_box_from_another():
    # The total of raw logits would be higher the other way round: 1 - 4 < -9 + 8.
    logits = np.float32([[1.0, -9.0], [8.0, -4.0]])
    present, absent = np.float32([[3.0, 2.0], [-3.0, -9.0]]), [0, None]
    rankings = rank(["a", "b"], logits, seen(2), calibration=PLAIN, assignment="joint")
    assert [ranking.nearest_row for ranking in rankings] == [0, 0]
    rankings = rank(["a", "b"], present, seen(2), calibration=PLAIN, assignment="joint")
    assert [ranking.answer_row for ranking in rankings] == absent


def test_a_caption_without_answer_takes_no_box_from_another():
    logits = np.float32([[6, 1], [4, 0]])
    readings = [Reading("looks", "a"), Reading("whole", "b")]
    asked = {"calibration": PLAIN, "readings": readings}
    lone, other = rank(["a", "b"], logits, seen(2), **asked)
    assert (lone.answer_row, lone.nearest_row, other.answer_row) == (None, 0, 0)
    assert lone.found_probability > 0.9
    assert lone.reading is readings[0]
    lone, other = rank(["a", "b"], logits, seen(2), assignment="joint", **asked)
    assert (lone.answer_row, lone.nearest_row, other.answer_row) == (None, 1, 0), "what is left"
    lone, other = rank(["a", "b"], logits[:, :1], seen(1), assignment="joint", **asked)
    assert (lone.answer_row, lone.nearest_row, other.answer_row) == (None, 0, 0)


def test_what_says_nothing_has_no_nearest_box():
    readings = [Reading("nothing", "")]
    (ranking,) = rank(
        ["a"], np.float32([[-20, -20]]), seen(2), calibration=PLAIN, readings=readings
    )
    assert (ranking.answer_row, ranking.nearest_row) == (None, None)


def test_for_a_plural_each_box_is_judged_by_itself():
    calibration = Calibration(a=1, b=0.5, c=0, found_probability_min=0.5)
    logits = np.float32([[0.4, 5, 3, -0.1]])
    plural = Reading("whole", "kites", is_plural=True)
    ranking = rank(["kites"], logits, seen(4), calibration=calibration, readings=[plural])[0]
    assert ranking.fitting_rows == (1, 2, 0)
    lone = rank(["kite"], logits, seen(4), calibration=calibration)[0]
    assert lone.fitting_rows == ()
    assert ranking.found_probability == lone.found_probability
    told = Result((100, 10), seen(4), (ranking, lone)).to_dict()
    again = Result.from_dict(told)
    assert [one.fitting_rows for one in again.rankings] == [(1, 2, 0), ()]
    assert [one.reading.is_plural for one in again.rankings] == [True, False]
    del told["rankings"][0]["fitting_rows"], told["rankings"][0]["reading"]["is_plural"]
    assert Result.from_dict(told).rankings[0].fitting_rows == ()
    told["rankings"][0]["fitting_rows"] = [4]
    with pytest.raises(DataError, match="fitting_rows must be rows of 4"):
        Result.from_dict(told)
    nothing = rank(["kites"], logits[:, :0], seen(0), calibration=calibration, readings=[plural])
    assert nothing[0].fitting_rows == ()
