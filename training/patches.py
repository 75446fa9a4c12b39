"""Sharp training patches from photographs, with objects pasted over some of them.

Here: which pictures are held out, where a patch is cut, what is pasted on it. Not here: making
patches worse (`training.degrade`). Flow: folder of photographs (+ cutout library) -> uint8 (side,
side, 3) RGB patches.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["iterate_patches", "list_pictures", "read_cutouts", "split_pictures"]

Image = NDArray[np.uint8]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_PATCHES_PER_PICTURE = 12  # decoding a photograph costs as much as degrading five patches


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures below `folder`, sorted by name.

    Args:
        folder: searched with its sub-folders.

    Raises:
        FileNotFoundError: if there is none.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES)
    if not found:
        raise FileNotFoundError(
            f"no picture ({', '.join(sorted(_SUFFIXES))}) in {folder}. "
            "Pass a folder of photographs with --backgrounds."
        )
    return found


def split_pictures(
    paths: Sequence[Path], *, holdout_ratio: float = 0.1
) -> tuple[list[Path], list[Path]]:
    """Return (training, held out), split by the name of the place so that views of one never part.

    Args:
        paths: pictures; "harbour_0.jpg" to "harbour_9.jpg" are views of one place.
        holdout_ratio: share of places held out, in [0, 1].

    Example:
        >>> train, held = split_pictures([Path("a_0.jpg"), Path("a_1.jpg")], holdout_ratio=1.0)
        >>> len(train), len(held)
        (0, 2)
    """
    train: list[Path] = []
    held: list[Path] = []
    for path in paths:
        # One digit: cameras name all their pictures alike, IMG_0001 and IMG_0002.
        place = re.sub(r"_\d$", "", path.stem)
        share = int(hashlib.sha256(place.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
        (held if share <= holdout_ratio else train).append(path)
    return train, held


def read_cutouts(folder: Path, *, limit: int = 400) -> list[NDArray[np.uint8]]:
    """Return up to `limit` cutouts of a library (`cutouts.jsonl`) as uint8 (h, w, 4) RGBA.

    Args:
        folder: the library.
        limit: how many; they are taken evenly over the list.

    Raises:
        FileNotFoundError: if the library has no list.
    """
    listing = folder / "cutouts.jsonl"
    if not listing.is_file():
        raise FileNotFoundError(f"{listing} is missing. --cutouts takes a folder made by `synth`.")
    rows = [
        json.loads(line)
        for line in listing.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    rows = rows[:: max(1, len(rows) // limit)][:limit]
    cutouts = []
    for row in rows:
        picture = cv2.imread(str(folder / row["file"]), cv2.IMREAD_UNCHANGED)
        if picture is not None and picture.ndim == 3 and picture.shape[2] == 4:
            cutouts.append(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8))
    return cutouts


def iterate_patches(
    paths: Sequence[Path],
    *,
    side_px: int,
    rng: np.random.Generator,
    cutouts: Sequence[NDArray[np.uint8]] = (),
) -> Iterator[Image]:
    """Yield sharp patches for ever, several from each picture, with an eye for edges and objects.

    Args:
        paths: pictures to cut from.
        side_px: side of a patch.
        rng: source of randomness.
        cutouts: RGBA objects to paste; without any, drawn shapes take their place.

    Yields:
        uint8 (side_px, side_px, 3) RGB.
    """
    while True:
        picture = _read_shrunk(paths[int(rng.integers(len(paths)))], side_px, rng)
        for _ in range(_PATCHES_PER_PICTURE):
            patch = _cut_patch(picture, side_px, rng)
            draw = rng.random()
            if cutouts and draw < 0.5:
                patch = _paste(patch, cutouts[int(rng.integers(len(cutouts)))], rng)
            elif draw < (0.6 if cutouts else 0.35):
                patch = _paste(patch, _draw_shapes(side_px, rng), rng)
            yield patch


def _read_shrunk(path: Path, side_px: int, rng: np.random.Generator) -> Image:
    """Return the picture, most often reduced: that removes its own JPEG blocks and softness."""
    picture = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    smallest = (side_px + 8) / min(picture.shape[:2])
    ratio = max(smallest, rng.uniform(0.3, 1.0))
    return np.asarray(
        cv2.resize(picture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8
    )


def _cut_patch(picture: Image, side_px: int, rng: np.random.Generator) -> Image:
    """Return the busiest of three random places, or now and then any: skies are mostly empty."""
    candidates = []
    for _ in range(3 if rng.random() < 0.8 else 1):
        y = int(rng.integers(picture.shape[0] - side_px + 1))
        x = int(rng.integers(picture.shape[1] - side_px + 1))
        candidates.append(picture[y : y + side_px, x : x + side_px])
    return max(candidates, key=_busyness).copy()


def _busyness(patch: Image) -> float:
    green = patch[::2, ::2, 1].astype(np.float32)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def _paste(patch: Image, cutout: NDArray[np.uint8], rng: np.random.Generator) -> Image:
    """Return the patch with the cutout over it, turned, scaled and shifted at random."""
    side = patch.shape[0]
    height, width = cutout.shape[:2]
    size = rng.uniform(0.5, 1.6) * side / max(height, width)
    matrix = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(rng.normal(0, 20)), min(size, 1.5)
    )
    matrix[:, 2] += rng.uniform(0.25, 0.75, 2) * side - (width / 2, height / 2)
    premultiplied = cutout.astype(np.float32)
    premultiplied[:, :, :3] *= premultiplied[:, :, 3:] / 255.0
    if size < 0.75:  # warpAffine does not filter, so a strong reduction is done by area first
        ratio = size * 1.2
        premultiplied = cv2.resize(
            premultiplied, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA
        )
        matrix[:, :2] /= ratio
    moved = cv2.warpAffine(premultiplied, matrix, (side, side), flags=cv2.INTER_LINEAR)
    gain = rng.uniform(0.7, 1.15)
    mixed = moved[:, :, :3] * gain + patch * (1.0 - moved[:, :, 3:] / 255.0)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _draw_shapes(side_px: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an RGBA drawing of a few flat-colored bodies with stripes: edges and markings."""
    fine = 2  # drawn twice as large and averaged, so that edges are smooth
    canvas = np.zeros((side_px * fine, side_px * fine, 4), np.uint8)
    center = np.array((side_px, side_px), np.float64)
    for part in range(int(rng.integers(2, 7))):
        color = (*rng.integers(0, 256, 3).tolist(), 255) if rng.random() < 0.7 else _draw_grey(rng)
        reach = side_px * (0.75 if part == 0 else 0.35)
        middle = center + (0 if part == 0 else 1) * rng.normal(0, side_px * 0.3, 2)
        at = (round(middle[0]), round(middle[1]))
        angle = float(rng.uniform(0, 180))
        axes = (int(reach * rng.uniform(0.3, 1)), int(max(2, reach * rng.uniform(0.03, 0.35))))
        if rng.random() < 0.4:
            points = middle + rng.normal(0, reach * 0.5, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], color)
        else:
            cv2.ellipse(canvas, at, axes, angle, 0, 360, color, -1)
        if rng.random() < 0.5:
            end = middle + rng.normal(0, reach, 2)
            stripe = (*rng.integers(0, 256, 3).tolist(), 255)
            cv2.line(canvas, at, (round(end[0]), round(end[1])), stripe, int(rng.integers(1, 8)))
    return np.asarray(
        cv2.resize(canvas, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8
    )


def _draw_grey(rng: np.random.Generator) -> tuple[int, int, int, int]:
    level = int(rng.choice((10, 60, 128, 190, 240)))
    return (level, level, level, 255)
