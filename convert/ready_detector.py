"""Detectors that come as ONNX already: YOLOv6 by Meituan's tools, YOLOX, exports of Ultralytics.

Nothing is computed anew; the file is run once to see which layout it has.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from convert.names import COCO_NAMES
from convert.onnx_file import run_onnx, save_graph
from convert.source import Source
from core.errors import ModelError
from core.files import write_json
from pipeline.models import Model

__all__ = ["convert"]

_ROW = 6
_ROWS_MAX = 1000
_TRIAL_WH = (256, 128)
# Strides up to 64, so that networks of four levels take it too.
_MULTIPLE_PX = 64
_STRIDES = (8, 16, 32)
_ONLY_DETECTION = "Models for segmentation, poses, turned boxes or whole images are not read."


def convert(source: Source, folder: Path) -> Model:
    """Copy the file as detector.onnx, with a card of its input; return its entry."""
    try:
        graph = onnx.load(str(source.path))
        onnx.checker.check_model(graph)
    except Exception as error:
        # The library raises many kinds of error for a file that is no graph.
        raise ModelError(f"{source.path} is no ONNX file: {str(error)[:200]}.") from error
    if (task := _told(graph, "task") or "detect") != "detect":
        raise ModelError(f"{source.path.name} is made to {task}, not to detect.", _ONLY_DETECTION)
    save_graph(graph, folder / "detector.onnx")
    input_wh = _input_wh(graph)
    if input_wh is not None:
        _check_size(input_wh, source)
    trial_wh = input_wh or _TRIAL_WH
    output = _trial(folder / "detector.onnx", graph, trial_wh)
    told = source.class_names or _told_names(graph)
    family, num_classes = _layout(output, len(told))
    names = told or _usual_names(num_classes)
    if len(names) != num_classes:
        raise ModelError(
            f"{source.path.name} has {num_classes} classes, got {len(names)} names.",
            f"Give as many names with --classes, separated by commas. {_ONLY_DETECTION}",
        )
    card: dict[str, object] = {"multiple_px": _MULTIPLE_PX}
    if input_wh is not None:
        card = {"fit": "corner", "input_wh": list(input_wh)}
    if family == "yolox" or (family == "yolov6" and _is_decoded_yolox(output, trial_wh, source)):
        card |= {"order": "bgr", "scale": 1.0}
    write_json(folder / "detector.json", card)
    return source.entry.model_copy(
        update={"family": family, "class_names": names, "input_wh": input_wh}
    )


def _input_wh(graph: onnx.ModelProto) -> tuple[int, int] | None:
    """Width and height that the graph insists on; None where they are free."""
    held = {tensor.name for tensor in graph.graph.initializer}
    inputs = [value for value in graph.graph.input if value.name not in held]
    axes = inputs[0].type.tensor_type.shape.dim if len(inputs) == 1 else []
    if len(axes) != 4 or axes[1].dim_value != 3:
        raise ModelError(
            f"the graph has {len(inputs)} inputs, expected one of (n, 3, height, width).",
            "Export without pre- or postprocessing inside the graph.",
        )
    if axes[0].dim_value > 1:
        raise ModelError(
            f"the graph takes {axes[0].dim_value} images at once and no other number.",
            "Export it again with a free batch axis, or a batch of 1.",
        )
    width, height = axes[3].dim_value, axes[2].dim_value
    return (width, height) if width and height else None


def _check_size(input_wh: tuple[int, int], source: Source) -> None:
    """Refuse a graph of another size than wanted; say that it has only one.

    Raises:
        ModelError: It would see less, or more slowly, than what it was asked for.
    """
    taken = "x".join(map(str, input_wh))
    wanted = "x".join(map(str, source.entry.input_wh or input_wh))
    if wanted != taken:
        raise ModelError(
            f"{source.path.name} takes {taken} pixels alone, wanted are {wanted}.",
            f"Export it again for {wanted} pixels, or keep it by adding: --size {taken}",
        )
    source.tell(f"takes {taken} pixels alone, for upright pictures, too, whatever the settings say")


def _trial(path: Path, graph: onnx.ModelProto, wh: tuple[int, int]) -> NDArray[np.float32]:
    """The output for one image of noise, without the batch axis."""
    held = {tensor.name for tensor in graph.graph.initializer}
    name = next(value.name for value in graph.graph.input if value.name not in held)
    image = np.random.default_rng(0).random((1, 3, wh[1], wh[0]), dtype=np.float32)
    outputs = run_onnx(path, {name: image})
    if len(outputs) != 1 or outputs[0].ndim != 3:
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ModelError(
            f"{path.name} gives {shapes}; expected one output of (n, rows, columns).",
            "Export without suppression inside the graph (without --end2end or nms=True).",
        )
    return outputs[0][0].astype(np.float32)


def _layout(output: NDArray[np.float32], num_named: int) -> tuple[str, int]:
    """The family that reads this output, and its number of classes.

    Finished rows show only those classes that the noise looked like, so the names say how many
    there are.
    """
    rows, columns = output.shape
    if columns == _ROW and rows <= _ROWS_MAX and _are_finished(output):
        return "yolo", max(int(output[:, 5].max(initial=0)) + 1, num_named)
    scores = output[4:] if rows < columns else output[:, 4:]
    if scores.min(initial=0) < 0 or scores.max(initial=0) > 1:
        raise ModelError(
            f"the graph gives {rows}x{columns} values, and beside boxes not only scores of 0..1.",
            _ONLY_DETECTION,
        )
    if rows < columns:
        return "yolo", rows - 4
    # Decoded boxes have sizes in pixels; YOLOX gives their logarithms.
    return ("yolox" if output[:, 2:4].min() < 0 else "yolov6"), columns - 5


def _is_decoded_yolox(output: NDArray[np.float32], wh: tuple[int, int], source: Source) -> bool:
    """Whether decoded boxes are YOLOX's, which wants other colors and another scale.

    Told by objectness, which YOLOv6 leaves at 1, and by the number of boxes at each place: one of
    YOLOX, three of YOLOv5 and YOLOv7, which want what YOLOv6 does.

    Raises:
        ModelError: It is none of them: nothing in the file says what the input should be.
    """
    if (output[:, 4] == 1).all():
        return False
    places = sum((wh[0] // stride) * (wh[1] // stride) for stride in _STRIDES)
    more = (wh[0] // _MULTIPLE_PX) * (wh[1] // _MULTIPLE_PX)  # networks of four levels
    if len(output) in (places, places + more):
        return True
    if len(output) in (3 * places, 3 * (places + more)):
        return False
    raise ModelError(
        f"{source.path.name} gives {len(output)} boxes with an objectness for {wh[0]}x{wh[1]} "
        "pixels, so its family, and with it the colors and the scale it expects, cannot be told.",
        "Export it again by its makers' tools, YOLOX without --decode_in_inference.",
    )


def _are_finished(output: NDArray[np.float32]) -> bool:
    """True for rows of corners, score and class; anchors of one class have as many columns."""
    whole_classes = bool((output[:, 5] == np.round(output[:, 5])).all())
    return whole_classes and not (output[:, 4] == 1).all()


def _told_names(graph: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the classes as Ultralytics writes them into its files; none in those of others."""
    told = _told(graph, "names")
    try:
        names = ast.literal_eval(told) if told else {}
    except (ValueError, SyntaxError):
        names = {}
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names)]
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _told(graph: onnx.ModelProto, key: str) -> str:
    """What the file says of itself under a key; empty where it does not."""
    return next((prop.value for prop in graph.metadata_props if prop.key == key), "")


def _usual_names(num_classes: int) -> tuple[str, ...]:
    """Names of classes that nobody told."""
    if num_classes == 1:
        return ("object",)
    if num_classes == len(COCO_NAMES):
        return COCO_NAMES
    return tuple(f"class {number}" for number in range(num_classes))
