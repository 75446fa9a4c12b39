"""Crops of false boxes: cut as in use, of no type, in a form that training reads."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
sys.path.insert(0, str(Path(__file__).parent.parent / "synth"))

from scene_library import make_library

from core.types import Detections, Image
from training.crops import CACHE_PX, open_upscaler, write_shard
from training.false_crops import FIRST_NUMBER, VIEW_RATIOS, find_false, make_false_shard
from training.mine import VIEW_WH
from training.reranker_data import CropCache

BOXES = [[50, 60, 90, 80], [500, 60, 530, 160]]


def detector(images: Sequence[Image]) -> list[Detections]:
    return [Detections.from_xyxy(BOXES, VIEW_WH, score=[0.9, 0.2]) for _ in images]


def nothing(images: Sequence[Image]) -> list[Detections]:
    return [Detections.from_xyxy(np.zeros((0, 4)), VIEW_WH, score=[]) for _ in images]


def test_every_false_box_of_every_view_becomes_a_crop_without_a_type(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    upscale = open_upscaler(None)
    part = library.backgrounds[:2]
    shard = make_false_shard(library, part, detector, upscale, seed=1)
    count = len(part) * len(VIEW_RATIOS) * len(BOXES)
    assert shard["images"].shape == (count, CACHE_PX, CACHE_PX, 3)
    assert shard["side_px"].tolist() == [40.0, 100.0] * (count // 2)
    again = make_false_shard(library, part, detector, upscale, seed=1)
    np.testing.assert_array_equal(shard["images"], again["images"])
    write_shard(tmp_path / "crops", FIRST_NUMBER, shard)
    cache = CropCache(tmp_path / "crops")
    assert len(cache) == count
    assert set(cache.facts.type_id.tolist()) == {-1}
    assert not cache.facts.shares.any()


def test_each_box_comes_with_the_view_it_is_in(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    images, boxes = find_false(library, library.backgrounds[0], detector, seed=1)
    assert [image.shape for image in images] == [(VIEW_WH[1], VIEW_WH[0], 3)] * len(boxes)
    assert boxes == BOXES * len(VIEW_RATIOS)


def test_photographs_without_a_false_box_give_no_crop(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    shard = make_false_shard(library, library.backgrounds, nothing, open_upscaler(None), seed=1)
    assert {len(array) for array in shard.values()} == {0}
