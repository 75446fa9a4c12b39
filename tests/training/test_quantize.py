"""8-bit twins: what is quantized, that the shipped one fits, and that one is made."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.boxes import iou_matrix
from core.errors import DataError, ModelError
from core.image import read_image
from pipeline.build import build_stages
from pipeline.catalog import find_model
from pipeline.config import DetectConfig, load_config
from pipeline.detect.letterbox import letterbox
from pipeline.engines.base import Choice
from pipeline.engines.twins import find_twin

openvino = pytest.importorskip("openvino", reason="pip install -r requirements.txt")
from pipeline.engines.openvino_engine import OpenVinoEngine
from training.quantize import decoding_nodes, quantize, sensitive_convolutions

EXAMPLES = Path("assets/examples")


def shipped() -> Path:
    return find_model("spotter-detector-n", "detect").folder / "detector.onnx"


def test_convolutions_are_quantized_and_decoding_is_not():
    model = openvino.Core().read_model(shipped())
    decoding = set(decoding_nodes(model))
    convolutions = [n for n in model.get_ops() if n.get_type_name() == "Convolution"]
    left_out = [n for n in convolutions if n.get_friendly_name() in decoding]
    # The one convolution of the decoding averages over 16 distances, for each of four edges.
    assert [list(n.input_value(1).get_shape()) for n in left_out] == [[1, 16, 1, 1]]
    assert len(convolutions) > 50
    kinds = {n.get_type_name() for n in model.get_ops() if n.get_friendly_name() in decoding}
    assert {"Softmax", "Sigmoid", "Subtract", "Divide"} <= kinds
    # Of the layers above, nothing.
    assert not [name for name in decoding if name.startswith("/model.") and "17/" not in name]


def test_the_first_convolutions_and_the_head_stay_in_float():
    model = openvino.Core().read_model(shipped())
    names = sensitive_convolutions(model)
    nodes = {n.get_friendly_name(): n for n in model.get_ops()}
    channels = [nodes[name].get_output_partial_shape(0)[1].get_length() for name in names[:2]]
    assert channels == [16, 32]
    # Three in each branch of the head, and the averaging one.
    assert {name.split("/")[1] for name in names[2:]} == {"model.17"}
    assert len(names) == 2 + 6 + 1
    twin = openvino.Core().read_model(find_twin(shipped(), "int8"))
    quantized = [
        node.get_friendly_name()
        for node in twin.get_ops()
        if node.get_type_name() == "Convolution"
        # Its weights are numbers of 8 bits times a scale.
        and node.input_value(1).get_node().get_type_name() == "Multiply"
    ]
    assert len(quantized) > 40
    assert not set(quantized) & set(names)


def test_the_shipped_twin_is_of_the_shipped_weights_and_finds_the_same():
    assert find_twin(shipped(), "int8") is not None, "run: python -m training.quantize --help"
    images = [read_image(path) for path in sorted(EXAMPLES.glob("*.jpg"))]
    found = {}
    for precision in ("f32", "int8"):
        stages = build_stages(load_config(sets=[f"engine.precision={precision}"]))
        found[precision] = stages.detector(images)
    assert stages.provenance["precision"] == "int8 (detector), f32"
    sure = 0
    for plain, small in zip(found["f32"], found["int8"], strict=True):
        assert abs(len(plain) - len(small)) <= 4
        rows = plain.score > 0.5
        sure += int(rows.sum())
        assert (iou_matrix(plain.xyxy[rows], small.xyxy).max(axis=1, initial=0) > 0.7).all()
    assert sure >= len(images) > 2


def test_a_twin_is_made_and_computes_nearly_the_same(tmp_path):
    pytest.importorskip("nncf", reason="pip install -r requirements-train.txt")
    source = tmp_path / "detector.onnx"
    shutil.copyfile(shipped(), source)
    images = sorted(EXAMPLES.glob("*.jpg"))
    config = DetectConfig(input_wh=(480, 288), level_count=2)
    twin = quantize(source, images[:4], config=config)
    assert find_twin(source, "int8") == twin
    kinds = [n.get_type_name() for n in openvino.Core().read_model(twin).get_ops()]
    assert kinds.count("FakeQuantize") > 50
    assert twin.with_suffix(".bin").stat().st_size < 0.6 * source.stat().st_size
    choice = Choice("openvino", "cpu", "int8", 1, "test")
    plain, small = (OpenVinoEngine.open(path, choice) for path in (source, twin))
    assert small.inputs == plain.inputs
    assert small.outputs == plain.outputs
    tensor, _ = letterbox(read_image(EXAMPLES / "airfield.jpg"), config.input_wh)
    ((expected,), (got,)) = (
        engine.run({plain.inputs[0].name: tensor[None]})["output0"] for engine in (plain, small)
    )
    sure = expected[4] > 0.4
    assert sure.sum() > 3
    np.testing.assert_allclose(got[:4, sure], expected[:4, sure], atol=3)  # px of 480
    np.testing.assert_allclose(got[4], expected[4], atol=0.3)
    assert np.abs(got[4] - expected[4])[expected[4] > 0.1].mean() < 0.1


def test_what_cannot_be_quantized_is_told(tmp_path):
    with pytest.raises(DataError, match="no picture to calibrate on"):
        quantize(shipped(), [])
    damaged = tmp_path / "detector.onnx"
    damaged.write_bytes(b"?")
    pytest.importorskip("nncf", reason="pip install -r requirements-train.txt")
    with pytest.raises(ModelError, match=r"cannot load detector\.onnx"):
        quantize(damaged, [EXAMPLES / "airfield.jpg"])
