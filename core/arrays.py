"""Helpers for arrays and frozen values.

Read-only arrays of promised shape, fields set while being made, the logistic function.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import DataError

__all__ = ["frozen_array", "frozen_image", "set_fields", "sigmoid", "size_wh"]


def set_fields(target: object, **values: object) -> None:
    """Set fields of a frozen object while it is being made."""
    for name, value in values.items():
        object.__setattr__(target, name, value)


def frozen_array(
    array: ArrayLike, dtype: type[np.generic], shape: tuple[int | None, ...], name: str
) -> NDArray:
    """Return our own read-only copy of an array, of the promised dtype and shape (None is free)."""
    try:
        copy = np.array(array, dtype=dtype, order="C")
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array of {dtype.__name__}: {error}.") from error
    if copy.ndim != len(shape) or any(
        want not in (None, got) for want, got in zip(shape, copy.shape, strict=True)
    ):
        wanted = ", ".join("n" if side is None else str(side) for side in shape)
        raise DataError(f"{name} must have shape ({wanted}), got {copy.shape}.")
    copy.setflags(write=False)
    return copy


def frozen_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a read-only image; kept as it is when it already is one, copied otherwise."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise DataError(
            f"an image must be uint8 (h, w, 3) RGB, got {image.dtype} {image.shape}.",
            "Convert it with core.image.to_image.",
        )
    if image.flags.writeable or not image.flags.c_contiguous or not image.flags.owndata:
        image = np.array(image, order="C")
        image.setflags(write=False)
    return image


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)), float32, without overflow.

    Example:
        >>> sigmoid(np.array([-1000, 0, 1000])).tolist()
        [0.0, 0.5, 1.0]
    """
    return (0.5 * (1 + np.tanh(0.5 * np.asarray(x, np.float64)))).astype(np.float32)


def size_wh(sides: Sequence[int]) -> tuple[int, int]:
    """Return (width, height) as two ints, both at least 1."""
    width, height = (int(side) for side in sides)
    if width < 1 or height < 1:
        raise DataError(f"image_wh must be at least (1, 1), got ({width}, {height}).")
    return width, height
