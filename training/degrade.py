"""Two-stage image degradation after Real-ESRGAN: sharp picture in, small damaged picture out.

Here: blur (isotropic, anisotropic, sinc), resizing, Gaussian and photon noise, JPEG, drawn at
random. Not here: where sharp pictures come from (`training.patches`). Flow: RGB uint8 -> RGB uint8,
4x smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

__all__ = ["FULL", "LEVELS", "MILD", "Level", "Severity", "degrade", "draw_level"]

Image = NDArray[np.uint8]
Pixels = NDArray[np.float32]
Level = Literal["clean", "mild", "full"]
LEVELS: tuple[Level, ...] = ("clean", "mild", "full")

_INTERPOLATIONS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)


@dataclass(frozen=True, slots=True)
class Severity:
    """Ranges of one degradation stage; each pair is (smallest, largest), drawn uniformly."""

    blur_probability: float
    sigma_px_range: tuple[float, float]
    sinc_probability: float
    resize_ratio_range: tuple[float, float]
    resize_probability: float
    noise_probability: float
    gaussian_std_range: tuple[float, float]  # of 255
    photon_scale_range: tuple[float, float]
    jpeg_probability: float
    jpeg_quality_range: tuple[int, int]


# Stage one and two of Real-ESRGAN (arXiv 2107.10833, appendix), noise a little lower: the objects
# are only a few pixels large here, and a net taught on more noise paints flat colors over their
# markings.
FULL = (
    Severity(1.0, (0.2, 3.0), 0.1, (0.25, 1.5), 0.9, 1.0, (1.0, 25.0), (0.05, 2.5), 1.0, (35, 95)),
    Severity(0.8, (0.2, 1.5), 0.1, (0.3, 1.2), 0.7, 1.0, (1.0, 18.0), (0.05, 2.0), 1.0, (40, 95)),
)
MILD = (
    Severity(0.7, (0.2, 1.6), 0.1, (0.6, 1.2), 0.3, 0.4, (0.5, 8.0), (0.05, 1.0), 0.0, (60, 95)),
    Severity(0.2, (0.2, 0.8), 0.1, (0.9, 1.1), 0.0, 0.4, (0.5, 6.0), (0.05, 0.8), 0.7, (60, 97)),
)


def draw_level(rng: np.random.Generator) -> Level:
    """Return a level for one training pair: a quarter clean, the rest mild or full.

    Args:
        rng: source of randomness.
    """
    return LEVELS[int(rng.choice(3, p=(0.25, 0.42, 0.33)))]


def degrade(image: Image, level: Level, *, rng: np.random.Generator, scale: int = 4) -> Image:
    """Return the picture `scale` times smaller, damaged as `level` says.

    Args:
        image: uint8 (h, w, 3) RGB, h and w multiples of `scale`.
        level: "clean" averages areas and does nothing else; "mild" and "full" run two random
            stages.
        rng: source of randomness.
        scale: how many times smaller the result is.

    Returns:
        uint8 (h / scale, w / scale, 3) RGB.

    Raises:
        ValueError: if a side is not a multiple of `scale`.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> degrade(np.full((32, 64, 3), 90, np.uint8), "clean", rng=rng).shape
        (8, 16, 3)
    """
    height, width = image.shape[:2]
    if height % scale or width % scale:
        raise ValueError(
            f"sides must be multiples of {scale}, got {width}x{height}. Crop the picture first."
        )
    small_wh = (width // scale, height // scale)
    if level == "clean":
        return np.asarray(cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA), np.uint8)
    first, second = FULL if level == "full" else MILD
    pixels = image.astype(np.float32) / 255.0
    pixels = _stage(pixels, first, (width, height), rng)
    pixels = _stage(pixels, second, small_wh, rng, jpeg=False)
    return _finish(pixels, second, small_wh, rng)


def _stage(
    pixels: Pixels,
    severity: Severity,
    base_wh: tuple[int, int],
    rng: np.random.Generator,
    *,
    jpeg: bool = True,
) -> Pixels:
    """Blur, resize to about `base_wh`, add noise and, if asked, JPEG artefacts."""
    if rng.random() < severity.blur_probability:
        pixels = _filter(pixels, _draw_kernel(severity, rng))
    if rng.random() < severity.resize_probability:
        ratio = rng.uniform(*severity.resize_ratio_range)
        size_wh = (max(8, round(base_wh[0] * ratio)), max(8, round(base_wh[1] * ratio)))
        pixels = _resize(pixels, size_wh, rng)
    if rng.random() < severity.noise_probability:
        pixels = _add_noise(pixels, severity, rng)
    if jpeg and rng.random() < severity.jpeg_probability:
        pixels = _jpeg(pixels, severity, rng)
    return pixels


def _finish(
    pixels: Pixels, severity: Severity, size_wh: tuple[int, int], rng: np.random.Generator
) -> Image:
    """Bring the picture to its final size, with JPEG and ringing in either order."""
    jpeg = rng.random() < severity.jpeg_probability
    sinc = _sinc_kernel(rng) if rng.random() < severity.sinc_probability * 3 else None
    pixels = _resize(pixels, size_wh, rng)
    if jpeg and rng.random() < 0.5:
        pixels, jpeg = _jpeg(pixels, severity, rng), False
    if sinc is not None:
        pixels = _filter(pixels, sinc)
    if jpeg:
        pixels = _jpeg(pixels, severity, rng)
    return np.clip(np.rint(pixels * 255.0), 0, 255).astype(np.uint8)


def _resize(pixels: Pixels, size_wh: tuple[int, int], rng: np.random.Generator) -> Pixels:
    how = _INTERPOLATIONS[int(rng.integers(len(_INTERPOLATIONS)))]
    if (pixels.shape[1], pixels.shape[0]) == size_wh:
        return pixels
    return np.clip(cv2.resize(pixels, size_wh, interpolation=how), 0, 1).astype(np.float32)


def _filter(pixels: Pixels, kernel: Pixels) -> Pixels:
    blurred = cv2.filter2D(pixels, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.clip(blurred, 0, 1).astype(np.float32)


def _draw_kernel(severity: Severity, rng: np.random.Generator) -> Pixels:
    """Return a random blur kernel (odd side, sum 1): sinc, round, oblong or flat-topped."""
    if rng.random() < severity.sinc_probability:
        return _sinc_kernel(rng)
    sigma_x = rng.uniform(*severity.sigma_px_range)
    sigma_y = sigma_x if rng.random() < 0.5 else rng.uniform(*severity.sigma_px_range)
    angle = rng.uniform(0, np.pi)
    radius = int(np.clip(np.ceil(2.5 * max(sigma_x, sigma_y)), 1, 7))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    along = (x * np.cos(angle) + y * np.sin(angle)) / sigma_x
    across = (-x * np.sin(angle) + y * np.cos(angle)) / sigma_y
    # The exponent bends the bell: below 1 a sharp peak with long tails, above 1 a flat top
    # (defocus).
    bend = 1.0 if rng.random() < 0.7 else rng.uniform(0.5, 2.5)
    kernel = np.exp(-0.5 * (along**2 + across**2) ** bend)
    return (kernel / kernel.sum()).astype(np.float32)


def _sinc_kernel(rng: np.random.Generator) -> Pixels:
    """Return a circular low-pass kernel, which rings at edges as over-sharpened pictures do."""
    radius = int(rng.integers(3, 8))
    cutoff = rng.uniform(np.pi / 3 if radius < 5 else np.pi / 5, np.pi)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    distance = np.hypot(x, y)
    distance[radius, radius] = 1.0
    kernel = cutoff * j1(cutoff * distance) / (2 * np.pi * distance)
    kernel[radius, radius] = cutoff**2 / (4 * np.pi)
    return (kernel / kernel.sum()).astype(np.float32)


def _add_noise(pixels: Pixels, severity: Severity, rng: np.random.Generator) -> Pixels:
    """Add sensor noise, equal everywhere or growing with brightness, colored or grey."""
    shape = (*pixels.shape[:2], 1 if rng.random() < 0.4 else 3)
    noise = rng.standard_normal(shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise *= rng.uniform(*severity.gaussian_std_range) / 255.0
        return np.clip(pixels + noise, 0, 1)
    # Photon noise: a Poisson count of up to 255 has the standard deviation of its square root.
    strength = np.sqrt(np.clip(pixels.mean(axis=2, keepdims=True), 0, 1) / 255.0)
    noise *= rng.uniform(*severity.photon_scale_range)
    return np.clip(pixels + noise * strength, 0, 1)


def _jpeg(pixels: Pixels, severity: Severity, rng: np.random.Generator) -> Pixels:
    low, high = severity.jpeg_quality_range
    quality = int(rng.integers(low, high + 1))
    bgr = cv2.cvtColor(np.rint(pixels * 255.0).astype(np.uint8), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.float32) / 255.0
