"""Deterministic splits: a group name in, "train", "val" or "test" out.

Here: the hash rule and its shares. Not here: any file or any state: the same name falls into the
same split on every machine and in every order, so nothing has to be stored and nothing can leak.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from core.errors import InputError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
VAL_RATIO = 0.05
TEST_RATIO = 0.05

T = TypeVar("T")

__all__ = [
    "SPLITS",
    "TEST_RATIO",
    "VAL_RATIO",
    "Split",
    "hash_position",
    "select_split",
    "split_of",
]


def split_of(group: str) -> Split:
    """The split of a group: 90 % train, 5 % val, 5 % test, decided by a hash of its name.

    Args:
        group: What must stay together, such as the identity of a cutout or the name of a place.

    Returns:
        "train", "val" or "test".

    Example:
        >>> split_of("abandoned_church") == split_of("abandoned_church")
        True
    """
    position = hash_position(group)
    if position < TEST_RATIO:
        return "test"
    return "val" if position < TEST_RATIO + VAL_RATIO else "train"


def hash_position(group: str) -> float:
    """Where a group lies in [0, 1), by a hash of its name: test first, then val, then train.

    Splits with other shares cut the same line elsewhere, so a group moves only where it must.
    """
    digest = hashlib.blake2b(group.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def select_split(items: Iterable[T], split: str, group_of: Callable[[T], str]) -> list[T]:
    """The items whose group belongs to a split, in their order.

    Args:
        items: Anything.
        split: "train", "val" or "test".
        group_of: Gives an item's group name.

    Raises:
        InputError: The split has no such name.
    """
    if split not in SPLITS:
        raise InputError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")
    return [item for item in items if split_of(group_of(item)) == split]
