"""A finished manifest turned into a dataset of some format, with its card and statistics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset.formats import jsonl, yolo
from dataset.record import Dataset, Record
from synth.library import Library
from synth.manifest import Entry

if TYPE_CHECKING:
    from synth.job import Job

__all__ = ["FORMAT_NAMES", "export", "image_file", "to_dataset"]

FORMAT_NAMES = ("yolo", "jsonl")
_WRITERS = {"yolo": yolo.write, "jsonl": jsonl.write}
# Where a format keeps its images, so that they are made there and never copied.
_FOLDERS = {"yolo": "images/{split}", "jsonl": "images"}
_SINGLE = "object"


def image_file(format_name: str, split: str, index: int) -> str:
    """The path of an image below the dataset's folder."""
    return f"{_FOLDERS[format_name].format(split=split)}/scene_{index:07d}.jpg"


def export(job: Job, library: Library, entries: Sequence[Entry], *, notes: Sequence[str]) -> None:
    """Write labels in the job's format beside the images."""
    dataset = to_dataset(job.out, library, entries, single_class=job.single_class)
    _WRITERS[job.format](dataset, job.out)


def to_dataset(
    folder: Path, library: Library, entries: Sequence[Entry], *, single_class: bool
) -> Dataset:
    """The entries as a data set, without the skipped ones."""
    names = (_SINGLE,) if single_class else tuple(sorted(library.by_class))
    licences = sorted({c.licence for c in library.cutouts if c.licence})
    records = []
    for entry in entries:
        if entry.skipped:
            continue
        classes = [0 if single_class else names.index(name) for name in entry.class_names]
        records.append(
            Record(
                image_id=Path(entry.file).stem,
                path=folder / entry.file,
                image_wh=entry.image_wh,
                xyxy=np.array(entry.xyxy, np.float32).reshape(-1, 4),
                captions=entry.captions,
                class_id=np.array(classes, np.int64),
                visible_ratio=np.array(entry.visible_ratio, np.float32),
                group=entry.group,
                split=entry.split,
                source="synthetic scene, see manifest.jsonl",
                licence=", ".join(licences),
            )
        )
    return Dataset(tuple(records), names)
