"""Graphs with 16-bit numbers inside, made by hand."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")

from onnx import TensorProto, helper, numpy_helper

from convert.half import to_half


def test_weights_that_are_listed_as_inputs_are_none_afterwards():
    """Elder exporters list them; onnxruntime asked for them once they had other names."""
    shapes = {"x": [1, 3, 8, 8], "weight": [16, 3, 3, 3], "y": [1, 16, 6, 6]}
    ports = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    }
    weight = numpy_helper.from_array(np.ones(shapes["weight"], np.float32), "weight")
    nodes = [helper.make_node("Conv", ["x", "weight"], ["y"])]
    inputs = [ports["x"], ports["weight"]]
    graph = helper.make_graph(nodes, "g", inputs, [ports["y"]], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=4)
    half = to_half(model)
    onnx.checker.check_model(half)
    assert [value.name for value in half.graph.input] == ["x"]


def test_a_cast_keeps_its_other_attributes():
    """`saturate` came with operator set 19."""
    nodes = [
        helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT32),
        helper.make_node("Cast", ["whole"], ["wide"], to=TensorProto.FLOAT, saturate=1),
        helper.make_node("MatMul", ["wide", "weight"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 16]) for name in "xy"]
    weight = numpy_helper.from_array(np.ones((16, 16), np.float32), "weight")
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    half = to_half(model)
    onnx.checker.check_model(half)
    told = [
        (attribute.name, attribute.i)
        for node in half.graph.node
        for attribute in node.attribute
        if any(other.name == "saturate" for other in node.attribute)
    ]
    assert sorted(told) == [("saturate", 1), ("to", TensorProto.FLOAT16)]
