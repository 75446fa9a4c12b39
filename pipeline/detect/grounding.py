"""Grounding DINO: image and caption go through one network together.

Every caption is another run over the image, which is what makes it slow; for comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from core.arrays import sigmoid
from core.errors import InputError
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.captioned import BoundDetector
from pipeline.detect.card import DetectorCard, prepare, read_detector_card
from pipeline.detect.open_vocabulary import encode, to_detections
from pipeline.engines.base import Engine, OpenEngine, check_interface
from pipeline.models import Model
from pipeline.stages import Detector
from pipeline.tokens import read_tokenizer

__all__ = ["GroundingDetector", "phrase_masks"]

# BERT's [CLS], [SEP], "." and "?": they part phrases, which do not see each other.
BORDERS = (101, 102, 1012, 1029)
_PAD = 0
_INPUTS, _OUTPUTS = 6, 2


class GroundingDetector:
    """A detector of captions.

    Args:
        engine: pixel_values, pixel_mask, input_ids, attention_mask, phrase_mask and position_ids to
            logits (n, queries, tokens) and pred_boxes (n, queries, 4).
        tokenizer: Gives the network's number of tokens.
        config: Thresholds.
        card: Input size and how the image is prepared.
    """

    def __init__(
        self, engine: Engine, tokenizer: Tokenizer, config: DetectConfig, card: DetectorCard
    ) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._config = config
        self._card = card

    @classmethod
    def open(cls, model: Model, config: DetectConfig, open_engine: OpenEngine) -> Self:
        """Return the detector of a converted model.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        path = model.file("detector.onnx")
        engine = open_engine(path)
        check_interface(engine, path, inputs=_INPUTS, outputs=_OUTPUTS)
        card = read_detector_card(model)
        tokenizer = read_tokenizer(model.file("tokenizer.json"), card.text_length)
        return cls(engine, tokenizer, config, card)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Refuse: without captions it finds nothing.

        Raises:
            InputError: Always, unless there are no images.
        """
        if not images:
            return []
        raise InputError(
            "this detector must be told what to look for.",
            "Give at least one caption with each image.",
        )

    def looking_for(self, captions: Sequence[str]) -> Detector:
        """Return a detector of these captions, its classes."""
        return BoundDetector(self._detect, captions)

    def _detect(self, image: Image, captions: tuple[str, ...]) -> Detections:
        tensor, scale_xy = prepare(image, self._config.input_wh, self._card)
        wh = (tensor.shape[2], tensor.shape[1])
        mask = np.zeros((1, wh[1], wh[0]), np.int64)
        mask[:, : round(image.shape[0] * scale_xy[1]), : round(image.shape[1] * scale_xy[0])] = 1
        feeds: dict[str, NDArray] = {"pixel_values": tensor[None], "pixel_mask": mask}
        boxes, scores = [], []
        for ids in encode(self._tokenizer, captions, self._card):
            outputs = self._engine.run({**feeds, **phrase_feeds(ids)})
            chance = sigmoid(outputs["logits"][0].astype(np.float32))
            boxes.append(outputs["pred_boxes"][0].astype(np.float32))
            # A box means the caption as much as the token that fits it best.
            scores.append(chance[:, ids != _PAD].max(axis=1))
        return to_detections(
            np.concatenate(boxes),
            np.concatenate(scores),
            np.repeat(np.arange(len(captions)), [len(score) for score in scores]),
            image=image,
            input_wh=wh,
            scale_xy=scale_xy,
            config=self._config,
            class_names=captions,
        )


def phrase_feeds(ids: NDArray[np.int64]) -> dict[str, NDArray]:
    """Return what the network wants to know about one text of (length,) tokens."""
    mask, positions = phrase_masks(ids)
    return {
        "input_ids": ids[None],
        "attention_mask": (ids != _PAD).astype(np.int64)[None],
        "phrase_mask": mask[None],
        "position_ids": positions[None],
    }


def phrase_masks(ids: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which tokens see each other, (length, length), and their places within a phrase.

    Tokens see their own phrase, up to and including the sign that ends it; the first and the last
    token, and what follows the last sign, see themselves alone.

    Example:
        >>> mask, places = phrase_masks(np.array([101, 2417, 4946, 1012, 102, 0]))
        >>> mask.sum(axis=1).tolist(), places.tolist()
        ([1, 3, 3, 3, 1, 1], [0, 0, 1, 2, 0, 0])
    """
    length = len(ids)
    mask = np.eye(length, dtype=bool)
    places = np.zeros(length, np.int64)
    before = 0
    for end in np.flatnonzero(np.isin(ids, BORDERS)).tolist():
        if end in (0, length - 1):
            places[end] = 0
        else:
            mask[before + 1 : end + 1, before + 1 : end + 1] = True
            places[before + 1 : end + 1] = np.arange(end - before)
        before = end
    return mask, places
