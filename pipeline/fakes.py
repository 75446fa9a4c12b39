"""Stages that need no weights: plain colored shapes on a plain background, found by color words.

They keep the contracts of stages.py, so the whole app runs and is tested with nothing downloaded
(`preset = "fake"`). They are no toy models to be judged: real scenes are beyond them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.image import image_wh, resize_image
from core.result import Reading
from core.types import Crops, Detections, Image
from pipeline.stages import Calibration

if TYPE_CHECKING:
    from pipeline.catalog import Model
    from pipeline.config import DetectConfig, RerankConfig, UpscaleConfig
    from pipeline.engines.base import OpenEngine

__all__ = ["COLORS", "FakeDetector", "FakeReranker", "FakeUpscaler"]

COLORS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0),
    "yellow": (255, 255, 0), "orange": (255, 140, 0), "brown": (120, 70, 20),
    "purple": (128, 0, 128),
}  # fmt: skip

_LOGIT_SCALE = 20.0
_LOGIT_BIAS = -16.0


class FakeDetector:
    """Boxes around everything that differs from the most common border color.

    Args:
        score_min: Boxes with a lower score are dropped; the score grows with the box.
        max_boxes: At most this many boxes per image.
        boxes_ratio: Instead of looking, always return these boxes (xyxy as shares of the image).
    """

    takes_any_size = True

    def __init__(
        self,
        *,
        score_min: float = 0.0,
        max_boxes: int = 20,
        boxes_ratio: Sequence[tuple[float, float, float, float]] | None = None,
    ) -> None:
        self.score_min = score_min
        self.max_boxes = max_boxes
        self.boxes_ratio = boxes_ratio

    @classmethod
    def open(cls, model: Model, config: DetectConfig, open_engine: OpenEngine) -> Self:
        """Return a fake detector with the thresholds of the settings."""
        return cls(score_min=config.score_min, max_boxes=config.max_boxes)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        wh = image_wh(image)
        boxes = self._look(image) if self.boxes_ratio is None else self._given(wh)
        side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
        score = (1 - 0.5 * np.exp(-side / 32)).astype(np.float32)
        seen = Detections.from_xyxy(boxes, wh, score=score)
        return seen[score >= self.score_min].sorted_by_score()[: self.max_boxes]

    def _given(self, wh: tuple[int, int]) -> NDArray[np.float32]:
        ratios = np.array(self.boxes_ratio, np.float32).reshape(-1, 4)
        return ratios * np.tile(np.array(wh, np.float32), 2)

    def _look(self, image: Image) -> NDArray[np.float32]:
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).astype(np.int16)
        differs = np.abs(image - np.median(border, axis=0)).max(axis=2) > 40
        labels, _ = ndimage.label(differs)
        boxes = [
            (columns.start, rows.start, columns.stop, rows.stop)
            for rows, columns in ndimage.find_objects(labels)
        ]
        return np.array(boxes, np.float32).reshape(-1, 4)


class FakeUpscaler:
    """Every crop enlarged by repeating its pixels.

    Args:
        factor: How many times larger.
    """

    def __init__(self, factor: int = 4) -> None:
        self.factor = factor

    @classmethod
    def open(cls, model: Model, config: UpscaleConfig, open_engine: OpenEngine) -> Self:
        """Return a fake upscaler."""
        return cls()

    def __call__(self, crops: Sequence[Crops]) -> list[Crops]:
        """Return the same crops, larger, but for those that were cut smaller."""
        return [self._enlarge(one) for one in crops]

    def _enlarge(self, one: Crops) -> Crops:
        factors = np.where(one.scale < 1, 1, self.factor)
        return replace(
            one,
            images=tuple(
                image.repeat(factor, axis=0).repeat(factor, axis=1)
                for image, factor in zip(one.images, factors, strict=True)
            ),
            scale=one.scale * factors,
        )


class FakeReranker:
    """Compares the color in the middle of a crop with the color words of a caption."""

    def __init__(self) -> None:
        self.calibration = Calibration(a=1.0, b=0.0, c=0.0, found_probability_min=0.5)

    @classmethod
    def open(cls, model: Model, config: RerankConfig, open_engine: OpenEngine) -> Self:
        """Return a fake reranker."""
        return cls()

    def embed_images(self, crops: Sequence[Crops]) -> list[NDArray[np.float32]]:
        """Return (n, 4) embeddings per image."""
        return [
            _unit(np.array([_middle_color(image) for image in one.images]).reshape(-1, 3))
            for one in crops
        ]

    def embed_texts(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Return (c, 4) embeddings; captions without a color word match nothing."""
        embeds = np.zeros((len(captions), 4), np.float32)
        for i, caption in enumerate(captions):
            words = caption.lower().replace(",", " ").replace("gray", "grey").split()
            colors = [COLORS[word] for word in words if word in COLORS]
            if colors:
                embeds[i] = _unit(np.array([colors[0]]))[0]
        return embeds

    def logits(
        self, image_embeds: NDArray[np.float32], text_embeds: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return (c, n) logits: positive for much the same color."""
        cosine = text_embeds @ image_embeds.T
        return (_LOGIT_SCALE * cosine + _LOGIT_BIAS).astype(np.float32)

    def read(self, caption: str) -> Reading:
        """Return the caption, in part where it starts with "not" or has more than 24 words.

        One without a color word matches nothing anyway.
        """
        about = caption.removeprefix("not ")
        if len(caption.split()) > 24:
            return Reading("part", about, ("The caption was cut after 24 words.",))
        return Reading("whole" if about == caption else "part", about)

    def __call__(
        self, crops: Sequence[Crops], captions: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return (c, n) logits per image."""
        texts = self.embed_texts(captions)
        return [self.logits(embeds, texts) for embeds in self.embed_images(crops)]


def _middle_color(image: Image) -> NDArray[np.float32]:
    small = resize_image(image, (4, 4))[1:3, 1:3]
    return small.reshape(-1, 3).mean(axis=0, dtype=np.float32)


def _unit(rgb: NDArray[np.generic]) -> NDArray[np.float32]:
    """Colors as unit vectors: centred, with a constant so that grey is a direction too."""
    centered = (rgb.astype(np.float32) - 128) / 128
    vectors = np.concatenate([centered, np.full((len(rgb), 1), 0.3, np.float32)], axis=1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
