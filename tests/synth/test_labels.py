"""Boxes and outlines against what was really painted, on many scenes, before and after effects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset.outlines import outline_area
from synth.config import SceneConfig
from synth.effects import EffectStep
from synth.library import Background, Cutout, Library
from synth.plan import scene_rng
from synth.render import ALPHA_MIN, Rendered, render
from synth.sample import sample_scene

# One object of each colour on black: each channel of the image is the visible alpha of one object.
COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
BARE = {
    "canvas_wh": (192, 108),
    "size_px_range": (10, 90),
    "count_range": (1, 3),
    "empty_ratio": 0,
    "formation_ratio": 0,
    "clutter_ratio": 0,
    "occluder_ratio": 0,
    "full_frame_ratio": 0,
    "match_ratio_max": 0,
    "haze_ratio_max": 0,
    "vary_light": False,
    "match_noise": False,
    "match_sharpness": False,
    "effects": "none",
}


@pytest.fixture(scope="module")
def coded_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("coded")
    cutouts = []
    for number, color in enumerate(COLORS):
        image = np.zeros((60, 140, 4), np.uint8)
        image[..., :3] = color[::-1]
        alpha = np.ascontiguousarray(image[..., 3])
        cv2.ellipse(alpha, (70, 30), (60, 12 + 4 * number), 0, 0, 360, 255, -1, cv2.LINE_AA)
        cv2.line(alpha, (60, 4), (80 + 9 * number, 56), 255, 7, cv2.LINE_AA)
        image[..., 3] = alpha
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        cutouts.append(Cutout(str(number), path, f"kind {number}", f"thing {number}", str(number)))
    cv2.imwrite(str(folder / "black.png"), np.zeros((108, 192, 3), np.uint8))
    return Library(cutouts, [Background("black", folder / "black.png", "black")])


def channel_extent(scene: Rendered, cutout: str) -> tuple[list[int], float] | None:
    """The extent of an object's visible pixels, and how much of it is seen, from the image."""
    channel = scene.image[..., int(cutout)]
    ys, xs = np.nonzero(channel >= ALPHA_MIN)
    if not len(xs):
        return None
    extent = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]
    return extent, float(channel.sum()) / 255


def test_boxes_are_the_visible_extent_on_500_scenes(coded_library: Library) -> None:
    config = SceneConfig(
        **BARE,
        rotation_deg_max=180,
        perspective_ratio=0.5,
        overlap_ratio=0.8,
        overlap_iou_max=1,
        truncated_ratio=0.3,
        truncation_max=0.95,
    )
    checked = hidden = 0
    for index in range(500):
        plan = sample_scene(scene_rng(11, index), coded_library, config)
        scene = render(plan, coded_library, outlines=True)
        names = [placement.cutout for placement in plan.placements]
        assert len(scene.xyxy) + scene.num_dropped == len(names)
        for row, cutout in enumerate(scene.cutouts):
            if names.count(cutout) > 1:
                continue
            extent, _ = channel_extent(scene, cutout)
            # One grey level of rounding may move a pixel over the limit: under half a pixel.
            assert np.abs(scene.xyxy[row] - extent).max() <= 1
            checked += np.array_equal(scene.xyxy[row], extent)
            hidden += scene.visible_ratio[row] < 0.9
            points = np.concatenate(scene.outlines[row])
            bounds = [*points.min(axis=0), *points.max(axis=0)]
            assert np.abs(bounds - scene.xyxy[row]).max() < 0.01, "outlines fill their box"
        assert (scene.visible_ratio >= config.visible_ratio_min).all()
        assert (scene.xyxy >= 0).all()
        assert (scene.xyxy <= [192, 108, 192, 108]).all()
    assert checked > 500
    assert hidden > 60, "the test saw covered and cut objects"


def test_outlines_cover_what_is_seen(coded_library: Library) -> None:
    config = SceneConfig(**{**BARE, "blend_weights": {"none": 1}, "count_range": (1, 1)})
    for index in range(20):
        plan = sample_scene(scene_rng(3, index), coded_library, config)
        scene = render(plan, coded_library, outlines=True)
        for row, cutout in enumerate(scene.cutouts):
            seen_px = (scene.image[..., int(cutout)] >= ALPHA_MIN).sum()
            area = sum(map(outline_area, scene.outlines[row]))
            perimeter = 2 * (scene.xyxy[row, 2:] - scene.xyxy[row, :2]).sum()
            assert abs(area - seen_px) < 0.12 * perimeter + 2


@pytest.mark.parametrize(
    ("transform", "arguments"),
    [
        ("Perspective", {"scale": [0.05, 0.1]}),
        ("Affine", {"rotate": [20, 40], "shear": [5, 10]}),
        ("HorizontalFlip", {}),
        ("RandomRotate90", {}),
        ("RandomCrop", {"height": 80, "width": 120}),
        ("ElasticTransform", {"alpha": 40, "sigma": 8}),
        ("Resize", {"height": 216, "width": 384}),
    ],
)
def test_labels_follow_moved_pixels(
    coded_library: Library, transform: str, arguments: dict[str, object]
) -> None:
    pytest.importorskip("albumentations")
    config = SceneConfig(**{**BARE, "size_px_range": (30, 90), "overlap_ratio": 0})
    checked = 0
    for index in range(12):
        plan = sample_scene(scene_rng(8, index), coded_library, config)
        step = EffectStep("albumentations", {"seed": index}, transform, arguments)
        moved = render(_with_effects(plan, step), coded_library, outlines=True)
        placed = [item.cutout for item in plan.placements]
        for row, cutout in enumerate(moved.cutouts):
            if placed.count(cutout) > 1:  # pixels without a box are its too
                continue
            extent, _ = channel_extent(moved, cutout)
            assert np.abs(moved.xyxy[row] - extent).max() <= 2.5
            points = np.concatenate(moved.outlines[row])
            assert points.min() >= 0
            checked += 1
    assert checked >= 5


def test_flips_of_the_origin_move_labels_exactly(coded_library: Library) -> None:
    config = SceneConfig(**BARE)
    for index in range(9):
        plan = sample_scene(scene_rng(2, index), coded_library, config)
        still = render(plan, coded_library, outlines=True)
        axis = index % 3
        moved = render(
            _with_effects(plan, EffectStep("flip", {"axis": axis})), coded_library, outlines=True
        )
        assert len(moved.xyxy) == len(still.xyxy)
        for row, cutout in enumerate(moved.cutouts):
            extent, _ = channel_extent(moved, cutout)
            unmoved, _ = channel_extent(still, cutout)
            assert np.abs(moved.xyxy[row] - extent).max() == (
                np.abs(still.xyxy[row] - unmoved).max()
            )
            bounds = np.concatenate(moved.outlines[row])
            assert bounds.min(axis=0) == pytest.approx(moved.xyxy[row, :2], abs=0.01)


@pytest.mark.parametrize(
    "step",
    [None, EffectStep("flip", {"axis": 0}),
     EffectStep("albumentations", {"seed": 4}, "Affine", {"rotate": [20, 40]})],
    ids=["still", "flipped", "turned"],
)  # fmt: skip
def test_distractors_have_no_label_but_are_told_where_they_are(
    coded_library: Library, step: EffectStep | None
) -> None:
    if step and step.name == "albumentations":
        pytest.importorskip("albumentations")
    kinds = [replace(cutout, labelled=cutout.name != "2") for cutout in coded_library.cutouts]
    some_bare = Library(kinds, coded_library.backgrounds)
    config = SceneConfig(**{**BARE, "count_range": (3, 3)})
    told = 0
    for index in range(8):
        plan = sample_scene(scene_rng(5, index), coded_library, config)
        plan = _with_effects(plan, step) if step else plan
        everything, scene = render(plan, coded_library), render(plan, some_bare)
        is_bare = np.array([name == "2" for name in everything.cutouts], bool)
        np.testing.assert_array_equal(scene.image, everything.image)
        np.testing.assert_array_equal(scene.xyxy, everything.xyxy[~is_bare])
        np.testing.assert_array_equal(scene.distractors_xyxy, everything.xyxy[is_bare])
        assert "2" not in scene.cutouts
        assert scene.num_dropped == sum(
            placement.cutout != "2" for placement in plan.placements
        ) - len(scene.xyxy)
        told += is_bare.sum()
    assert told > 3


def test_objects_cropped_away_lose_their_box(coded_library: Library) -> None:
    pytest.importorskip("albumentations")
    config = SceneConfig(**{**BARE, "count_range": (3, 3), "size_px_range": (20, 40)})
    step = EffectStep("albumentations", {"seed": 1}, "RandomCrop", {"height": 54, "width": 64})
    before = after = 0
    for index in range(10):
        plan = sample_scene(scene_rng(6, index), coded_library, config)
        before += len(render(plan, coded_library).xyxy)
        moved = render(_with_effects(plan, step), coded_library)
        assert (moved.xyxy <= [64, 54, 64, 54]).all()
        assert (moved.visible_ratio >= config.visible_ratio_min).all()
        assert len(moved.xyxy) + moved.num_dropped == len(plan.placements)
        after += len(moved.xyxy)
    assert 0 < after < before


def _with_effects(plan: object, *steps: EffectStep) -> object:
    return replace(plan, effects=steps)


def test_nothing_is_painted_by_an_empty_plan(coded_library: Library, tmp_path: Path) -> None:
    config = SceneConfig(**{**BARE, "empty_ratio": 1})
    scene = render(sample_scene(scene_rng(0, 0), coded_library, config), coded_library)
    assert not scene.image.any()
    assert len(scene.xyxy) == 0
