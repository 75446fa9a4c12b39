"""What a scene will show, decided before any pixel is drawn.

Here: the plan's value types, their JSON form, and ``sample_scene``. Not here: pixels, apart from a
thumbnail's colours that tell where an object stands out least (``synth.render`` draws).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synth.clutter import FRONT_KINDS, KINDS
from synth.config import SceneConfig
from synth.effects import EffectStep, sample_effects
from synth.library import Background, Cutout, Library

__all__ = ["Clutter", "Light", "Placement", "ScenePlan", "sample_scene", "scene_rng"]

_TRIES = 12


@dataclass(frozen=True, slots=True)
class Light:
    """How an object takes on the light of its place; all zeros and ones change nothing."""

    match_ratio: float = 0.0  # brightness pulled to the surroundings
    tint_ratio: float = 0.0  # colour cast pulled to the surroundings
    haze_ratio: float = 0.0  # surroundings mixed in
    gain: float = 1.0
    contrast: float = 1.0


@dataclass(frozen=True, slots=True)
class Placement:
    """One cutout in the scene."""

    cutout: str
    center_xy: tuple[float, float]
    long_side_px: float
    angle_deg: float
    flipped: bool
    opacity_ratio: float
    softness_px: float
    blend: str
    light: Light
    order: int


@dataclass(frozen=True, slots=True)
class Clutter:
    """One drawn hard negative; its shape follows from its seed."""

    kind: str
    center_xy: tuple[float, float]
    size_px: float
    seed: int
    order: int


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """Everything ``render`` needs besides the library; JSON beside the image."""

    background: str
    window_ratio_xyxy: tuple[float, float, float, float]
    background_flipped: bool
    canvas_wh: tuple[int, int]
    placements: tuple[Placement, ...]
    clutter: tuple[Clutter, ...]
    effects: tuple[EffectStep, ...]
    visible_ratio_min: float
    box_side_px_min: float
    contrast_min: float
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The plan in plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScenePlan:
        """The plan that ``to_dict`` wrote."""
        values = dict(data)
        for key in ("window_ratio_xyxy", "canvas_wh"):
            values[key] = tuple(values[key])
        values["placements"] = tuple(_placement(row) for row in data["placements"])
        values["clutter"] = tuple(
            Clutter(**{**row, "center_xy": tuple(row["center_xy"])}) for row in data["clutter"]
        )
        values["effects"] = tuple(EffectStep(**row) for row in data["effects"])
        return cls(**values)


def _placement(row: Mapping[str, Any]) -> Placement:
    values = {**row, "center_xy": tuple(row["center_xy"]), "light": Light(**row["light"])}
    return Placement(**values)


def scene_rng(seed: int, index: int) -> np.random.Generator:
    """The generator of image ``index``: any image can be made again alone."""
    return np.random.default_rng([seed, index])


def sample_scene(rng: np.random.Generator, library: Library, config: SceneConfig) -> ScenePlan:
    """A scene drawn from a library.

    Args:
        rng: The image's own generator, see ``scene_rng``.
        library: Cutouts and backgrounds; without cutouts every scene is empty.
        config: Probabilities and sizes.

    Returns:
        A plan that always renders to the same image.
    """
    background = library.backgrounds[int(rng.integers(len(library.backgrounds)))]
    window = _sample_window(rng, config.window_ratio_min)
    flipped = bool(rng.random() < 0.5)
    place = _Place(library, background, window, flipped, config)
    sizes = _sample_sizes(rng, config) if library.labelled else []
    cutouts = _sample_cutouts(rng, library, config, len(sizes))
    placements: list[Placement] = []
    taken: list[tuple[float, float, float, float]] = []
    for cutout, size_px in sorted(zip(cutouts, sizes, strict=True), key=lambda pair: -pair[1]):
        _add_placement(rng, place, cutout, size_px, placements, taken)
    if library.distractors and rng.random() < config.distractor_ratio:
        for _ in range(int(rng.integers(1, 5))):
            cutout = library.distractors[int(rng.integers(len(library.distractors)))]
            size_px = _log_uniform(rng, config.size_px_range[0] * 0.7, 110.0)
            _add_placement(rng, place, cutout, size_px, placements, taken)
    return ScenePlan(
        background=background.name,
        window_ratio_xyxy=window,
        background_flipped=flipped,
        canvas_wh=config.canvas_wh,
        placements=tuple(placements),
        clutter=tuple(_sample_clutter(rng, config, placements)),
        effects=sample_effects(rng, config.effects),
        visible_ratio_min=config.visible_ratio_min,
        box_side_px_min=config.box_side_px_min,
        contrast_min=config.contrast_min,
        seed=int(rng.integers(2**31)),
    )


class _Place:
    """The thumbnail of the chosen window: what colour lies where."""

    def __init__(
        self,
        library: Library,
        background: Background,
        window: tuple[float, float, float, float],
        flipped: bool,
        config: SceneConfig,
    ) -> None:
        self.library = library
        self.config = config
        thumbnail = library.background_thumbnail(background.name)
        height, width = thumbnail.shape[:2]
        x1, y1, x2, y2 = (np.array(window) * [width, height, width, height]).astype(int)
        view = thumbnail[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        self.view = (view[:, ::-1] if flipped else view).astype(np.float32)

    def color_at(self, center_xy: tuple[float, float]) -> np.ndarray:
        """The background's colour there, float32 (3,)."""
        height, width = self.view.shape[:2]
        column = int(np.clip(center_xy[0] / self.config.canvas_wh[0] * width, 0, width - 1))
        row = int(np.clip(center_xy[1] / self.config.canvas_wh[1] * height, 0, height - 1))
        return np.asarray(self.view[row, column])


def _sample_window(rng: np.random.Generator, ratio_min: float) -> tuple[float, float, float, float]:
    # By default down to 42 %, where a view of 1520 px reaches its own pixels on 640.
    side = float(np.exp(rng.uniform(np.log(ratio_min), 0.0))) if rng.random() < 0.75 else 1.0
    x1, y1 = (float(rng.uniform(0, 1 - side)) for _ in range(2))
    return round(x1, 5), round(y1, 5), round(x1 + side, 5), round(y1 + side, 5)


def _sample_sizes(rng: np.random.Generator, config: SceneConfig) -> list[float]:
    weights = np.array(config.count_weights) / sum(config.count_weights)
    count = int(rng.choice(len(weights), p=weights))
    if count and rng.random() < config.full_frame_ratio:
        return [float(rng.uniform(0.6, 1.1) * config.canvas_wh[0])]
    low, high = config.size_px_range
    if count >= 4:
        high = max(low, min(high, config.crowded_size_px_max))
    if count >= 2 and rng.random() < config.formation_ratio:
        base = _log_uniform(rng, low, max(low, high / 2))
        return [float(base * rng.uniform(0.8, 1.25)) for _ in range(count)]
    return [_log_uniform(rng, low, high) for _ in range(count)]


def _sample_cutouts(
    rng: np.random.Generator, library: Library, config: SceneConfig, count: int
) -> list[Cutout]:
    if not count:
        return []
    # By class first, so that a class with few cutouts is still seen; by the root of their number,
    # so that the frequent kinds stay more frequent.
    classes = sorted(library.by_class)
    weights = np.sqrt([len(library.by_class[name]) for name in classes])
    weights = weights / weights.sum()
    if count >= 2 and rng.random() < config.formation_ratio:
        first = _pick(rng, library.by_class[str(rng.choice(classes, p=weights))])
        alike = [c for c in library.by_class[first.class_name] if c.identity == first.identity]
        return [_pick(rng, alike) for _ in range(count)]
    drawn = rng.choice(classes, size=count, p=weights)
    return [_pick(rng, library.by_class[str(name)]) for name in drawn]


def _pick(rng: np.random.Generator, cutouts: list[Cutout]) -> Cutout:
    return cutouts[int(rng.integers(len(cutouts)))]


def _add_placement(
    rng: np.random.Generator,
    place: _Place,
    cutout: Cutout,
    size_px: float,
    placements: list[Placement],
    taken: list[tuple[float, float, float, float]],
) -> None:
    """Append a placement, or nothing where no free room is found."""
    config = place.config
    height, width = place.library.rgba(cutout.name).shape[:2]
    # Tall and square objects may leave the frame a little, never by half.
    scale = min(size_px / max(width, height), 1.15 * config.canvas_wh[1] / height)
    size_px = scale * max(width, height)
    extent_wh = (width * scale, height * scale)
    overlaps = rng.random() < config.overlap_ratio
    truncated = rng.random() < config.truncated_ratio or size_px > 0.95 * min(config.canvas_wh)
    free = []
    wanted = 6 if rng.random() < config.low_contrast_ratio else 1
    for _ in range(_TRIES):
        center = _sample_center(rng, config, extent_wh, truncated)
        box = _box(center, extent_wh)
        if overlaps or not any(_intersects(box, other) for other in taken):
            free.append(center)
            if len(free) == wanted:
                break
    if not free:
        return
    if wanted > 1:
        mean = place.library.mean_rgb(cutout.name)
        free.sort(key=lambda xy: float(np.abs(place.color_at(xy) - mean).sum()))
    taken.append(_box(free[0], extent_wh))
    placements.append(_describe(rng, config, cutout, size_px, free[0], len(placements)))


def _describe(
    rng: np.random.Generator,
    config: SceneConfig,
    cutout: Cutout,
    size_px: float,
    center: tuple[float, float],
    order: int,
) -> Placement:
    names = sorted(config.blend_weights)
    weights = np.array([config.blend_weights[name] for name in names])
    rotated = rng.random() < config.rotation_ratio
    return Placement(
        cutout=cutout.name,
        center_xy=(round(center[0], 2), round(center[1], 2)),
        long_side_px=round(size_px, 2),
        angle_deg=round(float(rng.uniform(-1, 1) * config.rotation_deg_max), 2) if rotated else 0.0,
        flipped=bool(rng.random() < config.flip_ratio),
        opacity_ratio=round(float(rng.uniform(0.85, 1.0)), 3) if rng.random() < 0.1 else 1.0,
        softness_px=round(float(rng.uniform(0.25, 1.0) * config.softness_px_max), 3)
        if rng.random() < 0.5
        else 0.0,
        blend=str(rng.choice(names, p=weights / weights.sum())),
        light=_sample_light(rng, config),
        order=order,
    )


def _sample_light(rng: np.random.Generator, config: SceneConfig) -> Light:
    if rng.random() < config.silhouette_ratio:
        return Light(gain=round(float(rng.uniform(0.08, 0.4)), 3), contrast=0.8)
    matched = rng.random() < 0.65
    match = float(rng.uniform(0, config.match_ratio_max)) if matched else 0.0
    hazy = rng.random() < 0.3
    varied = rng.random() < 0.35
    return Light(
        match_ratio=round(match, 3),
        tint_ratio=round(match * 0.3, 3),
        haze_ratio=round(float(rng.uniform(0, config.haze_ratio_max)), 3) if hazy else 0.0,
        gain=round(float(rng.uniform(0.75, 1.25)), 3) if varied else 1.0,
        contrast=round(float(rng.uniform(0.7, 1.2)), 3) if varied else 1.0,
    )


def _sample_center(
    rng: np.random.Generator,
    config: SceneConfig,
    extent_wh: tuple[float, float],
    truncated: bool,
) -> tuple[float, float]:
    center = []
    edge = int(rng.integers(4)) if truncated else -1
    for axis in range(2):
        side, extent = float(config.canvas_wh[axis]), extent_wh[axis]
        if edge // 2 == axis and truncated:
            inside = float(rng.uniform(0.55, 0.95)) * extent
            value = inside - extent / 2 if edge % 2 == 0 else side - inside + extent / 2
        elif extent < side:
            value = float(rng.uniform(extent / 2, side - extent / 2))
        else:
            value = side / 2 + float(rng.uniform(-0.1, 0.1)) * side
        center.append(value)
    return center[0], center[1]


def _sample_clutter(
    rng: np.random.Generator, config: SceneConfig, placements: list[Placement]
) -> list[Clutter]:
    clutter = []
    width, height = config.canvas_wh
    if rng.random() < config.clutter_ratio:
        # One kind prevails in a scene: three people or five wires are likelier than one of each.
        main = KINDS[int(rng.integers(len(KINDS)))]
        for _ in range(int(rng.integers(1, config.clutter_count_max + 1))):
            kind = main if rng.random() < 0.6 else KINDS[int(rng.integers(len(KINDS)))]
            xy = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
            size_px = _log_uniform(rng, 12.0, 0.75 * height)
            clutter.append(_clutter(rng, kind, xy, size_px, -1))
    for placement in placements:
        if rng.random() < config.occluder_ratio:
            kind = FRONT_KINDS[int(rng.integers(len(FRONT_KINDS)))]
            shift = rng.uniform(-0.3, 0.3, 2) * placement.long_side_px
            xy = (placement.center_xy[0] + shift[0], placement.center_xy[1] + shift[1])
            size_px = placement.long_side_px * float(rng.uniform(1.3, 2.5))
            clutter.append(_clutter(rng, kind, xy, size_px, placement.order))
    return clutter


def _clutter(
    rng: np.random.Generator, kind: str, xy: tuple[float, float], size_px: float, order: int
) -> Clutter:
    center = (round(float(xy[0]), 2), round(float(xy[1]), 2))
    return Clutter(kind, center, round(size_px, 2), int(rng.integers(2**31)), order)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _box(
    center: tuple[float, float], extent_wh: tuple[float, float]
) -> tuple[float, float, float, float]:
    half_w, half_h = extent_wh[0] / 2, extent_wh[1] / 2
    return center[0] - half_w, center[1] - half_h, center[0] + half_w, center[1] + half_h


def _intersects(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
