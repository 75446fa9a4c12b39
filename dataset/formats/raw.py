"""What a folder says, before it is believed: boxes as written, and what is wrong with them.

Every format is read in two steps. ``scan`` turns a folder into a `RawDataset` and never fails
for bad content; `build` turns that into a checked `Dataset`, or raises for the first error. So
reading is strict, and checking (``dataset.checks``) sees everything, with one parser for both.
An index may tell of one file in several places, such as a line an object: they are one image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.words import counted
from dataset.formats.joining import REPEATED, join
from dataset.record import Dataset, Record, read_image_wh

__all__ = [
    "REPEATED",
    "Finding",
    "Format",
    "OnProgress",
    "RawDataset",
    "RawImage",
    "RawObject",
    "add_finding",
    "build",
    "cause_of",
    "join_entries",
    "measure",
]

OnProgress: TypeAlias = Callable[[int, int, str], None]
"""Called after each image with (done, total, its name); may raise to stop."""

Level = Literal["error", "warning", "note"]

_FINDINGS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or looks wrong.

    Args:
        kind: Short name of what it is, the same for all of its kind: "missing-image".
        level: An error keeps the data set from being read; a warning or a note does not.
        where: File, line or image.
        what: What was found.
        advice: What to do about it.
    """

    kind: str
    level: Level
    where: str
    what: str
    advice: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RawObject:
    """One box as written: pixels, neither clipped nor checked; class -1 where it has no name."""

    xyxy: tuple[float, float, float, float]
    class_id: int = 0
    caption: str = ""
    visible_ratio: float = 1.0
    polygons: tuple[NDArray[np.float32], ...] = ()


def add_finding(findings: list[Finding], finding: Finding) -> None:
    """Add a finding, as long as there are not too many: a file may be wrong in a million lines.

    That there are more is told, and an error is never lost behind warnings.
    """
    if len(findings) < _FINDINGS_MAX:
        findings.append(finding)
    elif len(findings) == _FINDINGS_MAX:
        what = f"{finding.what} Of more than {_FINDINGS_MAX} findings the others are not told."
        findings.append(replace(finding, what=what))
    elif finding.level == "error" and findings[-1].level != "error":
        findings.append(finding)


def cause_of(error: Exception) -> str:
    """What is wrong with an entry, in words for who wrote it.

    Example:
        >>> cause_of(KeyError("bbox"))
        'it has no "bbox"'
    """
    if isinstance(error, KeyError):
        return f'it has no "{error.args[0]}"'
    return f"{type(error).__name__}: {error}"


@dataclass(slots=True, eq=False)
class RawImage:
    """One image as written; ``image_wh`` is None when its file is missing or unreadable.

    ``captions`` are of the whole image, one an object; a data set does not keep them.
    """

    image_id: str
    path: Path
    where: str
    split: str = ""
    image_wh: tuple[int, int] | None = None
    objects: list[RawObject] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    group: str = ""
    source: str = ""
    licence: str = ""
    captions: tuple[str, ...] = ()

    def report(self, kind: str, what: str, advice: str = "", *, level: Level = "error") -> None:
        """Note something that is wrong with this image."""
        add_finding(self.findings, Finding(kind, level, self.where, what, advice))


@dataclass(slots=True, eq=False)
class RawDataset:
    """A folder as written; ``findings`` are those of no single image."""

    class_names: tuple[str, ...]
    images: list[RawImage]
    findings: list[Finding] = field(default_factory=list)

    def all_findings(self) -> Iterable[Finding]:
        """Those of the folder, then those of each image, in order."""
        yield from self.findings
        for image in self.images:
            yield from image.findings


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: how to recognise, read and write a folder of it.

    Args:
        name: In `dataset.registry.FORMATS`.
        holds: Whether a folder looks like it.
        parse: The images of a folder as its index tells them, one file perhaps several times.
        write: A data set into a folder.
    """

    name: str
    holds: Callable[[Path], bool]
    parse: Callable[[Path], RawDataset]
    write: Callable[[Dataset, Path, OnProgress | None], None]

    def scan(self, folder: Path) -> RawDataset:
        """What a folder says, each file one image; see `join_entries`.

        Raises:
            DataError: The folder holds nothing of this format.
        """
        raw = self.parse(folder)
        join_entries(raw)
        return raw

    def read(self, folder: Path) -> Dataset:
        """The data set in a folder.

        Raises:
            DataError: Something in it is not as it should be; the message names the place.
        """
        return build(self.scan(folder))


def measure(image: RawImage) -> bool:
    """Fill in the size of an image from its file; False, with a finding, when there is none."""
    if not image.path.is_file():
        image.report(
            "missing-image", f"{image.path} does not exist.", "Restore it, or remove its labels."
        )
        return False
    try:
        image.image_wh = read_image_wh(image.path)
    except DataError as error:
        image.report("unreadable-image", error.message, "Export it again, or remove it.")
    return image.image_wh is not None


def join_entries(raw: RawDataset) -> None:
    """Make all that is told of one file one image, in the place of the first; a note says so.

    Two records of one file would each lack what the other has, and might part into two splits.
    Entries that name different splits or groups are an error. What is told twice counts once, with
    what either tells of it; a caption that is the name of the class tells no more than none.

    Args:
        raw: Changed. Images without a size stay as they are: they have an error already.
    """
    entries: dict[Path, list[RawImage]] = defaultdict(list)
    for image in raw.images:
        if image.image_wh is not None:
            # Links of several names are copies: stores of content link equal pictures to one file.
            entries[image.path.absolute()].append(image)
    repeated = [found for found in entries.values() if len(found) > 1]
    if not repeated:
        return
    joined = {id(found[0]): join(found, raw.class_names) for found in repeated}
    others = {id(image) for found in repeated for image in found[1:]}
    raw.images = [joined.get(id(i), i) for i in raw.images if id(i) not in others]
    first = repeated[0]
    what = (
        f"{counted(len(repeated), 'image')} told of in {sum(map(len, repeated))} places, such as "
        f"{first[0].path.name}, also in {first[1].where}: what they tell was joined."
    )
    if twice := sum(len(i.objects) for found in repeated for i in found) - sum(
        len(image.objects) for image in joined.values()
    ):
        what += f" {counted(twice, 'box')} told again counted once."
    raw.findings.append(Finding("joined-entries", "note", first[0].where, what))


def build(raw: RawDataset) -> Dataset:
    """The checked data set of what was read.

    Boxes are cut to their image: those made by hand may stand out by a pixel.

    Raises:
        DataError: The first error found, with its place; or an image is known to show something,
            and has no labels.
    """
    for finding in raw.all_findings():
        if finding.level == "error":
            raise DataError(f"{finding.where}: {finding.what}", finding.advice)
    for image in raw.images:
        if image.captions and any(finding.kind == "missing-labels" for finding in image.findings):
            raise DataError(
                f"{image.where}: captions tell what {image.path.name} shows, but not all have "
                "boxes: it would be learnt as background.",
                "Label it first (app.py project), or take its line out.",
            )
    taken: set[str] = set()
    records = []
    for image in raw.images:
        name = _free_name(image, taken)
        taken.add(name.casefold())
        records.append(_build_record(replace(image, image_id=name), len(raw.class_names)))
    return Dataset(tuple(records), raw.class_names)


def _free_name(image: RawImage, taken: set[str]) -> str:
    """Folders may use one name in several splits, or in upper and lower case; a data set must not.

    Elsewhere files whose names differ by case alone are one, and names with a dot in front hidden.
    """
    plain = name = image.image_id.lstrip(".") or "image"
    if name.casefold() in taken and image.split:
        name = f"{image.split}-{name}"
    number = 2
    while name.casefold() in taken:
        name = f"{plain}-{number}"
        number += 1
    return name


def _build_record(image: RawImage, num_classes: int) -> Record:
    assert image.image_wh is not None, "an image without a size has an error among its findings"
    limit = np.array(image.image_wh, np.float64)
    written = np.array([o.xyxy for o in image.objects], np.float64).reshape(-1, 4)
    xyxy = np.clip(written, 0, np.tile(limit, 2)).astype(np.float32)
    solid = np.isfinite(written).all(axis=1) & (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    if not solid.all():
        row = int(np.flatnonzero(~solid)[0])
        raise DataError(
            f"{image.where}: box {row + 1} is empty or outside of the image of "
            f"{image.image_wh[0]}x{image.image_wh[1]} px: {np.round(written[row], 2).tolist()}."
        )
    if nameless := [o.class_id for o in image.objects if not 0 <= o.class_id < num_classes]:
        raise DataError(
            f"{image.where}: class {nameless[0]} has no name among {num_classes}.",
            "Name it, or correct the label.",
        )
    return Record(
        image_id=image.image_id,
        path=image.path,
        image_wh=image.image_wh,
        xyxy=xyxy,
        captions=tuple(o.caption for o in image.objects),
        class_id=np.array([o.class_id for o in image.objects], np.int64),
        visible_ratio=np.array([o.visible_ratio for o in image.objects], np.float32),
        polygons=tuple(
            tuple(np.clip(p, 0, limit).astype(np.float32) for p in o.polygons)
            for o in image.objects
        ),
        group=image.group,
        split=image.split,
        source=image.source,
        licence=image.licence,
    )
