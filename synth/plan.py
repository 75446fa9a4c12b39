"""What a scene will show: the plan's value types and their JSON form.

Here: placements, clutter, effects, all with their numbers, so that a plan always renders to the
same image. Not here: drawing a plan from settings (``synth.sample``) or pixels (``synth.render``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synth.effects import EffectStep

__all__ = ["Clutter", "Light", "Placement", "ScenePlan", "Texture", "scene_rng"]


@dataclass(frozen=True, slots=True)
class Light:
    """How an object takes on the light of its place; all zeros and ones change nothing."""

    match_ratio: float = 0.0  # brightness pulled to the surroundings
    tint_ratio: float = 0.0  # colour cast pulled to the surroundings
    haze_ratio: float = 0.0  # surroundings mixed in
    gain: float = 1.0
    contrast: float = 1.0


@dataclass(frozen=True, slots=True)
class Texture:
    """A piece of a photograph whose light and shade lie over an object."""

    background: str
    window_ratio_xyxy: tuple[float, float, float, float]  # the piece, shares of the sides
    depth: float  # 0 changes nothing; log of brightness for each deviation within the piece


@dataclass(frozen=True, slots=True)
class Placement:
    """One cutout in the scene."""

    cutout: str
    center_xy: tuple[float, float]
    long_side_px: float  # of the cutout before it is turned or seen in perspective
    angle_deg: float
    flipped: bool
    opacity_ratio: float
    softness_px: float
    blend: str
    light: Light
    order: int
    corners: tuple[float, ...] = ()  # dx, dy of the four corners inwards, shares of the sides
    texture: Texture | None = None


@dataclass(frozen=True, slots=True)
class Clutter:
    """One drawn hard negative, or a rocket's plume; its shape follows from its seed."""

    kind: str
    center_xy: tuple[float, float]  # of a plume: its nozzle
    size_px: float  # longer side; of a plume: the width of its rocket
    seed: int
    order: int


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """Everything ``render`` needs besides the library; JSON beside the image."""

    background: str
    window_ratio_xyxy: tuple[float, float, float, float]  # what is shown, shares of the sides
    background_flipped: bool
    canvas_wh: tuple[int, int]
    placements: tuple[Placement, ...]
    clutter: tuple[Clutter, ...]
    effects: tuple[EffectStep, ...]
    visible_ratio_min: float
    box_side_px_min: float
    contrast_min: float
    seed: int
    match_noise: bool = True
    match_sharpness: bool = False
    clarity_min: float = 0.0  # older plans have none
    scale: float = 1.0  # of this plan to the one that was drawn; see ``scaled``
    left_out: tuple[int, ...] = ()  # of the painting order, what is not painted; see synth.blends

    def to_dict(self) -> dict[str, Any]:
        """The plan in plain JSON types."""
        # Not dataclasses.asdict: its deep copies take a millisecond of every image.
        return {
            **_fields(self),
            "placements": [
                {
                    **_fields(item),
                    "light": _fields(item.light),
                    "texture": _fields(item.texture) if item.texture else None,
                }
                for item in self.placements
            ],
            "clutter": [_fields(item) for item in self.clutter],
            "effects": [_fields(step) for step in self.effects],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScenePlan:
        """The plan that ``to_dict`` wrote."""
        values = dict(data)
        for key in ("window_ratio_xyxy", "canvas_wh"):
            values[key] = tuple(values[key])
        values["left_out"] = tuple(data.get("left_out", ()))
        values["placements"] = tuple(_placement(row) for row in data["placements"])
        values["clutter"] = tuple(
            Clutter(**{**row, "center_xy": tuple(row["center_xy"])}) for row in data["clutter"]
        )
        values["effects"] = tuple(EffectStep(**row) for row in data["effects"])
        return cls(**values)

    def painting_order(self) -> list[Placement | Clutter]:
        """All that is painted, hindmost first; of one order, objects before clutter."""
        return sorted((*self.placements, *self.clutter), key=lambda item: item.order)

    def with_blend(self, blend: str) -> ScenePlan:
        """The same scene with every object blended in this way."""
        placements = tuple(replace(item, blend=blend) for item in self.placements)
        return replace(self, placements=placements)

    def scaled(self, width_px: int) -> ScenePlan:
        """The same scene in an image of another width: for previews.

        Rounding differs, so a box at the limits of size or visibility, and an object at that of
        clarity, may be in one of them alone.
        """
        ratio = width_px / self.canvas_wh[0]
        return replace(
            self,
            canvas_wh=(width_px, max(1, round(self.canvas_wh[1] * ratio))),
            placements=tuple(
                replace(
                    item,
                    center_xy=(item.center_xy[0] * ratio, item.center_xy[1] * ratio),
                    long_side_px=item.long_side_px * ratio,
                    softness_px=item.softness_px * ratio,
                )
                for item in self.placements
            ),
            clutter=tuple(
                replace(
                    item,
                    center_xy=(item.center_xy[0] * ratio, item.center_xy[1] * ratio),
                    size_px=item.size_px * ratio,
                )
                for item in self.clutter
            ),
            effects=tuple(step.scaled(ratio) for step in self.effects),
            box_side_px_min=self.box_side_px_min * ratio,
            scale=self.scale * ratio,
        )


def _fields(
    item: ScenePlan | Placement | Light | Texture | Clutter | EffectStep,
) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _placement(row: Mapping[str, Any]) -> Placement:
    values = {
        **row,
        "center_xy": tuple(row["center_xy"]),
        "light": Light(**row["light"]),
        "corners": tuple(row.get("corners", ())),
        "texture": _texture(row.get("texture")),
    }
    return Placement(**values)


def _texture(row: Mapping[str, Any] | None) -> Texture | None:
    if row is None:
        return None
    return Texture(**{**row, "window_ratio_xyxy": tuple(row["window_ratio_xyxy"])})


def scene_rng(seed: int, index: int) -> np.random.Generator:
    """The generator of scene ``index``: any scene can be made again alone."""
    return np.random.default_rng([seed, index])
