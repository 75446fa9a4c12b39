"""Plans and their rendering: repeatable, tight, honest about what is seen."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PilImage

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import make_library

from core.errors import ConfigError, InputError
from core.image import read_rgba
from synth.clutter import KINDS, draw_clutter
from synth.config import BLENDS, SceneConfig
from synth.effects import EffectStep
from synth.examples import EXAMPLES, make_example
from synth.library import (
    Background,
    Cutout,
    Library,
    background_group,
    read_backgrounds,
    read_cutouts,
    read_library,
)
from synth.plan import Clutter, Light, Placement, ScenePlan, scene_rng
from synth.render import render
from synth.sample import sample_scene


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("library"))


def make_placement(**changes: object) -> Placement:
    placement = Placement(
        cutout="0",
        center_xy=(96.0, 54.0),
        long_side_px=60.0,
        angle_deg=0.0,
        flipped=False,
        opacity_ratio=1.0,
        softness_px=0.0,
        blend="none",
        light=Light(),
        order=0,
    )
    return replace(placement, **changes)


def make_plan(*placements: Placement, clutter: tuple[Clutter, ...] = ()) -> ScenePlan:
    return ScenePlan(
        background="field_0",
        window_ratio_xyxy=(0.0, 0.0, 1.0, 1.0),
        background_flipped=False,
        canvas_wh=(192, 108),
        placements=placements,
        clutter=clutter,
        effects=(),
        visible_ratio_min=0.2,
        box_side_px_min=3.0,
        contrast_min=5.0,
        seed=1,
    )


def test_the_same_index_gives_the_same_scene(library: Library) -> None:
    config = SceneConfig(canvas_wh=(192, 108), size_px_range=(10, 80))
    for index in range(6):
        plans = [sample_scene(scene_rng(3, index), library, config) for _ in range(2)]
        assert plans[0] == plans[1]
        first, second = (render(plan, library) for plan in plans)
        assert np.array_equal(first.image, second.image)
        assert np.array_equal(first.xyxy, second.xyxy)


def test_a_plan_survives_json(library: Library) -> None:
    config = SceneConfig(canvas_wh=(192, 108), clutter_ratio=1.0, occluder_ratio=1.0)
    for index in range(4):
        plan = sample_scene(scene_rng(5, index), library, config)
        assert ScenePlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_box_is_tight_around_the_painted_pixels(library: Library) -> None:
    empty = render(make_plan(), library).image.astype(int)
    scene = render(make_plan(make_placement()), library)
    changed = np.abs(scene.image.astype(int) - empty).max(axis=2) > 25
    ys, xs = np.nonzero(changed)
    expected = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    assert np.abs(scene.xyxy[0] - expected).max() <= 1
    width, height = scene.xyxy[0, 2:] - scene.xyxy[0, :2]
    assert width / height == pytest.approx(117 / 37, rel=0.1), "the aspect is the cutout's own"
    assert scene.captions == ("red missile",)
    assert scene.visible_ratio[0] == pytest.approx(1.0)


def test_no_colour_from_under_clear_pixels(library: Library) -> None:
    plan = make_plan(make_placement(long_side_px=117.0, blend="gaussian", softness_px=0.8))
    scene = render(plan, library)
    x1, y1 = scene.xyxy[0, :2].astype(int)
    corner = scene.image[y1 : y1 + 3, x1 : x1 + 3].astype(int)
    assert np.ptp(corner.mean(axis=(0, 1))) < 12, "the corner of the box shows background alone"


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    image = np.full((8, 12, 4), 65535, np.uint16)
    image[..., :3] = (10000, 20000, 30000)
    image[:, 6:, 3] = 30000
    assert cv2.imwrite(str(tmp_path / "deep.png"), image)
    cutout = Cutout("deep", tmp_path / "deep.png", "drone", "red drone", "deep")
    rgba = Library([cutout], [Background("b", Path(), "b")]).rgba("deep")
    assert rgba[0, 0].tolist() == [117, 78, 39, 255]
    assert rgba[0, 6].tolist() == [54, 36, 18, 117], "premultiplied"


def test_a_cutout_is_upright_in_scenes_as_everywhere(tmp_path: Path) -> None:
    exif = PilImage.Exif()
    exif[274] = 6
    PilImage.new("RGBA", (40, 20), (200, 30, 20, 99)).save(tmp_path / "turned.png", exif=exif)
    cutout = Cutout("turned", tmp_path / "turned.png", "drone", "red drone", "turned")
    library = Library([cutout], [Background("b", Path(), "b")])
    assert library.rgba("turned").shape == read_rgba(cutout.path).shape == (40, 20, 4)


@pytest.mark.parametrize("data", [None, b"", b"no image"])
def test_pictures_that_cannot_be_read_are_named(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "x.png"
    if data is not None:
        path.write_bytes(data)
    cutout = Cutout("x", path, "drone", "red drone", "x")
    library = Library([cutout], [Background("x", path, "x")])
    with pytest.raises(InputError, match=r"x\.png"):
        library.rgba("x")
    with pytest.raises(InputError, match=r"x\.png (is not an image|is empty)|cannot read .*x\.png"):
        library.background("x")


def test_two_backgrounds_of_one_name_are_named(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "b.png"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"called 'a': a\.jpg and a\.png") as told:
        Library([], read_backgrounds(tmp_path))
    assert "Rename one" in told.value.hint


@pytest.mark.parametrize("blend", BLENDS)
def test_every_blend_paints_one_box(library: Library, blend: str) -> None:
    scene = render(make_plan(make_placement(blend=blend)), library)
    assert len(scene.xyxy) == 1
    # The box may shrink by a faded rim or grow by a motion, not more.
    assert 50 <= scene.xyxy[0, 2] - scene.xyxy[0, 0] <= 68


def test_objects_over_the_border_are_clipped(library: Library) -> None:
    scene = render(make_plan(make_placement(center_xy=(0.0, 54.0))), library)
    assert scene.xyxy[0, 0] == 0
    assert scene.visible_ratio[0] == pytest.approx(0.5, abs=0.05)


def test_hidden_objects_lose_their_box(library: Library) -> None:
    cover = make_placement(cutout="1", long_side_px=110.0, order=1)
    scene = render(make_plan(make_placement(), cover), library)
    assert scene.captions == ("white airship",)
    assert scene.num_dropped == 1


def test_partly_hidden_objects_keep_the_visible_part(library: Library) -> None:
    cover = make_placement(cutout="1", center_xy=(120.0, 54.0), long_side_px=60.0, order=1)
    scene = render(make_plan(make_placement(), cover), library)
    row = scene.captions.index("red missile")
    assert 0.2 < scene.visible_ratio[row] < 0.8
    assert scene.xyxy[row, 2] < 120


def test_unlabelled_cutouts_have_no_box(library: Library) -> None:
    scene = render(make_plan(make_placement(cutout="2")), library)
    assert scene.xyxy.shape == (0, 4)
    assert scene.num_dropped == 0


def test_an_object_nobody_can_see_has_no_box(library: Library) -> None:
    haze = Light(haze_ratio=1.0)
    scene = render(make_plan(make_placement(light=haze)), library)
    assert len(scene.xyxy) == 0
    assert scene.num_dropped == 1


def test_effects_that_move_pixels_move_boxes(library: Library) -> None:
    pytest.importorskip("albumentations")
    plan = replace(
        make_plan(make_placement(center_xy=(60.0, 40.0))),
        effects=(EffectStep("origin_detector_v3", {"seed": 4}),),
    )
    for seed in range(12):
        moved = render(
            replace(plan, effects=(EffectStep("origin_detector_v3", {"seed": seed}),)), library
        )
        x1, y1, x2, y2 = moved.xyxy[0].astype(int)
        inside = moved.image[y1:y2, x1:x2].astype(float)
        # The object is the only dark red thing: its box must hold what is darkest in green.
        darkest = np.unravel_index(_smooth(moved.image[..., 1]).argmin(), moved.image.shape[:2])
        assert y1 - 2 <= darkest[0] <= y2 + 2
        assert x1 - 2 <= darkest[1] <= x2 + 2
        assert inside.size


def _smooth(channel: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.blur(channel.astype(np.float32), (15, 9))


@pytest.mark.parametrize("kind", KINDS)
def test_clutter_is_premultiplied_and_repeatable(kind: str) -> None:
    canvas = np.full((108, 192, 3), 90, np.uint8)
    drawn = [draw_clutter(kind, 48.0, np.random.default_rng(9), canvas) for _ in range(2)]
    assert np.array_equal(drawn[0], drawn[1])
    assert drawn[0].dtype == np.uint8
    assert drawn[0][..., 3].any()
    assert (drawn[0][..., :3].max(axis=2).astype(int) <= drawn[0][..., 3].astype(int) + 1).all()


def test_scenes_have_what_was_asked_for(library: Library) -> None:
    config = SceneConfig(canvas_wh=(320, 180), size_px_range=(12, 60), count_weights=(0, 0, 1))
    scenes = [render(sample_scene(scene_rng(1, i), library, config), library) for i in range(12)]
    assert sum(len(scene.xyxy) for scene in scenes) >= 16
    for scene in scenes:
        assert scene.image.shape == (180, 320, 3)
        assert (scene.xyxy >= 0).all()
        assert (scene.xyxy <= [320, 180, 320, 180]).all()


def test_without_cutouts_scenes_are_empty(library: Library) -> None:
    bare = Library([], library.backgrounds)
    scene = render(sample_scene(scene_rng(0, 0), bare, SceneConfig()), bare)
    assert len(scene.xyxy) == 0


def test_splits_share_no_object_and_no_place(tmp_path: Path) -> None:
    row = {"file": "x.png", "class_name": "drone", "caption": "red drone"}
    rows = [
        {**row, "name": f"{i}-{j}", "identity": f"drone-{i}"} for i in range(90) for j in (0, 1)
    ]
    (tmp_path / "cutouts.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    for number in range(90):
        for view in (0, 1):
            (tmp_path / f"place{number}x_{view}.jpg").touch()
    parts = [read_library(tmp_path, tmp_path, split=split) for split in ("train", "val", "test")]
    identities = [{c.identity for c in part.cutouts} for part in parts]
    places = [{b.group for b in part.backgrounds} for part in parts]
    for sets in (identities, places):
        assert all(sets)
        assert len(set.union(*sets)) == sum(map(len, sets)) == 90
    with pytest.raises(InputError, match="split must be one of"):
        read_library(tmp_path, tmp_path, split="training")


@pytest.mark.parametrize(
    ("stem", "group"),
    [
        ("autumn_1", "autumn"), ("placename_12", "placename"), ("a-12", "a"), ("b2", "b"),
        ("77", "77"), ("image_of_a_lake_3", "image_of_a_lake"),
        *((name, name) for name in (
            "IMG_2041", "IMG-20240101-WA0001", "_MG_0007", "DJI_0001", "DSC00001", "DSCN0001",
            "frame00001", "P1010001", "PXL_20240101_123456789", "20240101_123456", "photo-2",
        )),
    ],
)  # fmt: skip
def test_background_groups(stem: str, group: str) -> None:
    assert background_group(stem) == group


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size_px_range": (50, 20)}, "size_px_range"),
        ({"effects": "foto"}, "Did you mean 'photo'"),
        ({"blend_weights": {"gausian": 1.0}}, "blend_weights must name"),
        ({"canvas_wh": (16, 16)}, "canvas_wh"),
        ({"count_weights": (0.0,)}, "count_weights"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SceneConfig().with_values(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "does not exist"), ("{", "line 1: not JSON"), ('{"name": "a"}', "missing file")],
)
def test_damaged_libraries_are_explained(tmp_path: Path, text: str, message: str) -> None:
    if text:
        (tmp_path / "cutouts.jsonl").write_text(text)
    with pytest.raises(InputError, match=message) as told:
        read_cutouts(tmp_path)
    assert (f'from-images "{tmp_path}"' in told.value.hint) == (not text)


def test_the_examples_are_those_that_the_code_draws() -> None:
    root = Path(__file__).parents[2] / "assets"
    rows = (root / "examples" / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    known = {row["image"]: row["annotations"] for row in map(json.loads, rows)}
    example = next(one for one in EXAMPLES if one.name == "sea")
    made = make_example(example, root / "cutouts", root / "backgrounds")
    assert [row["caption"] for row in known["sea.jpg"]] == list(made.captions)
    for row, (x1, y1, x2, y2) in zip(known["sea.jpg"], made.xyxy.tolist(), strict=True):
        assert row["bbox"] == pytest.approx([x1, y1, x2 - x1, y2 - y1], abs=1)
