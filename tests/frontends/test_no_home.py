"""Without a home folder that can be written the page opens, and the doctor tells what is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DataError
from frontends.cli import main
from frontends.doctor import examine, readiness
from frontends.service import Service
from pipeline.config import load_config
from project.learning import start_run
from project.store import Project


@pytest.fixture
def closed_home(monkeypatch, tmp_path):
    """A home folder that cannot be made: a file lies where it would be."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))


@pytest.fixture
def empty_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_page_says_which_presets_are_here(closed_home):
    pytest.importorskip("gradio")
    from frontends.ui.locate import _presets

    installed = {one["name"]: one["installed"] for one in _presets(Service())}
    assert installed["mini"]
    assert not installed["zero-shot"]


def test_looking_makes_no_folder(empty_home):
    assert not readiness(load_config("zero-shot")).ok
    assert examine(load_config())["cache"]["bytes"] == {}
    assert not empty_home.exists()


def test_the_doctor_tells_where_the_folder_would_be(closed_home, capsys):
    assert main(["doctor"]) in (0, 1)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert "/file/home/.cache/spotter (empty)" in told.out


def test_the_doctor_tells_of_a_user_without_home(monkeypatch, capsys):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    found = examine(load_config())
    assert "SPOTTER_CACHE" in str(found["cache"]["folder"])


def test_training_says_at_once_that_it_has_no_place_for_scenes(closed_home, tmp_path):
    project = Project.create(tmp_path / "project", "Mine")
    with pytest.raises(DataError, match="SPOTTER_CACHE"):
        start_run(project)
    project.close()
