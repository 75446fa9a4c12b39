"""The numbers that shape synthetic scenes, with their ranges: one frozen section.

Here: what may be set. Not here: what is drawn from it (``synth.plan``).
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from core.config import Section
from core.errors import ConfigError
from synth.effects import check_preset

__all__ = ["BLENDS", "SceneConfig"]

BLENDS = ("none", "gaussian", "feather", "motion", "poisson")


def _ratio(default: float, description: str) -> float:
    return Field(default, ge=0.0, le=1.0, description=description)  # type: ignore[no-any-return]


class SceneConfig(Section):
    """Settings of ``sample_scene``: probabilities per scene or per object, sizes in pixels."""

    canvas_wh: tuple[int, int] = Field((640, 366), description="Width and height of a scene, px.")
    window_ratio_min: float = Field(
        0.42, gt=0.05, le=1, description="Smallest share of a background's sides that is shown."
    )
    count_weights: tuple[float, ...] = Field(
        (0.08, 0.17, 0.19, 0.18, 0.14, 0.10, 0.07, 0.04, 0.03),
        min_length=1,
        description="Relative frequency of 0, 1, 2, ... labelled objects.",
    )
    size_px_range: tuple[float, float] = Field(
        (11.0, 400.0), description="Longer side of an object, log-uniform, px."
    )
    full_frame_ratio: float = _ratio(0.03, "Share of scenes with one object about as large as it.")
    crowded_size_px_max: float = Field(
        170.0, gt=0, description="Longer side where four or more objects share a scene, px."
    )
    formation_ratio: float = _ratio(0.10, "Share of scenes whose objects are alike in kind, size.")
    rotation_deg_max: float = Field(
        12.0, ge=0, le=180, description="Extra rotation either way, degrees; poses are in renders."
    )
    rotation_ratio: float = _ratio(0.4, "Share of objects with extra rotation.")
    flip_ratio: float = _ratio(0.5, "Share of objects mirrored left to right.")
    truncated_ratio: float = _ratio(0.07, "Share of objects placed across the border.")
    overlap_ratio: float = _ratio(0.08, "Share of objects that may cover or be covered.")
    occluder_ratio: float = _ratio(0.08, "Share of objects crossed by something in front.")
    visible_ratio_min: float = _ratio(0.2, "An object less visible than this gets no box.")
    box_side_px_min: float = Field(3.0, ge=1, description="Boxes with a shorter side are dropped.")
    contrast_min: float = Field(
        7.0, ge=0, le=255, description="Objects nearer to what they cover get no box, grey levels."
    )
    distractor_ratio: float = _ratio(0.3, "Share of scenes with unlabelled cutouts (birds...).")
    clutter_ratio: float = _ratio(0.55, "Share of scenes with drawn hard negatives.")
    clutter_count_max: int = Field(4, ge=1, le=20, description="Most drawn negatives in a scene.")
    low_contrast_ratio: float = _ratio(0.12, "Share of objects put where they stand out least.")
    silhouette_ratio: float = _ratio(
        0.0, "Share of objects seen against the light, nearly black; their colours are then lost."
    )
    match_ratio_max: float = _ratio(0.5, "Strongest pull of an object's light to its surroundings.")
    haze_ratio_max: float = _ratio(0.35, "Strongest mix of the surroundings into an object.")
    softness_px_max: float = Field(0.9, ge=0, le=5, description="Strongest blur of an object, px.")
    blend_weights: dict[str, float] = Field(
        {"none": 0.3, "gaussian": 0.3, "feather": 0.25, "motion": 0.15},
        description="Relative frequency of each way to blend; poisson changes colours, so opt in.",
    )
    effects: str = Field("photo", description="Preset of whole-frame effects.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.size_px_range
        if not 2 <= low <= high:
            raise ConfigError(f"size_px_range must be 2 <= low <= high, got {low:g}, {high:g}.")
        if min(self.canvas_wh) < 32:
            raise ConfigError(f"canvas_wh must be at least 32 px a side, got {self.canvas_wh}.")
        unknown = set(self.blend_weights) - set(BLENDS)
        if unknown or sum(self.blend_weights.values()) <= 0:
            raise ConfigError(
                f"blend_weights must name some of {', '.join(BLENDS)} with a positive sum, "
                f"got {self.blend_weights}."
            )
        if min(self.count_weights) < 0 or sum(self.count_weights) <= 0:
            raise ConfigError("count_weights must be non-negative with a positive sum.")
        check_preset(self.effects)
        return self
