"""Labelled boxes of a data set become cutouts, and so do transparent images.

Here: which boxes are worth cutting, with a reason for those that are not, and resuming. Not here:
how one is cut (``synth.matting``). Boxes of one image stay together in a split: their identity is
the image's group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.boxes import area, intersection_matrix, iou_matrix
from core.errors import ImageError, InputError
from core.files import read_json_lines, sha256_of
from core.image import READABLE, image_wh, read_rgba
from core.types import Image
from dataset.record import Dataset, Record
from synth.captions import parse_caption
from synth.cutout_folder import INDEX_NAME, NewCutout, add_cutouts, copy_of, reason_against
from synth.library import read_cutouts_below
from synth.matting import Matte, Method, cut_out, trim

__all__ = ["Harvest", "harvest", "harvest_images"]

Progress = Callable[[int, int], None]

_BLOCK = 24
_DIGEST_CHARS = 16
_EDGE_PX = 1.0
_COVERED_MAX_RATIO = 0.25  # of a box, by another one
_FILL_MIN_IOU = 0.5  # of the cutout's extent with its box
_NAMED_MAX = 5
_GENERIC_CLASSES = ("object", "thing", "item", "")


@dataclass(frozen=True, slots=True)
class Harvest:
    """What became of the boxes.

    Args:
        folder: Where the cutouts are.
        added: Names of the cutouts that were added.
        num_there: Boxes that had been cut before.
        skipped: Number of boxes by the reason why they were left out.
        files: Of images taken as they are, the names of those that were left out, by the reason.
    """

    folder: Path
    added: tuple[str, ...] = ()
    num_there: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def sentence(self) -> str:
        """What happened, for a person who knows the folder."""
        total = sum(self.skipped.values())
        parts = [f"{len(self.added)} cutouts added"]
        if self.num_there:
            parts.append(f"{self.num_there} were there before")
        if total:
            reasons = (f"{count} {why}{self._names(why)}" for why, count in self.skipped.items())
            parts.append(f"{total} left out: {', '.join(reasons)}")
        return "; ".join(parts) + "."

    def _names(self, reason: str) -> str:
        names = self.files.get(reason, ())
        more = ["..."] if len(names) > _NAMED_MAX else []
        return f" ({', '.join([*names[:_NAMED_MAX], *more])})" if names else ""


def harvest(
    dataset: Dataset,
    out: Path,
    *,
    min_side_px: int = 24,
    method: Method = "auto",
    on_progress: Progress | None = None,
) -> Harvest:
    """What became of a data set's boxes; each good one is a cutout in the folder ``out``.

    Runs that were stopped are continued: boxes that are cutouts already are passed over.

    Args:
        dataset: With class names and captions where it has them; outlines are used where known.
        out: Folder of cutouts, made if missing.
        min_side_px: Boxes with a shorter side are left out; at least 4.
        method: See ``synth.matting.cut_out``.
        on_progress: Called with (boxes done, boxes in all); may raise ``Cancelled``, what is done
            stays.
    """
    known = _known_origins(out)
    total = sum(len(record) for record in dataset)
    gathered = _Gathered(out, known, min_side_px, method)
    done = 0
    try:
        for record in dataset:
            gathered.take(record, dataset.class_names)
            done += len(record)
            if on_progress is not None:
                on_progress(done, total)
    finally:
        gathered.flush()
    return gathered.result()


def harvest_images(
    folder: Path, out: Path, *, class_name: str = "", source: str = "", licence: str = ""
) -> Harvest:
    """What became of the transparent images below a folder: they are cutouts as they are.

    Args:
        folder: Searched with its sub-folders; what its ``cutouts.jsonl`` say of an image is kept.
        out: Folder of cutouts, made if missing.
        class_name: The type of all of them; else as listed, or read from each file's name.
        source: Where they come from; else as listed.
        licence: Their licence; else as listed.

    Raises:
        InputError: It is not a folder, holds no images, or a list in it is damaged.
        DataError: A list in it cannot be read.
    """
    paths = _list_images(folder)
    listed = read_cutouts_below(folder)
    known = _known_origins(out)
    left_out: dict[str, list[str]] = {}
    added: list[str] = []
    waiting: list[NewCutout] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            origin = _origin(name, _digest_of(path))
            if origin in known:
                continue
            rgba, _ = trim(read_rgba(path))
        except ImageError as error:
            opaque = "transparent ground" in error.message
            reason = "without a transparent ground" if opaque else "unusable"
            left_out.setdefault(reason, []).append(name)
            continue
        named, caption = _read_words(path.stem, class_name)
        new = NewCutout(rgba, path.stem, named, caption)
        if known_as := listed.get(path.resolve()):
            new = copy_of(known_as, rgba)
            new = replace(new, class_name=named, caption="") if class_name else new
        new = replace(
            new, source=source or new.source, licence=licence or new.licence, origin=origin
        )
        if reason := reason_against(new):
            left_out.setdefault(reason, []).append(name)
            continue
        waiting.append(new)
        if len(waiting) >= _BLOCK:
            added += [cutout.name for cutout in add_cutouts(out, waiting)]
            waiting = []
    if waiting:
        added += [cutout.name for cutout in add_cutouts(out, waiting)]
    skipped = Counter({reason: len(names) for reason, names in left_out.items()})
    num_there = len(paths) - len(added) - sum(skipped.values())
    return Harvest(out, tuple(added), num_there, dict(skipped.most_common()), left_out)


def _list_images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the one that holds the images.")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in READABLE)
    if not paths:
        raise InputError(f"{folder} holds no images.", "Give the one that holds them.")
    return paths


def _read_words(stem: str, class_name: str) -> tuple[str, str]:
    """Class and caption that a file's name tells; the caption is empty without colors."""
    words = " ".join(re.findall(r"[^\W\d_]{2,}", stem.lower()))
    said = parse_caption(words)
    if class_name:
        return class_name, ""
    if len(said.types) != 1:
        return "object", ""
    return said.types[0], words if said.colors else ""


class _Gathered:
    """Cutouts waiting to be written, and the account of all others."""

    def __init__(self, out: Path, known: set[str], min_side_px: int, method: Method) -> None:
        self._out, self._known = out, known
        # Less than 4 px cannot be cut.
        self._min_side_px, self._method = max(min_side_px, 4), method
        self._waiting: list[NewCutout] = []
        self._added: list[str] = []
        self._num_there = 0
        self._skipped: Counter[str] = Counter()

    def take(self, record: Record, class_names: Sequence[str]) -> None:
        """Cut all boxes of a record that are not there yet; its image is decoded when needed."""
        if not len(record):
            return
        try:
            digest = _digest_of(record.path)
        except ImageError:
            self._skipped["in an unreadable image"] += len(record)
            return
        # By its place, not by its number: that changes when a box before it goes.
        places = [",".join(f"{side:.1f}" for side in box) for box in record.xyxy.tolist()]
        origins = [_origin(f"{record.image_id}#{place}", digest) for place in places]
        rows = [row for row, origin in enumerate(origins) if origin not in self._known]
        self._num_there += len(record) - len(rows)
        reasons = _reasons_against(record, self._min_side_px)
        for row in rows:
            if reasons[row]:
                self._skipped[reasons[row]] += 1
        wanted = [row for row in rows if not reasons[row]]
        if not wanted:
            return
        try:
            pixels = record.load_image()
        except ImageError:
            self._skipped["in an unreadable image"] += len(wanted)
            return
        if image_wh(pixels) != record.image_wh:  # its boxes would lie elsewhere, or outside
            self._skipped["in an image of another size than its labels say"] += len(wanted)
            return
        for row in wanted:
            self._cut(record, row, class_names, pixels, origins[row])

    def _cut(
        self, record: Record, row: int, class_names: Sequence[str], image: Image, origin: str
    ) -> None:
        outlines = record.polygons[row] if record.polygons else ()
        box = record.xyxy[row]
        try:
            matte = cut_out(image, box_xyxy=box, outlines=outlines, method=self._method)
        except ImageError:
            self._skipped["not told from the background"] += 1
            return
        if iou_matrix(np.array(matte.box_xyxy), box)[0, 0] < _FILL_MIN_IOU:
            self._skipped["not filling the box"] += 1
            return
        name = f"{record.image_id}-{row}" if len(record) > 1 else record.image_id
        class_name = class_names[int(record.class_id[row])]
        new = _describe(record, row, class_name, matte, name, origin)
        if reason := reason_against(new):
            self._skipped[reason] += 1
            return
        self._waiting.append(new)
        if len(self._waiting) >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._waiting:
            self._added += [cutout.name for cutout in add_cutouts(self._out, self._waiting)]
            self._waiting = []

    def result(self) -> Harvest:
        """The account so far."""
        skipped = dict(self._skipped.most_common())
        return Harvest(self._out, tuple(self._added), self._num_there, skipped)


def _describe(
    record: Record, row: int, class_name: str, matte: Matte, name: str, origin: str
) -> NewCutout:
    caption = record.captions[row]
    if class_name.lower() in _GENERIC_CLASSES:
        types = parse_caption(caption).types
        class_name = types[0] if len(types) == 1 else "object"
    return NewCutout(
        rgba=matte.rgba,
        name=name,
        class_name=class_name,
        caption=caption,
        identity=record.group,
        source=record.source or record.image_id,
        licence=record.licence,
        origin=origin,
    )


def _reasons_against(record: Record, min_side_px: int) -> list[str]:
    """For each box why it is left out without looking at the image; empty where nothing is."""
    boxes = record.xyxy
    limit = np.tile(np.array(record.image_wh, np.float32), 2)
    past = np.concatenate([boxes[:, :2] < _EDGE_PX, boxes[:, 2:] > limit[2:] - _EDGE_PX], axis=1)
    edges = np.asarray(past.any(axis=1))
    small = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) < min_side_px
    hidden_ratio = np.maximum(_cover_ratio(boxes), 1 - record.visible_ratio)
    reasons = []
    for row in range(len(boxes)):
        if small[row]:
            reasons.append(f"smaller than {min_side_px} px")
        elif edges[row]:
            reasons.append("cut off by the image's edge")
        elif hidden_ratio[row] > _COVERED_MAX_RATIO:
            reasons.append("partly behind another")
        else:
            reasons.append("")
    return reasons


def _cover_ratio(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest share of each box that another box covers."""
    if len(boxes) < 2:
        return np.zeros(len(boxes), np.float32)
    shared = intersection_matrix(boxes, boxes) / area(boxes)[:, None]
    np.fill_diagonal(shared, 0)
    return np.asarray(shared.max(axis=1), np.float32)


def _digest_of(path: Path) -> str:
    """A short hash of a file, which tells images apart whatever they are called.

    Raises:
        ImageError: The file cannot be read.
    """
    try:
        return sha256_of(path)[:_DIGEST_CHARS]
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}.") from error


def _origin(name: str, digest: str) -> str:
    """What a cutout was; names alone are not enough, as data sets often share them."""
    # A file's name may hold bytes that are no text, which an index cannot hold.
    return f"{name.encode('utf-8', 'replace').decode()}@{digest}"


def _known_origins(folder: Path) -> set[str]:
    index = folder / INDEX_NAME
    if not index.is_file():
        return set()
    return {str(row["origin"]) for row in read_json_lines(index) if row.get("origin")}
