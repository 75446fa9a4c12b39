"""How clearly an object can be made out in the finished frame.

Here: one number for one object, from what it changes and from how restless the frame is there.
Not here: what happens to those that nobody could find (``synth.render``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Image
from synth.effect_filters import FILTERS
from synth.effects import EffectStep

__all__ = ["measure_clarity"]

# Across a thing that is to be recognised the eye needs about eight dots (Johnson 1958), so what is
# finer than an eighth of it, such as grain, is averaged away before anything is compared.
_CELLS = 8
# Longer objects are measured in a frame made smaller, where eighths still have enough pixels.
_MEASURED_PX = 48
# Grey levels that no eye tells apart, whatever is around.
_UNSEEN = 2.0
# An object of this length needs exactly the limit; larger ones are recognised by less.
_USUAL_PX, _LARGE_PX = 24.0, 96.0
# Steps that only add grain: they hide an object, and change nothing of what it shows.
_GRAINY = ("noise", "iso")


def measure_clarity(
    painted: Image,
    bare: Image,
    alpha: NDArray[np.float32],
    corner_xy: tuple[int, int],
    steps: Sequence[EffectStep],
    *,
    scale: float = 1.0,
) -> float:
    """Contrast to noise of an object in a frame to which these effects are done.

    The signal is the change of colour that the object makes, root of mean square over eighths of
    its length, after all steps but grain. The noise is the usual difference of neighbouring
    eighths there and half its length around, grain included. Below 1 nobody finds it, above 5
    nobody misses it (Rose 1948). Long objects count as up to 1.6 times as clear. Mirroring is
    left out, which changes neither. So is what albumentations does, whose noise and blur hide
    nothing here, and "iso" and "clahe" see the place alone, not the frame they depend on.

    Args:
        painted: uint8 (h, w, 3) RGB, the frame before effects.
        bare: The same without the object, and without others that it may lie before.
        alpha: float32 (rows, columns), 0..255: what of the object is seen.
        corner_xy: Where the left upper corner of `alpha` lies in the frame.
        steps: The frame's effects.
        scale: Of the frame to the one that will be made, for previews.
    """
    rows, columns = (np.flatnonzero(alpha.max(axis=axis) > 0) for axis in (1, 0))
    if not len(rows):
        return 0.0
    cover = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, None] / np.float32(255)
    height, width = cover.shape[:2]
    length = max(width, height)
    left, top = corner_xy[0] + int(columns[0]), corner_xy[1] + int(rows[0])
    x1, y1 = max(left - length // 2, 0), max(top - length // 2, 0)
    place = np.s_[y1 : top + height + length // 2, x1 : left + width + length // 2]
    inside = np.s_[top - y1 : top - y1 + height, left - x1 : left - x1 + width]
    shown = np.zeros((*bare[place].shape[:2], 1), np.float32)
    shown[inside] = cover
    ratio = min(_MEASURED_PX / length, 1.0)
    cell = max(length * ratio / _CELLS, 1.0)
    pair = [_reduce(frame[place], 1 / ratio) for frame in (painted, bare)]
    scaled = [step.scaled(ratio) for step in steps]
    smooth = [step for step in scaled if step.name not in _GRAINY]
    with_it, without = (_apply(frame, smooth).astype(np.float32) for frame in pair)
    shown = _reduce(shown, 1 / ratio)
    change = _reduce((with_it - without) * shown, cell)
    square = float((change**2).mean(axis=2).sum() / max(float(_reduce(shown, cell).sum()), 1e-6))
    around = _reduce(_apply(pair[1], scaled).astype(np.float32), cell)
    differences = [np.abs(np.diff(around, axis=axis)).ravel() for axis in (0, 1)]
    # The median, so that one edge behind it, such as a horizon, hides nothing; 1.05 makes it the
    # standard deviation of independent cells.
    noise = 1.05 * float(np.median(np.concatenate([*differences, np.zeros(1)])))
    length_px = length / scale
    few = min(length_px / _CELLS, 1.0)
    size = few * (min(length_px, _LARGE_PX) / _USUAL_PX) ** (1 / 3)
    return size * float(np.sqrt(square)) / (noise + _UNSEEN)


def _apply(image: Image, steps: Sequence[EffectStep]) -> Image:
    for step in steps:
        if step.name in FILTERS:
            image = FILTERS[step.name](image, **step.parameters)
    return image


def _reduce(image: NDArray[Any], cell_px: float) -> NDArray[Any]:
    """Mean over square cells of at least a pixel; (h, w, channels) of the same type."""
    if cell_px <= 1:
        return image
    wh = tuple(max(1, round(side / cell_px)) for side in (image.shape[1], image.shape[0]))
    reduced = np.asarray(cv2.resize(image, wh, interpolation=cv2.INTER_AREA))
    return reduced.reshape(wh[1], wh[0], -1)
