"""Upscaling networks of the Real-ESRGAN "Compact" kind, fed with real surroundings.

Small crops are cut again from the image as windows with a margin of real pixels, in a few fixed
sizes; windows of one size, from all images, run as one batch; then the margin is cut off. So no
artificial border is ever seen, and N crops of many sizes cost a few batches instead of N calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, ModelError
from core.image import image_wh
from core.types import Crops, Image
from pipeline.catalog import Model
from pipeline.config import UpscaleConfig
from pipeline.cut import Window, plan_windows, read_window
from pipeline.engines.base import Engine, OpenEngine, check_interface

__all__ = ["CompactUpscaler", "take_inner"]

SCALE = 4


class CompactUpscaler:
    """A x4 network: (n, 3, h, w) RGB in 0..1 to (n, 3, 4h, 4w), clamped here.

    Args:
        engine: The loaded network.
        config: Which crops are enlarged, and the margin around them.
    """

    def __init__(self, engine: Engine, config: UpscaleConfig) -> None:
        self._engine = engine
        self._config = config

    @classmethod
    def open(cls, model: Model, config: UpscaleConfig, open_engine: OpenEngine) -> Self:
        """Return the upscaler of a catalogue entry.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        path = model.file("upscaler.onnx")
        engine = open_engine(path)
        check_interface(engine, path, inputs=1, outputs=1)
        return cls(engine, config)

    def __call__(self, crops: Sequence[Crops]) -> list[Crops]:
        """Return the same crops; those smaller than `below_px` at four times the scale.

        Raises:
            DataError: Crops have lost their source image, or were enlarged before.
        """
        batches: dict[int, list[tuple[int, Window]]] = defaultdict(list)
        for i, one in enumerate(crops):
            for window in self._plan(one):
                batches[window.side_px].append((i, window))
        enlarged: dict[tuple[int, int], Image] = {}
        for members in batches.values():
            pixels = [read_window(_source(crops[i]), window) for i, window in members]
            for (i, window), output in zip(members, self._run(np.stack(pixels)), strict=True):
                enlarged[i, window.index] = take_inner(output, window)
        return [_with_enlarged(one, i, enlarged) for i, one in enumerate(crops)]

    def _plan(self, one: Crops) -> list[Window]:
        if not len(one):
            return []
        if (one.scale != 1).any():
            raise DataError("crops were enlarged before.", "Use one upscaling model only.")
        return plan_windows(
            one.region_xyxy,
            image_wh(_source(one)),
            below_px=self._config.below_px,
            margin_px=self._config.margin_px,
        )

    def _run(self, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Windows (n, h, w, 3) to raw outputs (n, 3, 4h, 4w)."""
        batch = windows.transpose(0, 3, 1, 2).astype(np.float32) * np.float32(1 / 255)
        outputs = self._engine.run({self._engine.inputs[0].name: batch})
        output = outputs[self._engine.outputs[0].name]
        expected = (len(windows), 3, SCALE * windows.shape[1], SCALE * windows.shape[2])
        if output.shape != expected:
            raise ModelError(
                f"the upscaler gave {output.shape} for {batch.shape}, expected {expected}.",
                "Use a x4 model with free batch, height and width.",
            )
        return output


def take_inner(output: NDArray[np.float32], window: Window) -> Image:
    """Return the enlarged region of a window, uint8 RGB, without the margin.

    Args:
        output: (3, 4s, 4s) float32, nominally 0..1.
        window: The window that was enlarged.
    """
    x1, y1, x2, y2 = (SCALE * side for side in window.inner_xyxy)
    inner = np.clip(output[:, y1:y2, x1:x2], 0, 1) * 255
    return np.ascontiguousarray(np.rint(inner).astype(np.uint8).transpose(1, 2, 0))


def _with_enlarged(one: Crops, i: int, enlarged: dict[tuple[int, int], Image]) -> Crops:
    return replace(
        one,
        images=tuple(enlarged.get((i, j), image) for j, image in enumerate(one.images)),
        scale=np.array([SCALE if (i, j) in enlarged else 1 for j in range(len(one))], np.float32),
    )


def _source(one: Crops) -> Image:
    if one.source is None:
        raise DataError(
            "the crops no longer know the image they were cut from.",
            "Upscale before calling without_source().",
        )
    return one.source
