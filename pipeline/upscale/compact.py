"""Upscaling networks of the Real-ESRGAN kind, fed with real surroundings.

Small crops are cut again from the image as windows with a margin of real pixels, in a few fixed
sizes; windows of one size, from all images, run as one batch; then the margin is cut off. So no
artificial border is ever seen, and N small crops of many sizes cost at most four batches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from core.config import Section
from core.errors import DataError, ModelError
from core.image import image_wh
from core.types import Crops, Image
from pipeline.config import UpscaleConfig
from pipeline.cut import BUCKETS_PX, Window, plan_windows, read_window
from pipeline.engines.base import Engine, OpenEngine, check_interface
from pipeline.models import Model

__all__ = ["MAX_SIZES", "CompactUpscaler", "UpscalerCard", "choose_sides", "take_inner"]

MAX_SIZES = 4
# Windows are enlarged together while their outputs hold at most this many numbers (64 MB): eighty
# of 64 px, one of 512 px.
_MAX_OUTPUT_NUMBERS = 16_000_000
# Windows beyond the usual sizes; all are multiples of 16, which every known network accepts.
_LARGE_PX = (192, 256, 384, 512, 640)
_CARD = "upscaler.json"


class UpscalerCard(Section):
    """What upscaler.json tells about a network; without the file, a factor of 4."""

    scale: int = Field(default=4, ge=2, le=8, description="How many times larger.")
    multiple_px: int = Field(default=1, ge=1, le=64, description="Sides are multiples of this.")


class CompactUpscaler:
    """A network from (n, 3, h, w) RGB in 0..1 to (n, 3, scale h, scale w), clamped here.

    Args:
        engine: The loaded network.
        config: Which crops are enlarged, and the margin around them.
        card: What the network is.
    """

    def __init__(
        self, engine: Engine, config: UpscaleConfig, card: UpscalerCard | None = None
    ) -> None:
        self._engine = engine
        self._config = config
        self._scale = (card or UpscalerCard()).scale
        step = (card or UpscalerCard()).multiple_px
        self._sides = tuple(-(-side // step) * step for side in (*BUCKETS_PX, *_LARGE_PX))

    @classmethod
    def open(cls, model: Model, config: UpscaleConfig, open_engine: OpenEngine) -> Self:
        """Return the upscaler of a catalogue entry.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        path = model.file("upscaler.onnx")
        engine = open_engine(path)
        check_interface(engine, path, inputs=1, outputs=1)
        return cls(engine, config, _read_card(model))

    def __call__(self, crops: Sequence[Crops]) -> list[Crops]:
        """Return the same crops; those smaller than `below_px` at `scale` times their size.

        Raises:
            DataError: Crops have lost their source image, or were enlarged before.
        """
        batches: dict[int, list[tuple[int, Window]]] = defaultdict(list)
        wanted = [window.side_px for one in crops for window in self._plan(one, self._sides)]
        sides = choose_sides(wanted)
        for i, one in enumerate(crops):
            for window in self._plan(one, sides):
                batches[window.side_px].append((i, window))
        enlarged: dict[tuple[int, int], Image] = {}
        for side, members in batches.items():
            step = max(1, _MAX_OUTPUT_NUMBERS // (3 * (self._scale * side) ** 2))
            for start in range(0, len(members), step):
                part = members[start : start + step]
                pixels = [read_window(_source(crops[i]), window) for i, window in part]
                for (i, window), output in zip(part, self._run(np.stack(pixels)), strict=True):
                    image = take_inner(output, window, self._scale)
                    image.setflags(write=False)  # or a copy would be kept
                    enlarged[i, window.index] = image
        return [_with_enlarged(one, i, enlarged, self._scale) for i, one in enumerate(crops)]

    def _plan(self, one: Crops, sides: Sequence[int]) -> list[Window]:
        if not len(one):
            return []
        if (one.scale > 1).any():
            raise DataError("crops were enlarged before.", "Use one upscaling model only.")
        return plan_windows(
            one.region_xyxy,
            image_wh(_source(one)),
            below_px=self._config.below_px,
            margin_px=self._config.margin_px,
            buckets_px=sides,
        )

    def _run(self, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Windows (n, h, w, 3) to raw outputs, `scale` times as high and wide."""
        batch = windows.transpose(0, 3, 1, 2).astype(np.float32) * np.float32(1 / 255)
        outputs = self._engine.run({self._engine.inputs[0].name: batch})
        output = outputs[self._engine.outputs[0].name]
        height, width = (self._scale * side for side in windows.shape[1:3])
        expected = (len(windows), 3, height, width)
        if output.shape != expected:
            raise ModelError(
                f"the upscaler gave {output.shape} for {batch.shape}, expected {expected}.",
                f"Use a x{self._scale} model with free height and width.",
            )
        return output


def choose_sides(wanted: Sequence[int], max_sizes: int = MAX_SIZES) -> tuple[int, ...]:
    """Return the window sides to use, ascending: at most four, at the least cost in pixels.

    Args:
        wanted: Side of the window that each crop would have, one per crop.
        max_sizes: How many different sides there may be.

    Example:
        >>> choose_sides([32, 32, 48, 64, 96, 128])
        (32, 64, 96, 128)
    """
    counts = Counter(wanted)
    while len(counts) > max_sizes:
        sides = sorted(counts)
        # The windows of one size join the next larger one; the cheapest such step comes first.
        cost = [counts[small] * (large**2 - small**2) for small, large in pairwise(sides)]
        cheapest = int(np.argmin(cost))
        counts[sides[cheapest + 1]] += counts.pop(sides[cheapest])
    return tuple(sorted(counts))


def take_inner(output: NDArray[np.float32], window: Window, scale: int = 4) -> Image:
    """Return the enlarged region of a window, uint8 RGB, without the margin.

    Args:
        output: (3, scale s, scale s) float32, nominally 0..1.
        window: The window that was enlarged.
        scale: How many times.
    """
    x1, y1, x2, y2 = (scale * side for side in window.inner_xyxy)
    inner = np.clip(output[:, y1:y2, x1:x2], 0, 1) * 255
    return np.ascontiguousarray(np.rint(inner).astype(np.uint8).transpose(1, 2, 0))


def _read_card(model: Model) -> UpscalerCard:
    if not (model.folder / _CARD).is_file():
        return UpscalerCard()
    path = model.file(_CARD)
    try:
        return UpscalerCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path} is malformed: {error}.", "Convert the model again.") from error


def _with_enlarged(one: Crops, i: int, enlarged: dict[tuple[int, int], Image], scale: int) -> Crops:
    is_large = [(i, j) in enlarged for j in range(len(one))]
    return replace(
        one,
        images=tuple(enlarged.get((i, j), image) for j, image in enumerate(one.images)),
        scale=np.where(is_large, scale, one.scale),
    )


def _source(one: Crops) -> Image:
    if one.source is None:
        raise DataError(
            "the crops no longer know the image they were cut from.",
            "Upscale before calling without_source().",
        )
    return one.source
