"""The two augmentation recipes of the pipeline this project grew from, translated exactly.

They were written for albumentations 1.3; version 2 renamed arguments and changed what noise means,
and only warns about old names. Here each is spelt in the new names, with the old noise law kept.
Imported on demand only: albumentations takes seconds to load.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

# Asks the package index for a newer version on import unless told not to.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812 - the name its whole documentation uses
import numpy as np
from numpy.typing import NDArray

__all__ = ["ORIGIN_NAMES", "OldGaussNoise", "apply_origin"]

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]


class OldGaussNoise(A.ImageOnlyTransform):  # type: ignore[misc] # albumentations has no types
    """Gaussian noise whose *variance* is uniform in a range, as before version 2.

    The new ``GaussNoise`` draws the standard deviation uniformly, which is weaker on average for
    the same limits: over variances 0 to 2500 the mean deviation was 33.3 grey levels, not 25.

    Args:
        variance_range: Lowest and highest variance, squared grey levels.
        p: Probability.
    """

    def __init__(self, variance_range: tuple[float, float], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.variance_range = variance_range

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """The noise of one image, float32 of its shape."""
        std = self.py_random.uniform(*self.variance_range) ** 0.5
        shape = data["image"].shape
        return {"noise": self.random_generator.normal(0.0, std, shape).astype(np.float32)}

    def apply(self, img: Image, noise: NDArray[np.float32], **params: Any) -> Image:
        """The image with its noise added and clipped."""
        return np.clip(img.astype(np.float32) + noise, 0, 255).astype(np.uint8)

    def get_transform_init_args_names(self) -> tuple[str, ...]:
        """Names of the constructor's own arguments."""
        return ("variance_range",)


def _old_flip(p: float) -> A.OneOf:
    """The removed ``Flip``: across, upside down or both, each as likely."""
    both = A.Compose([A.HorizontalFlip(p=1), A.VerticalFlip(p=1)])
    return A.OneOf([A.HorizontalFlip(p=1), A.VerticalFlip(p=1), both], p=p)


def _detector_v3() -> list[Any]:
    return [
        OldGaussNoise((0, 2500), p=0.5),
        A.ISONoise(p=0.5),
        _old_flip(p=0.5),
        A.Blur(p=0.1),
        A.MedianBlur(p=0.1),
        A.ToGray(p=0.1),
        A.CLAHE(p=0.1),
        A.RandomBrightnessContrast(p=0.5),
        A.RandomGamma(p=0.2),
        A.ImageCompression(quality_range=(75, 100), p=0.5),
    ]


def _reranker_v2() -> list[Any]:
    # Its first and last steps, resizing and normalising, belong to the network's input.
    return [
        OldGaussNoise((500, 5000), p=1.0),
        A.ISONoise(p=1.0, color_shift=(0.02, 0.07)),
        A.MultiplicativeNoise(p=1.0),
        A.AdvancedBlur(blur_limit=(3, 11), p=0.3),
        _old_flip(p=0.5),
        A.RandomRotate90(p=0.5),
        A.CLAHE(p=0.2),
        A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.5, p=0.5),
        A.RandomGamma(p=0.2),
        A.Perspective(p=0.5),
        A.ImageCompression(quality_range=(25, 75), p=0.8),
    ]


_RECIPES: dict[str, Callable[[], list[Any]]] = {
    "origin_detector_v3": _detector_v3,
    "origin_reranker_v2": _reranker_v2,
}
ORIGIN_NAMES = tuple(_RECIPES)


@lru_cache(maxsize=len(_RECIPES))
def _compose(name: str) -> A.Compose:
    boxes = A.BboxParams(format="pascal_voc", label_fields=["rows"], clip=True)
    with warnings.catch_warnings():
        # An argument that the library does not know must stop us, not pass with a default.
        warnings.simplefilter("error")
        return A.Compose(_RECIPES[name](), bbox_params=boxes)


def apply_origin(
    image: Image, xyxy: Boxes, name: str, seed: int
) -> tuple[Image, Boxes, NDArray[np.int64]]:
    """The image after a recipe, the boxes moved with it, and the rows of those that are left.

    Args:
        image: uint8 (h, w, 3) RGB.
        xyxy: float32 (n, 4), pixels at edges.
        name: One of ``ORIGIN_NAMES``.
        seed: Makes the draw repeatable.
    """
    compose = _compose(name)
    compose.set_random_seed(seed)
    given = np.asarray(xyxy, np.float32).reshape(-1, 4)
    done = compose(image=image, bboxes=given, rows=list(range(len(given))))
    rows = np.array(done["rows"], dtype=np.int64)
    boxes = np.array(done["bboxes"], dtype=np.float32).reshape(-1, 4)
    return np.ascontiguousarray(done["image"]), boxes, rows
