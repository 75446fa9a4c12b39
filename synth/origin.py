"""Effects through albumentations: transforms by name, and the origin's two recipes, translated.

The recipes were written for albumentations 1.3; version 2 renamed arguments and changed what noise
means, and only warns about old names. Here each is spelt in the new names, with the old noise law
kept. Imported on demand only: albumentations takes seconds to load.
"""

from __future__ import annotations

import inspect
import json
import os
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import get_ident
from typing import Any

# Asks the package index for a newer version on import unless told not to.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812 - the name its whole documentation uses
import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.registry import suggest
from synth.outlines import Marks, clip_marks

__all__ = ["ORIGIN_NAMES", "OldGaussNoise", "apply_recipe", "apply_transform", "make_transform"]

Image = NDArray[np.uint8]
_TRIAL_POINTS = np.array([(x, y) for x in (40, 256, 470) for y in (40, 256, 470)], np.float32)
_ABSTRACT = ("BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D", "NoOp")


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


def make_transform(name: str, arguments: Mapping[str, Any]) -> A.BasicTransform:
    """The transform of albumentations of that name, always applied.

    Raises:
        ConfigError: Name or argument unknown, a value refused, or boxes could not follow it.
    """
    found = getattr(A, name, None)
    if not (isinstance(found, type) and issubclass(found, A.BasicTransform)) or name in _ABSTRACT:
        raise ConfigError(
            f"albumentations {A.__version__} has no transform '{name}'."
            f"{suggest(name, _transform_names())}"
        )
    known = [key for key in inspect.signature(found).parameters if key != "p"]
    for key in arguments:
        if key not in known:
            raise ConfigError(
                f"{name} has no argument '{key}'.{suggest(key, known)} Known: {', '.join(known)}."
            )
    values = {key: _as_tuple(value) for key, value in arguments.items()}
    if "keypoint_remapping_method" in known:
        # The other way draws each point into an image, and loses some.
        values["keypoint_remapping_method"] = "direct"
    try:
        with warnings.catch_warnings():
            # An argument that the library does not know must stop us, not pass with a default.
            warnings.simplefilter("error")
            transform = found(**values, p=1.0)
    except (ValueError, TypeError, Warning) as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"{name} refuses {dict(arguments)}: {reason}") from error
    if isinstance(transform, A.DualTransform) and "keypoints" not in transform.targets:
        raise ConfigError(f"{name} moves pixels, but cannot move boxes with them.")
    _try_transform(transform, name)
    return transform


def _try_transform(transform: A.BasicTransform, name: str) -> None:
    """Raises ConfigError where the result would not be an ordinary image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compose = A.Compose([transform], keypoint_params=_points(), seed=0)
            done = compose(image=np.zeros((512, 512, 3), np.uint8), keypoints=_TRIAL_POINTS)
            after = done["image"]
    except Exception as error:  # the library raises whatever its authors thought of
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"{name} cannot be applied to an image alone: {reason}") from error
    if after.dtype != np.uint8 or after.ndim != 3 or after.shape[2] != 3:
        raise ConfigError(
            f"{name} turns an image into {after.dtype} of shape {after.shape}.",
            "Use effects that keep 8 bits and three channels.",
        )
    if len(done["keypoints"]) != len(_TRIAL_POINTS):
        raise ConfigError(f"{name} loses track of points, so boxes could not follow it.")


def _as_tuple(value: Any) -> Any:
    # TOML and JSON know lists alone, the library wants tuples.
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


def _transform_names() -> list[str]:
    return [
        name
        for name, found in vars(A).items()
        if isinstance(found, type) and issubclass(found, A.BasicTransform) and name not in _ABSTRACT
    ]


def apply_recipe(
    image: Image, marks: Marks, name: str, seed: int
) -> tuple[Image, Marks, NDArray[np.int64]]:
    """The image after a recipe, the marks moved with it, and the rows of those that are left.

    Args:
        image: uint8 (h, w, 3) RGB.
        marks: Boxes and outlines, pixels at edges.
        name: One of ``ORIGIN_NAMES``.
        seed: Makes the draw repeatable.
    """
    return _apply(_compose(name, get_ident()), image, marks, seed)


def apply_transform(
    image: Image, marks: Marks, name: str, arguments: Mapping[str, Any], seed: int
) -> tuple[Image, Marks, NDArray[np.int64]]:
    """The same with one transform of the library; see ``make_transform`` for its errors."""
    told = json.dumps(dict(arguments), sort_keys=True)
    return _apply(_single(name, told, get_ident()), image, marks, seed)


# One for each thread: between its seed and its draws nobody else may draw.
@lru_cache(maxsize=64)
def _compose(name: str, thread: int) -> A.Compose:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return A.Compose(_RECIPES[name](), keypoint_params=_points())


@lru_cache(maxsize=64)
def _single(name: str, arguments: str, thread: int) -> A.Compose:
    return A.Compose([make_transform(name, json.loads(arguments))], keypoint_params=_points())


def _points() -> A.KeypointParams:
    return A.KeypointParams(format="xy", remove_invisible=False)


def _apply(
    compose: A.Compose, image: Image, marks: Marks, seed: int
) -> tuple[Image, Marks, NDArray[np.int64]]:
    """Move the points of outlines, not boxes: a box of moved corners would be too wide."""
    compose.set_random_seed(seed)
    outlines = [
        row or (_corners(box),) for row, box in zip(marks.outlines, marks.xyxy, strict=True)
    ]
    parts = [part for row in outlines for part in row]
    flat = np.concatenate([*parts, np.zeros((0, 2), np.float32)])
    # The library's points are pixels' centres, ours lie between pixels.
    done = compose(image=image, keypoints=flat - 0.5)
    moved = np.array(done["keypoints"], np.float32).reshape(-1, 2) + 0.5
    assert len(moved) == len(flat), "no point is left out"
    pieces = iter(np.split(moved, np.cumsum([len(part) for part in parts])[:-1]) if parts else ())
    regrouped = [tuple(next(pieces) for _ in row) for row in outlines]
    after = np.ascontiguousarray(done["image"])
    clipped, rows = clip_marks(regrouped, marks.inside_ratio, (after.shape[1], after.shape[0]))
    if not any(marks.outlines):
        clipped = Marks(clipped.xyxy, tuple(() for _ in rows), clipped.inside_ratio)
    return after, clipped, rows


def _corners(box: NDArray[np.float32]) -> NDArray[np.float32]:
    x1, y1, x2, y2 = box
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float32)
