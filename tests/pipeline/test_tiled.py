"""Tiles: they cover the image, and what their borders cut is not reported twice."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from core.errors import ConfigError
from core.image import image_wh
from core.types import Detections
from pipeline.config import load_config
from pipeline.detect.network import PARTS_AT_ONCE
from pipeline.detect.tiled import (
    MAX_TILES,
    TiledDetector,
    Tiling,
    auto_tile_wh,
    merge_parts,
    plan_tiles,
)
from pipeline.fakes import FakeDetector
from pipeline.locate import Locator


@pytest.mark.parametrize(
    ("image_wh", "tile_wh", "count"),
    [
        ((100, 100), (200, 200), 0),
        ((100, 100), (100, 100), 0),
        ((1000, 500), (600, 500), 2),
        ((1520, 870), (960, 544), 4),
        ((101, 7), (50, 50), 3),
    ],
)
def test_tiles_cover_the_image(image_wh, tile_wh, count):
    tiles = plan_tiles(image_wh, tile_wh)
    assert len(tiles) == count
    covered = np.zeros(image_wh[::-1], bool)
    for x1, y1, x2, y2 in tiles:
        assert x2 - x1 <= tile_wh[0]
        assert y2 - y1 <= tile_wh[1]
        covered[y1:y2, x1:x2] = True
    assert covered.all() or not count


def test_each_object_once():
    picture = np.full((200, 400, 3), 200, np.uint8)
    boxes = [[10, 10, 30, 30], [190, 90, 215, 110], [120, 150, 290, 170]]
    for x1, y1, x2, y2 in boxes:
        picture[y1:y2, x1:x2] = (255, 0, 0)
    tiled = TiledDetector(FakeDetector(), Tiling((160, 120), iou_max=0.5), whole=FakeDetector())
    found = tiled([picture, picture[:50, :50]])
    assert sorted(found[0].xyxy.tolist()) == sorted(map(list, boxes))
    assert len(found[1]) == 1


def test_tiles_from_the_settings(shapes_image):
    locator = Locator.open(load_config("fake", sets=["detect.tile_wh=[120, 80]"]))
    assert isinstance(locator.detector, TiledDetector)
    assert locator.locate([shapes_image], ["red"])[0].answer_xyxy() == (20, 10, 60, 40)
    with pytest.raises(ConfigError, match="greater than or equal to 32"):
        load_config(sets=["detect.tile_wh=[5, 5]"])


def test_tiles_of_all_images_are_one_call():
    calls = []

    def inner(views):
        calls.append([image_wh(view) for view in views])
        return FakeDetector()(views)

    pictures = [np.full((100, 300, 3), 200, np.uint8), np.full((90, 90, 3), 200, np.uint8)]
    tiled = TiledDetector(inner, Tiling((120, 100)), whole=None)
    assert [len(found) for found in tiled(pictures)] == [0, 0]
    # An image without tiles is looked at as a whole, where nobody else does.
    assert calls == [[(120, 100)] * 3 + [(90, 90)]]
    assert tiled([]) == []


@pytest.mark.parametrize("whole", [None, FakeDetector()])
def test_tiles_are_looked_at_in_groups_and_not_without_end(whole):
    picture = np.full((400, 1200, 3), 200, np.uint8)
    picture[300:320, 1100:1130] = (255, 0, 0)
    groups, alive = [], []

    def inner(views):
        groups.append(len(views))
        alive.extend(weakref.ref(view) for view in views)
        assert sum(ref() is not None for ref in alive) <= PARTS_AT_ONCE + 1
        return FakeDetector()(views)

    found = TiledDetector(inner, Tiling((120, 100)), whole=whole)([picture, picture])
    assert [one.xyxy.tolist() for one in found] == [[[1100, 300, 1130, 320]]] * 2
    assert max(groups) == PARTS_AT_ONCE
    assert sum(groups) == 2 * len(plan_tiles((1200, 400), (120, 100)))
    assert len(plan_tiles((16300, 10900), (960, 544))) < MAX_TILES
    with pytest.raises(ConfigError, match="20875 tiles of 32x32 pixels"):
        plan_tiles((4000, 3000), (32, 32))


def test_what_a_border_cuts_and_the_whole_look_missed_is_not_lost():
    picture = np.full((100, 300, 3), 200, np.uint8)
    picture[40:60, 140:165] = (255, 0, 0)

    def blind(images):
        return [Detections.empty(image_wh(image)) for image in images]

    tiling = Tiling((150, 100), overlap_ratio=0.0, iou_max=0.5)
    (found,) = TiledDetector(FakeDetector(), tiling, whole=blind)([picture])
    assert sorted(found.xyxy.tolist()) == [[140, 40, 150, 60], [150, 40, 165, 60]]
    (found,) = TiledDetector(FakeDetector(), tiling, whole=FakeDetector())([picture])
    assert found.xyxy.tolist() == [[140, 40, 165, 60]]


def test_automatic_tiles_are_seen_without_shrinking():
    tiling = Tiling(None, input_wh=(960, 544))
    assert len(tiling.tiles((1100, 600))) == 0
    sizes = {(x2 - x1, y2 - y1) for x1, y1, x2, y2 in tiling.tiles((4000, 3000)).tolist()}
    assert sizes == {(960, 544)}
    assert auto_tile_wh((3000, 4000), (960, 544)) == (544, 960)
    assert auto_tile_wh((3000, 4000), (960, 544), turns=False) == (960, 544)
    assert auto_tile_wh((600, 1100), (960, 544), turns=False) == (960, 544)


@pytest.mark.parametrize(
    ("merge", "expected"), [("nmm", [[60, 40, 240, 60]]), ("nms", [[75, 40, 225, 60]])]
)
def test_parts_of_an_object_across_tiles_are_joined(merge, expected):
    picture = np.full((100, 300, 3), 200, np.uint8)
    picture[40:60, 60:240] = (255, 0, 0)
    tiling = Tiling((150, 100), iou_max=0.3, merge=merge)
    (found,) = TiledDetector(FakeDetector(), tiling, whole=None)([picture])
    assert found.xyxy.tolist() == expected


def test_a_piece_of_what_another_tile_shows_whole_is_dropped():
    picture = np.full((100, 300, 3), 200, np.uint8)
    picture[40:60, 80:145] = (255, 0, 0)  # whole in the first tile, cut by the second
    picture[10:30, 60:240] = (0, 0, 255)  # cut by all three
    (found,) = TiledDetector(FakeDetector(), Tiling((150, 100)), whole=None)([picture])
    assert sorted(found.xyxy.tolist()) == [[75, 10, 225, 30], [80, 40, 145, 60]]
    (with_whole,) = TiledDetector(FakeDetector(), Tiling((150, 100)), whole=FakeDetector())(
        [picture]
    )
    assert sorted(with_whole.xyxy.tolist()) == [[60, 10, 240, 30], [80, 40, 145, 60]]


def test_merging_keeps_the_surest_score_and_the_limit(make_detections):
    boxes = [[0, 0, 20, 20], [10, 0, 30, 20], [40, 0, 60, 20]]
    seen = make_detections(boxes, score=np.array([0.5, 0.9, 0.7], np.float32))
    merged = merge_parts(seen, iou_max=0.4, max_boxes=9)
    assert merged.xyxy.tolist() == [[0, 0, 30, 20], [40, 0, 60, 20]]
    np.testing.assert_allclose(merged.score, [0.9, 0.7], atol=1e-6)
    assert len(merge_parts(seen, iou_max=0.4, max_boxes=1)) == 1
    assert len(merge_parts(seen[:0], iou_max=0.4, max_boxes=1)) == 0
