"""OWLv2: an image tower that proposes boxes with embeddings, a text tower that names them.

Captions are compared with every box of one look at the image. Without captions the boxes are
ordered by objectness, so it also serves as a detector of whatever might be meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from core.arrays import sigmoid
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.captioned import BoundDetector
from pipeline.detect.card import DetectorCard, prepare, read_detector_card
from pipeline.detect.open_vocabulary import encode, to_detections
from pipeline.engines.base import Engine, OpenEngine, check_interface
from pipeline.models import Model
from pipeline.stages import Detector
from pipeline.tokens import read_tokenizer

__all__ = ["OwlDetector", "caption_logits"]

_OUTPUTS = 5


class OwlDetector:
    """A detector by objectness, or by captions.

    Args:
        vision: pixel_values (n, 3, s, s) to pred_boxes (n, p, 4), objectness (n, p), class_embeds
            (n, p, d) of length 1, logit_shift and logit_scale (n, p, 1).
        text: input_ids (c, length) to embeddings (c, d) of length 1.
        tokenizer: Gives the text tower's length.
        config: Thresholds.
        card: Input size and how the image is prepared.
    """

    def __init__(
        self,
        vision: Engine,
        text: Engine,
        tokenizer: Tokenizer,
        config: DetectConfig,
        card: DetectorCard,
    ) -> None:
        self._vision = vision
        self._text = text
        self._tokenizer = tokenizer
        self._config = config
        self._card = card

    @classmethod
    def open(cls, model: Model, config: DetectConfig, open_engine: OpenEngine) -> Self:
        """Return the detector of a converted model.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        card = read_detector_card(model)
        paths = model.file("vision.onnx"), model.file("text.onnx")
        vision, text = open_engine(paths[0]), open_engine(paths[1])
        check_interface(vision, paths[0], inputs=1, outputs=_OUTPUTS)
        check_interface(text, paths[1], inputs=1, outputs=1)
        tokenizer = read_tokenizer(model.file("tokenizer.json"), card.text_length)
        return cls(vision, text, tokenizer, config, card)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image, by objectness: of whatever might be meant."""
        return [self._detect(image, ()) for image in images]

    def looking_for(self, captions: Sequence[str]) -> Detector:
        """Return a detector of these captions, its classes."""
        return BoundDetector(self._detect, captions)

    def _detect(self, image: Image, captions: tuple[str, ...]) -> Detections:
        tensor, scale_xy = prepare(image, self._config.input_wh, self._card)
        outputs = self._vision.run({self._vision.inputs[0].name: tensor[None]})
        seen = {name: value[0].astype(np.float32) for name, value in outputs.items()}
        if captions:
            scores = sigmoid(caption_logits(seen, self._embed(captions)))
        else:
            scores = sigmoid(seen["objectness"])[:, None]
        return to_detections(
            seen["pred_boxes"],
            scores.max(axis=1),
            scores.argmax(axis=1),
            image=image,
            input_wh=(tensor.shape[2], tensor.shape[1]),
            scale_xy=scale_xy,
            config=self._config,
            class_names=captions or ("object",),
        )

    def _embed(self, captions: Sequence[str]) -> NDArray[np.float32]:
        ids = encode(self._tokenizer, captions, self._card)
        return self._text.run({self._text.inputs[0].name: ids})[self._text.outputs[0].name]


def caption_logits(
    seen: dict[str, NDArray[np.float32]], embeds: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (p, c) logits of an image's boxes and captions.

    Args:
        seen: The vision tower's outputs for one image, see `OwlDetector`.
        embeds: (c, d) captions.
    """
    cosine = seen["class_embeds"] @ embeds.astype(np.float32).T
    logits: NDArray[np.float32] = (cosine + seen["logit_shift"]) * seen["logit_scale"]
    return logits
