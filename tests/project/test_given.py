"""Captions that come with pictures: taken in, kept, and looked for in their own pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError
from core.image import encode_image
from pipeline.locate import Locator
from project.database import Database
from project.intake import Imported, import_path
from project.merge import merge
from project.pictures import read_picture
from project.prelabel import Question, prelabel
from project.quality import find_suspicions
from project.schema import MIGRATIONS
from project.store import DATABASE_NAME, Project
from project.types import Absent, Add
from project.vocabulary import Vocabulary
from tests.project.pictures import picture_bytes

WORDS = Vocabulary(("box",), ("red", "blue"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures a, b and deep/c."""
    made = tmp_path / "pictures"
    (made / "deep").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "deep/c.png")):
        (made / name).write_bytes(picture_bytes(number))
    return made


def captions_of(project: Project) -> dict[str, tuple[str, ...]]:
    return {image.name: image.captions for image in project.walk()}


def test_a_table_among_pictures_tells_what_they_show(project: Project, folder: Path) -> None:
    table = "image,caption\na.png,red  drone\na.png,red drone\ndeep\\c.png,kite\nz.png,glider\n"
    (folder / "told.csv").write_text(table)
    (folder / "notes.csv").write_text("day,weather\n1,fair\n")
    came = import_path(project, folder)
    expected = {"a": ("red drone", "red drone"), "b": (), "c": ("kite",)}
    assert captions_of(project) == expected
    assert project.count_given() == 2
    assert came.sentence() == "3 pictures added, 2 with captions to look for."
    found = [(finding.kind, finding.where) for finding in came.findings]
    assert found == [("no-captions", "notes.csv"), ("unknown-picture", "told.csv")]


def test_a_file_alone_is_about_the_pictures_of_the_project(
    project: Project, folder: Path, tmp_path: Path
) -> None:
    import_path(project, folder)
    told = tmp_path / "told.jsonl"
    lines = [
        {"image": "b.png", "captions": ["kite", " "]},
        {"image": "other/c.png", "annotations": [{"caption": "drone", "bbox": [1, 1, 5, 5]}]},
    ]
    told.write_text("\n".join(map(json.dumps, lines)))
    came = import_path(project, told)
    assert captions_of(project) == {"a": (), "b": ("kite",), "c": ("drone",)}
    assert came.sentence() == "Captions of 2 pictures taken in."
    assert [finding.kind for finding in came.findings] == ["unusable-caption"]
    assert import_path(project, told).sentence() == "0 pictures added.", "known already"


def test_a_file_that_tells_nothing_is_an_error(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("name,text\na,b\n")
    with pytest.raises(DataError, match="no columns image and caption"):
        import_path(project, tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("name", "line", "captions"),
    [
        ("metadata.jsonl", {"file_name": "a.png", "text": "a red drone"}, ("a red drone",)),
        ("annotations.jsonl", {"image": "a.png", "captions": ["kite", "drone"]}, ("kite", "drone")),
    ],
)
def test_data_sets_of_captions_are_not_done(
    name: str, line: dict[str, object], captions: tuple[str, ...], project: Project, folder: Path
) -> None:
    (folder / name).write_text(json.dumps(line))
    came = import_path(project, folder)
    [image] = project.walk()
    assert (image.captions, image.state) == (captions, "new"), "nobody said that it is empty"
    assert [finding.kind for finding in came.findings] == ["missing-labels"]


def test_each_picture_is_asked_its_own_captions(
    project: Project, fake_locator: Locator, shapes_image: np.ndarray
) -> None:
    told = project.add(read_picture(encode_image(shapes_image), "a"), "a")[0]
    untold = project.add(read_picture(encode_image(shapes_image[::-1].copy()), "b"), "b")[0]
    project.give_captions({told: ["blue thing", "green thing"]})
    question = Question(vocabulary=WORDS, given=True)
    assert prelabel(project, fake_locator, question).boxes == 3
    assert [box.caption for box in project.boxes(told)] == ["blue thing"]
    assert [one.found for one in project.asked(told)] == [True, False]
    assert {box.caption for box in project.boxes(untold)} == {"red box", "blue box"}
    assert prelabel(project, fake_locator, question).kept == 2
    project.give_captions({told: ["red thing"]})
    assert prelabel(project, fake_locator, question).done == 1, "others are given: it looks again"
    assert [box.caption for box in project.boxes(told)] == ["red thing"]


def test_two_captions_alike_are_two_objects(
    project: Project, fake_locator: Locator, shapes_image: np.ndarray
) -> None:
    shapes_image[60:80, 20:60] = (255, 0, 0)
    image_id = project.add(read_picture(encode_image(shapes_image), "a"), "a")[0]
    project.give_captions({image_id: ["red thing", "red thing"]})
    prelabel(project, fake_locator, Question(given=True))
    assert [box.caption for box in project.boxes(image_id)] == ["red thing"] * 2


def test_what_is_certainly_there_needs_less_to_be_proposed(
    project: Project, fake_locator: Locator, shapes_image: np.ndarray
) -> None:
    image_id = project.add(read_picture(encode_image(shapes_image), "a"), "a")[0]
    captions = ("orange thing",)  # near red, and not near enough to be found where nobody knows
    prelabel(project, fake_locator, Question(captions=captions))
    assert project.boxes(image_id) == []
    project.give_captions({image_id: captions})
    prelabel(project, fake_locator, Question(given=True))
    assert [box.caption for box in project.boxes(image_id)] == ["orange thing"]


def test_captions_go_with_pictures_into_another_project(
    project: Project, image_id: int, tmp_path: Path
) -> None:
    project.give_captions({image_id: ["kite"]})
    with Project.create(tmp_path / "other", "Other") as other:
        merge(other, project)
        assert captions_of(other) == {"first": ("kite",)}


def test_a_project_made_before_captions_were_kept_is_brought_up_to_date(tmp_path: Path) -> None:
    Database(tmp_path / DATABASE_NAME, create=True, migrations=MIGRATIONS[:2]).close()
    (tmp_path / "images").mkdir()
    with Project.open(tmp_path) as project:
        image_id = project.add(read_picture(picture_bytes(0), "a"), "a")[0]
        assert project.image(image_id).captions == ()


def test_a_foreign_file_may_hold_anything_for_captions(project: Project, image_id: int) -> None:
    with project._database.write() as connection:
        connection.execute("UPDATE image SET captions = '[1, {}]'")
    assert project.image(image_id).captions == ()


def test_marking_a_given_caption_absent_lasts(
    project: Project, image_id: int, fake_locator: Locator
) -> None:
    project.give_captions({image_id: ["kite"]})
    project.apply(image_id, [Add((1, 1, 9, 9)), Absent("kite")], who="ann", version=0)
    prelabel(project, fake_locator, Question(given=True))
    assert [(one.caption, one.found) for one in project.asked(image_id)] == [("kite", False)]


def test_what_a_done_picture_lacks_is_suspicious(project: Project, image_id: int) -> None:
    project.give_captions({image_id: ["kite", "kite", "drone", "glider"]})
    edits = [Add((1, 1, 9, 9), caption="kite"), Absent("drone")]
    project.apply(image_id, edits, who="ann", version=0)
    assert find_suspicions(project) == [], "it is not done"
    project.apply(image_id, [], who="ann", version=1, state="done")
    lacks = [(one.kind, one.what.split("'")[1]) for one in find_suspicions(project)]
    assert sorted(lacks) == [("no-box", "glider"), ("no-box", "kite")]


def test_captions_alone_are_summed_up() -> None:
    assert Imported(captioned=1).plus(Imported()).sentence() == "Captions of 1 picture taken in."
