"""Splits by shares: where a hash says, and none empty that few groups could fill."""

from __future__ import annotations

from collections import Counter

import pytest

from dataset.splits import SHARES, hash_position, part_groups, split_at


def names(count: int) -> list[str]:
    return [f"picture {number}" for number in range(count)]


def test_many_groups_have_the_shares_that_were_asked_for() -> None:
    counts = Counter(part_groups(names(4000), (0.7, 0.2, 0.1)).values())
    assert counts["val"] == pytest.approx(800, rel=0.1)
    assert counts["test"] == pytest.approx(400, rel=0.1)


@pytest.mark.parametrize(("count", "filled"), [(0, 0), (1, 1), (2, 2), (3, 3), (5, 3), (20, 3)])
@pytest.mark.parametrize("first", range(0, 200, 20))
def test_few_groups_fill_every_split_that_they_can(count: int, filled: int, first: int) -> None:
    splits = part_groups(names(first + count)[first:], SHARES)
    assert len(splits) == count
    assert set(splits.values()) == set(("train", "val", "test")[:filled])


def test_a_group_stays_when_others_come() -> None:
    few, many = part_groups(names(200), SHARES), part_groups(names(400), SHARES)
    assert {name: many[name] for name in few} == few
    assert few == {name: split_at(hash_position(name), SHARES) for name in few}


def test_no_share_no_group() -> None:
    assert set(part_groups(names(9), (1.0, 0.0, 0.0)).values()) == {"train"}
    assert set(part_groups(names(9), (0.5, 0.0, 0.5)).values()) == {"train", "test"}


def test_what_was_given_a_split_fills_it() -> None:
    line = sorted(names(400), key=hash_position)
    late = line[-3:]  # by their hashes all for training
    assert set(part_groups(late, SHARES, given=["val", "test"]).values()) == {"train"}
    assert part_groups(late[:1], SHARES, given=["train"]) == {late[0]: "val"}
    assert part_groups(line[:1], SHARES, given=["train"]) == {line[0]: "val"}


def test_names_that_are_no_utf_8_have_a_place() -> None:
    """Files from old archives: Latin-1 bytes in a name, which Python keeps as half characters."""
    assert 0 <= hash_position("fl\udce4che") < 1
