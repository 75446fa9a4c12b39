"""Upscaling crops one by one in PyTorch, padded by reflection: the reference's second stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from core.types import Crops, Image
from training.compact import Compact

__all__ = ["PADDING_PX", "OneByOneUpscaler", "load_compact"]

PADDING_PX = 10


class OneByOneUpscaler:
    """Each crop alone, padded by reflection, as Real-ESRGAN's own code does."""

    def __init__(self, module: nn.Module, *, below_px: int) -> None:
        self._module = module
        self._below_px = below_px

    def __call__(self, crops: Sequence[Crops]) -> list[Crops]:
        """Return the same crops, small ones four times larger."""
        return [self._enlarge(one) for one in crops]

    def _enlarge(self, one: Crops) -> Crops:
        small = [max(image.shape[:2]) < self._below_px for image in one.images]
        images = tuple(
            self._run(image) if is_small else image
            for image, is_small in zip(one.images, small, strict=True)
        )
        return replace(one, images=images, scale=one.scale * np.where(small, 4, 1))

    @torch.inference_mode()
    def _run(self, image: Image) -> Image:
        tensor = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        # Reflection needs more pixels than it pads.
        padding = min(PADDING_PX, *(side - 1 for side in image.shape[:2]))
        padded = nn.functional.pad(tensor, (padding,) * 4, mode="reflect")
        output = self._module(padded).clamp(0, 1)[0]
        height, width = image.shape[:2]
        start = 4 * padding
        inner = output[:, start : start + 4 * height, start : start + 4 * width]
        array: NDArray[np.uint8] = (inner * 255).round().byte().permute(1, 2, 0).numpy()
        return np.ascontiguousarray(array)


def load_compact(path: Path) -> nn.Module:
    """Return the upscaling network in a safetensors file; its shape follows from its weights."""
    weights = load_file(path)
    # First layer, inner layers, last layer.
    num_layers = sum(value.ndim == 4 for value in weights.values())
    module = Compact(features=len(weights["body.0.weight"]), convolutions=num_layers - 2)
    module.load_state_dict(weights)
    return module.eval()
