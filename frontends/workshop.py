"""What the tab Synthesize does for a visitor: material, previews, data sets, sending them away.

Knows no page. In: a visit and what is wished for; out: scenes, figures, files of the visit.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from core.errors import Cancelled, ConfigError, DataError, InputError
from dataset.archive import pack
from dataset.hub import push_folder
from dataset.record import Dataset
from dataset.registry import FORMATS
from dataset.statistics import summarize
from frontends.chosen import Choice, Folders, choose_folders, forget_choices
from frontends.made import Made, begin_folder, count_kept, remove_others, zip_of
from frontends.material import Brought, Taken, add_backgrounds, add_own_cutouts, remove_backgrounds
from frontends.runs import Run, Runs, RunState
from frontends.service import Limits
from frontends.visits import Visit, Visits, size_of
from frontends.wishes import Wish
from synth.config import SceneConfig
from synth.cutout_folder import describe, read_folder, remove
from synth.export import to_dataset
from synth.generate import GALLERY, Job, generate, library_for, preview
from synth.library import Background, Cutout, Library, read_backgrounds, read_cutouts
from synth.manifest import MANIFEST_NAME, read_manifest
from synth.materials import usable_library
from synth.render import Rendered
from synth.work import OnProgress

__all__ = ["Workshop"]

_LIBRARIES = 4
_PREVIEWS_AT_ONCE = 2
_COUNT_FOR_TWO = 100
_MEASURED_EVERY_S = 2.0
_TYPICAL_FROM = 32  # so many pictures tell how large the others will be


class Workshop:
    """Works for every visitor; safe to use from several threads.

    Args:
        limits: What is accepted from strangers.
        root: Parent of the visitors' folders.
        gallery: Our cutouts and backgrounds.
    """

    def __init__(self, limits: Limits, *, root: Path, gallery: tuple[Path, Path] = GALLERY) -> None:
        self.limits = limits
        self.gallery = gallery
        self._runs = Runs(limits.synth_max_runs)
        self.visits = Visits(root, busy=self._is_busy, removed=self._forget)
        self._made: dict[str, Made] = {}
        self._jobs: dict[str, Job] = {}
        self._libraries: OrderedDict[str, Library] = OrderedDict()
        self._lock = threading.Lock()
        self._previewing = threading.Semaphore(_PREVIEWS_AT_ONCE)

    # ---------------------------------------------------------------- material

    def our_cutouts(self) -> list[Cutout]:
        """Return our own cutouts."""
        return read_cutouts(self.gallery[0])

    def our_backgrounds(self) -> list[Background]:
        """Return our own backgrounds."""
        return read_backgrounds(self.gallery[1])

    def own_cutouts(self, visit: Visit) -> list[Cutout]:
        """Return the visitor's cutouts."""
        return read_folder(visit.folder / "cutouts")

    def own_backgrounds(self, visit: Visit) -> list[Background]:
        """Return the visitor's backgrounds."""
        folder = visit.folder / "backgrounds"
        return read_backgrounds(folder) if folder.is_dir() else []

    def add(self, visit: Visit, kind: str, files: Sequence[Brought]) -> Taken:
        """Add what a visitor brought to their cutouts or backgrounds.

        The uploads stay: Gradio names them by content, so others may be using the same ones.

        Raises:
            InputError: The visitor's files take too much room, or there are too many.
        """
        if len(files) > self.limits.synth_max_files:
            raise InputError(
                f"{len(files)} files are too many, the limit is {self.limits.synth_max_files}.",
                "Leave some out.",
            )
        self._check_room(visit)
        adding = add_own_cutouts if kind == "cutouts" else add_backgrounds
        with visit.lock:
            return adding(
                files,
                visit.folder / kind,
                most=self.limits.synth_max_files,
                max_pixels=self.limits.max_pixels,
                max_bytes=self.limits.visit_max_bytes,
            )

    def folder_for_cutout(self, visit: Visit) -> Path:
        """Return the folder of the visitor's cutouts, which takes one more.

        Raises:
            InputError: It does not: there are too many, or they take too much room.
        """
        self._check_room(visit)
        count, most = len(self.own_cutouts(visit)), self.limits.synth_max_files
        if count >= most:
            raise InputError(
                f"you have {count} cutouts, the limit is {most}.", "Remove some of them first."
            )
        return visit.folder / "cutouts"

    def pack_cutouts(self, visit: Visit) -> Path:
        """Return a ZIP of the visitor's cutouts with their words, which `add` takes back.

        Raises:
            InputError: The visitor's files take too much room.
            DataError: There is none.
        """
        self._check_room(visit)
        with visit.lock:
            pack(visit.folder / "cutouts", packed := visit.folder / "packed" / "cutouts.zip")
        return packed

    def change(self, visit: Visit, name: str, *, caption: str, class_name: str) -> None:
        """Give one of the visitor's cutouts another caption and type."""
        with visit.lock:
            describe(visit.folder / "cutouts", name, caption=caption, class_name=class_name)

    def remove(self, visit: Visit, kind: str, names: Sequence[str]) -> None:
        """Remove some of the visitor's material; names that are gone are passed over."""
        with visit.lock:
            if kind == "cutouts":
                known = {cutout.name for cutout in self.own_cutouts(visit)}
                for name in known & set(names):
                    remove(visit.folder / "cutouts", name)
                return
            gone = [one.path.name for one in self.own_backgrounds(visit) if one.name in names]
            remove_backgrounds(visit.folder / "backgrounds", gone)

    # ---------------------------------------------------------------- scenes

    def preview(
        self, visit: Visit | None, wish: Wish, indices: Sequence[int], *, width_px: int
    ) -> list[Rendered]:
        """Return some scenes as they would be made, no wider than `width_px`.

        Args:
            visit: Whose material is used; None uses ours.
            wish: What is wished for.
            indices: Numbers of pictures.
            width_px: Largest width.

        Raises:
            InputError: No cutout or background is chosen.
        """
        self._check_size(wish.config)
        folders = self._folders(visit, wish.choice)
        with self._previewing:
            library = self._library(folders, wish.config)
            return preview(
                library, wish.config, wish.seed, indices, shares=wish.shares, width_px=width_px
            )

    def _folders(self, visit: Visit | None, choice: Choice) -> Folders:
        if visit is None:
            return choose_folders(self.gallery[0], Choice(), self.gallery)
        with visit.lock:
            folders = choose_folders(visit.folder, choice, self.gallery)
            used = {*folders.cutouts, *folders.backgrounds, *self._used(visit)}
            forget_choices(visit.folder, frozenset(used))
        return folders

    def _used(self, visit: Visit) -> tuple[Path, ...]:
        """Folders that a data set is being drawn from."""
        job = self._jobs.get(visit.key)
        if job is None or not self._is_busy(visit):
            return ()
        return (*job.cutouts, *job.backgrounds)

    def _library(self, folders: Folders, config: SceneConfig) -> Library:
        """The library of some folders; kept, so that a turned knob decodes nothing anew."""
        sides = (max(config.canvas_wh), config.window_ratio_min)
        key = f"{folders.key} {sides}"
        with self._lock:
            if key in self._libraries:
                self._libraries.move_to_end(key)
                return self._libraries[key]
        library, _ = usable_library(folders.cutouts, folders.backgrounds, config)
        with self._lock:
            self._libraries[key] = library
            while len(self._libraries) > _LIBRARIES:
                self._libraries.popitem(last=False)
        return library

    # ---------------------------------------------------------------- data sets

    def start(
        self, visit: Visit, wish: Wish, *, count: int, format: str, single_class: bool
    ) -> Run:
        """Begin a data set and return its run; one that was stopped is continued.

        Raises:
            InputError: Another run is not over, or the wish is larger than allowed.
            UnknownNameError: There is no such format.
        """
        if not 1 <= count <= self.limits.synth_max_images:
            raise InputError(
                f"got {count} pictures, allowed are 1 to {self.limits.synth_max_images}.",
                "Make fewer at a time.",
            )
        FORMATS.entry(format)
        self._check_size(wish.config)
        self._check_room(visit)
        # Nobody may forget the chosen folders before they are known to be used.
        with visit.lock:
            job = self._job(visit, wish, count, format, single_class)
            run = self._runs.start(visit.key, lambda run: self._make(visit, job, run))
            self._jobs[visit.key] = job
        return run

    def _job(self, visit: Visit, wish: Wish, count: int, format: str, single_class: bool) -> Job:
        folders = self._folders(visit, wish.choice)
        name = f"{wish.key}-{folders.key}-{format}-{single_class:d}"
        # A second process costs seconds to start: so few wait for it.
        two = count >= _COUNT_FOR_TWO and (os.cpu_count() or 1) > 1
        return Job(
            out=visit.folder / "made" / name / "dataset",
            count=count,
            seed=wish.seed,
            format=format,
            config=wish.config,
            cutouts=folders.cutouts,
            backgrounds=folders.backgrounds,
            workers=2 if two else 1,
            single_class=single_class,
            shares=wish.shares,
        )

    def _make(self, visit: Visit, job: Job, run: Run) -> RunState:
        try:
            return self._make_on(visit, job, run, count_kept(job))
        except Cancelled:
            # Of a block that was not finished nothing is kept.
            run.done, run.total = count_kept(job), job.count
            raise

    def _make_on(self, visit: Visit, job: Job, run: Run, kept: int) -> RunState:
        run.report("drawing", kept, job.count)
        # Who wished for what cannot be made keeps what was made before.
        usable_library(job.cutouts, job.backgrounds, job.config)
        made = self._made.get(visit.key)
        if made and made.generated.folder == job.out and made.zip_path != zip_of(job):
            made = None  # it changes where it lies
            self._made.pop(visit.key, None)
        before = {made.zip_path} if made else set()
        remove_others(visit.folder / "made", {job.out.parent, *(path.parent for path in before)})
        begin_folder(job, before)
        generated = generate(job, self._watch(job, run, kept, visit))
        pack(job.out, zip_of(job), lambda done, total: run.report("packing", done, total))
        dataset = self._read_back(job)
        made = Made(generated, job.format, dataset, summarize(dataset), zip_of(job))
        if self.visits.knows(visit):  # else nobody would ever forget it
            self._made[visit.key] = made
        remove_others(visit.folder / "made", {job.out.parent})
        return "done"

    def _watch(self, job: Job, run: Run, kept: int = 0, visit: Visit | None = None) -> OnProgress:
        """Passes progress on, and ends a run whose data set will take too much room.

        The visitor's data set before goes as soon as both of them take too much.
        """
        limit, measured_s = self.limits.visit_max_bytes, time.monotonic()

        def report(done: int, total: int, stage: str) -> None:
            nonlocal measured_s
            run.report("drawing", max(done, kept), total)
            if done < total and time.monotonic() < measured_s + _MEASURED_EVERY_S:
                return
            measured_s = time.monotonic()
            size = 2 * size_of(job.out)  # the ZIP file holds all of it once more
            there = size
            if done >= min(_TYPICAL_FROM, total):
                size = size * total // done
            if size > limit:
                raise DataError(
                    f"this data set takes about {size / 1e6:.0f} MB with its ZIP file, "
                    f"the limit is {limit / 1e6:.0f} MB.",
                    "Make fewer or smaller pictures.",
                )
            made = self._made.get(visit.key) if visit else None
            earlier = made.zip_path.parent if made else job.out.parent
            if visit and earlier != job.out.parent and there + size_of(earlier) > limit:
                self._made.pop(visit.key, None)
                remove_others(visit.folder / "made", {job.out.parent})

        return report

    def _read_back(self, job: Job) -> Dataset:
        """The images in their order, with types and captions, which not every format keeps."""
        library = library_for(job.cutouts, job.backgrounds, job.config)
        _, entries = read_manifest(job.out / MANIFEST_NAME)
        return to_dataset(job.out, library, entries, single_class=False)

    def run(self, visit: Visit) -> Run:
        """Return the visitor's present or last run."""
        return self._runs.of(visit.key)

    def made(self, visit: Visit) -> Made:
        """Return the visitor's finished data set.

        Raises:
            InputError: There is none.
        """
        made = self._made.get(visit.key)
        if made is None or not made.zip_path.is_file():
            raise InputError("there is no data set yet.", "Make one first.")
        return made

    def has_made(self, visit: Visit) -> bool:
        """Return whether the visitor has a finished data set."""
        return visit.key in self._made

    def push(self, visit: Visit, repo: str, *, token: str, private: bool) -> Run:
        """Begin to send the visitor's data set to Hugging Face and return the run.

        Raises:
            InputError: There is none, or another run is not over.
        """
        folder = self.made(visit).generated.folder

        def send(run: Run) -> RunState:
            run.url = push_folder(
                folder,
                repo,
                token=token,
                private=private,
                on_progress=lambda done, total: run.report("sending", done, total),
            )
            return "sent"

        return self._runs.start(visit.key, send)

    # ---------------------------------------------------------------- limits

    def _check_room(self, visit: Visit) -> None:
        used = size_of(visit.folder / "cutouts", visit.folder / "backgrounds")
        limit = self.limits.visit_max_bytes
        if used > limit:
            raise InputError(
                f"your cutouts and backgrounds take {used / 1e6:.0f} MB, "
                f"the limit is {limit / 1e6:.0f} MB.",
                "Remove some of them first.",
            )

    def _check_size(self, config: SceneConfig) -> None:
        width, height = config.canvas_wh
        if width * height > self.limits.synth_max_pixels:
            raise ConfigError(
                f"canvas_wh of {width} × {height} is {width * height / 1e6:.1f} megapixels, "
                f"the limit here is {self.limits.synth_max_pixels / 1e6:g}.",
                "Choose a smaller size.",
            )

    def _is_busy(self, visit: Visit) -> bool:
        return not self._runs.of(visit.key).is_over

    def _forget(self, visit: Visit) -> None:
        self._runs.forget(visit.key)
        self._jobs.pop(visit.key, None)
        self._made.pop(visit.key, None)
