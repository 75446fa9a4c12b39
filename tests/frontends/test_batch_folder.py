"""Batch over a folder: which pictures are asked, where drawings go, what the command line says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as PilImage

from core.image import READABLE, read_image
from dataset.data_file import read_data
from frontends.batch import run_batch
from frontends.cli import main
from frontends.data import folder_data
from tests.frontends.batching import rows, three_pictures


@pytest.fixture
def data(tmp_path: Path, shapes_path: Path) -> Path:
    return three_pictures(tmp_path, shapes_path)


def test_a_folder_is_asked_the_same_captions(data, tmp_path, capsys):
    photos, output = tmp_path / "photos", tmp_path / "pred.jsonl"
    (photos / "more").mkdir(parents=True)
    (photos / ".thumbnails").mkdir()
    for name in ("b.png", "a.PNG", "more/c.png", ".hidden.png", ".thumbnails/a.png"):
        (photos / name).write_bytes((tmp_path / "a.png").read_bytes())
    (photos / "notes.txt").write_text("no picture")
    arguments = ["batch", str(photos), "--output", str(output), "--preset", "fake"]
    captions = ["--caption", "red thing", "--caption", "green thing"]
    drawn = tmp_path / "drawn"
    assert main([*arguments, *captions, "--save", str(drawn)]) == 0
    answers = rows(output)
    assert [row["image"] for row in answers] == ["a.PNG", "b.png", "more/c.png"]
    assert [r["caption"] for r in answers[0]["results"]] == ["red thing", "green thing"]
    files = sorted(p.relative_to(drawn).as_posix() for p in drawn.rglob("*.*"))
    assert files == ["a.PNG", "b.png", "more/c.png"]
    before, after = (read_image(folder / "more" / "c.png") for folder in (photos, drawn))
    assert before.shape == after.shape
    assert (before != after).any()
    assert main([*arguments, *captions]) == 0
    assert "0 pictures done, 3 kept from before." in capsys.readouterr().err


def test_links_in_a_folder_are_followed_and_broken_ones_recorded(data, tmp_path, capsys):
    photos, output = tmp_path / "photos", tmp_path / "pred.jsonl"
    (photos / "day").mkdir(parents=True)
    for name, target in (
        ("day/sea.png", "a.png"), ("gone.png", "never.png"), ("loop.png", "photos/loop.png"),
    ):  # fmt: skip
        (photos / name).symlink_to(tmp_path / target)
    arguments = ["batch", str(photos), "--caption", "red thing", "--output", str(output),
                 "--preset", "fake", "--save"]  # fmt: skip
    assert main([*arguments, str(tmp_path / "drawn")]) == 1
    assert "1 picture done, 0 kept from before; 2 failed" in capsys.readouterr().err
    good, bad, circle = rows(output)
    assert good["image"] == "day/sea.png"
    assert good["results"][0]["found"]
    assert bad["image"] == "gone.png"
    assert "No such file" in bad["error"]
    assert "symbolic links" in circle["error"]
    assert (tmp_path / "drawn" / "day" / "sea.png").is_file()
    (tmp_path / "store").mkdir()
    store = (tmp_path / "a.png").rename(tmp_path / "store" / "sea.png")
    (photos / "sea.png").symlink_to(store)
    with pytest.raises(SystemExit, match="2"):
        main([*arguments, str(tmp_path / "store")])
    assert "could replace yours" in capsys.readouterr().err


def test_drawings_stay_in_their_folder(fake_locator, data, tmp_path):
    photos, drawn = tmp_path / "photos", tmp_path / "drawn"
    photos.mkdir()
    (photos / "a.png").write_bytes((tmp_path / "a.png").read_bytes())
    before = (photos / "a.png").read_bytes()
    data.write_text('{"image": "../photos/a.png", "captions": ["red thing"]}')
    run_batch(
        fake_locator,
        lines=read_data(data),
        images=photos,
        output=tmp_path / "pred.jsonl",
        drawings=drawn,
        show_progress=False,
    )
    assert (photos / "a.png").read_bytes() == before
    assert (drawn / "a.png").exists()


def test_other_formats_are_drawn_as_png(fake_locator, data, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    PilImage.open(tmp_path / "a.png").save(photos / "a.bmp")
    run_batch(
        fake_locator,
        lines=folder_data(photos, ["red thing"])[0],
        images=photos,
        output=tmp_path / "pred.jsonl",
        drawings=tmp_path / "drawn",
        show_progress=False,
    )
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["a.bmp.png"]


def test_the_pictures_of_a_data_file_lie_beside_it_unless_told(data, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path.parent)
    output = tmp_path / "pred.jsonl"
    main(["batch", str(data), "--output", str(output), "--preset", "fake"])
    beside = data.parent
    assert any((beside / json.loads(line)["image"]).is_file() for line in output.open())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["."], "Say what to look for: --caption"),
        ([".", "--caption", "x", "--images", "."], "--images belongs to a data file"),
        ([".", "--caption", "x", "--save", "drawn"], "could replace yours"),
        (["empty", "--caption", "x"], "holds no picture"),
        (["data.jsonl", "--images", ".", "--caption", "x"], "--caption belongs to a folder"),
        (["a.png", "--caption", "x"], "python app.py locate a.png --caption TEXT"),
    ],
)
def test_what_does_not_fit_together_is_said(arguments, message, data, monkeypatch, capsys):
    monkeypatch.chdir(data.parent)
    (data.parent / "empty").mkdir()
    with pytest.raises(SystemExit, match="2"):
        main(["batch", *arguments, "--output", "pred.jsonl", "--preset", "fake"])
    assert message in capsys.readouterr().err
    assert not (data.parent / "drawn").exists()


def test_every_picture_of_a_folder_is_asked_and_what_is_none_is_named(data, tmp_path, capsys):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for ending in READABLE:
        PilImage.open(tmp_path / "a.png").convert("RGB").save(folder / f"a{ending}")
    for name in ("b.heic", "notes.txt"):
        (folder / name).write_text("no picture")
    output = tmp_path / "pred.jsonl"
    arguments = ["--caption", "red thing", "--output", str(output), "--preset", "fake"]
    assert main(["batch", str(folder), *arguments]) == 0
    assert sorted(row["image"] for row in rows(output)) == sorted(f"a{end}" for end in READABLE)
    assert "No pictures, left out: b.heic, notes.txt." in capsys.readouterr().err
