"""A scene plan drawn from settings and a library.

Here: what, how many, how large, where, under which light. Bounded tries everywhere: an object
that finds no room is left out, so drawing always ends. Not here: pixels, apart from a thumbnail's
colours that tell where the sky is and where an object stands out least (``synth.render`` draws).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from synth.clutter import FRONT_KINDS, KINDS
from synth.config import SceneConfig
from synth.effects import EffectStep, sample_effects, sample_transform
from synth.library import Cutout, Library
from synth.place import Box, Place, box_around, box_iou
from synth.plan import Clutter, Light, Placement, ScenePlan
from synth.texture import sample_texture

__all__ = ["sample_scene"]

_TRIES = 16
_RISING = ("rocket", "space shuttle")


def sample_scene(rng: np.random.Generator, library: Library, config: SceneConfig) -> ScenePlan:
    """A scene drawn from a library.

    Args:
        rng: The scene's own generator, see ``scene_rng``.
        library: Cutouts and backgrounds; without cutouts every scene is empty.
        config: Probabilities and sizes.

    Returns:
        A plan that always renders to the same image.
    """
    background = library.backgrounds[int(rng.integers(len(library.backgrounds)))]
    height, width = library.background(background.name).shape[:2]
    window = _sample_window(rng, config, width / height)
    flipped = bool(rng.random() < 0.5)
    place = Place(library.background_thumbnail(background.name), window, flipped, config.canvas_wh)
    sizes, alike = _sample_sizes(rng, config) if library.labelled else ([], False)
    cutouts = _sample_cutouts(rng, library, len(sizes), alike=alike)
    scene = _Scene(rng, library, config, place)
    for cutout, size_px in sorted(zip(cutouts, sizes, strict=True), key=lambda pair: -pair[1]):
        scene.add(cutout, size_px)
    if library.distractors and rng.random() < config.distractor_ratio:
        low = config.size_px_range[0] * 0.7
        for _ in range(int(rng.integers(1, 5))):
            cutout = library.distractors[int(rng.integers(len(library.distractors)))]
            scene.add(cutout, _log_uniform(rng, low, max(low, 0.17 * config.canvas_wh[0])))
    placements = _texture(rng, library, config, background.name, scene.placements)
    return ScenePlan(
        background=background.name,
        window_ratio_xyxy=window,
        background_flipped=flipped,
        canvas_wh=config.canvas_wh,
        placements=placements,
        clutter=(
            *_sample_clutter(rng, config, placements),
            *_sample_plumes(rng, library, config, placements),
        ),
        effects=_sample_all_effects(rng, config),
        visible_ratio_min=config.visible_ratio_min,
        box_side_px_min=config.box_side_px_min,
        contrast_min=config.contrast_min,
        clarity_min=config.clarity_min,
        seed=int(rng.integers(2**31)),
        match_noise=config.match_noise,
        match_sharpness=config.match_sharpness,
    )


def _sample_all_effects(rng: np.random.Generator, config: SceneConfig) -> tuple[EffectStep, ...]:
    own = sample_effects(rng, config.effects)
    for choice in config.effects_steps:
        own += sample_transform(rng, choice.name, choice.probability, choice.parameters)
    return own


def _sample_window(rng: np.random.Generator, config: SceneConfig, aspect: float) -> Box:
    """The part of a background that is shown: of the frame's shape, anywhere in the picture."""
    low = np.log(config.window_ratio_min)
    side = float(np.exp(rng.uniform(low, 0.0))) if rng.random() < 0.75 else 1.0
    frame = config.canvas_wh[0] / config.canvas_wh[1]
    wide, high = side * min(1.0, frame / aspect), side * min(1.0, aspect / frame)
    x1, y1 = float(rng.uniform(0, 1 - wide)), float(rng.uniform(0, 1 - high))
    return round(x1, 5), round(y1, 5), round(x1 + wide, 5), round(y1 + high, 5)


def _sample_count(rng: np.random.Generator, config: SceneConfig) -> int:
    if config.count_weights:
        weights = np.array(config.count_weights) / sum(config.count_weights)
        return int(rng.choice(len(weights), p=weights))
    empty = rng.random() < config.empty_ratio
    count = int(rng.integers(config.count_range[0], config.count_range[1] + 1))
    return 0 if empty else count


def _sample_sizes(rng: np.random.Generator, config: SceneConfig) -> tuple[list[float], bool]:
    """The objects' longer sides in pixels, and whether they fly in formation."""
    count = _sample_count(rng, config)
    width = config.canvas_wh[0]
    if count and rng.random() < config.full_frame_ratio:
        return [float(rng.uniform(0.6, 1.1) * width)], False
    fraction = config.size_law == "frame fraction"
    if fraction:
        low, high = (ratio * width for ratio in config.size_ratio_range)
    else:
        low, high = config.size_px_range
    if count >= 4:
        high = max(low, min(high, config.crowded_size_px_max))
    if count >= 2 and rng.random() < config.formation_ratio:
        base = _log_uniform(rng, low, max(low, high / 2))
        return [float(base * rng.uniform(0.8, 1.25)) for _ in range(count)], True
    if fraction:
        return [float(rng.uniform(low, high)) for _ in range(count)], False
    return [_log_uniform(rng, low, high) for _ in range(count)], False


def _sample_cutouts(
    rng: np.random.Generator, library: Library, count: int, *, alike: bool
) -> list[Cutout]:
    if not count:
        return []
    # By class first, so that a class with few cutouts is still seen; by the root of their number,
    # so that the frequent kinds stay more frequent.
    classes = sorted(library.by_class)
    weights = np.sqrt([len(library.by_class[name]) for name in classes])
    weights = weights / weights.sum()
    if count >= 2:
        rng.random()  # decides nothing any more; without it the same seeds would give other scenes
    if alike:
        first = _pick(rng, library.by_class[str(rng.choice(classes, p=weights))])
        same = [c for c in library.by_class[first.class_name] if c.identity == first.identity]
        return [_pick(rng, same) for _ in range(count)]
    drawn = rng.choice(classes, size=count, p=weights)
    return [_pick(rng, library.by_class[str(name)]) for name in drawn]


def _pick(rng: np.random.Generator, cutouts: list[Cutout]) -> Cutout:
    return cutouts[int(rng.integers(len(cutouts)))]


class _Scene:
    """Placements so far, and the room that is left for more."""

    def __init__(
        self, rng: np.random.Generator, library: Library, config: SceneConfig, place: Place
    ) -> None:
        self.rng = rng
        self.library = library
        self.config = config
        self.place = place
        self.placements: list[Placement] = []
        self._taken: list[Box] = []

    def add(self, cutout: Cutout, size_px: float) -> None:
        """Append a placement, or nothing where no free room is found."""
        rng, config = self.rng, self.config
        height, width = self.library.rgba(cutout.name).shape[:2]
        angle = self._sample_angle()
        turned_wh = _turned_wh(width, height, angle)
        truncated = rng.random() < config.truncated_ratio and config.truncation_max > 0
        scale = self._fitted(size_px / max(width, height), turned_wh, truncated)
        extent_wh = (turned_wh[0] * scale, turned_wh[1] * scale)
        size_px = scale * max(width, height)
        centers = self._free_centers(extent_wh, size_px, truncated)
        if not centers:
            return
        if len(centers) > 1:
            mean = self.library.mean_rgb(cutout.name)
            centers.sort(key=lambda xy: float(np.abs(self.place.color_at(xy) - mean).sum()))
        self._taken.append(box_around(centers[0], extent_wh))
        self.placements.append(self._describe(cutout, size_px, angle, centers[0]))

    def _sample_angle(self) -> float:
        turned = self.rng.random() < self.config.rotation_ratio
        limit = self.config.rotation_deg_max
        return round(float(self.rng.uniform(-limit, limit)), 2) if turned else 0.0

    def _fitted(self, scale: float, wh: tuple[float, float], truncated: bool) -> float:
        """The scale, lowered where the object would not fit into the frame."""
        canvas_wh = self.config.canvas_wh
        # Those across the border may be a little larger than the frame, never twice.
        room = 1.15 if truncated else 0.98
        return min(scale, room * canvas_wh[0] / wh[0], room * canvas_wh[1] / wh[1])

    def _free_centers(
        self, extent_wh: tuple[float, float], size_px: float, truncated: bool
    ) -> list[tuple[float, float]]:
        """Places without forbidden overlap: those before the sky first where it is preferred."""
        rng, config = self.rng, self.config
        overlap_max = config.overlap_iou_max if rng.random() < config.overlap_ratio else 0.0
        before_sky = rng.random() < config.sky_ratio and self.place.has_sky
        wanted = 6 if rng.random() < config.low_contrast_ratio else 1
        free: list[tuple[float, float]] = []
        elsewhere: list[tuple[float, float]] = []
        for _ in range(_TRIES):
            center = self._sample_center(extent_wh, size_px, truncated)
            box = box_around(center, extent_wh)
            if any(box_iou(box, other) > overlap_max for other in self._taken):
                continue
            fits = not before_sky or self.place.is_sky(center)
            (free if fits else elsewhere).append(center)
            if len(free) == wanted:
                break
        return free or elsewhere[:1]

    def _sample_center(
        self, extent_wh: tuple[float, float], size_px: float, truncated: bool
    ) -> tuple[float, float]:
        rng, config = self.rng, self.config
        center = []
        edge = int(rng.integers(4)) if truncated else -1
        for axis in range(2):
            side, extent = float(config.canvas_wh[axis]), extent_wh[axis]
            if truncated and edge // 2 == axis:
                least = 1.0 - config.truncation_max
                inside = float(rng.uniform(least, max(least, 0.95))) * extent
                value = inside - extent / 2 if edge % 2 == 0 else side - inside + extent / 2
            elif extent >= side:
                value = side / 2 + float(rng.uniform(-0.1, 0.1)) * side
            elif axis == 1 and config.size_law == "altitude":
                value = self._altitude(size_px, extent)
            else:
                value = float(rng.uniform(extent / 2, side - extent / 2))
            center.append(value)
        return center[0], center[1]

    def _altitude(self, size_px: float, extent: float) -> float:
        """Where on the vertical an object of this size flies: the smaller, the higher."""
        low, high = (math.log(side) for side in self.config.size_px_range)
        nearness = float(np.clip((math.log(size_px) - low) / max(high - low, 1e-6), 0, 1))
        height = self.config.canvas_wh[1]
        value = height * (0.15 + 0.6 * nearness + float(self.rng.normal(0, 0.1)))
        return float(np.clip(value, extent / 2, height - extent / 2))

    def _describe(
        self, cutout: Cutout, size_px: float, angle: float, center: tuple[float, float]
    ) -> Placement:
        rng, config = self.rng, self.config
        names = sorted(config.blend_weights)
        weights = np.array([config.blend_weights[name] for name in names])
        soft = rng.random() < 0.5
        faint = config.vary_light and rng.random() < 0.1
        return Placement(
            cutout=cutout.name,
            center_xy=(round(center[0], 2), round(center[1], 2)),
            long_side_px=round(size_px, 2),
            angle_deg=angle,
            flipped=bool(rng.random() < config.flip_ratio),
            opacity_ratio=round(float(rng.uniform(0.85, 1.0)), 3) if faint else 1.0,
            softness_px=round(float(rng.uniform(0.25, 1.0) * config.softness_px_max), 3)
            if soft
            else 0.0,
            blend=str(rng.choice(names, p=weights / weights.sum())),
            light=_sample_light(rng, config),
            order=len(self.placements),
            corners=self._sample_corners(),
        )

    def _sample_corners(self) -> tuple[float, ...]:
        limit = self.config.perspective_max
        if self.rng.random() >= self.config.perspective_ratio or not limit:
            return ()
        return tuple(round(float(value), 4) for value in self.rng.uniform(0, limit, 8))


def _turned_wh(width: float, height: float, angle_deg: float) -> tuple[float, float]:
    cos, sin = abs(math.cos(math.radians(angle_deg))), abs(math.sin(math.radians(angle_deg)))
    return width * cos + height * sin, width * sin + height * cos


def _sample_light(rng: np.random.Generator, config: SceneConfig) -> Light:
    if rng.random() < config.silhouette_ratio:
        return Light(gain=round(float(rng.uniform(0.08, 0.4)), 3), contrast=0.8)
    matched = rng.random() < 0.65
    match = float(rng.uniform(0, config.match_ratio_max)) if matched else 0.0
    hazy = rng.random() < 0.3
    varied = rng.random() < 0.35 and config.vary_light
    return Light(
        match_ratio=round(match, 3),
        tint_ratio=round(match * 0.3, 3),
        haze_ratio=round(float(rng.uniform(0, config.haze_ratio_max)), 3) if hazy else 0.0,
        gain=round(float(rng.uniform(0.75, 1.25)), 3) if varied else 1.0,
        contrast=round(float(rng.uniform(0.7, 1.2)), 3) if varied else 1.0,
    )


def _texture(
    rng: np.random.Generator,
    library: Library,
    config: SceneConfig,
    background: str,
    placements: list[Placement],
) -> tuple[Placement, ...]:
    """The placements, some of them with a piece of their own background over them."""
    if not config.texture_ratio:  # draws nothing, so that older seeds give the scenes they gave
        return tuple(placements)
    height, width = library.background(background).shape[:2]
    textured = []
    for item in placements:
        if rng.random() < config.texture_ratio:
            size_px, depth_max = item.long_side_px, config.texture_max
            texture = sample_texture(rng, background, (width, height), size_px, depth_max)
            textured.append(replace(item, texture=texture))
        else:
            textured.append(item)
    return tuple(textured)


def _sample_clutter(
    rng: np.random.Generator, config: SceneConfig, placements: tuple[Placement, ...]
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


def _sample_plumes(
    rng: np.random.Generator,
    library: Library,
    config: SceneConfig,
    placements: tuple[Placement, ...],
) -> list[Clutter]:
    """Fire and smoke below what stands upright, as on its way from the ground."""
    plumes: list[Clutter] = []
    if not config.plume_ratio:  # draws nothing, so that older seeds give the scenes they gave
        return plumes
    for placement in placements:
        if library.cutout(placement.cutout).class_name not in _RISING:
            continue
        alpha = library.rgba(placement.cutout)[..., 3] > 127
        height, width = alpha.shape
        if height < 1.2 * width or rng.random() >= config.plume_ratio:
            continue
        scale = placement.long_side_px / height
        columns = np.flatnonzero(alpha[int(0.93 * height) :].any(axis=0))
        base = float(columns.mean() + 0.5) if len(columns) else width / 2
        aside = (base - width / 2) * (-1 if placement.flipped else 1) * scale
        below = 0.48 * placement.long_side_px
        turn = math.radians(placement.angle_deg)
        xy = (
            placement.center_xy[0] + aside * math.cos(turn) + below * math.sin(turn),
            placement.center_xy[1] - aside * math.sin(turn) + below * math.cos(turn),
        )
        body_px = float(np.median(alpha.sum(axis=1))) * scale
        plumes.append(_clutter(rng, "plume", xy, max(body_px, 1.0), placement.order - 1))
    return plumes


def _clutter(
    rng: np.random.Generator, kind: str, xy: tuple[float, float], size_px: float, order: int
) -> Clutter:
    center = (round(float(xy[0]), 2), round(float(xy[1]), 2))
    return Clutter(kind, center, round(size_px, 2), int(rng.integers(2**31)), order)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
