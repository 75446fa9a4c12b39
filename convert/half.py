"""ONNX graphs with 16-bit numbers inside: half the size, and twice as fast on a GPU.

Inputs and outputs stay 32-bit, and so does all that follows the last layer with weights: decoded
boxes of a large image need more digits than 16 bits have (steps of 1 px above 1024).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from core.errors import ModelError

__all__ = ["to_half"]

_WEIGHTED = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})
# A convolution with fewer numbers decodes boxes; it is not a layer.
_LAYER_NUMBERS_MIN = 256
# Operators that take or give 32-bit numbers in every case, or lose too much in 16.
_WIDE = frozenset(
    {"Resize", "Range", "RandomNormalLike", "NonMaxSuppression", "CumSum", "GridSample", "Einsum"}
)
_HALF_MAX = 65504.0


def to_half(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a graph that computes in 16 bits; its ports keep their types.

    Args:
        graph: A graph with 32-bit floating-point numbers.

    Raises:
        ModelError: It has parts (loops, branches) that cannot be followed.
    """
    if any(attribute.HasField("g") for node in graph.graph.node for attribute in node.attribute):
        raise ModelError(
            "the graph has loops or branches, which cannot be converted to 16 bits.",
            "Use it in f32; an engine may still compute in 16 bits by itself.",
        )
    result = onnx.ModelProto()
    result.CopyFrom(shape_inference.infer_shapes(graph))
    _Halver(result.graph).run()
    del result.graph.value_info[:]
    return result


class _Halver:
    """One pass over the nodes in order; knows the width of every floating-point value."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.floats = {
            value.name
            for value in (*graph.value_info, *graph.input, *graph.output)
            if value.type.tensor_type.elem_type == TensorProto.FLOAT
        }
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.half: set[str] = set()  # names of values that are 16 bits wide
        self.casts: dict[tuple[str, bool], str] = {}
        self.nodes: list[onnx.NodeProto] = []

    def run(self) -> None:
        wide = self._wide_nodes()
        outputs = {value.name for value in self.graph.output}
        for index, node in enumerate(list(self.graph.node)):
            self._convert(node, is_wide=index in wide)
        for name in outputs & self.half:
            # Rename the producer's output, so that the port keeps its name and its width.
            inner = f"{name}_half"
            for node in self.nodes:
                node.output[:] = [inner if o == name else o for o in node.output]
                node.input[:] = [inner if i == name else i for i in node.input]
            self.nodes.append(helper.make_node("Cast", [inner], [name], to=TensorProto.FLOAT))
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        # Elder files list their weights as inputs, too: stored under other names, they are none.
        ports = [value for value in self.graph.input if value.name not in self.weights]
        del self.graph.input[:]
        self.graph.input.extend(ports)
        self._store_weights()

    def _wide_nodes(self) -> set[int]:
        """Nodes after the last layer with weights, seen from each output, and wide operators."""
        nodes = list(self.graph.node)
        producer = {name: i for i, node in enumerate(nodes) for name in node.output}
        wide = {i for i, node in enumerate(nodes) if node.op_type in _WIDE}
        waiting = [producer[o.name] for o in self.graph.output if o.name in producer]
        seen: set[int] = set()
        while waiting:
            index = waiting.pop()
            if index in seen or self._is_layer(nodes[index]):
                continue
            seen.add(index)
            waiting += [producer[name] for name in nodes[index].input if name in producer]
        return wide | seen

    def _is_layer(self, node: onnx.NodeProto) -> bool:
        if node.op_type not in _WEIGHTED:
            return False
        held = [self.weights[name] for name in node.input if name in self.weights]
        return any(np.prod(tensor.dims) >= _LAYER_NUMBERS_MIN for tensor in held) or not held

    def _convert(self, node: onnx.NodeProto, *, is_wide: bool) -> None:
        if node.op_type == "Constant":
            self._constant(node)
            return
        to_float = node.op_type == "Cast" and helper.get_node_attr_value(node, "to") == 1
        node.input[:] = [self._with_width(name, half=not is_wide) for name in node.input]
        self.nodes.append(node)
        if to_float and not is_wide:
            for attribute in node.attribute:
                if attribute.name == "to":
                    attribute.i = TensorProto.FLOAT16
        given = [name for name in node.output if name in self.floats]
        if not is_wide:
            self.half.update(given)
        if node.op_type == "ConstantOfShape" and not is_wide:
            self._fill(node, given)

    def _fill(self, node: onnx.NodeProto, given: Iterable[str]) -> None:
        """A constant of a shape takes its width from its value."""
        for attribute in node.attribute:
            if attribute.name == "value" and attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(_halved(attribute.t))
                return
        if not node.attribute:
            self.half.difference_update(given)

    def _constant(self, node: onnx.NodeProto) -> None:
        """Constants become initializers, which are stored in the width they are used in."""
        value = node.attribute[0]
        if value.name == "value" and value.t.data_type == TensorProto.FLOAT:
            tensor = TensorProto()
            tensor.CopyFrom(value.t)
            tensor.name = node.output[0]
            self.weights[tensor.name] = tensor
            self.graph.initializer.append(tensor)
            return
        self.nodes.append(node)

    def _with_width(self, name: str, *, half: bool) -> str:
        """The name of a value in the width that is asked for; casts it once where needed."""
        if name in self.weights:
            if self.weights[name].data_type != TensorProto.FLOAT:
                return name
            return self._weight(name, half=half)
        if name not in self.floats or (name in self.half) == half:
            return name
        key = (name, half)
        if key not in self.casts:
            self.casts[key] = f"{name}_as_{'half' if half else 'float'}"
            to = TensorProto.FLOAT16 if half else TensorProto.FLOAT
            self.nodes.append(helper.make_node("Cast", [name], [self.casts[key]], to=to))
        return self.casts[key]

    def _weight(self, name: str, *, half: bool) -> str:
        if not half:
            self.casts.setdefault((name, False), name)
            return name
        return self.casts.setdefault((name, True), f"{name}_half")

    def _store_weights(self) -> None:
        """Each weight in the widths that are used."""
        kept = []
        for tensor in self.graph.initializer:
            if tensor.data_type != TensorProto.FLOAT:
                kept.append(tensor)
                continue
            if (tensor.name, False) in self.casts:
                kept.append(tensor)
            if (tensor.name, True) in self.casts:
                kept.append(_halved(tensor, self.casts[tensor.name, True]))
        copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
        del self.graph.initializer[:]
        self.graph.initializer.extend(copies)


def _halved(tensor: TensorProto, name: str = "") -> TensorProto:
    values = np.clip(numpy_helper.to_array(tensor), -_HALF_MAX, _HALF_MAX)
    return numpy_helper.from_array(values.astype(np.float16), name or tensor.name)
