"""Folders of conversions: whole or not at all, whoever else makes the same."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from subprocess import PIPE, Popen

from convert.folders import build_folder, making
from pipeline.models import Model, read_model


def test_what_a_killed_run_left_is_removed_and_what_runs_is_not(tmp_path):
    """A process that is killed while it converts; another conversion while one runs."""
    code = (
        "import sys, pathlib, convert.folders as folders\n"
        "with folders.making(pathlib.Path(sys.argv[1])) as made:\n"
        "    (made / 'graph').write_text('half'); print(made.name, flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).parents[2]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=root) as other:
        name = other.stdout.readline().strip()
        with making(tmp_path) as made:
            assert made.is_dir()
            assert (tmp_path / name / "graph").is_file()
        other.kill()
    assert (tmp_path / name / "graph").is_file()
    (tmp_path / ".making-older").mkdir()  # without a holder
    with making(tmp_path):
        assert not (tmp_path / name).exists()
    assert list(tmp_path.iterdir()) == []


def test_conversions_that_end_at_once_take_turns(tmp_path, monkeypatch):
    """Others put theirs there, and move it aside, between any two steps."""
    real, place, steps = Path.replace, tmp_path / "models" / "mine", []

    def replace(path, target):
        if place in (path, Path(target)):
            steps.append(path.name)
            if len(steps) == 1:
                place.mkdir()
                (place / "detector.onnx").write_text("of another process")
            elif len(steps) == 2:
                shutil.rmtree(place)
        return real(path, target)

    def fill(folder):
        (folder / "detector.onnx").write_text("ours")
        return Model(id="mine", task="detect", family="yolo")

    monkeypatch.setattr(Path, "replace", replace)
    model = build_folder(place, fill, is_there=lambda: False)
    assert len(steps) == 3
    assert model == read_model(place)
    assert model.file("detector.onnx").read_text() == "ours"
    assert [path.name for path in place.parent.iterdir()] == ["mine"]
