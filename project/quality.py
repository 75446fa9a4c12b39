"""Labels that look wrong: boxes of unusual size, captions that do not fit, doubles, cut objects.

In: a project with scores as they are stored. Out: suspicions, worst first, for a person to look at;
none of them is certain. Changes nothing.
"""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from core.boxes import iou_matrix
from core.words import counted
from project.classes import class_told
from project.given import missing_captions
from project.score import FITS_MIN
from project.store import Project
from project.types import BoxRow, ImageRow

__all__ = ["Kind", "Suspicion", "find_suspicions"]

Kind: TypeAlias = Literal[
    "duplicate", "caption", "other-class", "size", "edge", "no-caption", "rare-class",
    "twin-differs", "no-box",
]  # fmt: skip

_DUPLICATE_IOU_MIN = 0.6
_LEAD_MAX = -0.5  # logits by which another caption fits better
_SIZE_Z_MIN = 3.5  # after Iglewicz and Hoaglin, for the modified z-score
_SIZE_BOXES_MIN = 12
_EDGE_PX = 0.5
_CAPTIONED_RATIO_MIN = 0.8  # where most boxes have a caption, the others lack one
_RARE_MAX = 2
_COMMON_MIN = 10


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing to look at.

    Args:
        kind: What looks wrong.
        image_id: Where.
        box_id: Which box; None where it is the image as a whole.
        severity: How suspicious, in [0, 1].
        what: What was seen, as a sentence; boxes go by their caption, else by their type.
    """

    kind: Kind
    image_id: int
    box_id: int | None
    severity: float
    what: str


def find_suspicions(
    project: Project, *, can_judge: Callable[[str], bool] = lambda caption: True
) -> list[Suspicion]:
    """Return everything that looks wrong, worst first; rejected boxes are left out.

    Args:
        project: With the scores of its boxes as they are stored.
        can_judge: Whether the model behind the scores reads all of a caption; what it reads in
            part it cannot call wrong.
    """
    found: list[Suspicion] = []
    sizes: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    classes: Counter[str] = Counter()
    first_of_class: dict[str, BoxRow] = {}
    bare: list[BoxRow] = []
    counts: dict[int, int] = {}
    captioned = 0
    names = project.class_names
    for image, every in project.walk_boxes():
        boxes = [box for box in every if box.state != "rejected"]
        if image.state == "done":  # of others nobody knows yet what they show
            counts[image.id] = len(boxes)
        found += _within(image, boxes)
        for box in boxes:
            found += [one for one in _caption(box) if can_judge(box.caption)]
            found += _other_class(box, names)
        found += _twin(image, counts)
        found += _boxless(project, image, boxes)
        for box in boxes:
            x1, y1, x2, y2 = box.xyxy
            area = float(np.log((x2 - x1) * (y2 - y1)))
            sizes[box.class_name].append((area, image.id, box.id))
            classes[box.class_name] += 1
            first_of_class.setdefault(box.class_name, box)
            captioned += bool(box.caption)
            if not box.caption:
                bare.append(box)
    found += _unusual_sizes(sizes)
    found += _rare_classes(classes, first_of_class)
    if bare and captioned >= _CAPTIONED_RATIO_MIN * (captioned + len(bare)):
        what = "has no caption, where most boxes have one."
        found += [
            Suspicion("no-caption", box.image_id, box.id, 0.3, f"{_named(box)} {what}")
            for box in bare
        ]
    return sorted(found, key=lambda one: (-one.severity, one.image_id, one.box_id or 0))


def _named(box: BoxRow) -> str:
    return repr(box.caption) if box.caption else f"A box of type {box.class_name!r}"


def _within(image: ImageRow, boxes: Sequence[BoxRow]) -> Iterator[Suspicion]:
    """What is suspicious about the boxes of one image by themselves."""
    xyxy = np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4)
    iou = np.triu(iou_matrix(xyxy, xyxy), 1)
    doubled = np.argwhere(iou >= _DUPLICATE_IOU_MIN) if len(boxes) > 1 else ()
    for row, column in doubled:
        share = float(iou[row, column])
        names = [box.caption or box.class_name for box in (boxes[row], boxes[column])]
        said = (
            f"Two boxes {names[0]!r}" if names[0] == names[1] else f"{names[0]!r} and {names[1]!r}"
        )
        what = f"{said} share {share:.0%} of their area."
        yield Suspicion("duplicate", image.id, boxes[column].id, share, what)
    width, height = image.image_wh
    for box in boxes:
        x1, y1, x2, y2 = box.xyxy
        sides = {"left": x1, "top": y1, "right": width - x2, "bottom": height - y2}
        near = [name for name, gap in sides.items() if gap <= _EDGE_PX]
        if near:
            edge = " and ".join(near)
            what = f"{_named(box)} ends at the {edge} edge: part of it may be missing."
            yield Suspicion("edge", image.id, box.id, 0.2, what)


def _caption(box: BoxRow) -> Iterator[Suspicion]:
    if not box.caption or box.probability is None:
        return
    if box.margin is not None and box.margin <= _LEAD_MAX:
        severity = float(1 - np.exp(box.margin / 2))
        what = f"Another caption that was asked for fits better than {box.caption!r}."
        yield Suspicion("caption", box.image_id, box.id, severity, what)
    elif box.probability < FITS_MIN:
        what = f"What is in the box is hardly {box.caption!r}: similarity {box.probability:.0%}."
        yield Suspicion("caption", box.image_id, box.id, 1 - box.probability, what)


def _other_class(box: BoxRow, names: Sequence[str]) -> Iterator[Suspicion]:
    if (told := class_told(box.caption, names)) and told != box.class_name:
        what = f"{box.caption!r} names the type {told!r}, but the type is {box.class_name!r}."
        yield Suspicion("other-class", box.image_id, box.id, 0.8, what)


def _twin(image: ImageRow, counts: dict[int, int]) -> Iterator[Suspicion]:
    here, there = counts.get(image.id), counts.get(image.twin_id or 0)
    if here is not None and there is not None and here != there:
        what = f"It has {counted(here, 'box')}; an earlier picture that looks alike has {there}."
        yield Suspicion("twin-differs", image.id, None, 0.5, what)


def _boxless(project: Project, image: ImageRow, boxes: Sequence[BoxRow]) -> Iterator[Suspicion]:
    """Captions that came with an image that is done, of which no box shows what they mean."""
    if image.state != "done" or not image.captions:
        return
    for caption in dict.fromkeys(missing_captions(image.captions, boxes, project.asked(image.id))):
        what = f"It is done, but {caption!r}, which came with it, has no box."
        yield Suspicion("no-box", image.id, None, 0.7, what)


def _unusual_sizes(sizes: dict[str, list[tuple[float, int, int]]]) -> Iterator[Suspicion]:
    """Boxes far from the median of their class, on a logarithmic scale."""
    for name, rows in sizes.items():
        if len(rows) < _SIZE_BOXES_MIN:
            continue
        logs = np.array([log for log, _, _ in rows])
        median = float(np.median(logs))
        spread = float(np.median(np.abs(logs - median)))
        scores = 0.6745 * (logs - median) / max(spread, 0.1)
        for (log, image_id, box_id), z in zip(rows, scores, strict=True):
            if abs(z) >= _SIZE_Z_MIN:
                factor = float(np.exp(abs(log - median) / 2))
                word = "larger" if z > 0 else "smaller"
                what = f"The box is {factor:.1f} times {word} than most of type {name!r}."
                yield Suspicion("size", image_id, box_id, float(min(1.0, abs(z) / 10)), what)


def _rare_classes(classes: Counter[str], first: dict[str, BoxRow]) -> Iterator[Suspicion]:
    """Classes of one or two boxes whose name is nearly that of a common one."""
    common = [name for name, count in classes.items() if count >= _COMMON_MIN]
    for name, count in classes.items():
        near = difflib.get_close_matches(name, common, n=1, cutoff=0.75)
        if count <= _RARE_MAX and near:
            box = first[name]
            what = f"Type {name!r} has {counted(count, 'box')}; is {near[0]!r} meant?"
            yield Suspicion("rare-class", box.image_id, box.id, 0.6, what)
