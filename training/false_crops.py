r"""Crops of what the detector takes for objects where there are none, to train the reranker on.

    python -m training.false_crops --model detector.onnx --backgrounds PHOTOS --out runs/crops \
        --upscaler assets/models/spotter-upscaler-x4/upscaler.onnx

In: an exported detector and photographs without any object. Out: shards as `training.crops` writes
them, of crops that no caption describes: in use most boxes are such ones, and drawn backgrounds
hardly look like them. They may lie in the folder of the other crops: their numbers begin at 90000
and a hundred times the seed, since each seed looks at other parts of the photographs. One shard
for so many photographs: an interrupted run continues.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Image
from pipeline.config import DetectConfig
from pipeline.stages import Detector
from synth.captions import COLORS
from synth.library import Background, Library, read_library
from training.crops import CACHE_PX, Upscale, cut_batch, open_upscaler, write_shard
from training.evaluate_detector import open_detectors
from training.mine import draw_views

__all__ = ["find_false", "main", "make_false_shard"]

FIRST_NUMBER = 90_000
PHOTOGRAPHS_PER_SHARD = 32
VIEW_RATIOS = (1.0, 0.8, 0.6, 0.45)

_log = logging.getLogger("training.false_crops")


def find_false(
    library: Library, background: Background, detector: Detector, *, seed: int
) -> tuple[list[Image], list[list[float]]]:
    """Return views of a photograph, one for each false box in it, and the boxes, x1 y1 x2 y2."""
    images: list[Image] = []
    boxes: list[list[float]] = []
    for view in draw_views(library, background, seed=seed, ratios=VIEW_RATIOS):
        (seen,) = detector([view])
        images += [view] * len(seen)
        boxes += seen.xyxy.tolist()
    return images, boxes


def make_false_shard(
    library: Library,
    backgrounds: Sequence[Background],
    detector: Detector,
    upscale: Upscale,
    *,
    seed: int,
) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of one shard, see `training.crops.make_shard`; no crop has a type."""
    crops = [np.zeros((0, CACHE_PX, CACHE_PX, 3), np.uint8)]
    sides: list[float] = []
    for background in backgrounds:
        images, boxes = find_false(library, background, detector, seed=seed)
        if images:
            crops.append(cut_batch(images, boxes, upscale))
            sides += [max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes]
    count = len(sides)
    return {
        "images": np.concatenate(crops),
        "type_id": np.full(count, -1, np.int16),
        "shares": np.zeros((count, len(COLORS)), np.float32),
        "camouflage": np.zeros(count, bool),
        "shade": np.zeros(count, np.int8),
        "side_px": np.array(sides, np.float32),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Fill a folder with shards; those already there are kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", type=Path, required=True, help="detector.onnx")
    parser.add_argument("--cutouts", type=Path, default=Path("assets/cutouts"))
    parser.add_argument("--backgrounds", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--upscaler", type=Path, help="ONNX file; without it, bicubic")
    parser.add_argument("--split", choices=["train", "val", "test"], default="train")
    parser.add_argument("--score-min", type=float, default=0.03)
    parser.add_argument("--max-boxes", type=int, default=12, help="of each view, the surest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(1)
    library = read_library(arguments.cutouts, *arguments.backgrounds, split=arguments.split)
    config = DetectConfig(score_min=arguments.score_min, max_boxes=arguments.max_boxes)
    detector, _ = open_detectors(arguments.model, config, threads=arguments.threads)
    upscale = open_upscaler(arguments.upscaler)
    starts = range(0, len(library.backgrounds), PHOTOGRAPHS_PER_SHARD)
    first = FIRST_NUMBER + 100 * arguments.seed
    for number, start in enumerate(starts, start=first):
        if (arguments.out / f"crops-{number:05d}.npz").exists():
            continue
        part = library.backgrounds[start : start + PHOTOGRAPHS_PER_SHARD]
        shard = make_false_shard(library, part, detector, upscale, seed=arguments.seed)
        if len(shard["images"]):
            write_shard(arguments.out, number, shard)
        _log.info("%d of %d photographs", start + len(part), len(library.backgrounds))


if __name__ == "__main__":
    main()
