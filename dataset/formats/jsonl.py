"""The competition's format: one line an image, captions beside pixel boxes (left, top, w, h).

``{"image": "a.jpg", "annotations": [{"caption": "grey missile", "bbox": [l, t, w, h]}]}`` in
``annotations.jsonl``, images in ``images/``. Classes, where there are several, are a name in each
annotation; outlines are COCO's flat lists. An image with ``captions``, a list of texts, instead of
annotations, or with an annotation without ``bbox``, is one without labels, but one knows what it
shows: it is found, but not read as a data set. An image may have several lines, such as one an
object, which then needs no list: ``{"image", "caption", "bbox"}``. Unknown keys are kept out, not
guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.boxes import xyxy_to_xywh
from core.errors import DataError, InputError
from core.files import named_path
from dataset.formats.files import (
    copy_images,
    flat_outlines,
    image_name,
    outlines_of,
    read_class_names,
    scan_json_lines,
    split_named,
    texts_of,
    write_class_names,
    write_text,
)
from dataset.formats.raw import (
    Finding,
    Format,
    OnProgress,
    RawDataset,
    RawImage,
    RawObject,
    add_finding,
    cause_of,
    measure,
)
from dataset.record import Dataset, Record
from dataset.splits import SPLITS

__all__ = ["FORMAT", "INDEX_NAME", "read", "write"]

INDEX_NAME = "annotations.jsonl"
_DEFAULT_CLASS = "object"
_FORM_HINT = (
    'Write {"image": name, "annotations": [{"caption": text, "bbox": [left, top, width, height]}]}.'
)
_WRONG = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)


def read(folder: Path) -> Dataset:
    """The data set in a folder.

    Args:
        folder: Holds ``annotations.jsonl``, and the images in ``images/`` or right beside it.

    Raises:
        DataError: A line, an image or a box is not as it should be; the message names the line.
    """
    return FORMAT.read(folder)


def write(dataset: Dataset, folder: Path, on_progress: OnProgress | None = None) -> None:
    """Write a data set, images included, in record order.

    Args:
        dataset: Its images are copied, not encoded anew.
        folder: Made if missing; an index that is there is replaced.
        on_progress: See `copy_images`.
    """
    images = folder / "images"
    copy_images(dataset, lambda record: images, [images], on_progress)
    lines = [
        json.dumps(_describe(record, dataset.class_names), ensure_ascii=False) + "\n"
        for record in dataset
    ]
    write_class_names(dataset, folder)
    write_text(folder / INDEX_NAME, "".join(lines))


def _describe(record: Record, class_names: tuple[str, ...]) -> dict[str, Any]:
    rows = []
    for number, box in enumerate(xyxy_to_xywh(record.xyxy).tolist()):
        row: dict[str, Any] = {
            "caption": record.captions[number],
            "bbox": [round(value, 3) for value in box],
        }
        if class_names != (_DEFAULT_CLASS,):
            row["class"] = class_names[record.class_id[number]]
        if record.visible_ratio[number] < 1:
            row["visible_ratio"] = round(float(record.visible_ratio[number]), 4)
        if record.polygons and record.polygons[number]:
            row["segmentation"] = flat_outlines(record.polygons[number])
        rows.append(row)
    described: dict[str, Any] = {"image": image_name(record), "annotations": rows}
    for key in ("group", "split", "source", "licence"):
        if getattr(record, key) and (key != "group" or record.group != record.image_id):
            described[key] = getattr(record, key)
    return described


def _holds(folder: Path) -> bool:
    return (folder / INDEX_NAME).is_file()


def _scan(folder: Path) -> RawDataset:
    index = folder / INDEX_NAME
    if not index.is_file():
        raise DataError(f"{index} does not exist.", "Give the folder that holds it.")
    names = list(read_class_names(folder))
    # Sets that people hand around often keep the images right beside the index.
    images = folder / "images" if (folder / "images").is_dir() else folder
    raw = RawDataset((), [])
    for where, row in scan_json_lines(index):
        if isinstance(row, Finding):
            add_finding(raw.findings, row)
            continue
        try:
            raw.images.append(_parse(row, images, where, names))
        except InputError as error:
            add_finding(
                raw.findings, Finding("corrupt-labels", "error", where, error.message, error.hint)
            )
        except _WRONG as error:
            what = f"needs image and annotations with bbox ({cause_of(error)})."
            add_finding(raw.findings, Finding("corrupt-labels", "error", where, what))
    raw.class_names = tuple(names) or (_DEFAULT_CLASS,)
    return raw


def _parse(row: Mapping[str, Any], images: Path, where: str, names: list[str]) -> RawImage:
    path = named_path(images, row["image"])
    image = RawImage(path.stem, path, where)
    measure(image)
    try:
        _fill(image, row, names)
    except _WRONG as error:
        # Beside the image that it is about, which lacks a box then: other lines may tell more.
        what = f"needs annotations with bbox ({cause_of(error)})."
        image.report("corrupt-labels", what, _FORM_HINT)
    return image


def _fill(image: RawImage, row: Mapping[str, Any], names: list[str]) -> None:
    name = image.path.name
    image.captions = texts_of(row.get("captions"))
    entries = row.get("annotations")
    if entries is None and "bbox" in row:
        entries = [row]  # one object a line
    # One of both must be there: a mistyped name would pass for an empty image.
    if entries is None and not image.captions and row.get("captions") != []:
        raise KeyError("annotations")
    if entries is None:
        image.report(
            "missing-labels",
            f"the line of {name} tells no annotations and counts as an image without any.",
            'Write "annotations": [] if nothing is to be seen there.',
            level="warning",
        )
    elif any(map(_has_no_box, entries)):
        # Of the image are all of them: two alike are two objects, and one of these may have a box.
        image.captions += texts_of([str(entry.get("caption") or "") for entry in entries])
        image.report(
            "missing-labels",
            f"the line of {name} tells captions without a bbox.",
            "Write a bbox each: without it the object counts as background.",
            level="warning",
        )
    image.group = str(row.get("group") or "")
    image.source = str(row.get("source") or "")
    image.licence = str(row.get("licence") or "")
    if told := str(row.get("split") or ""):
        image.split = split_named(told)
        if not image.split:
            image.report("unknown-split", f"split {told!r} must be one of {', '.join(SPLITS)}.")
    for entry in entries or ():
        if _has_no_box(entry):
            continue
        left, top, width, height = map(float, entry["bbox"])
        class_name = str(entry.get("class", names[0] if names else _DEFAULT_CLASS))
        if class_name not in names:
            names.append(class_name)
        image.objects.append(
            RawObject(
                (left, top, left + width, top + height),
                names.index(class_name),
                str(entry.get("caption") or ""),
                float(entry.get("visible_ratio", 1.0)),
                outlines_of(entry.get("segmentation")),
            )
        )


def _has_no_box(entry: Mapping[str, Any]) -> bool:
    """Whether an annotation says what is there, but not where."""
    return entry.get("bbox") is None and bool(texts_of(entry.get("caption")))


FORMAT = Format("jsonl", _holds, _scan, write)
