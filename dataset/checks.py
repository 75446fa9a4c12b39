"""Whether a data set can be trained on: what is wrong with a folder, and what looks wrong.

Here: everything that can be found without a model. Never raises for bad content: a damaged file is
a finding, and the rest is checked all the same. In: a folder of any format. Out: a `Report`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import DataError
from core.files import sha256_of
from core.image import IMAGE_ERRORS, MAX_PIXELS, check_decodes
from core.words import counted
from dataset.box_checks import check_boxes
from dataset.formats.raw import Finding, RawDataset, RawImage
from dataset.registry import detect_format, scan_dataset
from dataset.splits import SPLITS, split_of

__all__ = ["Finding", "Report", "check_folder"]

_SHOWN_PER_KIND = 5
_LEVELS = ("error", "warning", "note")
_RARE_SHARE = 0.01  # of the boxes of an even share
_EMPTY_SHARE_MAX = 0.5


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found.

    Args:
        format: Name of the format, "" where it could not be told.
        counts: Numbers of images, boxes, empty images, and images and boxes by split and class.
        findings: Errors first, then warnings, then notes.
    """

    format: str
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings are allowed."""
        return not any(finding.level == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """The report as JSON takes it."""
        return {
            "ok": self.ok,
            "format": self.format,
            "counts": dict(self.counts),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def text(self) -> str:
        """The report for people: counts, then findings by kind, a few examples of each."""
        num_errors = sum(finding.level == "error" for finding in self.findings)
        num_warnings = sum(finding.level == "warning" for finding in self.findings)
        lines = [f"format: {self.format or 'unknown'}"]
        lines += [f"{name}: {number}" for name, number in self.counts.items()]
        lines.append(f"{counted(num_errors, 'error')}, {counted(num_warnings, 'warning')}")
        by_kind: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for finding in self.findings:
            by_kind[finding.level, finding.kind].append(finding)
        for (level, kind), found in by_kind.items():
            lines.append(f"\n{level}: {kind} ({len(found)})")
            lines += [f"  {f.where}: {f.what}" for f in found[:_SHOWN_PER_KIND]]
            if len(found) > _SHOWN_PER_KIND:
                lines.append(f"  ... and {len(found) - _SHOWN_PER_KIND} more")
            if found[0].advice:
                lines.append(f"  -> {found[0].advice}")
        return "\n".join(lines) + "\n"


def check_folder(folder: str | Path, format: str | None = None) -> Report:
    """What is wrong with the data set in a folder.

    Args:
        folder: The root of a data set.
        format: Name of its format; recognised if None.

    Raises:
        UnknownNameError: There is no format of that name.
    """
    try:
        name = format or detect_format(folder)
        raw = scan_dataset(folder, name)
    except DataError as error:
        finding = Finding("no-dataset", "error", str(folder), error.message, error.hint)
        return Report(format or "", {"images": 0, "boxes": 0}, (finding,))
    return _check(raw, name)


def _check(raw: RawDataset, format: str) -> Report:
    findings = [
        *raw.all_findings(),
        *_check_pixels(raw.images),
        *(f for image in raw.images for f in check_boxes(image, raw.class_names)),
        *_check_names(raw.images),
        *_check_leaks(raw.images),
        *_check_splits(raw.images),
        *_check_balance(raw),
    ]
    findings.sort(key=lambda finding: (_LEVELS.index(finding.level), finding.kind))
    return Report(format, _count(raw), tuple(findings))


def _split(image: RawImage) -> str:
    """The split an image is in, or will fall into when it is read."""
    return image.split or split_of(image.group or image.image_id)


def _check_pixels(images: Iterable[RawImage]) -> Iterable[Finding]:
    """Decode each image to its end: a file cut short has a good header."""
    for image in images:
        if image.image_wh is None:
            continue
        if image.image_wh[0] * image.image_wh[1] > MAX_PIXELS:
            yield Finding(
                "huge-image", "error", image.where,
                f"{image.path.name} has {image.image_wh[0]}x{image.image_wh[1]} px, more than "
                f"the {MAX_PIXELS} that are read.", "Scale it down, its boxes with it.",
            )  # fmt: skip
            continue
        try:
            check_decodes(image.path)
        except IMAGE_ERRORS as e:
            yield Finding(
                "unreadable-image", "error", image.where,
                f"{image.path.name} is damaged or cut short: {e}.",
                "Export it again, or remove it.",
            )  # fmt: skip


def _check_names(images: Iterable[RawImage]) -> Iterable[Finding]:
    by_place: dict[tuple[Path, str], list[RawImage]] = defaultdict(list)
    for image in images:
        by_place[image.path.parent, image.path.stem].append(image)
    for (_, stem), found in by_place.items():
        if len(found) > 1:
            names = ", ".join(sorted(image.path.name for image in found))
            yield Finding(
                "shared-name", "warning", found[0].where,
                f"{len(found)} images are called {stem}: {names}.",
                "Name them apart: label files go by the name without its ending.",
            )  # fmt: skip


def _check_leaks(images: list[RawImage]) -> Iterable[Finding]:
    """Groups, and equal files, that lie in more than one split."""
    advice = (
        "Keep what belongs together in one split, or the test measures memory. "
        "The folder is read all the same, in the splits that it tells."
    )
    groups: dict[str, dict[str, RawImage]] = defaultdict(dict)
    for image in images:
        groups[image.group or image.image_id].setdefault(_split(image), image)
    for group, by_split in groups.items():
        if len(by_split) > 1 and any(image.group for image in by_split.values()):
            places = ", ".join(f"{split}: {i.path.name}" for split, i in by_split.items())
            where = next(iter(by_split.values())).where
            what = f"group {group!r} lies in {len(by_split)} splits ({places})."
            yield Finding("group-leak", "error", where, what, advice)
    for found in _equal_files(images):
        splits = sorted({_split(image) for image in found})
        names = ", ".join(f"{_split(image)}/{image.path.name}" for image in found[:4])
        if len(splits) > 1:
            what = f"the same file in {' and '.join(splits)}: {names}."
            yield Finding("image-leak", "error", found[0].where, what, advice)
        else:
            what = f"the same file {len(found)} times: {names}."
            yield Finding("same-image", "warning", found[0].where, what, "Keep one of them.")


def _equal_files(images: Iterable[RawImage]) -> Iterable[list[RawImage]]:
    """Images whose files hold the same bytes; only those of equal size are read.

    Two links to one file are two files here: they may lie in two splits.
    """
    by_size: dict[int, dict[Path, RawImage]] = defaultdict(dict)
    for image in images:
        if image.image_wh is not None:
            by_size[image.path.stat().st_size].setdefault(image.path.absolute(), image)
    for candidates in by_size.values():
        if len(candidates) > 1:
            by_hash: dict[str, list[RawImage]] = defaultdict(list)
            for path, image in candidates.items():
                by_hash[sha256_of(path)].append(image)
            yield from (found for found in by_hash.values() if len(found) > 1)


def _check_splits(images: list[RawImage]) -> Iterable[Finding]:
    present = Counter(map(_split, images))
    if not images:
        yield Finding("no-images", "error", "", "there is no image.", "Add some.")
        return
    for split, advice in (("train", "Nothing can learn from it."), ("val", "Training needs one.")):
        if not present[split]:
            yield Finding("empty-split", "warning", split, f"{split} has no image.", advice)
    for split in SPLITS:
        members = [image for image in images if _split(image) == split]
        if members and not any(image.objects for image in members):
            what = f"no image of {split} has a box."
            yield Finding("split-without-boxes", "warning", split, what, "Check the labels.")


def _check_balance(raw: RawDataset) -> Iterable[Finding]:
    num_empty = sum(not image.objects for image in raw.images)
    if raw.images and num_empty / len(raw.images) > _EMPTY_SHARE_MAX:
        what = f"{num_empty} of {len(raw.images)} images have no box."
        yield Finding("many-empty", "warning", "", what, "Up to a tenth is usual.")
    boxes = Counter(o.class_id for image in raw.images for o in image.objects)
    total = sum(boxes.values())
    if len(raw.class_names) < 2 or not total:
        return
    for number, name in enumerate(raw.class_names):
        if not boxes[number]:
            what = f"class {name!r} has no box."
            yield Finding("unused-class", "warning", name, what, "Remove it, or add images of it.")
        elif boxes[number] < _RARE_SHARE * total / len(raw.class_names):
            what = f"class {name!r} has {boxes[number]} of {total} boxes."
            yield Finding("rare-class", "warning", name, what, "Add images of it.")
    seen = {split: _classes(raw.images, split) for split in SPLITS}
    for number in sorted((seen["val"] | seen["test"]) - seen["train"]):
        if 0 <= number < len(raw.class_names) and seen["train"]:
            name = raw.class_names[number]
            what = f"class {name!r} is in val or test and never in train."
            yield Finding("unlearned-class", "warning", name, what, "Move images of it to train.")


def _classes(images: Iterable[RawImage], split: str) -> set[int]:
    return {o.class_id for image in images if _split(image) == split for o in image.objects}


def _count(raw: RawDataset) -> dict[str, int]:
    counts = {
        "images": len(raw.images),
        "boxes": sum(len(image.objects) for image in raw.images),
        "images without boxes": sum(not image.objects for image in raw.images),
    }
    for split in SPLITS:
        counts[f"images in {split}"] = sum(_split(image) == split for image in raw.images)
    boxes = Counter(o.class_id for image in raw.images for o in image.objects)
    for number, name in enumerate(raw.class_names):
        counts[f"boxes of {name}"] = boxes[number]
    return counts
