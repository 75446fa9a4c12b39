"""The named recipes of frame effects, and the allowed range of every number in them.

Here: tables. Not here: applying them (``synth.effects``). "origin-v3" is the recipe of the
pipeline this project grew from, step by step with its probabilities and laws; "origin-v2" is its
heavier one and goes through albumentations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

__all__ = ["PRESETS", "STEP_RANGES", "Choice"]

Range = tuple[float, float]
Law = Literal["uniform", "log", "variance", "integer", "odd"]

_ANY_SEED: Range = (0.0, 2.0**31)

# Allowed range of each parameter of each step; also the complete list of names.
STEP_RANGES: dict[str, dict[str, Range]] = {
    "tone": {
        "gamma": (0.3, 3.0),
        "gain": (0.1, 4.0),  # exposure: above 1 the highlights blow out
        "contrast": (0.2, 2.0),
        "red_gain": (0.5, 1.6),
        "blue_gain": (0.5, 1.6),
        "saturation": (0.0, 2.0),
    },
    "haze": {"ratio": (0.0, 0.9), "level": (80.0, 255.0)},
    "blur": {"sigma_px": (0.1, 4.0)},
    "motion": {"length_px": (2.0, 15.0), "angle_deg": (0.0, 180.0)},
    "noise": {"std": (0.0, 80.0), "color_ratio": (0.0, 1.0), "seed": _ANY_SEED},
    "sharpen": {"sigma_px": (0.3, 3.0), "amount": (0.0, 3.0)},
    "jpeg": {"quality": (5.0, 100.0)},
    "resample": {"ratio": (0.25, 1.0)},  # shrink and enlarge: what a digital zoom loses
    "iso": {"intensity": (0.0, 1.0), "seed": _ANY_SEED},
    "flip": {"axis": (0.0, 2.0)},  # 0 across, 1 upside down, 2 both
    "box_blur": {"side_px": (1.0, 15.0)},
    "median": {"side_px": (1.0, 15.0)},
    "grey": {},
    "clahe": {"clip_limit": (1.0, 20.0)},
    "linear": {"gain": (0.2, 3.0), "offset": (-1.0, 1.0)},
    "gamma": {"gamma": (0.3, 3.0)},
    "origin_detector_v3": {"seed": _ANY_SEED},
    "origin_reranker_v2": {"seed": _ANY_SEED},
    "albumentations": {"seed": _ANY_SEED},
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A step that a preset takes with a probability, its numbers drawn from ranges by laws."""

    name: str
    probability: float
    ranges: Mapping[str, Range] = field(default_factory=dict)
    laws: Mapping[str, Law] = field(default_factory=dict)

    def draw(self, rng: np.random.Generator, key: str) -> float:
        """A value of one parameter: "variance" is uniform in squares, "odd" a whole odd number."""
        low, high = self.ranges[key]
        law = self.laws.get(key, "uniform")
        if law == "integer":
            return float(rng.integers(int(low), int(high) + 1))
        if law == "odd":
            return low + 2.0 * float(rng.integers(int((high - low) / 2) + 1))
        if law == "log":
            value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        elif law == "variance":
            value = float(np.sqrt(rng.uniform(low**2, high**2)))
        else:
            value = float(rng.uniform(low, high))
        return min(max(round(value, 4), low), high)


_SEED: Range = (0.0, 2.0**31 - 1)
_LIGHT_TONE: dict[str, Range] = {
    "gamma": (0.85, 1.2),
    "gain": (0.9, 1.12),
    "contrast": (0.9, 1.1),
    "red_gain": (0.96, 1.04),
    "blue_gain": (0.96, 1.04),
    "saturation": (0.85, 1.15),
}
_PHOTO_TONE: dict[str, Range] = {
    "gamma": (0.65, 1.5),
    "gain": (0.7, 1.35),
    "contrast": (0.8, 1.25),
    "red_gain": (0.88, 1.12),
    "blue_gain": (0.88, 1.12),
    "saturation": (0.6, 1.35),
}
_HEAVY_TONE: dict[str, Range] = {
    "gamma": (0.5, 1.9),
    "gain": (0.5, 1.7),
    "contrast": (0.6, 1.4),
    "red_gain": (0.8, 1.2),
    "blue_gain": (0.8, 1.2),
    "saturation": (0.2, 1.5),
}
_TONE_LAWS: dict[str, Law] = {"gamma": "log", "gain": "log"}

# Steps in the order in which a camera does them.
PRESETS: dict[str, tuple[Choice, ...]] = {
    "none": (),
    "light": (
        Choice("tone", 0.6, _LIGHT_TONE),
        Choice("noise", 0.4, {"std": (1.0, 5.0), "color_ratio": (0.2, 1.0), "seed": _SEED}),
        Choice("jpeg", 0.5, {"quality": (75, 95)}),
    ),
    "photo": (
        Choice("haze", 0.15, {"ratio": (0.05, 0.45), "level": (150, 240)}),
        Choice("resample", 0.12, {"ratio": (0.45, 0.9)}),
        Choice("blur", 0.15, {"sigma_px": (0.3, 1.3)}),
        Choice("motion", 0.05, {"length_px": (2.5, 6), "angle_deg": (0.0, 180.0)}),
        Choice("tone", 0.8, _PHOTO_TONE, _TONE_LAWS),
        Choice(
            "noise",
            0.5,
            {"std": (1.0, 24.0), "color_ratio": (0.0, 1.0), "seed": _SEED},
            {"std": "log"},
        ),
        Choice("noise", 0.08, {"std": (24.0, 50.0), "color_ratio": (0.5, 1.0), "seed": _SEED}),
        Choice("sharpen", 0.25, {"sigma_px": (0.6, 1.6), "amount": (0.3, 1.5)}),
        Choice("jpeg", 0.7, {"quality": (40, 95)}),
    ),
    "heavy": (
        Choice("haze", 0.3, {"ratio": (0.1, 0.6), "level": (140, 245)}),
        Choice("resample", 0.3, {"ratio": (0.3, 0.8)}),
        Choice("blur", 0.3, {"sigma_px": (0.4, 2.2)}),
        Choice("motion", 0.15, {"length_px": (3.0, 10.0), "angle_deg": (0.0, 180.0)}),
        Choice("tone", 0.9, _HEAVY_TONE, _TONE_LAWS),
        Choice("grey", 0.05),
        Choice(
            "noise",
            0.7,
            {"std": (3.0, 50.0), "color_ratio": (0.0, 1.0), "seed": _SEED},
            {"std": "log"},
        ),
        Choice("sharpen", 0.3, {"sigma_px": (0.6, 2.0), "amount": (0.5, 2.5)}),
        Choice("jpeg", 0.85, {"quality": (18, 85)}),
    ),
    # GaussNoise(var_limit=2500), ISONoise, Flip, Blur, MedianBlur, ToGray, CLAHE,
    # RandomBrightnessContrast, RandomGamma, ImageCompression(75): the old version's defaults.
    "origin-v3": (
        Choice(
            "noise",
            0.5,
            {"std": (0.0, 50.0), "color_ratio": (1.0, 1.0), "seed": _SEED},
            {"std": "variance"},
        ),
        Choice("iso", 0.5, {"intensity": (0.1, 0.5), "seed": _SEED}),
        Choice("flip", 0.5, {"axis": (0, 2)}, {"axis": "integer"}),
        Choice("box_blur", 0.1, {"side_px": (3, 7)}, {"side_px": "odd"}),
        Choice("median", 0.1, {"side_px": (3, 7)}, {"side_px": "odd"}),
        Choice("grey", 0.1),
        Choice("clahe", 0.1, {"clip_limit": (1.0, 4.0)}),
        Choice("linear", 0.5, {"gain": (0.8, 1.2), "offset": (-0.2, 0.2)}),
        Choice("gamma", 0.2, {"gamma": (0.8, 1.2)}),
        Choice("jpeg", 0.5, {"quality": (75, 100)}, {"quality": "integer"}),
    ),
    "origin-v2": (Choice("origin_reranker_v2", 1.0, {"seed": _SEED}),),
}
