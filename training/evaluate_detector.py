"""Measure an exported detector: AP at IoU 0.5, recall, boxes per image.

    python -m training.evaluate_detector --model detector.onnx --dataset FOLDER [--scenes CACHE]

Runs the pipeline's own detector, so letterbox, decoding and suppression are those of the product.
Never used to train: a folder of real images is measured, nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.image import read_image, write_image
from core.types import Detections, Image
from dataset.formats import jsonl
from dataset.metrics import average_precision, match_boxes, recall
from pipeline.config import DetectConfig
from pipeline.detect.pyramid import open_levels
from pipeline.detect.yolo import YoloDetector
from pipeline.engines.base import Choice
from pipeline.engines.ort_engine import OrtEngine
from pipeline.stages import Detector
from training.scenes import read_scenes

__all__ = ["Measured", "evaluate", "main"]

LOW_SCORE = 0.01  # average precision wants the whole list, not the product's threshold
SIZE_EDGES_PX = (0, 16, 32, 64, 128, 256, 10_000)

Boxes = NDArray[np.float32]
Measured = dict[str, float]


def open_detector(
    path: Path, input_wh: tuple[int, int], threads: int, level_count: int | None = None
) -> Detector:
    """The pipeline's detector over a file, with the lowest threshold."""
    choice = Choice(
        engine="onnxruntime",
        device="cpu",
        precision="f32",
        threads=threads,
        reason="evaluation",
        provider="CPUExecutionProvider",
    )
    config = DetectConfig(score_min=LOW_SCORE, input_wh=input_wh, max_boxes=300)
    if level_count:
        config = config.model_copy(update={"level_count": level_count})
    engine = OrtEngine.open(path, choice)
    return open_levels(lambda level: YoloDetector(engine, level), config)


def evaluate(
    detector: Detector,
    images: Sequence[Callable[[], Image]],
    truths: Sequence[Boxes],
    *,
    score_min: float = 0.25,
) -> tuple[Measured, list[Detections]]:
    """Figures over a set, and the boxes they come from.

    Args:
        detector: Images in, detections out.
        images: Functions that read one image each, called one at a time.
        truths: True boxes of each.
        score_min: Threshold of the product, for recall and boxes per image.
    """
    found = []
    start = time.monotonic()
    for read in images:
        found.extend(detector([read()]))
    passed_s = time.monotonic() - start
    kept = [seen[seen.score >= score_min] for seen in found]
    false = sum(
        int((match_boxes(seen, truth) < 0).sum()) for seen, truth in zip(kept, truths, strict=True)
    )
    count = max(len(images), 1)
    return {
        "images": len(images),
        "objects": sum(len(truth) for truth in truths),
        "ap50": round(average_precision(found, truths), 4),
        "ap75": round(average_precision(found, truths, iou_min=0.75), 4),
        "recall50": round(recall(kept, truths), 4),
        "recall50_low_score": round(recall(found, truths, iou_min=0.5), 4),
        "boxes_per_image": round(sum(len(seen) for seen in kept) / count, 3),
        "false_boxes_per_image": round(false / count, 3),
        "images_per_s": round(count / max(passed_s, 1e-9), 2),
    }, found


def recall_by(
    found: Sequence[Detections],
    truths: Sequence[Boxes],
    labels: Sequence[Sequence[str]],
    score_min: float,
) -> dict[str, str]:
    """Recall at the product's threshold for each label, as "found/all"."""
    hits: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for seen, truth, names in zip(found, truths, labels, strict=True):
        rows = match_boxes(seen[seen.score >= score_min], truth)
        for row, name in enumerate(names):
            hits[name][0] += int(row in rows)
            hits[name][1] += 1
    return {name: f"{hit}/{all_}" for name, (hit, all_) in sorted(hits.items())}


def size_label(box: NDArray[np.float32], factor: float) -> str:
    """The class of size that a box has for the network, px of its input."""
    side = float(max(box[2] - box[0], box[3] - box[1])) * factor
    edge = max(row for row, low in enumerate(SIZE_EDGES_PX) if side >= low)
    return f"{SIZE_EDGES_PX[edge]:>3}+ px"


def draw_boxes(image: Image, seen: Detections, truth: Boxes, score_min: float) -> Image:
    """The image with true boxes in green and predicted ones in red with their score."""
    drawn = image.copy()
    width = max(1, round(max(image.shape) / 700))
    for box in truth:
        x1, y1, x2, y2 = np.round(box).astype(int).tolist()
        cv2.rectangle(drawn, (x1, y1), (x2, y2), (0, 220, 0), width)
    for box, score in zip(seen.xyxy, seen.score, strict=True):
        if score >= score_min:
            x1, y1, x2, y2 = np.round(box).astype(int).tolist()
            cv2.rectangle(drawn, (x1, y1), (x2, y2), (240, 30, 30), width)
            place = (x1, max(12, y1 - 3))
            cv2.putText(drawn, f"{score:.2f}", place, 0, 0.5 * width, (240, 30, 30), width)
    return drawn


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="detector.onnx")
    parser.add_argument("--dataset", type=Path, help="folder with annotations.jsonl")
    parser.add_argument("--scenes", type=Path, help="cache of training.scenes")
    parser.add_argument("--limit", type=int, default=0, help="first so many images only")
    parser.add_argument("--input-wh", type=int, nargs=2, default=(960, 544))
    parser.add_argument("--levels", type=int, help="scales to look at; without it, the default")
    parser.add_argument("--score-min", type=float, default=DetectConfig().score_min)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--draw", type=Path, help="folder for images with boxes drawn in")
    arguments = parser.parse_args(argv)
    if (arguments.dataset is None) == (arguments.scenes is None):
        parser.error("give either --dataset or --scenes")
    paths, truths, kinds = _read_set(arguments.dataset, arguments.scenes, arguments.limit)
    input_wh = tuple(arguments.input_wh)
    detector = open_detector(arguments.model, input_wh, arguments.threads, arguments.levels)
    images = [lambda path=path: read_image(path) for path in paths]
    measured, found = evaluate(detector, images, truths, score_min=arguments.score_min)
    sizes = [
        [size_label(b, max(arguments.input_wh) / max(seen.image_wh)) for b in t]
        for t, seen in zip(truths, found, strict=True)
    ]
    report = {
        **measured,
        "by_size": recall_by(found, truths, sizes, arguments.score_min),
        "by_type": recall_by(found, truths, kinds, arguments.score_min),
    }
    print(json.dumps(report, indent=1))
    if arguments.draw is not None:
        for path, seen, truth in zip(paths, found, truths, strict=True):
            drawn = draw_boxes(read_image(path), seen, truth, arguments.score_min)
            write_image(drawn, arguments.draw / f"{path.stem}.jpg")


def _read_set(
    dataset: Path | None, scenes: Path | None, limit: int
) -> tuple[list[Path], list[Boxes], list[tuple[str, ...]]]:
    if dataset is not None:
        records = list(jsonl.read(dataset))[: limit or None]
        return (
            [record.path for record in records],
            [record.xyxy for record in records],
            [record.captions for record in records],
        )
    assert scenes is not None
    cached = read_scenes(scenes)[: limit or None]
    return (
        [scene.path for scene in cached],
        [scene.xyxy for scene in cached],
        [scene.class_names for scene in cached],
    )


if __name__ == "__main__":
    main()
