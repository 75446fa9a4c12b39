"""Tiles: they cover the image, and what their borders cut is not reported twice."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from pipeline.config import load_config
from pipeline.detect.tiled import TiledDetector, plan_tiles
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
    tiled = TiledDetector(FakeDetector(), (160, 120), iou_max=0.5, max_boxes=20)
    found = tiled([picture, picture[:50, :50]])
    assert sorted(found[0].xyxy.tolist()) == sorted(map(list, boxes))
    assert len(found[1]) == 1


def test_tiles_from_the_settings(shapes_image):
    locator = Locator.open(load_config("fake", sets=["detect.tile_wh=[120, 80]"]))
    assert isinstance(locator.detector, TiledDetector)
    assert locator.locate([shapes_image], ["red"])[0].answer_xyxy() == (20, 10, 60, 40)
    with pytest.raises(ConfigError, match="greater than or equal to 32"):
        load_config(sets=["detect.tile_wh=[5, 5]"])
