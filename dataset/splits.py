"""Deterministic splits: a group name in, "train", "val" or "test" out.

Here: the hash rule and its shares. Not here: any file or any state: the same name falls into the
same split on every machine and in every order, so nothing has to be stored and nothing can leak.
Only where shares are asked of few groups (``part_groups``), the other ones count too.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

from core.errors import ConfigError, InputError

Split = Literal["train", "val", "test"]
Shares = tuple[float, float, float]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SHARES: Shares = (0.8, 0.1, 0.1)
"""Of train, val and test, where a person may choose and has not."""
_RECORD_SHARES: Shares = (0.9, 0.05, 0.05)

T = TypeVar("T")

__all__ = [
    "SHARES",
    "SPLITS",
    "Shares",
    "Split",
    "check_shares",
    "hash_position",
    "part_groups",
    "select_split",
    "split_at",
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
    return split_at(hash_position(group), _RECORD_SHARES)


def hash_position(group: str) -> float:
    """Where a group lies in [0, 1), by a hash of its name: test first, then val, then train.

    Splits with other shares cut the same line elsewhere, so a group moves only where it must.
    """
    digest = hashlib.blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def split_at(position: float, shares: Shares) -> Split:
    """The split at a place in [0, 1): test has the first part of the line, train the last.

    Args:
        position: Of a group, see `hash_position`.
        shares: Of train, val and test, their sum 1.
    """
    _, val, test = shares
    if position < test:
        return "test"
    return "val" if position < test + val else "train"


def check_shares(shares: Sequence[float]) -> Shares:
    """The shares of train, val and test with a sum of 1.

    Raises:
        ConfigError: They are not three numbers from 0 on, or train has none.
    """
    good = len(shares) == 3 and all(0 <= share < math.inf for share in shares)
    if not good or shares[0] <= 0:
        raise ConfigError(
            f"shares must be three numbers of at least 0 for train, val and test, got {shares}.",
            "For example 0.8, 0.1, 0.1; train needs some.",
        )
    total = sum(shares)
    return shares[0] / total, shares[1] / total, shares[2] / total


def part_groups(
    groups: Iterable[str], shares: Shares, *, given: Iterable[str] = ()
) -> dict[str, Split]:
    """The split of each group, where few groups should fill val and test too.

    A group goes where its hash says, and stays there when others come. Only where a split would
    have nothing, the cuts of the line move by as many groups as that needs: for train first, then
    for val, then for test.

    Args:
        groups: Their names.
        shares: Of train, val and test, their sum 1.
        given: Splits that have something already.
    """
    line = sorted(set(groups), key=hash_position)
    told = Counter(split_at(hash_position(group), shares) for group in line)
    wanted = {
        split: int(share > 0 and split not in set(given))
        for split, share in zip(SPLITS, shares, strict=True)
    }
    # Test has line[:first], val line[first:second], train the rest.
    second = max(min(told["test"] + told["val"], len(line) - wanted["train"]), 0)
    first = min(told["test"], second)
    spare = len(line) - second - wanted["train"]
    if wanted["val"] and first == second:
        if spare > 0:
            second, spare = second + 1, spare - 1
        elif first > 0:
            first -= 1
    if wanted["test"] and first == 0:
        if second > wanted["val"]:
            first = 1
        elif spare > 0:
            first, second = 1, second + 1
    parts: tuple[tuple[Split, list[str]], ...] = (
        ("test", line[:first]), ("val", line[first:second]), ("train", line[second:]),
    )  # fmt: skip
    return {group: split for split, part in parts for group in part}


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
