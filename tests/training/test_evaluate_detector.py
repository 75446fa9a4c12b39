"""Measuring an exported detector: what the product shows, from one run of the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.image import write_image
from pipeline.build import build_detector
from pipeline.catalog import find_model
from pipeline.config import DetectConfig
from pipeline.engines.base import TensorSpec
from training.evaluate_detector import evaluate, main, open_detectors, size_label

# Center x, center y, width, height in pixels of the finest scale's input, score.
ANCHORS = np.array(
    [
        [100, 100, 40, 40, 0.9],
        [106, 100, 40, 40, 0.09],  # the product does not weigh it: an average would move the first
        [300, 200, 60, 30, 0.15],  # the product shows it
        [500, 300, 20, 20, 0.02],  # the product does not
    ],
    np.float32,
)
FIRST, THIRD, LAST = [80, 80, 120, 120], [270, 185, 330, 215], [490, 290, 510, 310]


class FakeEngine:
    """Sees the anchors at the finest scale, nothing at the others, and counts its runs."""

    inputs = (TensorSpec("images", "float32", (None, 3, None, None)),)
    outputs = (TensorSpec("output0", "float32", (None, 5, None)),)

    def __init__(self) -> None:
        self.runs = 0

    def run(self, feeds):
        self.runs += 1
        seen = ANCHORS if feeds["images"].shape[3] == 960 else 0 * ANCHORS
        return {"output0": np.tile(seen.T, (len(feeds["images"]), 1, 1))}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    (tmp_path / "detector.onnx").touch()
    engine = FakeEngine()
    monkeypatch.setattr("training.evaluate_detector.OrtEngine.open", lambda *_: engine)
    return engine


def test_figures_are_those_of_what_the_product_shows(tmp_path: Path, engine: FakeEngine) -> None:
    config = DetectConfig()
    image = np.zeros((544, 960, 3), np.uint8)
    truth = np.array([FIRST, LAST], np.float32)
    detectors = open_detectors(tmp_path / "detector.onnx", config, 1)
    figures, [shown] = evaluate(*detectors, [lambda: image], [truth])
    assert engine.runs == config.level_count, "one run for both lists"
    assert shown.xyxy.tolist() == [FIRST, THIRD]
    model = find_model(str(tmp_path), "detect")
    (product,) = build_detector([model], config, lambda _: lambda _: engine)([image])
    assert (product.xyxy.tolist(), product.score.tolist()) == (
        shown.xyxy.tolist(),
        shown.score.tolist(),
    )
    assert (figures["recall50"], figures["recall50_low_score"]) == (0.5, 1)
    assert (figures["boxes_per_image"], figures["false_boxes_per_image"]) == (2, 1)
    # Half at a precision of 1, the rest at 2/3: the second box of three is false.
    assert figures["ap50"] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-4)


def test_the_settings_are_the_product_s(tmp_path: Path, engine: FakeEngine) -> None:
    image = np.zeros((544, 960, 3), np.uint8)
    config = DetectConfig(score_min=0.5, level_count=1)
    shown, whole = open_detectors(tmp_path, config, 1)
    assert (len(shown([image])[0]), len(whole([image])[0]), engine.runs) == (1, 3, 1)
    few, _ = open_detectors(tmp_path, DetectConfig(max_boxes=1), 1)
    assert len(few([image])[0]) == 1


def test_another_file_is_not_measured_instead(tmp_path: Path, engine: FakeEngine) -> None:
    with pytest.raises(ModelError, match=r"not named detector\.onnx"):
        open_detectors(tmp_path / "detector.int8.onnx", DetectConfig(), 1)
    (tmp_path / "detector.onnx").unlink()
    with pytest.raises(ModelError, match=r"lacks detector\.onnx"):
        open_detectors(tmp_path / "detector.onnx", DetectConfig(), 1)


def test_sizes_and_types_are_those_that_the_network_meets(
    tmp_path: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    # Its height limits it: a box of 30 px has 54 there (544 / 300), not 72 (960 / 400).
    write_image(np.zeros((300, 400, 3), np.uint8), tmp_path / "images" / "a.png")
    rows = [{"caption": caption, "bbox": [5, 5, 30, 20]} for caption in ("red jet", "odd thing")]
    line = json.dumps({"image": "a.png", "annotations": rows})
    (tmp_path / "annotations.jsonl").write_text(line)
    main(["--model", str(tmp_path), "--dataset", str(tmp_path)])
    report = json.loads(capsys.readouterr().out)
    assert list(report["by_size"]) == [size_label(np.array([0, 0, 54, 9], np.float32), 1)]
    assert set(report["by_type"]) == {"fighter jet", "several"}
