"""Checkpoints of Ultralytics: YOLOv3u to YOLO26 and RT-DETR, as .pt files.

Such a file holds a pickled model. Ultralytics can read most of them through a list of classes that
are known to be harmless; others run code while they are read, which needs the user's consent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from convert.graph import Ports, export_graph
from convert.source import Source, needs_trust
from core.errors import ModelError
from core.files import write_json
from core.packages import import_ultralytics
from pipeline.models import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["convert", "export_detector", "raw_head"]

# Relative to the largest coordinate of an example of 192 px.
TOLERANCE = 1e-3
_DETR_WH = (640, 640)
_ROW = 6


def convert(source: Source, folder: Path) -> Model:
    """Write detector.onnx of a .pt file, and return its entry."""
    source.tell("reading the checkpoint")
    model = _load(source)
    names = tuple(str(name) for name in _names(model))
    _check_detects(model, len(names), source.path)
    export_detector(model, folder, input_wh=source.entry.input_wh, tell=source.tell)
    return source.entry.model_copy(update={"family": "yolo", "class_names": names})


def export_detector(
    model: nn.Module,
    folder: Path,
    *,
    input_wh: tuple[int, int] | None = None,
    tell: Any = lambda what: None,
) -> Path:
    """Write detector.onnx (and detector.json, where the input is special) of a model; its path.

    Args:
        model: A detection model of Ultralytics.
        folder: Where to write.
        input_wh: Size of transformers' input, which is fixed; YOLOs take any multiple of 32.
        tell: Told what happens next.
    """
    path = folder / "detector.onnx"
    module = raw_head(model)
    if isinstance(module, _Queries):
        width, height = input_wh or _DETR_WH
        module.size = torch.tensor([width, height, width, height], dtype=torch.float32)
        examples = [torch.rand(n, 3, height, width) for n in (1, 2)]
        free: Mapping[str, Mapping[int, str]] = {}
        card: dict[str, object] = {"fit": "stretch", "input_wh": [width, height]}
    else:
        stride: Any = model.stride
        step = max(int(stride.max()), 32)
        sizes = [(2, 2 * step, 3 * step), (1, 4 * step, 2 * step)]
        examples = [torch.rand(n, 3, height, width) for n, height, width in sizes]
        free = {"images": {2: "height", 3: "width"}, "output0": {1: "a", 2: "b"}}
        card = {"multiple_px": step} if step != 32 else {}
    tell("tracing and comparing the graph")
    export_graph(
        module,
        [(example,) for example in examples],
        path,
        Ports(("images",), ("output0",), free),
        tolerance=TOLERANCE,
        rows_axis=2 if isinstance(module, _Queries) else None,
    )
    if card:
        write_json(folder / "detector.json", card)
    return path


def raw_head(model: nn.Module) -> nn.Module:
    """Return the model with normalisation folded in and one output: anchors, or finished rows."""
    fused: Any = model.float().eval()
    fused = fused.fuse(verbose=False)
    head = fused.model[-1]
    head.export, head.dynamic, head.format = True, True, "onnx"
    if type(head).__name__ == "RTDETRDecoder":
        # Its size is fixed, so nothing in it needs to follow the shape.
        head.dynamic = False
        return _Queries(fused)
    if getattr(head, "end2end", False):
        head.xyxy = True
    return _OneOutput(fused)


class _OneOutput(nn.Module):
    """The network's first output alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        output = self.model(images)
        return output if torch.is_tensor(output) else output[0]


class _Queries(_OneOutput):
    """All queries of RT-DETR in the layout of anchors, boxes in pixels instead of shares."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.size: Tensor
        self.register_buffer("size", torch.ones(4))
        # Its own choice of the best rows is left out: equal scores would make the order random.
        model.model[-1].postprocess = lambda boxes, scores: torch.cat([boxes, scores], dim=-1)

    def forward(self, images: Tensor) -> Tensor:
        rows = super().forward(images)
        return torch.cat([rows[..., :4] * self.size, rows[..., 4:]], dim=-1).permute(0, 2, 1)


def _load(source: Source) -> nn.Module:
    tasks = import_ultralytics("ultralytics.nn.tasks")
    if not source.path.is_file():
        raise ModelError(f"{source.path} is missing.")
    try:
        # It asks PyTorch 2.6 or later for that, and reads without the list on older ones.
        if not getattr(getattr(tasks, "_SafeLoad", None), "SUPPORTED", False):
            raise ModelError("PyTorch is older than 2.6, or Ultralytics than its list of classes")
        checkpoint, _ = tasks.torch_safe_load(str(source.path), safe_only=True)
    except Exception as error:
        # Whatever is wrong with a foreign file: a class that is not on the list, or damage.
        if not source.trust_pickle:
            raise needs_trust(source.path, error) from error
        checkpoint = _load_trusting(tasks, source.path)
    model = (
        checkpoint.get("ema") or checkpoint.get("model") if isinstance(checkpoint, dict) else None
    )
    if not isinstance(model, nn.Module):
        raise ModelError(f"{source.path} holds no model.", "Give a checkpoint of Ultralytics.")
    return model


def _load_trusting(tasks: Any, path: Path) -> Any:
    try:
        checkpoint, _ = tasks.torch_safe_load(str(path), safe_only=False)
    except Exception as error:
        raise ModelError(f"cannot read {path}: {error}.") from error
    return checkpoint


def _check_detects(model: Any, num_classes: int, path: Path) -> None:
    """Refuse what is no plain detector: other heads add rows that nothing here reads.

    Raises:
        ModelError: It is for segmentation, poses, turned boxes, or whole images.
    """
    head = type(model.model[-1]).__name__
    if head == "RTDETRDecoder":
        return
    side = 2 * max(int(model.stride.max()), 32)
    with torch.inference_mode():
        shape = tuple(raw_head(model)(torch.zeros(1, 3, side, side)).shape)
    if len(shape) != 3 or (shape[1] != 4 + num_classes and shape[2] != _ROW):
        raise ModelError(
            f"{path.name} is no plain detector: its head {head} gives {shape} for one image, "
            f"expected (1, {4 + num_classes}, anchors) for {num_classes} classes.",
            "Give a checkpoint for detection, not for segmentation, poses, turned boxes or "
            "classification.",
        )


def _names(model: Any) -> list[str]:
    names = getattr(model, "names", {})
    return [names[i] for i in range(len(names))] if isinstance(names, dict) else list(names)
