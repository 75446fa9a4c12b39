"""Letterbox and decoding, without a network."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.config import DetectConfig
from pipeline.detect.letterbox import letterbox, letterbox_wh
from pipeline.detect.network import choose_boxes
from pipeline.detect.yolo import YoloDetector
from pipeline.engines.base import TensorSpec


@pytest.mark.parametrize(
    ("wh", "resized", "padded"),
    [
        ((1520, 870), (950, 544), (960, 544)),
        ((1920, 1080), (960, 540), (960, 544)),
        ((1080, 1920), (540, 960), (544, 960)),
        ((100, 80), (200, 160), (224, 160)),
        ((1, 1), (2, 2), (32, 32)),
        ((10_000, 3), (960, 1), (960, 32)),
    ],
    ids=["scene", "hd", "upright", "small", "pixel", "line"],
)
def test_letterbox_sizes(wh, resized, padded):
    assert letterbox_wh(wh, (960, 544)) == (resized, padded)


def test_letterbox_pads_and_keeps_colors():
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[..., 0] = 255
    tensor, scale = letterbox(picture, (320, 320))
    assert tensor.shape == (3, 128, 320)
    assert tensor.dtype == np.float32
    assert tensor[:, 50, 100].tolist() == [1, 0, 0]
    np.testing.assert_allclose(tensor[:, 120, 100], 114 / 255, rtol=1e-6)
    assert scale == (320 / 300, 107 / 100)


def raw(*rows):
    """(4 + classes, anchors) from rows of cx, cy, w, h, scores."""
    return np.array(rows, np.float32).T


def decode(output, *, image_wh, scale_xy, config, class_names=("object",)):
    """The boxes that are chosen of what a network gave for one image."""
    engine = SimpleNamespace(inputs=(TensorSpec("images", "float32", (None, 3, None, None)),))
    detector = YoloDetector(engine, config, class_names)
    return choose_boxes(
        detector.decode({"output0": output}, (640, 640)),
        image_wh=image_wh, scale_xy=scale_xy, config=config, class_names=class_names,
    )  # fmt: skip


def test_decode_scales_clips_and_suppresses():
    output = raw(
        (100, 50, 20, 20, 0.6),
        (101, 50, 20, 20, 0.9),
        (200, 50, 20, 20, 0.3),
        (5, 5, 20, 20, 0.5),
        (300, 50, 20, 20, 0.1),
        (-50, -50, 20, 20, 0.95),
        (50, 90, 0, 20, 0.95),
    )
    seen = decode(
        output, image_wh=(640, 200), scale_xy=(0.5, 0.5), config=DetectConfig(score_min=0.25)
    )
    assert seen.xyxy.tolist() == [[182, 80, 222, 120], [0, 0, 30, 30], [380, 80, 420, 120]]
    assert seen.score.tolist() == pytest.approx([0.9, 0.5, 0.3])


def test_decode_limits_and_classes():
    output = raw((10, 10, 8, 8, 0.2, 0.9), (50, 10, 8, 8, 0.8, 0.1), (90, 10, 8, 8, 0.7, 0.1))
    config = DetectConfig(max_boxes=2)
    seen = decode(
        output, image_wh=(100, 20), scale_xy=(1, 1), config=config, class_names=("a", "b")
    )
    assert seen.class_id.tolist() == [1, 0]
    assert seen.class_names == ("a", "b")


def test_decode_nothing():
    output = np.zeros((5, 0), np.float32)
    assert len(decode(output, image_wh=(9, 9), scale_xy=(1, 1), config=DetectConfig())) == 0
    assert len(decode(raw((5, 5, 2, 2, 0.0)), image_wh=(9, 9), scale_xy=(1, 1),
                           config=DetectConfig())) == 0  # fmt: skip
