"""Light and shade of photographs over objects: brightness alone, the same each time."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import make_library

from synth.config import SceneConfig
from synth.library import Library
from synth.plan import ScenePlan, Texture, scene_rng
from synth.render import render
from synth.sample import sample_scene
from synth.texture import sample_texture, texture_object

PLAIN = SceneConfig(
    canvas_wh=(192, 108), count_range=(1, 1), empty_ratio=0, size_px_range=(60, 90),
    clutter_ratio=0, occluder_ratio=0, distractor_ratio=0, truncated_ratio=0, perspective_ratio=0,
    full_frame_ratio=0, clarity_min=0, effects="none", blend_weights={"none": 1},
    match_noise=False, match_sharpness=False, texture_max=1.0,
)  # fmt: skip
RNG = np.random.default_rng(5)
PHOTOGRAPH = RNG.integers(0, 256, (40, 60, 3), np.uint8)


def paint(rgb: tuple[int, int, int]) -> np.ndarray:
    """A half opaque rectangle, premultiplied, with a clear rim."""
    rgba = np.zeros((24, 32, 4), np.float32)
    rgba[2:-2, 2:-2] = (*(channel * 0.5 for channel in rgb), 127.5)
    return rgba


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("library"))


def scene(library: Library, ratio: float, seed: int = 1) -> ScenePlan:
    config = PLAIN.model_copy(update={"texture_ratio": ratio})
    return sample_scene(scene_rng(seed, 0), library, config)


@pytest.mark.parametrize("rgb", [(180, 90, 40), (250, 250, 250), (12, 12, 12)])
def test_brightness_changes_and_outline_and_hue_stay(rgb: tuple[int, int, int]) -> None:
    plain = paint(rgb)
    texture = sample_texture(RNG, "x", (60, 40), 32, 0.6)
    textured = texture_object(plain, PHOTOGRAPH, replace(texture, depth=0.6))
    np.testing.assert_array_equal(textured[..., 3], plain[..., 3])
    assert (textured[..., :3] <= textured[..., 3:]).all()
    assert (textured >= 0).all()
    inside = textured[2:-2, 2:-2, :3] * 2
    assert inside.mean(axis=2).std() > 4, "even white and black paint show it"
    order = np.argsort(rgb)
    if len(set(rgb)) == 3:
        bright = inside[inside.min(axis=2) > 8]
        assert (np.diff(bright[:, order], axis=1) > -0.5).all(), "red is not made green"


def test_a_plain_piece_of_sky_leaves_the_object_plain() -> None:
    sky = np.full((40, 60, 3), 180, np.uint8)
    sky[::2] += 1  # as little as rounding leaves
    plain = paint((180, 90, 40))
    textured = texture_object(plain, sky, Texture("x", (0.1, 0.1, 0.6, 0.85), 0.6))
    assert np.abs(textured - plain).max() < 8


def test_pieces_lie_within_the_photograph_whatever_the_size() -> None:
    for long_side_px in (1.0, 9.0, 40.0, 900.0):
        for _ in range(50):
            texture = sample_texture(RNG, "x", (60, 40), long_side_px, 0.5)
            x1, y1, x2, y2 = texture.window_ratio_xyxy
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            assert (x2 - x1) * 60 == pytest.approx((y2 - y1) * 40, abs=0.01), "a square"
            assert 0 < texture.depth <= 0.5
            textured = texture_object(paint((90, 90, 200)), PHOTOGRAPH, texture)
            assert np.isfinite(textured).all()


def test_without_it_scenes_are_what_they_were(library: Library) -> None:
    plan = scene(library, 0.0)
    assert [item.texture for item in plan.placements] == [None]
    rows = plan.to_dict()
    del rows["placements"][0]["texture"]  # as in manifests of before
    assert ScenePlan.from_dict(rows) == plan


def test_boxes_stay_and_plans_draw_the_same_again(library: Library) -> None:
    plan = scene(library, 1.0)
    (placement,) = plan.placements
    assert placement.texture is not None
    assert placement.texture.background == plan.background
    again = ScenePlan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    bare = replace(plan, placements=(replace(placement, texture=None),))
    textured, plain = render(plan, library), render(bare, library)
    np.testing.assert_array_equal(render(again, library).image, textured.image)
    np.testing.assert_array_equal(textured.xyxy, plain.xyxy)
    assert np.abs(textured.image.astype(int) - plain.image).max() > 8
