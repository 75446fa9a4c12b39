"""From a PyTorch module to an ONNX file, compared with the module before it is kept."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from convert.onnx_file import run_onnx, save_graph
from core.errors import ModelError
from pipeline.models import numbers_beside

__all__ = ["OPSET", "Ports", "export_graph", "largest_difference"]

OPSET = 18


@dataclass(frozen=True, slots=True)
class Ports:
    """Names of a graph's inputs and outputs, and which of their axes are free.

    Args:
        inputs: In the order of the module's arguments.
        outputs: In the order of what it returns.
        free: Free axes with their names, by input or output; the batch is always free.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    free: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def axes(self) -> dict[str, dict[int, str]]:
        """Return the free axes of every port, the batch included."""
        return {name: {0: "n", **self.free.get(name, {})} for name in (*self.inputs, *self.outputs)}


def export_graph(
    module: torch.nn.Module,
    examples: Sequence[tuple[torch.Tensor, ...]],
    path: Path,
    ports: Ports,
    *,
    tolerance: float,
    rows_axis: int | None = None,
) -> None:
    """Write a module as ONNX.

    Args:
        module: In evaluation mode.
        examples: Arguments; the first is traced, all are compared.
        path: File to write; a file of numbers may lie beside it.
        ports: Names and free axes.
        tolerance: Largest allowed difference of an output, relative to its largest value.
        rows_axis: Axis of queries whose order may differ, where the network picks the best ones:
            there the last bit of a score decides who comes first, and who just misses.

    Raises:
        ModelError: The graph does not compute what the module does; nothing is kept.
    """
    module.eval()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every Python number in a module
        traced = Path(folder) / "graph.onnx"
        with torch.inference_mode():
            torch.onnx.export(
                module,
                examples[0],
                str(traced),
                input_names=list(ports.inputs),
                output_names=list(ports.outputs),
                dynamic_axes=ports.axes(),
                opset_version=OPSET,
                dynamo=False,
            )
        graph = onnx.load(str(traced))
    graph.producer_version = ""  # the same weights give the same bytes
    save_graph(graph, path)
    try:
        for example in examples:
            difference = largest_difference(module, example, path, ports, rows_axis=rows_axis)
            if difference > tolerance:
                raise ModelError(
                    f"{path.name}: the ONNX graph differs from the network by {difference:.3g} of "
                    f"the largest value, allowed is {tolerance:g}; nothing was kept.",
                    "This checkpoint cannot be converted with the installed versions of PyTorch.",
                )
    except ModelError:
        for part in (path, *numbers_beside(path)):
            part.unlink(missing_ok=True)
        raise


def largest_difference(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    path: Path,
    ports: Ports,
    *,
    rows_axis: int | None = None,
) -> float:
    """Return the largest difference of any output, relative to that output's largest value.

    Args:
        module: The reference.
        example: Its arguments.
        path: The graph.
        ports: Names of the graph's inputs.
        rows_axis: See `export_graph`; of unordered rows, the worst five of a hundred are left out.

    Raises:
        ModelError: The graph cannot be run, has outputs of other shapes, or one of both gives NaN.
    """
    with torch.inference_mode():
        theirs = module(*example)
    values = theirs if isinstance(theirs, tuple | list) else (theirs,)
    expected = [value.float().numpy() for value in values]
    feeds = {name: value.numpy() for name, value in zip(ports.inputs, example, strict=True)}
    got = [value.astype(np.float32) for value in run_onnx(path, feeds)]
    shapes = [value.shape for value in got], [value.shape for value in expected]
    if shapes[0] != shapes[1]:
        raise ModelError(f"{path.name} gives {shapes[0]}, the network {shapes[1]}.")
    # No comparison with NaN ever fails.
    broken = [who for who, values in (("ONNX graph", got), ("network", expected))
              if any(np.isnan(value).any() for value in values)]  # fmt: skip
    if broken:
        raise ModelError(
            f"{path.name}: the {' and the '.join(broken)} gave values that are no numbers (NaN).",
            "Fetch the checkpoint again; if its training diverged, take an earlier one.",
        )
    if rows_axis is not None:
        return _rows_difference(got, expected, rows_axis)
    return max(_difference(a, b) for a, b in zip(got, expected, strict=True))


def _difference(got: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    finite = np.isfinite(expected)
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0)))
    return float(np.abs(got[finite] - expected[finite]).max(initial=0)) / scale


def _rows_difference(
    got: Sequence[NDArray[np.float32]], expected: Sequence[NDArray[np.float32]], axis: int
) -> float:
    """The distance of each expected row to the nearest row that came out, all but a few."""
    if not all(np.isfinite(value).all() for value in (*got, *expected)):
        return float("inf")  # nothing is near to what is infinite

    def rows(values: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        scaled = [
            np.moveaxis(value / max(1.0, float(np.abs(wanted).max())), axis, 1)
            for value, wanted in zip(values, expected, strict=True)
        ]
        return np.concatenate(scaled, axis=2)

    worst = 0.0
    for ours, wanted in zip(rows(got), rows(expected), strict=True):
        nearest = np.array([np.abs(ours - row).max(axis=1).min() for row in wanted])
        worst = max(worst, float(np.quantile(nearest, 0.95)))
    return worst
