r"""Write the 8-bit twin of an exported detector, calibrated on pictures: for CPUs without bfloat16.

    python -m training.quantize --model assets/models/spotter-detector-n/detector.onnx \
        --images scenes/images

The twin (`detector.int8.xml` and `.bin`, OpenVINO's own format) lies beside the graph with a note
of the graph it was made from: a twin of other weights is never used (pipeline/engines/twins.py).
Convolutions and what lies between them are quantized by NNCF (Kozlov et al. 2020). The decoding of
boxes stays in float32: 8 bits cannot tell one pixel from the next in an image of a thousand. So do
the first two convolutions and those of the head, which cost little time and most of what 8 bits
lose (training/LOG.md).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from core.errors import DataError, ModelError
from core.files import list_files
from core.image import read_image
from pipeline.config import DetectConfig
from pipeline.detect.letterbox import letterbox
from pipeline.engines.twins import write_twin

__all__ = ["decoding_nodes", "main", "quantize", "sensitive_convolutions"]

_IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
_COUNT = 200
# Convolutions of the picture itself.
_FIRST = 2


def quantize(source: Path, images: Sequence[Path], *, config: DetectConfig | None = None) -> Path:
    """Return the twin of a detector, written beside it with its note.

    Args:
        source: The float32 graph.
        images: Pictures like those it will see; with 32 instead of 200, boxes fit less tightly.
        config: The input sizes it is used with.

    Raises:
        DataError: There are no images.
        ModelError: The graph cannot be read.
    """
    if not images:
        raise DataError("no picture to calibrate on.", "Give a folder of pictures with --images.")
    import nncf

    usual = config or DetectConfig()
    try:
        model = openvino.Core().read_model(source)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot load {source.name}: {error}.") from error
    in_float = [*decoding_nodes(model), *sensitive_convolutions(model)]
    inputs = [(path, level) for path in images for level in range(usual.level_count)]
    quantized = nncf.quantize(
        model,
        # Read when its turn comes: all of them would take gigabytes.
        nncf.Dataset(inputs, lambda item: _input(*item, usual)),
        subset_size=len(inputs),
        # Activations may be of one sign or of both: SiLU goes a little below nought.
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=in_float),
        # Products of 8 and 7 bits: CPUs without VNNI add two of them in 16 bits.
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "detector.xml"
        openvino.save_model(quantized, graph, compress_to_fp16=False)
        data = graph.read_bytes(), graph.with_suffix(".bin").read_bytes()
    return write_twin(source, "int8", *data, notes={"pictures": len(images)})


def _input(path: Path, level: int, config: DetectConfig) -> NDArray[np.float32]:
    """What the detector's network is given of a picture at one of its scales."""
    tensor, _ = letterbox(read_image(path), config.at_level(level).input_wh)
    return tensor[None]


def decoding_nodes(model: openvino.Model) -> list[str]:
    """Return the names of the nodes between the last convolutions and the outputs.

    The last convolutions say where edges are and how sure: what follows decodes that to pixels.
    """
    waiting = list(model.get_results())
    found: dict[str, str] = {}
    while waiting:
        node = waiting.pop()
        name, kind = node.get_friendly_name(), node.get_type_name()
        # Of the features above, decoding asks how many they are, too.
        if name in found or kind == "ShapeOf" or any(map(_finds, [node, *_above(node)])):
            continue
        found[name] = kind
        waiting.extend(_above(node))
    return [name for name, kind in found.items() if kind not in ("Constant", "Result")]


def sensitive_convolutions(model: openvino.Model) -> list[str]:
    """Return the names of the first two convolutions and of those of the head.

    The head is the block that ends in the decoding; blocks are told by the start of their names.
    """
    names = [
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution"
    ]
    heads = {_block_of(name) for name in decoding_nodes(model)} - {""}
    head = [name for name in names if _block_of(name) in heads]
    return list(dict.fromkeys([*names[:_FIRST], *head]))


def _block_of(name: str) -> str:
    """The block of a node: "model.17" of "/model.17/dfl/Softmax"; empty where it names none."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else ""


def _finds(node: openvino.Node) -> bool:
    """Whether it is a convolution, and not one that averages a distribution over distances."""
    if node.get_type_name() != "Convolution":
        return False
    above = _above(node)[0]
    while above.get_type_name() in ("Transpose", "Reshape"):
        above = _above(above)[0]
    return above.get_type_name() != "Softmax"


def _above(node: openvino.Node) -> list[openvino.Node]:
    return [port.get_source_output().get_node() for port in node.inputs()]


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
    parser.add_argument("--count", type=int, default=_COUNT, help="pictures to calibrate on")
    arguments = parser.parse_args(argv)
    target = quantize(arguments.model, _list_images(arguments.images, arguments.count))
    size = target.stat().st_size + target.with_suffix(".bin").stat().st_size
    print(f"{target}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
