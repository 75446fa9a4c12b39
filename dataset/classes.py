"""Class names changed for a whole data set. Not here: captions, which stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dataset.record import Dataset

__all__ = ["to_single_class"]


def to_single_class(dataset: Dataset, name: str = "object") -> Dataset:
    """The same boxes, all of one class, as a detector that only finds things is trained on.

    Args:
        dataset: Not changed.
        name: What the class is called.

    Example:
        >>> to_single_class(Dataset((), ("drone", "missile"))).class_names
        ('object',)
    """
    records = tuple(replace(record, class_id=np.zeros(len(record), np.int64)) for record in dataset)
    return Dataset(records, (name,))
