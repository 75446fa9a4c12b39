"""Small pictures with one object in them, as a camera would have taken them.

In: a cutout library. Out: a `Scene`: the picture, the object's true box, and which cutout it was.
What `synth.render` does for whole images is done here for the neighborhood of one object, because
a crop needs no more and comes out many times faster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Image
from synth.captions import COMPETITION_TYPES, TYPES
from synth.library import Cutout, Library
from synth.texture import sample_texture, texture_object
from training.light import light_object

__all__ = ["CropConfig", "Scene", "draw_scene"]


@dataclass(frozen=True, slots=True)
class CropConfig:
    """What is drawn for a crop.

    Attributes:
        competition_ratio: Share of crops that show one of the competition's eight types.
        nothing_ratio: Share without a known object: distractors and bare background.
        side_range_px: Longer side of the object in the scene, drawn evenly in its logarithm.
        large_ratio: Share of objects drawn larger, up to `large_px`.
        upscaler_ratio: Share of the smallest crops that pass the upscaler. It falls for larger
            ones, where the upscaler costs most and changes least, and the rest is enlarged
            plainly, so that the reranker also works without one.
        texture_ratio: Share of objects with a photograph's light and shade over them, as renders
            are smoother than real things.
        texture_max: How strong these may be; see ``synth.texture``.
    """

    competition_ratio: float = 0.78
    nothing_ratio: float = 0.04
    side_range_px: tuple[float, float] = (20.0, 190.0)
    large_ratio: float = 0.08
    large_px: float = 400.0
    upscaler_ratio: float = 0.9
    texture_ratio: float = 0.5
    texture_max: float = 0.5


@dataclass(frozen=True, slots=True)
class Scene:
    """A small picture with one object in it, and what is known about that object."""

    image: Image
    box_xyxy: tuple[float, float, float, float]
    cutout: Cutout | None


def draw_scene(library: Library, config: CropConfig, rng: np.random.Generator) -> Scene:
    """Return one scene drawn at random."""
    low, high = config.side_range_px
    if rng.random() < config.large_ratio:
        low, high = high, config.large_px
    side = math.exp(rng.uniform(math.log(low), math.log(high)))
    at_border = rng.random() < 0.06
    canvas_px = int((2.0 if at_border else 1.45) * side) + 24 + int(rng.integers(24))
    canvas = _draw_background(library, canvas_px, rng).astype(np.float32)
    if rng.random() < 0.08:
        other = library.cutouts[int(rng.integers(len(library.cutouts)))]
        angle = rng.uniform(0, 2 * math.pi)
        reach = side * rng.uniform(0.65, 0.85)
        offset = (math.cos(angle) * reach, math.sin(angle) * reach)
        _paste(canvas, _prepare(library, other, side * rng.uniform(0.4, 1.1), rng), offset)
    cutout = _draw_cutout(library, config, rng)
    if cutout is None:
        half = side / 2
        middle = canvas_px / 2
        box = (middle - half, middle - half, middle + half, middle + half)
    else:
        sprite = _prepare(library, cutout, side, rng)
        if rng.random() < config.texture_ratio:
            sprite = _texture(library, sprite, config.texture_max, rng)
        sprite, against_light = light_object(sprite, canvas, rng)
        box = _paste(canvas, sprite, (0.0, 0.0))
        if not cutout.labelled:
            cutout = None
        elif against_light:
            cutout = replace(cutout, colors={"black": 1.0}, camouflage=False)
    # What is small already shows little; spoiling it as much would leave nothing to learn from.
    image = _spoil(canvas, rng, strength=float(np.clip(side / 60, 0.4, 1)))
    if at_border:
        image, box = _cross_border(image, box, rng)
    return Scene(np.ascontiguousarray(image), box, cutout)


def _draw_cutout(library: Library, config: CropConfig, rng: np.random.Generator) -> Cutout | None:
    draw = rng.random()
    if draw < config.nothing_ratio:
        pool: Sequence[Cutout] = library.distractors
        if not pool or rng.random() < 0.5:
            return None
    else:
        wanted = COMPETITION_TYPES if rng.random() < config.competition_ratio else TYPES[8:]
        names = [name for name in wanted if name in library.by_class] or list(library.by_class)
        pool = library.by_class[names[int(rng.integers(len(names)))]]
    return pool[int(rng.integers(len(pool)))]


def _draw_background(library: Library, side_px: int, rng: np.random.Generator) -> Image:
    if rng.random() < 0.2:
        return _draw_plain_sky(side_px, rng)
    backgrounds = library.backgrounds
    photograph = library.background(backgrounds[int(rng.integers(len(backgrounds)))].name)
    height, width = photograph.shape[:2]
    patch = int(np.clip(side_px * math.exp(rng.uniform(-0.4, 0.6)), 16, min(height, width)))
    # Flying things are mostly seen against the sky: prefer the upper part.
    depth = rng.beta(1.0, 2.2) if rng.random() < 0.75 else rng.random()
    top, left = int(depth * (height - patch)), int(rng.integers(width - patch + 1))
    view = photograph[top : top + patch, left : left + patch]
    if rng.random() < 0.5:
        view = view[:, ::-1]
    method = cv2.INTER_AREA if patch > side_px else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(view), (side_px, side_px), interpolation=method)


def _draw_plain_sky(side_px: int, rng: np.random.Generator) -> Image:
    """A smooth sky: blue, grey, blown out to white, or dusk."""
    palette = np.array(
        [(120, 165, 215), (70, 125, 195), (200, 205, 210), (250, 250, 250), (235, 240, 245),
         (150, 160, 170), (225, 170, 130), (60, 65, 80)], np.float32
    )  # fmt: skip
    weights = np.array([0.17, 0.12, 0.14, 0.22, 0.16, 0.1, 0.05, 0.04])
    base = palette[int(rng.choice(len(palette), p=weights))] + rng.normal(0, 8, 3)
    slope = np.linspace(-1, 1, side_px, dtype=np.float32)[:, None, None] * rng.normal(0, 9, 3)
    ripple = cv2.resize(rng.normal(0, 1, (5, 5, 1)).astype(np.float32), (side_px, side_px))
    sky = base + slope + ripple[..., None] * rng.uniform(0, 8)
    return np.clip(np.broadcast_to(sky, (side_px, side_px, 3)), 0, 255).astype(np.uint8)


def _prepare(
    library: Library, cutout: Cutout, side_px: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The cutout flipped, turned and resized: premultiplied float32 RGBA, 0..255."""
    rgba = library.rgba_near(cutout.name, side_px)
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
    if rng.random() < 0.04:
        rgba = rgba[::-1]
    angle = rng.normal(0, 9) if rng.random() < 0.85 else rng.uniform(-60, 60)
    height, width = rgba.shape[:2]
    radians = math.radians(angle)
    cos, sin = abs(math.cos(radians)), abs(math.sin(radians))
    turned_wh = (width * cos + height * sin, width * sin + height * cos)
    scale = side_px / max(turned_wh)
    size = (max(3, math.ceil(turned_wh[0] * scale)), max(3, math.ceil(turned_wh[1] * scale)))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[:, 2] += (size[0] / 2 - width / 2, size[1] / 2 - height / 2)
    source = np.ascontiguousarray(rgba).astype(np.float32)
    if scale < 1:  # the pyramid leaves at most a factor two; a slight blur avoids aliasing
        source = cv2.GaussianBlur(source, (0, 0), 0.45 / scale)
    return cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR)


def _texture(
    library: Library, sprite: NDArray[np.float32], depth_max: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The sprite with the light and shade of a piece of some background over it."""
    name = library.backgrounds[int(rng.integers(len(library.backgrounds)))].name
    photograph = library.background(name)
    height, width = photograph.shape[:2]
    texture = sample_texture(rng, name, (width, height), max(sprite.shape[:2]), depth_max)
    return texture_object(sprite, photograph, texture)


def _paste(
    canvas: NDArray[np.float32], sprite: NDArray[np.float32], offset: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Blend the sprite into the canvas, its middle `offset` from the canvas's; return its box."""
    side = canvas.shape[0]
    height, width = sprite.shape[:2]
    left = round(side / 2 + offset[0] - width / 2)
    top = round(side / 2 + offset[1] - height / 2)
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + width, side), min(top + height, side)
    if x2 > x1 and y2 > y1:
        part = sprite[y1 - top : y2 - top, x1 - left : x2 - left]
        view = canvas[y1:y2, x1:x2]
        view *= 1 - part[..., 3:] / 255
        view += part[..., :3]
    opaque = sprite[..., 3] > 60
    columns, rows = np.flatnonzero(opaque.any(0)), np.flatnonzero(opaque.any(1))
    if not len(columns):
        return (float(left), float(top), float(left + width), float(top + height))
    return (
        float(left + columns[0]),
        float(top + rows[0]),
        float(left + columns[-1] + 1),
        float(top + rows[-1] + 1),
    )


def _spoil(image: NDArray[np.float32], rng: np.random.Generator, *, strength: float) -> Image:
    """What cameras do: exposure, white balance, haze, blur, sharpening, noise, JPEG."""
    if rng.random() < 0.45:
        image = image * rng.uniform(0.6, 1.15)
    elif rng.random() < 0.25:
        image = image * rng.uniform(1.15, 1.8)  # blown highlights once clipped
    if rng.random() < 0.4:
        image = image * rng.normal(1, 0.05, 3).astype(np.float32)
    if rng.random() < 0.25:
        image = 255 * (np.clip(image, 0, 255) / 255) ** rng.uniform(0.75, 1.35)
    if rng.random() < 0.15:  # a veil, or little contrast
        veil, depth = rng.uniform(120, 245), rng.uniform(0.05, 0.35)
        image = image * (1 - depth) + veil * depth
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.3 + strength))
    if rng.random() < 0.08 * strength:
        image = _motion_blur(image, rng)
    if rng.random() < 0.2:
        image = image + (image - cv2.GaussianBlur(image, (0, 0), 1.2)) * rng.uniform(0.3, 1.4)
    if rng.random() < 0.55:
        image = _add_noise(np.clip(image, 0, 255), rng, strength)
    result = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))]
        result = cv2.imdecode(cv2.imencode(".jpg", result, quality)[1], cv2.IMREAD_COLOR)
    return result


def _motion_blur(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    size = int(rng.integers(3, 6))
    kernel = np.zeros((size, size), np.float32)
    angle = rng.uniform(0, math.pi)
    reach = (size - 1) / 2
    for step in np.linspace(-reach, reach, 4 * size):
        x, y = reach + step * math.cos(angle), reach + step * math.sin(angle)
        kernel[round(y), round(x)] += 1
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _add_noise(
    image: NDArray[np.float32], rng: np.random.Generator, strength: float
) -> NDArray[np.float32]:
    """Sensor noise, mostly slight, at times as strong as the competition's (up to 50 of 255)."""
    deviation = strength * (rng.uniform(1, 16) if rng.random() < 0.8 else rng.uniform(16, 50))
    shape = (*image.shape[:2], 3 if rng.random() < 0.7 else 1)
    noise = rng.standard_normal(shape, np.float32) * np.float32(deviation)
    if rng.random() < 0.3:  # shot noise: more of it in the light
        noise = noise * np.sqrt(image / 160 + 0.1)
    if rng.random() < 0.2:  # coarse grain, as left by a small sensor's processing
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8).reshape(noise.shape) * 1.8
    return image + noise


def _cross_border(
    image: Image, box: tuple[float, float, float, float], rng: np.random.Generator
) -> tuple[Image, tuple[float, float, float, float]]:
    """Let the picture end near the object, or cut up to a quarter of it off."""
    x1, y1, x2, y2 = box
    turns = int(rng.integers(4))
    image = np.rot90(image, turns)  # the border is always the left one; turn there and back
    side = image.shape[0]
    for _ in range(turns):
        x1, y1, x2, y2 = y1, side - x2, y2, side - x1
    edge = int(np.clip(x1 + (x2 - x1) * rng.uniform(-0.15, 0.25), 0, side // 2))
    image = image[:, edge:]
    x1, x2 = max(x1 - edge, 0), x2 - edge
    for _ in range((4 - turns) % 4):
        wide = image.shape[1]
        x1, y1, x2, y2 = y1, wide - x2, y2, wide - x1
        image = np.rot90(image)
    return np.ascontiguousarray(image), (x1, y1, x2, y2)
