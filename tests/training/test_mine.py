"""Hard negatives: windows around false boxes, once each, at the scale they were seen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "synth"))

from scene_library import make_library

from core.errors import ConfigError
from core.files import read_json
from core.types import Detections, Image
from synth.library import read_library
from training.mine import VIEW_WH, WINDOW_PX, cut_false, mine
from training.scenes import check_header, read_scenes


def _seen(boxes: Sequence[Sequence[float]], scores: Sequence[float]) -> Detections:
    return Detections.from_xyxy(boxes, VIEW_WH, score=scores)


def test_a_window_shows_the_false_box_and_its_surroundings() -> None:
    view = np.zeros((VIEW_WH[1], VIEW_WH[0], 3), np.uint8)
    view[300:320, 900:940] = 255
    (window,) = cut_false(view, _seen([[900, 300, 940, 320]], [0.5]))
    assert window.shape == (WINDOW_PX, WINDOW_PX, 3)
    assert int((window > 0).sum()) == 20 * 40 * 3


def test_neighbours_share_a_window_and_large_boxes_are_cut_from_a_smaller_copy() -> None:
    view = np.zeros((VIEW_WH[1], VIEW_WH[0], 3), np.uint8)
    view[:, 480:] = 200
    near = [[100, 100, 130, 120], [140, 110, 160, 130], [600, 300, 640, 330]]
    assert len(list(cut_false(view, _seen(near, [0.3, 0.6, 0.2])))) == 2
    (window,) = cut_false(view, _seen([[280, 100, 680, 300]], [0.4]))
    assert window.shape == (VIEW_WH[1] // 4, VIEW_WH[0] // 4, 3)  # all of it, at a quarter
    assert window[60, 40].tolist() == [0, 0, 0]
    assert window[60, 200].tolist() == [200] * 3


def test_what_was_searched_is_not_searched_again(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    calls = 0

    def detector(images: Sequence[Image]) -> list[Detections]:
        nonlocal calls
        calls += 1
        return [_seen([[50, 60, 90, 80], [500, 60, 540, 80]], [0.9, 0.05]) for _ in images]

    made = mine(library, detector, tmp_path / "out", score_min=0.1, seed=1)
    assert made == 3 * len(library.backgrounds) == calls
    scenes = read_scenes(tmp_path / "out")
    assert [len(scene.xyxy) for scene in scenes] == [0] * made
    assert all(scene.path.exists() for scene in scenes)
    # A photograph that joins later does not shift the others.
    shutil.copy(library.backgrounds[-1].path, library.backgrounds[0].path.with_name("a0_0.png"))
    larger = read_library(tmp_path / "library" / "cutouts", tmp_path / "library" / "backgrounds")
    assert mine(larger, detector, tmp_path / "out", score_min=0.1, seed=1) == made + 3
    assert calls == made + 3


def test_a_folder_is_searched_with_one_detector(tmp_path: Path) -> None:
    header: dict[str, object] = {"model": "1f", "score_min": 0.1, "seed": 0}
    path = tmp_path / "config.json"
    check_header(path, header, "detector")
    check_header(path, header, "detector")
    with pytest.raises(ConfigError, match="another detector"):
        check_header(path, {**header, "model": "2e"}, "detector")
    assert read_json(path) == header
