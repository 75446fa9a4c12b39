from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from synth.captions import COLORS, TYPES
from synth.library import read_library
from training import light
from training.crop_scenes import CropConfig, draw_scene
from training.crops import CACHE_PX, cut_batch, main, make_shard, open_upscaler

COLOR_RGB = {"red": (200, 30, 30), "white": (235, 235, 235)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two painted ellipses as cutouts, and one grey photograph."""
    root = tmp_path_factory.mktemp("library")
    (root / "cutouts" / "images").mkdir(parents=True)
    (root / "photos").mkdir()
    lines = []
    for index in range(24):
        color = ("red", "white")[index % 2]
        rgba = np.zeros((60, 120, 4), np.uint8)
        cv2.ellipse(rgba, (60, 30), (55, 25), 0, 0, 360, (*COLOR_RGB[color][::-1], 255), -1)
        cv2.imwrite(str(root / "cutouts" / "images" / f"{index}.png"), rgba)
        row = {
            "name": str(index),
            "file": f"images/{index}.png",
            "class_name": ("airship", "drone")[index // 12],
            "caption": f"{color} thing",
            "colors": {color: 1.0},
            "identity": f"group-{index}",
        }
        lines.append(json.dumps(row))
    (root / "cutouts" / "cutouts.jsonl").write_text("\n".join(lines) + "\n")
    rng = np.random.default_rng(0)
    for index in range(30):
        photo = rng.integers(90, 140, (300, 400, 3), dtype=np.uint8)
        cv2.imwrite(str(root / "photos" / f"place{index}_0.png"), photo)
    return root / "cutouts", root / "photos"


@pytest.fixture(scope="module")
def library(folders):
    return read_library(*folders)


def test_shard_is_complete_and_repeatable(library):
    config = CropConfig(nothing_ratio=0.2)
    upscale = open_upscaler(None)
    shard = make_shard(library, upscale, config, count=24, seed=(1, 2))
    again = make_shard(library, upscale, config, count=24, seed=(1, 2))
    assert shard["images"].shape == (24, CACHE_PX, CACHE_PX, 3)
    for name, array in shard.items():
        np.testing.assert_array_equal(array, again[name], err_msg=name)
    known = shard["type_id"] >= 0
    assert set(shard["type_id"][known]) <= {TYPES.index("airship"), TYPES.index("drone")}
    np.testing.assert_allclose(shard["shares"][known].sum(1), 1, atol=1e-5)
    assert not shard["shares"][~known].any()
    assert 0 < (~known).sum() < 24


def test_box_of_a_scene_holds_the_object(library):
    rng = np.random.default_rng(0)
    config = CropConfig(nothing_ratio=0, side_range_px=(60, 90), large_ratio=0)
    for _ in range(20):
        scene = draw_scene(library, config, rng)
        x1, y1, x2, y2 = scene.box_xyxy
        height, width = scene.image.shape[:2]
        assert scene.cutout is not None
        assert -1 <= x1 < x2 <= width + 1
        assert -1 <= y1 < y2 <= height + 1
        assert 30 <= max(x2 - x1, y2 - y1) <= 95


def test_what_stands_against_the_light_is_called_black(library, monkeypatch):
    monkeypatch.setattr(light, "_SILHOUETTE_RATIO", 1.0)
    rng = np.random.default_rng(2)
    scenes = [draw_scene(library, CropConfig(nothing_ratio=0), rng) for _ in range(12)]
    black = [scene for scene in scenes if dict(scene.cutout.colors) == {"black": 1.0}]
    assert len(black) >= 8  # all but those before a dark place
    assert {scene.cutout.class_name for scene in black} <= {"airship", "drone"}


def test_cut_batch_frames_the_box_alike_at_every_size():
    crops = []
    for side in (20, 60, 200):
        image = np.zeros((3 * side, 3 * side, 3), np.uint8)
        image[side : 2 * side, side : 2 * side] = 255
        crops.append(cut_batch([image], [(side, side, 2 * side, 2 * side)], open_upscaler(None))[0])
    widths = [int((crop[CACHE_PX // 2, :, 0] > 127).sum()) for crop in crops]
    assert max(widths) - min(widths) <= 3
    assert abs(widths[0] - 80) <= 3  # the middle 96 pixels hold the box and a tenth around it


def test_command_fills_a_folder_and_continues(folders, tmp_path):
    cutouts, photos = folders
    command = ["--cutouts", str(cutouts), "--backgrounds", str(photos), "--out", str(tmp_path)]
    command += ["--shard", "4"]
    main([*command, "--count", "8"])
    before = (tmp_path / "crops-00001.npz").stat().st_mtime_ns
    main([*command, "--count", "12"])
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == [
        f"crops-0000{number}.npz" for number in range(3)
    ]
    assert (tmp_path / "crops-00001.npz").stat().st_mtime_ns == before


def test_colors_keep_their_order():
    assert COLORS[0] == "white"
    assert len(COLORS) == 11
