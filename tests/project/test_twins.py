"""Pictures that look nearly the same are recognised as they come in."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from PIL import Image as PilImage

from core.errors import DataError
from core.image import encode_image
from project.intake_rows import Looks
from project.pictures import TWIN_BITS_MAX, Picture, look_of, read_picture
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


def sky(number: int) -> np.ndarray:
    """Something dark in the middle of a clear sky, brighter below and darker in its corners."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[-1:1:240j, -1:1:400j]
    grey = 170 + 30 * y - 40 * (x * x + y * y) + rng.normal(0, 2, x.shape)
    length, width, angle = rng.uniform(0.2, 0.5), rng.uniform(0.03, 0.1), rng.uniform(0, np.pi)
    x, y = x + rng.normal(0, 0.3), y + rng.normal(0, 0.2)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    grey[(along / length) ** 2 + (across / width) ** 2 < 1] = 60
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_skies_alone_make_no_near_copies(project: Project) -> None:
    skies = [sky(number) for number in range(12)]
    added = [
        project.add(read_picture(encode_image(image), "s"), f"{row}")[0]
        for row, image in enumerate(skies)
    ]
    looks = [look_of(PilImage.fromarray(image)) for image in skies]
    pairs = [(one ^ other).bit_count() for one, other in combinations(looks, 2)]
    assert min(pairs) <= TWIN_BITS_MAX, "by their looks some of these skies are near copies"
    assert [project.image(number).twin_id for number in added] == [None] * len(added)
    smaller = encode_image(skies[5][::2, ::2], format="jpeg")
    again = project.add(read_picture(smaller, "s"), "again")[0]
    assert project.image(again).twin_id == added[5]


def test_pictures_of_an_older_project_have_no_detail(
    project: Project, make_picture: Callable[..., Picture]
) -> None:
    first = project.add(make_picture(0, (180, 160)), "a")[0]
    with project._database.write() as connection:
        connection.execute("DELETE FROM detail")
    smaller = project.add(make_picture(0, (90, 80), format="jpeg"), "b")[0]
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
