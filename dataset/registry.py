"""The file formats by name, and reading and writing through them.

A folder's format is recognised when none is named. Adding one: a module in ``dataset/formats/``
with a `FORMAT`, and a line here.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import DataError
from core.registry import Entry, Registry
from dataset.formats.raw import Format, OnProgress, RawDataset
from dataset.record import Dataset

__all__ = ["FORMATS", "detect_format", "read_dataset", "scan_dataset", "write_dataset"]

FORMATS: Registry[Format] = Registry(
    "format",
    yolo=Entry("dataset.formats.yolo:FORMAT"),
    coco=Entry("dataset.formats.coco:FORMAT"),
    voc=Entry("dataset.formats.voc:FORMAT"),
    hf=Entry("dataset.formats.hf:FORMAT"),
    jsonl=Entry("dataset.formats.jsonl:FORMAT"),
)
FORMATS.add("yolo-seg", Entry("dataset.formats.yolo:SEG_FORMAT"))

# A folder may hold several formats of the same images; the first of these that fits is taken.
_ORDER = ("jsonl", "yolo-seg", "yolo", "hf", "voc", "coco")


def detect_format(folder: str | Path) -> str:
    """The name of the format of a folder.

    Args:
        folder: The root of a data set.

    Raises:
        DataError: There is no such folder, or it looks like none of the formats.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder.", "Give the folder that holds the data set.")
    for name in _ORDER:
        if FORMATS.load(name).holds(folder):
            return name
    raise DataError(
        f"{folder} looks like no data set of a known format.",
        "Expected data.yaml or labels/ (yolo), annotations/*.json (coco), Annotations/*.xml "
        "(voc), metadata.jsonl (hf) or annotations.jsonl (jsonl).",
    )


def scan_dataset(folder: str | Path, format: str | None = None) -> RawDataset:
    """What a folder says, unchecked, with everything that is wrong; see `dataset.checks`.

    Raises:
        DataError: There is no such folder, or its format cannot be told.
        UnknownNameError: There is no format of that name.
    """
    return FORMATS.load(format or detect_format(folder)).scan(Path(folder))


def read_dataset(folder: str | Path, format: str | None = None) -> Dataset:
    """The data set in a folder.

    Args:
        folder: The root of a data set.
        format: A name in `FORMATS`; recognised if None.

    Raises:
        DataError: Something in it is not as it should be; the message names the place.
        UnknownNameError: There is no format of that name.
    """
    return FORMATS.load(format or detect_format(folder)).read(Path(folder))


def write_dataset(
    dataset: Dataset, folder: str | Path, format: str, on_progress: OnProgress | None = None
) -> None:
    """Write a data set, its images copied as they are; for YOLO GIF and AVIF become PNG.

    Writing the same data set again gives the same files, whatever was interrupted before.

    Args:
        dataset: At least one record; its files are not changed.
        folder: Made if missing; must not hold images of another data set.
        format: A name in `FORMATS`.
        on_progress: Called after each image with (done, total, its name); may raise to stop.

    Raises:
        DataError: The data set is empty, or the folder cannot be written to.
        UnknownNameError: There is no format of that name.
    """
    chosen = FORMATS.load(format)
    if not len(dataset):
        raise DataError("the data set has no image.", "Write at least one.")
    chosen.write(dataset, Path(folder), on_progress)
