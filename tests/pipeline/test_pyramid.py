"""Several scales: large objects come from coarse levels, and none of their parts is reported."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.image import image_wh
from core.types import Detections
from pipeline.config import load_config
from pipeline.detect.pyramid import Level, PyramidDetector, without_parts
from pipeline.locate import Locator


def fixed(xyxy, score):
    """A detector that always sees the same."""

    def detect(images):
        return [
            Detections.from_xyxy(
                np.array(xyxy, np.float32).reshape(-1, 4),
                image_wh(image),
                score=np.array(score, np.float32),
            )
            for image in images
        ]

    return detect


def merged(*levels):
    inputs = [(200 >> number, 100 >> number) for number in range(len(levels))]
    pairs = [Level(fixed(*level), wh) for level, wh in zip(levels, inputs, strict=True)]
    detector = PyramidDetector(pairs, iou_max=0.5, max_boxes=3)
    (found,) = detector([np.zeros((100, 200, 3), np.uint8)])
    return found.xyxy.round().tolist()


WHOLE = [10, 10, 150, 90]
PART = [12, 20, 60, 60]
FAR = [170, 10, 190, 20]


def test_an_object_is_kept_once_where_the_levels_agree():
    # Weights 0.16 and 0.64: four fifths of the way to the surer one.
    assert merged(([WHOLE], [0.4]), ([[20, 10, 160, 90]], [0.8])) == [[18, 10, 158, 90]]


def test_each_level_reports_the_sizes_that_it_sees_well():
    tiny, small, large = [5, 5, 13, 13], [30, 5, 60, 30], [10, 40, 195, 95]
    seen = ([tiny, small, large], [0.9, 0.8, 0.7])
    image = [np.zeros((100, 200, 3), np.uint8)]

    def boxes_of(*levels):
        (found,) = PyramidDetector(levels, iou_max=0.5, max_boxes=9)(image)
        return found.xyxy.round().tolist()

    nothing = fixed([], [])
    assert boxes_of(Level(fixed(*seen), (400, 200)), Level(nothing, (200, 100))) == [tiny, small]
    assert boxes_of(Level(nothing, (200, 100)), Level(fixed(*seen), (100, 50))) == [small, large]


def test_parts_of_what_a_coarser_level_saw_whole_are_dropped():
    assert merged(([PART, FAR], [0.5, 0.4]), ([WHOLE], [0.9])) == [WHOLE, FAR]


@pytest.mark.parametrize(
    "levels",
    [
        (([PART], [0.9]), ([WHOLE], [0.5])),  # the part is surer: it may stand in front
        (([PART], [0.4]), ([WHOLE], [0.5])),  # as sure, nearly
        (([PART, WHOLE], [0.5, 0.9]), ([], [])),  # both from the same level
    ],
)
def test_other_nested_boxes_stay(levels):
    assert sorted(merged(*levels)) == sorted([WHOLE, PART])


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.5, 0.6], "neighbours"),
        ([0.5, 0.1], "whole"),  # one beside a part of it may be chance
        ([0.2, 0.1], "neither"),
    ],
)
def test_neighbours_that_a_coarser_level_took_for_one_object(scores, kept):
    one, other = [20, 20, 60, 60], [70, 70, 110, 110]
    boxes = merged(([one, other], scores), ([[15, 15, 115, 115]], [0.7]))
    both = {
        "neighbours": [other, one],
        "whole": [[15, 15, 115, 115], one],
        "neither": [[15, 15, 115, 115]],
    }
    assert boxes == both[kept]


def test_overlapping_views_of_one_part_are_not_neighbours():
    seen = ([[20, 20, 60, 60], [26, 26, 66, 66]], [0.6, 0.6])
    assert [15, 15, 115, 115] in merged(seen, ([[15, 15, 115, 115]], [0.7]))


def test_at_most_so_many_and_none_is_fine():
    boxes = [[x, 0, x + 10, 10] for x in range(0, 100, 20)]
    assert len(merged((boxes, [0.5] * 5), ([], []))) == 3
    assert merged(([], []), ([], [])) == []
    assert without_parts(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)).tolist() == []


def test_levels_from_the_settings(shapes_image):
    locator = Locator.open(load_config("fake", sets=["detect.level_count=2"]))
    assert isinstance(locator.detector, PyramidDetector)
    assert locator.locate([shapes_image], ["red"])[0].answer_xyxy() == (20, 10, 60, 40)
    config = load_config("mini").detect
    assert config.at_level(0).input_wh == (960, 544)
    assert config.at_level(1).input_wh == (480, 256)
    assert config.at_level(2).input_wh == (224, 128)
    odd = config.model_copy(update={"input_wh": (100, 50)})
    assert [odd.at_level(number).input_wh for number in range(3)] == [(100, 50), (32, 32), (32, 32)]
    with pytest.raises(ConfigError, match="less than or equal to 4"):
        load_config(sets=["detect.level_count=5"])
