"""Pictures to measure on: four cutouts each on a plain sky, the same every time.

Only the amount of work matters here (how many objects, how large), not whether it is hard.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilModule

from core.image import open_picture
from core.types import Image

__all__ = ["OBJECT_SIDES_PX", "Picture", "Scattered", "make_pictures", "scatter_objects"]

PICTURE_WH = (1520, 870)
OBJECT_SIDES_PX = (36, 56, 76, 130)
CUTOUTS_PATH = Path(__file__).parents[1] / "assets" / "cutouts"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture and a caption for each of its objects."""

    image: Image
    captions: tuple[str, ...]


def make_pictures(
    count: int, *, cutouts_path: Path = CUTOUTS_PATH, wh: tuple[int, int] = PICTURE_WH
) -> list[Picture]:
    """Return pictures of labelled cutouts on a sky.

    Args:
        count: How many.
        cutouts_path: Folder with cutouts.jsonl and its images.
        wh: Size of each picture.
    """
    cutouts = _labelled(cutouts_path)
    return [_make_picture(np.random.default_rng([0, i]), cutouts, cutouts_path, wh)
            for i in range(count)]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Scattered:
    """A picture with many small objects.

    Args:
        image: The picture.
        xyxy: (n, 4) float32, the tight boxes of what can be seen of the objects.
    """

    image: Image
    xyxy: NDArray[np.float32]


def scatter_objects(
    number: int,
    *,
    wh: tuple[int, int],
    count: int = 40,
    sides_px: tuple[int, int] = (8, 16),
    cutouts_path: Path = CUTOUTS_PATH,
) -> Scattered:
    """Return a picture of small labelled cutouts on a sky, the same every time.

    Args:
        number: Which picture.
        wh: Its size.
        count: How many objects.
        sides_px: Least and largest longer side.
        cutouts_path: Folder with cutouts.jsonl and its images.
    """
    rng = np.random.default_rng([1, number])
    cutouts = _labelled(cutouts_path)
    canvas = _make_sky(rng, wh)
    columns = int(np.ceil(np.sqrt(count)))
    cell_wh = wh[0] // columns, wh[1] // columns
    boxes = []
    for slot in range(count):
        side_px = int(rng.integers(sides_px[0], sides_px[1] + 1))
        rgba = _open_cutout(cutouts_path / cutouts[rng.integers(len(cutouts))]["file"], side_px)
        # A cell each, so that no two overlap.
        x = slot % columns * cell_wh[0] + int(rng.integers(0, cell_wh[0] - rgba.width))
        y = slot // columns * cell_wh[1] + int(rng.integers(0, cell_wh[1] - rgba.height))
        canvas.paste(rgba, (x, y), rgba)
        boxes.append((x, y, x + rgba.width, y + rgba.height))
    return Scattered(np.array(canvas), np.array(boxes, np.float32))


def _labelled(folder: Path) -> list[dict]:
    lines = (folder / "cutouts.jsonl").read_text(encoding="utf-8").splitlines()
    return [cutout for cutout in map(json.loads, lines) if cutout["labelled"]]


def _open_cutout(path: Path, side_px: int) -> PilModule.Image:
    """A cutout with its longer side so long, without an empty rim."""
    with open_picture(path) as opened:
        rgba = opened.convert("RGBA")
    rgba = rgba.crop(rgba.getchannel("A").getbbox())
    rgba.thumbnail((side_px, side_px), PilModule.Resampling.LANCZOS)
    return rgba


def _make_picture(
    rng: np.random.Generator, cutouts: list[dict], folder: Path, wh: tuple[int, int]
) -> Picture:
    canvas = _make_sky(rng, wh)
    captions = []
    chosen = rng.choice(len(cutouts), len(OBJECT_SIDES_PX), replace=False)
    for slot, (number, side_px) in enumerate(zip(chosen, OBJECT_SIDES_PX, strict=True)):
        cutout = cutouts[number]
        with open_picture(folder / cutout["file"]) as opened:
            rgba = opened.convert("RGBA")
        rgba.thumbnail((side_px, side_px), PilModule.Resampling.LANCZOS)
        # One column each, so that no two overlap.
        column = wh[0] // len(OBJECT_SIDES_PX)
        x = slot * column + int(rng.integers(0, column - rgba.width))
        y = int(rng.integers(0, wh[1] - rgba.height))
        canvas.paste(rgba, (x, y), rgba)
        captions.append(cutout["caption"])
    return Picture(np.array(canvas), tuple(captions))


def _make_sky(rng: np.random.Generator, wh: tuple[int, int]) -> PilModule.Image:
    height = np.linspace(0, 1, wh[1])[:, None, None]
    top, bottom = np.array([90, 140, 210]), np.array([200, 215, 230])
    sky: NDArray[np.float64] = top * (1 - height) + bottom * height
    noisy = np.broadcast_to(sky, (wh[1], wh[0], 3)) + rng.normal(0, 2, (wh[1], wh[0], 3))
    return PilModule.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
