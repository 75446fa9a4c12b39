"""Rerankers of the SigLIP kind: an image tower and a text tower with a common space.

The towers are two graphs, so that image embeddings are computed once per image and caption
embeddings once per caption; comparing them is one small matrix product.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Annotated, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from tokenizers import Tokenizer

from core.errors import ModelError
from core.result import Reading
from core.types import Crops
from pipeline.config import RerankConfig
from pipeline.engines.base import Engine, OpenEngine, check_finite, check_interface
from pipeline.models import Model
from pipeline.rerank.preprocess import Fit, fit_input, to_pixel_values
from pipeline.rerank.reading import CaptionReader, Words
from pipeline.stages import Calibration
from pipeline.tokens import read_tokenizer

__all__ = ["RerankerCard", "SiglipReranker", "read_card"]


class CalibrationCard(BaseModel):
    """The calibration, see `pipeline.stages.Calibration`."""

    a: float
    b: float
    c: float
    detector_weight: float = Field(default=0.0, ge=0)
    is_fitted: bool = True


Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^\w+(?:[ -]\w+)*$", to_lower=True)]


class RerankerCard(BaseModel):
    """The contents of reranker.json; further keys (metrics, notes) are allowed."""

    logit_scale: float = Field(gt=0)
    logit_bias: float
    image_size: int = Field(ge=8)
    text_length: int = Field(ge=1)
    template: str = "{}"
    fit: Fit = "pad"
    resample: Resampling = Resampling.BICUBIC
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    filler_words: frozenset[str] = frozenset()
    """Words that alone say nothing of what is looked for: "a", "of", "sky"."""
    kind_words: frozenset[str] = frozenset()
    """Words that name a kind of thing: "drone", "object"; empty: any word may."""
    names: dict[Name, Name] = Field(default_factory=dict)
    """Names that people use, and what the vocabulary has for them: "cessna", "light aircraft"."""
    calibration: CalibrationCard
    found_probability_min: float = Field(ge=0, le=1)


class SiglipReranker:
    """Compares crops with captions.

    Args:
        vision: pixel_values (n, 3, s, s), as the card says, to embeddings (n, d) of length 1.
        text: input_ids (n, length) int64 to embeddings (n, d) of length 1.
        tokenizer: Pads and cuts captions to the length of the text tower.
        card: Sizes, scale and calibration.
        cached_captions: How many caption embeddings are kept; 0 keeps none.
    """

    def __init__(
        self,
        vision: Engine,
        text: Engine,
        tokenizer: Tokenizer,
        card: RerankerCard,
        *,
        cached_captions: int = 4096,
    ) -> None:
        self._vision = vision
        self._text = text
        self._card = card
        words = Words(card.filler_words, card.kind_words, card.names)
        self._reader = CaptionReader(tokenizer, card.template, words)
        self._cache = _TextCache(cached_captions)
        # So that no boxes are still rows of the same width, and sets can be joined.
        # (A PyTorch reference does not tell its shapes.)
        shape = vision.outputs[0].shape
        self._embed_dim = (shape[-1] if shape else None) or 1
        self.calibration = Calibration(
            **card.calibration.model_dump(), found_probability_min=card.found_probability_min
        )

    @classmethod
    def open(cls, model: Model, config: RerankConfig, open_engine: OpenEngine) -> Self:
        """Return the reranker of a catalogue entry.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        card = read_card(model.file("reranker.json"))
        vision_path, text_path = model.file("vision.onnx"), model.file("text.onnx")
        vision, text = open_engine(vision_path), open_engine(text_path)
        check_interface(vision, vision_path, inputs=1, outputs=1)
        check_interface(text, text_path, inputs=1, outputs=1)
        tokenizer = read_tokenizer(model.file("tokenizer.json"), card.text_length)
        return cls(vision, text, tokenizer, card, cached_captions=config.cached_captions)

    def embed_images(self, crops: Sequence[Crops]) -> list[NDArray[np.float32]]:
        """Return (n, d) embeddings per image; the crops of all images run as one batch.

        Raises:
            EngineError: The network could not be run, or gave NaN.
        """
        side = self._card.image_size
        fit, resample = self._card.fit, self._card.resample
        squares = [fit_input(image, side, fit, resample) for one in crops for image in one.images]
        if not squares:
            return [np.zeros((0, self._embed_dim), np.float32) for _ in crops]
        pixels = to_pixel_values(np.stack(squares), self._card.mean, self._card.std)
        embeds = _run(self._vision, pixels)
        ends = np.cumsum([len(one) for one in crops])
        return np.split(embeds, ends[:-1])

    def embed_texts(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Return (c, d) embeddings; only captions not seen before are computed.

        Raises:
            EngineError: The network could not be run, or gave NaN.
        """
        known = self._cache.get(captions)
        new = [caption for caption in dict.fromkeys(captions) if caption not in known]
        if new:
            embeds = _run(self._text, self._input_ids(new))
            # Copies: a row that is kept would keep the embeddings of all captions asked with it.
            rows = {caption: row.copy() for caption, row in zip(new, embeds, strict=True)}
            known.update(rows)
            self._cache.put(rows)
        if not captions:
            return np.zeros((0, self._embed_dim), np.float32)
        return np.stack([known[caption] for caption in captions])

    def logits(
        self, image_embeds: NDArray[np.float32], text_embeds: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return (c, n) logits."""
        if not len(image_embeds) or not len(text_embeds):
            return np.zeros((len(text_embeds), len(image_embeds)), np.float32)
        cosine = text_embeds @ image_embeds.T
        return (self._card.logit_scale * cosine + self._card.logit_bias).astype(np.float32)

    def read(self, caption: str) -> Reading:
        """Return what the model makes of a caption."""
        return self._reader.read(caption)

    def __call__(
        self, crops: Sequence[Crops], captions: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return (c, n) logits per image."""
        texts = self.embed_texts(captions)
        return [self.logits(embeds, texts) for embeds in self.embed_images(crops)]

    def _input_ids(self, captions: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self._reader.token_ids(caption) for caption in captions], np.int64)


class _TextCache:
    """The embeddings of the captions used last, shared by all threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._embeds: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def get(self, captions: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        with self._lock:
            known = {caption for caption in captions if caption in self._embeds}
            for caption in known:
                self._embeds.move_to_end(caption)
            return {caption: self._embeds[caption] for caption in known}

    def put(self, embeds: dict[str, NDArray[np.float32]]) -> None:
        with self._lock:
            self._embeds.update(embeds)
            while len(self._embeds) > self._size:
                self._embeds.popitem(last=False)


def _run(engine: Engine, batch: NDArray) -> NDArray[np.float32]:
    outputs = engine.run({engine.inputs[0].name: batch})
    embeds = outputs[engine.outputs[0].name].astype(np.float32, copy=False)
    check_finite("reranker", embeds)
    # The towers normalize; again here, because bfloat16 leaves lengths a little off 1.
    return embeds / np.maximum(np.linalg.norm(embeds, axis=1, keepdims=True), 1e-12)


def read_card(path: Path) -> RerankerCard:
    """Return the contents of a reranker.json.

    Raises:
        ModelError: It is malformed.
    """
    try:
        return RerankerCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path} is malformed: {error}.", "Export the reranker again.") from error
