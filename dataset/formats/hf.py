"""Hugging Face's imagefolder: ``<split>/metadata.jsonl`` beside the images.

``{"file_name": "a.jpg", "objects": {"bbox": [[l, t, w, h]], "category": [0], "caption": [...]}}``:
parallel lists, COCO's boxes in pixels, so ``datasets.load_dataset`` reads it as it is. The order
of the class names stands in ``classes.txt``. A line without objects, as for image captioning, is
an image without labels; its ``text`` says what it shows. An image may have several lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
from dataset.formats.upright import fit_to_stated_size
from dataset.record import Dataset, Record
from dataset.splits import SPLITS

__all__ = ["FOLDERS", "FORMAT", "METADATA_NAME", "read", "write"]

METADATA_NAME = "metadata.jsonl"
FOLDERS: Mapping[str, str] = {"train": "train", "val": "validation", "test": "test"}
_CAPTION_KEYS = ("text", "caption", "captions")  # the first is what `datasets` calls them
_WRONG = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_CATEGORY_KEYS = ("category", "categories", "category_id", "label", "labels")


def read(folder: Path) -> Dataset:
    """The data set in a folder.

    Args:
        folder: Holds ``metadata.jsonl``, or folders of splits with one each.

    Raises:
        DataError: There is no such file, or a line is not as it should be.
    """
    return FORMAT.read(folder)


def write(dataset: Dataset, folder: Path, on_progress: OnProgress | None = None) -> None:
    """Write a folder of images with its metadata for each split that has any."""
    places = {split: folder / name for split, name in FOLDERS.items()}
    copy_images(dataset, lambda record: places[record.split], places.values(), on_progress)
    for split in SPLITS:
        records = dataset.split(split).records
        lines = [json.dumps(_describe(r, dataset.class_names), ensure_ascii=False) for r in records]
        if lines:
            write_text(places[split] / METADATA_NAME, "".join(line + "\n" for line in lines))
    write_class_names(dataset, folder)


def _describe(record: Record, class_names: tuple[str, ...]) -> dict[str, Any]:
    objects: dict[str, Any] = {
        "bbox": [[round(v, 3) for v in box] for box in xyxy_to_xywh(record.xyxy).tolist()],
        "category": [int(class_id) for class_id in record.class_id],
        "category_name": [class_names[class_id] for class_id in record.class_id],
        "caption": list(record.captions),
        "visible_ratio": [round(float(v), 4) for v in record.visible_ratio],
    }
    if record.polygons:
        objects["segmentation"] = [flat_outlines(known) for known in record.polygons]
    return {
        "file_name": image_name(record),
        "width": record.image_wh[0],
        "height": record.image_wh[1],
        "objects": objects,
        "group": record.group,
        "source": record.source,
        "licence": record.licence,
    }


def _indexes(folder: Path) -> list[Path]:
    """All metadata files: of the folder itself, of its splits, and of ``data/<split>``."""
    patterns = (METADATA_NAME, f"*/{METADATA_NAME}", f"data/*/{METADATA_NAME}")
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _holds(folder: Path) -> bool:
    return bool(_indexes(folder))


def _scan(folder: Path) -> RawDataset:
    indexes = _indexes(folder)
    if not indexes:
        raise DataError(
            f"{folder} has no {METADATA_NAME}, neither itself nor in folders of splits.",
            "Tables in CSV or Parquet are not read; write them as JSON Lines.",
        )
    names = list(read_class_names(folder))
    raw = RawDataset((), [])
    for index in indexes:
        for line, row in scan_json_lines(index):
            where = line if index.parent == folder else f"{index.parent.name}/{line}"
            if isinstance(row, Finding):
                add_finding(raw.findings, row)
                continue
            try:
                raw.images.append(_parse(row, folder, index.parent, where, names))
            except InputError as error:
                what = error.message
                add_finding(
                    raw.findings, Finding("corrupt-labels", "error", where, what, error.hint)
                )
            except _WRONG as error:
                what = f"needs file_name and objects with bbox ({cause_of(error)})."
                add_finding(raw.findings, Finding("corrupt-labels", "error", where, what))
    raw.class_names = tuple(names) or ("object",)
    return raw


def _parse(
    row: Mapping[str, Any], folder: Path, place: Path, where: str, names: list[str]
) -> RawImage:
    name = str(row["file_name"])
    split = "" if place == folder else split_named(place.name)
    if not split:
        split = split_named(Path(name.replace("\\", "/")).parent.name)
    path = named_path(place, name)
    image = RawImage(path.stem, path, where, split)
    measure(image)
    try:
        _fill(image, row, names)
    except _WRONG as error:
        # Beside the image that it is about, which lacks a box then: other lines may tell more.
        what = f"needs objects with bbox ({cause_of(error)})."
        image.report("corrupt-labels", what, "Correct the line, or remove it.")
    fit_to_stated_size(image, row.get("width"), row.get("height"))
    return image


def _fill(image: RawImage, row: Mapping[str, Any], names: list[str]) -> None:
    for key in ("group", "source", "licence"):
        setattr(image, key, str(row.get(key) or ""))
    image.captions = next(filter(None, (texts_of(row.get(key)) for key in _CAPTION_KEYS)), ())
    if row.get("objects") is None:
        image.report(
            "missing-labels",
            f"the line of {image.path.name} tells no objects and counts as an image without any.",
            'Write "objects": {"bbox": []} if nothing is to be seen there.',
            level="warning",
        )
    objects = row.get("objects") or {}
    boxes = objects.get("bbox") or []
    categories = _column(objects, _CATEGORY_KEYS, len(boxes))
    named = _column(objects, ("category_name",), len(boxes))
    captions = _column(objects, ("caption", "captions"), len(boxes))
    visible = _column(objects, ("visible_ratio",), len(boxes))
    outlines = _column(objects, ("segmentation",), len(boxes))
    for number, box in enumerate(boxes):
        left, top, width, height = map(float, box)
        class_id = _class_id(categories[number], named[number], names)
        caption = captions[number]
        if caption is None:
            caption = names[class_id] if 0 <= class_id < len(names) else ""
        image.objects.append(
            RawObject(
                (left, top, left + width, top + height),
                class_id,
                str(caption),
                1.0 if visible[number] is None else float(visible[number]),
                outlines_of(outlines[number]),
            )
        )


def _column(objects: Mapping[str, Any], keys: Sequence[str], length: int) -> Sequence[Any]:
    """One of the parallel lists; None for every box where there is none."""
    values = next((objects[key] for key in keys if objects.get(key) is not None), None)
    if values is None:
        return [None] * length
    if len(values) != length:
        raise ValueError(f"{keys[0]} has {len(values)} entries for {length} boxes")
    return list(values)


def _class_id(category: object, named: object, names: list[str]) -> int:
    """The id of a class given by number, by name, or by both; new names are added."""
    name = category if isinstance(category, str) else named
    if isinstance(name, str):
        if name not in names:
            names.append(name)
        return names.index(name)
    number = 0 if category is None else int(str(category))
    if number < 0:
        return -1
    if number < 1000:
        # Numbers alone: without a table of names they get some.
        names.extend(f"class_{i}" for i in range(len(names), number + 1))
    return number


FORMAT = Format("hf", _holds, _scan, write)
