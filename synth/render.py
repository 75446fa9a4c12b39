"""A scene plan drawn: image, tight boxes, captions, visible shares.

Here: the order of painting and the boxes from the alpha that was really painted. Not here: what to
paint (``synth.plan``), rims (``synth.blend``), cameras (``synth.effects``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.blend import blend_poisson, paste, soften_rim
from synth.clarity import look_at
from synth.clutter import draw_clutter
from synth.effects import apply_effects, moves_pixels
from synth.library import Cutout, Library
from synth.measure import light_object, measure_look
from synth.outlines import Marks, Outline, trace_outlines
from synth.plan import Clutter, Placement, ScenePlan
from synth.plume import draw_plume
from synth.shape import shape_object

__all__ = ["ALPHA_MIN", "Rendered", "render"]

# A pixel belongs to an object's box from this alpha on (0..255): rotor discs, about 0.2 opaque,
# count; the blurred fringe of a rim does not.
ALPHA_MIN = 50
# A part of an object widens its box from this share of the clarity that the whole needs.
_PART_CLARITY = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """One finished scene.

    Args:
        image: uint8 (h, w, 3) RGB.
        xyxy: float32 (n, 4), pixels at edges: tight around the visible pixels inside the image.
        captions: One per box.
        class_names: The type of each box's object.
        cutouts: The cutout's name of each box.
        visible_ratio: float32 (n,), visible share of the whole object's alpha.
        num_dropped: Labelled objects without a box, because too little of them is visible, and
            those left out, because nobody could find them.
        outlines: Polygons around the visible pixels of each box's object, float32 (k, 2) px;
            empty unless asked for.
        distractors_xyxy: float32 (m, 4), around cutouts that have no label on purpose; for people
            who look at the scene, never for a data set.
        numbers: Which of the plan's painting order each box is around.
        left_out: Which of it was not painted, because nobody could find it.
    """

    image: NDArray[np.uint8]
    xyxy: NDArray[np.float32]
    captions: tuple[str, ...]
    class_names: tuple[str, ...]
    cutouts: tuple[str, ...]
    visible_ratio: NDArray[np.float32]
    num_dropped: int
    outlines: tuple[tuple[Outline, ...], ...] = ()
    distractors_xyxy: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, 4), np.float32)
    )
    numbers: tuple[int, ...] = ()
    left_out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What the background's own camera did, for objects to look alike."""

    noise_std: float
    blur_px: float
    scale: float


@dataclass(slots=True)
class _Painted:
    """An object on the canvas: where its alpha lies, what of it is still seen, what it covers."""

    number: int
    placement: Placement
    left: int
    top: int
    alpha: NDArray[np.float32]
    full_alpha: float
    contrast: float
    before: NDArray[np.uint8]
    clear: NDArray[np.bool_] | None = None  # the parts that can be made out; None is all

    def mask(self) -> NDArray[np.bool_]:
        """The pixels that belong to its box."""
        mask = self.alpha >= ALPHA_MIN * self.placement.opacity_ratio
        clear = mask if self.clear is None else mask & self.clear
        return clear if clear.any() else mask

    def is_faint(self, plan: ScenePlan) -> bool:
        """Whether it hardly differs from what it covers; little things need more contrast."""
        few = 16.0 * plan.scale / self.placement.long_side_px
        return self.contrast < plan.contrast_min * (1 + few)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen of one object: its box in pixels, the visible share, its outlines if traced."""

    number: int
    cutout: Cutout
    xyxy: tuple[int, int, int, int]
    ratio: float
    outlines: tuple[Outline, ...]


def render(plan: ScenePlan, library: Library, *, outlines: bool = False) -> Rendered:
    """The scene of a plan; the same plan and library always give the same pixels.

    Args:
        plan: From ``sample_scene`` or ``ScenePlan.from_dict``.
        library: Holds the named background and cutouts.
        outlines: Also trace the outline of what is visible of each object.

    Raises:
        InputError: The library lacks a name that the plan uses.
    """
    left_out = _with_plumes(plan, plan.left_out)
    canvas, painted = _paint(plan, library, without=left_out)
    if plan.clarity_min > 0:
        unclear = _look_closely(plan, library, canvas, painted)
        if unclear:
            # Without a label it would teach that such things are background, and with one that
            # background is such a thing; so it is not there.
            left_out |= _with_plumes(plan, unclear)
            canvas, painted = _paint(plan, library, without=left_out)
            _look_closely(plan, library, canvas, painted)
    return _finish(plan, library, canvas, painted, outlines=outlines, left_out=left_out)


def _with_plumes(plan: ScenePlan, numbers: Collection[int]) -> frozenset[int]:
    """Numbers of the painting order, and those of the plumes behind these objects."""
    items = plan.painting_order()
    objects = [items[number] for number in numbers if isinstance(items[number], Placement)]
    behind = {item.order - 1 for item in objects}
    plumes = {
        number
        for number, item in enumerate(items)
        if isinstance(item, Clutter) and item.kind == "plume" and item.order in behind
    }
    return frozenset(numbers) | plumes


def _paint(
    plan: ScenePlan, library: Library, *, without: Collection[int] = ()
) -> tuple[NDArray[np.uint8], list[_Painted]]:
    """The background with all objects and clutter on it, except those of the given numbers."""
    canvas = _open_background(plan, library)
    needed = plan.match_noise or plan.match_sharpness
    noise_std, blur_px = measure_look(canvas) if needed else (0.0, 0.0)
    around = _Surroundings(
        noise_std=noise_std if plan.match_noise else 0.0,
        blur_px=blur_px if plan.match_sharpness else 0.0,
        scale=plan.scale,
    )
    painted: list[_Painted] = []
    for number, item in enumerate(plan.painting_order()):
        if number in without:
            continue
        rng = np.random.default_rng([plan.seed, number])
        if isinstance(item, Placement):
            painted.append(_paint_object(canvas, item, library, around, rng, painted, number))
        else:
            _paint_clutter(canvas, item, painted)
    return canvas, painted


def _look_closely(
    plan: ScenePlan, library: Library, canvas: NDArray[np.uint8], painted: Sequence[_Painted]
) -> set[int]:
    """Notes which parts of each object can be made out, so that its box is around these.

    Returns:
        The numbers, as painted, of objects that nobody could make out.
    """
    bare = canvas.copy()
    for item in reversed(painted):
        height, width = item.before.shape[:2]
        bare[item.top : item.top + height, item.left : item.left + width] = item.before
    unclear = set()
    for item in painted:
        if not library.cutout(item.placement.cutout).labelled:
            continue
        seen, corner = item.alpha * item.mask(), (item.left, item.top)
        look = look_at(canvas, bare, seen, corner, plan.effects, scale=plan.scale)
        # Clarity compares with the background; one object may also lie before another of its color.
        if look is None or item.is_faint(plan) or look.clarity() < plan.clarity_min:
            unclear.add(item.number)
        else:
            item.clear = look.clear_parts(_PART_CLARITY * plan.clarity_min)
    return unclear


def _open_background(plan: ScenePlan, library: Library) -> NDArray[np.uint8]:
    image = library.background(plan.background)
    height, width = image.shape[:2]
    x1, y1, x2, y2 = np.round(np.array(plan.window_ratio_xyxy) * [width, height, width, height])
    # Nothing is stretched. Windows have the canvas' aspect up to rounding; those of older plans may
    # have any other, and lose what is too much at the right or the lower edge.
    target = plan.canvas_wh[0] / plan.canvas_wh[1]
    window_w, window_h = x2 - x1, y2 - y1
    if window_w / window_h > target:
        window_w = window_h * target
    else:
        window_h = window_w / target
    left, top = int(x1), int(y1)
    view = image[top : top + max(2, int(window_h)), left : left + max(2, int(window_w))]
    # The area filter is slow at odd ratios and only needed where pixels would be skipped.
    skips = view.shape[1] > 1.6 * plan.canvas_wh[0]
    method = cv2.INTER_AREA if skips else cv2.INTER_LINEAR
    canvas = np.asarray(cv2.resize(view, plan.canvas_wh, interpolation=method), np.uint8)
    # Not a reversed view made contiguous: that takes seventeen times as long.
    return np.asarray(cv2.flip(canvas, 1), np.uint8) if plan.background_flipped else canvas


def _paint_object(
    canvas: NDArray[np.uint8],
    placement: Placement,
    library: Library,
    around: _Surroundings,
    rng: np.random.Generator,
    painted: Sequence[_Painted],
    number: int,
) -> _Painted:
    rgba = shape_object(placement, library, around.blur_px)
    rgba = soften_rim(rgba, placement.blend, rng, scale=around.scale)
    if placement.opacity_ratio < 1:
        rgba = rgba * np.float32(placement.opacity_ratio)
    height, width = rgba.shape[:2]
    left = round(placement.center_xy[0] - width / 2)
    top = round(placement.center_xy[1] - height / 2)
    part = _clip_part(canvas, rgba, left, top)
    if part is None:
        nothing = np.zeros((1, 1), np.float32)
        return _Painted(number, placement, 0, 0, nothing, 1.0, 0.0, canvas[:1, :1].copy())
    view, inside, left_in, top_in = part
    lit = light_object(inside, view, placement.light, around.noise_std, rng)
    _hide(painted, left_in, top_in, lit[..., 3])
    before = view.copy()
    if placement.blend == "poisson":
        blend_poisson(canvas, lit, left_in, top_in)
    else:
        paste(view, lit)
    full_alpha, contrast = float(rgba[..., 3].sum()), _contrast(before, view, lit[..., 3], around)
    return _Painted(
        number, placement, left_in, top_in, lit[..., 3].copy(), full_alpha, contrast, before
    )


def _contrast(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    around: _Surroundings,
) -> float:
    """Change of colour where the object lies, root of mean square, grey levels; noise is none."""
    third = np.full((1, 3), 1 / 3, np.float32)
    change = cv2.transform(cv2.absdiff(before, after).astype(np.float32), third).ravel()
    square = float(np.dot(change * change, alpha.ravel())) / max(float(alpha.sum()), 1.0)
    # The grain that was covered and the grain that was added differ, and show nothing.
    return float(np.sqrt(max(square - 2 * around.noise_std**2, 0.0)))


def _clip_part(
    canvas: NDArray[np.uint8], rgba: NDArray[np.float32], left: int, top: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], int, int] | None:
    """The view of the canvas and the part of the object that meet, or None."""
    height, width = canvas.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + rgba.shape[1], width), min(top + rgba.shape[0], height)
    if x2 - x1 < 1 or y2 - y1 < 1:
        return None
    return canvas[y1:y2, x1:x2], rgba[y1 - top : y2 - top, x1 - left : x2 - left], x1, y1


def _paint_clutter(canvas: NDArray[np.uint8], item: Clutter, painted: Sequence[_Painted]) -> None:
    rng = np.random.default_rng(item.seed)
    if item.kind == "plume":
        rgba = draw_plume(item.size_px, rng, height_px=canvas.shape[0]).astype(np.float32)
    else:
        rgba = draw_clutter(item.kind, item.size_px, rng, canvas).astype(np.float32)
    left = round(item.center_xy[0] - rgba.shape[1] / 2)
    top = round(item.center_xy[1] - rgba.shape[0] / 2)
    part = _clip_part(canvas, rgba, left, top)
    if part is not None:
        view, inside, left_in, top_in = part
        _hide(painted, left_in, top_in, inside[..., 3])
        paste(view, inside)


def _hide(painted: Sequence[_Painted], left: int, top: int, alpha: NDArray[np.float32]) -> None:
    """Take from every earlier object what the new alpha covers."""
    height, width = alpha.shape
    for item in painted:
        item_h, item_w = item.alpha.shape
        x1, y1 = max(left, item.left), max(top, item.top)
        x2, y2 = min(left + width, item.left + item_w), min(top + height, item.top + item_h)
        if x1 < x2 and y1 < y2:
            cover = alpha[y1 - top : y2 - top, x1 - left : x2 - left] * np.float32(1.0 / 255.0)
            item.alpha[y1 - item.top : y2 - item.top, x1 - item.left : x2 - item.left] *= 1 - cover


def _finish(
    plan: ScenePlan,
    library: Library,
    canvas: NDArray[np.uint8],
    painted: Sequence[_Painted],
    *,
    outlines: bool,
    left_out: frozenset[int],
) -> Rendered:
    trace = outlines or moves_pixels(plan.effects)
    objects: list[_Seen] = []
    distractors: list[_Seen] = []
    for item in painted:
        cutout = library.cutout(item.placement.cutout)
        if seen := _look_at(item, cutout, plan, trace=trace):
            (objects if cutout.labelled else distractors).append(seen)
    both = [*objects, *distractors]
    boxes = np.array([seen.xyxy for seen in both], np.float32)
    marks = Marks.from_boxes(boxes, [seen.outlines for seen in both])
    image, moved, rows = apply_effects(canvas, marks, plan.effects)
    visible = np.array([both[row].ratio for row in rows], np.float32) * moved.inside_ratio
    sides = (moved.xyxy[:, 2:] - moved.xyxy[:, :2]).min(axis=1, initial=np.inf)
    enough = (visible >= plan.visible_ratio_min) & (sides >= plan.box_side_px_min)
    left_over = enough & (rows < len(objects))
    chosen = [both[row].cutout for row in rows[left_over]]
    return Rendered(
        image=image,
        xyxy=moved.xyxy[left_over],
        captions=tuple(cutout.caption for cutout in chosen),
        class_names=tuple(cutout.class_name for cutout in chosen),
        cutouts=tuple(cutout.name for cutout in chosen),
        visible_ratio=visible[left_over],
        num_dropped=sum(library.cutout(item.cutout).labelled for item in plan.placements)
        - len(chosen),
        outlines=tuple(moved.outlines[row] for row in np.flatnonzero(left_over))
        if outlines
        else (),
        distractors_xyxy=moved.xyxy[enough & (rows >= len(objects))],
        numbers=tuple(both[row].number for row in rows[left_over]),
        left_out=left_out,
    )


def _look_at(item: _Painted, cutout: Cutout, plan: ScenePlan, *, trace: bool) -> _Seen | None:
    """What is seen of an object; None where that is too little for a box."""
    ratio = float(item.alpha.sum()) / max(item.full_alpha, 1.0)
    seen = item.mask().astype(np.uint8)
    x, y, width, height = cv2.boundingRect(seen)
    too_small = min(width, height) < plan.box_side_px_min
    if too_small or ratio < plan.visible_ratio_min or item.is_faint(plan):
        return None
    left, top = item.left + x, item.top + y
    outlines = trace_outlines(seen, item.left, item.top) if trace else ()
    return _Seen(
        item.number, cutout, (left, top, left + width, top + height), min(ratio, 1.0), outlines
    )
