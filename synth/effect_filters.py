"""The pixel work of each effect on a whole frame: image and numbers in, new image out.

Here: fast filters on OpenCV and NumPy. Not here: which are taken and how strong they are
(``synth.effects``), and what needs albumentations (``synth.origin``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FILTERS", "motion_kernel"]

Image = NDArray[np.uint8]


def _pixels(array: ArrayLike) -> Image:
    """OpenCV's result as what it is; its stubs promise no more than some number."""
    return np.asarray(array, dtype=np.uint8)


def _apply_tone(
    image: Image,
    *,
    gamma: float,
    gain: float,
    contrast: float,
    red_gain: float,
    blue_gain: float,
    saturation: float,
) -> Image:
    level = np.arange(256, dtype=np.float32) / 255.0
    table = np.empty((1, 256, 3), np.uint8)
    for channel, white in enumerate((red_gain, 1.0, blue_gain)):
        curve = np.clip(level * gain * white, 0, 1) ** gamma  # clipping first: blown highlights
        table[0, :, channel] = np.clip((curve - 0.5) * contrast + 0.5, 0, 1) * 255.0 + 0.5
    toned = _pixels(cv2.LUT(image, table))
    if abs(saturation - 1.0) < 0.02:
        return toned
    grey = cv2.cvtColor(cv2.cvtColor(toned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return _pixels(cv2.addWeighted(toned, saturation, grey, 1.0 - saturation, 0.0))


def _apply_haze(image: Image, *, ratio: float, level: float) -> Image:
    return _pixels(cv2.convertScaleAbs(image, alpha=1.0 - ratio, beta=ratio * level))


def _apply_blur(image: Image, *, sigma_px: float) -> Image:
    return _pixels(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE))


def motion_kernel(length_px: float, angle_deg: float) -> NDArray[np.float32]:
    """A line of that length through the middle of a square kernel, its sum 1."""
    side = 2 * int(np.ceil(length_px / 2)) + 3
    kernel = np.zeros((side, side), np.uint8)
    radius = (
        length_px / 2 * np.array([np.cos(np.deg2rad(angle_deg)), -np.sin(np.deg2rad(angle_deg))])
    )
    centre = (side - 1) / 2
    ends = np.round((np.array([centre - radius, centre + radius])) * 256).astype(int)
    cv2.line(kernel, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 255, 1, cv2.LINE_AA, 8)
    weights = kernel.astype(np.float32)
    return weights / max(float(weights.sum()), 1.0)


def _apply_motion(image: Image, *, length_px: float, angle_deg: float) -> Image:
    kernel = motion_kernel(length_px, angle_deg)
    return _pixels(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE))


@lru_cache(maxsize=1)
def _normal_table() -> NDArray[np.float32]:
    """256 equally likely values of a standard normal: bytes become noise by one look-up."""
    from scipy.special import ndtri

    values = ndtri((np.arange(256) + 0.5) / 256)
    return np.asarray(values / values.std(), dtype=np.float32)


def _apply_noise(image: Image, *, std: float, color_ratio: float, seed: float) -> Image:
    # A table of 256 quantiles instead of true normals: five times faster, and after rounding to
    # whole grey levels the difference cannot be seen.
    height, width = image.shape[:2]
    luma_std = std * float(np.sqrt(max(0.0, 1.0 - color_ratio**2)))
    has_luma = luma_std > 0.3
    raw = _random_bytes(int(seed), (4 if has_luma else 3) * height * width)
    noise = _look_up(raw[: 3 * height * width].reshape(height, width, 3), std * color_ratio)
    if has_luma:
        luma = _look_up(raw[3 * height * width :].reshape(height, width), luma_std)
        noise = np.asarray(cv2.add(noise, cv2.merge([luma] * 3)), np.int16)
    return _pixels(cv2.add(image, noise, dtype=cv2.CV_8U))


def _look_up(raw: NDArray[np.uint8], std: float) -> NDArray[np.int16]:
    return np.asarray(cv2.LUT(raw, np.round(_normal_table() * std).astype(np.int16)), np.int16)


def _random_bytes(seed: int, count: int) -> NDArray[np.uint8]:
    words = np.random.default_rng(seed).bit_generator.random_raw(-(-count // 8))
    return np.asarray(words, "<u8").view(np.uint8)[:count]


def _apply_sharpen(image: Image, *, sigma_px: float, amount: float) -> Image:
    soft = cv2.GaussianBlur(image, (0, 0), sigma_px)
    return _pixels(cv2.addWeighted(image, 1.0 + amount, soft, -amount, 0.0))


def _apply_jpeg(image: Image, *, quality: float) -> Image:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "what was just encoded can be decoded"
    return _pixels(decoded)


def _apply_resample(image: Image, *, ratio: float) -> Image:
    height, width = image.shape[:2]
    small_wh = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA)
    return _pixels(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _apply_iso(image: Image, *, intensity: float, seed: float) -> Image:
    """Some pixels lighter, Poisson many times: what a sensor at high sensitivity does.

    The law of albumentations' ISONoise, whose luminance noise is nought for nearly all pixels, so
    that only the others are computed; its shift of hue, under 0.03 degrees, is below one grey
    level and left out.
    """
    flat = image.reshape(-1, 3)
    red, green, blue = cv2.split(image)
    low = cv2.min(cv2.min(red, green), blue)
    high = cv2.max(cv2.max(red, green), blue)
    std = float(cv2.meanStdDev(cv2.add(low, high, dtype=cv2.CV_16U))[1][0, 0]) / 510.0
    mean = std * intensity
    draws = _random_bytes(int(seed), 2 * len(flat)).view("<u2")
    # Tail probabilities P(k >= 1), P(k >= 2), ... on the 65536 steps of a draw.
    steps, tail, term, k = [], 1.0, float(np.exp(-mean)), 0
    while (tail := tail - term) * 65536 > 0.5:
        steps.append(tail * 65536)
        k += 1
        term *= mean / k
    if not steps:
        return image
    # Compared as whole numbers and taken by "take": both several times faster.
    limits = [np.uint16(np.ceil(step) - 1) for step in steps]
    rows = np.flatnonzero(draws <= limits[0])
    drawn = draws.take(rows)
    counts = sum((drawn <= limit).astype(np.float32) for limit in limits)
    # As one row: pixel by pixel down a column OpenCV converts twenty times slower.
    part = flat.take(rows, axis=0)[None].astype(np.float32) / 255.0
    hls = cv2.cvtColor(part, cv2.COLOR_RGB2HLS)
    light = hls[0, :, 1]
    hls[0, :, 1] = np.clip(light + counts * intensity * (1.0 - light), 0, 1)
    noisy = image.copy()
    noisy.reshape(-1, 3)[rows] = cv2.cvtColor(hls, cv2.COLOR_HLS2RGB)[0] * 255.0 + 0.5
    return noisy


def _apply_box_blur(image: Image, *, side_px: float) -> Image:
    # The library's default border, which mirrors, as the origin's version had it.
    return _pixels(cv2.blur(image, (int(side_px), int(side_px))))


def _apply_median(image: Image, *, side_px: float) -> Image:
    return _pixels(cv2.medianBlur(image, int(side_px))) if side_px > 1 else image


def _apply_grey(image: Image) -> Image:
    return _pixels(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def _apply_clahe(image: Image, *, clip_limit: float) -> Image:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    equalizer = cv2.createCLAHE(clipLimit=clip_limit, tileGridSize=(8, 8))
    lab[..., 0] = equalizer.apply(np.ascontiguousarray(lab[..., 0]))
    return _pixels(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def _apply_linear(image: Image, *, gain: float, offset: float) -> Image:
    table = np.clip(np.arange(256) * gain + offset * 255.0, 0, 255).astype(np.uint8)
    return _pixels(cv2.LUT(image, table))


def _apply_gamma(image: Image, *, gamma: float) -> Image:
    table = np.clip((np.arange(256) / 255.0) ** gamma * 255.0, 0, 255).astype(np.uint8)
    return _pixels(cv2.LUT(image, table))


FILTERS: dict[str, Callable[..., Image]] = {
    "tone": _apply_tone,
    "haze": _apply_haze,
    "blur": _apply_blur,
    "motion": _apply_motion,
    "noise": _apply_noise,
    "sharpen": _apply_sharpen,
    "jpeg": _apply_jpeg,
    "resample": _apply_resample,
    "iso": _apply_iso,
    "box_blur": _apply_box_blur,
    "median": _apply_median,
    "grey": _apply_grey,
    "clahe": _apply_clahe,
    "linear": _apply_linear,
    "gamma": _apply_gamma,
}
