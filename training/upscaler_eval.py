"""How much better than interpolation the upscaler is: PSNR on pictures it has not learned from.

In: a network and photographs. Out: mean decibels by level of damage, beside bicubic and Lanczos.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import torch

from training.compact import Compact
from training.degrade import LEVELS, degrade
from training.patches import iterate_patches

__all__ = ["measure_psnr"]


def measure_psnr(
    net: Compact, paths: list[Path], *, patches_per_level: int = 120, seed: int = 7
) -> dict[str, float]:
    """Return mean PSNR in dB of the network, bicubic and Lanczos, for each level of damage.

    Args:
        net: on the CPU.
        paths: pictures the network has not learned from.
        patches_per_level: how many 256x256 patches to measure at each level.
        seed: same seed, same patches, same damage.

    Returns:
        "clean_network_db", "clean_bicubic_db", "clean_lanczos_db", and so on for mild and full.
    """
    net.eval()
    figures = {}
    for level in LEVELS:
        rng = np.random.default_rng(seed)
        patches = iterate_patches(paths, side_px=256, rng=rng)
        rows = []
        for _ in range(patches_per_level):
            large = next(patches)
            small = degrade(large, level, rng=rng, scale=net.scale)
            enlarged = _enlarged(net, small)
            side = (large.shape[1], large.shape[0])
            bicubic = cv2.resize(small, side, interpolation=cv2.INTER_CUBIC)
            lanczos = cv2.resize(small, side, interpolation=cv2.INTER_LANCZOS4)
            rows.append(
                [_psnr(np.rint(np.clip(p, 0, 255)), large) for p in (enlarged, bicubic, lanczos)]
            )
        means = np.mean(rows, axis=0)
        for name, value in zip(("network", "bicubic", "lanczos"), means, strict=True):
            figures[f"{level}_{name}_db"] = round(float(value), 2)
    return figures


def _enlarged(net: Compact, small: np.ndarray) -> np.ndarray:
    pixels = torch.from_numpy(small.transpose(2, 0, 1).astype(np.float32) / 255)
    with torch.no_grad():
        return net(pixels[None])[0].permute(1, 2, 0).numpy() * 255


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    # Capped at 61 dB, so that one flat patch cannot rule the mean.
    return 10 * math.log10(255.0**2 / max(error, 0.05))
