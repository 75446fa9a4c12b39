"""Open-vocabulary detectors of transformers: OWLv2 as two towers, Grounding DINO as one graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from convert.graph import Ports, export_graph
from convert.repository import load_model, model_type
from convert.source import Source
from convert.tokenizer import save_tokenizer
from core.errors import ModelError
from core.files import write_json
from pipeline.models import Model

__all__ = ["FAMILY_TYPES", "convert"]

TOLERANCE = 1e-3
FAMILY_TYPES = ("owlv2", "grounding_dino")
_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Grounding DINO was trained with a shorter side of 800 px and at most 1333 px.
_GROUNDING_WH = (1312, 800)
_GROUNDING_TOKENS = 48
_LETTERBOX_GREY = 127.5


def convert(source: Source, folder: Path) -> Model:
    """Write the graphs, tokenizer.json and detector.json of a repository; return its entry."""
    kind = model_type(source.path)
    if kind == "owlv2":
        return _convert_owl(source, folder)
    if kind == "grounding_dino":
        return _convert_grounding(source, folder)
    raise ModelError(f"{source.path} is of type '{kind}', known are {', '.join(FAMILY_TYPES)}.")


def _convert_owl(source: Source, folder: Path) -> Model:
    source.tell("reading the checkpoint")
    model = load_model(source, "Owlv2ForObjectDetection")
    side = model.config.vision_config.image_size
    length = model.config.text_config.max_position_embeddings
    save_tokenizer(source.path, folder / "tokenizer.json", length=length, model_type="owlv2")
    source.tell(f"tracing the image tower, {side} px")
    pixels = torch.randn(2, 3, side, side)
    outputs = ("pred_boxes", "objectness", "class_embeds", "logit_shift", "logit_scale")
    export_graph(
        _OwlImages(model), [(pixels[:1],), (pixels,)], folder / "vision.onnx",
        Ports(("pixel_values",), outputs), tolerance=TOLERANCE,
    )  # fmt: skip
    source.tell("tracing the text tower")
    tokens = torch.zeros(2, length, dtype=torch.int64)
    end = model.config.text_config.vocab_size - 1
    tokens[0, :3] = torch.tensor([end - 1, 5, end])
    tokens[1, :4] = torch.tensor([end - 1, 7, 9, end])
    export_graph(
        _OwlTexts(model), [(tokens,), (tokens[:1],)], folder / "text.onnx",
        Ports(("input_ids",), ("text_embeds",)), tolerance=TOLERANCE,
    )  # fmt: skip
    card = {
        "fit": "corner", "input_wh": [side, side], "pad_value": _LETTERBOX_GREY,
        "mean": list(_CLIP_MEAN), "std": list(_CLIP_STD), "text_length": length,
        "template": source.entry.template,
    }  # fmt: skip
    write_json(folder / "detector.json", card)
    return source.entry.model_copy(update={"family": "owl", "class_names": ("object",)})


def _convert_grounding(source: Source, folder: Path) -> Model:
    source.tell("reading the checkpoint")
    model = load_model(source, "AutoModelForZeroShotObjectDetection")
    # Its own kernel for CUDA cannot be traced; the plain one computes the same.
    width, height = source.entry.input_wh or _GROUNDING_WH
    length = min(_GROUNDING_TOKENS, model.config.max_text_len)
    save_tokenizer(
        source.path, folder / "tokenizer.json", length=length, model_type="grounding_dino"
    )
    source.tell(f"tracing and comparing the graph, {width}x{height} px for upright pictures, too")
    names = (
        "pixel_values", "pixel_mask", "input_ids", "attention_mask", "phrase_mask", "position_ids"
    )  # fmt: skip
    module = _Grounding(model)
    with _given_phrases(model, module):
        export_graph(
            module,
            [_grounding_example(model, width, height, length)],
            folder / "detector.onnx",
            Ports(names, ("logits", "pred_boxes")),
            tolerance=TOLERANCE,
            rows_axis=1,
        )
    card = {
        "fit": "corner", "input_wh": [width, height], "mean": list(_MEAN), "std": list(_STD),
        # Nothing, after the mean is taken off: the first layers are not told what is padding.
        "pad_value": [255 * mean for mean in _MEAN], "text_length": length, "template": "{}.",
    }  # fmt: skip
    write_json(folder / "detector.json", card)
    return source.entry.model_copy(update={"family": "grounding", "class_names": ("object",)})


def _grounding_example(model: Any, width: int, height: int, length: int) -> tuple[Tensor, ...]:
    """An image with a margin and one phrase: [CLS], three words, full stop, [SEP], padding."""
    mask = torch.ones(1, height, width, dtype=torch.int64)
    mask[:, height - height // 8 :] = 0
    ids = torch.zeros(1, length, dtype=torch.int64)
    high = model.config.text_config.vocab_size - 1
    ids[0, :6] = torch.tensor([min(n, high) for n in (101, 2417, 4946, 2158, 1012, 102)])
    phrases = torch.eye(length, dtype=torch.bool)[None].clone()
    phrases[0, 1:5, 1:5] = True
    places = torch.zeros(1, length, dtype=torch.int64)
    places[0, 1:5] = torch.arange(4)
    return torch.randn(1, 3, height, width), mask, ids, (ids > 0).long(), phrases, places


@contextmanager
def _given_phrases(model: Any, module: _Grounding) -> Iterator[None]:
    """Phrases come in as inputs: the operators that would find them have no ONNX counterpart."""
    home = import_module(type(model).__module__)
    name = "generate_masks_with_special_tokens_and_transfer_map"
    original = getattr(home, name)
    setattr(home, name, lambda input_ids, special_tokens: module.phrases)
    try:
        yield
    finally:
        setattr(home, name, original)


class _OwlImages(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        grid, _ = self.model.image_embedder(pixel_values=pixel_values)
        patches = grid.flatten(1, 2)
        boxes = self.model.box_predictor(patches, grid)
        objectness = self.model.objectness_predictor(patches)
        head = self.model.class_head
        embeds = functional.normalize(head.dense0(patches), dim=-1)
        scale = functional.elu(head.logit_scale(patches)) + 1
        return boxes, objectness, embeds, head.logit_shift(patches), scale


class _OwlTexts(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.owlv2

    def forward(self, input_ids: Tensor) -> Tensor:
        output = self.model.get_text_features(input_ids=input_ids)
        embeds = output if torch.is_tensor(output) else output.pooler_output
        return functional.normalize(embeds, dim=-1)


class _Grounding(nn.Module):
    """Grounding DINO with its phrases given, and logits for the tokens there are."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.phrases: tuple[Tensor, Tensor] | None = None

    def forward(
        self,
        pixel_values: Tensor,
        pixel_mask: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor,
        phrase_mask: Tensor,
        position_ids: Tensor,
    ) -> tuple[Tensor, Tensor]:
        self.phrases = phrase_mask, position_ids
        output = self.model(
            pixel_values=pixel_values,
            pixel_mask=pixel_mask,
            input_ids=input_ids,
            attention_mask=attention_mask,
        )
        # Beyond the text they are minus infinity, up to the longest text there could be.
        logits = output.logits[..., : input_ids.shape[1]]
        return logits.clamp(min=-50.0), output.pred_boxes
