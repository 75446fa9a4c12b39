"""Soft edges: how much of each pixel is object, and which colour the object has there.

Here: alpha by closed-form matting (Levin, Lischinski, Weiss 2008) in the unknown band of a trimap,
its enlargement by a fast guided filter (He, Sun 2015), and the object's own colours by blur fusion
(Forte 2021). Not here: what is object at all (``synth.grabcut``). In: RGB uint8 and a trimap or
alpha; out: float32 alpha in [0, 1], RGB uint8 without the background's cast.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, cg

__all__ = ["enlarge_alpha", "estimate_alpha", "estimate_foreground"]

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]

_WINDOW = 3  # side of the squares in which colours are taken to lie on a line
_COLOR_VARIANCE = 1e-4  # variance of noise in a window, of colours in [0, 1]
_PRIOR_WEIGHT = 5e-3  # how much the coarse alpha counts where colours cannot decide
_SOLVER_STEPS = 200
_SOLVER_TOLERANCE = 1e-3


def estimate_alpha(rgb: Pixels, coarse: Alpha, unknown: NDArray[np.bool_]) -> Alpha:
    """Alpha float32 (h, w), solved where it is unknown and the coarse one rounded elsewhere.

    Args:
        rgb: (h, w, 3).
        coarse: A first guess, (h, w) in [0, 1].
        unknown: (h, w) the band to solve; the rest is taken to be 0 or 1.
    """
    height, width = unknown.shape
    known = (coarse >= 0.5).astype(np.float32)
    if min(height, width) < _WINDOW or not unknown.any():
        return known
    pixels, weights = _window_weights(rgb, unknown)
    touched, local = np.unique(pixels, return_inverse=True)
    local = local.reshape(pixels.shape)
    side = pixels.shape[1]
    rows = np.repeat(local, side, axis=1).ravel()
    columns = np.tile(local, (1, side)).ravel()
    affinity = csr_array((weights.ravel(), (rows, columns)), shape=(len(touched),) * 2)
    degree = np.bincount(local.ravel(), minlength=len(touched)).astype(np.float32)
    free = unknown.ravel()[touched]
    value, guess = known.ravel()[touched], coarse.ravel()[touched][free]
    # Laplacian = degree - affinity; the known pixels go to the right-hand side.
    inner = affinity[free]
    goal = inner[:, ~free] @ value[~free] + _PRIOR_WEIGHT * guess
    solved = _solve(inner[:, free], degree[free] + _PRIOR_WEIGHT, goal, guess)
    alpha = known.copy()
    alpha.ravel()[touched[free]] = np.clip(solved, 0, 1)
    return alpha


def _window_weights(
    rgb: Pixels, unknown: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pixel numbers (k, 9) of the windows at the band, and their matting weights (k, 9, 9)."""
    width = unknown.shape[1]
    near = cv2.dilate(unknown.astype(np.uint8), np.ones((_WINDOW, _WINDOW), np.uint8))
    rows, columns = np.nonzero(near[1:-1, 1:-1])
    steps = np.arange(_WINDOW)
    pixels = (rows[:, None] + steps)[:, :, None] * width + (columns[:, None] + steps)[:, None, :]
    pixels = pixels.reshape(len(rows), -1)
    color = rgb.reshape(-1, 3)[pixels].astype(np.float32) / 255
    color -= color.mean(axis=1, keepdims=True)
    count = pixels.shape[1]
    covariance = color.transpose(0, 2, 1) @ color / count
    covariance += np.eye(3, dtype=np.float32) * np.float32(_COLOR_VARIANCE)
    weights = (1 + color @ np.linalg.inv(covariance) @ color.transpose(0, 2, 1)) / count
    return pixels, weights.astype(np.float32)


def _solve(
    affinity: csr_array, degree: NDArray[np.float32], goal: Alpha, guess: Alpha
) -> NDArray[np.float32]:
    """The solution of (degree - affinity) x = goal by conjugate gradients, nearly converged."""
    shape = affinity.shape
    system = LinearOperator(shape, matvec=lambda x: degree * x - affinity @ x, dtype=np.float32)
    diagonal = np.maximum(degree - affinity.diagonal(), 1e-4)
    scaling = LinearOperator(shape, matvec=lambda x: x / diagonal, dtype=np.float32)
    solved, _ = cg(system, goal, x0=guess, rtol=_SOLVER_TOLERANCE, maxiter=_SOLVER_STEPS, M=scaling)
    return np.asarray(solved, np.float32)


def enlarge_alpha(rgb: Pixels, small_rgb: Pixels, small_alpha: Alpha, radius_px: int = 2) -> Alpha:
    """Alpha of a larger image, float32 (h, w), whose edges follow the image's own.

    In each small window alpha is a linear function of colour; the functions are enlarged, not
    alpha itself. What is surely object or surely background stays so.

    Args:
        rgb: The large image, (h, w, 3).
        small_rgb: The same reduced.
        small_alpha: Its alpha, in [0, 1].
        radius_px: Half the window, in pixels of the small image.
    """
    guide = small_rgb.astype(np.float32) / np.float32(255)
    size = (2 * radius_px + 1,) * 2
    mean: NDArray[np.float32] = np.asarray(cv2.blur(guide, size), np.float32)
    mean_alpha = cv2.blur(small_alpha, size)
    outer = (guide[..., :, None] * guide[..., None, :]).reshape(*guide.shape[:2], 9)
    products = _blur_channels(outer, size)
    covariance = products.reshape(*guide.shape, 3) - mean[..., :, None] * mean[..., None, :]
    covariance += np.eye(3, dtype=np.float32) * np.float32(1e-4)
    shared = cv2.blur(guide * small_alpha[..., None], size) - mean * mean_alpha[..., None]
    slope = np.linalg.solve(covariance, shared[..., None])[..., 0].astype(np.float32)
    offset = mean_alpha - (slope * mean).sum(axis=2)
    wh = (rgb.shape[1], rgb.shape[0])
    slopes, offsets = (cv2.resize(cv2.blur(part, size), wh) for part in (slope, offset))
    plain = cv2.resize(small_alpha, wh, interpolation=cv2.INTER_LINEAR)
    sharp = np.clip((slopes * (rgb.astype(np.float32) / 255)).sum(axis=2) + offsets, 0, 1)
    wide = cv2.dilate(small_alpha, np.ones((3, 3))), cv2.erode(small_alpha, np.ones((3, 3)))
    soft = (wide[0] > 0.01) & (wide[1] < 0.99)
    band = cv2.resize(soft.astype(np.uint8), wh, interpolation=cv2.INTER_NEAREST) > 0
    return np.where(band, sharp, plain).astype(np.float32)


def _blur_channels(channels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Box means of any number of channels; the filter itself takes four at a time."""
    parts = [cv2.blur(channels[..., i], size) for i in range(channels.shape[2])]
    return np.stack(parts, axis=2)


def estimate_foreground(rgb: Pixels, alpha: Alpha) -> Pixels:
    """The object's own colours, RGB uint8 (h, w, 3): what shines through at the rim is removed.

    Args:
        rgb: (h, w, 3), the object in front of its background.
        alpha: (h, w) in [0, 1].
    """
    image, cover = rgb.astype(np.float32), alpha[..., None]
    foreground, background = image, image
    for side in (max(3, min(91, max(alpha.shape) // 4)), 7):
        mean_front = cv2.blur(foreground * cover, (side, side)) / _above_zero(alpha, side)
        mean_back = cv2.blur(background * (1 - cover), (side, side)) / _above_zero(1 - alpha, side)
        rest = image - cover * mean_front - (1 - cover) * mean_back
        foreground = np.clip(mean_front + cover * rest, 0, 255)
        background = mean_back
    return np.round(foreground).astype(np.uint8)


def _above_zero(alpha: Alpha, side: int) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(alpha, (side, side)), np.float32)[..., None] + np.float32(1e-4)
