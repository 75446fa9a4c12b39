r"""Crops to train the reranker on: pasted, spoiled, cut and upscaled as in use, kept on disk.

    python -m training.crops --cutouts assets/cutouts --backgrounds PHOTOS --out runs/crops \
        --count 80000 --upscaler assets/models/spotter-upscaler-x4/upscaler.onnx

In: a cutout library and photographs. Out: shards of uint8 crops with a little room around the
framing in use, so that training can still shift and turn them. A shard depends only on the seed
and its number: an interrupted run continues, and several processes may share the numbers.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.memory import keep_freed_memory
from core.types import Image
from pipeline.cut import CONTEXT_RATIO, crop_regions, plan_windows, read_window
from pipeline.rerank.preprocess import square_input
from synth.captions import COLORS, TYPES
from synth.library import Cutout, Library, read_library
from training.crop_scenes import CropConfig, draw_scene

__all__ = ["CACHE_PX", "IMAGE_PX", "cut_batch", "make_shard", "open_upscaler", "write_shard"]

IMAGE_PX = 96
CACHE_PX = 112
"""Side of a cached crop; its middle 96 pixels are the crop in use."""

_CACHE_CONTEXT_RATIO = ((1 + 2 * CONTEXT_RATIO) * CACHE_PX / IMAGE_PX - 1) / 2
_UPSCALE_BATCH = 8

_log = logging.getLogger("training.crops")
Upscale = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def open_upscaler(path: Path | None) -> Upscale:
    """Return a function (n, s, s, 3) -> (n, 4s, 4s, 3); without a model it enlarges bicubically."""
    if path is None:
        return _enlarge
    import onnxruntime  # a runtime dependency, but a plain cache does not need it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def upscale(windows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        feed = windows.transpose(0, 3, 1, 2).astype(np.float32) / 255
        output = session.run(None, {name: feed})[0].transpose(0, 2, 3, 1)
        return np.round(output.clip(0, 1) * 255).astype(np.uint8)

    return upscale


def cut_batch(
    images: Sequence[Image],
    boxes_xyxy: Sequence[Sequence[float]],
    upscale: Upscale,
    *,
    side_px: int = CACHE_PX,
    context_ratio: float = _CACHE_CONTEXT_RATIO,
) -> NDArray[np.uint8]:
    """Return one crop of each image, cut and upscaled as in use: (n, side, side, 3) uint8.

    Args:
        images: n pictures.
        boxes_xyxy: One box in each.
        upscale: See `open_upscaler`.
        side_px: Side of the result; regions smaller than it are upscaled.
        context_ratio: See `pipeline.cut.crop_regions`.
    """
    crops = np.zeros((len(images), side_px, side_px, 3), np.uint8)
    by_side: dict[int, list[tuple[int, Image, tuple[int, int, int, int]]]] = {}
    for row, (image, box) in enumerate(zip(images, boxes_xyxy, strict=True)):
        wh = (image.shape[1], image.shape[0])
        region = crop_regions([box], wh, context_ratio)
        windows = plan_windows(region, wh, below_px=side_px)
        if windows:
            entry = (row, read_window(image, windows[0]), windows[0].inner_xyxy)
            by_side.setdefault(windows[0].side_px, []).append(entry)
        else:
            x1, y1, x2, y2 = region[0]
            crops[row] = square_input(image[y1:y2, x1:x2], side_px)
    for entries in by_side.values():
        for start in range(0, len(entries), _UPSCALE_BATCH):
            part = entries[start : start + _UPSCALE_BATCH]
            enlarged = upscale(np.stack([window for _, window, _ in part]))
            for (row, _, inner), window in zip(part, enlarged, strict=True):
                x1, y1, x2, y2 = (4 * edge for edge in inner)
                crops[row] = square_input(window[y1:y2, x1:x2], side_px)
    return crops


def make_shard(
    library: Library, upscale: Upscale, config: CropConfig, *, count: int, seed: Sequence[int]
) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of one shard; the same seed gives the same shard.

    Returns:
        images (n, 112, 112, 3) uint8, type_id (n,) index into TYPES or -1, shares (n, 11) of the
        painted area, camouflage (n,), shade (n,) -1 dark, 0, 1 light, side_px (n,).
    """
    rng = np.random.default_rng(list(seed))
    scenes = [draw_scene(library, config, rng) for _ in range(count)]
    images = np.zeros((count, CACHE_PX, CACHE_PX, 3), np.uint8)
    sides = np.array([_longer_side(scene.box_xyxy) for scene in scenes], np.float32)
    through_model = rng.random(count) < config.upscaler_ratio * np.clip((90 - sides) / 50, 0.15, 1)
    for chosen, method in ((through_model, upscale), (~through_model, _enlarge)):
        rows = np.flatnonzero(chosen)
        part = [scenes[row] for row in rows]
        boxes = [scene.box_xyxy for scene in part]
        images[rows] = cut_batch([scene.image for scene in part], boxes, method)
    shade_limits = _measure_shades(library)
    cutouts = [scene.cutout for scene in scenes]
    return {
        "images": images,
        "type_id": np.array([TYPES.index(c.class_name) if c else -1 for c in cutouts], np.int16),
        "shares": np.stack([_share_vector(cutout) for cutout in cutouts]),
        "camouflage": np.array([bool(c and c.camouflage) for c in cutouts]),
        "shade": np.array([_shade_of(c, library, shade_limits) for c in cutouts], np.int8),
        "side_px": sides,
    }


def _enlarge(windows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = 4 * windows.shape[1]
    resized = [cv2.resize(w, (side, side), interpolation=cv2.INTER_CUBIC) for w in windows]
    return np.stack(resized)


def _longer_side(box: Sequence[float]) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _share_vector(cutout: Cutout | None) -> NDArray[np.float32]:
    shares = np.array([cutout.colors.get(c, 0) if cutout else 0 for c in COLORS], np.float32)
    return shares / max(float(shares.sum()), 1e-6)


def _measure_shades(library: Library) -> dict[str, tuple[float, float]]:
    """Of each color, the lightness below which a fifth of its cutouts lies, and above which."""
    seen: dict[str, list[float]] = {}
    for cutout in library.labelled[:: max(1, len(library.labelled) // 800)]:
        color = _single_color(cutout)
        if color:
            seen.setdefault(color, []).append(float(library.mean_rgb(cutout.name).mean()))
    limits = {c: tuple(np.quantile(v, [0.2, 0.8])) for c, v in seen.items() if len(v) >= 8}
    return {color: (float(low), float(high)) for color, (low, high) in limits.items()}


def _single_color(cutout: Cutout) -> str | None:
    color = max(cutout.colors, key=lambda name: cutout.colors[name], default=None)
    if color in (None, "white", "black", "silver") or cutout.colors[color] < 0.7:
        return None
    return color


def _shade_of(
    cutout: Cutout | None, library: Library, limits: dict[str, tuple[float, float]]
) -> int:
    color = _single_color(cutout) if cutout else None
    if cutout is None or color not in limits:
        return 0
    lightness = float(library.mean_rgb(cutout.name).mean())
    low, high = limits[color]
    return -1 if lightness < low else int(lightness > high)


def write_shard(folder: Path, number: int, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Write a shard; its facts come last, so that a shard with facts is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".part-{number:05d}.npy"
    np.save(part, arrays["images"])
    part.replace(folder / f"crops-{number:05d}.npy")
    facts = {name: array for name, array in arrays.items() if name != "images"}
    part = folder / f".part-{number:05d}.npz"
    np.savez(part, **facts)
    part.replace(folder / f"crops-{number:05d}.npz")


def _run(arguments: argparse.Namespace, numbers: Sequence[int]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")  # each process's own
    cv2.setNumThreads(1)
    library = read_library(arguments.cutouts, arguments.backgrounds, split=arguments.split)
    upscale = open_upscaler(arguments.upscaler)
    salt = ("train", "val", "test").index(arguments.split)
    for number in numbers:
        if (arguments.out / f"crops-{number:05d}.npz").exists():
            continue
        start = time.perf_counter()
        seed = (arguments.seed, salt, number)
        shard = make_shard(library, upscale, CropConfig(), count=arguments.shard, seed=seed)
        write_shard(arguments.out, number, shard)
        rate = arguments.shard / (time.perf_counter() - start)
        _log.info("shard %d of %d, %.0f crops/s", number + 1, arguments.num_shards, rate)


def main(argv: Sequence[str] | None = None) -> None:
    """Fill a folder with shards; those already there are kept."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cutouts", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--upscaler", type=Path, help="ONNX file; without it, bicubic")
    parser.add_argument("--split", choices=["train", "val", "test"], default="train")
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--shard", type=int, default=1024, help="crops in a file")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    arguments.num_shards = math.ceil(arguments.count / arguments.shard)
    numbers = range(arguments.num_shards)
    if arguments.workers <= 1:
        _run(arguments, numbers)
        return
    context = get_context("spawn")
    parts = [numbers[start :: arguments.workers] for start in range(arguments.workers)]
    processes = [context.Process(target=_run, args=(arguments, part)) for part in parts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a worker failed; what it said is above, run again to continue")


if __name__ == "__main__":
    main()
