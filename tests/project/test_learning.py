"""Runs in the background: started, watched, stopped, used and taken back; without PyTorch."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import DataError, InputError
from pipeline.cache import set_cache_folder
from pipeline.config import LocateConfig
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from project.folders import delete_project
from project.learning import (
    curve,
    go_back,
    list_runs,
    lost_models,
    project_config,
    run_behind,
    run_status,
    start_run,
    stop_run,
    use_run,
    used_run,
)
from project.pictures import Picture
from project.prelabel import Question, prelabel
from project.processes import is_alive, started_at
from project.store import Project

RUN = "20260101-120000"


@pytest.fixture
def finished(project: Project) -> Path:
    """The folder of a run that is finished."""
    folder = project.folder / "runs" / RUN
    (folder / "model").mkdir(parents=True)
    (folder / "detector").mkdir()
    (folder / "status.json").write_text(json.dumps({"state": "finished", "progress": 1.0}))
    (folder / "metrics.json").write_text(json.dumps({"before": {"ap50": 0.2}}))
    (folder / "detector" / "log.jsonl").write_text('{"step": 10, "box": 1.5}\n{"step": 2')
    return folder


@pytest.fixture
def fake_python(tmp_path: Path) -> str:
    """A stand-in for the interpreter: keeps its arguments and waits for the file `stop`."""
    path = tmp_path / "python"
    path.write_text(
        "#!/bin/sh\n"
        'echo "$@" >> "$6/arguments.txt"\n'
        'while [ ! -e "$6/stop" ]; do sleep 0.02; done\n'
        'mkdir -p "$6/detector"; touch "$6/detector/state.pt"\n'
        "echo the last words\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def _wait(project: Project, run_id: str) -> str:
    end = time.monotonic() + 10
    while run_status(project, run_id).state == "running" and time.monotonic() < end:
        time.sleep(0.02)
    return run_status(project, run_id).state


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path) -> Iterator[None]:
    set_cache_folder(tmp_path / "cache")
    yield
    set_cache_folder(None)


def test_a_run_is_started_stopped_and_continued(
    project: Project, fake_python: str, tmp_path: Path
) -> None:
    begun = start_run(project, minutes=2, options=["--threads", "2"], python=fake_python)
    assert (begun.state, begun.phase) == ("running", "starting")
    with pytest.raises(InputError, match="is going on"):
        start_run(project, python=fake_python)
    stop_run(project, begun.id)
    assert _wait(project, begun.id) == "stopped"
    assert run_status(project, begun.id).message == "the last words"
    again = start_run(project, run_id=begun.id, python=fake_python)
    assert (again.id, again.state) == (begun.id, "running")
    stop_run(project, begun.id)
    _wait(project, begun.id)
    first, second = (begun.folder / "arguments.txt").read_text().splitlines()
    assert "--max-minutes 2 --threads 2" in first
    assert f"--cache {tmp_path / 'cache' / 'synthetic'}" in first
    assert "--resume" not in first
    assert second.endswith("--resume"), "with the minutes that the run was begun with"


def test_a_run_that_could_not_begin_is_not_going_on(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot start"):
        start_run(project, python=str(tmp_path / "missing"))
    [run] = list_runs(project)
    status = json.loads((run.folder / "status.json").read_text())
    assert (run.state, status["state"]) == ("failed", "failed"), "also for other processes"


def test_a_run_whose_process_is_gone_has_failed(project: Project, finished: Path) -> None:
    status = {"state": "running", "pid": 2**22 + 1, "progress": 0.5}
    (finished / "status.json").write_text(json.dumps(status))
    (finished / "output.txt").write_text("...\nMemoryError\n")
    told = run_status(project, RUN)
    assert (told.state, told.message) == ("failed", "MemoryError")


def test_a_model_is_used_and_taken_back(project: Project, finished: Path, tmp_path: Path) -> None:
    base = LocateConfig()
    assert project_config(project, base) == base
    config = use_run(project, RUN)
    assert config.detect.model == str((finished / "model").resolve())
    assert config.rerank.model == base.rerank.model
    assert project_config(project, base).detect.model == config.detect.model
    assert go_back(project).detect.model == base.detect.model
    with pytest.raises(InputError, match="nothing before"):
        go_back(project)


def test_settings_that_belong_together_are_kept_together(project: Project) -> None:
    with pytest.raises(TypeError):
        project.set_settings({"first": 1, "second": object()})
    assert project.setting("first", None) is None


def test_the_model_moves_with_the_project(project: Project, finished: Path, tmp_path: Path) -> None:
    use_run(project, RUN)
    project.close()
    moved = project.folder.rename(tmp_path / "elsewhere")
    with Project.open(moved) as again:
        model = Path(project_config(again).detect.model)
    assert model == (moved / "runs" / RUN / "model").resolve()


def test_curves_and_lists(project: Project, finished: Path) -> None:
    assert curve(project, RUN) == [{"step": 10, "box": 1.5}], "half a line is not read"
    [run] = list_runs(project)
    assert (run.id, run.state, run.metrics["before"]["ap50"]) == (RUN, "finished", 0.2)


def test_folders_that_are_no_runs_hide_none(project: Project, finished: Path) -> None:
    shutil.copytree(finished, finished.with_name(f"{RUN} (copy)"))
    torn = finished.with_name("20260102-120000")
    torn.mkdir()
    (torn / "status.json").touch()
    status = {"state": "running", "pid": os.getppid()}
    (finished / "status.json").write_text(json.dumps(status))
    assert [(run.id, run.state) for run in list_runs(project)] == [(RUN, "running")]
    project.close()
    with pytest.raises(InputError, match="is going on"):
        delete_project(project.folder)


@pytest.mark.parametrize("name", ["../x", "", "a/b", "nothing"])
def test_unknown_runs_are_told(project: Project, name: str) -> None:
    with pytest.raises(InputError, match=r"no name of a run|there is no run"):
        run_status(project, name)


def test_an_unfinished_run_is_not_used(project: Project, finished: Path) -> None:
    (finished / "status.json").write_text(json.dumps({"state": "stopped"}))
    with pytest.raises(InputError, match="not finished"):
        use_run(project, RUN)


def test_looking_for_a_process_does_not_end_it_on_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There `os.kill` ends a process whatever the signal."""
    told = subprocess.CompletedProcess([], 0, '"python.exe","42","Console","1","9 K"\n')
    monkeypatch.setattr("project.processes.os.name", "nt")
    monkeypatch.setattr("project.processes.os.kill", lambda *_: pytest.fail("it would end"))
    monkeypatch.setattr("project.processes.subprocess.run", lambda *_, **__: told)
    found = is_alive(42), is_alive(4)
    monkeypatch.undo()
    assert found == (True, False)


def test_a_number_of_a_process_that_came_again_is_another_process(
    project: Project, finished: Path
) -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        status = {"state": "running", "pid": sleeper.pid, "started": started_at(sleeper.pid)}
        (finished / "status.json").write_text(json.dumps(status))
        assert run_status(project, RUN).state == "running"
        (finished / "status.json").write_text(json.dumps({**status, "started": "long ago"}))
        assert run_status(project, RUN).state == "failed"
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not is_alive(sleeper.pid, status["started"])


def test_two_who_start_at_once_start_one_run(project: Project, fake_python: str) -> None:
    def start(_: int) -> str:
        try:
            return start_run(project, python=fake_python).id
        except InputError as error:
            return error.message

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(start, range(4)))
    [run] = list_runs(project)
    assert told.count(run.id) == 1, told
    stop_run(project, run.id)
    _wait(project, run.id)


def test_a_lock_that_was_left_behind_does_not_stay(project: Project, fake_python: str) -> None:
    lock = project.folder / "runs" / ".starting"
    lock.parent.mkdir()
    lock.touch()
    with pytest.raises(InputError, match="is being started"):
        start_run(project, python=fake_python)
    os.utime(lock, (1, 1))
    run = start_run(project, python=fake_python)
    assert not lock.exists()
    stop_run(project, run.id)
    _wait(project, run.id)


def test_boxes_name_the_run_and_a_lost_model_is_told(
    project: Project, finished: Path, make_picture: Callable[..., Picture]
) -> None:
    (finished / "model" / "detector.onnx").write_bytes(b"weights")
    use_run(project, RUN)
    assert used_run(project) == RUN
    digest = hashlib.sha256(b"weights").hexdigest()[:12]
    trained = {"detector": f"model (detector.onnx {digest})", "preset": "mini"}
    other = {"detector": "spotter-detector-n (detector.onnx 000000000000)", "preset": "mini"}
    assert run_behind(project, trained) == RUN
    assert run_behind(project, other) is None
    image_id, _ = project.add(make_picture(0), "first")
    locator = Locator(FakeDetector(), FakeReranker(), provenance=trained)
    assert prelabel(project, locator, Question()).note == ""
    assert {box.source for box in project.boxes(image_id)} == {f"model:{RUN}"}
    shutil.rmtree(finished)
    assert (used_run(project), lost_models(project)) == (None, [f"runs/{RUN}/model"])
    locator = Locator(FakeDetector(), FakeReranker(), provenance=other)
    summary = prelabel(project, locator, Question())
    assert summary.sentence().endswith(f"runs/{RUN}/model is gone: the models of mini were used.")
    assert {box.source for box in project.boxes(image_id)} == {"model:mini"}
