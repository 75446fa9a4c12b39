"""One project's pictures and boxes into another: nothing that people did here is overwritten.

New pictures come with their boxes and proposals; of their states "done" alone, so what was rejected
or put off there may come up again here. Where both have a picture, boxes that only the other
has are proposed here, for a person to decide; boxes of both stay as they are here. What people of
the other said of captions holds where nobody did here, and so do captions that were given with a
picture. Pictures that were removed here stay out. Boxes beyond what a picture may have are left
out and told; a new picture that loses some waits for a look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.boxes import iou_matrix
from core.errors import DataError, InputError
from core.image import MAX_PIXELS
from core.words import counted, listed
from project.agreement import match_rows
from project.editing import BOXES_MAX
from project.intake_rows import Label, LabelBox
from project.pictures import load_picture
from project.proposals import SAME_IOU, Proposal
from project.store import Project
from project.types import MERGED, Absent, Asked, BoxRow, ConflictError, ImageRow

__all__ = ["Merged", "merge"]

_TRIES = 3  # at what somebody edits meanwhile

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did.

    Args:
        added: Number of pictures that were new.
        common: Number of pictures that both have.
        taken: Number of boxes that came over as they are, with new or untouched pictures.
        proposed: Number of boxes that wait for a person.
        differing: Number of boxes of both that differ in class or caption; ours stayed.
        waiting: Number of the other's proposals that came with new pictures.
        marked: Number of captions of which the other knows whether an image shows them, and this
            project did not.
        removed: Number of pictures that are left out, as they were removed here.
        failed: Names of pictures of the other project that cannot be read.
        left_out: Number of boxes and proposals that a picture has no room for.
        crowded: Names of these pictures.
    """

    added: int
    common: int
    taken: int
    proposed: int
    differing: int
    waiting: int = 0
    marked: int = 0
    removed: int = 0
    failed: tuple[str, ...] = ()
    left_out: int = 0
    crowded: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return the summary as one line."""
        told = f"{counted(self.added, 'picture')} added with {counted(self.taken, 'box')}"
        told += f" and {counted(self.waiting, 'proposal')}." if self.waiting else "."
        if self.common:
            told += (
                f" {counted(self.common, 'picture')} in both projects: of the other's boxes there "
                f"{self.proposed} wait for a decision, {self.differing} differ and stay as here."
            )
        if self.marked:
            told += f" {counted(self.marked, 'caption')} came as found or absent."
        if self.removed:
            told += f" {counted(self.removed, 'picture')} left out: removed here."
        if self.left_out:
            told += (
                f" {counted(self.left_out, 'box')} of {listed(self.crowded)} left out: a picture "
                f"has at most {BOXES_MAX}."
            )
        lost = len(self.failed)
        return told + f" {counted(lost, 'picture')} could not be read." * bool(lost)


def merge(
    target: Project,
    other: Project,
    *,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> Merged:
    """Bring the pictures and confirmed boxes of another project into a project.

    Args:
        target: Gets them.
        other: Not changed.
        max_pixels: Larger pictures are refused.
        on_progress: Called after each picture with (done, total, name); may raise to stop, and what
            was done until then stays. Doing it again goes on.

    Raises:
        InputError: Both are the same project.
        DataError: The disk is full, or the project cannot be written; what was done stays.
    """
    if target.folder.resolve() == other.folder.resolve():
        raise InputError("a project cannot be merged into itself.", "Name another one.")
    who = " ".join(other.name.replace(":", " ").split())[:100] or "merge"
    added = common = taken = waiting = proposed = differing = marked = removed = 0
    failed: list[str] = []
    crowded: dict[str, int] = {}
    total = other.count()
    for number, image in enumerate(other.walk(), start=1):
        boxes = other.boxes(image.id)
        theirs = [box for box in boxes if box.state == "confirmed"]
        try:
            path = other.path(image.id)
        except DataError:
            failed.append(image.name)
            continue
        known = target.find(path.stem, or_removed=True)
        if known is not None and known.removed:
            removed += 1
        elif known is not None and (known.state != "new" or target.boxes(known.id)):
            common += 1
            wait, lost, differ = _propose_missing(target, known, theirs, who)
            proposed, differing = proposed + wait, differing + differ
            _count(crowded, image.name, lost)
            marked += _mark_captions(target, known.id, other.asked(image.id), who)
            target.give_captions({known.id: image.captions}, replace=False)
        else:
            try:
                picture = load_picture(path, image.name, max_pixels=max_pixels)
                came = target.add_labelled(picture, image.name, _label(image, theirs, who))
            except DataError:  # the disk's fault, not the picture's
                raise
            except (OSError, InputError):
                failed.append(image.name)
            else:
                added += came.is_new
                common += not came.is_new
                taken += came.boxes
                guesses = [box for box in boxes if box.state == "proposed"]
                wait, lost = _propose(target, came.image_id, guesses, who)
                waiting += wait
                _count(crowded, image.name, lost + max(len(theirs) - BOXES_MAX, 0))
                marked += _mark_captions(target, came.image_id, other.asked(image.id), who)
        if on_progress is not None:
            on_progress(number, total, image.name)
    return Merged(
        added, common, taken, proposed, differing,
        waiting=waiting, marked=marked, removed=removed, failed=tuple(failed),
        left_out=sum(crowded.values()), crowded=tuple(crowded),
    )  # fmt: skip


def _count(crowded: dict[str, int], name: str, lost: int) -> None:
    if lost:
        crowded[name] = lost


def _label(image: ImageRow, boxes: list[BoxRow], who: str) -> Label:
    is_whole = image.state == "done" and len(boxes) <= BOXES_MAX
    return Label(
        boxes=tuple(LabelBox(b.xyxy, b.class_name, b.caption) for b in boxes[:BOXES_MAX]),
        state="done" if is_whole else "new",
        group=image.group,
        split=image.split,
        source=image.source,
        licence=image.licence,
        who=who,
        captions=image.captions,
    )


def _propose_missing(
    target: Project, image: ImageRow, theirs: list[BoxRow], who: str
) -> tuple[int, int, int]:
    """Numbers of boxes proposed as only the other has them, left out so, and that differ."""
    ours = target.boxes(image.id)
    pairs = match_rows(ours, theirs)
    differ = sum(
        (ours[a].class_name, ours[a].caption) != (theirs[b].class_name, theirs[b].caption)
        for a, b, _ in pairs
    )
    both = {b for _, b, _ in pairs}
    missing = [box for row, box in enumerate(theirs) if row not in both]
    return *_propose(target, image.id, missing, who), differ


def _propose(target: Project, image_id: int, boxes: Sequence[BoxRow], who: str) -> tuple[int, int]:
    """Numbers of boxes of the other project that wait for a person now, and without room.

    Those that lie on a box here are neither.
    """
    if not boxes:
        return 0, 0
    proposals = [
        Proposal(b.xyxy, b.class_name, b.caption, b.detector, b.logit, b.probability, b.margin)
        for b in boxes
    ]
    count = target.propose_more(image_id, proposals, source=f"{MERGED}{who}")
    here = target.boxes(image_id)
    if count == len(boxes) or len(here) < BOXES_MAX:
        return count, 0
    told, there = (np.array([b.xyxy for b in some], np.float32) for some in (boxes, here))
    return count, int((iou_matrix(told, there).max(axis=1) < SAME_IOU).sum())


def _mark_captions(target: Project, image_id: int, asked: Sequence[Asked], who: str) -> int:
    """Number of captions of which people of the other alone said whether the image shows them."""
    for tries_left in reversed(range(_TRIES)):
        # Before what is known: what somebody marks in between is not passed over.
        version = target.image(image_id).version
        known = {one.caption for one in target.asked(image_id) if one.confirmed}
        edits = [
            Absent(one.caption, absent=not one.found)
            for one in asked
            if one.confirmed and one.caption not in known
        ]
        if not edits:
            break
        try:
            target.apply(image_id, edits, who=who, version=version)
        except ConflictError:
            if not tries_left:
                raise
        else:
            return len(edits)
    return 0
