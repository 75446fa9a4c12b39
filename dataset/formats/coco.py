"""COCO: ``annotations/instances_<split>.json`` and ``images/<split>/``.

Boxes are left, top, width, height in pixels; outlines are flat lists. Captions, visibility, groups
and sources are extra keys, which other tools keep or pass over. Crowd regions are not objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from core.boxes import xyxy_to_xywh
from core.errors import DataError, InputError
from core.files import JSON_BYTES_MAX, Json, named_path, read_json
from dataset.formats.files import (
    copy_images,
    flat_outlines,
    image_name,
    outlines_of,
    split_named,
    write_text,
)
from dataset.formats.raw import (
    REPEATED,
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
from dataset.outlines import outline_area
from dataset.record import Dataset, Record
from dataset.splits import SPLITS

__all__ = ["FORMAT", "read", "write"]

_KEYS = ("images", "annotations", "categories")
# The original's other files: the same images again, for other tasks.
_COMPANION = re.compile(r"(captions|panoptic|person_keypoints|stuff)_")


def read(folder: Path) -> Dataset:
    """The data set in a folder, of all its JSON files.

    Args:
        folder: Holds ``annotations/*.json``, JSON files of its own, or Roboflow's
            ``<split>/_annotations.coco.json``.

    Raises:
        DataError: There is no such file, or something in it is not as it should be.
    """
    return FORMAT.read(folder)


def write(dataset: Dataset, folder: Path, on_progress: OnProgress | None = None) -> None:
    """Write one JSON file and one folder of images for each split that has any."""
    places = [folder / "images" / split for split in SPLITS]
    copy_images(dataset, lambda record: folder / "images" / record.split, places, on_progress)
    image_ids, annotation_ids = count(1), count(1)
    for split in SPLITS:
        records = dataset.split(split).records
        path = folder / "annotations" / f"instances_{split}.json"
        if records:
            table = _describe(records, dataset.class_names, image_ids, annotation_ids)
            write_text(path, json.dumps(table, ensure_ascii=False) + "\n")


def _describe(
    records: Sequence[Record],
    class_names: tuple[str, ...],
    image_ids: count[int],
    annotation_ids: count[int],
) -> dict[str, Any]:
    licences = sorted({record.licence for record in records if record.licence})
    images, annotations = [], []
    for record in records:
        image_id = next(image_ids)
        image: dict[str, Any] = {
            "id": image_id,
            "file_name": image_name(record),
            "width": record.image_wh[0],
            "height": record.image_wh[1],
            "group": record.group,
            "source": record.source,
        }
        if record.licence:
            image["license"] = licences.index(record.licence) + 1
        images.append(image)
        for number in range(len(record)):
            row = _annotation(record, number)
            annotations.append({"id": next(annotation_ids), "image_id": image_id, **row})
    return {
        "info": {"description": "Made with Spotter"},
        "licenses": [
            {"id": number, "name": name, "url": ""} for number, name in enumerate(licences, start=1)
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(class_names, start=1)
        ],
        "images": images,
        "annotations": annotations,
    }


def _annotation(record: Record, number: int) -> dict[str, Any]:
    box = [round(value, 3) for value in xyxy_to_xywh(record.xyxy[number])[0].tolist()]
    outlines = record.polygons[number] if record.polygons else ()
    area = sum(map(outline_area, outlines)) if outlines else box[2] * box[3]
    return {
        "category_id": int(record.class_id[number]) + 1,
        "bbox": box,
        "area": round(area, 3),
        "iscrowd": 0,
        "segmentation": flat_outlines(outlines),
        "caption": record.captions[number],
        "visible_ratio": round(float(record.visible_ratio[number]), 4),
    }


def _tables(folder: Path) -> list[Path]:
    """JSON files that may be COCO's, where tools put them; of several for a split that of boxes."""
    found = {*folder.glob("annotations/*.json"), *folder.glob("*.json")}
    found.update(folder.glob("*/_annotations.coco.json"))
    return sorted(
        path
        for path in found
        if not _COMPANION.match(path.name)
        or path.with_name(_COMPANION.sub("instances_", path.name, count=1)) not in found
    )


def _is_coco(table: Json) -> bool:
    return isinstance(table, dict) and all(isinstance(table.get(key), list) for key in _KEYS)


def _holds(folder: Path) -> bool:
    for path in _tables(folder):
        try:
            if _is_coco(read_json(path)):
                return True
        except DataError:
            # Meant to be COCO's, and damaged or too large to read.
            named = path.parent.name == "annotations" or path.name == "_annotations.coco.json"
            if named or path.stat().st_size > JSON_BYTES_MAX:
                return True
    return False


def _scan(folder: Path) -> RawDataset:
    raw = RawDataset((), [])
    names: list[str] = []
    owners: dict[Path, str] = {}
    told = [_scan_table(folder, path, names, raw, owners) for path in _tables(folder)]
    if not any(told):
        raise DataError(
            f"{folder} has no JSON file with images, annotations and categories.",
            "Give the folder that holds annotations/.",
        )
    raw.class_names = tuple(names) or ("object",)
    return raw


def _scan_table(
    folder: Path, path: Path, names: list[str], raw: RawDataset, owners: dict[Path, str]
) -> bool:
    """Add what a JSON file tells; False where it is none of COCO's."""
    try:
        table = read_json(path)
    except DataError as error:
        where = path.relative_to(folder).as_posix()
        raw.findings.append(Finding("corrupt-labels", "error", where, str(error)))
        return True
    if not _is_coco(table):
        return False
    reader = _Table(folder, path, names, raw)
    reader.scan(table)  # type: ignore[arg-type]
    reader.claim(owners)
    return True


def _numbered(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The entries of a list that have an id; categories and licences without one are of no use."""
    rows = table.get(key)
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int | str)]


class _Table:
    """One JSON file on its way into a `RawDataset`."""

    def __init__(self, folder: Path, path: Path, names: list[str], raw: RawDataset) -> None:
        self._names, self._raw = names, raw
        self._images: dict[object, RawImage] = {}
        self._stated: list[tuple[RawImage, object, object]] = []
        self._where = path.relative_to(folder).as_posix()
        self._split = split_named(path.stem) or split_named(path.parent.name)
        stem = _COMPANION.sub("", path.stem.removeprefix("instances_"), count=1)
        # In order of how exact they are: Roboflow's, ours, the original's, one folder for all.
        places = [path.parent, folder / "images" / stem, folder / stem, folder / "images", folder]
        self._places = [place for place in places if place.is_dir()]

    def claim(self, owners: dict[Path, str]) -> None:
        """Note which file describes each image; two that describe the same one are an error."""
        advice = "Leave one of the two files in the folder, or boxes would count twice."
        for image in self._images.values():
            if image.image_wh and owners.setdefault(image.path, self._where) != self._where:
                # Beside the image, which then counts as labelled by neither.
                image.report(REPEATED, f"{owners[image.path]} describes it too.", advice)

    def scan(self, table: Mapping[str, Any]) -> None:
        class_of = self._classes(_numbered(table, "categories"))
        licences = {row["id"]: str(row.get("name") or "") for row in _numbered(table, "licenses")}
        images = self._images
        for number, row in enumerate(table["images"], start=1):
            try:
                if row["id"] in images:
                    self._report(f"image {number} has the id {row['id']} of an earlier one.")
                images[row["id"]] = self._image(row, licences)
            except (InputError, KeyError, TypeError, AttributeError) as error:
                self._report(f"image {number} needs id and file_name ({error}).")
        self._raw.images.extend(images.values())
        for number, row in enumerate(table["annotations"], start=1):
            image = None
            try:
                if row.get("iscrowd"):
                    continue
                image = images.get(row["image_id"])
                if image is None:
                    self._report(f"annotation {number}: there is no image {row['image_id']!r}.")
                    continue
                image.objects.append(self._object(row, class_of))
            except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
                what = f"annotation {number} needs image_id, category_id and bbox"
                self._report(f"{what} ({cause_of(error)}).", image)
        for image, width, height in self._stated:
            fit_to_stated_size(image, width, height)

    def _report(self, what: str, image: RawImage | None = None) -> None:
        """Note what cannot be read; beside the image that it is about, which lacks a box then."""
        finding = Finding("corrupt-labels", "error", self._where, what, "Correct or remove it.")
        add_finding((self._raw if image is None else image).findings, finding)

    def _classes(self, categories: Sequence[Mapping[str, Any]]) -> dict[object, int]:
        """The class id of each category id; names are shared by all files."""
        class_of: dict[object, int] = {}
        for row in sorted(categories, key=lambda row: str(row["id"]).zfill(12)):
            name = str(row.get("name") or f"class {row['id']}")
            if name not in self._names:
                self._names.append(name)
            class_of[row["id"]] = self._names.index(name)
        return class_of

    def _image(self, row: Mapping[str, Any], licences: Mapping[object, str]) -> RawImage:
        name = str(row["file_name"])
        paths = [named_path(place, name) for place in self._places]
        path = next((path for path in paths if path.is_file()), paths[0])
        where = f"{self._where}, {name}"
        image = RawImage(path.stem, path, where, self._split)
        image.group = str(row.get("group") or "")
        image.source = str(row.get("source") or "")
        image.licence = licences.get(row.get("license"), "")
        self._stated.append((image, row.get("width"), row.get("height")))
        measure(image)
        return image

    def _object(self, row: Mapping[str, Any], class_of: Mapping[object, int]) -> RawObject:
        left, top, width, height = map(float, row["bbox"])
        class_id = class_of.get(row["category_id"], -1)
        caption = row.get("caption")
        if caption is None:
            caption = self._names[class_id] if class_id >= 0 else ""
        return RawObject(
            (left, top, left + width, top + height),
            class_id,
            str(caption),
            float(row.get("visible_ratio", 1.0)),
            outlines_of(row.get("segmentation")),
        )


FORMAT = Format("coco", _holds, _scan, write)
