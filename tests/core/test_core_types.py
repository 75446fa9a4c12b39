"""Central values: shapes checked, arrays read-only, JSON there and back."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from core.errors import DataError
from core.result import Ranking, Reading, Result
from core.types import Crops, Detections


def test_detections_columns_and_rows(make_detections):
    seen = make_detections([[0, 0, 2, 2], [1, 1, 4, 5], [2, 2, 9, 9]], score=[0.2, 0.9, 0.5])
    assert len(seen) == 3
    assert seen.class_id.tolist() == [0, 0, 0]
    assert seen.sorted_by_score().score.tolist() == pytest.approx([0.9, 0.5, 0.2])
    for rows, expected in (
        (1, 1),
        (-1, 1),
        (slice(0, 2), 2),
        ([2, 0], 2),
        ([], 0),
        (seen.score > 0.3, 2),
    ):
        assert len(seen[rows]) == expected
    assert Detections.concat([seen, seen[:1]]).xyxy.shape == (4, 4)


def test_detections_are_frozen_copies():
    boxes = np.array([[0, 0, 2, 2]], np.float32)
    seen = Detections.from_xyxy(boxes, (4, 4))
    boxes += 1
    assert seen.xyxy[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        seen.xyxy[0, 0] = 5
    with pytest.raises(FrozenInstanceError):
        seen.score = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xyxy": [[2, 0, 2, 5]]}, r"x2 > x1.*\[2.0, 0.0, 2.0, 5.0\]"),
        ({"xyxy": [[0, 0, np.nan, 5]]}, r"must be finite"),
        ({"score": [1.5]}, r"score must be in \[0, 1\]"),
        ({"score": [np.nan]}, r"score must be in \[0, 1\]"),
        ({"score": [0.5, 0.5]}, r"score must have shape \(1\), got \(2,\)"),
        ({"class_id": [1]}, r"index the 1 class_names"),
        ({"image_wh": (0, 5)}, r"at least \(1, 1\)"),
    ],
    ids=["empty-box", "nan", "score", "nan-score", "length", "class", "size"],
)
def test_bad_detections(change, message):
    good = {"xyxy": [[0, 0, 1, 1]], "image_wh": (9, 9)}
    values = {**good, **change}
    with pytest.raises(DataError, match=message):
        Detections.from_xyxy(values.pop("xyxy"), values.pop("image_wh"), **values)


def test_bad_shapes_and_concat():
    with pytest.raises(DataError, match=r"xyxy must have shape \(n, 4\)"):
        Detections(np.zeros((2, 3)), np.zeros(2), np.zeros(2), (4, 4))
    with pytest.raises(DataError, match="xyxy must be an array"):
        Detections("boxes", np.zeros(2), np.zeros(2), (4, 4))
    with pytest.raises(DataError, match="at least one"):
        Detections.concat([])
    with pytest.raises(DataError, match="different images"):
        Detections.concat([Detections.empty((4, 4)), Detections.empty((5, 4))])


def test_crops_check_sizes(image):
    picture = image((8, 6))
    crops = Crops((picture,), [[0, 0, 4, 3]], [0], [2.0])
    assert len(crops) == 1
    assert not crops.images[0].flags.writeable
    assert picture.flags.writeable
    with pytest.raises(DataError, match="must be 4x3, got 8x6"):
        Crops((picture,), [[0, 0, 4, 3]], [0], [1.0])
    with pytest.raises(DataError, match=r"uint8 \(h, w, 3\)"):
        Crops((picture.astype(float),), [[0, 0, 8, 6]], [0], [1.0])
    with pytest.raises(DataError, match="row must have shape"):
        Crops((picture,), [[0, 0, 8, 6]], [0, 1], [1.0])


def make_ranking(**changes):
    values = {"caption": "a", "logit": [1, 2], "score": [0.1, 0.2], "order": [1, 0]}
    return Ranking(**{**values, **changes})


def test_ranking():
    ranking = make_ranking(answer_row=1, nearest_row=1)
    assert ranking.found
    assert ranking.evidence.tolist() == [1, 2], "similarity alone, where nothing else counts"
    weighed = make_ranking(evidence=[3, 1.5])
    assert (weighed.lead_of(0), weighed.lead_of(1)) == (1.5, -1.5)
    assert make_ranking(logit=[1], score=[0.1], order=[0]).lead_of(0) is None
    with pytest.raises(DataError, match="each of the 2 rows once"):
        make_ranking(order=[0, 0])
    with pytest.raises(DataError, match="answer_row must be a row of 2"):
        make_ranking(answer_row=2)


def test_result_round_trip_and_checks(make_detections):
    seen = make_detections([[0, 0, 2, 2], [1, 1, 3, 3]])
    result = Result(
        (64, 48), seen, (
            make_ranking(answer_row=1, nearest_row=1, evidence=[3, 1.5]),
            make_ranking(caption="b", reading=Reading("part", "b", ("A note.",))),
        ),
        seconds={"total": 0.5}, provenance={"engine": "x"}, warnings=("w",),
    )  # fmt: skip
    data = result.to_dict()
    assert Result.from_dict(data).to_dict() == data
    assert pickle.loads(pickle.dumps(result)).to_dict() == data
    assert result.best(0, 2) == [1, 0]
    shown = repr(result)
    assert "answer_row=1" in shown
    assert not any(name in shown for name in ("logit", "provenance", "crops")), "too long to read"
    assert result.answer_xyxy(0) == (1, 1, 3, 3)
    assert result.answer_xyxy(1) is None
    with pytest.raises(DataError, match="schema_version 9"):
        Result.from_dict({**data, "schema_version": 9})
    with pytest.raises(DataError, match="malformed"):
        Result.from_dict({"schema_version": 1})
    first, second = data["rankings"]
    before = {**data, "rankings": [{k: v for k, v in first.items() if k != "reading"}, second]}
    assert Result.from_dict(before).to_dict() == data, "a reading was not always told"
    for reading in ({}, {"grasp": "huh", "about": "", "notes": []}):
        with pytest.raises(DataError):
            Result.from_dict({**data, "rankings": [{**first, "reading": reading}, second]})
    with pytest.raises(DataError, match="has 2 rows, the image has 1"):
        Result((64, 48), seen[:1], (make_ranking(),))
