"""Captions that come with pictures: taken in, kept, and looked for in their own pictures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, DataError
from core.image import encode_image
from pipeline.locate import Locator
from project.database import Database
from project.imported import Imported
from project.intake import import_path
from project.listing import Filter
from project.merge import merge
from project.pictures import read_picture
from project.prelabel import Question, prelabel
from project.quality import find_suspicions
from project.rows import CAPTIONS_MAX
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


def test_pictures_alone_are_wished_for(project: Project, folder: Path) -> None:
    (folder / "told.csv").write_text("image,caption\na.png,drone\n")
    import_path(project, folder, format="images")
    assert project.count_given() == 0


def test_a_bare_name_that_means_several_pictures_gives_none_of_them_captions(
    project: Project, folder: Path, tmp_path: Path
) -> None:
    table = "image,caption\ntrain/a.png,of train\nval/a.png,of val\nb.png,kite\n"
    (folder / "told.csv").write_text(table)
    came = import_path(project, folder)
    assert captions_of(project) == {"a": (), "b": ("kite",), "c": ()}
    assert [one.kind for one in came.findings] == ["unknown-picture"] * 2
    (tmp_path / "told.csv").write_text(table)
    assert len(import_path(project, tmp_path / "told.csv").findings) == 2
    assert captions_of(project)["a"] == ()


def test_what_was_given_before_stays_unless_a_file_comes_alone(
    project: Project, folder: Path, tmp_path: Path
) -> None:
    (folder / "told.csv").write_text("image,caption\na.png,drone\nb.png,kite\n")
    import_path(project, folder)
    (folder / "told.csv").write_text("image,caption\na.png,glider\nb.png,\n")
    again = import_path(project, folder)
    assert captions_of(project) == {"a": ("drone",), "b": ("kite",), "c": ()}
    assert (again.captioned, [one.kind for one in again.findings]) == (0, ["captions-kept"])
    (tmp_path / "told.csv").write_text("image,caption\na.png,glider\nb.png,\n")
    came = import_path(project, tmp_path / "told.csv")
    assert captions_of(project) == {"a": ("glider",), "b": ("kite",), "c": ()}
    assert [one.kind for one in came.findings] == ["captions-replaced"]
    assert came.sentence() == "Captions of 1 picture taken in."


def test_a_picture_has_so_many_captions_and_no_more(
    project: Project, folder: Path, tmp_path: Path
) -> None:
    import_path(project, folder)
    rows = "".join(f"a.png,kite {number}\n" for number in range(100_000))
    (tmp_path / "told.csv").write_text("image,caption\n" + rows)
    start = time.perf_counter()
    came = import_path(project, tmp_path / "told.csv")
    assert time.perf_counter() - start < 8
    assert len(captions_of(project)["a"]) == CAPTIONS_MAX
    assert [one.kind for one in came.findings] == ["many-captions"]


def test_taking_captions_in_can_be_stopped(project: Project, folder: Path, tmp_path: Path) -> None:
    import_path(project, folder)
    (tmp_path / "told.csv").write_text("image,caption\na.png,kite\n")

    def stop(done: int, total: int, what: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        import_path(project, tmp_path / "told.csv", on_progress=stop)
    assert project.count_given() == 0


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
    assert [finding.kind for finding in came.findings] == ["boxes-left-out", "unusable-caption"]
    again = import_path(project, told).sentence()
    assert again == "Captions of 0 pictures taken in, those of 2 were there already."


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
    assert {finding.kind for finding in came.findings} == {"missing-labels", "unlisted-picture"}


def test_the_same_in_two_files_is_said_once(project: Project, folder: Path) -> None:
    (folder / "told.csv").write_text("image,caption\na.png,kite\na.png,kite\n")
    line = {"image": "a.png", "captions": ["kite", "kite"]}
    (folder / "told.jsonl").write_text(json.dumps(line))
    import_path(project, folder)
    assert captions_of(project)["a"] == ("kite", "kite")


def test_many_unknown_names_are_told_as_a_number(project: Project, tmp_path: Path) -> None:
    rows = "".join(f"{number}.png,kite\n" for number in range(40))
    (tmp_path / "told.csv").write_text("image,caption\n" + rows)
    findings = import_path(project, tmp_path / "told.csv").findings
    assert (len(findings), findings[-1].what[:13]) == (6, "35 more lines")
    assert {one.advice for one in findings} == {"Bring the pictures first, then this file again."}


def test_a_table_beside_a_data_set_is_about_its_pictures(project: Project, folder: Path) -> None:
    line = {"image": "a.png", "annotations": [{"caption": "kite", "bbox": [1, 1, 9, 9]}]}
    (folder / "annotations.jsonl").write_text(json.dumps(line))
    (folder / "told.csv").write_text("image,caption\na.png,kite\na.png,drone\n")
    (folder / "figures.csv").write_text("epoch,loss\n1,2\n")
    came = import_path(project, folder)
    assert captions_of(project) == {"a": ("kite", "drone")}
    assert came.captioned == 1
    [beside] = came.findings
    assert (beside.kind, beside.level, beside.where) == ("unlisted-picture", "note", "b.png, c.png")


def test_each_picture_is_asked_its_own_captions(
    project: Project, fake_locator: Locator, shapes_image: np.ndarray
) -> None:
    told = project.add(read_picture(encode_image(shapes_image), "a"), "a")[0]
    untold = project.add(read_picture(encode_image(shapes_image[::-1].copy()), "b"), "b")[0]
    project.give_captions({told: ["blue thing", "green thing"]})
    question = Question(vocabulary=WORDS, given=True)
    summary = prelabel(project, fake_locator, question)
    assert summary.sentence() == "2 pictures looked at, 3 boxes to decide, 1 caption without a box."
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
        [image] = other.walk()
        other.give_captions({image.id: ["drone"]})
        merge(other, project)
        assert captions_of(other) == {"first": ("drone",)}, "nothing is overwritten"


def test_a_project_made_before_captions_were_kept_is_brought_up_to_date(tmp_path: Path) -> None:
    Database(tmp_path / DATABASE_NAME, create=True, migrations=MIGRATIONS[:2]).close()
    (tmp_path / "images").mkdir()
    with Project.open(tmp_path) as project:
        image_id = project.add(read_picture(picture_bytes(0), "a"), "a")[0]
        assert project.image(image_id).captions == ()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("[" * 100_000, ()),
        ('[1, {}, "kite"]', ("kite",)),
        ('["\\ud800 kite", "", "%s"]' % ("a" * 3000), ("? kite",)),
        ('{"kite": 1}', ()),
    ],
)
def test_a_foreign_file_may_hold_anything_for_captions(
    text: str, kept: tuple[str, ...], project: Project, image_id: int, tmp_path: Path
) -> None:
    with project._database.write() as connection:
        connection.execute("UPDATE image SET captions = ?", (text,))
    captions = project.image(image_id).captions
    assert captions == kept
    json.dumps(captions, ensure_ascii=False).encode()
    with Project.create(tmp_path / "other", "Other") as other:
        merge(other, project)
        assert captions_of(other) == {"first": kept}


def test_what_a_person_settled_is_not_looked_for_again(
    project: Project, fake_locator: Locator, shapes_image: np.ndarray
) -> None:
    image_id = project.add(read_picture(encode_image(shapes_image), "a"), "a")[0]
    project.give_captions({image_id: ["red thing", "blue thing"]})
    edits = [Absent("red thing"), Add((90, 40, 170, 99), caption="blue thing")]
    project.apply(image_id, edits, who="ann", version=0)
    summary = prelabel(project, fake_locator, Question(given=True))
    assert summary.sentence() == "1 picture looked at, 0 boxes to decide."
    assert [(one.caption, one.found) for one in project.asked(image_id)] == [("red thing", False)]


def test_captions_that_are_given_while_a_model_looks_are_looked_for(
    project: Project, fake_locator: Locator, shapes_image: np.ndarray
) -> None:
    image_id = project.add(read_picture(encode_image(shapes_image), "a"), "a")[0]
    project.give_captions({image_id: ["blue thing"]})
    observe = fake_locator.observe

    def late(*args: object, **told: object) -> object:
        project.give_captions({image_id: ["red thing"]})
        return observe(*args, **told)

    question = Question(given=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake_locator, "observe", late)
        prelabel(project, fake_locator, question)
    assert prelabel(project, fake_locator, question).done == 1
    assert [box.caption for box in project.boxes(image_id)] == ["red thing"]


def test_pictures_without_captions_are_asked_as_before(
    project: Project, fake_locator: Locator, image_id: int
) -> None:
    prelabel(project, fake_locator, Question(vocabulary=WORDS))
    assert prelabel(project, fake_locator, Question(vocabulary=WORDS, given=True)).done == 0


def test_what_a_done_picture_lacks_is_suspicious(project: Project, image_id: int) -> None:
    project.give_captions({image_id: ["kite", "kite", "drone", "glider"]})
    edits = [Add((1, 1, 9, 9), caption="kite"), Absent("drone")]
    project.apply(image_id, edits, who="ann", version=0)
    assert find_suspicions(project) == [], "it is not done"
    project.apply(image_id, [], who="ann", version=1, state="done")
    lacks = [(one.kind, one.what.split("'")[1]) for one in find_suspicions(project)]
    assert sorted(lacks) == [("no-box", "glider"), ("no-box", "kite")]


def test_images_that_lack_boxes_for_their_captions_are_listed(
    project: Project, make_picture: Callable[..., object]
) -> None:
    wished = Filter(lacking=True)
    first, second, _ = (project.add(make_picture(seed), f"p{seed}")[0] for seed in range(3))
    project.give_captions({first: ["kite", "kite", "drone"], second: ["drone"]})
    assert [number for number, _ in project.states(wished=wished)] == [first, second]
    edits = [Add((1, 1, 9, 9), caption="kite"), Absent("drone")]
    project.apply(first, edits, who="ann", version=0)
    project.apply(second, [Add((1, 1, 9, 9), caption="drone")], who="ann", version=0)
    assert [number for number, _ in project.states(wished=wished)] == [first], "one kite is left"
    project.apply(first, [Add((20, 1, 29, 9), caption="kite")], who="ann", version=1)
    assert project.count(wished=wished) == 0
    with project._database.write() as connection:
        connection.execute("UPDATE image SET captions = ?", ("[" * 5000,))
    assert project.count(wished=wished) == 0, "whatever a foreign file holds"


def test_captions_alone_are_summed_up() -> None:
    assert Imported(captioned=1).plus(Imported()).sentence() == "Captions of 1 picture taken in."
