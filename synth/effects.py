"""What a camera does to a whole frame: tone, haze, blur, noise, sharpening, compression.

Here: steps as data (name and numbers, all in range or refused), the presets that draw them, and
their fast application. Not here: the origin's two recipes (``synth.origin``, reached by name).
In: RGB image and boxes. Out: new image and boxes, moved together.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ConfigError

__all__ = ["PRESET_NAMES", "EffectStep", "apply_effects", "check_preset", "sample_effects"]

Range = tuple[float, float]
Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

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
    "noise": {"std": (0.0, 80.0), "color_ratio": (0.0, 1.0), "seed": (0.0, 2.0**31)},
    "sharpen": {"sigma_px": (0.3, 3.0), "amount": (0.0, 3.0)},
    "jpeg": {"quality": (5.0, 100.0)},
    "resample": {"ratio": (0.25, 1.0)},  # shrink and enlarge: what a digital zoom loses
    "origin_detector_v3": {"seed": (0.0, 2.0**31)},
    "origin_reranker_v2": {"seed": (0.0, 2.0**31)},
}


@dataclass(frozen=True, slots=True)
class EffectStep:
    """One effect with its numbers.

    Args:
        name: A key of the table of steps.
        parameters: Every parameter of that step, each within its range.

    Raises:
        ConfigError: Unknown name or parameter, a missing one, or a value out of range.

    Example:
        >>> EffectStep("jpeg", {"quality": 60}).name
        'jpeg'
    """

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class _Choice:
    """A step that a preset takes with a probability, its numbers drawn from ranges."""

    name: str
    probability: float
    ranges: Mapping[str, Range]
    log_keys: tuple[str, ...] = ()


_SEED: Range = (0.0, 2.0**31 - 1)
# Steps in the order in which a camera does them.
_PRESETS: dict[str, tuple[_Choice, ...]] = {
    "none": (),
    "light": (
        _Choice(
            "tone",
            0.6,
            {
                "gamma": (0.85, 1.2),
                "gain": (0.9, 1.12),
                "contrast": (0.9, 1.1),
                "red_gain": (0.96, 1.04),
                "blue_gain": (0.96, 1.04),
                "saturation": (0.85, 1.15),
            },
        ),
        _Choice("noise", 0.4, {"std": (1.0, 5.0), "color_ratio": (0.2, 1.0), "seed": _SEED}),
        _Choice("jpeg", 0.5, {"quality": (75, 95)}),
    ),
    "photo": (
        _Choice("haze", 0.15, {"ratio": (0.05, 0.45), "level": (150, 240)}),
        _Choice("resample", 0.12, {"ratio": (0.45, 0.9)}),
        _Choice("blur", 0.15, {"sigma_px": (0.3, 1.3)}),
        _Choice("motion", 0.05, {"length_px": (2.5, 6), "angle_deg": (0.0, 180.0)}),
        _Choice(
            "tone",
            0.8,
            {
                "gamma": (0.65, 1.5),
                "gain": (0.7, 1.35),
                "contrast": (0.8, 1.25),
                "red_gain": (0.88, 1.12),
                "blue_gain": (0.88, 1.12),
                "saturation": (0.6, 1.35),
            },
            ("gamma", "gain"),
        ),
        _Choice(
            "noise", 0.5, {"std": (1.0, 24.0), "color_ratio": (0.0, 1.0), "seed": _SEED}, ("std",)
        ),
        _Choice("noise", 0.08, {"std": (24.0, 50.0), "color_ratio": (0.5, 1.0), "seed": _SEED}),
        _Choice("sharpen", 0.25, {"sigma_px": (0.6, 1.6), "amount": (0.3, 1.5)}),
        _Choice("jpeg", 0.7, {"quality": (40, 95)}),
    ),
    "origin_detector_v3": (_Choice("origin_detector_v3", 1.0, {"seed": _SEED}),),
    "origin_reranker_v2": (_Choice("origin_reranker_v2", 1.0, {"seed": _SEED}),),
}
PRESET_NAMES = tuple(_PRESETS)


def check_preset(name: str) -> str:
    """The name itself, if it is a preset's.

    Raises:
        ConfigError: It is not; the message suggests the nearest.
    """
    if name not in _PRESETS:
        raise ConfigError(_unknown("effects preset", name, _PRESETS))
    return name


def sample_effects(rng: np.random.Generator, preset: str) -> tuple[EffectStep, ...]:
    """The steps of one frame, drawn from a preset with all their numbers.

    Args:
        rng: The frame's own generator.
        preset: "none", "light", "photo", "origin_detector_v3" or "origin_reranker_v2".

    Raises:
        ConfigError: Unknown preset.
    """
    steps = []
    for choice in _PRESETS[check_preset(preset)]:
        if rng.random() < choice.probability:
            values = {}
            for key, (low, high) in choice.ranges.items():
                if key in choice.log_keys:
                    value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
                else:
                    value = float(rng.uniform(low, high))
                values[key] = min(max(round(value, 4), low), high)
            steps.append(EffectStep(choice.name, values))
    return tuple(steps)


def apply_effects(
    image: Image, xyxy: Boxes, steps: Sequence[EffectStep]
) -> tuple[Image, Boxes, NDArray[np.int64]]:
    """The image after all steps, its boxes, and the rows of the boxes that are still in it.

    Args:
        image: uint8 (h, w, 3) RGB.
        xyxy: float32 (n, 4) boxes in pixels of the image.
        steps: In order of application.

    Returns:
        A new image (another size only after a step that rotates by 90 degrees), float32 (m, 4)
        boxes, and int64 (m,) rows of the given boxes.
    """
    rows = np.arange(len(xyxy), dtype=np.int64)
    image, boxes = image.copy(), np.array(xyxy, dtype=np.float32).reshape(-1, 4)
    for step in steps:
        if step.name.startswith("origin_"):
            # Albumentations takes seconds to import, so only these two recipes pay for it.
            from synth.origin import apply_origin

            image, boxes, kept = apply_origin(image, boxes, step.name, int(step.parameters["seed"]))
            rows = rows[kept]
        else:
            image = _APPLY[step.name](image, **step.parameters)
    return image, boxes, rows


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
    rng = np.random.default_rng(int(seed))
    height, width = image.shape[:2]
    table = _normal_table()

    def draw(shape: tuple[int, ...], scale: float) -> NDArray[np.int16]:
        raw = np.frombuffer(rng.bytes(int(np.prod(shape))), np.uint8).reshape(shape)
        steps = np.round(table * scale * 8).astype(np.int16)
        return np.asarray(cv2.LUT(raw, steps), dtype=np.int16)

    total = draw((height, width, 3), std * color_ratio).astype(np.int16)
    luma_std = std * float(np.sqrt(max(0.0, 1.0 - color_ratio**2)))
    if luma_std > 0.3:
        luma = draw((height, width), luma_std).reshape(height, width)
        total = total + luma[..., None]
    sum_eighths = (image.astype(np.int16) << 3) + total + 4
    return np.clip(sum_eighths >> 3, 0, 255).astype(np.uint8)


def _apply_sharpen(image: Image, *, sigma_px: float, amount: float) -> Image:
    soft = cv2.GaussianBlur(image, (0, 0), sigma_px)
    return _pixels(cv2.addWeighted(image, 1.0 + amount, soft, -amount, 0.0))


def _apply_jpeg(image: Image, *, quality: float) -> Image:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None, "what was just encoded can be decoded"
    return _pixels(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def _apply_resample(image: Image, *, ratio: float) -> Image:
    height, width = image.shape[:2]
    small_wh = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA)
    return _pixels(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


_APPLY: dict[str, Callable[..., Image]] = {
    "tone": _apply_tone,
    "haze": _apply_haze,
    "blur": _apply_blur,
    "motion": _apply_motion,
    "noise": _apply_noise,
    "sharpen": _apply_sharpen,
    "jpeg": _apply_jpeg,
    "resample": _apply_resample,
}


def _unknown(what: str, name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"unknown {what} '{name}'.{hint} Known: {', '.join(known)}."
