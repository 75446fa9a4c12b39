"""What a camera does to a whole frame: tone, haze, blur, noise, sharpening, compression.

Here: steps as data (name and numbers, all in range or refused), and drawing and applying them in
order. Not here: the presets (``synth.effect_presets``), the pixel work (``synth.effect_filters``),
and what needs albumentations (``synth.origin``). Boxes and outlines follow where pixels move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.registry import suggest
from synth.effect_filters import FILTERS
from synth.effect_presets import PRESETS, STEP_RANGES
from synth.outlines import Marks, flip_marks

__all__ = [
    "PRESET_NAMES",
    "EffectStep",
    "apply_effects",
    "check_preset",
    "check_transform",
    "moves_pixels",
    "sample_effects",
    "sample_transform",
]

Image = NDArray[np.uint8]
PRESET_NAMES = tuple(PRESETS)
_SEEDS = 2**31
# Steps that need albumentations, which takes seconds to import: only those who ask pay for it.
_RECIPES = ("origin_detector_v3", "origin_reranker_v2")


@dataclass(frozen=True, slots=True)
class EffectStep:
    """One effect with its numbers.

    Args:
        name: A key of the table of steps; "albumentations" applies ``transform``.
        parameters: Every parameter of that step, each within its range.
        transform: Name of a transform of albumentations, for the step of that name alone.
        arguments: Its arguments, except p.

    Raises:
        ConfigError: Unknown name or parameter, a missing one, or a value out of range.

    Example:
        >>> EffectStep("jpeg", {"quality": 60}).name
        'jpeg'
    """

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    transform: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in STEP_RANGES:
            raise ConfigError(_unknown("effect", self.name, STEP_RANGES))
        ranges = STEP_RANGES[self.name]
        for key in self.parameters:
            if key not in ranges:
                raise ConfigError(_unknown(f"parameter of effect '{self.name}'", key, ranges))
        for key, (low, high) in ranges.items():
            if key not in self.parameters:
                raise ConfigError(f"effect '{self.name}' needs the parameter '{key}'.")
            if not low <= self.parameters[key] <= high:
                raise ConfigError(
                    f"effect '{self.name}': {key} must be in [{low:g}, {high:g}], "
                    f"got {self.parameters[key]:g}."
                )

    def scaled(self, ratio: float) -> EffectStep:
        """The step as it looks in a smaller image.

        What is measured in pixels shrinks with it, and so does noise, which shrinking averages.
        """
        ranges = STEP_RANGES[self.name]
        values = dict(self.parameters)
        for key in ("sigma_px", "length_px", "std"):
            if key in values:
                low, high = ranges[key]
                values[key] = min(max(values[key] * ratio, low), high)
        if "side_px" in values:  # filters have odd sides
            values["side_px"] = 2.0 * round((values["side_px"] * ratio - 1) / 2) + 1
        return EffectStep(self.name, values, self.transform, self.arguments)


def check_preset(name: str) -> str:
    """The name itself, if it is a preset's.

    Raises:
        ConfigError: It is not; the message suggests the nearest.
    """
    if name not in PRESETS:
        raise ConfigError(_unknown("effects preset", name, PRESETS))
    return name


def check_transform(name: str, arguments: Mapping[str, Any]) -> None:
    """Return nothing if albumentations can apply this transform and boxes can follow it.

    Raises:
        ConfigError: The name or an argument is unknown, or a value is not allowed.
        MissingPackageError: Albumentations is not installed.
    """
    from synth.origin import make_transform

    make_transform(name, arguments)


def sample_effects(rng: np.random.Generator, preset: str) -> tuple[EffectStep, ...]:
    """The steps of one frame, drawn from a preset with all their numbers.

    Args:
        rng: The frame's own generator.
        preset: One of ``PRESET_NAMES``.

    Raises:
        ConfigError: Unknown preset.
    """
    steps = []
    for choice in PRESETS[check_preset(preset)]:
        if rng.random() < choice.probability:
            values = {key: choice.draw(rng, key) for key in choice.ranges}
            steps.append(EffectStep(choice.name, values))
    return tuple(steps)


def sample_transform(
    rng: np.random.Generator, name: str, probability: float, arguments: Mapping[str, Any]
) -> tuple[EffectStep, ...]:
    """The step of a transform of albumentations, or nothing, drawn with its probability."""
    drawn, seed = rng.random() < probability, int(rng.integers(_SEEDS))
    step = EffectStep("albumentations", {"seed": seed}, name, dict(arguments))
    return (step,) if drawn else ()


def moves_pixels(steps: Sequence[EffectStep]) -> bool:
    """Whether some step may move pixels, so that outlines are needed to move boxes tightly."""
    return any(step.name in (*_RECIPES, "albumentations") for step in steps)


def apply_effects(
    image: Image, marks: Marks, steps: Sequence[EffectStep]
) -> tuple[Image, Marks, NDArray[np.int64]]:
    """The image after all steps, its marks moved along, and the rows of those still in it.

    Args:
        image: uint8 (h, w, 3) RGB.
        marks: Boxes and outlines in pixels of the image.
        steps: In order of application.

    Returns:
        A new image (another size only after a step that turns or crops it), the marks that are
        left, and int64 rows of the given ones.
    """
    rows = np.arange(len(marks), dtype=np.int64)
    given = image
    for step in steps:
        if step.name == "flip":
            image, marks = flip_marks(image, marks, int(step.parameters["axis"]))
        elif step.name in FILTERS:
            image = FILTERS[step.name](image, **step.parameters)
        else:
            from synth.origin import apply_recipe, apply_transform

            seed = int(step.parameters["seed"])
            if step.name in _RECIPES:
                image, marks, kept = apply_recipe(image, marks, step.name, seed)
            else:
                image, marks, kept = apply_transform(
                    image, marks, step.transform, step.arguments, seed
                )
            rows = rows[kept]
    return image.copy() if image is given else image, marks, rows


def _unknown(what: str, name: str, known: Mapping[str, object]) -> str:
    return f"unknown {what} '{name}'.{suggest(name, known)} Known: {', '.join(known)}."
