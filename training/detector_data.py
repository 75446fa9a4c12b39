"""Crops of cached scenes for the detector's training, as ready batches from a thread.

Here: which part of a scene is cut, at what zoom, and what happens to its boxes and colours. Not
here: the scenes (``training.scenes``) or the model. Out: tensors as Ultralytics' loss wants them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.types import Image
from training.scenes import CachedScene

__all__ = ["Batch", "BatchFeed", "cut_crop", "cut_mosaic", "to_batch"]

PAD_GREY = 114  # what the letterbox of inference fills with
VISIBLE_RATIO_MIN = 0.3  # a box cut down to less than this loses its label
MOSAIC_SPLIT = (0.36, 0.64)  # where the four tiles of a mosaic meet, of each side
_TRIES = 4

Boxes = NDArray[np.float32]
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of a scene and the factor that brings it to the crop's size."""

    left: int
    top: int
    width: int
    height: int
    zoom: float


def cut_crop(
    image: Image, xyxy: Boxes, crop_wh: tuple[int, int], rng: np.random.Generator
) -> tuple[Image, Boxes]:
    """One training crop of a scene.

    Args:
        image: uint8 (h, w, 3), any channel order.
        xyxy: float32 (n, 4), pixels of the image.
        crop_wh: Size of the crop, px.
        rng: Draws zoom, place, flips and colours.

    Returns:
        uint8 (crop_h, crop_w, 3), and float32 (m, 4) boxes in pixels of the crop.
    """
    best: tuple[int, _Window] | None = None
    for _ in range(_TRIES):
        window = _sample_window(image.shape[1], image.shape[0], xyxy, crop_wh, rng)
        # Slivers of objects that keep no label would teach that objects are background.
        slivers = int(_is_sliver(xyxy, window).sum())
        if best is None or slivers < best[0]:
            best = (slivers, window)
        if not slivers:
            break
    assert best is not None
    crop, boxes = _take(image, xyxy, best[1], crop_wh)
    return _change(crop, boxes, rng)


def cut_mosaic(
    scenes: Sequence[tuple[Image, Boxes]], crop_wh: tuple[int, int], rng: np.random.Generator
) -> tuple[Image, Boxes]:
    """One training crop of four scenes around a point (mosaic, Bochkovskiy et al. 2020).

    A crop of one scene holds one or two objects; most of its pixels teach nothing new. Each tile
    is a crop of its own at its own zoom, so the objects keep the sizes of plain crops.

    Args:
        scenes: Four images, uint8 (h, w, 3), with their boxes, float32 (n, 4).
        crop_wh: Size of the whole crop, px.
        rng: Draws the point and everything that `cut_crop` draws.

    Returns:
        As `cut_crop`.
    """
    width, height = crop_wh
    x, y = (round(side * float(rng.uniform(*MOSAIC_SPLIT))) for side in crop_wh)
    mosaic = np.empty((height, width, 3), np.uint8)
    boxes = []
    tiles = ((0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height))
    for (image, xyxy), (left, top, right, bottom) in zip(scenes, tiles, strict=True):
        tile, inside = cut_crop(image, xyxy, (right - left, bottom - top), rng)
        mosaic[top:bottom, left:right] = tile
        boxes.append(inside + np.array([left, top, left, top], np.float32))
    return mosaic, np.concatenate(boxes)


def _sample_window(
    width: int, height: int, xyxy: Boxes, crop_wh: tuple[int, int], rng: np.random.Generator
) -> _Window:
    # Most crops near the network's own scale; some wide (the crop then has a grey rest), some near.
    zoom_range = (
        (0.72, 1.3) if rng.random() < 0.75 else (0.6, 0.8) if rng.random() < 0.5 else (1.3, 2)
    )
    zoom = float(np.exp(rng.uniform(*np.log(zoom_range))))
    target = None
    if len(xyxy) and rng.random() < 0.88:
        target = xyxy[int(rng.integers(len(xyxy)))]
        # An object larger than the crop is shown whole as often as it is shown in part.
        side = max((target[2] - target[0]) / crop_wh[0], (target[3] - target[1]) / crop_wh[1])
        if side * zoom > 0.97 and rng.random() < 0.5:
            zoom = max(0.35, float(rng.uniform(0.6, 0.95) / side))
    window_wh = (min(width, round(crop_wh[0] / zoom)), min(height, round(crop_wh[1] / zoom)))
    corner = []
    for axis, (side, part) in enumerate(zip((width, height), window_wh, strict=True)):
        low, high = 0.0, float(side - part)
        if target is not None:
            start, end = float(target[axis]), float(target[axis + 2])
            # Wherever the object is whole inside; where it cannot be, any part of it.
            inner = (end - part, start) if end - start <= part else (start, end - part)
            if rng.random() < 0.1:
                inner = (inner[0] - 0.3 * (end - start), inner[1] + 0.3 * (end - start))
            low, high = max(low, inner[0]), min(high, inner[1])
        corner.append(round(float(rng.uniform(low, max(low, high)))))
    left, top = (
        int(np.clip(c, 0, s - p))
        for c, s, p in zip(corner, (width, height), window_wh, strict=True)
    )
    return _Window(left, top, window_wh[0], window_wh[1], zoom)


def _clip(xyxy: Boxes, window: _Window) -> tuple[Boxes, NDArray[np.float32]]:
    """Boxes cut to the window, in pixels of the scene, and the share of each that is left."""
    low = np.array([window.left, window.top], np.float32)
    high = low + np.array([window.width, window.height], np.float32)
    cut = np.concatenate([np.clip(xyxy[:, :2], low, high), np.clip(xyxy[:, 2:], low, high)], axis=1)
    whole = np.prod(xyxy[:, 2:] - xyxy[:, :2], axis=1)
    return cut, np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.maximum(whole, 1e-6)


def _keeps_label(cut: Boxes, ratio: NDArray[np.float32], window: _Window) -> NDArray[np.bool_]:
    sides = cut[:, 2:] - cut[:, :2]
    # A part that fills much of the crop is an object in view, however small a share of it it is.
    large = sides.prod(axis=1) > 0.2 * window.width * window.height
    return ((ratio >= VISIBLE_RATIO_MIN) | large) & (
        sides.min(axis=1, initial=np.inf) * window.zoom > 2
    )


def _is_sliver(xyxy: Boxes, window: _Window) -> NDArray[np.bool_]:
    cut, ratio = _clip(xyxy, window)
    return (ratio > 0.02) & ~_keeps_label(cut, ratio, window)


def _take(
    image: Image, xyxy: Boxes, window: _Window, crop_wh: tuple[int, int]
) -> tuple[Image, Boxes]:
    view = image[window.top : window.top + window.height, window.left : window.left + window.width]
    inner_wh = tuple(
        min(side, round(part * window.zoom))
        for side, part in zip(crop_wh, (window.width, window.height), strict=True)
    )
    method = cv2.INTER_AREA if window.zoom < 0.75 else cv2.INTER_LINEAR
    inner = cv2.resize(view, inner_wh, interpolation=method)
    crop = np.full((crop_wh[1], crop_wh[0], 3), PAD_GREY, np.uint8)
    crop[: inner_wh[1], : inner_wh[0]] = inner
    cut, ratio = _clip(xyxy, window)
    kept = cut[_keeps_label(cut, ratio, window)]
    scale = np.array([inner_wh[0] / window.width, inner_wh[1] / window.height] * 2, np.float32)
    return crop, (kept - np.array([window.left, window.top] * 2, np.float32)) * scale


def _change(crop: Image, xyxy: Boxes, rng: np.random.Generator) -> tuple[Image, Boxes]:
    """Flips, channel gains, swapped channels, grey: what a photograph could also have been."""
    height, width = crop.shape[:2]
    boxes = xyxy.copy()
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
        boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    if rng.random() < 0.04:
        crop = crop[::-1]
        boxes[:, [1, 3]] = height - boxes[:, [3, 1]]
    if rng.random() < 0.12:
        crop = crop[..., rng.permutation(3)]
    elif rng.random() < 0.05:
        crop = np.repeat(crop[..., 1:2], 3, axis=2)
    if rng.random() < 0.5:
        gains = rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3)
        table = np.clip(np.arange(256)[:, None] * gains, 0, 255).astype(np.uint8)[None]
        crop = cv2.LUT(np.ascontiguousarray(crop), table)
    return np.ascontiguousarray(crop), boxes


def to_batch(crops: Sequence[tuple[Image, Boxes]]) -> Batch:
    """Crops as tensors: img uint8 (b, 3, h, w); boxes of all images, grouped by image."""
    images = np.stack([crop for crop, _ in crops])
    height, width = images.shape[1:3]
    counts = [len(boxes) for _, boxes in crops]
    xyxy = np.concatenate([boxes for _, boxes in crops]).reshape(-1, 4)
    cxcywh = np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    cxcywh /= np.array([width, height, width, height], np.float32)
    return {
        # (b, h, w, 3) memory seen as (b, 3, h, w) is channels_last already: nothing is copied.
        "img": torch.from_numpy(images).permute(0, 3, 1, 2),
        "batch_idx": torch.from_numpy(np.repeat(np.arange(len(crops)), counts).astype(np.float32)),
        "cls": torch.zeros(len(xyxy), 1),
        "bboxes": torch.from_numpy(cxcywh.astype(np.float32)),
    }


class BatchFeed:
    """Endless batches, prepared by threads while the network computes.

    Args:
        scenes: The cache; encoded images are kept in memory as they are used.
        crop_wh: Size of a crop; may be changed by ``set_crops`` while running.
        batch_size: Crops in a batch.
        seed: Of all draws; the order is only repeatable with one thread.
        num_threads: OpenCV works without Python's lock, so a second thread helps on many cores.
        negatives: Scenes without an object that were mistaken for having one.
        negative_ratio: Share of the crops that come from those.
        mosaic_ratio: Share of the crops that are put together from four scenes.
    """

    def __init__(
        self,
        scenes: Sequence[CachedScene],
        *,
        crop_wh: tuple[int, int],
        batch_size: int,
        seed: int,
        num_threads: int = 1,
        negatives: Sequence[CachedScene] = (),
        negative_ratio: float = 0.0,
        mosaic_ratio: float = 0.0,
    ) -> None:
        self._scenes = scenes
        self._negatives = negatives
        self._negative_ratio = negative_ratio if negatives else 0.0
        self._mosaic_ratio = mosaic_ratio
        self._encoded: dict[Path, NDArray[np.uint8]] = {}
        self._crops = (crop_wh, batch_size)
        self._queue: queue.Queue[Batch | Exception] = queue.Queue(4)
        self._stopped = threading.Event()
        for number in range(num_threads):
            rng = np.random.default_rng([seed, number])
            threading.Thread(target=self._work, args=(rng,), daemon=True).start()

    def set_crops(self, crop_wh: tuple[int, int], batch_size: int) -> None:
        """Make other crops from now on; batches already waiting keep their size."""
        self._crops = (crop_wh, batch_size)

    def set_mosaic(self, ratio: float) -> None:
        """Put another share of the crops together from four scenes from now on."""
        self._mosaic_ratio = ratio

    def set_scenes(self, scenes: Sequence[CachedScene]) -> None:
        """Draw from these from now on, such as a cache that has grown."""
        self._scenes = scenes

    def next(self) -> Batch:
        """The next batch; an error of a thread is raised here."""
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Stop the threads."""
        self._stopped.set()
        while not self._queue.empty():
            self._queue.get_nowait()

    def _work(self, rng: np.random.Generator) -> None:
        try:
            while not self._stopped.is_set():
                crop_wh, batch_size = self._crops
                crops: list[tuple[Image, Boxes]] = []
                while len(crops) < batch_size:
                    if rng.random() < self._mosaic_ratio:
                        crops.append(cut_mosaic([self._draw(rng) for _ in range(4)], crop_wh, rng))
                    else:
                        crops.append(cut_crop(*self._draw(rng), crop_wh, rng))
                self._queue.put(to_batch(crops))
        except Exception as error:
            self._queue.put(error)

    def _draw(self, rng: np.random.Generator) -> tuple[Image, Boxes]:
        scenes = self._negatives if rng.random() < self._negative_ratio else self._scenes
        scene = scenes[int(rng.integers(len(scenes)))]
        return self._decode(scene.path), scene.xyxy

    def _decode(self, path: Path) -> Image:
        if path not in self._encoded:
            self._encoded[path] = np.fromfile(path, np.uint8)
        bgr = cv2.imdecode(self._encoded[path], cv2.IMREAD_COLOR)
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
