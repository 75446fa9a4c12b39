"""Files that cannot be used: left out of previews and data sets alike, looked into once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import SMALL, make_job, write_library

import synth.materials
from core.errors import InputError
from core.image import write_image
from frontends.cli import main
from synth.generate import generate, library_for, preview, replay, usable_library
from synth.materials import check_materials


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two of eleven backgrounds are none: one first, one in the middle."""
    cutouts, backgrounds = write_library(tmp_path / "library")
    rng = np.random.default_rng(1)
    for number in range(6):
        picture = rng.integers(0, 256, (108, 192, 3), np.uint8)
        write_image(picture, backgrounds / f"noise_{number}.png")
    (backgrounds / "a_broken.jpg").write_bytes(b"no picture")
    write_image(np.zeros((48, 48, 3), np.uint8), backgrounds / "icon.png")
    return cutouts, backgrounds


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How large the files were that were looked into."""
    real, sizes = synth.materials.check_decodes, []

    def count(data: bytes) -> tuple[int, int]:
        sizes.append(len(data))
        return real(data)

    monkeypatch.setattr(synth.materials, "check_decodes", count)
    return sizes


def test_previews_show_what_is_made_where_files_are_unusable(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    job = make_job(folders, tmp_path / "out")
    made = generate(job)
    library, notes = usable_library(job.cutouts, job.backgrounds, job.config)
    assert [note.split(": ")[1].split(" ")[0] for note in notes] == ["a_broken.jpg", "icon.png"]
    assert set(notes) <= set(made.notes)
    shown = preview(library, job.config, job.seed, range(job.count), shares=job.shares)
    for index, scene in enumerate(shown):
        again = replay(tmp_path / "out", index, job.cutouts, job.backgrounds)
        np.testing.assert_array_equal(scene.image, again.image)
        assert scene.captions == again.captions


def test_where_all_files_are_usable_nothing_is_drawn_otherwise(tmp_path: Path) -> None:
    folders = write_library(tmp_path)
    given = library_for(folders[:1], folders[1:], SMALL)
    library, notes = usable_library(folders[:1], folders[1:], SMALL)
    assert notes == []
    assert (library.cutouts, library.backgrounds) == (given.cutouts, given.backgrounds)
    for one, two in zip(
        preview(given, SMALL, 3, range(6)), preview(library, SMALL, 3, range(6)), strict=True
    ):
        np.testing.assert_array_equal(one.image, two.image)


def test_the_command_names_what_it_leaves_out(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sheet.png"
    arguments = ["synth", "preview", "--out", str(out), "--count", "2", "--size", "96x54"]
    assert main([*arguments, "--cutouts", str(folders[0]), "--backgrounds", str(folders[1])]) == 0
    assert "note: unusable background skipped: a_broken.jpg (" in capsys.readouterr().err
    assert out.is_file()


def test_a_file_is_looked_into_once_whatever_it_is_called(
    folders: tuple[Path, Path], tmp_path: Path, decoded: list[int]
) -> None:
    library = library_for(folders[:1], folders[1:], SMALL)
    first = check_materials(library)
    assert len(decoded) == len(library.backgrounds)
    assert check_materials(library)[1:] == first[1:]
    linked = tmp_path / "chosen"
    linked.mkdir()
    for background in library.backgrounds:
        os.link(background.path, linked / background.path.name)
    chosen = check_materials(library_for(folders[:1], [linked], SMALL))
    assert (chosen[1], chosen[2]) == (first[1], first[2])
    assert len(decoded) == len(library.backgrounds)


def test_a_file_that_changed_is_looked_into_again(
    folders: tuple[Path, Path], decoded: list[int]
) -> None:
    library = library_for(folders[:1], folders[1:], SMALL)
    before = check_materials(library)[1]
    picture = library.backgrounds[1].path
    decoded.clear()
    write_image(np.full((70, 90, 3), 9, np.uint8), picture)
    assert check_materials(library)[1]["backgrounds"] != before["backgrounds"]
    assert decoded == [picture.stat().st_size]
    picture.unlink()
    assert picture.name in "".join(check_materials(library)[2]), "gone since it was listed"


def test_previews_of_nothing_usable_say_so(folders: tuple[Path, Path]) -> None:
    for path in folders[1].iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="no usable background is left"):
        usable_library(folders[:1], folders[1:], SMALL)
