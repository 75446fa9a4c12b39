"""Which image is meant by a name."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest

from core.errors import InputError
from project.naming import Names, find_named
from project.pictures import Picture
from project.store import Project

Make = Callable[..., Picture]


def test_an_image_is_found_by_its_name_or_its_file(project: Project, make_picture: Make) -> None:
    for seed, name in enumerate(("a", "a-2", "b")):
        picture = make_picture(seed, format="jpeg" if seed == 1 else "png")
        project.add(picture, name)
    names = Names(project, project.walk())
    assert names.find("a-2").name == names.find("a.jpg").name == "a-2"
    assert names.find("somewhere/a.png").name == "a"
    with pytest.raises(InputError, match="may be any of: a, a-2"):
        names.find("a.webp")
    with pytest.raises(InputError, match="no picture 'c"):
        names.find("c.png")
    assert find_named(project, [], project.walk()) == []


@pytest.mark.parametrize("name", ["IMG-2024", "IMG-1", "IMG-02", "IMG-٣"])
def test_a_number_of_the_file_itself_is_part_of_its_name(
    name: str, project: Project, make_picture: Make
) -> None:
    project.add(make_picture(0), name)
    with pytest.raises(InputError, match="no picture"):
        Names(project, project.walk()).find("IMG.png")
    if name != "IMG-2024":  # that one could be the 2024th of this stem
        project.add(make_picture(1), "IMG")
        assert Names(project, project.walk()).find("IMG.png").name == "IMG"


def test_a_number_of_ours_counts_where_the_first_was_removed(
    project: Project, make_picture: Make
) -> None:
    first = project.add(make_picture(0), "a")[0]
    project.add(make_picture(1, format="jpeg"), "a")
    project.remove_images([first])
    assert Names(project, project.walk()).find("a.jpg").name == "a-2"


@pytest.mark.parametrize("ending", ["tif", "TIFF", "gif"])
def test_a_file_that_is_kept_as_png_is_found(
    ending: str, project: Project, make_picture: Make
) -> None:
    project.add(make_picture(0, format="jpeg"), "a")
    with pytest.raises(InputError, match="may be any of: a"):
        Names(project, project.walk()).find(f"a.{ending}")
    project.add(make_picture(1), "a")
    assert Names(project, project.walk()).find(f"a.{ending}").name == "a-2"


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_signs_of_their_own(
    forms: tuple[str, str], project: Project, make_picture: Make
) -> None:
    kept, told = (unicodedata.normalize(form, "größe") for form in forms)
    project.add(make_picture(0), kept)
    project.add(make_picture(1, format="jpeg"), kept)
    names = Names(project, project.walk())
    assert names.find(told).name == names.find(f"{told}.png").name == kept
    assert names.find(f"{told}.jpg").name == f"{kept}-2"
    project.add(make_picture(2), told)
    names = Names(project, project.walk())
    assert (names.find(told).name, names.find(kept).name) == (told, kept)


def test_a_name_of_many_pictures_is_quickly_and_briefly_told(
    project: Project, make_picture: Make
) -> None:
    project.add(make_picture(0), "rgb")
    with project._database.write() as connection:
        connection.executemany(
            "INSERT INTO image (name, sha256, suffix, width, height, look, added_at, updated_at) "
            "VALUES (?, ?, '.png', 64, 48, 1, 0, 0)",
            [(f"rgb-{number}", f"{number:064x}") for number in range(2, 2001)],
        )
    names = Names(project, project.walk())
    start = time.perf_counter()
    for scene in range(200):
        with pytest.raises(InputError, match="rgb-5 and 1995 more") as told:
            names.find(f"scene{scene}/{'deep/' * 100}rgb.png")
        assert len(told.value.message) < 300
    assert time.perf_counter() - start < 1
    with pytest.raises(InputError, match="no picture") as told:
        names.find("x" * 100_000)
    assert len(told.value.message) < 300
