"""What all formats do with files: copy images, write text, read lines and outlines.

Every file is complete or absent; a killed run leaves no more than one hidden file, which no reader
takes for an image. No image that is written has a hidden name, see `dataset.record`.
"""

from __future__ import annotations

import codecs
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.files import check_json_size, opened, replacing, write_bytes
from core.image import READABLE, read_image, write_image
from dataset.formats.raw import Finding, OnProgress
from dataset.record import Dataset, Record

__all__ = [
    "CLASSES_NAME",
    "SPLIT_WORDS",
    "copy_image",
    "copy_images",
    "flat_outlines",
    "image_name",
    "list_images",
    "open_text",
    "outlines_of",
    "read_class_names",
    "refuse_others",
    "scan_json_lines",
    "split_named",
    "texts_of",
    "write_class_names",
    "write_text",
]

SPLIT_WORDS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval"),
}
CLASSES_NAME = "classes.txt"


def split_named(name: str) -> str:
    """The split that a file or folder name speaks of, or nothing.

    Example:
        >>> [split_named(name) for name in ("instances_val2017", "training", "images")]
        ['val', 'train', '']
    """
    words = "".join(sign if sign.isalpha() else " " for sign in name.lower()).split()
    for split, known in SPLIT_WORDS.items():
        if any(word in known for word in words):
            return split
    return ""


def list_images(folder: Path) -> list[Path]:
    """The image files right in a folder, sorted; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in READABLE and not path.name.startswith(".")
    )


def image_name(record: Record) -> str:
    """The file name of a record's image where a format keeps its ending."""
    return record.image_id + record.path.suffix.lower()


def copy_images(
    dataset: Dataset,
    folder_of: Callable[[Record], Path],
    folders: Iterable[Path],
    on_progress: OnProgress | None = None,
    name_of: Callable[[Record], str] = image_name,
) -> None:
    """Copy every image to its folder; the pixels are encoded anew only for another ending.

    Args:
        dataset: Its files stay as they are.
        folder_of: Where the image of a record goes.
        folders: All folders that a reader would look into; they may hold no other image.
        on_progress: Called after each image with (done, total, its name); may raise to stop.
        name_of: Its file name there; one that ends otherwise than its file ends in ``.png``.

    Raises:
        DataError: A folder holds other images, or cannot be written to.
        ImageError: An image that is to have another ending cannot be read.
    """
    wanted = {folder_of(record) / name_of(record) for record in dataset}
    refuse_others(folders, wanted)
    for number, record in enumerate(dataset, start=1):
        copy_image(record.path, folder_of(record), name_of(record))
        if on_progress is not None:
            on_progress(number, len(dataset), record.image_id)


def refuse_others(folders: Iterable[Path], wanted: set[Path]) -> None:
    """Raise when a folder holds images of another data set, which readers would mix in.

    Raises:
        DataError: It does.
    """
    for folder in folders:
        others = [path for path in list_images(folder) if path not in wanted]
        if others:
            raise DataError(
                f"{folder} already holds {len(others)} images that are not in this data set, "
                f"such as {others[0].name}.",
                "Write to an empty folder.",
            )


def copy_image(source: Path, folder: Path, name: str) -> None:
    """Copy one image into a folder under a name; nothing happens if it is there itself.

    Another ending means another format, as `write_image` knows it: the image as it is seen.
    """
    target = folder / name
    if target.resolve() == source.resolve():
        return
    if target.suffix.lower() != source.suffix.lower():
        write_image(read_image(source), target)
        return
    with opened(source) as file, replacing(target) as part, part.open("wb") as copy:
        shutil.copyfileobj(file, copy)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, complete or not at all; half characters become question marks.

    Raises:
        DataError: The folder cannot be written to, or the disk is full.
    """
    write_bytes(path, text.encode("utf-8", "replace"))


def write_class_names(dataset: Dataset, folder: Path) -> None:
    """Write the names in order, one a line, for formats that have no table of them."""
    write_text(folder / CLASSES_NAME, "".join(name + "\n" for name in dataset.class_names))


def read_class_names(folder: Path) -> tuple[str, ...]:
    """The names of ``classes.txt``, or nothing where there is no such file."""
    path = folder / CLASSES_NAME
    if not path.is_file():
        return ()
    # Names may hold other signs that end lines, carriage returns too.
    lines = path.read_bytes().decode("utf-8-sig", "replace").split("\n")
    return tuple(line.strip() for line in lines if line.strip())


def open_text(path: Path, newline: str = "\n") -> TextIO:
    """A text file to read: UTF-8, or UTF-16 where its byte order mark says so.

    Raises:
        OSError: It cannot be opened.
    """
    with path.open("rb") as file:
        is_wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return path.open(encoding="utf-16" if is_wide else "utf-8-sig", newline=newline)


def scan_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any] | Finding]]:
    """Each line of a JSON Lines file: where it stands, and its object or what is wrong with it.

    Of a file that is larger than `JSON_BYTES_MAX` that alone is told.
    """
    try:
        check_json_size(path)
        with open_text(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    where = f"{path.name}, line {number}"
                    yield where, _json_object(line, where)
    except DataError as error:
        yield path.name, Finding("unreadable-labels", "error", path.name, error.message, error.hint)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        advice = "Save it as UTF-8." if isinstance(error, UnicodeError) else ""
        finding = Finding(
            "unreadable-labels", "error", path.name, f"cannot be read: {why}.", advice
        )
        yield path.name, finding


def _json_object(line: str, where: str) -> dict[str, Any] | Finding:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        problem = f"not JSON ({error})."
    else:
        if isinstance(row, dict):
            return row
        problem = f"expected an object, got {type(row).__name__}."
    advice = "Write one JSON object a line, or remove the line."
    return Finding("corrupt-labels", "error", where, problem, advice)


def texts_of(told: object) -> tuple[str, ...]:
    """Captions of an image, told as a text or as a list of texts; none of anything else.

    Example:
        >>> texts_of("kite"), texts_of(["kite", ""]), texts_of(5), texts_of([{"raw": "kite"}])
        (('kite',), ('kite',), (), ())
    """
    texts = [told] if isinstance(told, str) else told
    if not (isinstance(texts, list) and all(isinstance(text, str) for text in texts)):
        return ()
    return tuple(text for text in texts if text.strip())


def flat_outlines(polygons: Iterable[NDArray[np.float32]]) -> list[list[float]]:
    """Outlines as COCO writes them: one flat list x1 y1 x2 y2 ... each."""
    return [[round(float(v), 3) for v in outline.ravel()] for outline in polygons]


def outlines_of(flat: object) -> tuple[NDArray[np.float32], ...]:
    """Outlines of COCO's flat lists; anything else (run lengths, null) counts as unknown."""
    if not isinstance(flat, Sequence) or isinstance(flat, str):
        return ()
    outlines = []
    for row in flat:
        try:
            points = np.array(row, np.float32)
        except (TypeError, ValueError):
            continue
        pairs = points.ndim == 1 and len(points) >= 6 and len(points) % 2 == 0
        if pairs and np.isfinite(points).all():
            outlines.append(points.reshape(-1, 2))
    return tuple(outlines)
