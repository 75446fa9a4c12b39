"""What the detector takes for something that flies in photographs where nothing does.

    python -m training.mine --model detector.onnx --backgrounds PHOTOS --out runs/negatives

In: an exported detector and the photographs that scenes are made of. Out: the surroundings of its
false boxes as scenes without a box, at the scale the network saw them, in the form that
`training.detector --negatives` reads. One block per photograph: an interrupted run continues.
Source: hard negatives as in Sung and Poggio, "Example-based learning for view-based human face
detection" (1998).
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.files import sha256_of, write_bytes
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.stages import Detector
from synth.library import Background, Library, read_library
from synth.work import encode_jpeg
from training.evaluate_detector import open_detectors
from training.scenes import JPEG_QUALITY, check_header

__all__ = ["cut_false", "draw_views", "main", "mine"]

VIEW_WH = (960, 544)
WINDOW_PX = 352  # a crop of training fits in, with room to place it
SIDE_PX_MAX = 150.0  # as the pyramid's levels: larger boxes were seen in a smaller copy
APART_PX = 64.0
VIEW_RATIOS = (1.0, 0.75, 0.5)


def mine(library: Library, detector: Detector, out: Path, *, score_min: float, seed: int) -> int:
    """Search all backgrounds of the library and return how many windows the folder holds.

    Args:
        library: Already reduced to its split.
        detector: Boxes of all levels, with a threshold below `score_min`.
        out: Folder in the form of `training.scenes`; a photograph in it is not searched again.
        score_min: Surer boxes are kept.
        seed: Of the parts of a photograph that are looked at.
    """
    (out / "blocks").mkdir(parents=True, exist_ok=True)
    (out / "images").mkdir(exist_ok=True)
    for number, background in enumerate(library.backgrounds, start=1):
        key = sha256_of(background.name.encode())[:12]
        block = out / "blocks" / f"{key}.jsonl"
        if block.exists():
            continue
        lines = []
        for window in _windows(library, background, detector, score_min, seed):
            name = f"{key}-{len(lines):03d}.jpg"
            (out / "images" / name).write_bytes(encode_jpeg(window, JPEG_QUALITY))
            lines.append(json.dumps({"image": name, "annotations": []}) + "\n")
        write_bytes(block, "".join(lines).encode())
        print(f"{number}/{len(library.backgrounds)} photographs, +{len(lines)}", flush=True)
    return sum(len(path.read_bytes().splitlines()) for path in (out / "blocks").glob("*.jsonl"))


def _windows(
    library: Library, background: Background, detector: Detector, score_min: float, seed: int
) -> Iterator[Image]:
    for view in draw_views(library, background, seed=seed, ratios=VIEW_RATIOS):
        (seen,) = detector([view])
        yield from cut_false(view, seen[np.flatnonzero(seen.score >= score_min)])


def draw_views(
    library: Library, background: Background, *, seed: int, ratios: Sequence[float]
) -> Iterator[Image]:
    """Yield parts of a photograph as large as the network's input, uint8 (544, 960, 3) RGB.

    Args:
        library: Holds the photograph.
        background: Which it is.
        seed: With its name, what the parts depend on.
        ratios: One part for each: its share of the largest part that fits, by side.
    """
    rng = np.random.default_rng([seed, zlib.crc32(background.name.encode())])
    photograph = library.background(background.name)
    for ratio in ratios:
        yield _draw_view(photograph, ratio, rng)


def _draw_view(photograph: Image, ratio: float, rng: np.random.Generator) -> Image:
    """A part of the photograph, `ratio` of what fits, as large as the network's input."""
    height, width = photograph.shape[:2]
    fit = min(width / VIEW_WH[0], height / VIEW_WH[1]) * ratio
    part_wh = (int(VIEW_WH[0] * fit), int(VIEW_WH[1] * fit))
    left = int(rng.integers(width - part_wh[0] + 1))
    top = int(rng.integers(height - part_wh[1] + 1))
    part = photograph[top : top + part_wh[1], left : left + part_wh[0]]
    method = cv2.INTER_AREA if fit > 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), VIEW_WH, interpolation=method)


def cut_false(view: Image, seen: Detections) -> Iterator[Image]:
    """Yield a window around each box, at the level of the pyramid that sees its size.

    Boxes near one that was cut at the same level are in its window already.

    Args:
        view: (h, w, 3) picture without any object.
        seen: What was found in it.
    """
    done: dict[int, list[NDArray[np.float32]]] = {}
    for box in seen.xyxy[np.argsort(-seen.score, kind="stable")]:
        side = float(max(box[2] - box[0], box[3] - box[1]))
        level = max(0, int(np.ceil(np.log2(max(side, 1.0) / SIDE_PX_MAX))))
        middle = (box[:2] + box[2:]) / 2 / 2**level
        near = done.setdefault(level, [])
        if any(float(np.abs(middle - other).max()) < APART_PX for other in near):
            continue
        near.append(middle)
        wh = (view.shape[1] >> level, view.shape[0] >> level)
        copy = cv2.resize(view, wh, interpolation=cv2.INTER_AREA) if level else view
        corner = [
            int(np.clip(round(float(m)) - WINDOW_PX // 2, 0, max(0, side_px - WINDOW_PX)))
            for m, side_px in zip(middle, wh, strict=True)
        ]
        left, top = corner
        yield np.ascontiguousarray(copy[top : top + WINDOW_PX, left : left + WINDOW_PX])


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and search."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="detector.onnx")
    parser.add_argument("--cutouts", type=Path, default=Path("assets/cutouts"))
    parser.add_argument("--backgrounds", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--score-min", type=float, default=0.08)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    header: dict[str, object] = {
        "model": sha256_of(arguments.model),
        "score_min": arguments.score_min,
        "seed": arguments.seed,
    }
    check_header(arguments.out / "config.json", header, "detector or settings")
    library = read_library(arguments.cutouts, *arguments.backgrounds, split="train")
    _, detector = open_detectors(arguments.model, DetectConfig(input_wh=VIEW_WH), arguments.threads)
    count = mine(
        library, detector, arguments.out, score_min=arguments.score_min, seed=arguments.seed
    )
    print(f"{count} windows in {arguments.out}")


if __name__ == "__main__":
    main()
