"""How often captions lead to the right box, side by side for several settings: is faster as good?

    python -m benchmarks.accuracy --scenes CACHE/test --variant plain=engine.precision=f32 \
        --variant int8=engine.precision=int8

Every variant is asked the same captions about the same images. A variant is a name and settings
separated by commas; "right" is an IoU above 0.5 with the described object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe_commit, describe_machine
from core.boxes import iou_matrix
from core.errors import InputError
from core.image import read_image
from dataset.formats import jsonl
from pipeline.config import load_config
from pipeline.locate import Locator
from training.scenes import read_scenes

__all__ = [
    "IOU_MIN",
    "Question",
    "add_question_options",
    "compare",
    "main",
    "parse_variant",
    "read_questions",
]

IOU_MIN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """An image with its described objects.

    Args:
        path: The image.
        xyxy: (n, 4) float32 true boxes.
        captions: One per box.
    """

    path: Path
    xyxy: NDArray[np.float32]
    captions: tuple[str, ...]


def compare(
    locators: dict[str, Locator], questions: Sequence[Question]
) -> dict[str, dict[str, float]]:
    """Return figures by name: captions answered rightly, objects found, boxes, CPU time.

    Args:
        locators: What is compared.
        questions: Asked of each, one image at a time in turn.
    """
    right = dict.fromkeys(locators, 0)
    found = dict.fromkeys(locators, 0)
    boxes = dict.fromkeys(locators, 0)
    cpu_s = dict.fromkeys(locators, 0.0)
    for question in questions:
        image = read_image(question.path)
        for name, locator in locators.items():
            start_s = process_time()
            result = locator.locate([image], question.captions)[0]
            cpu_s[name] += process_time() - start_s
            iou = iou_matrix(question.xyxy, result.detections.xyxy)
            boxes[name] += iou.shape[1]
            found[name] += int((iou.max(axis=1, initial=0) > IOU_MIN).sum())
            right[name] += sum(
                ranking.nearest_row is not None and iou[row, ranking.nearest_row] > IOU_MIN
                for row, ranking in enumerate(result.rankings)
            )
    total = sum(len(question.captions) for question in questions)
    count = max(len(questions), 1)
    return {
        name: {
            "caption_accuracy": round(right[name] / max(total, 1), 4),
            "recall50": round(found[name] / max(total, 1), 4),
            "boxes_per_image": round(boxes[name] / count, 2),
            "cpu_ms_per_image": round(1000 * cpu_s[name] / count, 1),
        }
        for name in locators
    }


def parse_variant(text: str) -> tuple[str, list[str]]:
    """Return the name and the settings of "name=key=value,key=value"; "name=" has none.

    Raises:
        InputError: There is no name.

    Example:
        >>> parse_variant("small=upscale.below_px=48,detect.level_count=2")
        ('small', ['upscale.below_px=48', 'detect.level_count=2'])
    """
    name, equals, pairs = text.partition("=")
    if not name or not equals:
        raise InputError(f"cannot read the variant '{text}'.", "Write name=key=value,key=value.")
    return name, [pair for pair in pairs.split(",") if pair]


def add_question_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say with what preset, and of which images, is asked."""
    parser.add_argument("--preset", default=None)
    parser.add_argument("--scenes", type=Path, help="a cache written by training.scenes")
    parser.add_argument("--dataset", type=Path, help="a folder with annotations.jsonl")
    parser.add_argument("--count", type=int, default=1000, help="most images")


def read_questions(scenes: Path | None, dataset: Path | None, count: int) -> list[Question]:
    """Return the first images with described objects, of a cache of scenes and of a data set."""
    questions = []
    if scenes is not None:
        questions += [
            Question(scene.path, scene.xyxy, tuple(scene.captions)) for scene in read_scenes(scenes)
        ]
    if dataset is not None:
        for record in jsonl.read(dataset):
            rows = [row for row, caption in enumerate(record.captions) if caption]
            captions = tuple(record.captions[row] for row in rows)
            questions.append(Question(record.path, record.xyxy[rows], captions))
    return [question for question in questions if question.captions][:count]


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, compare, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    add_question_options(parser)
    parser.add_argument("--variant", action="append", required=True, metavar="NAME=SETTINGS")
    arguments = parser.parse_args(argv)
    variants = dict(parse_variant(text) for text in arguments.variant)
    locators = {
        name: Locator.open(load_config(arguments.preset, sets=pairs))
        for name, pairs in variants.items()
    }
    questions = read_questions(arguments.scenes, arguments.dataset, arguments.count)
    report = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "provenance": next(iter(locators.values())).provenance,
        "images": len(questions),
        "captions": sum(len(question.captions) for question in questions),
        "settings": variants,
        "figures": compare(locators, questions),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
