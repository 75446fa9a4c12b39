"""How clearly an object can be made out in the finished frame.

Here: contrast to noise of an object and of its parts, from what it changes and from how restless
the frame is there. Not here: what happens to those that nobody could find (``synth.render``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Image
from synth.effect_filters import FILTERS
from synth.effects import EffectStep

__all__ = ["Look", "look_at"]

# Across a thing that is to be recognised the eye needs about eight dots (Johnson 1958), so what is
# finer than an eighth of it, such as grain, is averaged away before anything is compared.
_CELLS = 8
# Of what widens a box, parts half as large count.
_PARTS = 16
# Longer objects are measured in a frame made smaller, where eighths still have enough pixels.
_MEASURED_PX = 48
# Grey levels that no eye tells apart, whatever is around.
_UNSEEN = 2.0
# An object of this length needs exactly the limit; larger ones are recognised by less.
_USUAL_PX, _LARGE_PX = 24.0, 96.0
# Steps that only add grain: they hide an object, and change nothing of what it shows.
_GRAINY = ("noise", "iso")


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """An object and the place where it is, twice its size, after the frame's effects.

    Both may have been made smaller; `length_px` and `place_wh` tell the sizes in the frame.

    Args:
        change: float32 (h, w, 3), by how much what is seen of the object changes the place,
            without grain.
        around: float32 (h, w, 3), the place without the object, with all effects.
        shown: float32 (h, w, 1), 0..1: where the object is seen.
        length_px: The object's longer side.
        place_wh: Size of the place.
        inside: Where in the place the object is seen, rows and columns.
        alpha_inside: The same in its alpha.
        alpha_shape: Rows and columns of its alpha.
        scale: Of the frame to the one that will be made, for previews.
    """

    change: NDArray[np.float32]
    around: NDArray[np.float32]
    shown: NDArray[np.float32]
    length_px: int
    place_wh: tuple[int, int]
    inside: tuple[slice, slice]
    alpha_inside: tuple[slice, slice]
    alpha_shape: tuple[int, int]
    scale: float

    def clarity(self) -> float:
        """Contrast to noise, over eighths of the object's length.

        The signal is the change of colour, root of mean square. Below 1 nobody finds it, above 5
        nobody misses it (Rose 1948). Long objects count as up to 1.6 times as clear.
        """
        cell = self._cell_px(_CELLS)
        change = _reduce(self.change, cell)
        shown = float(_reduce(self.shown, cell).sum())
        square = float((change**2).mean(axis=2).sum() / max(shown, 1e-6))
        length_px = self.length_px / self.scale
        few = min(length_px / _CELLS, 1.0)
        size = few * (min(length_px, _LARGE_PX) / _USUAL_PX) ** (1 / 3)
        return size * float(np.sqrt(square)) / (self._noise(cell) + _UNSEEN)

    def clear_parts(self, limit: float) -> NDArray[np.bool_]:
        """Which pixels of its alpha lie in parts with at least this contrast to noise.

        Parts are squares of a sixteenth of the object's length: rotor blades that grain or blur
        has swallowed are in none.
        """
        cell = self._cell_px(_PARTS)
        square = (_reduce(self.change, cell) ** 2).mean(axis=2)
        change = np.sqrt(square / np.maximum(_reduce(self.shown, cell)[..., 0], 1e-6))
        clear = (change >= limit * (self._noise(cell) + _UNSEEN)).astype(np.uint8)
        enlarged = cv2.resize(clear, self.place_wh, interpolation=cv2.INTER_NEAREST)
        parts = np.zeros(self.alpha_shape, bool)
        parts[self.alpha_inside] = enlarged[self.inside] > 0
        return parts

    def _cell_px(self, count: int) -> float:
        return max(self.length_px * self.change.shape[1] / self.place_wh[0] / count, 1.0)

    def _noise(self, cell_px: float) -> float:
        """The usual difference of neighbouring cells, grain included."""
        cells = _reduce(self.around, cell_px)
        differences = [np.abs(np.diff(cells, axis=axis)).ravel() for axis in (0, 1)]
        # The median, so that one edge behind it, such as a horizon, hides nothing; 1.05 makes it
        # the standard deviation of independent cells.
        return 1.05 * float(np.median(np.concatenate([*differences, np.zeros(1)])))


def look_at(
    painted: Image,
    bare: Image,
    alpha: NDArray[np.float32],
    corner_xy: tuple[int, int],
    steps: Sequence[EffectStep],
    *,
    scale: float = 1.0,
) -> Look | None:
    """An object as the finished frame shows it, beside its place without it.

    Grain hides the object and is no part of what it shows. Mirroring is left out, which changes
    nothing here. So is what albumentations does, whose noise and blur hide nothing here, and "iso"
    and "clahe" see the place alone, not the frame they depend on.

    Args:
        painted: uint8 (h, w, 3) RGB, the frame before effects.
        bare: The same without the object, and without others that it may lie before.
        alpha: float32 (rows, columns), 0..255: what of the object is seen.
        corner_xy: Where the left upper corner of `alpha` lies in the frame.
        steps: The frame's effects.
        scale: Of the frame to the one that will be made, for previews.

    Returns:
        None where nothing of it is seen.
    """
    rows, columns = (np.flatnonzero(alpha.max(axis=axis) > 0) for axis in (1, 0))
    if not len(rows):
        return None
    seen = np.s_[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    height, width = alpha[seen].shape
    length = max(width, height)
    left, top = corner_xy[0] + int(columns[0]), corner_xy[1] + int(rows[0])
    x1, y1 = max(left - length // 2, 0), max(top - length // 2, 0)
    place = np.s_[y1 : top + height + length // 2, x1 : left + width + length // 2]
    place_h, place_w = bare[place].shape[:2]
    inside = np.s_[top - y1 : top - y1 + height, left - x1 : left - x1 + width]
    shown = np.zeros((place_h, place_w, 1), np.float32)
    shown[inside] = alpha[seen][..., None] / np.float32(255)
    ratio = min(_MEASURED_PX / length, 1.0)
    pair = [_reduce(frame[place], 1 / ratio) for frame in (painted, bare)]
    scaled = [step.scaled(ratio) for step in steps]
    smooth = [step for step in scaled if step.name not in _GRAINY]
    with_it, without = (_apply(frame, smooth).astype(np.float32) for frame in pair)
    shown = _reduce(shown, 1 / ratio)
    return Look(
        change=(with_it - without) * shown,
        around=_apply(pair[1], scaled).astype(np.float32),
        shown=shown,
        length_px=length,
        place_wh=(place_w, place_h),
        inside=inside,
        alpha_inside=seen,
        alpha_shape=alpha.shape,
        scale=scale,
    )


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
