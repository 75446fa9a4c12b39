"""A finished manifest turned into a dataset of some format, with its card and statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import DataError
from core.files import write_json
from dataset.card import write_card
from dataset.formats.hf import FOLDERS as HF_FOLDERS
from dataset.record import Dataset, Record
from dataset.registry import write_dataset
from dataset.statistics import summarize
from synth.library import Background, Cutout, Library
from synth.manifest import Entry
from synth.source_notes import read_notes

if TYPE_CHECKING:
    from synth.job import Job

__all__ = ["IMAGE_PREFIX", "STATISTICS_NAME", "export", "image_file", "to_dataset"]

IMAGE_PREFIX = "scene_"
STATISTICS_NAME = "statistics.json"
_SINGLE = "object"


def image_file(format_name: str, split: str, index: int) -> str:
    """The path of an image below the dataset's folder: where its format keeps it.

    Made there at once, images are never copied.
    """
    folder = f"images/{split}"
    if format_name == "voc":
        folder = "JPEGImages"
    elif format_name == "hf":
        folder = HF_FOLDERS[split]
    elif format_name == "jsonl":
        folder = "images"
    return f"{folder}/{IMAGE_PREFIX}{index:07d}.jpg"


def export(job: Job, library: Library, entries: Sequence[Entry], notes: Sequence[str]) -> None:
    """Write labels in the job's format beside the images, then statistics and card.

    Args:
        job: What was made.
        library: What it was made from.
        entries: Of the manifest.
        notes: What the card should tell; nothing that differs from run to run.

    Raises:
        DataError: Not one image could be made, or the folder cannot be written to.
    """
    dataset = to_dataset(job.out, library, entries, single_class=job.single_class)
    if not len(dataset):
        reasons = "; ".join(entry.skipped for entry in entries[:3])
        raise DataError(f"none of {len(entries)} images could be made: {reasons}.")
    write_dataset(dataset, job.out, job.format)
    write_json(job.out / STATISTICS_NAME, summarize(dataset).to_dict())
    default = type(job.config)()
    changed = {
        key: value
        for key, value in job.config.model_dump(mode="json").items()
        if getattr(job.config, key) != getattr(default, key)
    }
    facts: dict[str, object] = {
        "made by": "Spotter, python app.py synth generate; every image can be made again from "
        "manifest.jsonl",
        "seed": job.seed,
        "images": job.count,
        "cutouts": len(library.cutouts),
        "backgrounds": len(library.backgrounds),
        "settings other than the defaults": changed or "none",
    }
    if notes:
        facts["notes"] = list(notes)
    told = read_notes(job.backgrounds)
    title = "Synthetic scenes"
    write_card(dataset, job.out, format=job.format, title=title, facts=facts, notes=told)


def to_dataset(
    folder: Path, library: Library, entries: Sequence[Entry], *, single_class: bool
) -> Dataset:
    """The entries as a data set, without the skipped ones.

    Args:
        folder: Holds the images.
        library: Knows classes, sources and licences.
        entries: Of the manifest.
        single_class: One class, "object", instead of a class per type.
    """
    names = (_SINGLE,) if single_class else tuple(sorted(library.by_class))
    records = []
    for entry in entries:
        if entry.skipped:
            continue
        shown: list[Background | Cutout] = [library.background_entry(entry.plan.background)]
        shown += [library.cutout(placement.cutout) for placement in entry.plan.placements]
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
                source=_joined(item.source for item in shown),
                licence=_joined(item.licence for item in shown),
                polygons=entry.outlines,
            )
        )
    return Dataset(tuple(records), names)


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(sorted({text for text in texts if text}))
