"""The numbers that shape synthetic scenes, with their ranges: one frozen section.

Here: what may be set, in groups, with a default, a range and a line of help each; the presets.
Not here: what is drawn from it (``synth.plan``). The page, the command and the manifest share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from core.config import Section, load
from core.errors import ConfigError, UnknownNameError
from core.registry import suggest
from synth.effects import check_preset, check_transform

__all__ = [
    "BLENDS",
    "GROUPS",
    "EffectChoice",
    "SceneConfig",
    "load_scene_config",
    "scene_preset_names",
]

BLENDS = ("none", "gaussian", "feather", "box", "motion", "poisson")
GROUPS = ("Objects", "Size", "Placement", "Occlusion", "Blending", "Light", "Frame")
PRESETS_PATH = Path(__file__).parent / "presets"

_COUNT_MAX = 100
Side = Annotated[int, Field(ge=32, le=8192)]
Length = Annotated[float, Field(ge=2, le=8192)]
Share = Annotated[float, Field(gt=0, le=1.5)]
Count = Annotated[int, Field(ge=0, le=_COUNT_MAX)]
SizeLaw = Literal["log-uniform px", "frame fraction", "altitude"]


def _knob(default: Any, group: str, description: str, **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"group": group}, **limits)


def _ratio(default: float, group: str, description: str) -> Any:
    return _knob(default, group, description, ge=0.0, le=1.0)


class EffectChoice(Section):
    """One effect of your own over the whole frame, by its name in albumentations."""

    name: str = Field(description="Class name of the transform, for example GaussNoise.")
    probability: float = Field(0.5, ge=0, le=1, description="Share of images that get it.")
    parameters: dict[str, Any] = Field({}, description="Arguments of the transform, except p.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_transform(self.name, self.parameters)
        return self


class SceneConfig(Section):
    """Settings of ``sample_scene``: probabilities per scene or per object, sizes in pixels.

    Example:
        >>> SceneConfig(count_range=(2, 4), effects="none").canvas_wh
        (1520, 870)
    """

    count_range: tuple[Count, Count] = _knob(
        (1, 6),
        "Objects",
        "Fewest and most labelled objects drawn for a scene; each number between equally often.",
    )
    empty_ratio: float = _ratio(
        0.08,
        "Objects",
        "Share of scenes drawn without any labelled object. Those whose objects found no room or "
        "are left out as unclear (clarity_min) are empty, too.",
    )
    count_weights: tuple[float, ...] = _knob(
        (),
        "Objects",
        "How often a scene has 0, 1, 2, ... objects; replaces the range and empty scenes.",
        max_length=_COUNT_MAX + 1,
    )
    formation_ratio: float = _ratio(
        0.1, "Objects", "Share of scenes whose objects are alike in kind and size."
    )
    flip_ratio: float = _ratio(0.5, "Objects", "Share of objects mirrored left to right.")
    rotation_ratio: float = _ratio(0.4, "Objects", "Share of objects that are rotated.")
    rotation_deg_max: float = _knob(
        15.0, "Objects", "Rotation either way, degrees; 180 is the full circle.", ge=0, le=180
    )
    perspective_ratio: float = _ratio(0.15, "Objects", "Share of objects seen in perspective.")
    perspective_max: float = _knob(
        0.15, "Objects", "How far perspective moves a corner, share of the side.", ge=0, le=0.4
    )
    distractor_ratio: float = _ratio(
        0.3, "Objects", "Share of scenes with unlabelled cutouts, such as birds."
    )
    clutter_ratio: float = _ratio(
        0.35, "Objects", "Share of scenes with drawn hard negatives, such as wires and people."
    )
    clutter_count_max: int = _knob(4, "Objects", "Most drawn negatives in a scene.", ge=1, le=20)

    plume_ratio: float = _ratio(
        0.0, "Objects", "Share of upright rockets and space shuttles that rise on fire and smoke."
    )

    size_law: SizeLaw = _knob(
        "log-uniform px",
        "Size",
        "In pixels, each doubling equally often (log-uniform px), also with the small ones higher "
        "up (altitude), or in shares of the frame (frame fraction).",
    )
    size_px_range: tuple[Length, Length] = _knob(
        (18.0, 480.0), "Size", "Longer side of an object in pixels."
    )
    size_ratio_range: tuple[Share, Share] = _knob(
        (0.03, 0.35),
        "Size",
        "Longer side of an object as a share of the frame's width, with frame fraction.",
    )
    full_frame_ratio: float = _ratio(
        0.02, "Size", "Share of scenes with one object about as large as the frame."
    )
    crowded_size_px_max: float = _knob(
        320.0,
        "Size",
        "Longest side of an object where four or more share a scene, in pixels.",
        gt=0,
    )
    box_side_px_min: float = _knob(
        4.0, "Size", "An object whose box is narrower or lower gets none, in pixels.", ge=1, le=1000
    )

    sky_ratio: float = _ratio(
        0.6, "Placement", "Share of objects put in the sky, where the background has any."
    )
    low_contrast_ratio: float = _ratio(
        0.1, "Placement", "Share of objects put where they stand out least."
    )
    truncated_ratio: float = _ratio(0.07, "Placement", "Share of objects cut off by the edge.")
    truncation_max: float = _knob(
        0.45, "Placement", "Largest share of an object that may lie beyond the edge.", ge=0, le=0.95
    )

    overlap_ratio: float = _ratio(
        0.08, "Occlusion", "Share of objects that may cover or be covered by others."
    )
    overlap_iou_max: float = _ratio(
        0.5, "Occlusion", "Most that two such objects overlap (IoU of their boxes)."
    )
    occluder_ratio: float = _ratio(
        0.08, "Occlusion", "Share of objects crossed by something in front, such as a branch."
    )
    visible_ratio_min: float = _ratio(
        0.25, "Occlusion", "An object less visible than this gets no box."
    )
    contrast_min: float = _knob(
        7.0,
        "Occlusion",
        "Grey levels by which an object must differ from what it covers, or it gets no box; where "
        "clarity is asked for, it is left out.",
        ge=0,
        le=255,
    )
    clarity_min: float = _knob(
        2.0,
        "Occlusion",
        "Contrast to noise of an object in the finished image. What is less clear is left out, and "
        "parts that nobody sees widen no box. 0 keeps all; own effects hide none.",
        ge=0,
        le=20,
    )

    blend_weights: dict[str, float] = _knob(
        {"none": 0.25, "gaussian": 0.3, "feather": 0.2, "box": 0.1, "motion": 0.15},
        "Blending",
        "How often each way to blend is used: none, gaussian, feather, box, motion; poisson "
        "changes colors and is off unless set.",
    )
    same_scene_blends: int = _knob(
        1,
        "Blending",
        "Images of each scene, each under another blend, with the same objects.",
        ge=1,
        le=len(BLENDS),
    )
    softness_px_max: float = _knob(1.0, "Blending", "Strongest blur of an object, px.", ge=0, le=5)
    match_sharpness: bool = _knob(
        True, "Blending", "Blur objects to the sharpness of the background."
    )

    match_ratio_max: float = _ratio(
        0.5, "Light", "Strongest pull of an object's light and tint to its surroundings."
    )
    haze_ratio_max: float = _ratio(
        0.35, "Light", "Strongest mix of the surroundings into an object."
    )
    silhouette_ratio: float = _ratio(
        0.0, "Light", "Share of objects seen against the light; their colors are then lost."
    )
    texture_ratio: float = _ratio(
        0.0,
        "Light",
        "Share of objects with light and shade of the background over them, like dirt and doors: "
        "renders are smoother than real things.",
    )
    texture_max: float = _knob(
        0.5, "Light", "How strong that light and shade may be; colors keep their hue.", ge=0, le=2
    )
    vary_light: bool = _knob(
        True, "Light", "Vary brightness, contrast and opacity of some objects."
    )
    match_noise: bool = _knob(True, "Light", "Give objects the noise of the background.")

    canvas_wh: tuple[Side, Side] = _knob(
        (1520, 870), "Frame", "Width and height of an image in pixels."
    )
    window_ratio_min: float = _knob(
        0.7,
        "Frame",
        "Smallest part of a background that is shown; 1 is the largest that has the frame's shape.",
        ge=0.05,
        le=1,
    )
    effects: str = _knob(
        "photo",
        "Frame",
        "What a camera does to the frame: none, light, photo, heavy; origin-v3 and origin-v2 as in "
        "TIL-24, the competition that Spotter began with.",
    )
    effects_steps: tuple[EffectChoice, ...] = _knob(
        (), "Frame", "Effects of your own after these, by their names in albumentations."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("count_range", "size_px_range", "size_ratio_range"):
            low, high = getattr(self, key)
            if low > high:
                raise ConfigError(f"{key} must be low <= high, got {low:g}, {high:g}.")
        weights = self.count_weights
        if weights and (min(weights) < 0 or not 0 < sum(weights) < float("inf")):
            raise ConfigError(
                f"count_weights must be non-negative with a positive sum, got {list(weights)}.",
                "For example [0, 3, 1]: no empty scene, and one object thrice as often as two.",
            )
        self._check_blends()
        check_preset(self.effects)
        return self

    def _check_blends(self) -> None:
        for name in self.blend_weights:
            if name not in BLENDS:
                near = suggest(name, BLENDS)
                raise ConfigError(
                    f"blend_weights must name some of {', '.join(BLENDS)}, got {name!r}.{near}"
                )
        weights = self.blend_weights.values()
        if min(weights, default=-1.0) < 0 or not 0 < sum(weights) < float("inf"):
            raise ConfigError(
                f"blend_weights must be non-negative with a positive sum, got {self.blend_weights}."
            )
        usable = sum(weight > 0 for weight in weights)
        if self.same_scene_blends > usable:
            raise ConfigError(
                f"same_scene_blends is {self.same_scene_blends}, but blend_weights has only "
                f"{usable} above 0.",
                "Weigh more blends, or ask for fewer images of a scene.",
            )


def scene_preset_names() -> list[str]:
    """The names of the presets, "default" first, then sorted."""
    names = sorted(path.stem for path in PRESETS_PATH.glob("*.toml"))
    return ["default", *(name for name in names if name != "default")]


def load_scene_config(
    preset: str | None = None, *, file: Path | None = None, sets: Sequence[str] = ()
) -> SceneConfig:
    """The settings: defaults < preset < file < pairs.

    Args:
        preset: A name from ``scene_preset_names``; None is "default".
        file: The user's TOML file.
        sets: Pairs such as "empty_ratio=0.2".

    Raises:
        ConfigError: A key is unknown or a value not allowed; the message names the nearest.
        UnknownNameError: There is no such preset.
        DataError: The file cannot be read.

    Example:
        >>> load_scene_config("origin-v3", sets=["canvas_wh=[640, 366]"]).effects
        'origin-v3'
    """
    names, name = scene_preset_names(), preset or "default"
    if name not in names:
        raise UnknownNameError(
            f"unknown preset '{name}'.{suggest(name, names)}", f"Known: {', '.join(names)}."
        )
    return load(SceneConfig, preset=PRESETS_PATH / f"{name}.toml", file=file, sets=sets)
