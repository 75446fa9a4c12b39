"""Projects from the command line: from an empty folder to data sets, tables and cutouts."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.image import encode_image
from core.types import Image
from dataset.registry import read_dataset
from frontends.cli import main
from frontends.service import Service
from project import prelabel
from project.listing import Filter
from project.proposals import Proposal
from project.store import Project
from project.types import Accept, Add

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(service: Service, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`run("import", "more")`: exit code, stdout and stderr of a command on the project."""

    def call(kind: str, *arguments: object, folder: Path | None = None) -> tuple[int, str, str]:
        place = folder or tmp_path / "project"
        try:
            code = main(["project", kind, str(place), *map(str, arguments)], service=service)
        except SystemExit as ended:
            code = int(ended.code)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def pictures(tmp_path: Path, shapes_image: Image) -> Path:
    """A folder with a picture and a damaged one."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "shapes.png").write_bytes(encode_image(shapes_image))
    (pictures / "broken.jpg").write_bytes(b"nothing")
    return pictures


@pytest.fixture
def created(run: Run, pictures: Path) -> Run:
    """An empty project."""
    assert run("create", "--name", "Flying", "--class", "object", "--class", "drone")[0] == 0
    return run


@pytest.fixture
def labelled(created: Run, pictures: Path) -> Run:
    """A project with one pre-labelled picture."""
    run = created
    code, out, err = run("import", pictures, "--source", "mine")
    assert (code, out) == (1, "1 picture added, 1 could not be used.\n")
    assert "broken.jpg" in err
    arguments = ("--preset", "fake", "--caption", "red thing", "--caption", "green thing")
    code, out, _ = run("prelabel", *arguments)
    assert (code, out) == (
        0, "1 picture looked at, 1 box to decide.\n",
    )  # fmt: skip
    return run


def test_from_proposals_to_a_data_set(labelled: Run, tmp_path: Path) -> None:
    code, out, _ = labelled("queue", "--json")
    told = json.loads(out)
    assert (code, told["images"][0]["name"], told["images"][0]["proposed"]) == (0, "shapes", 1)
    code, _, err = labelled("export", "--out", tmp_path / "early")
    assert (code, "no picture of the project is done" in err) == (2, True)
    assert "project mark" in err
    assert "--all" in err
    told = "1 picture (1 train, none val)"
    unseen = "Proposals of a model among them, confirmed by nobody: 1 box."
    code, text, _ = labelled("export", "--all", "--out", tmp_path / "all")
    assert (code, text) == (0, f"{tmp_path / 'all'}: {told}, 1 box. {unseen}\n")
    assert unseen in (tmp_path / "all" / "README.md").read_text(encoding="utf-8")
    assert labelled("mark", "--all", "--accept-above", "0.5", "--who", "ann")[0] == 0
    assert labelled("queue")[1].splitlines()[-1] == "1 of 1 pictures done."
    for format in ("yolo", "coco"):
        out = tmp_path / format
        code, text, _ = labelled("export", "--format", format, "--out", out)
        assert (code, text) == (0, f"{out}: {told}, 1 box.\n")
        [record] = read_dataset(out, format)
        assert record.xyxy.round(2).tolist() == [[20, 10, 60, 40]]
        assert record.captions == ("red thing",)
        assert (out / "README.md").is_file()
    assert labelled("export", "--format", "csv", "--out", tmp_path / "boxes.csv")[0] == 0
    assert (tmp_path / "boxes.csv").read_text(encoding="utf-8").count("\n") == 2
    code, text, _ = labelled("export", "--format", "cutouts", "--out", tmp_path / "cutouts")
    assert (code, "1 cutouts added" in text) == (0, True)
    assert labelled("export", "--format", "crops", "--out", tmp_path / "crops")[0] == 0


def test_low_scores_are_refused(labelled: Run, tmp_path: Path) -> None:
    _, text, _ = labelled("mark", "shapes", "--accept-above", "1")
    assert text == "1 picture is now done. 0 proposals accepted, 1 refused.\n"
    with Project.open(tmp_path / "project") as project:
        [box] = project.boxes(project.images()[0].id)
        assert (box.state, project.images()[0].state) == ("rejected", "done")


def test_no_picture_is_done_with_boxes_that_nobody_decided(labelled: Run, tmp_path: Path) -> None:
    code, _, err = labelled("mark", "--all")
    assert (code, "nobody decided the proposals in shapes." in err) == (2, True)
    assert "--accept-above 0 accepts all" in err
    assert labelled("mark", "shapes", "--state", "skipped")[0] == 0
    assert labelled("mark", "shapes")[0] == 2
    assert labelled("mark", "shapes", "--accept-above", "0")[0] == 0
    with Project.open(tmp_path / "project") as project:
        image = project.images()[0]
        assert (image.state, image.proposed, image.confirmed) == ("done", 0, 1)
    assert labelled("mark", "shapes")[0] == 0, "there is nothing left to decide"


def test_boxes_that_no_detector_scored_are_accepted(labelled: Run, tmp_path: Path) -> None:
    with Project.open(tmp_path / "project") as project:
        image = project.images()[0]
        drawn = Proposal((1, 1, 9, 9), caption="red drone")
        assert project.propose_more(image.id, [drawn], source="model:Bob's") == 1
    assert labelled("mark", "--all", "--accept-above", "1")[0] == 0
    with Project.open(tmp_path / "project") as project:
        states = {box.caption: box.state for box in project.boxes(image.id)}
    assert states == {"red thing": "rejected", "red drone": "confirmed"}


def test_an_interrupt_says_how_many_pictures_are_done(
    labelled: Run, tmp_path: Path, shapes_image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more.png").write_bytes(encode_image(shapes_image[::-1].copy()))
    labelled("import", tmp_path / "more.png")
    question = ("prelabel", "--preset", "fake", "--caption", "blue thing")
    looked: list[object] = []

    def stop_at_the_second(*given: object) -> object:
        looked.append(given)
        if len(looked) == 2:
            raise KeyboardInterrupt
        return look(*given)

    with monkeypatch.context() as patched:
        look = prelabel._look
        patched.setattr(prelabel, "_look", stop_at_the_second)
        code, _, err = labelled(*question)
    told = "interrupted. 1 of 2 pictures done. The same command goes on from there.\n"
    assert (code, err.endswith(told)) == (130, True)
    assert "1 picture looked at" in labelled(*question)[1]


def test_a_vocabulary_from_a_file(labelled: Run, tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text('types = ["box"]\ncolors = ["red", "blue"]\n')
    code, _, _ = labelled("prelabel", "--preset", "fake", "--vocabulary", tmp_path / "words.toml")
    assert code == 0
    with Project.open(tmp_path / "project") as project:
        captions = [box.caption for box in project.boxes(project.images()[0].id)]
    assert sorted(caption.split()[0] for caption in captions) == ["blue", "red"]


def test_check_and_agreement(labelled: Run, tmp_path: Path) -> None:
    labelled("mark", "--all", "--accept-above", "0")
    other = tmp_path / "other"
    assert labelled("create", folder=other)[0] == 0
    assert labelled("merge", tmp_path / "project", folder=other)[1].startswith("1 picture added")
    with Project.open(other) as project:
        image = project.images()[0]
        edits = [Accept(box.id) for box in project.boxes(image.id)]
        project.apply(image.id, edits, who="bob", version=image.version, state="done")
    code, out, _ = labelled("check", "--against", other)
    assert code == 0
    assert "agreement on 1 pictures: F1 1.000, mean IoU 1.000" in out
    told = json.loads(labelled("check", "--json", "--against", other)[1])
    assert (told["problems"], told["agreement"]["matched"]) == ([], 1)
    with Project.open(tmp_path / "project") as project:
        project.path(project.images()[0].id).unlink()
    code, out, _ = labelled("check")
    assert (code, "the file of picture shapes is missing" in out) == (1, True)


def test_a_name_of_a_project_of_the_page_is_no_folder_but_told_where_it_is(
    created: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("SPOTTER_PROJECTS", str(tmp_path))
    for kind in ("delete", "queue", "check"):
        code, _, err = created(kind, folder=Path("project"))
        assert (code, "project holds no project" in err) == (2, True)
        assert f"give {tmp_path / 'project'}" in err
    assert "give /" not in created("delete", folder=Path("other"))[2]
    assert created("delete", folder=tmp_path / "project")[0] == 0


def test_check_says_which_box_and_the_queue_stands_in_columns(
    labelled: Run, tmp_path: Path, shapes_image: Image
) -> None:
    (tmp_path / "a-rather-long-name.png").write_bytes(encode_image(shapes_image[:60].copy()))
    labelled("import", tmp_path / "a-rather-long-name.png")
    head, *rows = labelled("queue")[1].splitlines()[:3]
    column = head.index("why")
    assert {row[column - 2 : column] for row in rows} == {"  "}
    assert all(row[column] not in " " for row in rows), "why is never empty"
    labelled("mark", "shapes", "--accept-above", "0")
    with Project.open(tmp_path / "project") as project:
        image = project.images(wished=Filter(text="shapes"))[0]
        edits = [Add((0, y, 20, y + 20), class_name="drone", caption="") for y in (10, 60)]
        project.apply(image.id, edits, who="ann", version=image.version, state="done")
    told = [line for line in labelled("check")[1].splitlines() if "left edge" in line]
    assert len(set(told)) == 2, "two boxes, two lines"
    assert any(line.endswith(" Box: 0, 60, 20 x 20.") for line in told)


def test_captions_come_after_their_pictures(created: Run, pictures: Path, tmp_path: Path) -> None:
    (table := tmp_path / "captions.CSV").write_text("image,caption\nshapes.png,kite\n")
    code, out, err = created("import", table, pictures / "shapes.png")
    assert (code, out, err) == (0, "1 picture added, 1 with captions to look for.\n", "")


def test_imported_captions_are_measured(labelled: Run, tmp_path: Path) -> None:
    labelled("mark", "--all", "--accept-above", "0")
    assert labelled("export", "--format", "coco", "--out", tmp_path / "coco")[0] == 0
    other = tmp_path / "other"
    labelled("create", folder=other)
    labelled("import", tmp_path / "coco", folder=other)
    assert "1 caption no model has seen yet" in labelled("check", folder=other)[1]
    assert labelled("measure", "--preset", "fake", folder=other)[1] == "1 box measured.\n"
    assert json.loads(labelled("check", "--json", folder=other)[1])["unmeasured"] == 0


def test_rename(labelled: Run) -> None:
    assert "is now 'Second try'" in labelled("rename", " Second  try ")[1]
    for name, why in ((" ", "no name"), ("x" * 81, "the limit is 80")):
        code, _, err = labelled("rename", name)
        assert (code, why in err) == (2, True)


def test_classes_are_counted_renamed_and_made_one(labelled: Run) -> None:
    counts = "0  object: 0 confirmed, 1 proposed\n1  drone: 0 confirmed, 0 proposed\n"
    assert labelled("classes")[1] == counts
    code, _, err = labelled("classes", "--rename", "object", "drone")
    assert (code, "Add --merge" in err) == (2, True)
    merged = labelled("classes", "--rename", "object", "drone", "--merge")[1]
    assert merged == "0  drone: 0 confirmed, 1 proposed\n"
    assert "bright thing: 0" in labelled("classes", "--rename", "drone", "bright thing")[1]
    code, _, err = labelled("classes", "--merge")
    assert (code, "Add --rename" in err) == (2, True)
    code, _, err = labelled("classes", "--rename", "absent", "other")
    assert (code, "no class 'absent'" in err) == (2, True)


def test_delete_and_restore(labelled: Run, tmp_path: Path) -> None:
    out = labelled("delete")[1]
    place = Path(out.splitlines()[0].removeprefix("moved to ").split(";")[0])
    assert not (tmp_path / "project").exists()
    assert labelled("queue")[0] == 2
    assert labelled("restore", folder=place)[0] == 0
    assert labelled("queue")[0] == 0


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("create", (), "holds a project already"),
        ("import", ("absent",), "does not exist"),
        ("import", ("pictures", "--format", "tf"), "unknown format"),
        ("import", ("pictures", "--format", "image"), "Did you mean 'images'?"),
        ("export", (), "either --out or --push"),
        ("export", ("--push", "me/x"), "needs --token-file"),
        ("mark", (), "name pictures"),
        ("mark", ("absent",), "no picture 'absent'"),
        ("train", ("--use", "20200101-000000"), "there is no run"),
        ("train", ("--back",), "models it began with"),
        ("train", ("--stop", "../x"), "no name of a run"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_a_sentence(
    created: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str,
    arguments: tuple[str, ...], words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, _, err = created(kind, *arguments)
    assert code == 2
    assert words in err


def test_images_are_removed_and_brought_back(labelled: Run) -> None:
    code, _, err = labelled("images", "--remove", "shapes", "--restore", "nothing")
    assert (code, "no removed picture 'nothing'" in err) == (2, True)
    assert labelled("images")[1] == "0 pictures are removed.\n", "a wrong name changes nothing"
    assert labelled("images", "--remove", "shapes")[1] == "1 picture removed, 0 brought back.\n"
    assert labelled("images")[1].splitlines()[-1] == "1 picture is removed."
    assert json.loads(labelled("queue", "--json")[1])["images"] == []
    assert "no picture 'shapes'" in labelled("images", "--remove", "shapes")[2]
    assert labelled("images", "--restore", "shapes")[0] == 0
    [image] = json.loads(labelled("queue", "--json")[1])["images"]
    assert (image["name"], image["proposed"]) == ("shapes", 1)


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        (("--text", "red th"), 1), (("--text", "kite"), 0), (("--class", "object"), 1),
        (("--class", "drone"), 0), (("--score-max", "0.01"), 0), (("--score-max", "1"), 1),
        (("--state", "new"), 0), (("--boxes", "proposed"), 1), (("--boxes", "rejected"), 0),
    ],
)  # fmt: skip
def test_the_queue_is_narrowed(labelled: Run, wish: tuple[str, ...], count: int) -> None:
    assert len(json.loads(labelled("queue", "--json", *wish)[1])["images"]) == count


def test_the_queue_lists_what_waits_and_says_how_much_it_leaves_out(
    labelled: Run, tmp_path: Path, shapes_image: Image
) -> None:
    assert labelled("queue", "--state", "done")[1].startswith("No such picture.\n")
    for number in range(2):
        picture = shapes_image.copy()
        picture[:, : 9 * number + 9] = 40
        (tmp_path / f"{number}.png").write_bytes(encode_image(picture))
        labelled("import", tmp_path / f"{number}.png")
    _, *listed, more, progress = labelled("queue", "--limit", "2")[1].splitlines()
    assert (len(listed), more) == (2, "2 of 3, more with --limit.")
    assert progress == "0 of 3 pictures done."
    assert json.loads(labelled("queue", "--limit", "2", "--json")[1])["count"] == 3
    labelled("mark", "shapes", "0", "--accept-above", "0")
    assert len(labelled("queue")[1].splitlines()) == 3, "what is done waits no more"
    nothing = "Nothing like that waits. 1 settled picture: --state all.\n"
    assert labelled("queue", "--text", "shapes")[1].startswith(nothing)
    labelled("mark", "1", "--state", "skipped")
    told = "Nothing waits. 1 picture put off: --state skipped.\n2 of 3 pictures done."
    assert labelled("queue")[1].startswith(told)
    assert len(labelled("queue", "--state", "all")[1].splitlines()) == 5
    labelled("mark", "1")
    assert labelled("queue")[1].startswith("Nothing waits.\n3 of 3 pictures done")


def test_prelabel_says_why_nothing_was_looked_at(created: Run, pictures: Path) -> None:
    question = ("prelabel", "--preset", "fake", "--caption", "red thing")
    assert "The project has no picture yet" in created(*question)[1]
    created("import", pictures)
    created("mark", "shapes")
    told = "0 pictures looked at, 0 boxes to decide. All pictures are done, and such are left alone"
    assert told in created(*question)[1]
    created("mark", "shapes", "--state", "new")
    assert created(*question)[1] == "1 picture looked at, 1 box to decide.\n"


def test_what_lacks_a_box_is_listed_though_it_is_done(created: Run, pictures: Path) -> None:
    assert "no picture yet: project import" in created("queue")[1]
    (pictures / "captions.csv").write_text("image,caption\nshapes.png,kite\n")
    created("import", pictures)
    created("mark", "shapes")
    assert len(json.loads(created("queue", "--lacking", "--json")[1])["images"]) == 1
    assert json.loads(created("queue", "--json")[1])["images"] == []


def test_a_deleted_project_is_purged(labelled: Run, tmp_path: Path) -> None:
    assert labelled("purge")[0] == 2, "only a deleted one"
    assert labelled("delete")[0] == 0
    [place] = (tmp_path / ".deleted").iterdir()
    assert labelled("purge", folder=place)[0] == 0
    assert not place.exists()


def test_a_deleted_project_is_purged_by_where_it_was(labelled: Run, tmp_path: Path) -> None:
    assert labelled("delete")[0] == 0
    assert labelled("create")[0] == 0
    assert labelled("delete")[0] == 0
    code, _, err = labelled("purge")
    assert (code, "2 deleted projects were at" in err) == (2, True), "one of two is not guessed"
    places = sorted((tmp_path / ".deleted").iterdir())
    assert labelled("purge", folder=places[0])[0] == 0
    code, out, _ = labelled("purge")
    assert (code, out) == (0, f"{places[1]} is gone for good.\n")
    assert not places[1].exists()


def test_training_without_its_packages_begins_no_run(
    created: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.packages.find_spec", lambda name: None)
    code, _, err = created("train", "--minutes", "1")
    assert (code, "training needs torch and ultralytics. pip install -r" in err) == (2, True)
    assert created("train", "--status", "--json")[1] == "", "no failed run is left"


def test_images_are_named_by_their_files_too(
    labelled: Run, tmp_path: Path, shapes_image: Image
) -> None:
    (tmp_path / "more").mkdir()
    for number, name in enumerate(("a.jpg", "a.png", "b.png", "other/b.png")):
        place = tmp_path / "more" / name
        place.parent.mkdir(exist_ok=True)
        picture = shapes_image.copy()
        picture[:, : 10 * number + 10] = 40 * number
        place.write_bytes(encode_image(picture, format="jpeg" if name == "a.jpg" else "png"))
    assert labelled("import", tmp_path / "more")[0] == 0
    assert labelled("images", "--remove", "a.png")[1] == "1 picture removed, 0 brought back.\n"
    assert labelled("images")[1].startswith("a-2 "), "the other of the two"
    assert labelled("images", "--restore", "a.PNG")[0] == 0
    assert labelled("mark", "a.jpeg", "--state", "skipped")[1] == "1 picture is now skipped.\n"
    code, _, err = labelled("images", "--remove", "b.png")
    assert (code, "may be any of: b, b-2" in err) == (2, True)
    assert labelled("images")[1] == "0 pictures are removed.\n"
    code, _, err = labelled("mark", "absent.png", "--state", "skipped")
    assert (code, "no picture 'absent.png'" in err) == (2, True)
    assert labelled("export", "--format", "csv", "--all", "--out", tmp_path / "t.csv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert {row["image"]: row["file"] for row in rows}["a-2"] == "a-2.png"


def test_a_project_where_the_page_does_not_look_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTTER_PROJECTS", str(tmp_path))
    assert run("create") == (0, f"{tmp_path / 'project'}: project 'project', object\n", "")
    monkeypatch.setenv("SPOTTER_PROJECTS", str(tmp_path / "shown"))
    told = run("create", folder=tmp_path / "other")[2]
    assert f"lists those in {tmp_path / 'shown'}." in told
    assert f"SPOTTER_PROJECTS='{tmp_path}'" in told


def test_files_that_are_no_pictures_are_told_without_a_warning(
    created: Run, pictures: Path
) -> None:
    (pictures / "broken.jpg").unlink()
    for name in ("README.md", "told.json"):
        (pictures / name).write_text("{}")
    code, out, err = created("import", pictures, "--format", "images")
    assert (code, out) == (0, "1 picture added.\n")
    assert "README.md, told.json: no pictures, left out.\n" in err
    assert "warning" not in err


def test_nothing_is_told_as_nothing(labelled: Run, pictures: Path) -> None:
    assert labelled("train", "--status")[1] == "Nothing was trained yet.\n"
    assert labelled("queue")[1].split()[:4] == ["doubt", "state", "picture", "boxes"]
    (pictures / "notes.md").write_text("no picture")
    told = labelled("import", pictures / "notes.md")[2]
    assert "error: notes.md is not an image" in told
    measure = ("measure", "--preset", "fake")
    labelled(*measure)
    assert "0 boxes measured. Only boxes with a caption that no model" in labelled(*measure)[1]
