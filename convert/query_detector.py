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
# Classes that exclude each other, with one more that means "nothing".
SOFTMAX_TYPES = ("detr", "yolos")
_WH = (640, 640)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def convert(source: Source, folder: Path) -> Model:
    """Write detector.onnx and detector.json of a repository; return its entry."""
    kind = model_type(source.path)
    if kind not in FAMILY_TYPES:
        raise ModelError(f"{source.path} is of type '{kind}', known are {', '.join(FAMILY_TYPES)}.")
    source.tell("reading the checkpoint")
    model = load_model(source, "AutoModelForObjectDetection")
    settings = image_settings(source.path)
    width, height = source.entry.input_wh or _size_wh(settings)
    source.tell(f"tracing and comparing the graph, {width}x{height} px")
    example = torch.rand(2, 3, height, width)
    export_graph(
        _Queries(model),
        [(example,), (example[:1],)],
        folder / "detector.onnx",
        Ports(("pixel_values",), ("logits", "pred_boxes")),
        tolerance=TOLERANCE,
        rows_axis=1,
    )
    normalize = bool(settings.get("do_normalize", kind in SOFTMAX_TYPES))
    card: dict[str, object] = {"fit": "stretch", "input_wh": [width, height]}
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


def _size_wh(settings: dict[str, Any]) -> tuple[int, int]:
    """The size that images are stretched to, where the repository tells one."""
    size = settings.get("size") or {}
    if isinstance(size, dict) and "width" in size and "height" in size:
        return int(size["width"]), int(size["height"])
    return _WH


class _Queries(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        output = self.model(pixel_values=pixel_values)
        return output.logits, output.pred_boxes
