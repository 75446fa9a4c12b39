"""Plain enlargement with the Lanczos filter: no network, for comparison and for slow machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import cv2
import numpy as np

from core.types import Crops, Image
from pipeline.catalog import Model
from pipeline.config import UpscaleConfig
from pipeline.engines.base import OpenEngine

__all__ = ["LanczosUpscaler"]

SCALE = 4


class LanczosUpscaler:
    """Crops smaller than `below_px`, four times larger.

    Args:
        config: Which crops are enlarged.
    """

    def __init__(self, config: UpscaleConfig) -> None:
        self._below_px = config.below_px

    @classmethod
    def open(cls, model: Model, config: UpscaleConfig, open_engine: OpenEngine) -> Self:
        """Return the upscaler; there is nothing to load."""
        return cls(config)

    def __call__(self, crops: Sequence[Crops]) -> list[Crops]:
        """Return the same crops, small ones enlarged."""
        return [self._enlarge(one) for one in crops]

    def _enlarge(self, one: Crops) -> Crops:
        small = [max(image.shape[:2]) < self._below_px for image in one.images]
        return replace(
            one,
            images=tuple(
                _times_four(image) if is_small else image
                for image, is_small in zip(one.images, small, strict=True)
            ),
            scale=one.scale * np.where(small, SCALE, 1),
        )


def _times_four(image: Image) -> Image:
    size = (SCALE * image.shape[1], SCALE * image.shape[0])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
