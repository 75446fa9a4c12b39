"""Noise that repeats without a seam, and the small functions of shading.

Flow: a random generator -> textures of zero mean and unit deviation, sampled anywhere with
`sample`.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["band", "mix", "power", "profile", "ridges", "sample", "smoothstep", "volume"]

Field = NDArray[np.float32]
Values = NDArray[np.floating[Any]] | np.floating[Any] | float  # what is taken; returned: Field


def power(
    rng: np.random.Generator,
    size: int,
    exponent: float,
    *,
    stretch: float = 1.0,
    lowest: float = 1.0,
) -> Field:
    """Return a periodic texture whose amplitude falls with frequency to the power of `exponent`.

    Args:
        rng: source of randomness.
        size: side in texels.
        exponent: 1 is rough as rock, 2 soft as haze.
        stretch: how much longer features are along x than along y.
        lowest: longest waves kept, in waves across.

    Returns:
        float32 (size, size), mean 0, standard deviation 1.

    Example:
        >>> texture = power(np.random.default_rng(1), 64, 1.5)
        >>> texture.shape, round(float(texture.std()), 3)
        ((64, 64), 1.0)
    """
    fy = np.fft.fftfreq(size).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(size).astype(np.float32)[None, :] * stretch
    frequency = np.hypot(fy, fx) * size
    frequency[frequency < lowest] = np.inf
    return _shape(rng, (size, size), frequency**-exponent)


def band(rng: np.random.Generator, size: int, cycles: float) -> Field:
    """Return a periodic texture with about `cycles` waves across, in every direction.

    Args:
        rng: source of randomness.
        size: side in texels.
        cycles: waves across the texture.
    """
    fy = np.fft.fftfreq(size).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(size).astype(np.float32)[None, :]
    frequency = np.maximum(np.hypot(fy, fx) * size, 1e-3)
    return _shape(rng, (size, size), np.exp(-2.0 * np.log(frequency / cycles) ** 2))


def volume(rng: np.random.Generator, shape: tuple[int, int, int], exponent: float) -> Field:
    """Return periodic noise in three dimensions, equally fine along each.

    Args:
        rng: source of randomness.
        shape: (layers, rows, columns).
        exponent: as in `power`.
    """
    axes = [np.fft.fftfreq(n).astype(np.float32) for n in shape[:2]]
    fx = np.fft.rfftfreq(shape[2]).astype(np.float32)
    squared = axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + fx[None, None, :] ** 2
    frequency = np.sqrt(squared) * shape[2]
    # Layers are few: a wave longer than the stack would move the mean of single layers.
    frequency[0] = np.where(frequency[0] < 3, np.inf, frequency[0])
    return _shape(rng, shape, np.maximum(frequency, 2.0) ** -exponent)


def _shape(rng: np.random.Generator, shape: tuple[int, ...], amplitude: Field) -> Field:
    """Return white noise filtered by `amplitude`, which is given over the half spectrum."""
    white = rng.standard_normal(shape, dtype=np.float32)
    filtered = np.fft.irfftn(
        np.fft.rfftn(white) * amplitude, s=shape, axes=tuple(range(len(shape)))
    )
    filtered -= filtered.mean()
    return (filtered / filtered.std()).astype(np.float32)


def ridges(
    rng: np.random.Generator, size: int, *, cycles: float, octaves: int, gain: float = 0.5
) -> Field:
    """Return ridges: sharp crests, each octave finer and strongest where the last was high.

    Args:
        rng: source of randomness.
        size: side in texels.
        cycles: waves across of the first octave.
        octaves: how many.
        gain: strength of an octave relative to the one before.

    Returns:
        float32 (size, size), scaled to 0..1.
    """
    total = np.zeros((size, size), np.float32)
    weight = np.ones_like(total)
    strength = 1.0
    for octave in range(octaves):
        crest = np.clip(1.0 - np.abs(band(rng, size, cycles * 2.0**octave)) * 0.75, 0, 1) ** 1.4
        total += strength * weight * crest
        weight = np.clip(weight * crest * 1.8, 0, 1)
        strength *= gain
    total -= total.min()
    return np.asarray(total / total.max(), np.float32)


def profile(rng: np.random.Generator, size: int, exponent: float, *, lowest: float = 1.0) -> Field:
    """Return a wavy line of `size` values, mean 0, deviation 1.

    Args:
        rng: source of randomness.
        size: number of values.
        exponent: as in `power`.
        lowest: longest waves kept, in waves across.
    """
    frequency = np.fft.rfftfreq(size).astype(np.float32) * size
    amplitude = np.where(frequency < lowest, 0, np.maximum(frequency, 1e-3) ** -exponent)
    return _shape(rng, (size,), amplitude.astype(np.float32))


def sample(texture: NDArray[np.float32], u: NDArray[Any], v: NDArray[Any]) -> NDArray[np.float32]:
    """Return the texture at columns `u` and rows `v`, repeated without end, linearly interpolated.

    Args:
        texture: (rows, columns) or (rows, columns, channels).
        u: columns in texels, any number.
        v: rows in texels, any number.
    """
    rows, columns = texture.shape[:2]
    map_x = np.mod(u, columns).astype(np.float32)
    map_y = np.mod(v, rows).astype(np.float32)
    return np.asarray(
        cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32
    )


def smoothstep(low: float, high: float, value: Values) -> Field:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between.

    Example:
        >>> float(smoothstep(0, 2, np.float32(1)))
        0.5
    """
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def mix(a: NDArray[Any], b: NDArray[Any], share: Values) -> NDArray[np.float32]:
    """Return `a` where share is 0 and `b` where it is 1; a 2-D share serves all channels.

    Args:
        a: colors, (3,) or (h, w, 3).
        b: colors, (3,) or (h, w, 3).
        share: (h, w).
    """
    weight = np.asarray(share, np.float32)[..., None]
    return np.asarray(a * (1 - weight) + b * weight, np.float32)
