"""Detection transformers of the `transformers` library: RT-DETR, D-FINE, DETR and their kin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convert.graph import Ports, export_graph
from convert.repository import image_settings, load_model, model_type
from convert.source import Source
from core.errors import ModelError
from core.files import write_json
from pipeline.models import Model

__all__ = ["FAMILY_TYPES", "SOFTMAX_TYPES", "convert"]

TOLERANCE = 1e-3
FAMILY_TYPES = ("rt_detr", "rt_detr_v2", "d_fine", "rf_detr", "lw_detr", "detr", "yolos")
# Classes that exclude each other, with one more that means "nothing". These two also see images in
# their shape, of any size; later ones see squares.
SOFTMAX_TYPES = ("detr", "yolos")
_WH = (640, 640)
_SHORT_PX, _LONG_PX = 800, 1333
# Traced small: the real size is compared afterwards.
_TRACED_WH = (320, 256)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def convert(source: Source, folder: Path) -> Model:
    """Write detector.onnx and detector.json of a repository; return its entry."""
    kind = model_type(source.path)
    if kind not in FAMILY_TYPES:
        raise ModelError(f"{source.path} is of type '{kind}', known are {', '.join(FAMILY_TYPES)}.")
    source.tell("reading the checkpoint")
    model = load_model(source, "AutoModelForObjectDetection")
    settings = image_settings(source.path)
    is_free = kind in SOFTMAX_TYPES and _square_wh(settings) is None
    told_wh = _limits_wh(settings) if is_free else _square_wh(settings)
    width, height = source.entry.input_wh or told_wh or _WH
    source.tell(f"tracing and comparing the graph, {width}x{height} px")
    if is_free:
        sizes = [(2, *_TRACED_WH), (1, width, height), (1, height, width)]
    else:
        sizes = [(2, width, height), (1, width, height)]
    axes = {"pixel_values": {2: "height", 3: "width"}} if is_free else {}
    export_graph(
        _Queries(model),
        [(torch.rand(n, 3, h, w),) for n, w, h in sizes],
        folder / "detector.onnx",
        Ports(("pixel_values",), ("logits", "pred_boxes"), axes),
        tolerance=TOLERANCE,
        rows_axis=1,
    )
    normalize = bool(settings.get("do_normalize", kind in SOFTMAX_TYPES))
    card: dict[str, object] = {"fit": "stretch", "input_wh": [width, height]}
    if is_free:
        # No padding at all: they were trained to be told which pixels are none.
        card |= {"fit": "letterbox", "multiple_px": 1}
    if normalize:
        card |= {
            "mean": list(settings.get("image_mean") or _MEAN),
            "std": list(settings.get("image_std") or _STD),
        }
    if kind in SOFTMAX_TYPES:
        card["softmax"] = True
    write_json(folder / "detector.json", card)
    return source.entry.model_copy(
        update={"family": "detr", "class_names": class_names(model.config)}
    )


def class_names(config: Any) -> tuple[str, ...]:
    """Return the names of a configuration's classes in order."""
    names = dict(config.id2label)
    return tuple(str(names.get(number, f"class {number}")) for number in range(config.num_labels))


def _square_wh(settings: dict[str, Any]) -> tuple[int, int] | None:
    """The size that images are stretched to, where the repository tells one."""
    size = settings.get("size")
    if isinstance(size, dict) and "width" in size and "height" in size:
        return int(size["width"]), int(size["height"])
    return None


def _limits_wh(settings: dict[str, Any]) -> tuple[int, int]:
    """The longest and shortest side that images are fitted into, either way up.

    Elder repositories tell the shortest as `size` alone, the longest as `max_size`.
    """
    size = settings.get("size") or {}
    told = size if isinstance(size, dict) else {"shortest_edge": size}
    short = int(told.get("shortest_edge") or _SHORT_PX)
    long = told.get("longest_edge") or settings.get("max_size")
    return int(long or round(short * _LONG_PX / _SHORT_PX)), short


class _Queries(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        output = self.model(pixel_values=pixel_values)
        return output.logits, output.pred_boxes
