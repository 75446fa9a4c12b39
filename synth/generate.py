"""Makes a labelled dataset of scenes, and shows, repeats or continues one.

Here: the job, its images in blocks over some processes, the export. Image i follows from the seed
and i alone, not from the number of processes or an interruption. Not here: what a scene shows
(``synth.sample``), its pixels (``synth.render``), the record of it (``synth.manifest``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError, InputError
from dataset.splits import SHARES, Shares
from synth.blends import same_objects
from synth.config import SceneConfig
from synth.export import export
from synth.job import GALLERY, Job, library_for
from synth.library import Library
from synth.manifest import MANIFEST_NAME, Parts, read_manifest
from synth.materials import check_materials, describe_software, usable_library
from synth.render import Rendered, render
from synth.splits import part_library, sample_image
from synth.work import OnProgress, checksum, clean_up, locked, run_blocks

__all__ = [
    "GALLERY",
    "Generated",
    "Job",
    "generate",
    "library_for",
    "preview",
    "replay",
    "usable_library",
]

PREVIEW_WIDTH_PX = 640
_NO_VAL_IN_YOLO = "Ultralytics then validates on the training images, and its figures mean nothing"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Generated:
    """What was made.

    Args:
        folder: The dataset's folder.
        images: Images in it.
        boxes: Boxes in it.
        dropped: Objects without a box, because too little of them is visible, and those left out,
            because nobody could find them.
        seconds: Time that this run took.
        warnings: What makes the data set worth less than it looks.
        notes: What else is worth knowing: splits left out, skipped files, images kept from before.
    """

    folder: Path
    images: int
    boxes: int
    dropped: int
    seconds: float
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def generate(job: Job, on_progress: OnProgress | None = None) -> Generated:
    """Make the images of a job that are not there yet, then its labels, card and statistics.

    Args:
        job: What to make.
        on_progress: Called with images done, images wanted and what is being done; may raise
            ``Cancelled``. What is done stays, and the same call goes on from there.

    Returns:
        Figures and notes.

    Raises:
        ConfigError: The folder holds images of another job.
        InputError: A folder cannot be used; the dataset's must be empty, or of an earlier run.
        DataError: The disk is full or not writable; what is done is kept.
        Cancelled: ``on_progress`` asked to stop.
    """
    began = time.monotonic()
    report = on_progress or (lambda done, total, stage: None)
    report(0, job.count, "checking cutouts and backgrounds")
    given = library_for(job.cutouts, job.backgrounds, job.config)
    library, digests, notes = check_materials(given)
    parts = part_library(library, job.shares)
    header = {
        "manifest": 1,
        "software": describe_software(),
        "seed": job.seed,
        "format": job.format,
        "config": job.config.model_dump(mode="json"),
        "library": digests,
        "options": job.options(),
    }
    with locked(job.out):
        finished = Parts(job.out)
        passing = finished.begin(header)
        done = finished.done()
        if done and max(done) >= job.count:
            raise ConfigError(
                f"{job.out} holds {max(done) + 1} images, more than the {job.count} asked for.",
                "Ask for at least as many, or choose another folder.",
            )
        clean_up(job.out, job.format, done)
        if done:
            passing.append(f"{len(done)} images kept from before")
        run_blocks(job, library, sorted(set(range(job.count)) - done), finished, report)
        finished.finish(job.count)
        report(job.count, job.count, "writing labels")
        _, entries = read_manifest(job.out / MANIFEST_NAME)
        skipped = [f"image {entry.index}: {entry.skipped}" for entry in entries if entry.skipped]
        made = [entry for entry in entries if not entry.skipped]
        warnings = _warn(job, {entry.split for entry in made})
        notes = [*parts.notes, *notes, *skipped]
        export(job, library, entries, [*warnings, *notes])
    return Generated(
        folder=job.out,
        images=len(made),
        boxes=sum(len(entry.xyxy) for entry in made),
        dropped=sum(entry.num_dropped for entry in made),
        seconds=time.monotonic() - began,
        warnings=tuple(warnings),
        notes=(*notes, *passing),
    )


def _warn(job: Job, splits: Collection[str]) -> list[str]:
    if "val" in splits or job.shares[1] <= 0:
        return []
    is_yolo = job.format.startswith("yolo")
    meaning = f": {_NO_VAL_IN_YOLO}" if is_yolo else ", to measure on while training"
    return [
        f"no image is for val{meaning}. More images, cutouts and backgrounds give it some, or a "
        "larger share for val"
    ]


def preview(
    library: Library,
    config: SceneConfig,
    seed: int,
    indices: Sequence[int],
    *,
    shares: Shares = SHARES,
    width_px: int = PREVIEW_WIDTH_PX,
) -> list[Rendered]:
    """The images of these numbers as ``generate`` would make them, but small.

    Args:
        library: Of ``usable_library`` with the same settings, kept between calls: image i is drawn
            by number from what is usable.
        config: What scenes look like.
        seed: Names the sequence of scenes.
        indices: Numbers of images.
        shares: Of train, val and test.
        width_px: Largest width of the images.
    """
    parts = part_library(library, shares)
    shown = []
    for index in indices:
        drawn = sample_image(parts, config, seed, index)
        plan = drawn.plan
        if plan.canvas_wh[0] > width_px:
            plan = plan.scaled(width_px)
        plan = same_objects(plan, drawn.blends, library)
        shown.append(render(plan, library))
    return shown


_OTHER_FOLDERS = "Give the folders that the data set was made from: --cutouts, --backgrounds."


def replay(
    manifest: Path, index: int, cutouts: Sequence[Path], backgrounds: Sequence[Path]
) -> Rendered:
    """The image of a manifest's line, its pixels exactly as they were before encoding.

    Args:
        manifest: The ``manifest.jsonl`` of a dataset, or its folder.
        index: Number of the image.
        cutouts: The folders that it was made from.
        backgrounds: Likewise.

    Raises:
        DataError: The manifest cannot be read.
        InputError: It has no such image, or the folders lack something the image shows.
    """
    manifest = manifest / MANIFEST_NAME if manifest.is_dir() else manifest
    header, entries = read_manifest(manifest)
    found = [entry for entry in entries if entry.index == index]
    if not found:
        raise InputError(f"{manifest} has images 0 to {len(entries) - 1}, got index {index}.")
    config = SceneConfig.model_validate(header["config"])
    library = library_for(cutouts, backgrounds, config)
    try:
        scene = render(found[0].plan, library, outlines=bool(header["options"]["outlines"]))
    except InputError as error:
        raise InputError(error.message, error.hint or _OTHER_FOLDERS) from error
    if found[0].checksum not in ("", checksum(scene)):
        _log.warning(
            "image %d differs from the one that was made: other cutouts, backgrounds or software",
            index,
        )
    return scene
