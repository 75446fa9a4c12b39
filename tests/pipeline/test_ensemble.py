"""Fusing several detectors and several views: by hand-made boxes, and from the settings."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.image import image_wh
from core.types import Detections
from pipeline.config import load_config
from pipeline.detect.augmented import FlippedDetector, mirror_detections, open_views
from pipeline.detect.ensemble import EnsembleDetector, fuse_weighted
from pipeline.fakes import FakeDetector
from pipeline.locate import Locator


def seen(xyxy, score, class_id=None):
    boxes = np.array(xyxy, np.float32).reshape(-1, 4)
    columns = {} if class_id is None else {"class_id": class_id, "class_names": ("a", "b")}
    return Detections.from_xyxy(boxes, (100, 50), score=np.array(score, np.float32), **columns)


def test_agreement_raises_a_box_above_a_surer_lone_one():
    first = seen([[0, 0, 10, 10], [50, 0, 60, 10]], [0.6, 0.8])
    second = seen([[2, 0, 12, 10]], [0.6])
    fused = fuse_weighted([first, second], iou_min=0.5)
    assert fused.xyxy.tolist() == [[1, 0, 11, 10], [50, 0, 60, 10]]
    np.testing.assert_allclose(fused.score, [0.6, 0.4], atol=1e-6)


def test_a_box_joins_the_fused_box_it_overlaps_most():
    first = seen([[0, 0, 10, 10], [8, 0, 18, 10]], [0.9, 0.8])
    second = seen([[7, 0, 17, 10]], [0.7])
    fused = fuse_weighted([first, second], iou_min=0.15)
    # It overlaps both by more: the surest by 3 of 17, the other by 9 of 11.
    np.testing.assert_allclose(fused.xyxy[:, 0], [8 - 0.7 / 1.5, 0], atol=1e-4)
    np.testing.assert_allclose(fused.score, [0.75, 0.45], atol=1e-6)


def test_one_object_is_one_box_whatever_its_looks_name_it():
    found = [seen([[0, 0, 10, 10]], [0.6], [0]), seen([[2, 0, 12, 10]], [0.8], [1])]
    fused = fuse_weighted(found, iou_min=0.5)
    assert (fused.class_id.tolist(), fused.class_names) == ([1], ("a", "b")), "the surest names it"
    np.testing.assert_allclose(fused.score, [0.7], atol=1e-6)
    np.testing.assert_allclose(fused.xyxy, [[1.6 / 1.4, 0, 10 + 1.6 / 1.4, 10]], atol=1e-5)


def test_nothing_found_is_fine():
    assert len(fuse_weighted([seen([], []), seen([], [])], iou_min=0.5)) == 0


def test_members_with_other_class_names_agree_on_one_thing():
    def member(xyxy, score, class_names, class_id):
        return lambda images: [
            Detections.from_xyxy(
                [xyxy], image_wh(image), score=[score], class_names=class_names, class_id=[class_id]
            )
            for image in images
        ]

    ours = member([0, 0, 10, 10], 0.6, ("object",), 0)
    public = member([2, 0, 12, 10], 0.6, ("person", "airplane"), 1)
    limits = {"iou_min": 0.5, "score_min": 0.1, "max_boxes": 5}
    picture = np.zeros((50, 100, 3), np.uint8)
    (found,) = EnsembleDetector([ours, public], **limits)([picture])
    assert (found.xyxy.tolist(), found.class_names) == ([[1, 0, 11, 10]], ("object",))
    np.testing.assert_allclose(found.score, [0.6], atol=1e-6)
    (found,) = EnsembleDetector([public, public], **limits)([picture])
    assert (found.class_names, found.class_id.tolist()) == (("person", "airplane"), [1])


def test_ensemble_keeps_its_limits():
    def detect(images):
        return [
            Detections.from_xyxy(
                [[x, 0, x + 5, 5] for x in range(0, 40, 10)],
                image_wh(image),
                score=np.array([0.9, 0.8, 0.7, 0.1], np.float32),
            )
            for image in images
        ]

    detector = EnsembleDetector([detect, detect], iou_min=0.5, score_min=0.2, max_boxes=2)
    (found,) = detector([np.zeros((50, 100, 3), np.uint8)])
    np.testing.assert_allclose(found.score, [0.9, 0.8], atol=1e-6)
    assert detector([]) == []


def test_mirrored_views_tell_where_things_really_are(shapes_image):
    plain, mirrored = FakeDetector(), FlippedDetector(FakeDetector())
    np.testing.assert_array_equal(plain([shapes_image])[0].xyxy, mirrored([shapes_image])[0].xyxy)
    empty = mirror_detections(seen([], []))
    assert len(empty) == 0


def test_views_from_the_settings(shapes_image):
    config = load_config("fake", sets=["detect.flip=true", "detect.scales=[0.5, 1.5]"])
    opened = []

    def open_one(part):
        opened.append(part.input_wh)
        return FakeDetector()

    assert isinstance(open_views(open_one, config.detect), EnsembleDetector)
    assert opened == [(960, 544), (480, 288), (1440, 832)]
    assert isinstance(open_views(open_one, load_config("fake").detect), FakeDetector)
    locator = Locator.open(config)
    assert locator.locate([shapes_image], ["blue"])[0].answer_xyxy() == (100, 50, 160, 90)
    with pytest.raises(ConfigError, match="less than or equal to 4"):
        load_config(sets=["detect.scales=[9.0]"])


def test_all_wrappers_compose(shapes_image):
    config = load_config(
        "fake",
        sets=[
            'detect.ensemble=["fake-detector"]', "detect.flip=true", "detect.level_count=2",
            "detect.tile_wh=[120, 80]", "detect.tile_merge=nmm",
        ],
    )  # fmt: skip
    locator = Locator.open(config)
    assert locator.provenance["detector"] == "fake-detector + fake-detector"
    result = locator.locate([shapes_image, shapes_image[:30, :90]], ["red"])[0]
    assert result.answer_xyxy() == (20, 10, 60, 40)
