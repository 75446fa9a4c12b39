"""Fire and smoke below rising rockets: where they belong, and outside of every box."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import write_library

from synth.config import SceneConfig
from synth.library import Library, read_library
from synth.plan import ScenePlan, scene_rng
from synth.plume import draw_plume
from synth.render import render
from synth.sample import sample_scene

PLAIN = SceneConfig(
    canvas_wh=(192, 108), count_range=(1, 1), empty_ratio=0, size_px_range=(30, 50),
    clutter_ratio=0, occluder_ratio=0, distractor_ratio=0, truncated_ratio=0, rotation_ratio=0,
    perspective_ratio=0, full_frame_ratio=0, effects="none", blend_weights={"none": 1},
    match_noise=False, match_sharpness=False,
)  # fmt: skip
RISING = PLAIN.model_copy(update={"plume_ratio": 1.0})


@pytest.fixture(scope="module")
def rockets(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A rocket that stands, one that lies, and an airship that stands."""
    cutouts, backgrounds = write_library(tmp_path_factory.mktemp("library"))
    rows = []
    for name, kind, wh in (
        ("up", "rocket", (20, 100)), ("flat", "rocket", (100, 20)), ("ship", "airship", (40, 90))
    ):  # fmt: skip
        image = np.zeros((wh[1], wh[0], 4), np.uint8)
        image[1:-1, 1:-1] = (200, 60, 60, 255)
        cv2.imwrite(str(cutouts / "images" / f"{name}.png"), image)
        rows.append({"name": name, "file": f"images/{name}.png", "class_name": kind,
                     "caption": f"blue {kind}", "identity": name, "labelled": True})  # fmt: skip
    (cutouts / "cutouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_library(cutouts, backgrounds)


def scenes(rockets: Library, config: SceneConfig) -> list[ScenePlan]:
    return [sample_scene(scene_rng(1, index), rockets, config) for index in range(24)]


def test_only_what_stands_and_rises_has_a_plume_at_its_foot(rockets: Library) -> None:
    with_plume = set()
    for plan in scenes(rockets, RISING):
        for placement in plan.placements:
            plumes = [item for item in plan.clutter if item.kind == "plume"]
            if placement.cutout != "up":
                assert not plumes
                continue
            (plume,) = plumes
            with_plume.add(placement.cutout)
            assert plume.order < placement.order, "the rocket is before it"
            x, y = placement.center_xy
            assert plume.center_xy == pytest.approx((x, y + 0.48 * placement.long_side_px), abs=0.1)
            assert plume.size_px == pytest.approx(placement.long_side_px * 18 / 100, abs=0.1)
    assert with_plume == {"up"}


def test_boxes_hold_the_rocket_and_not_its_fire(rockets: Library) -> None:
    plans = [plan for plan in scenes(rockets, RISING) if plan.clutter]
    assert plans
    for plan in plans:
        with_fire, without = render(plan, rockets), render(replace(plan, clutter=()), rockets)
        np.testing.assert_array_equal(with_fire.xyxy, without.xyxy)
        changed = np.abs(with_fire.image.astype(int) - without.image).max(axis=2) > 8
        x1, y1, x2, y2 = with_fire.xyxy[0].astype(int)
        assert changed.any()
        assert not changed[y1 : y2 - 4, x1:x2].any(), "nothing before the rocket"
        assert np.flatnonzero(changed.any(axis=1)).min() > (y1 + y2) / 2


def test_without_it_seeds_give_the_scenes_they_gave(rockets: Library) -> None:
    plain, rising = scenes(rockets, PLAIN), scenes(rockets, RISING)
    assert all(not plan.clutter for plan in plain)
    assert [plan.placements for plan in plain] == [plan.placements for plan in rising]
    assert all(ScenePlan.from_dict(plan.to_dict()) == plan for plan in rising)


@pytest.mark.parametrize("width_px", [0.5, 3, 24, 5000])
def test_plumes_are_premultiplied_and_of_any_size(width_px: float) -> None:
    for seed in range(12):
        plume = draw_plume(width_px, np.random.default_rng(seed), height_px=200)
        half = len(plume) // 2
        assert plume.dtype == np.uint8
        assert len(plume) <= 400
        assert not plume[:half].any(), "the nozzle is the middle"
        assert (plume[..., :3] <= plume[..., 3:]).all()
