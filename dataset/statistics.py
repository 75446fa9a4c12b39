"""What a data set holds, in numbers: for plots, for its card, for a look before training.

In: a `Dataset`; no image is opened. Out: plain numbers, lists and dicts, ready for JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.record import Dataset
from dataset.splits import SPLITS

__all__ = ["COLOR_WORDS", "HEAT_MAP_WH", "Statistics", "summarize"]

HEAT_MAP_WH = (32, 18)
COLOR_WORDS = (
    "white", "black", "grey", "silver", "red", "orange", "yellow", "green", "blue", "purple",
    "pink", "brown", "camouflage",
)  # fmt: skip
_SAME_COLOR = {"gray": "grey", "violet": "purple", "camo": "camouflage", "golden": "yellow"}
_SIZE_EDGES = tuple(2.0 ** (power / 2) for power in range(4, 23))  # 4 to 2048 px, half octaves
_ASPECT_EDGES = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over a data set; histograms are a list of edges and one count fewer.

    Args:
        num_images: Images in all.
        num_boxes: Boxes in all.
        num_empty: Images without a box.
        images_per_split: Images of train, val and test.
        boxes_per_split: Boxes of train, val and test.
        boxes_per_class: By class name, in the order of the classes.
        boxes_per_color: By colour word in the captions, most frequent first; a caption with two
            colours counts for both.
        objects_per_image: How many images have how many boxes, by number of boxes.
        image_sizes: How many images have which size, "1520x870", most frequent first.
        size_px_edges: Edges of ``size_px_counts``, px, doubling every second one.
        size_px_counts: Boxes by the square root of their area; the ends take what is beyond.
        aspect_edges: Edges of ``aspect_counts``.
        aspect_counts: Boxes by width over height.
        heat_map: 18 rows of 32: the share of all boxes that cover each part of the frame.
        visible_ratio_mean: Mean visible share of the objects.
        num_captions: Different captions.
    """

    num_images: int
    num_boxes: int
    num_empty: int
    images_per_split: dict[str, int]
    boxes_per_split: dict[str, int]
    boxes_per_class: dict[str, int]
    boxes_per_color: dict[str, int]
    objects_per_image: dict[int, int]
    image_sizes: dict[str, int]
    size_px_edges: list[float]
    size_px_counts: list[int]
    aspect_edges: list[float]
    aspect_counts: list[int]
    heat_map: list[list[float]]
    visible_ratio_mean: float
    num_captions: int

    def to_dict(self) -> dict[str, object]:
        """The numbers as JSON takes them (keys of numbers become text there)."""
        return asdict(self)


def summarize(dataset: Dataset) -> Statistics:
    """The numbers of a data set.

    Args:
        dataset: May be empty.
    """
    records = dataset.records
    xyxy = np.concatenate([np.zeros((0, 4), np.float32), *(r.xyxy for r in records)])
    sides = xyxy[:, 2:] - xyxy[:, :2]
    class_id = np.concatenate([np.zeros(0, np.int64), *(r.class_id for r in records)])
    visible = np.concatenate([np.zeros(0, np.float32), *(r.visible_ratio for r in records)])
    captions = [caption for record in records for caption in record.captions]
    num_of = Counter(len(record) for record in records)
    sizes = Counter(f"{r.image_wh[0]}x{r.image_wh[1]}" for r in records)
    return Statistics(
        num_images=len(records),
        num_boxes=len(xyxy),
        num_empty=num_of[0],
        images_per_split={s: sum(r.split == s for r in records) for s in SPLITS},
        boxes_per_split={s: sum(len(r) for r in records if r.split == s) for s in SPLITS},
        boxes_per_class={
            name: int((class_id == number).sum()) for number, name in enumerate(dataset.class_names)
        },
        boxes_per_color=_count_colors(captions),
        objects_per_image={number: num_of[number] for number in sorted(num_of)},
        image_sizes=dict(sizes.most_common()),
        size_px_edges=[round(edge, 3) for edge in _SIZE_EDGES],
        size_px_counts=_histogram(np.sqrt(sides.prod(axis=1)), _SIZE_EDGES),
        aspect_edges=list(_ASPECT_EDGES),
        aspect_counts=_histogram(sides[:, 0] / np.maximum(sides[:, 1], 1e-6), _ASPECT_EDGES),
        heat_map=_heat_map(dataset),
        visible_ratio_mean=round(float(visible.mean()), 4) if len(visible) else 1.0,
        num_captions=len({caption for caption in captions if caption}),
    )


def _count_colors(captions: Iterable[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for caption in captions:
        words = {_SAME_COLOR.get(w, w) for w in re.findall(r"[a-z]+", caption.lower())}
        counts.update(words & set(COLOR_WORDS))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _histogram(values: NDArray[np.float32], edges: tuple[float, ...]) -> list[int]:
    """Counts between the edges; what lies beyond the ends counts in the first and last."""
    inside = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return [int(n) for n in np.bincount(inside, minlength=len(edges) - 1)]


def _heat_map(dataset: Dataset) -> list[list[float]]:
    """The share of all boxes that lie over the middle of each cell of the frame.

    A box smaller than a cell counts for the cell of its centre.
    """
    columns, rows = HEAT_MAP_WH
    # Differences at the corners of the boxes; their running sums are the counts.
    corners = np.zeros((rows + 1, columns + 1))
    num_boxes = 0
    for record in dataset:
        cells = record.xyxy / np.tile(np.array(record.image_wh, np.float32), 2)
        cells = cells * np.array([columns, rows, columns, rows], np.float32)
        middle = ((cells[:, :2] + cells[:, 2:]) / 2).astype(int)
        centre = np.minimum(middle, [columns - 1, rows - 1])
        low = np.minimum(np.ceil(cells[:, :2] - 0.5).astype(int), centre)
        high = np.maximum(np.ceil(cells[:, 2:] - 0.5).astype(int), centre + 1)
        for (x1, y1), (x2, y2) in zip(low, high, strict=True):
            corners[y1, x1] += 1
            corners[y1, x2] -= 1
            corners[y2, x1] -= 1
            corners[y2, x2] += 1
        num_boxes += len(record)
    counts = corners.cumsum(axis=0).cumsum(axis=1)[:rows, :columns]
    shares = counts / max(num_boxes, 1)
    return [[round(float(share), 5) for share in row] for row in shares]
