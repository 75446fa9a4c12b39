"""Measure an exported detector: AP at IoU 0.5, recall, boxes per image.

    python -m training.evaluate_detector --model detector.onnx --dataset FOLDER [--scenes CACHE]
        [--set detect.look_closer=false]

Two lists of boxes an image, from one run of the network: what the product shows with the same
settings, for recall and false boxes, and all down to a score of 0.01, for average precision. In
the second one unsure boxes, up to 300, have a part in the fusion and get a closer look too, so sure
ones may lie a little elsewhere.
Never used to train: a folder of real images is measured, nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.image import read_image, write_image
from core.types import Detections, Image
from dataset.formats import jsonl
from dataset.metrics import average_precision, match_boxes, recall
from pipeline.build import build_detector
from pipeline.catalog import find_model
from pipeline.config import DetectConfig, load_config
from pipeline.detect.letterbox import fit_factor
from pipeline.engines.base import Choice, Engine, Feeds
from pipeline.engines.ort_engine import OrtEngine
from pipeline.stages import Detector
from synth.captions import parse_caption
from training.scenes import read_scenes

__all__ = ["Measured", "evaluate", "main", "open_detectors"]

LOW_SCORE = 0.01  # average precision wants the whole list, not the product's threshold
SIZE_EDGES_PX = (0, 16, 32, 64, 128, 256, 10_000)

Boxes = NDArray[np.float32]
Measured = dict[str, float]


class _Once:
    """A network that is not run again for what it has just seen.

    Args:
        engine: Runs it.
    """

    def __init__(self, engine: Engine) -> None:
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self._engine = engine
        # The scales of an image and somewhat more; on a miss it is only run again.
        self._seen: deque[tuple[Feeds, dict[str, NDArray]]] = deque(maxlen=8)

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name."""
        for known, outputs in self._seen:
            if all(np.array_equal(known[name], feed) for name, feed in feeds.items()):
                return outputs
        outputs = self._engine.run(feeds)
        self._seen.append((feeds, outputs))
        return outputs


def open_detectors(path: Path, config: DetectConfig, threads: int) -> tuple[Detector, Detector]:
    """Return the detector as the product shows it, and the same with all its unsure boxes.

    Args:
        path: A model's folder or the `detector.onnx` in it.
        config: The product's settings; the model that they name is not looked at.
        threads: Threads to compute with.

    Raises:
        ModelError: The file is missing, or has another name.
    """
    if not path.is_dir() and path.name != "detector.onnx":
        raise ModelError(f"{path} is not named detector.onnx.", "Give a folder with such a file.")
    folder = (path if path.is_dir() else path.parent).resolve()
    names = (str(folder), *config.ensemble)
    models = [find_model(name, "detect") for name in names]
    choice = Choice(
        engine="onnxruntime",
        device="cpu",
        precision="f32",
        threads=threads,
        reason="evaluation",
        provider="CPUExecutionProvider",
    )
    open_file = cache(lambda file: _Once(OrtEngine.open(file, choice)))
    unsure = config.model_copy(update={"score_min": LOW_SCORE, "max_boxes": 300})
    shown, whole = (build_detector(models, part, lambda _: open_file) for part in (config, unsure))
    return shown, whole


def evaluate(
    shown: Detector,
    whole: Detector,
    images: Sequence[Callable[[], Image]],
    truths: Sequence[Boxes],
) -> tuple[Measured, list[Detections]]:
    """Figures over a set, and the boxes that are shown.

    Args:
        shown: Finds what the product shows: for recall, false boxes and the time.
        whole: Weighs and finds what is less sure too: for average precision.
        images: Functions that read one image each, called one at a time.
        truths: True boxes of each.
    """
    kept: list[Detections] = []
    found: list[Detections] = []
    passed_s = 0.0
    for read in images:
        start = time.monotonic()
        image = read()
        kept += shown([image])
        passed_s += time.monotonic() - start
        found += whole([image])
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
    }, kept


def recall_by(
    found: Sequence[Detections],
    truths: Sequence[Boxes],
    labels: Sequence[Sequence[str]],
) -> dict[str, str]:
    """Recall for each label, as "found/all"."""
    hits: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for seen, truth, names in zip(found, truths, labels, strict=True):
        rows = match_boxes(seen, truth)
        for row, name in enumerate(names):
            hits[name][0] += int(row in rows)
            hits[name][1] += 1
    return {name: f"{hit}/{all_}" for name, (hit, all_) in sorted(hits.items())}


def size_label(box: NDArray[np.float32], factor: float) -> str:
    """The class of size that a box has for the network, px of its input."""
    side = float(max(box[2] - box[0], box[3] - box[1])) * factor
    edge = max(row for row, low in enumerate(SIZE_EDGES_PX) if side >= low)
    return f"{SIZE_EDGES_PX[edge]:>3}+ px"


def draw_boxes(image: Image, seen: Detections, truth: Boxes) -> Image:
    """The image with true boxes in green and predicted ones in red with their score."""
    drawn = image.copy()
    width = max(1, round(max(image.shape) / 700))
    for box in truth:
        x1, y1, x2, y2 = np.round(box).astype(int).tolist()
        cv2.rectangle(drawn, (x1, y1), (x2, y2), (0, 220, 0), width)
    for box, score in zip(seen.xyxy, seen.score, strict=True):
        x1, y1, x2, y2 = np.round(box).astype(int).tolist()
        cv2.rectangle(drawn, (x1, y1), (x2, y2), (240, 30, 30), width)
        place = (x1, max(12, y1 - 3))
        cv2.putText(drawn, f"{score:.2f}", place, 0, 0.5 * width, (240, 30, 30), width)
    return drawn


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="detector.onnx, or its folder")
    parser.add_argument("--dataset", type=Path, help="folder with annotations.jsonl")
    parser.add_argument("--scenes", type=Path, help="cache of training.scenes")
    parser.add_argument("--limit", type=int, default=0, help="first so many images only")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--draw", type=Path, help="folder for images with boxes drawn in")
    arguments = parser.parse_args(argv)
    if (arguments.dataset is None) == (arguments.scenes is None):
        parser.error("give either --dataset or --scenes")
    paths, truths, kinds = _read_set(arguments.dataset, arguments.scenes, arguments.limit)
    config = load_config("mini", sets=arguments.set).detect
    detectors = open_detectors(arguments.model, config, arguments.threads)
    images = [lambda path=path: read_image(path) for path in paths]
    measured, shown = evaluate(*detectors, images, truths)
    sizes = [
        [size_label(box, fit_factor(seen.image_wh, config.input_wh)) for box in truth]
        for truth, seen in zip(truths, shown, strict=True)
    ]
    report = {
        **measured,
        "by_size": recall_by(shown, truths, sizes),
        "by_type": recall_by(shown, truths, kinds),
    }
    print(json.dumps(report, indent=1))
    if arguments.draw is not None:
        for path, seen, truth in zip(paths, shown, truths, strict=True):
            drawn = draw_boxes(read_image(path), seen, truth)
            write_image(drawn, arguments.draw / f"{path.stem}.jpg")


def _kind(caption: str) -> str:
    """The type that a caption names; many names stand for several."""
    types = parse_caption(caption).types
    return types[0] if len(types) == 1 else "several"


def _read_set(
    dataset: Path | None, scenes: Path | None, limit: int
) -> tuple[list[Path], list[Boxes], list[tuple[str, ...]]]:
    if dataset is not None:
        records = list(jsonl.read(dataset))[: limit or None]
        return (
            [record.path for record in records],
            [record.xyxy for record in records],
            [tuple(map(_kind, record.captions)) for record in records],
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
