"""What the tab Annotate works on: the projects that a visitor may use, opened once for everybody.

Knows no page and no pictures. In: a visit and a project's key; out: a `Project`, summaries, places.
Projects lie in one folder that all share, or, on a Space, in each visitor's own.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.files import confined_path
from core.packages import require_training
from frontends.runs import Run, Runs
from frontends.service import Service
from frontends.visits import Visit, Visits, size_of
from frontends.words import usual_words
from project.folders import (
    LINK_PROBLEM,
    TRASH_NAME,
    ProjectInfo,
    delete_project,
    deleted_projects,
    list_projects,
    purge,
    restore_project,
    sweep,
)
from project.intake import import_path
from project.learning import project_config
from project.measuring import asked_words, measure_image, suggest_captions
from project.score import RankedScore, Scorer
from project.store import DATABASE_NAME, Project
from project.types import Xyxy

if TYPE_CHECKING:
    from pipeline.locate import Locator

__all__ = ["EXPORTS_NAME", "Desk"]

EXPORTS_NAME = "exports"
"""Where a project keeps the files that were made to be taken away."""

EXAMPLES_FOLDER = Path(__file__).parents[1] / "assets" / "examples"
_KEY_CHARS_MAX = 40
_SCORERS_MAX = 4
_RUNS_MAX = 2
_MEASURE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class _Open:
    """An open project, and which file it is: its folder may come to hold another one."""

    project: Project
    file: tuple[int, int] | None


class Desk:
    """Projects of every visitor; safe to use from several threads.

    Args:
        service: Gives the models and says what is accepted.
        visits_root: Parent of the visitors' folders.
    """

    def __init__(self, service: Service, *, visits_root: Path) -> None:
        self.service = service
        self.limits = service.limits
        self.shared = self.limits.projects_folder
        self.runs = Runs(most=_RUNS_MAX)
        self.visits = Visits(
            visits_root,
            busy=self._is_busy,
            removed=self._leave,
            returning=self.shared is not None,
        )
        self._projects: dict[Path, _Open] = {}
        self._scorers: list[Scorer] = []
        self._lock = threading.Lock()

    # ---------------------------------------------------------------- projects

    def folder(self, visit: Visit) -> Path:
        """Return where the visitor's projects lie."""
        return (self.shared or visit.folder / "projects").resolve()

    def projects(self, visit: Visit | None) -> list[ProjectInfo]:
        """Return the projects that a visitor may open, the one used last first.

        Of who has not entered yet those that are shared.
        """
        folder = self.folder(visit) if visit else self.shared
        found = list_projects(folder) if folder else []
        return sorted(found, key=lambda info: -_used(info.folder))

    def create(self, visit: Visit, name: str, class_names: Sequence[str]) -> str:
        """Return the key of a new project.

        Raises:
            InputError: The name or a class cannot be used, or the visitor's room is full.
        """
        self.check_room(visit)
        folder = self.folder(visit)
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_KEY_CHARS_MAX] or "project"
        with self._lock:
            number, key = 2, slug
            while (folder / key).exists():
                key, number = f"{slug}-{number}", number + 1
            self._drop_open(folder / key)
            project = Project.create(folder / key, name, class_names=class_names)
            self._projects[folder / key] = _Open(project, _file_of(folder / key))
        return key

    def create_example(self, visit: Visit, name: str) -> str:
        """Return the key of a new project with our example pictures."""
        key = self.create(visit, name, ())
        import_path(self.project(visit, key), EXAMPLES_FOLDER, format="images")
        return key

    def project(self, visit: Visit, key: str) -> Project:
        """Return an open project: the one that lies there now, whoever put it there.

        Raises:
            InputError: There is none of this key.
            DataError: It is damaged.
        """
        path = self._path(visit, key)
        with self._lock:
            file, kept = _file_of(path), self._projects.get(path)
            if kept is not None and kept.file == file is not None:
                return kept.project
            # Deleted from the command line: what is open is not what lies there.
            self._drop_open(path)
            if file is None:
                raise InputError("this project is not there any more.", "Choose another one.")
            kept = self._projects[path] = _Open(Project.open(path), file)
            sweep(path)
            return kept.project

    def rename(self, visit: Visit, key: str, name: str) -> None:
        """Give a project another name; its key stays.

        Raises:
            InputError: The name is empty or too long, or the project is not there.
        """
        self.project(visit, key).rename(name)

    def delete(self, visit: Visit, key: str) -> str:
        """Put a project aside and return the name under which `restore` finds it.

        Raises:
            InputError: Something is being done with it, or it is not there.
        """
        path = self._path(visit, key)
        if not self.run_of(visit, key).is_over:
            raise InputError("something is being done with this project.", "Stop it first.")
        if not (path / DATABASE_NAME).is_file():
            raise InputError("this project is not there any more.", "Choose another one.")
        # All at once: a call in between would open the files that are about to move.
        with self._lock:
            self._drop_open(path)
            return delete_project(path).name

    def restore(self, visit: Visit, aside: str) -> str:
        """Bring back a project that was put aside and return its key.

        Raises:
            InputError: It is gone, or another one has its place.
        """
        place = confined_path(self.folder(visit) / TRASH_NAME, aside)
        with self._lock:
            if not place.is_dir():
                raise InputError(
                    "this project is gone for good.", "Its room was needed, or it was brought back."
                )
            return restore_project(place).name

    def _path(self, visit: Visit, key: str) -> Path:
        folder = self.folder(visit)
        with suppress(OSError):  # no file can have such a name, which is told below
            if Path(key).name == key and (folder / key).is_symlink():
                raise InputError(f"{key!r} cannot be used: {LINK_PROBLEM}")
        path = confined_path(folder, key)
        if not key or key.startswith(".") or path.parent != folder:
            raise InputError("this is no name of a project.", "Choose one of the list.")
        return path

    def _close(self, *paths: Path) -> None:
        with self._lock:
            for path in paths:
                self._drop_open(path)

    def _drop_open(self, path: Path) -> None:
        if (kept := self._projects.pop(path, None)) is not None:
            kept.project.close()

    # ---------------------------------------------------------------- room and runs

    def room(self, visit: Visit, wanted: int = 1) -> int:
        """Return how many bytes a visitor may still bring; at least 0.

        If that is less than what is wanted, what can be missed goes: projects that the visitor
        deleted, then files that were exported and can be made again.
        """
        limit = self.limits.visit_max_bytes
        if self.shared is not None:
            return limit
        left = limit - size_of(visit.folder)
        for place in self._spare(visit) if left < wanted <= limit else ():
            self._drop(place)
            if (left := limit - size_of(visit.folder)) >= wanted:
                break
        return max(left, 0)

    def check_room(self, visit: Visit, wanted: int = 1) -> None:
        """Refuse more files of a visitor whose folder is full; a folder of one's own has no limit.

        Args:
            visit: The visitor.
            wanted: Bytes that are about to be written.

        Raises:
            InputError: The limit is reached.
        """
        if self.shared is None and (left := self.room(visit, wanted)) < wanted:
            raise InputError(
                f"this needs {wanted / 1e6:.1f} MB of your room of "
                f"{self.limits.visit_max_bytes / 1e6:.0f} MB, {left / 1e6:.1f} MB are left.",
                "Export a project, take the file and delete it here first.",
            )

    def check_growth(self, visit: Visit) -> None:
        """Refuse edits of a visitor whose folder is full, as `check_room` does files.

        Edits are small and many, and measuring a folder is neither: it is done every few seconds
        while there is room, and each time while there is none.

        Raises:
            InputError: The limit is reached.
        """
        now = time.monotonic()
        if now - visit.measured_s >= _MEASURE_EVERY_S:
            self.check_room(visit)
            visit.measured_s = now

    def check_spare_room(self, visit: Visit) -> None:
        """Refuse to go on with an export that grows beyond twice a visitor's room.

        What is exported is no room of the visitor: also who has none left can take projects away.

        Raises:
            InputError: The limit is reached.
        """
        limit = 3 * self.limits.visit_max_bytes
        if self.shared is None and size_of(visit.folder) > limit:
            raise InputError(
                f"the export grows beyond {limit / 1e6:.0f} MB.", "Export the whole project."
            )

    def _spare(self, visit: Visit) -> list[Path]:
        """Folders that a visitor can miss, those first that are missed least."""
        root = self.folder(visit)
        exports = [
            path for path in root.glob(f"*/{EXPORTS_NAME}")
            if self.runs.of(str(path.parent)).is_over
        ]  # fmt: skip
        return [*deleted_projects(root), *exports]

    def _drop(self, place: Path) -> None:
        with self._lock:
            if place.name == EXPORTS_NAME:
                shutil.rmtree(place, ignore_errors=True)
            elif place.is_dir():
                purge(place)

    def run_key(self, visit: Visit, key: str) -> str:
        """Return the name of a project's runs; one project has one at a time."""
        return str(self._path(visit, key))

    def run_of(self, visit: Visit, key: str) -> Run:
        """Return the present or last run of a project."""
        return self.runs.of(self.run_key(visit, key))

    def _is_busy(self, visit: Visit) -> bool:
        if self.shared is not None:
            return False
        with self._lock:
            mine = [path for path in self._projects if path.is_relative_to(visit.folder.resolve())]
        return any(not self.runs.of(str(path)).is_over for path in mine)

    def _leave(self, visit: Visit) -> None:
        with self._lock:
            mine = [path for path in self._projects if path.is_relative_to(visit.folder.resolve())]
        self._close(*mine)
        for path in mine:
            self.runs.forget(str(path))

    def check_learning(self) -> None:
        """Refuse to train where that cannot work.

        Raises:
            MissingPackageError: PyTorch or Ultralytics is not installed.
            InputError: Projects are visitors' own: a training would outlive its visitor.
        """
        if self.shared is None:
            raise InputError(
                "training takes long and is off where every visitor has own projects.",
                "Export the project and train it on a machine of your own.",
            )
        require_training()

    # ---------------------------------------------------------------- scores

    def scores(
        self, project: Project, image_id: int, wished: Sequence[int] | None = None
    ) -> list[RankedScore]:
        """Return what the models think of an image's boxes as they are now, and keep it.

        Args:
            project: The project.
            image_id: The image.
            wished: Ids of boxes; None: all that have a caption.
        """
        return measure_image(
            project, self.scorer(project), image_id, wished, max_pixels=self.limits.max_pixels
        )

    def suggest(self, project: Project, image_id: int, xyxy: Xyxy) -> list[tuple[str, float]]:
        """Return the captions that fit a place in an image best, with the similarity of each.

        See `suggest_captions`; where nothing was asked for yet, the words that the models learnt.
        """
        scorer = self.scorer(project)
        words = scorer.vocabulary or usual_words(project)
        return suggest_captions(
            project, scorer, image_id, xyxy, words, max_pixels=self.limits.max_pixels
        )

    def scorer(self, project: Project) -> Scorer:
        """Return what measures a project's boxes, kept with all that it has seen."""
        locator, words = self.locator(project), asked_words(project)
        with self._lock:
            scorer = next(
                (s for s in self._scorers if s.locator is locator and s.vocabulary == words), None
            ) or Scorer(locator, words)
            others = [one for one in self._scorers if one is not scorer]
            self._scorers = [scorer, *others[: _SCORERS_MAX - 1]]  # the one used last first
            return scorer

    def locator(self, project: Project, *, score_min: float | None = None) -> Locator:
        """Return the pipeline of a project: its own, once one was trained, else the page's.

        Args:
            project: The project.
            score_min: Detector score from which it shows boxes; None: that of the settings.

        Raises:
            ConfigError: There is no such score.
        """
        config = project_config(project, self.service.base_config())
        if score_min is not None:
            config = config.with_values({"detect": {"score_min": score_min}})
        return self.service.locator(config)


def _file_of(folder: Path) -> tuple[int, int] | None:
    """Which file a project is, by its device and number; None where there is none."""
    try:
        found = (folder / DATABASE_NAME).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _used(folder: Path) -> float:
    """When a project was last written to; its log may vanish in this moment, and it too."""
    times = []
    for path in folder.glob(f"{DATABASE_NAME}*"):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times, default=0.0)
