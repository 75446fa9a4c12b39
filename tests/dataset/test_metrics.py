"""Figures of boxes and scores against numbers worked out by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from core.errors import DataError
from core.types import Detections
from dataset.metrics import (
    area_under_roc,
    average_precision,
    calibration_error,
    match_boxes,
    recall,
)

A, B = [0, 0, 10, 10], [20, 20, 40, 30]
OFF = [60, 60, 70, 70]
WH = (100, 100)


def truth(*boxes: list[float]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def seen(*rows: tuple[list[float], float]) -> Detections:
    return Detections.from_xyxy([r[0] for r in rows], WH, score=[r[1] for r in rows])


@pytest.mark.parametrize(
    ("predictions", "truths", "expected"),
    [
        ([seen((A, 0.9), (B, 0.8))], [truth(A, B)], 1.0),
        ([seen()], [truth(A)], 0.0),
        ([seen()], [truth()], 1.0),
        ([seen((A, 0.5))], [truth()], 0.0),
        # One false box above one true one: precision 1/2 at every recall.
        ([seen((OFF, 0.9), (A, 0.8))], [truth(A)], 0.5),
        # Below it: nothing lost.
        ([seen((OFF, 0.2), (A, 0.8))], [truth(A)], 1.0),
        # Half found: 51 of the 101 points (0 to 0.50) at precision 1.
        ([seen((A, 0.8))], [truth(A, B)], 51 / 101),
        # The second box on one object is false.
        ([seen((A, 0.9), (A, 0.8), (B, 0.7))], [truth(A, B)], (51 + 50 * 2 / 3) / 101),
        # Scores order the whole set, not each image.
        ([seen((OFF, 0.9)), seen((A, 0.8))], [truth(), truth(A)], 0.5),
    ],
)
def test_average_precision(
    predictions: list[Detections], truths: list[np.ndarray], expected: float
) -> None:
    assert average_precision(predictions, truths) == pytest.approx(expected)


def test_iou_of_exactly_the_limit_counts() -> None:
    half = seen(([0, 0, 10, 5], 0.9))
    assert average_precision([half], [truth(A)], iou_min=0.5) == 1.0
    assert average_precision([half], [truth(A)], iou_min=0.51) == 0.0


def test_better_scores_choose_first_and_take_the_best_overlap() -> None:
    predictions = seen(([0, 0, 10, 9], 0.6), ([0, 0, 10, 10], 0.9))
    assert match_boxes(predictions, truth(A)).tolist() == [-1, 0]


def test_recall_of_all_and_of_nothing() -> None:
    predictions = [seen((A, 0.9), (B, 0.1))]
    assert recall(predictions, [truth(A, B)]) == 1.0
    assert recall([seen()], [truth()]) == 1.0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(DataError, match="predictions of 1 images and truths of 0"):
        average_precision([seen()], [])
    with pytest.raises(DataError, match="iou_min"):
        recall([seen()], [truth()], iou_min=0.0)


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.9, 0.1], [True, False], 1.0),
        ([0.1, 0.9], [True, False], 0.0),
        ([0.5, 0.5], [True, False], 0.5),
        ([0.5], [True], None),
    ],
)
def test_area_under_roc(scores: list[float], positive: list[bool], expected: float | None) -> None:
    assert area_under_roc(np.array(scores), np.array(positive)) == expected


@pytest.mark.parametrize(
    ("probability", "right", "expected"),
    [
        ([1.0, 1.0], [True, False], 0.5),
        ([0.25] * 4, [True, False, False, False], 0.0),
        ([], [], None),
    ],
)
def test_calibration_error(
    probability: list[float], right: list[bool], expected: float | None
) -> None:
    assert calibration_error(np.array(probability), np.array(right, bool)) == expected


def test_the_area_is_that_of_all_pairs_without_a_table_of_them(rng: np.random.Generator) -> None:
    scores, positive = rng.integers(0, 20, 300) / 20, rng.random(300) < 0.3
    good, bad = scores[positive][:, None], scores[~positive][None]
    pairs = ((good > bad) + 0.5 * (good == bad)).mean()
    assert area_under_roc(scores, positive) == pytest.approx(pairs, abs=1e-12)
    many = rng.random(20_000)  # a table of all pairs would take 100 MB, and grow with the square
    tracemalloc.start()
    area = area_under_roc(many, np.arange(len(many)) % 2 == 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert area == pytest.approx(0.5, abs=0.02)
    assert peak < 10e6


def test_agrees_with_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(4)
    truths, predictions = [], []
    for _ in range(20):
        corner = rng.uniform(0, 60, (4, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(8, 40, (4, 2))], axis=1)
        truths.append(boxes[: rng.integers(0, 5)].astype(np.float32))
        moved = boxes + rng.normal(0, 3, boxes.shape)
        predictions.append(Detections.from_xyxy(moved, WH, score=rng.uniform(0, 1, 4)))
    assert average_precision(predictions, truths) == pytest.approx(
        _coco_ap50(coco, cocoeval, predictions, truths), abs=1e-6
    )


def _coco_ap50(coco, cocoeval, predictions, truths) -> float:
    boxes = coco.COCO()
    annotations = []
    for image_id, truth_boxes in enumerate(truths):
        for x1, y1, x2, y2 in truth_boxes.tolist():
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                }
            )
    boxes.dataset = {
        "images": [{"id": i} for i in range(len(truths))],
        "annotations": annotations,
        "categories": [{"id": 1}],
    }
    boxes.createIndex()
    rows = [
        {"image_id": i, "category_id": 1, "score": float(s), "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for i, p in enumerate(predictions)
        for (x1, y1, x2, y2), s in zip(p.xyxy.tolist(), p.score, strict=True)
    ]
    run = cocoeval.COCOeval(boxes, boxes.loadRes(rows), "bbox")
    run.params.iouThrs = np.array([0.5])
    run.evaluate()
    run.accumulate()
    return float(run.eval["precision"][0, :, 0, 0, 2].mean())
