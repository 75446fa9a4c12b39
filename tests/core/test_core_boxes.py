"""Box arithmetic against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core import boxes as b


def test_iou_and_area():
    a = [[0, 0, 4, 4], [10, 10, 12, 12]]
    iou = b.iou_matrix(a, [[0, 0, 4, 2], [2, 2, 6, 6], [50, 50, 51, 51]])
    np.testing.assert_allclose(iou, [[0.5, 4 / 28, 0], [0, 0, 0]], rtol=1e-6)
    assert b.area([[0, 0, 4, 2], [4, 4, 2, 2]]).tolist() == [8, 0]
    assert b.iou_matrix([], a).shape == (0, 2)
    assert b.iou_matrix([[1, 1, 1, 1]], [[1, 1, 1, 1]]).tolist() == [[0]]


def test_valid_and_clip():
    boxes = [[-5, -5, 5, 5], [20, 20, 30, 30], [0, 0, np.inf, 1], [3, 3, 2, 9]]
    assert b.is_valid(boxes).tolist() == [True, True, False, False]
    assert b.is_valid([]).shape == (0,)
    assert b.clip_boxes(boxes[:2], (10, 8)).tolist() == [[0, 0, 5, 5], [10, 8, 10, 8]]


@pytest.mark.parametrize(
    ("iou_max", "max_boxes", "expected"),
    [(0.5, None, [1, 2]), (0.95, None, [1, 0, 2]), (0.95, 2, [1, 0]), (0.5, 1, [1])],
    ids=["suppress", "keep", "limit", "one"],
)
def test_nms(iou_max, max_boxes, expected):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]]
    rows = b.nms(boxes, [0.8, 0.9, 0.5], iou_max=iou_max, max_boxes=max_boxes)
    assert rows.tolist() == expected


def test_nms_ties_and_nothing():
    assert b.nms([[0, 0, 1, 1], [5, 5, 6, 6]], [0.5, 0.5], iou_max=0.5).tolist() == [0, 1]
    assert b.nms([], [], iou_max=0.5).tolist() == []


def test_layouts():
    assert b.xyxy_to_xywh([[1, 2, 4, 8]]).tolist() == [[1, 2, 3, 6]]
    assert b.cxcywh_to_xyxy([[2.5, 5, 3, 6]]).tolist() == [[1, 2, 4, 8]]
    assert b.cxcywh_to_xyxy([]).shape == b.xyxy_to_xywh([]).shape == (0, 4)


def test_scale_and_move(make_detections):
    assert b.scale_boxes([[1, 2, 3, 4]], 2).tolist() == [[2, 4, 6, 8]]
    assert b.scale_boxes([[1, 2, 3, 4]], (2, 0.5)).tolist() == [[2, 1, 6, 2]]
    moved = b.move_detections(make_detections([[1, 1, 2, 2]]), 10, 20, image_wh=(100, 90))
    assert moved.xyxy.tolist() == [[11, 21, 12, 22]]
    assert moved.image_wh == (100, 90)


def test_fusing_averages_what_suppression_would_drop():
    boxes = [[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]]
    fused, rows = b.fuse_boxes(boxes, [0.6, 0.3, 0.9], iou_min=0.5)
    assert rows.tolist() == [2, 0]
    np.testing.assert_allclose(fused, [[50, 50, 60, 60], [0.4, 0, 10.4, 10]], atol=1e-6)
    assert len(b.fuse_boxes(boxes, [0.6, 0.3, 0.9], iou_min=0.5, max_boxes=1)[0]) == 1
    assert b.fuse_boxes([], [], iou_min=0.5)[0].shape == (0, 4)
