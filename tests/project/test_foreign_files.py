"""A project's file that comes from anybody: what it says leads nowhere else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import DataError
from pipeline.config import LocateConfig
from project.adopting import adopt
from project.copying import copy_project
from project.export import export_crops, to_dataset
from project.learning import can_go_back, go_back, lost_models, project_config, used_run
from project.measuring import asked_words
from project.merge import merge
from project.store import DATABASE_NAME, Project
from project.types import Add

VIEW = (
    "ALTER TABLE image RENAME TO image_kept",
    "CREATE VIEW image AS SELECT id, name, CASE WHEN random() > 0 THEN sha256 ELSE '../x' END "
    "AS sha256, suffix FROM image_kept",
)
TRIGGER = (
    "CREATE TRIGGER more AFTER INSERT ON edit BEGIN UPDATE image SET suffix = '/../../x'; END",
)


@pytest.fixture
def other(tmp_path: Path, make_picture: Callable[..., object]) -> Path:
    """A project of one picture, closed."""
    folder = tmp_path / "other"
    with Project.create(folder, "Other") as made:
        made.add(make_picture(0), "first")
    return folder


def _change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statements",
    [VIEW, TRIGGER, ("CREATE TABLE more (id)",), ("CREATE VIRTUAL TABLE words USING fts5(word)",)],
    ids=["view", "trigger", "table", "virtual table"],
)
def test_a_file_with_other_tables_is_refused(other: Path, statements: tuple[str, ...]) -> None:
    _change(other, *statements)
    with pytest.raises(DataError, match="are not those of a project"):
        Project.open(other)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sha256", "../../../secret"), ("sha256", "A" * 64), ("sha256", "0" * 63),
        ("suffix", "/../../../../secret.png"), ("suffix", ""), ("suffix", ".svg"),
    ],
)  # fmt: skip
def test_a_row_names_no_file_elsewhere(
    project: Project, other: Path, column: str, value: str
) -> None:
    _change(other, f"UPDATE image SET {column} = '{value}'")
    with Project.open(other) as foreign:
        image = foreign.images()[0]
        with pytest.raises(DataError, match="no file of a project"):
            foreign.path(image.id)
        assert foreign.problems() == ["the file of picture first is missing"]
        merged = merge(project, foreign)
    assert (merged.added, merged.failed) == (0, ("first",))
    assert project.count() == 0


@pytest.mark.parametrize(
    "place",
    ["{model}", "../model", "runs/../../model", "runs/x/../../../model", "runs", "runs/x/other"],
)
def test_a_setting_names_no_model_but_those_of_runs(
    project: Project, other: Path, tmp_path: Path, place: str
) -> None:
    for folder in (tmp_path, project.folder / "runs" / "x", project.folder / "runs"):
        for name in ("model", "other"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    place = place.format(model=tmp_path / "model")
    with Project.open(other) as foreign:
        foreign.set_setting("pipeline", {"detect": place, "rerank": place})
        foreign.set_setting("pipeline_earlier", [{"detect": place}])
        assert project_config(foreign) == LocateConfig()
        adopt(project, foreign)
    # Also where such a file lies in the folder of projects already.
    for shown in range(2):
        assert project_config(project) == LocateConfig()
        assert (used_run(project), lost_models(project)) == (None, [])
        assert can_go_back(project)
        assert go_back(project) == LocateConfig()
        if not shown:
            project.set_setting("pipeline", {"detect": place, "rerank": place})
            project.set_setting("pipeline_earlier", [{"detect": place}])


@pytest.mark.parametrize(
    "text", ["[1]", '"x"', "7", "null", "{", "[" * 100_000, '{"nonsense": "."}', '{"detect": [1]}']
)
def test_settings_of_another_form_are_none(project: Project, other: Path, text: str) -> None:
    keys = ("pipeline", "pipeline_earlier", "vocabulary", "captions", "cut", "name", "unknown")
    _change(other, *(f"INSERT OR REPLACE INTO setting VALUES ('{k}', '{text}')" for k in keys))
    with Project.open(other) as foreign:
        adopt(project, foreign)
        for one in (foreign, project):
            assert project_config(one) == LocateConfig()
            assert (used_run(one), lost_models(one), asked_words(one)) == (None, [], None)
    assert project.name == "Flying things"
    assert project.setting("unknown") is None
    assert project.setting("cut", {}) == {}


def test_a_crop_is_written_into_no_other_folder(
    other: Path, tmp_path: Path, make_picture: Callable[..., object]
) -> None:
    with Project.open(other) as foreign:
        foreign.apply(1, [Add((1, 1, 9, 9), caption="kite")], who="ann", version=0, state="done")
    _change(other, "UPDATE image SET name = '../../elsewhere/first'")
    out = tmp_path / "out" / "crops"
    with Project.open(other) as foreign:
        assert export_crops(foreign, out) == 1
    assert not (tmp_path / "out" / "elsewhere").exists()
    assert [path.name for path in (out / "crops").iterdir()] == ["first-1.png"]


def test_a_split_that_no_data_set_has_is_none(project: Project, other: Path) -> None:
    _change(other, "UPDATE image SET split = 'holdout'")
    with Project.open(other) as theirs:
        adopt(project, theirs)
    [image] = project.images()
    assert image.split == ""
    assert len(to_dataset(project, what="all")) == 1


def test_a_split_that_was_kept_in_other_words_is_read_as_what_it_says(
    project: Project, other: Path
) -> None:
    """Also where pictures are merged, and in the project itself."""
    _change(other, "UPDATE image SET split = 'validation'")
    with Project.open(other) as theirs:
        assert [image.split for image in theirs.images()] == ["val"]
        merge(project, theirs)
    assert [image.split for image in project.images()] == ["val"]
    assert len(to_dataset(project, what="all")) == 1


def test_settings_that_are_of_their_form_come_along(project: Project, other: Path) -> None:
    kept = {
        "captions": ["red drone"],
        "vocabulary": {"types": ["drone"], "colors": ["red"]},
        "cut": {"context_ratio": 0.2, "shape": "box"},
        "pipeline": {"detect": "runs/20260101-120000/model"},
        "pipeline_earlier": [{}],
    }
    with Project.open(other) as foreign:
        for key, value in kept.items():
            foreign.set_setting(key, value)
        adopt(project, foreign)
    assert {key: project.setting(key) for key in kept} == kept
    assert lost_models(project) == ["runs/20260101-120000/model"], "told, as runs are in no copy"


def test_a_file_that_sqlite_tended_is_ours(other: Path) -> None:
    _change(other, "ANALYZE", "VACUUM")
    with Project.open(other) as opened:
        assert opened.count() == 1


def test_a_copy_has_the_files_of_removed_images_too(
    project: Project, image_id: int, tmp_path: Path, make_picture: Callable[..., object]
) -> None:
    project.add(make_picture(1), "second")
    project.remove_images([image_id])
    shown = []
    copy_project(project, tmp_path / "copy", on_progress=lambda *told: shown.append(told))
    assert [one[:2] for one in shown] == [(1, 2), (2, 2)]
    with Project.open(tmp_path / "copy") as copy:
        assert copy.problems() == []
        assert [image.name for image in copy.removed()] == ["first"]
        copy.restore_images([image_id])
        assert copy.path(image_id).read_bytes() == project.files()[0][1].read_bytes()
