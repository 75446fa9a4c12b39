"""Knobs, presets, sky, sharpness; settings that cannot be met end all the same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import make_library

from core.config import describe_fields
from core.errors import ConfigError, UnknownNameError
from synth.config import GROUPS, SceneConfig, load_scene_config, scene_preset_names
from synth.generate import preview
from synth.library import Library
from synth.measure import measure_look
from synth.place import Place, find_sky
from synth.plan import scene_rng
from synth.render import render
from synth.sample import sample_scene


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("library"))


def test_every_knob_has_a_group_and_a_line_of_help() -> None:
    for name, info in SceneConfig.model_fields.items():
        assert info.json_schema_extra["group"] in GROUPS, name
        assert 10 < len(info.description) < 170, name
        assert info.description.endswith("."), name
    assert {info.key for info in describe_fields(SceneConfig)} == set(SceneConfig.model_fields)


@pytest.mark.parametrize("name", scene_preset_names())
def test_presets_make_scenes(name: str, library: Library) -> None:
    config = load_scene_config(name, sets=["canvas_wh=[192, 108]", "size_px_range=[10, 60]"])
    for index in range(3):
        scene = render(sample_scene(scene_rng(0, index), library, config), library)
        assert scene.image.dtype == np.uint8
        assert len(scene.xyxy) == len(scene.captions)


def test_settings_come_from_preset_file_and_pairs(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'effects = "light"\nempty_ratio = 0.3\n\n[[effects_steps]]\n'
        'name = "GaussNoise"\nprobability = 0.4\nparameters = { std_range = [0.1, 0.2] }\n'
    )
    config = load_scene_config("hard", file=file, sets=["empty_ratio=0.4"])
    assert (config.effects, config.empty_ratio, config.occluder_ratio) == ("light", 0.4, 0.3)
    assert config.effects_steps[0].name == "GaussNoise"
    with pytest.raises(UnknownNameError, match="Did you mean 'origin-v3'"):
        load_scene_config("origin-3")
    with pytest.raises(ConfigError, match=r"unknown setting 'emty_ratio'.* mean 'empty_ratio'"):
        load_scene_config(sets=["emty_ratio=0.1"])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"name": "GausNoise"}, "no transform 'GausNoise'. Did you mean 'GaussNoise'"),
        ({"name": "GaussNoise", "parameters": {"std_rang": [0, 1]}}, "mean 'std_range'"),
        ({"name": "GaussNoise", "parameters": {"std_range": [0, 9]}}, "GaussNoise refuses"),
        ({"name": "ToFloat"}, "turns an image into float32"),
        ({"name": "Mosaic"}, "cannot be applied to an image alone"),
        ({"name": "Blur", "probability": 2}, "effects_steps.0.probability must be less"),
        ({"nme": "Blur"}, "effects_steps.0.nam|unknown setting 'effects_steps.0.nme'"),
    ],
)
def test_effects_of_ones_own_are_checked_at_once(step: dict[str, object], message: str) -> None:
    pytest.importorskip("albumentations")
    with pytest.raises(ConfigError, match=message):
        SceneConfig().with_values({"effects_steps": [step]})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count_range": (5, 2)}, "count_range must be low <= high"),
        ({"truncation_max": 1.0}, "truncation_max must be less than or equal to 0.95"),
        ({"canvas_wh": (1520, 9000)}, "canvas_wh.1 must be less than or equal to 8192"),
        ({"size_law": "altitud"}, "size_law must be"),
        ({"blend_weights": {"gaussian": -1}}, "non-negative"),
        ({"same_scene_blends": 6}, "only 5 above 0"),
        ({"count_weights": [1e308, 1e308]}, "count_weights must be non-negative with a positive"),
        ({"count_weights": [0] * 101 + [1]}, r"^.{,40}count_weights .* at most 101 .{,300}$"),
    ],
)
def test_impossible_knobs_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SceneConfig().with_values(values)


def test_a_hundred_objects_without_room_end(library: Library) -> None:
    config = SceneConfig(
        canvas_wh=(64, 64), count_range=(100, 100), size_px_range=(60, 300), overlap_ratio=0,
        empty_ratio=0, sky_ratio=1, truncation_max=0, low_contrast_ratio=1, formation_ratio=0,
        full_frame_ratio=0, distractor_ratio=0,
    )  # fmt: skip
    plan = sample_scene(scene_rng(0, 0), library, config)
    assert 1 <= len(plan.placements) < 10


@pytest.mark.parametrize("most", [0.01, 0.04, 0.3])
def test_no_more_lies_beyond_the_edge_than_allowed(most: float, library: Library) -> None:
    config = SceneConfig(
        canvas_wh=(192, 108), size_px_range=(40, 60), truncated_ratio=1, truncation_max=most,
        rotation_ratio=0, perspective_ratio=0, full_frame_ratio=0, effects="none",
    )  # fmt: skip
    beyond = []
    for index in range(8):
        for item in sample_scene(scene_rng(0, index), library, config).placements:
            extent = (item.long_side_px, item.long_side_px / 3)
            beyond += [
                max(side / 2 - at, at + side / 2 - limit) / side
                for at, side, limit in zip(item.center_xy, extent, config.canvas_wh, strict=True)
            ]
    assert 0 < max(beyond) <= most + 0.001


def test_overlap_stays_under_its_limit(library: Library) -> None:
    from synth.place import box_iou

    config = SceneConfig(
        canvas_wh=(192, 108), count_range=(4, 6), size_px_range=(40, 90), overlap_ratio=1,
        overlap_iou_max=0.2, truncated_ratio=0, perspective_ratio=0, blend_weights={"none": 1},
        clutter_ratio=0, occluder_ratio=0, distractor_ratio=0, visible_ratio_min=0, contrast_min=0,
        effects="none", rotation_ratio=0, softness_px_max=0, match_sharpness=False,
    )  # fmt: skip
    worst = 0.0
    for index in range(40):
        plan = sample_scene(scene_rng(2, index), library, config)
        boxes = []
        for item in plan.placements:
            height, width = library.rgba(item.cutout).shape[:2]
            scale = item.long_side_px / max(width, height)
            half = (width * scale / 2, height * scale / 2)
            x, y = item.center_xy
            boxes.append((x - half[0], y - half[1], x + half[0], y + half[1]))
        for i, one in enumerate(boxes):
            worst = max([worst, *(box_iou(one, other) for other in boxes[:i])])
    assert 0.1 < worst <= 0.205


def test_farther_objects_fly_higher(library: Library) -> None:
    config = SceneConfig(
        size_law="altitude", truncated_ratio=0, full_frame_ratio=0, formation_ratio=0,
        distractor_ratio=0, sky_ratio=0,
    )  # fmt: skip
    pairs = [
        (item.long_side_px, item.center_xy[1])
        for index in range(80)
        for item in sample_scene(scene_rng(1, index), library, config).placements
    ]
    sizes, heights = np.log(np.array(pairs)[:, 0]), np.array(pairs)[:, 1]
    assert np.corrcoef(sizes, heights)[0, 1] > 0.6


def test_sizes_follow_the_frame_where_asked(library: Library) -> None:
    config = SceneConfig(
        size_law="frame fraction", size_ratio_range=(0.1, 0.2), full_frame_ratio=0,
        formation_ratio=0, distractor_ratio=0, crowded_size_px_max=9999,
    )  # fmt: skip
    for wh in ((1520, 870), (640, 366)):
        plans = [
            sample_scene(scene_rng(1, i), library, config.with_values({"canvas_wh": wh}))
            for i in range(30)
        ]
        ratios = [item.long_side_px / wh[0] for plan in plans for item in plan.placements]
        assert min(ratios) >= 0.099
        assert max(ratios) <= 0.201


def test_a_formation_is_alike_in_kind_and_size(library: Library) -> None:
    config = SceneConfig(
        formation_ratio=0.5, full_frame_ratio=0, distractor_ratio=0, truncated_ratio=0,
        count_range=(3, 3), empty_ratio=0, size_px_range=(10, 60), canvas_wh=(640, 366),
    )  # fmt: skip
    identity = {cutout.name: cutout.identity for cutout in library.cutouts}
    formations = 0
    for index in range(60):
        placed = sample_scene(scene_rng(5, index), library, config).placements
        if len(placed) == 3 and len({identity[item.cutout] for item in placed}) == 1:
            sides = [item.long_side_px for item in placed]
            formations += max(sides) <= 1.6 * min(sides)
    # Both halves drawn on their own would give 15.
    assert formations > 20


def test_the_sky_is_found_round_clouds_and_above_the_ground() -> None:
    scene = np.empty((54, 96, 3), np.uint8)
    scene[:] = np.linspace(110, 200, 54)[:, None, None]
    scene[12:20, 20:50] = 250  # a cloud
    scene[36:] = (60, 90, 40)
    scene[24:36, 70:76] = (50, 50, 50)  # a tower
    sky = find_sky(scene)
    assert sky[:34, :68].mean() > 0.98, "clouds belong to the sky"
    assert sky[37:].mean() < 0.02
    assert not sky[30, 73]
    assert find_sky(np.random.default_rng(0).integers(0, 255, (54, 96, 3), np.uint8)).mean() < 0.05


def test_objects_go_before_the_sky_where_asked(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    scene = np.full((108, 192, 3), 180, np.uint8)
    scene[54:] = (30, 80, 40)
    for path in (tmp_path / "backgrounds").glob("*.png"):
        cv2.imwrite(str(path), scene)

    def lower_half(sky_ratio: float) -> float:
        config = SceneConfig(
            canvas_wh=(192, 108), size_px_range=(10, 20), sky_ratio=sky_ratio, window_ratio_min=1,
            truncated_ratio=0, full_frame_ratio=0, distractor_ratio=0,
        )  # fmt: skip
        plans = [sample_scene(scene_rng(4, i), library, config) for i in range(60)]
        return float(np.mean([p.center_xy[1] > 56 for plan in plans for p in plan.placements]))

    assert lower_half(1.0) < 0.05
    assert lower_half(0.0) > 0.3


@pytest.mark.parametrize("wh", [(480, 360), (300, 450), (900, 300)])
def test_every_part_of_a_background_of_any_shape_is_shown(wh: tuple[int, int], tmp_path) -> None:
    library = make_library(tmp_path)
    where = np.zeros((wh[1], wh[0], 3), np.uint8)  # red tells the column, green the row
    where[..., 2] = (np.arange(wh[0])[None] + 0.5) / wh[0] * 255
    where[..., 1] = (np.arange(wh[1])[:, None] + 0.5) / wh[1] * 255
    for path in (tmp_path / "backgrounds").glob("*.png"):
        cv2.imwrite(str(path), where)
    config = SceneConfig(
        canvas_wh=(152, 87), count_range=(0, 0), clutter_ratio=0, distractor_ratio=0,
        effects="none",
    )  # fmt: skip
    plans = [sample_scene(scene_rng(0, index), library, config) for index in range(200)]
    windows = np.array([plan.window_ratio_xyxy for plan in plans])
    for axis in range(2):
        starts, ends = windows[:, axis], windows[:, axis + 2]
        middles = np.linspace(0.02, 0.98, 49)[:, None]
        shown = ((starts < middles) & (middles < ends)).mean(axis=1)
        assert shown.min() > 0, "some row or column is in no scene"
        assert shown[:24].sum() == pytest.approx(shown[25:].sum(), rel=0.15), "one end prevails"
    for plan in plans[:20]:
        image = render(plan, library).image[..., :2].astype(float)
        found = np.array([image[0, 0], image[-1, -1]]) / 255
        if plan.background_flipped:
            found[:, 0] = found[::-1, 0]
        assert np.abs(found.ravel() - plan.window_ratio_xyxy).max() < 0.015, "not what is shown"
        thumbnail = library.background_thumbnail(plan.background)
        place = Place(thumbnail, plan.window_ratio_xyxy, plan.background_flipped, (152, 87))
        for x, y in ((20, 10), (76, 43), (130, 80)):
            assert np.abs(place.color_at((x, y))[:2] - image[y, x]).max() < 10


def test_plans_whose_window_has_another_shape_show_what_they_always_showed(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    plan = sample_scene(scene_rng(0, 0), library, SceneConfig(count_range=(0, 0), effects="none"))
    old = replace(
        plan, window_ratio_xyxy=(0, 0, 1, 1), background_flipped=False, canvas_wh=(108, 108),
        clutter=(), placements=(),
    )  # fmt: skip
    left = library.background(plan.background)[:, :108]
    assert np.array_equal(render(old, library).image, left)


@pytest.mark.parametrize("noise", [0.0, 4.0])
@pytest.mark.parametrize("sigma", [0.0, 1.0, 1.5, 2.0])
def test_blur_and_noise_of_a_background_are_measured(sigma: float, noise: float) -> None:
    rng = np.random.default_rng(0)
    image = np.full((480, 800, 3), 120, np.uint8)
    for _ in range(90):
        middle = (int(rng.integers(0, 800)), int(rng.integers(0, 480)))
        axes = (int(rng.integers(15, 60)), int(rng.integers(15, 60)))
        color = tuple(map(float, rng.uniform(20, 230, 3)))
        cv2.ellipse(image, middle, axes, 30, 0, 360, color, -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image
    grain = rng.normal(0, noise, (480, 800, 1))
    found_noise, found_blur = measure_look(np.clip(soft + grain, 0, 255).astype(np.uint8))
    assert found_noise == pytest.approx(noise, abs=0.4)
    assert found_blur == pytest.approx(np.sqrt(max(sigma**2 - 0.49, 0)), abs=0.4)


def test_a_picture_without_edges_blurs_nothing() -> None:
    ramp = np.tile(np.linspace(90, 200, 300)[:, None, None], (1, 400, 3)).astype(np.uint8)
    assert measure_look(ramp)[1] == 0


def test_a_very_flat_frame_has_a_preview(library: Library) -> None:
    assert measure_look(np.zeros((4, 640, 3), np.uint8)) == (0.0, 0.0)
    config = SceneConfig(canvas_wh=(8192, 32), size_px_range=(10, 30), effects="none")
    [scene] = preview(library, config, 0, [0])
    assert scene.image.shape == (2, 640, 3)


def test_scenes_may_be_empty_where_none_is_asked_for_and_the_help_says_so(
    library: Library,
) -> None:
    config = SceneConfig(
        canvas_wh=(192, 108), count_range=(1, 1), empty_ratio=0, size_px_range=(10, 30),
        clarity_min=20, effects="none", clutter_ratio=0, distractor_ratio=0,
    )  # fmt: skip
    plans = [sample_scene(scene_rng(1, index), library, config) for index in range(12)]
    scenes = [render(plan, library) for plan in plans if plan.placements]
    assert any(not len(scene.xyxy) and scene.num_dropped == 1 for scene in scenes)
    assert "clarity_min" in str(SceneConfig.model_fields["empty_ratio"].description)
