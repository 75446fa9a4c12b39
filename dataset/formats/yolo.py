"""Ultralytics' YOLO folders: ``images/<split>``, ``labels/<split>``, ``data.yaml``.

Boxes are cx cy w h over the image's size. YOLO has no place for captions, groups or visibility, so
they travel in ``captions.jsonl`` beside it; without that file captions are the class names.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.boxes import clip_boxes, cxcywh_to_xyxy, is_valid, xyxy_to_cxcywh
from core.errors import DataError
from core.files import read_json_lines, write_bytes
from dataset.record import Dataset, Record, read_image_wh
from dataset.splits import SPLITS

__all__ = ["read", "write"]

_SIDECAR = "captions.jsonl"
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def read(folder: Path) -> Dataset:
    """The data set in a folder, all its splits.

    Args:
        folder: Holds ``images/`` and ``labels/``; class names come from ``data.yaml``.

    Raises:
        DataError: There is no image, or a label file is not as it should be.
    """
    names = _read_names(folder / "data.yaml")
    notes = _read_sidecar(folder / _SIDECAR)
    records = []
    for split in SPLITS:
        for path in sorted((folder / "images" / split).glob("*")):
            if path.suffix.lower() in _SUFFIXES:
                records.append(_read_record(folder, split, path, names, notes))
    if not records:
        raise DataError(f"{folder} has no images in images/train, images/val or images/test.")
    return Dataset(tuple(records), names)


def write(dataset: Dataset, folder: Path) -> None:
    """Write a data set, images copied; an image without objects gets an empty label file."""
    notes = []
    for record in dataset:
        name = record.image_id + record.path.suffix.lower()
        target = folder / "images" / record.split / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.resolve() != record.path.resolve():
            shutil.copyfile(record.path, target)
        size = np.tile(np.array(record.image_wh, np.float64), 2)
        rows = xyxy_to_cxcywh(record.xyxy) / size
        lines = [
            " ".join([str(int(c)), *(f"{min(max(v, 0.0), 1.0):.7f}" for v in row)]) + "\n"
            for c, row in zip(record.class_id, rows.tolist(), strict=True)
        ]
        label = folder / "labels" / record.split / f"{record.image_id}.txt"
        write_bytes(label, "".join(lines).encode())
        notes.append(json.dumps(_describe(record), ensure_ascii=False) + "\n")
    write_bytes(folder / _SIDECAR, "".join(notes).encode())
    write_bytes(folder / "data.yaml", _data_yaml(dataset).encode())


def _data_yaml(dataset: Dataset) -> str:
    # Without "path" Ultralytics takes the folder of this file; "." would be the working folder.
    lines = []
    present = {record.split for record in dataset}
    # Ultralytics insists on both keys, also where one of them has no images of its own.
    for split in SPLITS:
        if split in present or split != "test":
            lines.append(f"{split}: images/{split if split in present else 'train'}\n")
    lines.append("names:\n")
    # JSON strings are YAML strings, whatever signs a name holds.
    lines.extend(f"  {i}: {json.dumps(name)}\n" for i, name in enumerate(dataset.class_names))
    return "".join(lines)


def _describe(record: Record) -> dict[str, Any]:
    return {
        "image": record.image_id,
        "captions": list(record.captions),
        "visible_ratio": [round(float(v), 4) for v in record.visible_ratio],
        "group": record.group,
        "source": record.source,
        "licence": record.licence,
    }


def _read_names(path: Path) -> tuple[str, ...]:
    """The class names of a data.yaml, block or list, without a YAML parser for the rest."""
    if not path.is_file():
        return ("object",)
    names: dict[int, str] = {}
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("names:"):
            inside = True
            inline = line.removeprefix("names:").strip()
            if inline.startswith("["):
                return tuple(part.strip().strip("'\"") for part in inline.strip("[]").split(","))
        elif inside and line[:1] in (" ", "-"):
            key, _, value = line.strip().partition(":")
            index = len(names) if line.strip().startswith("-") else int(key)
            text = line.strip()[1:] if line.strip().startswith("-") else value
            names[index] = text.strip().strip("'\"")
        else:
            inside = False
    return tuple(names[i] for i in sorted(names)) or ("object",)


def _read_sidecar(path: Path) -> dict[str, Mapping[str, Any]]:
    if not path.is_file():
        return {}
    return {str(row["image"]): row for row in read_json_lines(path)}


def _read_record(
    folder: Path,
    split: str,
    path: Path,
    names: tuple[str, ...],
    notes: Mapping[str, Mapping[str, Any]],
) -> Record:
    label = folder / "labels" / split / f"{path.stem}.txt"
    text = label.read_text(encoding="utf-8") if label.is_file() else ""
    try:
        rows = np.array([line.split()[:5] for line in text.splitlines() if line], np.float64)
    except ValueError as error:
        raise DataError(f"{label}: rows must be class cx cy w h ({error}).") from error
    rows = rows.reshape(-1, 5)
    image_wh = read_image_wh(path)
    xyxy = clip_boxes(cxcywh_to_xyxy(rows[:, 1:] * np.tile(image_wh, 2)), image_wh)
    if not is_valid(xyxy).all() or (len(rows) and not 0 <= rows[:, 0].max() < len(names)):
        raise DataError(f"{label}: a box is empty, or a class has no name in data.yaml.")
    class_id = rows[:, 0].astype(np.int64)
    note = notes.get(path.stem, {})
    return Record(
        image_id=path.stem,
        path=path,
        image_wh=image_wh,
        xyxy=xyxy,
        captions=tuple(note.get("captions", [names[c] for c in class_id])),
        class_id=class_id,
        visible_ratio=np.array(note.get("visible_ratio", np.ones(len(rows))), np.float32),
        group=str(note.get("group", "")),
        split=split,
        source=str(note.get("source", "")),
        licence=str(note.get("licence", "")),
    )
