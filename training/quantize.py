r"""Write the 8-bit twin of an exported detector, calibrated on pictures: for CPUs without bfloat16.

    python -m training.quantize --model assets/models/spotter-detector-n/detector.onnx \
        --images backgrounds --images scenes/images

The twin (`detector.int8.onnx`) lies beside the graph with a note (`detector.int8.json`) of the
graph it was made from: a twin of other weights is never used (pipeline/engines/twins.py).
Convolutions and what lies between them are quantized (8-bit activations, weights per channel); the
decoding of boxes stays in float32: 8 bits cannot tell one pixel from the next in an image of a
thousand.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from core.errors import DataError
from core.files import list_files
from core.image import read_image
from pipeline.config import DetectConfig
from pipeline.detect.letterbox import letterbox
from pipeline.engines.twins import twin_path, write_twin

__all__ = ["decoding_nodes", "main", "quantize"]

_IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
# What 8-bit kernels are faster for.
_QUANTIZED_OPS = ["Conv", "Sigmoid", "Mul", "Add", "Concat", "MaxPool"]


class _Inputs(CalibrationDataReader):
    """The inputs that the detector's levels make of the pictures."""

    def __init__(self, name: str, images: Sequence[Path], config: DetectConfig) -> None:
        self._feeds = self._read(name, images, config)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next input; None after the last one."""
        return next(self._feeds, None)

    @staticmethod
    def _read(
        name: str, images: Sequence[Path], config: DetectConfig
    ) -> Iterator[dict[str, NDArray[np.float32]]]:
        for path in images:
            image = read_image(path)
            for number in range(config.level_count):
                tensor, _ = letterbox(image, config.at_level(number).input_wh)
                yield {name: tensor[None]}


def quantize(source: Path, images: Sequence[Path], *, config: DetectConfig | None = None) -> Path:
    """Return the twin of a detector, written beside it with its note.

    Args:
        source: The float32 graph.
        images: Pictures like those it will see; a few dozen are enough.
        config: The input sizes it is used with.

    Raises:
        DataError: There are no images.
    """
    if not images:
        raise DataError("no picture to calibrate on.", "Give a folder of pictures with --images.")
    target = twin_path(source, "int8")
    with tempfile.TemporaryDirectory() as folder:
        prepared, part = Path(folder) / "prepared.onnx", Path(folder) / target.name
        # Folds the casts of weights that are stored in 16 bits.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            prepared,
            part,
            _Inputs(graph.input[0].name, images, config or DetectConfig()),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTIZED_OPS,
            per_channel=True,
            # Products of 8 and 7 bits: CPUs without VNNI add two of them in 16 bits.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=decoding_nodes(graph),
            calibrate_method=CalibrationMethod.MinMax,
        )
        data = part.read_bytes()
    write_twin(source, "int8", data, notes={"pictures": len(images)})
    return target


def decoding_nodes(graph: onnx.GraphProto) -> list[str]:
    """Return the names of the nodes between the last convolutions and the outputs, those included.

    The last convolutions say where edges are and how sure: what follows decodes that to pixels.
    """
    producers = {name: node for node in graph.node for name in node.output}
    waiting = [output.name for output in graph.output]
    found: dict[str, None] = {}
    while waiting:
        node = producers.get(waiting.pop())
        if node is None or node.name in found:
            continue
        found[node.name] = None
        above = producers.get(node.input[0]) if node.input else None
        # The convolution after a softmax only averages a distribution over distances.
        if node.op_type != "Conv" or (above is not None and "Softmax" in _near(above, producers)):
            waiting.extend(node.input)
    return list(found)


def _near(node: onnx.NodeProto, producers: Mapping[str, onnx.NodeProto]) -> str:
    """The kind of the nearest node above that computes, past those that only rearrange."""
    while node.op_type in ("Transpose", "Reshape") and node.input[0] in producers:
        node = producers[node.input[0]]
    return str(node.op_type)


def _list_images(folders: Sequence[Path], count: int) -> list[Path]:
    """So many pictures, spread evenly over the folders' files."""
    paths = [
        path
        for folder in folders
        for path in list_files(folder)
        if path.suffix.lower() in _IMAGE_ENDINGS
    ]
    picks = np.unique(np.linspace(0, max(len(paths) - 1, 0), count).round().astype(int))
    return [paths[i] for i in picks] if paths else []


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and write the twin."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="the exported graph")
    parser.add_argument("--images", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=32, help="pictures to calibrate on")
    arguments = parser.parse_args(argv)
    target = quantize(arguments.model, _list_images(arguments.images, arguments.count))
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
