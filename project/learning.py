"""Learning from a project: runs in the background, what they say, and which model is in use.

A run is a process of its own (`python -m training.learn`) with a folder below the project: it
writes `status.json` and `log.jsonl` as it goes, and `metrics.json` and `model/` at its end. It goes
on when the page is closed, and is continued where it stopped. Nothing here imports PyTorch.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from core.config import Section
from core.errors import DataError, InputError
from core.files import read_json, write_bytes, write_json
from pipeline.cache import cache_folder, make_cached
from pipeline.config import LocateConfig
from pipeline.models import network_sha256
from project.processes import is_alive, started_at
from project.settings import EARLIER, MODELS, PIPELINE, RUN_NAME, RUNS, parse_setting
from project.store import Project

__all__ = [
    "STOP_NAME",
    "RunState",
    "RunStatus",
    "can_go_back",
    "curve",
    "go_back",
    "list_runs",
    "lost_models",
    "models_at_start",
    "process_note",
    "project_config",
    "run_behind",
    "run_status",
    "start_run",
    "stop_run",
    "use_run",
    "used_run",
]

RunState: TypeAlias = Literal["running", "stopped", "failed", "finished"]

STOP_NAME = "stop"
_STARTED_WITH = "started-with.json"
_ROOT = Path(__file__).parents[1]
_STARTING_S = 60.0
_HASH_CHARS = 12  # as a model's version tells them


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What a run says of itself.

    Args:
        id: Its name, that of its folder.
        folder: Where it lies.
        state: "running", "stopped" (to be continued), "failed" or "finished".
        phase: What it does, as words.
        progress: Share that is done, in [0, 1].
        left_s: Seconds to go, where known.
        message: What went wrong, or what came out, as a sentence.
        metrics: Figures before and after, on held-out images; empty until it is finished.
    """

    id: str
    folder: Path
    state: RunState
    phase: str = ""
    progress: float = 0.0
    left_s: float | None = None
    message: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)


def start_run(
    project: Project,
    *,
    minutes: float | None = None,
    run_id: str | None = None,
    options: Sequence[str] = (),
    python: str = sys.executable,
) -> RunStatus:
    """Begin a run in a process of its own, or continue one that was stopped.

    Args:
        project: What to learn from.
        minutes: How long to train; the evaluation before and after comes on top. None: as long as
            the continued run was meant to, or a quarter of an hour.
        run_id: A run to continue; None: a new one. It keeps its settings, except those given.
        options: More arguments of `python -m training.learn`.
        python: The interpreter; must have PyTorch.

    Raises:
        InputError: A run of this project is going on, or that run cannot be continued.
        DataError: The folder cannot be written to, or no process can be started.
    """
    with _starting(project.folder / RUNS):
        going = [run.id for run in list_runs(project) if run.state == "running"]
        if going:
            raise InputError(f"run {going[0]} is going on.", "Wait for it, or stop it.")
        return _start(project, minutes, run_id, options, python)


@contextlib.contextmanager
def _starting(runs: Path) -> Iterator[None]:
    """Only one at a time looks whether a run is going on and starts one.

    Raises:
        InputError: Somebody else is about to.
        DataError: The folder cannot be written to.
    """
    lock = runs / ".starting"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if time.time() - lock.stat().st_mtime > _STARTING_S:
                lock.unlink()  # of one who was ended in between
        lock.touch(exist_ok=False)
    except FileExistsError as error:
        raise InputError("a run is being started.", "Look at the list of runs.") from error
    except OSError as error:
        raise DataError(f"cannot write to {runs}: {error}.", "Check its rights.") from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _start(
    project: Project,
    minutes: float | None,
    run_id: str | None,
    options: Sequence[str],
    python: str,
) -> RunStatus:
    resume = run_id is not None
    folder = _folder(project, run_id or time.strftime("%Y%m%d-%H%M%S"))
    if resume and run_status(project, folder.name).state not in ("stopped", "failed"):
        raise InputError(f"run {folder.name} is finished.", "Start a new one.")
    with contextlib.suppress(FileNotFoundError):
        (folder / STOP_NAME).unlink()
    cache = make_cached(cache_folder("synthetic"))
    command = [
        python, "-m", "training.learn", "--project", str(project.folder.resolve()),
        "--run", str(folder.resolve()), "--cache", str(cache.resolve()),
        *(["--resume"] if resume else []),
        *(["--max-minutes", str(minutes)] if minutes is not None else []), *options,
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    # Before it starts, with our own number: it writes its own as soon as it can.
    status = {"state": "running", "phase": "starting", "progress": 0.0, **process_note()}
    write_bytes(folder / "status.json", json.dumps(status).encode())
    try:
        with (folder / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        failed = {**status, "state": "failed", "message": f"cannot start: {error}."}
        write_bytes(folder / "status.json", json.dumps(failed).encode())
        raise DataError(f"cannot start {python}: {error}.", "Is memory short?") from error
    _PROCESSES[folder.resolve()] = process
    return run_status(project, folder.name)


# Those that this process started: their endings are collected, so that none remains as a zombie.
_PROCESSES: dict[Path, subprocess.Popen[bytes]] = {}


def stop_run(project: Project, run_id: str) -> None:
    """Ask a run to stop; it keeps what it has learnt and can be continued.

    Raises:
        InputError: There is no such run.
    """
    folder = _folder(project, run_id)
    if not folder.is_dir():
        raise InputError(f"there is no run {run_id!r}.", "See the list of runs.")
    write_bytes(folder / STOP_NAME, b"")


def run_status(project: Project, run_id: str) -> RunStatus:
    """Return what a run says of itself; one whose process is gone has failed or stopped.

    Raises:
        InputError: There is no such run.
    """
    folder = _folder(project, run_id)
    try:
        status: Any = read_json(folder / "status.json")
    except DataError as error:
        raise InputError(f"there is no run {run_id!r}.", "See the list of runs.") from error
    state, message = str(status.get("state")), str(status.get("message", ""))
    if state == "running" and not _alive(folder, status):
        state = "stopped" if (folder / "detector" / "state.pt").is_file() else "failed"
        message = message or _last_words(folder / "output.txt")
    metrics: Any = {}
    if (folder / "metrics.json").is_file():
        metrics = read_json(folder / "metrics.json")
    return RunStatus(
        id=folder.name,
        folder=folder,
        state=state,  # type: ignore[arg-type]
        phase=str(status.get("phase", "")),
        progress=float(status.get("progress", 0.0)),
        left_s=status.get("left_s"),
        message=message,
        metrics=metrics,
    )


def list_runs(project: Project) -> list[RunStatus]:
    """Return all runs of a project, latest first; folders beside them that are none stay out."""
    found = []
    for path in sorted((project.folder / RUNS).glob("*/status.json"), reverse=True):
        with contextlib.suppress(InputError):  # a copy of a run has no name of one
            found.append(run_status(project, path.parent.name))
    return found


def curve(project: Project, run_id: str) -> list[dict[str, float]]:
    """Return the learning curve so far: rows with step, passed_s and the parts of the loss."""
    path = _folder(project, run_id) / "detector" / "log.jsonl"
    rows = []
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # the last line may be half written
                rows.append(json.loads(line))
    return rows


def use_run(project: Project, run_id: str) -> LocateConfig:
    """Make the model of a finished run the project's own, and return the settings.

    Raises:
        InputError: The run is not finished.
    """
    status = run_status(project, run_id)
    if status.state != "finished":
        raise InputError(f"run {run_id} is not finished.", "Wait for it, or continue it.")
    # Relative, so that a project may be moved.
    models = {
        stage: f"{RUNS}/{status.id}/{name}"
        for stage, name in MODELS.items()
        if (status.folder / name).is_dir()
    }
    now = project.setting(PIPELINE, {})
    earlier = [*project.setting(EARLIER, []), now]
    project.set_settings({EARLIER: earlier, PIPELINE: {**now, **models}})
    return project_config(project)


def go_back(project: Project) -> LocateConfig:
    """Make the models before the last change the project's own again, and return the settings.

    Raises:
        InputError: There are none before.
    """
    earlier = project.setting(EARLIER, [])
    if not earlier:
        raise InputError("the project uses the models it began with.", "There is nothing before.")
    project.set_settings({PIPELINE: earlier[-1], EARLIER: earlier[:-1]})
    return project_config(project)


def used_run(project: Project) -> str | None:
    """Return the name of the run whose detector the project uses; None: that of the preset."""
    place: str = project.setting(PIPELINE, {}).get("detect", "")
    return place.split("/")[1] if place and (project.folder / place).is_dir() else None


def lost_models(project: Project) -> list[str]:
    """Return what the project should use and has not: each a folder below it.

    The models of runs are no part of a copy, and large enough to be deleted: then those of the
    preset are used, which has to be told.
    """
    places: list[str] = list(project.setting(PIPELINE, {}).values())
    return [place for place in places if not (project.folder / place).is_dir()]


def run_behind(project: Project, provenance: Mapping[str, str]) -> str | None:
    """Return the name of the run whose detector a pipeline looks with; None: it is another one.

    Args:
        project: Whose runs are meant.
        provenance: Of the pipeline; tells the hash of its detector.
    """
    run = used_run(project)
    graph = project.folder / RUNS / (run or "") / "model" / "detector.onnx"
    if run is None or not graph.is_file():
        return None
    return run if network_sha256(graph)[:_HASH_CHARS] in provenance.get("detector", "") else None


def can_go_back(project: Project) -> bool:
    """Return whether the project used other models before."""
    return bool(project.setting(EARLIER, []))


def project_config(
    project: Project, base: LocateConfig | None = None, models: Mapping[str, str] | None = None
) -> LocateConfig:
    """Return settings with the project's own models, where it has some that are still there.

    Args:
        project: Whose models are meant.
        base: All other settings.
        models: For each stage a folder below the project, instead of those in use.
    """
    config: LocateConfig = base or LocateConfig()
    values = {}
    for stage, place in (project.setting(PIPELINE, {}) if models is None else models).items():
        folder = project.folder / place
        if folder.is_dir():
            values[stage] = {"model": str(folder.resolve())}
    assert isinstance(config, Section)
    return config.with_values(values)


def models_at_start(project: Project, run: Path, *, resume: bool = False) -> dict[str, str]:
    """Return the project's own models that a run begins with, for each stage a folder below it.

    Args:
        project: What the run learns from.
        run: Its folder, where they are written down.
        resume: They are those that the run began with, whatever is in use by now.

    Raises:
        DataError: One of those is gone.
    """
    path = run / _STARTED_WITH
    if not (resume and path.is_file()):
        lost = lost_models(project)
        models = project.setting(PIPELINE, {}).items()
        write_json(path, {stage: place for stage, place in models if place not in lost})
    kept: dict[str, str] = parse_setting(PIPELINE, path.read_text(encoding="utf-8")) or {}
    for place in kept.values():
        if not (project.folder / place).is_dir():
            raise DataError(
                f"run {run.name} began with {place}, which is gone.", "Start a new run."
            )
    return kept


def _folder(project: Project, run_id: str) -> Path:
    if not re.fullmatch(RUN_NAME, run_id):
        raise InputError(f"{run_id!r} is no name of a run.", "See the list of runs.")
    return project.folder / RUNS / run_id


def process_note() -> dict[str, object]:
    """Return what a status says of the process that writes it."""
    return {"pid": os.getpid(), "started": started_at(os.getpid())}


def _alive(folder: Path, status: Mapping[str, Any]) -> bool:
    process = _PROCESSES.get(folder.resolve())
    if process is not None and process.poll() is None:
        return True
    pid = int(status.get("pid", 0))
    return pid != os.getpid() and is_alive(pid, str(status.get("started", "")))


def _last_words(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""
