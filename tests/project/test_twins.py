"""Pictures that look nearly the same are recognised as they come in."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import pytest

from core.errors import DataError
from project.intake_rows import Looks
from project.pictures import Picture
from project.store import Project


def test_near_copies_are_recognised(project: Project, make_picture: Callable[..., Picture]) -> None:
    first = project.add(make_picture(0, (180, 160)), "a")[0]
    other = project.add(make_picture(1, (180, 160)), "b")[0]
    smaller = project.add(make_picture(0, (90, 80), format="jpeg"), "c")[0]
    twins = [project.image(number).twin_id for number in (first, other, smaller)]
    assert twins == [None, None, first]


def test_a_picture_that_could_not_be_added_has_no_twins(
    project: Project, make_picture: Callable[..., Picture]
) -> None:
    def deny(action: int, what: str | None, *_: object) -> int:
        ends = (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
        return sqlite3.SQLITE_DENY if ends else sqlite3.SQLITE_OK

    project._database._connection.set_authorizer(deny)
    with pytest.raises(DataError, match="written"):
        project.add(make_picture(0, (180, 160)), "a")
    project._database._connection.set_authorizer(None)
    smaller = project.add(make_picture(0, (90, 80), format="jpeg"), "b")[0]
    assert project.image(smaller).twin_id is None, "its own number was the lost one's"


def test_what_others_add_is_recognised_too(
    project: Project, make_picture: Callable[..., Picture]
) -> None:
    project.add(make_picture(1), "a")
    with Project.open(project.folder) as other:
        first = other.add(make_picture(0, (180, 160)), "b")[0]
    smaller = project.add(make_picture(0, (90, 80), format="jpeg"), "c")[0]
    assert project.image(smaller).twin_id == first


def test_many_pictures_are_compared_in_no_time() -> None:
    count, asked = 200_000, 30
    connection, looks = sqlite3.connect(":memory:"), Looks()
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE image (id INTEGER PRIMARY KEY, look INTEGER)")
    rows = ((number, number * 2654435761 << 12) for number in range(1, count + 1))
    connection.executemany("INSERT INTO image VALUES (?, ?)", rows)
    assert looks.find_twin(connection, 77 * 2654435761 << 12) == 77
    start = time.process_time()
    for _ in range(asked):
        looks.find_twin(connection, 0x5555555555555555)
    assert time.process_time() - start < asked * 0.004, "a list of them takes 10 ms each time"
