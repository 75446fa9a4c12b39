"""The competition's format: one line an image, captions beside pixel boxes (left, top, w, h).

``{"image": "a.jpg", "annotations": [{"caption": "grey missile", "bbox": [l, t, w, h]}]}`` in
``annotations.jsonl``, images in ``images/``. Unknown keys are kept out, not guessed at.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.boxes import clip_boxes, is_valid, xywh_to_xyxy, xyxy_to_xywh
from core.errors import DataError, InputError
from core.files import confined_path, read_json_lines, write_bytes
from dataset.record import Dataset, Record, read_image_wh

__all__ = ["INDEX_NAME", "read", "write"]

INDEX_NAME = "annotations.jsonl"


def read(folder: Path) -> Dataset:
    """The data set in a folder.

    Args:
        folder: Holds ``annotations.jsonl`` and ``images/``.

    Raises:
        DataError: A line, an image or a box is not as it should be; the message names the line.
    """
    index = folder / INDEX_NAME
    if not index.is_file():
        raise DataError(f"{index} does not exist.", "Give the folder that holds it.")
    records = []
    for number, row in enumerate(read_json_lines(index), start=1):
        records.append(_parse(row, folder, f"{index.name}, image {number}"))
    return Dataset(tuple(records))


def write(dataset: Dataset, folder: Path) -> None:
    """Write a data set, images included, in record order.

    Args:
        dataset: Its images are copied, not encoded anew.
        folder: Made if missing; an index that is there is replaced.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    lines = []
    for record in dataset:
        name = record.image_id + record.path.suffix.lower()
        target = images / name
        if target.resolve() != record.path.resolve():
            shutil.copyfile(record.path, target)
        lines.append(json.dumps(_describe(record, name), ensure_ascii=False))
    write_bytes(folder / INDEX_NAME, "".join(line + "\n" for line in lines).encode())


def _describe(record: Record, name: str) -> dict[str, Any]:
    rows = []
    for box, caption, visible in zip(
        xyxy_to_xywh(record.xyxy).tolist(), record.captions, record.visible_ratio, strict=True
    ):
        row: dict[str, Any] = {"caption": caption, "bbox": [round(value, 3) for value in box]}
        if visible < 1:
            row["visible_ratio"] = round(float(visible), 4)
        rows.append(row)
    described: dict[str, Any] = {"image": name, "annotations": rows}
    for key in ("group", "split", "source", "licence"):
        if getattr(record, key) and (key != "group" or record.group != record.image_id):
            described[key] = getattr(record, key)
    return described


def _parse(row: Mapping[str, Any], folder: Path, where: str) -> Record:
    try:
        path = confined_path(folder / "images", row["image"])
        name, annotations = row["image"], row["annotations"]
        captions = tuple(str(entry.get("caption", "")) for entry in annotations)
        xywh = np.array([entry["bbox"] for entry in annotations], np.float32).reshape(-1, 4)
    except InputError as error:
        raise DataError(f"{where}: {error.message}", error.hint) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{where}: needs image and annotations with bbox ({error}).") from error
    if not path.is_file():
        raise DataError(f"{where}: {path} does not exist.")
    image_wh = read_image_wh(path)
    # Hand-made boxes may stand out of the image by a pixel: cut, never refused for that.
    xyxy = clip_boxes(xywh_to_xyxy(xywh), image_wh)
    if not is_valid(xyxy).all():
        raise DataError(f"{where}: a box of {name} is empty or outside of the image.")
    texts = {key: str(row.get(key) or "") for key in ("group", "split", "source", "licence")}
    return Record(
        image_id=Path(name).stem,
        path=path,
        image_wh=image_wh,
        xyxy=xyxy,
        captions=captions,
        visible_ratio=_visible(annotations),
        group=texts["group"],
        split=texts["split"],
        source=texts["source"],
        licence=texts["licence"],
    )


def _visible(annotations: list[Mapping[str, Any]]) -> np.ndarray:
    return np.array([float(entry.get("visible_ratio", 1.0)) for entry in annotations], np.float32)
