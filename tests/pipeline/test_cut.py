"""The crop rule: square, whole pixels, inside the image; windows with real context."""

from __future__ import annotations

import numpy as np
import pytest

from core.types import Detections
from pipeline.config import UpscaleConfig
from pipeline.cut import BUCKETS_PX, MAX_SIDE_PX, crop_regions, cut, plan_windows, read_window
from pipeline.fakes import FakeUpscaler
from pipeline.upscale.lanczos import LanczosUpscaler


@pytest.mark.parametrize(
    ("box", "image_wh", "expected"),
    [
        ((40, 40, 60, 50), (100, 80), (38, 33, 62, 57)),
        ((10, 10, 11, 11), (100, 80), (7, 7, 15, 15)),
        ((0, 0, 20, 20), (100, 80), (0, 0, 24, 24)),
        ((80, 60, 100, 80), (100, 80), (76, 56, 100, 80)),
        ((0, 0, 100, 80), (100, 80), (0, 0, 100, 80)),
        ((5, 20, 75, 30), (200, 60), (0, 0, 84, 60)),
        ((0, 0, 1, 1), (1, 1), (0, 0, 1, 1)),
        ((0, 0, 3, 3), (4, 100), (0, 0, 4, 8)),
    ],
    ids=["middle", "least", "corner", "far-corner", "whole", "flat", "pixel", "narrow"],
)
def test_regions(box, image_wh, expected):
    assert tuple(crop_regions([box], image_wh)[0]) == expected


def test_regions_of_nothing_and_of_much(rng):
    assert crop_regions(np.zeros((0, 4)), (10, 10)).shape == (0, 4)
    low = rng.uniform(0, 150, (500, 2))
    high = low + rng.uniform(0.5, 50, (500, 2))
    boxes = np.clip(np.concatenate([low, high], 1), 0, [199, 170] * 2)
    regions = crop_regions(boxes, (199, 170))
    assert (regions[:, :2] >= 0).all()
    assert (regions[:, 2:] <= [199, 170]).all()
    # Every box lies in its region, and regions that fit are square.
    assert (regions[:, :2] <= boxes[:, :2]).all()
    assert (regions[:, 2:] >= boxes[:, 2:]).all()
    sides = regions[:, 2:] - regions[:, :2]
    assert (sides[:, 0] == sides[:, 1]).all()


def test_no_pixel_is_gained_by_rounding():
    """1.2 times 10 is 12, also for boxes that float32 cannot hold exactly."""
    for left in (0.1, 100.3, 1000.7):
        region = crop_regions(np.array([[left, 50, left + 10, 55]], np.float32), (1520, 870))[0]
        assert region[2] - region[0] == 12


def test_cut_shows_the_pixels(image, make_detections):
    picture = image((64, 48))
    crops = cut(picture, make_detections([[10, 10, 30, 20], [50, 40, 64, 48]]))
    for crop, (x1, y1, x2, y2) in zip(crops.images, crops.region_xyxy, strict=True):
        np.testing.assert_array_equal(crop, picture[y1:y2, x1:x2])
    assert crops.row.tolist() == [0, 1]
    assert crops.scale.tolist() == [1, 1]
    assert len(cut(picture, Detections.empty((64, 48)))) == 0


@pytest.mark.parametrize("shape", ["square", "box"])
def test_crops_of_a_huge_picture_are_no_larger_than_anybody_looks_at(shape):
    picture = np.zeros((1500, 3000, 3), np.uint8)
    picture[:, 1500:] = 200
    boxes = [[0, 100, 2990, 101], [1400, 600, 1600, 700], [500, 0, 2500, 1500]]
    crops = cut(picture, Detections.from_xyxy(boxes, (3000, 1500)), context_ratio=0, shape=shape)
    assert sum(image.nbytes for image in crops.images) < 3 * 3 * MAX_SIDE_PX**2
    assert [max(image.shape[:2]) for image in crops.images] == [1024, 200, 1024]
    assert crops.region_xyxy[0, 2] == 2990
    assert crops.scale[1] == 1
    # What is seen stays where it was, and is enlarged no more.
    assert crops.images[0].shape[0] == (1 if shape == "box" else 514)
    assert [crops.images[2][0, side].tolist() for side in (0, -1)] == [[0] * 3, [200] * 3]
    for upscaler in (LanczosUpscaler(UpscaleConfig(below_px=512)), FakeUpscaler()):
        (larger,) = upscaler([crops])
        assert (larger.scale / crops.scale).tolist() == [1, 4, 1]


@pytest.mark.parametrize("image_wh", [(200, 160), (40, 300), (20, 20), (1, 1)])
def test_windows_hold_their_regions(rng, image, image_wh):
    picture = image(image_wh)
    low = rng.uniform(0, 0.8, (30, 2)) * image_wh
    high = np.minimum(low + rng.uniform(0.1, 0.5, (30, 2)) * image_wh, image_wh)
    regions = crop_regions(np.concatenate([low, high], 1), image_wh)
    windows = plan_windows(regions, image_wh, below_px=96)
    small = [i for i, r in enumerate(regions) if (r[2:] - r[:2]).max() < 96]
    assert [window.index for window in windows] == small
    for window in windows:
        pixels = read_window(picture, window)
        assert pixels.shape == (window.side_px, window.side_px, 3)
        assert window.side_px in BUCKETS_PX
        x1, y1, x2, y2 = window.inner_xyxy
        rx1, ry1, rx2, ry2 = regions[window.index]
        np.testing.assert_array_equal(pixels[y1:y2, x1:x2], picture[ry1:ry2, rx1:rx2])


def test_windows_have_a_real_margin():
    window = plan_windows([[100, 100, 130, 130]], (1520, 870), below_px=96)[0]
    assert window.side_px == 48
    assert window.xyxy == (91, 91, 139, 139)
    assert window.inner_xyxy == (9, 9, 39, 39)
    corner = plan_windows([[0, 0, 30, 30]], (1520, 870), below_px=96)[0]
    assert corner.xyxy == (0, 0, 48, 48)
    assert plan_windows([[0, 0, 96, 96]], (1520, 870), below_px=96) == []
    huge = plan_windows([[0, 0, 200, 200]], (1520, 870), below_px=300)[0]
    assert huge.side_px == 216


def test_small_pictures_repeat_their_edge():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    window = plan_windows([[0, 0, 2, 2]], (2, 2), below_px=96)[0]
    pixels = read_window(picture, window)
    assert (pixels[0, 0] == picture[0, 0]).all()
    assert (pixels[-1, -1] == picture[-1, -1]).all()
