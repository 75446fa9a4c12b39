"""How far two people agree who labelled the same pictures, each in a project of their own.

In: two projects. Out: shares over all images that are done in both, and where they differ. Changes
nothing; taking over one's boxes into the other is ``project.merge``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.boxes import iou_matrix
from core.errors import DataError
from project.store import Project
from project.types import BoxRow

__all__ = ["Agreement", "Difference", "compare", "match_rows"]

IOU_MIN = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """An image on which two people differ.

    Args:
        image_id: In the first project.
        name: Of the image there.
        only_here: Boxes that only the first has.
        only_there: Boxes that only the second has.
        other_class: Matched boxes of different class.
        other_caption: Matched boxes of different caption.
    """

    image_id: int
    name: str
    only_here: int
    only_there: int
    other_class: int
    other_caption: int

    @property
    def total(self) -> int:
        """Number of differences."""
        return self.only_here + self.only_there + self.other_class + self.other_caption


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two label sets agree.

    Args:
        images: Number of images that are done in both.
        boxes_here: Number of boxes of the first.
        boxes_there: Number of boxes of the second.
        matched: Number of boxes that both have, by IoU 0.5 or more.
        f1: 2 matched / (here + there); 1 where neither has any.
        mean_iou: Of the matched boxes; None without any.
        class_kappa: Cohen's kappa of the classes of matched boxes: agreement beyond chance; 1 where
            both know one class alone; None without any.
        caption_ratio: Share of matched boxes with the same caption; None without any.
        differences: The images on which they differ, most first.
    """

    images: int
    boxes_here: int
    boxes_there: int
    matched: int
    f1: float
    mean_iou: float | None
    class_kappa: float | None
    caption_ratio: float | None
    differences: tuple[Difference, ...]


def match_rows(here: Sequence[BoxRow], there: Sequence[BoxRow]) -> list[tuple[int, int, float]]:
    """Return the rows of boxes that are the same object, with their IoU: best total overlap."""
    iou = iou_matrix(
        np.array([box.xyxy for box in here], np.float32).reshape(-1, 4),
        np.array([box.xyxy for box in there], np.float32).reshape(-1, 4),
    )
    worth = np.where(iou >= IOU_MIN, iou, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        (int(row), int(column), float(iou[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if iou[row, column] >= IOU_MIN
    ]


def compare(here: Project, there: Project) -> Agreement:
    """Return how far two projects agree on the pictures that are done in both.

    Raises:
        DataError: There is no such picture.
    """
    overlaps: list[float] = []
    classes: Counter[tuple[str, str]] = Counter()
    same_captions = images = count_here = count_there = 0
    differences = []
    for image in here.walk("done"):
        other = there.find(here.path(image.id).stem)
        if other is None or other.state != "done":
            continue
        images += 1
        ours = [box for box in here.boxes(image.id) if box.state == "confirmed"]
        theirs = [box for box in there.boxes(other.id) if box.state == "confirmed"]
        count_here, count_there = count_here + len(ours), count_there + len(theirs)
        pairs = match_rows(ours, theirs)
        overlaps += [iou for _, _, iou in pairs]
        names = [(ours[a].class_name, theirs[b].class_name) for a, b, _ in pairs]
        classes.update(names)
        alike = sum(_alike(ours[a].caption, theirs[b].caption) for a, b, _ in pairs)
        same_captions += alike
        found = Difference(
            image.id, image.name, len(ours) - len(pairs), len(theirs) - len(pairs),
            sum(a != b for a, b in names), len(pairs) - alike,
        )  # fmt: skip
        if found.total:
            differences.append(found)
    if not images:
        raise DataError(
            "the projects have no picture in common that is done in both.",
            "Import the same pictures into both and finish some.",
        )
    matched, both = len(overlaps), count_here + count_there
    return Agreement(
        images=images,
        boxes_here=count_here,
        boxes_there=count_there,
        matched=matched,
        f1=2 * matched / both if both else 1.0,
        mean_iou=float(np.mean(overlaps)) if overlaps else None,
        class_kappa=_kappa(classes),
        caption_ratio=same_captions / matched if matched else None,
        differences=tuple(sorted(differences, key=lambda d: (-d.total, d.image_id))),
    )


def _alike(a: str, b: str) -> bool:
    return a.casefold() == b.casefold()


def _kappa(pairs: Counter[tuple[str, str]]) -> float | None:
    """Cohen's kappa: (observed - expected) / (1 - expected) agreement."""
    total = pairs.total()
    if not total:
        return None
    observed = sum(count for (a, b), count in pairs.items() if a == b) / total
    here: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for (a, b), count in pairs.items():
        here[a] += count
        there[b] += count
    expected = sum(here[name] * there[name] for name in here) / total**2
    return 1.0 if expected >= 1 else (observed - expected) / (1 - expected)
