"""Pictures of a project as training scenes for the detector, and which of them are held out.

In: a project. Out: `CachedScene`s like those of ``training.scenes``: the same picture as the
network sees it at its full and at half its scale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.boxes import scale_boxes
from core.errors import DataError
from core.files import read_json, write_json
from core.image import image_wh, read_image, resize_image, write_image
from dataset.record import Dataset, Record
from dataset.splits import hash_position, part_groups, split_at
from pipeline.detect.letterbox import letterbox_wh
from project.export import to_dataset
from project.groups import places_of
from project.store import Project
from training.scenes import CachedScene

__all__ = [
    "Divided",
    "cache_scenes",
    "divide",
    "divide_project",
    "fingerprint",
    "keep_division",
    "mix_scenes",
]

SHARES = (0.8, 0.2, 0.0)
IMAGES_MIN = 8
_INPUT_WH = (960, 544)
_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Divided:
    """The images to learn from, and those that are only measured."""

    train: tuple[Record, ...]
    held_out: tuple[Record, ...]


def divide_project(project: Project) -> Divided:
    """Return the done images of a project, to learn from and to measure on.

    Images that look nearly the same fall into one part: else what was learnt is measured.

    Raises:
        DataError: See `divide`.
    """
    dataset, places = to_dataset(project), places_of(project)
    return divide(dataset, [places[record.image_id].split for record in dataset])


def divide(dataset: Dataset, splits: Sequence[str]) -> Divided:
    """Return the images of a project in two parts.

    Args:
        dataset: The project's images.
        splits: The split that was given to each image, empty where none was. If some were put into
            "val" or "test", these are held out; else about a fifth, by a hash of the group, so
            that no group falls into both parts. Of few images at least one group with boxes.

    Raises:
        DataError: A part is too small to learn from or to measure.
    """
    measured = {"val", "test"}
    if measured.isdisjoint(splits):
        boxed = {record.group for record in dataset if len(record)}
        parts = part_groups(boxed, SHARES)
        splits = [
            parts.get(record.group) or split_at(hash_position(record.group), SHARES)
            for record in dataset
        ]
    train: list[Record] = []
    held_out: list[Record] = []
    for record, split in zip(dataset, splits, strict=True):
        (held_out if split in measured else train).append(record)
    return _checked(Divided(tuple(train), tuple(held_out)))


def keep_division(divided: Divided, path: Path, *, resume: bool) -> Divided:
    """Return the images as a run divided them when it began: nothing learnt is measured on later.

    Args:
        divided: As they would be divided now.
        path: Where the division is written down, by the names of the pictures' files.
        resume: Images that came since are left out; otherwise the division is a new one.

    Raises:
        DataError: What is left of a part is too small.
    """
    if resume and path.is_file():
        kept: Any = read_json(path)
        records = {record.path.stem: record for record in (*divided.train, *divided.held_out)}
        parts = [
            tuple(records[name] for name in kept[part] if name in records)
            for part in ("train", "held_out")
        ]
        return _checked(Divided(*parts))
    write_json(
        path,
        {
            "train": [record.path.stem for record in divided.train],
            "held_out": [record.path.stem for record in divided.held_out],
        },
    )
    return divided


def fingerprint(records: Sequence[Record]) -> str:
    """Return a hash of pictures and boxes; figures of two models compare only where it is equal."""
    digest = hashlib.sha256()
    for record in sorted(records, key=lambda record: record.path.stem):
        digest.update(f"{record.path.stem} {record.xyxy.round(3).tolist()}\n".encode())
    return digest.hexdigest()


def _checked(divided: Divided) -> Divided:
    parts = (divided.train, divided.held_out)
    num_boxes = [sum(len(record) for record in part) for part in parts]
    num_images = [len(part) for part in parts]
    if sum(num_images) < IMAGES_MIN or not all(num_boxes):
        raise DataError(
            f"the project has {num_images[0]} done images with {num_boxes[0]} boxes to learn from "
            f"and {num_images[1]} with {num_boxes[1]} to measure on.",
            f"Finish at least {IMAGES_MIN} images, some of them with boxes in each part.",
        )
    return divided


def cache_scenes(records: Sequence[Record], out: Path) -> list[CachedScene]:
    """Write each picture at the network's scale and at half of it; pictures written stay.

    Args:
        records: Pictures with boxes.
        out: Folder, made if missing.
    """
    scenes = []
    for record in records:
        image = None
        full_wh, _ = letterbox_wh(record.image_wh, _INPUT_WH)
        for name, shrunk in (("full", 1), ("half", 2)):
            wh = tuple(max(32, round(side / shrunk)) for side in full_wh)
            path = out / f"{record.path.stem}-{name}.jpg"
            if not path.is_file():
                image = read_image(record.path) if image is None else image
                write_image(resize_image(image, (wh[0], wh[1])), path, quality=_QUALITY)
            ratio = wh[0] / record.image_wh[0], wh[1] / record.image_wh[1]
            boxes = scale_boxes(record.xyxy, ratio).astype(np.float32)
            names = tuple("object" for _ in record.captions)
            scenes.append(CachedScene(path, boxes, record.captions, names))
        assert image is None or image_wh(image) == record.image_wh
    return scenes


def mix_scenes(
    own: Sequence[CachedScene],
    synthetic: Sequence[CachedScene],
    synthetic_ratio: float,
) -> list[CachedScene]:
    """Return scenes such that a uniform draw is synthetic with the given chance.

    All synthetic ones are used and own ones repeated as often as it takes: variety is what the
    synthetic ones are for. Where there are fewer of them, they are repeated instead.
    """
    if not synthetic or synthetic_ratio <= 0:
        return list(own)
    odds = (1 - synthetic_ratio) / synthetic_ratio  # own scenes for each synthetic one
    times = len(synthetic) * odds / len(own)
    if times >= 1:
        return [*list(own) * round(times), *synthetic]
    return [*own, *list(synthetic) * max(1, round(1 / times))]
