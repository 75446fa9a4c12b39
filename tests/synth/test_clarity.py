"""How clearly an object can be made out, and that what nobody could find is not there."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import make_library, write_library
from test_scenes import make_placement, make_plan

from synth.blends import same_objects
from synth.clarity import Look, look_at
from synth.config import load_scene_config
from synth.effects import EffectStep
from synth.library import Library, read_library
from synth.plan import Clutter, Light, ScenePlan
from synth.render import render
from synth.splits import part_library, sample_image


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("library"))


def _noise(std: float) -> EffectStep:
    return EffectStep("noise", {"std": std, "color_ratio": 1.0, "seed": 3})


def _clarity(change: float, side: int, *steps: EffectStep, grain: float = 0.0) -> float:
    """Of a square this much lighter than the grey around it."""
    look = _look(change, side, *steps, grain=grain)
    return look.clarity()


def _look(
    change: float, side: int, *steps: EffectStep, grain: float = 0.0, arm: float = 0.0
) -> Look:
    """At that square; with an arm of the square's length to its right, half as wide as a part."""
    rng = np.random.default_rng(0)
    canvas = 120 + rng.normal(0, grain, (2 * side, 3 * side, 1)) * np.ones(3)
    bare = np.clip(canvas, 0, 255).astype(np.uint8)
    square = np.zeros((2 * side, 3 * side), bool)
    square[side // 2 : side // 2 + side, side // 2 : side // 2 + side] = True
    lighter = np.where(square, np.float32(change), np.float32(0))
    if arm:
        lighter[side : side + max(side // 16, 1), side // 2 + side : side // 2 + 2 * side] = arm
    painted = (bare + lighter[..., None]).clip(0, 255).astype(np.uint8)
    alpha = np.zeros(lighter.shape, np.float32)
    alpha[(lighter > 0) | square] = 255
    look = look_at(painted, bare, alpha, (0, 0), steps)
    assert look is not None
    return look


def test_a_flat_square_before_flat_grey_has_its_contrast():
    # Without noise only what no eye tells apart is left: two grey levels.
    assert _clarity(20, 24) == pytest.approx(20 / 2, rel=0.02)
    assert _clarity(0, 24) == 0


def test_more_contrast_is_clearer_and_grain_hides():
    assert _clarity(40, 24) > _clarity(20, 24) > _clarity(20, 24, _noise(20)) > 0
    assert _clarity(20, 24, _noise(20)) > 1.5 * _clarity(20, 24, _noise(60))
    assert _clarity(20, 24, grain=10) < 0.5 * _clarity(20, 24)


def test_grain_is_averaged_over_an_eighth_of_the_object():
    # 9 px a cell instead of one: a ninth of the noise, and the floor.
    small, large = _clarity(20, 8, _noise(30)), _clarity(20, 72, _noise(30))
    assert large > 4 * small


def test_few_pixels_are_less_clear_than_many():
    sizes = [_clarity(20, side) for side in (4, 8, 24, 96, 160)]
    assert sizes == sorted(sizes)
    assert sizes[3] == pytest.approx(sizes[4], rel=0.02), "above 96 px nothing is gained"


def test_what_loses_contrast_loses_clarity():
    haze = EffectStep("haze", {"ratio": 0.8, "level": 200.0})
    assert _clarity(40, 24, haze) == pytest.approx(0.2 * _clarity(40, 24), rel=0.1)


def test_an_edge_behind_it_hides_nothing():
    side = 48
    bare = np.full((2 * side, 2 * side, 3), 90, np.uint8)
    bare[side:] = 200
    alpha = np.zeros(bare.shape[:2], np.float32)
    alpha[side - 12 : side + 12, side - 12 : side + 12] = 255
    painted = np.where(alpha[..., None] > 0, 20, bare).astype(np.uint8)
    look = look_at(painted, bare, alpha, (0, 0), ())
    assert look is not None
    assert look.clarity() > 20


def test_steps_that_move_pixels_are_left_out():
    flip = EffectStep("flip", {"axis": 0.0})
    assert _clarity(20, 24, flip) == _clarity(20, 24)


def test_what_is_not_there_is_not_looked_at():
    image = np.zeros((10, 10, 3), np.uint8)
    assert look_at(image, image, np.zeros((10, 10), np.float32), (0, 0), ()) is None


@pytest.mark.parametrize(("side", "pale"), [(16, 20), (48, 10), (160, 3)])
def test_an_arm_that_grain_swallows_is_no_clear_part(side, pale):
    body = np.s_[side // 2 + 2 : side // 2 + side - 2, side // 2 + 2 : side // 2 + side - 2]
    arm = np.s_[side : side + 1, side // 2 + side + 4 : side // 2 + 2 * side - 4]
    calm = _look(100, side, arm=pale).clear_parts(0.6)
    assert calm.shape == (2 * side, 3 * side)
    assert calm[body].all()
    assert calm[arm].all(), "thin, and nothing hides it"
    grainy = _look(100, side, _noise(60), arm=pale).clear_parts(0.6)
    assert grainy[body].all()
    assert not grainy[arm].any()
    assert _look(100, side, _noise(60), arm=150).clear_parts(0.6)[arm].mean() > 0.8
    assert not calm[: side // 2 - 5].any(), "the place around is no part of it"


def _drowned(**changes: object) -> ScenePlan:
    """A pale object that the camera's noise swallows, and a clear one beside it."""
    pale = make_placement(
        center_xy=(50.0, 50.0), long_side_px=24.0, light=Light(haze_ratio=0.85), order=0
    )
    clear = make_placement(cutout="1", center_xy=(140.0, 50.0), long_side_px=80.0, order=1)
    plan = replace(make_plan(pale, clear), contrast_min=0.0, effects=(_noise(70.0),))
    return replace(plan, **changes)


def test_what_nobody_could_find_is_left_out(library):
    kept, plan = render(_drowned(), library), _drowned(clarity_min=2.0)
    assert kept.captions == ("red missile", "white airship")
    scene = render(plan, library)
    assert scene.captions == ("white airship",)
    assert scene.num_dropped == 1
    # Not only without a label: it is not in the picture, and all else is as it was.
    x1, y1, x2, y2 = kept.xyxy[0].astype(int)
    differs = np.abs(scene.image.astype(int) - kept.image).max(axis=2) > 0
    assert differs[y1:y2, x1:x2].any()
    differs[max(y1 - 3, 0) : y2 + 3, max(x1 - 3, 0) : x2 + 3] = False
    assert not differs.any()
    assert np.array_equal(scene.image, render(plan, library).image), "the same every time"


def test_fire_goes_with_its_rocket(library):
    drowned = _drowned(clarity_min=2.0, match_noise=False)
    plume = Clutter("plume", (50.0, 60.0), 12.0, 4, -1)
    apart = Clutter("plume", (90.0, 60.0), 12.0, 4, 7)
    clear = drowned.placements[1]
    scene = render(replace(drowned, clutter=(plume, apart)), library)
    without = replace(drowned, placements=(clear,), clutter=(apart,))
    assert np.array_equal(scene.image, render(without, library).image)


def test_clear_scenes_are_the_same_pixels_with_and_without_the_limit(library):
    plan = make_plan(make_placement(), make_placement(cutout="1", center_xy=(30.0, 20.0), order=1))
    plain, limited = render(plan, library), render(replace(plan, clarity_min=2.0), library)
    assert np.array_equal(plain.image, limited.image)
    assert np.array_equal(plain.xyxy, limited.xyxy)


def test_distractors_are_never_left_out(library):
    bird = make_placement(cutout="2", long_side_px=24.0, light=Light(haze_ratio=0.85))
    plan = replace(make_plan(bird), contrast_min=0.0, effects=(_noise(70.0),))
    limited = render(replace(plan, clarity_min=20.0), library)
    assert np.array_equal(render(plan, library).image, limited.image)


def test_one_before_another_of_its_color_is_left_out(library):
    large = make_placement(cutout="1", long_side_px=110.0)
    small = make_placement(cutout="1", long_side_px=24.0, order=1)
    plan = replace(make_plan(large, small), clarity_min=2.0, match_noise=False, contrast_min=7.0)
    scene = render(plan, library)
    assert scene.captions == ("white airship",)
    assert np.array_equal(scene.image, render(replace(plan, placements=(large,)), library).image)


def test_an_object_behind_another_does_not_take_it_along(library):
    cover = make_placement(cutout="1", long_side_px=110.0, order=1)
    plan = replace(make_plan(make_placement(), cover), clarity_min=2.0, match_noise=False)
    scene = render(plan, library)
    assert scene.captions == ("white airship",)
    assert np.array_equal(scene.image, render(replace(plan, placements=(cover,)), library).image)


@pytest.fixture
def with_rotor(tmp_path: Path) -> Library:
    """A library whose first cutout has a red body in the middle and thin pale blades."""
    cutouts, backgrounds = write_library(tmp_path)
    image = np.zeros((40, 120, 4), np.uint8)
    image[..., :3] = (150, 150, 150)
    image[4:6, :, 3] = 140
    cv2.ellipse(image, (60, 22), (20, 16), 0, 0, 360, (0, 0, 220, 255), -1)
    cv2.imwrite(str(cutouts / "images" / "0.png"), image)
    return read_library(cutouts, backgrounds)


def test_blades_that_grain_has_swallowed_do_not_widen_the_box(with_rotor):
    plan = make_plan(make_placement(long_side_px=90.0))
    grainy = replace(plan, effects=(_noise(60.0),))
    whole = render(plan, with_rotor).xyxy[0]
    assert whole[2] - whole[0] > 84
    assert np.array_equal(render(grainy, with_rotor).xyxy[0], whole), "without a limit all counts"
    seen = render(replace(grainy, clarity_min=2.0), with_rotor, outlines=True)
    x1, _, x2, y2 = seen.xyxy[0]
    assert 28 < x2 - x1 < 45, "the body alone"
    assert abs((x1 + x2) / 2 - (whole[0] + whole[2]) / 2) < 3
    assert y2 == pytest.approx(whole[3], abs=2)
    points = np.concatenate(seen.outlines[0])
    assert points[:, 0].min() == pytest.approx(x1, abs=1)
    assert seen.visible_ratio[0] == 1, "the share that nothing covers"
    clear = render(replace(plan, clarity_min=0.5), with_rotor)
    assert np.array_equal(clear.xyxy[0], whole)


@pytest.mark.parametrize("steps", [(), (_noise(60.0),)])
def test_parts_are_told_anew_where_another_object_is_left_out(with_rotor, steps):
    faint = make_placement(
        cutout="1", center_xy=(55.0, 38.0), long_side_px=24.0, light=Light(haze_ratio=1.0), order=1
    )
    rotor = make_placement(center_xy=(90.0, 50.0), long_side_px=90.0)
    plan = replace(make_plan(rotor, faint), clarity_min=2.0, contrast_min=0.0, effects=steps)
    scene = render(plan, with_rotor)
    assert scene.captions == ("red missile",)
    alone = render(replace(plan, placements=(rotor,)), with_rotor)
    assert np.array_equal(scene.xyxy, alone.xyxy)


def test_plans_from_before_keep_all_objects(library):
    row = json.loads(json.dumps(_drowned(clarity_min=2.0).to_dict()))
    del row["clarity_min"]
    assert len(render(ScenePlan.from_dict(row), library).xyxy) == 2


def test_plain_ways_of_pasting_leave_nothing_out():
    limits = {
        name: load_scene_config(name).clarity_min
        for name in ("default", "hard", "plain", "gaussian", "origin-v2", "origin-v3")
    }
    assert limits == {
        "default": 2.0, "hard": 1.0, "plain": 0.0, "gaussian": 0.0, "origin-v2": 0.0,
        "origin-v3": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("clarity_min", [0.0, 6.0])
def test_all_blends_of_a_scene_show_the_same_objects(library, clarity_min):
    config = load_scene_config(
        sets=["canvas_wh=[192, 108]", "size_px_range=[8, 40]", "count_range=[4, 6]",
              "empty_ratio=0", "same_scene_blends=3", "contrast_min=25", "overlap_ratio=1",
              "overlap_iou_max=1", f"clarity_min={clarity_min}"]
    )  # fmt: skip
    parts = part_library(library, (1, 0, 0))
    mended = 0
    for scene in range(8):
        drawn = [sample_image(parts, config, 1, 3 * scene + i) for i in range(3)]
        before = [render(one.plan, library) for one in drawn]
        plans = [same_objects(one.plan, one.blends, library) for one in drawn]
        after = [render(ScenePlan.from_dict(plan.to_dict()), library) for plan in plans]
        assert len({image.numbers for image in after}) == 1
        assert len({image.left_out for image in after}) == 1
        mended += len({(image.numbers, image.left_out) for image in before}) > 1
    assert mended, "or nothing was tried"


def test_a_plume_goes_with_its_own_rocket_alone(library):
    rockets = [replace(make_placement(center_xy=(x, 50.0)), order=i) for i, x in
               enumerate((40.0, 140.0))]  # fmt: skip
    plumes = [Clutter("plume", (p.center_xy[0], 70.0), 6.0, 1, p.order - 1) for p in rockets]
    plan = replace(make_plan(*rockets), clutter=tuple(plumes))
    items = plan.painting_order()
    second = render(replace(plan, left_out=(items.index(rockets[1]),)), library)
    alone = replace(plan, placements=(rockets[0],), clutter=(plumes[0],))
    assert second.left_out == {items.index(rockets[1]), items.index(plumes[1])}
    assert np.array_equal(second.image, render(alone, library).image)
    again = render(replace(plan, left_out=tuple(second.left_out)), library)
    assert again.left_out == second.left_out
