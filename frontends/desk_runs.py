"""Long work on a project: pictures come in, models look, data sets go out.

Knows no page. Each function begins a run, which goes on in its own thread, and returns it; whoever
wants to know asks for its state. What was done until a run is stopped is kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.files import confined_path
from dataset.archive import Limits, pack
from dataset.hub import push_folder
from frontends.desk import Desk
from frontends.material import Brought
from frontends.runs import Run, RunState
from frontends.visits import Visit
from project.copying import copy_project
from project.export import What, export_crops, export_csv, export_dataset
from project.intake import Imported, import_path
from project.prelabel import Question, prelabel
from project.store import Project

__all__ = ["EXPORTS", "Outgoing", "start_export", "start_import", "start_prelabel"]

EXPORTS = ("yolo", "coco", "voc", "hf", "jsonl", "csv", "crops", "project")
"""What a project can leave as: data sets, a table, crops for the reranker, or all of it."""
_REFUSED_MAX = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A wish to take a project out.

    Args:
        format: One of `EXPORTS`.
        what: See `project.export`.
        repo: Send it to this data set on Hugging Face instead of offering a file.
        token: With the right to write there.
        private: Whether only its owner shall see it.
    """

    format: str
    what: What = "confirmed"
    repo: str = ""
    token: str = ""
    private: bool = True


def start_import(desk: Desk, visit: Visit, key: str, files: Sequence[Brought]) -> Run:
    """Begin to import uploads and return the run.

    Args:
        desk: Knows the project.
        visit: Whose project it is.
        key: The project.
        files: Uploads with the names, folders included, that they had before.

    Raises:
        InputError: There is no file, the visitor's room is full, or another run is not over.
    """
    project = desk.project(visit, key)
    desk.check_room(visit)
    if not files:
        raise InputError("there is no file.", "Choose some pictures or a ZIP file.")

    def work(run: Run) -> RunState:
        run.report("importing", 0, 0)
        with tempfile.TemporaryDirectory(dir=project.folder, prefix=".import-") as temporary:
            folder = Path(temporary)
            archives = _lay_out(files, folder)
            taken = _import(desk, project, folder, archives, run)
        run.said = taken.sentence()
        run.refused = tuple((f.where, f"{f.message} {f.hint}") for f in taken.findings)[
            :_REFUSED_MAX
        ]
        return "done"

    return desk.runs.start(desk.run_key(visit, key), work)


def _lay_out(files: Sequence[Brought], folder: Path) -> list[Path]:
    """Put uploads into a folder under their own names; ZIP files are only returned."""
    archives = []
    for file in files:
        if file.name.lower().endswith(".zip"):
            archives.append(file.path)
            continue
        place = confined_path(folder, file.name)
        while place.exists():
            place = place.with_name(f"{place.stem}-{place.suffix}")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file.path, place)
        except OSError:
            shutil.copyfile(file.path, place)
    return archives


def _import(
    desk: Desk, project: Project, folder: Path, archives: Sequence[Path], run: Run
) -> Imported:
    limits = Limits(total_bytes=desk.limits.visit_max_bytes)
    taken = Imported()
    for path in ([folder] if any(folder.iterdir()) else []) + list(archives):
        taken = taken.plus(
            import_path(
                project,
                path,
                limits=limits,
                max_pixels=desk.limits.max_pixels,
                on_progress=lambda done, total, name: run.report("importing", done, total),
            )
        )
    return taken


def start_prelabel(desk: Desk, visit: Visit, key: str, question: Question) -> Run:
    """Begin to let the models propose boxes for all images that nobody is done with.

    Raises:
        InputError: Another run is not over, or there is no such image.
    """
    project = desk.project(visit, key)
    if project.count() == 0:
        raise InputError("the project has no pictures.", "Import some first.")

    def work(run: Run) -> RunState:
        run.report("looking", 0, 0)
        summary = prelabel(
            project,
            desk.locator(project),
            question,
            on_progress=lambda done, total, name: run.report("looking", done, total),
        )
        run.said = summary.sentence()
        return "done"

    return desk.runs.start(desk.run_key(visit, key), work)


def start_export(desk: Desk, visit: Visit, key: str, wish: Outgoing) -> Run:
    """Begin to write a project as something else and return the run, which ends with a file.

    Raises:
        InputError: There is no such format, or another run is not over.
    """
    project = desk.project(visit, key)
    if wish.format not in EXPORTS:
        raise InputError(f"there is no export {wish.format!r}.", f"Known: {', '.join(EXPORTS)}.")
    if wish.repo and wish.format in ("csv", "crops", "project"):
        raise InputError(
            f"{wish.format} is no data set for Hugging Face.", "Choose a format of data sets."
        )

    def work(run: Run) -> RunState:
        run.report("exporting", 0, 0)
        out = project.folder / "exports"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        return _export(project, out, f"{key}-{wish.format}", wish, run)

    return desk.runs.start(desk.run_key(visit, key), work)


def _export(project: Project, out: Path, name: str, wish: Outgoing, run: Run) -> RunState:
    folder = out / name
    if wish.format == "csv":
        run.file = out / f"{name}.csv"
        run.said = f"{export_csv(project, run.file, what=wish.what)} boxes written."
        return "done"

    def report(done: int, total: int, name: str) -> None:
        run.report("exporting", done, total)

    if wish.format == "project":
        copy_project(project, folder, on_progress=report)
        run.said = f"{project.count()} pictures with all their boxes and history."
    elif wish.format == "crops":
        count = export_crops(project, folder, what=wish.what, on_progress=report)
        run.said = f"{count} crops written."
    else:
        dataset = export_dataset(project, folder, wish.format, what=wish.what)
        boxes = sum(len(record.xyxy) for record in dataset.records)
        run.said = f"{len(dataset.records)} images with {boxes} boxes written."
    if wish.repo:
        run.url = push_folder(
            folder,
            wish.repo,
            token=wish.token,
            private=wish.private,
            on_progress=lambda done, total: run.report("sending", done, total),
        )
        return "sent"
    run.file = out / f"{name}.zip"
    pack(folder, run.file, lambda done, total: run.report("packing", done, total))
    shutil.rmtree(folder, ignore_errors=True)
    return "done"
