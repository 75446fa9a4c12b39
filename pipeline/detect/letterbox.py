"""Fitting an image into a network's input: resized in shape, padded with grey.

Rectangular and turned with the image, so that few pixels are wasted on padding.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.image import image_wh
from core.types import Image

__all__ = ["fit_factor", "letterbox", "letterbox_wh"]

MULTIPLE_PX = 32
MAX_ENLARGEMENT = 2.0
AREA_FROM = 1.75  # images shrunk by more are averaged over areas
PAD_VALUE = 114


def fit_factor(image_wh: tuple[int, int], input_wh: tuple[int, int]) -> float:
    """Return how many pixels of the input a pixel of the image becomes; see `letterbox_wh`.

    Example:
        >>> fit_factor((1920, 1080), (960, 544))
        0.5
    """
    width, height = image_wh
    long_px, short_px = max(input_wh), min(input_wh)
    limit_wh = (long_px, short_px) if width >= height else (short_px, long_px)
    return min(limit_wh[0] / width, limit_wh[1] / height, MAX_ENLARGEMENT)


def letterbox_wh(
    image_wh: tuple[int, int], input_wh: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the size an image is resized to, and the padded size.

    The image keeps its shape and is fitted into `input_wh`, which is turned for upright images;
    small images are enlarged, but at most twice.

    Example:
        >>> letterbox_wh((1520, 870), (960, 544))
        ((950, 544), (960, 544))
        >>> letterbox_wh((1080, 1920), (960, 544))
        ((540, 960), (544, 960))
    """
    width, height = image_wh
    factor = fit_factor(image_wh, input_wh)
    resized = (max(1, round(width * factor)), max(1, round(height * factor)))
    padded = (_round_up(resized[0]), _round_up(resized[1]))
    return resized, padded


def letterbox(
    image: Image, input_wh: tuple[int, int]
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return the network's input, (3, h, w) float32 in 0..1, and the scale in x and y.

    Args:
        image: uint8 (h, w, 3) RGB.
        input_wh: See `letterbox_wh`.

    Returns:
        The tensor, padded at the right and bottom; and (sx, sy) with box_in_tensor = box * scale.
    """
    width, height = image_wh(image)
    resized, padded = letterbox_wh((width, height), input_wh)
    canvas = np.full((padded[1], padded[0], 3), PAD_VALUE, np.uint8)
    # Bilinear looks at four pixels only: a photograph shrunk further by it flickers with aliases.
    if width > AREA_FROM * resized[0]:
        image = _halved(image, resized)
    shrinks = image_wh(image)[0] > AREA_FROM * resized[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    canvas[: resized[1], : resized[0]] = cv2.resize(image, resized, interpolation=method)
    tensor: NDArray[np.float32] = cv2.dnn.blobFromImage(canvas, 1 / 255)[0]
    return tensor, (resized[0] / width, resized[1] / height)


def _halved(image: Image, resized: tuple[int, int]) -> Image:
    """The image at the smallest half of its size that is no smaller than wanted.

    Halving whole pixels is several times faster than averaging over parts of them, and an average
    of averages is nearly the same. An odd side ends it: half a pixel would move the boxes.
    """
    width, height = image_wh(image)
    while width % 2 == 0 and height % 2 == 0 and width >= 2 * resized[0]:
        width, height = width // 2, height // 2
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    return image


def _round_up(side_px: int) -> int:
    return -(-side_px // MULTIPLE_PX) * MULTIPLE_PX
