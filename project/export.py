"""A project out again: as a data set in any format, as a table, as crops with captions.

"confirmed": images that are done, with the boxes that people vouch for; what is not labelled yet
would teach a detector that objects are background. "all": every image, proposals included.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from core.errors import DataError, InputError
from core.files import shortened, write_bytes
from core.image import encode_image, read_image
from core.types import Detections
from dataset.card import claim_folder
from dataset.data_file import guarded
from dataset.record import Dataset, Record
from dataset.registry import write_dataset
from dataset.splits import SHARES, Shares, part_groups
from pipeline.config import CutConfig
from pipeline.cut import cut
from project.classes import UNNAMED
from project.groups import Place, places_of
from project.settings import CUT
from project.store import Project
from project.types import BoxRow, ImageRow

__all__ = [
    "CROPS_INDEX",
    "What",
    "count_unnamed",
    "export_crops",
    "export_csv",
    "export_dataset",
    "to_dataset",
]

What: TypeAlias = Literal["confirmed", "all"]
OnProgress = Callable[[int, int, str], None]

CROPS_INDEX = "crops.jsonl"
_COLUMNS = (
    "image", "width", "height", "image_state", "x1", "y1", "x2", "y2", "class", "caption", "state",
    "detector", "logit", "probability", "source", "split", "group", "licence",
    "file",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Item:
    """An image that goes out, with the boxes that do."""

    image: ImageRow
    boxes: tuple[BoxRow, ...]


def _items(project: Project, what: What) -> Iterator[_Item]:
    if what not in ("confirmed", "all"):
        raise InputError(f"what must be 'confirmed' or 'all', got {what!r}.")
    states = ("confirmed",) if what == "confirmed" else ("confirmed", "proposed")
    for image, boxes in project.walk_boxes("done" if what == "confirmed" else None):
        yield _Item(image, tuple(box for box in boxes if box.state in states))


def to_dataset(project: Project, what: What = "confirmed", shares: Shares = SHARES) -> Dataset:
    """Return the project's images as a data set; its pictures stay where they are.

    Pictures that look nearly the same come into one split, unless they were given others.

    Args:
        project: Not changed.
        what: See the module.
        shares: Of train, val and test, for pictures that were given no split.

    Raises:
        DataError: There is no such image, or a class was renamed meanwhile.
    """
    names, places = project.class_names, _places(project, what, shares)
    records = []
    for item in _items(project, what):
        names = _names_for(project, item, names)
        records.append(_record(project, item, names, _place(places, item.image)))
    if not records:
        raise DataError(
            "no picture of the project is done."
            if what == "confirmed"
            else "the project is empty.",
            "Finish some on the page or by project mark, or export all with their proposals: --all."
            if what == "confirmed"
            else "Import some pictures.",
        )
    return Dataset(tuple(records), names)


def count_unnamed(project: Project, what: What = "confirmed") -> int:
    """Return how many boxes go out as "object" without a caption, though there are other types.

    Args:
        project: Not changed.
        what: See the module.
    """
    names = project.class_names
    if UNNAMED not in names or len(names) == 1:
        return 0  # nothing but "object": nobody was asked for a type
    boxes = (box for item in _items(project, what) for box in item.boxes)
    return sum(box.class_name == UNNAMED and not box.caption for box in boxes)


def _names_for(project: Project, item: _Item, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the classes, with those that came while images were read."""
    used = {box.class_name for box in item.boxes}
    if used <= set(names):
        return names
    now = project.class_names
    if now[: len(names)] != names or not used <= set(now):
        raise DataError("a type of the project was renamed meanwhile.", "Export again.")
    return now


def _places(project: Project, what: What, shares: Shares) -> dict[str, Place]:
    """Where each image that goes out belongs, by its name; none is without a split."""
    everywhere = places_of(project)
    images = project.walk("done" if what == "confirmed" else None)
    places = {image.name: everywhere[image.name] for image in images if image.name in everywhere}
    given = {place.split for place in places.values() if place.split}
    free = (place.group for place in places.values() if not place.split)
    splits = part_groups(free, shares, given=given)
    return {
        name: place if place.split else replace(place, split=splits[place.group])
        for name, place in places.items()
    }


def _place(places: Mapping[str, Place], image: ImageRow) -> Place:
    """Where an image belongs; it may have come after the others were looked through."""
    return places.get(image.name) or Place(image.group or image.name, image.split)


def _record(project: Project, item: _Item, names: tuple[str, ...], place: Place) -> Record:
    image = item.image
    return Record(
        image_id=image.name,
        path=project.path(image.id),
        image_wh=image.image_wh,
        xyxy=np.array([box.xyxy for box in item.boxes], np.float32).reshape(-1, 4),
        captions=tuple(box.caption for box in item.boxes),
        class_id=np.array([names.index(box.class_name) for box in item.boxes], np.int64),
        group=place.group,
        split=place.split,
        source=image.source,
        licence=image.licence,
    )


def export_dataset(
    project: Project,
    folder: Path,
    format: str,
    *,
    what: What = "confirmed",
    shares: Shares = SHARES,
    on_progress: OnProgress | None = None,
) -> Dataset:
    """Write the project as a data set, images included, and return what was written.

    Args:
        project: Not changed.
        folder: Made if missing; holds nothing but what an earlier export wrote.
        format: A name in `dataset.registry.FORMATS`.
        what: See the module.
        shares: See `to_dataset`.
        on_progress: Called after each image with (done, total, name); may raise to stop.

    Raises:
        DataError: There is no such image, or the folder cannot be used.
        UnknownNameError: There is no format of that name.
    """
    dataset = _named_apart(to_dataset(project, what, shares))
    claim_folder(folder)
    write_dataset(dataset, folder, format, on_progress)
    return dataset


def _named_apart(dataset: Dataset) -> Dataset:
    """The data set with names that every disk can hold beside one another.

    Long ones are cut, and those that differ from an earlier one by case alone get a number: many
    file systems would take both for one, and so does ``dataset.archive``.
    """
    taken: set[str] = set()
    records = []
    for record in dataset:
        stem, number = shortened(record.image_id), 2
        name = stem
        while name.casefold() in taken:
            name = f"{stem}-{number}"
            number += 1
        taken.add(name.casefold())
        records.append(replace(record, image_id=name))
    return replace(dataset, records=tuple(records))


def export_csv(
    project: Project, path: Path, *, what: What = "confirmed", shares: Shares = SHARES
) -> int:
    """Write one row for each box as CSV, and return how many; an image without one has one row.

    Args:
        project: Not changed.
        path: Of the table.
        what: See the module.
        shares: See `to_dataset`.

    Raises:
        DataError: The file cannot be written, or is of another kind.
    """
    _check_table(path)
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(_COLUMNS)
    count, places = 0, _places(project, what, shares)
    for image, boxes in ((item.image, item.boxes) for item in _items(project, what)):
        head = (guarded(image.name), *image.image_wh, image.state)
        place = _place(places, image)
        # As data sets name it: images of a project have no endings, whoever joins tables has.
        file = image.name + project.path(image.id).suffix
        tail = (guarded(place.split), guarded(place.group), guarded(image.licence), guarded(file))
        for box in boxes:
            corners = (round(value, 3) for value in box.xyxy)
            scores = (box.detector, box.logit, box.probability)
            told = ("" if value is None else round(value, 5) for value in scores)
            words = (guarded(box.class_name), guarded(box.caption))
            source = guarded(box.source)
            table.writerow((*head, *corners, *words, box.state, *told, source, *tail))
            count += 1
        if not boxes:
            table.writerow((*head, *[""] * (len(_COLUMNS) - len(head) - len(tail)), *tail))
    write_bytes(path, buffer.getvalue().encode("utf-8"))
    return count


def _check_table(path: Path) -> None:
    """Raise DataError where a file is that is no table of ours."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.readline(2000).decode("utf-8", errors="replace")
    if head.strip() != ",".join(_COLUMNS):
        raise DataError(f"{path} is a file of another kind.", "Give a new file for the table.")


def _check_crops(folder: Path) -> None:
    """Raise DataError unless a folder is new, empty, or holds crops alone."""
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in there if name not in (CROPS_INDEX, "crops")]
    if others:
        raise DataError(
            f"{folder} holds something already, such as '{others[0]}'.",
            "Give a new folder for the crops.",
        )


def export_crops(
    project: Project,
    folder: Path,
    *,
    what: What = "confirmed",
    shares: Shares = SHARES,
    on_progress: OnProgress | None = None,
) -> int:
    """Write a crop for each box that has a caption, as the reranker sees it, and return how many.

    They are cut as for the models that pre-labelled last, else as the default preset cuts.
    Crops are PNG files in `crops/`, described one a line in `crops.jsonl` with caption, class,
    place, split, and the captions that are known not to be in the image.

    Args:
        project: Not changed.
        folder: New, empty, or one of an earlier export.
        what: See the module.
        shares: See `to_dataset`.
        on_progress: Called after each image with (done, total, name); may raise to stop.

    Raises:
        DataError: No box has a caption, or the folder holds something else or cannot be written to.
    """
    _check_crops(folder)
    total = project.count("done" if what == "confirmed" else None)
    framing = CutConfig().with_values(project.setting(CUT, {}))
    lines, places = [], _places(project, what, shares)
    for number, item in enumerate(_items(project, what), start=1):
        boxes = [box for box in item.boxes if box.caption]
        if boxes:
            # Somebody may have meant that there is no other one of them.
            shown = {box.caption for box in boxes}
            absent = [
                a.caption
                for a in project.asked(item.image.id)
                if a.confirmed and not a.found and a.caption not in shown
            ]
            place = _place(places, item.image)
            image = read_image(project.path(item.image.id))
            seen = Detections.from_xyxy([box.xyxy for box in boxes], item.image.image_wh)
            crops = cut(image, seen, context_ratio=framing.context_ratio, shape=framing.shape)
            for box, crop, region in zip(boxes, crops.images, crops.region_xyxy, strict=True):
                # Rows may come from anybody's file: a name in them leads into no other folder.
                name = f"crops/{shortened(Path(item.image.name).name)}-{box.id}.png"
                write_bytes(folder / name, encode_image(crop))
                lines.append({
                    "file": name, "caption": box.caption, "class": box.class_name,
                    "image": item.image.name, "box_xyxy": [round(v, 3) for v in box.xyxy],
                    "region_xyxy": region.tolist(), "absent_captions": absent,
                    "group": place.group, "split": place.split,
                })  # fmt: skip
        if on_progress is not None:
            on_progress(number, total, item.image.name)
    if not lines:
        raise DataError("no box of these pictures has a caption.", "Describe some boxes first.")
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_bytes(folder / CROPS_INDEX, text.encode("utf-8"))
    return len(lines)
