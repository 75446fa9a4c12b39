"""Rerankers of transformers: SigLIP, SigLIP 2, CLIP, MetaCLIP and checkpoints fine-tuned from them.

Two graphs come out, one per tower, both giving embeddings of length 1. Nothing is a softmax: every
pair of crop and caption has a logit of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from convert.graph import Ports, export_graph
from convert.repository import image_settings, load_model, model_type, read_config
from convert.source import Source
from convert.tokenizer import save_tokenizer
from core.errors import ModelError
from core.files import write_json
from pipeline.models import Model

__all__ = ["FAMILY_TYPES", "convert"]

TOLERANCE = 1e-4
FAMILY_TYPES = ("siglip", "siglip2", "clip", "metaclip_2")
_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
# Of a CLIP pair: cosines of things that belong together lie around a quarter.
_CLIP_COSINE = 0.25
# SigLIP learnt that one text in 32,000 is right, and says about a third of what fills a picture. Of
# the few boxes of one picture, a far smaller chance means that the object is here.
_UNCALIBRATED_SIGLIP_MIN = 0.1
# As Pillow counts its filters; the usual one.
_BICUBIC = 3


def convert(source: Source, folder: Path) -> Model:
    """Write vision.onnx, text.onnx, tokenizer.json and reranker.json; return the entry."""
    kind = model_type(source.path)
    source.tell("reading the checkpoint")
    model = load_model(source, "AutoModel")
    config = model.config
    if kind not in FAMILY_TYPES or not hasattr(config, "vision_config"):
        raise ModelError(f"{source.path} is of type '{kind}', known are {', '.join(FAMILY_TYPES)}.")
    if kind == "siglip2":
        raise ModelError(
            "this SigLIP 2 checkpoint takes images of any shape (NaFlex), which is not supported.",
            "Take one of a fixed size, for example google/siglip2-base-patch16-256.",
        )
    side, length = config.vision_config.image_size, config.text_config.max_position_embeddings
    save_tokenizer(source.path, folder / "tokenizer.json", length=length, model_type=kind)
    source.tell(f"tracing the image tower, {side} px")
    pixels = torch.rand(2, 3, side, side) * 2 - 1
    export_graph(
        _Images(model), [(pixels,), (pixels[:1],)], folder / "vision.onnx",
        Ports(("pixel_values",), ("image_embeds",)), tolerance=TOLERANCE,
    )  # fmt: skip
    source.tell(f"tracing the text tower, {length} tokens")
    tokens = _example_tokens(config.text_config, length)
    export_graph(
        _Texts(model), [(tokens,), (tokens[:1],)], folder / "text.onnx",
        Ports(("input_ids",), ("text_embeds",)), tolerance=TOLERANCE,
    )  # fmt: skip
    write_json(folder / "reranker.json", _card(model, source, side, length))
    return source.entry.model_copy(update={"family": "siglip"})


def _card(model: Any, source: Source, side: int, length: int) -> dict[str, object]:
    """What reranker.json tells: sizes, logits, how crops are prepared, and when one is right."""
    has_bias = getattr(model, "logit_bias", None) is not None
    scale = float(model.logit_scale.detach().exp())
    settings = image_settings(source.path)
    mean = settings.get("image_mean") or ([0.5] * 3 if has_bias else list(_CLIP_MEAN))
    std = settings.get("image_std") or ([0.5] * 3 if has_bias else list(_CLIP_STD))
    crops = bool(settings.get("do_center_crop", not has_bias))
    # SigLIP's logits stay as they are; of CLIP's, the usual cosine is the middle.
    # Neither is fitted: python -m training.calibrate fits them on scenes of one's own.
    middle = 0.0 if has_bias else -_CLIP_COSINE * scale
    return {
        "logit_scale": scale,
        "logit_bias": float(model.logit_bias.detach()) if has_bias else 0.0,
        "image_size": side,
        "text_length": length,
        "template": source.entry.template,
        "fit": "crop" if crops else "stretch",
        "resample": _BICUBIC if (told := settings.get("resample")) is None else told,
        "mean": mean,
        "std": std,
        "calibration": {"a": 1.0, "b": 0.0, "c": middle, "is_fitted": False},
        "found_probability_min": _UNCALIBRATED_SIGLIP_MIN if has_bias else 0.5,
        "source": source.entry.source or source.entry.hub,
        "type": read_config(source.path).get("model_type"),
    }


def _example_tokens(config: Any, length: int) -> Tensor:
    """Two texts of a few tokens, ended and padded as the checkpoint does."""
    end = int(getattr(config, "eos_token_id", 1) or 1)
    high = max(3, min(int(config.vocab_size) - 1, 1000))
    tokens = torch.full((2, length), min(end, int(config.vocab_size) - 1), dtype=torch.int64)
    for row, count in enumerate((3, min(7, length - 1))):
        tokens[row, :count] = torch.arange(1, count + 1) % high + 1
    return tokens


class _Images(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        return _unit(self.model.get_image_features(pixel_values=pixel_values))


class _Texts(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> Tensor:
        # No mask: SigLIP was trained to see its padding, and CLIP cannot look ahead at it.
        return _unit(self.model.get_text_features(input_ids=input_ids))


def _unit(output: Any) -> Tensor:
    embeds: Tensor = output if torch.is_tensor(output) else output.pooler_output
    return functional.normalize(embeds, dim=-1)
