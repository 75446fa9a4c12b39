"""Detectors that come as ONNX: which layout a file has, and what its classes are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")

from convert.ready_detector import convert
from convert.source import Source
from core.errors import ModelError
from pipeline.catalog import load_catalog
from pipeline.config import load_config
from pipeline.models import Model

NAMES = ("plane", "drone", "bird")


def constant_graph(path: Path, table: np.ndarray, *, wh=("w", "h"), **metadata: str) -> Path:
    """Write a network that gives the same table for any image; return its path."""
    helper = onnx.helper
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["table", "nothing"], ["output"]),
    ]
    held = [
        onnx.numpy_helper.from_array(table[None].astype(np.float32), "table"),
        onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("images", 1, [1, 3, *wh[::-1]])],
        [helper.make_tensor_value_info("output", 1, [1, *table.shape])], held,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def finished_rows(highest_class: int) -> np.ndarray:
    """300 rows of corners, score and class, all empty but one."""
    rows = np.zeros((300, 6), np.float32)
    rows[0] = (8, 8, 40, 40, 0.01, highest_class)
    return rows


def converted(path: Path, class_names: tuple[str, ...] = (), **entry) -> tuple[Model, list[str]]:
    """The entry of a file, and what was said meanwhile."""
    said: list[str] = []
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    made = Model(id="made/here", task="detect", family="", **entry)
    return convert(Source(path, made, False, class_names, said.append), folder), said


def test_a_file_of_several_images_at_once_is_refused(tmp_path):
    path = constant_graph(tmp_path / "four.onnx", finished_rows(0))
    graph = onnx.load(path)
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(graph, path)
    with pytest.raises(ModelError, match="takes 4 images at once") as caught:
        converted(path)
    assert "batch of 1" in caught.value.hint


class TestClasses:
    @pytest.mark.parametrize("seen", [0, 1, 2])
    def test_finished_rows_have_the_names_in_the_file(self, tmp_path, seen):
        """Whichever class the noise looks like."""
        names = repr(dict(enumerate(NAMES)))
        path = constant_graph(tmp_path / "rows.onnx", finished_rows(seen), names=names)
        assert converted(path)[0].class_names == NAMES
        assert converted(path, ("a", "b", "c", "d"))[0].class_names == ("a", "b", "c", "d")

    def test_finished_rows_without_names_have_those_seen(self, tmp_path):
        path = constant_graph(tmp_path / "rows.onnx", finished_rows(1))
        assert converted(path)[0].class_names == ("class 0", "class 1")

    def test_a_class_beyond_the_names_is_refused(self, tmp_path):
        path = constant_graph(tmp_path / "rows.onnx", finished_rows(2))
        with pytest.raises(ModelError, match="3 classes, got 2 names"):
            converted(path, ("plane", "drone"))


class TestSize:
    def anchors(self, tmp_path, wh) -> Path:
        return constant_graph(tmp_path / "anchors.onnx", np.full((5, 84), 0.5), wh=wh)

    def test_another_size_than_wanted_is_refused(self, tmp_path):
        """The catalogue says what the preset origin counts on."""
        wanted = load_catalog()["yolov6-l6"]
        assert wanted.input_wh == load_config("origin").detect.input_wh
        with pytest.raises(ModelError, match="takes 640x640 pixels alone, wanted") as e:
            converted(self.anchors(tmp_path, (640, 640)), input_wh=wanted.input_wh)
        assert "--size 640x640" in e.value.hint
        path = self.anchors(tmp_path, (1536, 896))
        assert converted(path, input_wh=wanted.input_wh)[0].input_wh == (1536, 896)

    def test_the_only_size_is_said(self, tmp_path):
        assert "640x480 pixels alone" in converted(self.anchors(tmp_path, (640, 480)))[1][0]
        assert converted(self.anchors(tmp_path, ("w", "h")), input_wh=(640, 640))[1] == []


class TestOtherTasks:
    """Exports that have boxes, too, and more beside them."""

    def segmentation(self) -> np.ndarray:
        table = np.full((4 + 3 + 32, 84), 0.5, np.float32)
        table[7:] = np.linspace(-2, 3, 32)[:, None]
        return table

    def test_the_file_says_what_it_is_for(self, tmp_path):
        path = constant_graph(tmp_path / "seg.onnx", self.segmentation(), task="segment")
        with pytest.raises(ModelError, match="made to segment, not to detect"):
            converted(path)

    def test_masks_are_no_scores(self, tmp_path):
        path = constant_graph(tmp_path / "seg.onnx", self.segmentation())
        with pytest.raises(ModelError, match=r"39x84 values.*not only scores") as caught:
            converted(path)
        assert "segmentation" in caught.value.hint

    def test_more_rows_than_names_are_refused(self, tmp_path):
        """An angle may look like a score."""
        names = repr(dict(enumerate(NAMES)))
        path = constant_graph(tmp_path / "obb.onnx", np.full((8, 84), 0.5), names=names)
        with pytest.raises(ModelError, match="4 classes, got 3 names") as caught:
            converted(path)
        assert "turned boxes" in caught.value.hint
