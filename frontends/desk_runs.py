"""Long work on a project: pictures come in, models look, data sets go out.

Knows no page. Each function begins a run, which goes on in its own thread, and returns it; whoever
wants to know asks for its state. What was done until a run is stopped is kept.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from core.errors import DataError, InputError
from core.files import confined_path, link_or_copy, shortened
from core.words import counted
from dataset.archive import OWN, Limits, pack, sizes_in
from dataset.checks import Finding
from dataset.splits import SHARES, Shares
from frontends.desk import EXPORTS_NAME, Desk
from frontends.material import Brought
from frontends.project_out import EXPORTS, export_project, push_project
from frontends.runs import Run, RunState
from frontends.visits import Visit
from project.copying import copy_project
from project.export import What
from project.imported import Imported
from project.intake import import_path
from project.measuring import measure_all
from project.prelabel import Question, prelabel
from project.reader import DATABASE_NAME
from project.store import Project
from project.whole import disarm

__all__ = [
    "WHOLE",
    "Outgoing",
    "start_export",
    "start_import",
    "start_measuring",
    "start_prelabel",
]

WHOLE = "project"
"""Everything of a project, as it can be merged into another one."""
_REFUSED_MAX = 200
_COPIES = 2
_MEASURE_S = 2.0
_EXPORTS_KEPT = 3


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A wish to take a project out.

    Args:
        format: One of `frontends.project_out.EXPORTS`, or `WHOLE`.
        what: See `project.export`.
        repo: Send it to this data set on Hugging Face, as an image folder, instead.
        token: With the right to write there.
        private: Whether only its owner shall see it.
        shares: Of train, val and test, for pictures that were given no split.
    """

    format: str
    what: What = "confirmed"
    repo: str = ""
    token: str = ""
    private: bool = True
    shares: Shares = SHARES


def start_import(desk: Desk, visit: Visit, key: str, files: Sequence[Brought]) -> Run:
    """Begin to import uploads and return the run.

    Args:
        desk: Knows the project.
        visit: Whose project it is.
        key: The project.
        files: Uploads with the names, folders included, that they had before.

    Raises:
        InputError: There is no file, the visitor has too little room, or another run is not over.
    """
    project = desk.project(visit, key)
    if not files:
        raise InputError("there is no file.", "Choose some pictures or a ZIP file.")
    # Twice: what is laid out stays until the pictures are taken into the project.
    desk.check_room(visit, _COPIES * sum(_size_of(desk, file.path) for file in files))

    def work(run: Run) -> RunState:
        run.report("importing", 0, 0)
        with tempfile.TemporaryDirectory(dir=project.folder, prefix=".import-") as temporary:
            folder = Path(temporary)
            archives = _lay_out(files, folder)
            roots = _roots(folder)
            for root in roots:
                disarm(root)
            places = [*(Brought(root, root.name) for root in roots), *archives]
            run.said, run.refused = _import(desk, visit, project, places, run)
        return "done"

    return desk.runs.start(desk.run_key(visit, key), work)


def _lay_out(files: Sequence[Brought], folder: Path) -> list[Brought]:
    """Put uploads into a folder under their own names; ZIP files are only returned.

    Those within the folder of a project are what was exported from it, and left out.
    """
    archives = []
    taken = Counter[Path]()
    names = [PurePosixPath(file.name) for file in files]
    projects = {name.parent for name in names if name.name == DATABASE_NAME}
    for file, name in zip(files, names, strict=True):
        if name.suffix.lower() == ".zip":
            if projects.isdisjoint(name.parents):
                archives.append(file)
            continue
        place = confined_path(folder, file.name)
        if place == folder.resolve():
            raise InputError(f"{file.name!r} is no file name.", "Use a plain file name.")
        wished = place
        while place.exists():
            taken[wished] += 1
            other = f"{shortened(wished.stem)}-{taken[wished] + 1}{wished.suffix}"
            place = wished.with_name(other)
        place.parent.mkdir(parents=True, exist_ok=True)
        # SQLite writes into what it opens, and the upload may be another visitor's too.
        bring = shutil.copyfile if name.name.startswith(DATABASE_NAME) else link_or_copy
        bring(file.path, place)
    return archives


def _size_of(desk: Desk, path: Path) -> int:
    """Bytes of an upload, of a ZIP file those of its files as its headers tell."""
    # A damaged archive is told of when it is its turn.
    limits = OWN if desk.shared else Limits()
    return sum(sizes_in(path, limits=limits).values()) or path.stat().st_size


def _import(
    desk: Desk, visit: Visit, project: Project, places: Sequence[Brought], run: Run
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What came in, as a sentence, and what did not, with reasons."""

    def report(done: int, total: int, name: str) -> None:
        run.report("importing", done, total)

    taken = Imported()
    for path, name in ((place.path, place.name) for place in places):
        # Headers may lie: what comes out of an archive is counted, and taken in once more.
        room = desk.room(visit)
        limits = (
            replace(OWN, total_bytes=room) if desk.shared else Limits(total_bytes=room // _COPIES)
        )
        pixels = desk.limits.max_pixels
        try:
            came = import_path(project, path, limits=limits, max_pixels=pixels, on_progress=report)
        except (InputError, DataError) as error:
            # One damaged archive among several files loses nothing of the others.
            if len(places) == 1:
                raise
            lost = Finding("unreadable-file", "error", name, error.message, error.hint)
            came = Imported(findings=(lost,))
        taken = taken.plus(came)
    refused = tuple((one.where, f"{one.what} {one.advice}".strip()) for one in taken.findings)
    return taken.sentence(), refused[:_REFUSED_MAX]


def _roots(folder: Path) -> list[Path]:
    """The folder that was brought, such as a data set, or the one with all loose files."""
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        return entries
    return [folder] if entries else []


def start_prelabel(
    desk: Desk, visit: Visit, key: str, question: Question, score_min: float | None = None
) -> Run:
    """Begin to let the models propose boxes for all images that nobody is done with.

    Args:
        desk: Knows the project.
        visit: Whose project it is.
        key: The project.
        question: What the models are asked.
        score_min: See `Desk.locator`.

    Raises:
        InputError: Another run is not over, there is no such image, or the visitor's room is full.
        CaptionError: There are more captions than the page looks for.
    """
    project = desk.project(visit, key)
    if project.count() == 0:
        raise InputError("the project has no pictures.", "Import some first.")
    desk.service.check_captions(question.captions)
    desk.check_room(visit)
    check = _now_and_then(lambda: desk.check_room(visit))

    def work(run: Run) -> RunState:
        def report(done: int, total: int, name: str) -> None:
            check()
            run.report("looking", done, total)

        run.report("looking", 0, 0)
        locator = desk.locator(project, score_min=score_min)
        summary = prelabel(project, locator, question, on_progress=report)
        run.said, run.to_review = summary.sentence(), summary.boxes
        return "done"

    return desk.runs.start(desk.run_key(visit, key), work)


def start_measuring(desk: Desk, visit: Visit, key: str) -> Run:
    """Begin to measure the captioned boxes that have no figures yet, such as imported ones.

    Raises:
        InputError: Another run is not over, or there is no such project.
    """
    project = desk.project(visit, key)

    def work(run: Run) -> RunState:
        run.report("looking", 0, 0)
        run.said = measure_all(
            project,
            desk.scorer(project),
            max_pixels=desk.limits.max_pixels,
            on_progress=lambda done, total, name: run.report("looking", done, total),
        ).sentence()
        return "done"

    return desk.runs.start(desk.run_key(visit, key), work)


def start_export(desk: Desk, visit: Visit, key: str, wish: Outgoing) -> Run:
    """Begin to write a project as something else and return the run, which ends with a file.

    Raises:
        InputError: There is no such format, or another run is not over.
    """
    project = desk.project(visit, key)
    known = (*EXPORTS, WHOLE)
    if wish.format not in known:
        raise InputError(f"there is no export {wish.format!r}.", f"Known: {', '.join(known)}.")

    def work(run: Run) -> RunState:
        run.report("exporting", 0, 0)
        out, name = project.folder / EXPORTS_NAME, f"{key}-{wish.format}"
        out.mkdir(exist_ok=True)
        _clear_exports(out, name)
        try:
            check = _now_and_then(lambda: desk.check_spare_room(visit))
            return _export(project, out, name, wish, run, check)
        except BaseException:
            _clear_exports(out, name)
            raise

    return desk.runs.start(desk.run_key(visit, key), work)


def _clear_exports(out: Path, name: str) -> None:
    """Remove an earlier export of a name, and the oldest of the others but for a few.

    Somebody else may still be fetching the last one.
    """
    found = sorted(out.iterdir(), key=lambda path: path.stat().st_mtime)
    own = [path for path in found if path.name in (name, f"{name}.zip", f"{name}.csv")]
    others = [path for path in found if path not in own]
    for path in (*own, *others[: max(0, len(others) - _EXPORTS_KEPT)]):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _now_and_then(check: Callable[[], None]) -> Callable[[], None]:
    """The same check, passed over where the last one was a moment ago."""
    last_s = -math.inf

    def passed() -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= _MEASURE_S:
            check()
            last_s = time.monotonic()

    return passed


def _export(
    project: Project, out: Path, name: str, wish: Outgoing, run: Run, check: Callable[[], None]
) -> RunState:
    def report(done: int, total: int, what: str) -> None:
        check()
        run.report("exporting", done, total)

    def report_packing(done: int, total: int) -> None:
        check()
        run.report("packing", done, total)

    if wish.repo:
        run.url = push_project(
            project,
            wish.repo,
            token=wish.token,
            private=wish.private,
            what=wish.what,
            shares=wish.shares,
            on_progress=lambda done, total: run.report("sending", done, total),
        )
        return "sent"
    folder = out / name
    if wish.format == "csv":
        run.file = out / f"{name}.csv"
        run.said = _told(
            export_project(project, run.file, "csv", what=wish.what, shares=wish.shares)
        )
        return "done"
    if wish.format == WHOLE:
        copy_project(project, folder, on_progress=report)
        # Those that were taken out are there too, and come back with it.
        pictures = counted(len(project.files()), "picture")
        run.said = f"{pictures} with all boxes and history."
    else:
        run.said = _told(
            export_project(
                project, folder, wish.format,
                what=wish.what, shares=wish.shares, on_progress=report,
            )
        )  # fmt: skip
    run.file = out / f"{name}.zip"
    pack(folder, run.file, report_packing)
    shutil.rmtree(folder, ignore_errors=True)
    return "done"


def _told(sentence: str) -> str:
    """A sentence of the command line without the path that it begins with."""
    return sentence.split(": ", 1)[-1]
