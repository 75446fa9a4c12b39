"""Drawn hard negatives: what a detector mistakes for something that flies.

Here: poles, wires, antennas, people, statues, roofs, contrails, clouds, girders, branches, blobs
and misplaced pieces of the background. In: a kind, a size, a generator. Out: premultiplied RGBA.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["FRONT_KINDS", "KINDS", "draw_clutter"]

Rgba = NDArray[np.uint8]
_SHIFT = 4  # cv2 draws with 1/16 px


def draw_clutter(
    kind: str, size_px: float, rng: np.random.Generator, canvas: NDArray[np.uint8]
) -> Rgba:
    """One negative, premultiplied RGBA uint8 (h, w, 4), its longer side about ``size_px``.

    Args:
        kind: One of ``KINDS``.
        size_px: Longer side, px.
        rng: The negative's own generator; shape and colour follow from it.
        canvas: The scene so far, RGB uint8; only a "scrap" copies from it.
    """
    size_px = float(np.clip(size_px, 6, 1.2 * max(canvas.shape[:2])))
    drawn = _draw_scrap(size_px, rng, canvas) if kind == "scrap" else _DRAW[kind](size_px, rng)
    if rng.random() < 0.5:
        wide = np.pad(drawn, ((2, 2), (2, 2), (0, 0)))
        return _blur(wide, float(rng.uniform(0.3, 1.0)))
    return drawn


def _blur(pixels: NDArray[np.uint8], sigma_px: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma_px), np.uint8)


def _points(xy: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round(np.asarray(xy) * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)


def _fill(mask: NDArray[np.uint8], xy: NDArray[np.float64], value: int = 255) -> None:
    cv2.fillPoly(mask, [_points(xy)], value, cv2.LINE_AA, _SHIFT)


def _line(mask: NDArray[np.uint8], xy: NDArray[np.float64], width_px: float) -> None:
    """A polyline of any width, also below one pixel, where its opacity falls instead."""
    opacity = int(255 * min(1.0, width_px))
    thickness = max(1, round(width_px))
    cv2.polylines(mask, [_points(xy)], False, opacity, thickness, cv2.LINE_AA, _SHIFT)


def _ellipse(
    mask: NDArray[np.uint8],
    center: tuple[float, float],
    axes: tuple[float, float],
    angle_deg: float = 0.0,
) -> None:
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    x, y = axes[0] * np.cos(turn), axes[1] * np.sin(turn)
    _fill(mask, np.stack([center[0] + x * cos - y * sin, center[1] + x * sin + y * cos], axis=1))


def _color(rng: np.random.Generator, *, grey_ratio: float = 0.6) -> NDArray[np.float64]:
    level = float(rng.uniform(15, 240))
    if rng.random() < grey_ratio:
        return np.clip(level + rng.normal(0, 6, 3), 0, 255)
    return np.asarray(rng.uniform(10, 245, 3))


def _paint(mask: NDArray[np.uint8], color: NDArray[np.float64], rng: np.random.Generator) -> Rgba:
    """The mask in one colour with a gradient of light and some grain, premultiplied."""
    height, width = mask.shape
    toward = rng.uniform(-1, 1, 2)
    ramp = (
        np.linspace(-0.5, 0.5, height)[:, None] * toward[0]
        + np.linspace(-0.5, 0.5, width)[None] * toward[1]
    )
    shade = 1.0 + ramp * rng.uniform(0.0, 0.9)
    shade += rng.standard_normal((height, width), dtype=np.float32) * rng.uniform(0.0, 0.06)
    rgb = np.clip(color[None, None] * shade[..., None], 0, 255)
    alpha = mask[..., None].astype(np.float32) / 255.0
    return np.dstack([rgb * alpha, mask]).astype(np.uint8)


def _over(base: Rgba, top: Rgba) -> Rgba:
    keep = 1.0 - top[..., 3:].astype(np.float32) / 255.0
    return (top + base * keep).astype(np.uint8)


def _empty(height_px: float, width_px: float) -> NDArray[np.uint8]:
    return np.zeros((max(3, int(height_px)), max(3, int(width_px))), np.uint8)


def _draw_blob(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px + 2, size_px * rng.uniform(0.3, 1.0) + 2)
    height, width = mask.shape
    if rng.random() < 0.15:
        _ellipse(mask, (width / 2, height / 2), (width / 2 - 1, height / 2 - 1))
    else:
        count = int(rng.integers(3, 9))
        turn = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = rng.uniform(0.35, 1.0, count)
        _fill(
            mask,
            np.stack(
                [
                    width / 2 + reach * np.cos(turn) * (width / 2 - 1),
                    height / 2 + reach * np.sin(turn) * (height / 2 - 1),
                ],
                axis=1,
            ),
        )
    return _paint(mask, _color(rng), rng)


def _draw_pole(size_px: float, rng: np.random.Generator) -> Rgba:
    thick = max(1.0, size_px * rng.uniform(0.008, 0.05))
    mask = _empty(size_px, max(8.0, size_px * 0.35))
    height, width = mask.shape
    middle, lean = width / 2, rng.uniform(-0.03, 0.03) * height
    top = (middle + lean, 1.0)
    _fill(
        mask,
        np.array(
            [
                [middle - thick / 2, height],
                [middle + thick / 2, height],
                [top[0] + thick / 3, top[1]],
                [top[0] - thick / 3, top[1]],
            ]
        ),
    )
    style = rng.random()
    if style < 0.35:  # street lamp
        reach = rng.uniform(-0.5, 0.5) * width
        _line(mask, np.array([top, (top[0] + reach, 2.0)]), max(0.8, thick * 0.5))
        _ellipse(mask, (top[0] + reach, 3.0), (max(1.5, width * 0.09), max(1.0, thick * 0.6)))
    elif style < 0.7:  # cross-arms
        for y in rng.uniform(0.02, 0.35, int(rng.integers(1, 4))) * height:
            half = rng.uniform(0.2, 0.5) * width
            _line(mask, np.array([(middle - half, y), (middle + half, y)]), max(0.8, thick * 0.6))
    return _paint(mask, _color(rng), rng)


def _draw_wire(size_px: float, rng: np.random.Generator) -> Rgba:
    slope, sag = rng.uniform(-0.35, 0.35) * size_px, rng.uniform(0, 0.12) * size_px
    count = int(rng.integers(1, 4))
    gap = rng.uniform(2.5, 10)
    mask = _empty(abs(slope) + sag + gap * count + 6, size_px)
    width = mask.shape[1]
    t = np.linspace(0, 1, 16)
    start = max(0.0, -slope) + 2
    for row in range(count):
        y = start + slope * t + 4 * sag * t * (1 - t) + row * gap
        _line(mask, np.stack([t * width, y], axis=1), float(rng.uniform(0.5, 2.2)))
    return _paint(mask, _color(rng, grey_ratio=0.95), rng)


def _draw_antenna(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px, max(8.0, size_px * rng.uniform(0.15, 0.45)))
    height, width = mask.shape
    thin = max(0.7, size_px * 0.01)
    middle = width / 2
    if rng.random() < 0.5:  # lattice mast
        foot = rng.uniform(0.1, 0.5) * width
        steps = int(rng.integers(4, 10))
        levels = np.linspace(height, 0, steps + 1)
        half = np.linspace(foot, foot * 0.15, steps + 1)
        for side in (-1, 1):
            _line(mask, np.stack([middle + side * half, levels], axis=1), thin)
            zigzag = middle + side * half * (-1) ** np.arange(steps + 1)
            _line(mask, np.stack([zigzag, levels], axis=1), thin * 0.8)
    else:  # yagi: a boom with rods
        _line(mask, np.array([(middle, height), (middle, 0.1 * height)]), thin * 1.5)
        y = rng.uniform(0.08, 0.3) * height
        for x in np.linspace(0.05, 0.95, int(rng.integers(4, 9))) * width:
            reach = rng.uniform(0.06, 0.12) * height
            _line(mask, np.array([(x, y - reach), (x, y + reach)]), thin)
        _line(mask, np.array([(0.03 * width, y), (0.97 * width, y)]), thin)
    return _paint(mask, _color(rng, grey_ratio=0.9), rng)


def _figure(
    mask: NDArray[np.uint8],
    top: float,
    height: float,
    rng: np.random.Generator,
    parts: list[NDArray[np.uint8]],
) -> None:
    """A person in a random pose, drawn into trousers, shirt and skin masks."""
    middle = mask.shape[1] / 2
    unit = height / 8
    hip, neck = top + 4.2 * unit, top + 1.3 * unit
    trousers, shirt, skin = parts
    for side in (-1, 1):
        foot = (middle + side * rng.uniform(0.1, 1.3) * unit, top + height)
        knee = (middle + side * rng.uniform(0.3, 1.0) * unit, top + 6.1 * unit)
        _line(trousers, np.array([(middle + side * 0.4 * unit, hip), knee, foot]), unit * 0.95)
        elbow = (middle + side * rng.uniform(0.9, 1.7) * unit, neck + rng.uniform(-0.3, 2) * unit)
        hand = (
            elbow[0] + side * rng.uniform(-0.7, 1.2) * unit,
            elbow[1] + rng.uniform(-1.6, 1.8) * unit,
        )
        _line(shirt, np.array([(middle + side * 0.7 * unit, neck + 0.3 * unit), elbow]), unit * 0.7)
        _line(skin, np.array([elbow, hand]), unit * 0.5)
    _fill(
        shirt,
        np.array(
            [
                [middle - 0.95 * unit, neck],
                [middle + 0.95 * unit, neck],
                [middle + 0.7 * unit, hip + 0.4 * unit],
                [middle - 0.7 * unit, hip + 0.4 * unit],
            ]
        ),
    )
    _ellipse(skin, (middle, top + 0.6 * unit), (0.5 * unit, 0.62 * unit))


def _draw_person(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px, size_px * 0.8)
    parts = [np.zeros_like(mask) for _ in range(3)]
    _figure(mask, 1.0, mask.shape[0] - 2.0, rng, parts)
    skin = np.array([225.0, 180, 150]) * rng.uniform(0.3, 1.05)
    colors = (_color(rng), _color(rng, grey_ratio=0.4), np.clip(skin, 0, 255))
    figure = _paint(parts[0], colors[0], rng)
    for part, color in zip(parts[1:], colors[1:], strict=True):
        figure = _over(figure, _paint(part, color, rng))
    return figure


def _draw_statue(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px, size_px * 0.6)
    height, width = mask.shape
    split = rng.uniform(0.5, 0.75) * height
    _figure(mask, 1.0, split, rng, [mask, mask, mask])
    half = rng.uniform(0.15, 0.3) * width
    _fill(
        mask,
        np.array(
            [
                [width / 2 - half, split],
                [width / 2 + half, split],
                [width / 2 + half * 1.2, height],
                [width / 2 - half * 1.2, height],
            ]
        ),
    )
    return _paint(mask, _color(rng, grey_ratio=0.8), rng)


def _draw_roof(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px * rng.uniform(0.3, 0.8), size_px)
    height, width = mask.shape
    peak = rng.uniform(0.2, 0.8) * width
    eave = rng.uniform(0.3, 0.8) * height
    wall = _fill_wall(mask.shape, eave, rng)
    _fill(
        mask,
        np.array(
            [[0, eave], [peak - rng.uniform(0, 0.3) * width, 1], [peak, 1], [width - 1, eave]]
        ),
    )
    for _ in range(int(rng.integers(0, 3))):
        x, rise = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.4) * eave
        broad = rng.uniform(0.02, 0.07) * width
        _fill(
            mask,
            np.array(
                [
                    [x, eave * 0.7],
                    [x, eave * 0.5 - rise],
                    [x + broad, eave * 0.5 - rise],
                    [x + broad, eave * 0.7],
                ]
            ),
        )
    return _over(wall, _paint(mask, _color(rng), rng))


def _fill_wall(shape: tuple[int, ...], eave: float, rng: np.random.Generator) -> Rgba:
    wall = np.zeros(shape, np.uint8)
    height, width = shape
    inset = rng.uniform(0.02, 0.12) * width
    _fill(
        wall,
        np.array(
            [[inset, eave - 1], [width - inset, eave - 1], [width - inset, height], [inset, height]]
        ),
    )
    return _paint(wall, _color(rng), rng)


def _draw_contrail(size_px: float, rng: np.random.Generator) -> Rgba:
    angle = rng.uniform(-0.6, 0.6)
    mask = _empty(size_px * abs(np.sin(angle)) + 14, size_px * np.cos(angle) + 14)
    height, width = mask.shape
    ends = np.array([[6, 6], [width - 6, height - 6]], np.float64)
    if angle < 0:
        ends[:, 1] = ends[::-1, 1]
    for offset in (0.0, rng.uniform(1.5, 5)) if rng.random() < 0.5 else (0.0,):
        _line(mask, ends + np.array([0.0, offset]), float(rng.uniform(0.8, 1.5 + 0.01 * size_px)))
    mask = _blur(mask, float(rng.uniform(0.7, 2.5)))
    fade = np.linspace(rng.uniform(0, 0.6), 1.0, width)[:: int(rng.choice([-1, 1]))]
    mask = (mask * fade * rng.uniform(0.3, 0.95)).astype(np.uint8)
    return _paint(mask, np.full(3, rng.uniform(215, 255)), rng)


def _draw_cloud(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px * rng.uniform(0.3, 0.7) + 8, size_px + 8)
    height, width = mask.shape
    for _ in range(int(rng.integers(3, 10))):
        center = (rng.uniform(0.3, 0.7) * width, rng.uniform(0.42, 0.58) * height)
        _ellipse(mask, center, (rng.uniform(0.06, 0.2) * width, rng.uniform(0.1, 0.25) * height))
    # A third of the height stays free on each side, so that the blur never meets the border.
    mask = _blur(mask, max(0.8, height * float(rng.uniform(0.02, 0.055))))
    mask = (mask * rng.uniform(0.4, 1.0)).astype(np.uint8)
    return _paint(mask, np.full(3, rng.uniform(150, 255)), rng)


def _draw_girder(size_px: float, rng: np.random.Generator) -> Rgba:
    mask = _empty(size_px * rng.uniform(0.12, 0.6), size_px)
    height, width = mask.shape
    bar = max(1.0, size_px * rng.uniform(0.01, 0.03))
    count = int(rng.integers(3, 9))
    xs = np.linspace(bar, width - bar, count + 1)
    for y in (bar, height - bar):
        _line(mask, np.array([(0, y), (width, y)]), bar)
    for left, right in pairwise(xs):
        _line(mask, np.array([(left, bar), (left, height - bar)]), bar * 0.8)
        _line(mask, np.array([(left, bar), (right, height - bar)]), bar * 0.6)
        _line(mask, np.array([(right, bar), (left, height - bar)]), bar * 0.6)
    return _paint(mask, _color(rng, grey_ratio=0.9), rng)


def _draw_branch(size_px: float, rng: np.random.Generator) -> Rgba:
    mask, leaves = _empty(size_px * 0.7, size_px), _empty(size_px * 0.7, size_px)
    height, width = mask.shape
    count = int(rng.integers(4, 8))
    trunk = np.stack(
        [np.linspace(0, width, count), height * (0.5 + np.cumsum(rng.normal(0, 0.08, count)))],
        axis=1,
    )
    _line(mask, trunk, max(0.8, size_px * 0.015))
    for point in trunk[1:]:
        for _ in range(int(rng.integers(1, 4))):
            tip = point + rng.normal(0, 0.16, 2) * size_px
            _line(mask, np.array([point, tip]), max(0.6, size_px * 0.006))
            for _ in range(int(rng.integers(0, 4))):
                spot = tip + rng.normal(0, 0.04, 2) * size_px
                axes = np.abs(rng.normal(0.015, 0.008, 2)) * size_px + 0.6
                _ellipse(
                    leaves,
                    (float(spot[0]), float(spot[1])),
                    (axes[0], axes[1]),
                    float(rng.uniform(0, 180)),
                )
    green = np.array([rng.uniform(30, 140), rng.uniform(60, 150), rng.uniform(20, 70)])
    bark = np.full(3, rng.uniform(15, 90))
    return _over(_paint(mask, bark, rng), _paint(leaves, green, rng))


def _draw_scrap(size_px: float, rng: np.random.Generator, canvas: NDArray[np.uint8]) -> Rgba:
    """A piece of the scene's own background in the wrong place: an edge is not an object."""
    size_px = min(size_px, 0.45 * min(canvas.shape[:2]))
    shape = _draw_blob(size_px, rng)[..., 3]
    height, width = shape.shape
    y = int(rng.integers(0, canvas.shape[0] - height + 1))
    x = int(rng.integers(0, canvas.shape[1] - width + 1))
    piece = canvas[y : y + height, x : x + width]
    alpha = shape[..., None].astype(np.float32) / 255.0
    return np.dstack([piece * alpha, shape]).astype(np.uint8)


_DRAW: dict[str, Callable[[float, np.random.Generator], Rgba]] = {
    "blob": _draw_blob,
    "pole": _draw_pole,
    "wire": _draw_wire,
    "antenna": _draw_antenna,
    "person": _draw_person,
    "statue": _draw_statue,
    "roof": _draw_roof,
    "contrail": _draw_contrail,
    "cloud": _draw_cloud,
    "girder": _draw_girder,
    "branch": _draw_branch,
}
KINDS = (*_DRAW, "scrap")
FRONT_KINDS = ("pole", "wire", "antenna", "branch", "girder", "cloud")
