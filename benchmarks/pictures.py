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

from core.types import Image

__all__ = ["Picture", "make_pictures"]

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
    lines = (cutouts_path / "cutouts.jsonl").read_text(encoding="utf-8").splitlines()
    cutouts = [cutout for cutout in map(json.loads, lines) if cutout["labelled"]]
    return [_make_picture(np.random.default_rng([0, i]), cutouts, cutouts_path, wh)
            for i in range(count)]  # fmt: skip


def _make_picture(
    rng: np.random.Generator, cutouts: list[dict], folder: Path, wh: tuple[int, int]
) -> Picture:
    canvas = _make_sky(rng, wh)
    captions = []
    chosen = rng.choice(len(cutouts), len(OBJECT_SIDES_PX), replace=False)
    for slot, (number, side_px) in enumerate(zip(chosen, OBJECT_SIDES_PX, strict=True)):
        cutout = cutouts[number]
        with PilModule.open(folder / cutout["file"]) as opened:
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
