"""PyTorch, ONNX Runtime and OpenVINO give the same final values through the same family."""

from __future__ import annotations

import numpy as np
import pytest

from core.types import Detections
from pipeline.config import UpscaleConfig
from pipeline.cut import cut
from pipeline.engines.base import Choice
from pipeline.registry import ENGINES
from pipeline.upscale.compact import CompactUpscaler


@pytest.fixture
def crops(image):
    boxes = [[20, 20, 50, 40], [100, 60, 170, 110]]
    return cut(image((200, 160)), Detections.from_xyxy(boxes, (200, 160)))


def reference_upscaler(path):
    torch = pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
    import onnx
    from onnx import numpy_helper

    from pipeline.engines.torch_engine import TorchEngine

    weight = numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    convolution = torch.nn.Conv2d(3, 48, 5, padding=2, bias=False)
    convolution.weight.data = torch.from_numpy(weight.copy())
    module = torch.nn.Sequential(convolution, torch.nn.PixelShuffle(4))
    return CompactUpscaler(
        TorchEngine(module, inputs=["input"], outputs=["output"]), UpscaleConfig()
    )


@pytest.mark.parametrize("name", ENGINES.available())
def test_upscaler_parity(tiny_models, crops, name):
    path = tiny_models / "upscaler" / "upscaler.onnx"
    choice = Choice(name, "cpu", "f32", 1, "test", "CPUExecutionProvider")
    engine = ENGINES.load(name).open(path, choice)
    expected = reference_upscaler(path)([crops])[0]
    got = CompactUpscaler(engine, UpscaleConfig())([crops])[0]
    for a, b in zip(expected.images, got.images, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1
