"""The three stages and their contracts: what any detector, upscaler or reranker must do.

Shared rules: one item per image at every seam, always a list; the same input gives the same output
from any thread; arguments are not changed; no detections is an ordinary case, not an error.
A plain function of the right signature is a valid detector or upscaler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.result import Reading
from core.types import Crops, Detections, Image

__all__ = [
    "Calibration",
    "CaptionDetector",
    "Detector",
    "OnProgress",
    "Reranker",
    "Upscaler",
]

OnProgress: TypeAlias = Callable[[int, int, str], None]
"""Called with (done, total, what); may raise `core.errors.Cancelled`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How both scores become an order, and the probability that the answer is right.

    evidence = similarity logit + detector_weight * log-odds of the detector's score orders the
    boxes; probability = sigmoid(a * best evidence + b * margin + c).

    Args:
        a: Weight of the best evidence.
        b: Weight of its margin to the runner-up (capped at 10).
        c: Offset.
        found_probability_min: Below this the answer is "not in this image".
        detector_weight: What the detector's doubt about a box counts; 0: similarity alone.
        is_fitted: Fitted on held-out images; False where a public model's logits stand as they are.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    found_probability_min: float = 0.5
    detector_weight: float = 0.0
    is_fitted: bool = True

    def notes(self) -> list[str]:
        """Return what the reader of an answer should know about its probabilities."""
        if self.is_fitted:
            return []
        limit = f"{self.found_probability_min:.0%}"
        return [f"This reranker is uncalibrated: that {limit} counts as found is only a guess."]


@runtime_checkable
class Detector(Protocol):
    """Images in, boxes in pixels of each image out, inside the image, best first."""

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        ...


@runtime_checkable
class CaptionDetector(Protocol):
    """A detector that can be told what to look for, or must be: an open vocabulary."""

    def looking_for(self, captions: Sequence[str]) -> Detector:
        """Return a detector of these captions; its classes are the captions."""
        ...


@runtime_checkable
class Upscaler(Protocol):
    """Crops in, the same crops out, some or all at a larger scale; may be skipped or chained."""

    def __call__(self, crops: Sequence[Crops]) -> list[Crops]:
        """Return one `Crops` per image, same regions and rows."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Crops and captions in, similarity logits out.

    The halves are separate because a new caption needs no new image work, and a caption that was
    seen before needs no text work either.
    """

    @property
    def calibration(self) -> Calibration:
        """How its logits become the probability of having found the object."""
        ...

    def embed_images(self, crops: Sequence[Crops]) -> list[NDArray[np.float32]]:
        """Return (n, d) embeddings per image, of length 1."""
        ...

    def embed_texts(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Return (c, d) embeddings, of length 1; kept in memory for the next time."""
        ...

    def logits(
        self, image_embeds: NDArray[np.float32], text_embeds: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return (c, n) logits of embeddings; sigmoid makes them probabilities."""
        ...

    def read(self, caption: str) -> Reading:
        """Return what the model makes of a caption."""
        ...

    def __call__(
        self, crops: Sequence[Crops], captions: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return (c, n) logits per image."""
        ...
