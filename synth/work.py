"""The work on images: in blocks, in this process or in several, one run a folder at a time.

A block's images are written first and its line file last, each complete or not at all; so a run
that is killed at any moment leaves blocks that are done and others that are simply made again.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, InputError
from core.files import replaced_name, write_bytes
from core.locks import try_lock
from core.memory import keep_freed_memory
from dataset.splits import SPLITS
from synth.blends import same_objects
from synth.export import IMAGE_PREFIX, STATISTICS_NAME, image_file
from synth.job import Job
from synth.library import Library
from synth.manifest import HEADER_NAME, MANIFEST_NAME, PARTS_NAME, Entry, Parts
from synth.render import Rendered, render
from synth.splits import SplitLibrary, part_library, sample_image

__all__ = [
    "OnProgress",
    "checksum",
    "clean_up",
    "encode_jpeg",
    "locked",
    "make_block",
    "open_pool",
    "run_blocks",
]

OnProgress = Callable[[int, int, str], None]
_BLOCK = 8
_IMAGE = re.compile(rf"{IMAGE_PREFIX}(\d{{7,}})\.jpg", re.ASCII)
_NAMES = "|".join(map(re.escape, (HEADER_NAME, MANIFEST_NAME, STATISTICS_NAME)))
_WRITTEN = re.compile(rf"{_IMAGE.pattern}|\d{{7,}}-\d{{7,}}\.jsonl|{_NAMES}", re.ASCII)
_STAGE = "making images"


@dataclass(slots=True)
class _Worker:
    """What a process needs to make images; set once when it starts."""

    job: Job
    library: Library
    parts: SplitLibrary


_WORKER: list[_Worker] = []


def run_blocks(
    job: Job, library: Library, indices: Sequence[int], finished: Parts, report: OnProgress
) -> None:
    """Make the images of these numbers and write their blocks.

    Raises:
        DataError: The disk is full, or a process died.
        Cancelled: From ``report``.
    """
    blocks = [indices[i : i + _BLOCK] for i in range(0, len(indices), _BLOCK)]
    before = job.count - len(indices)
    if job.workers == 1 or len(blocks) < 2:
        _run_here(_Worker(job, library, part_library(library, job.shares)), blocks, finished,
                  lambda made: report(before + made, job.count, _STAGE))  # fmt: skip
    else:
        _run_pool(job, library, blocks, finished,
                  lambda made: report(before + made, job.count, _STAGE))  # fmt: skip


def _run_here(
    worker: _Worker, blocks: Sequence[Sequence[int]], finished: Parts, report: Callable[[int], None]
) -> None:
    made = 0
    for block in blocks:
        lines = []
        for index in block:
            lines.append(_make_image(worker, index).to_line())
            made += 1
            if index != block[-1]:
                report(made)
        # The block first: who stops now finds it done.
        finished.write(block, lines)
        report(made)


def _run_pool(
    job: Job,
    library: Library,
    blocks: Sequence[Sequence[int]],
    finished: Parts,
    report: Callable[[int], None],
) -> None:
    pool = open_pool(job, library)
    waiting: dict[Future[list[str]], Sequence[int]] = {}
    left, made = iter(blocks), 0
    try:
        while True:
            for block in left:
                waiting[pool.submit(make_block, block)] = block
                if len(waiting) >= 2 * job.workers:
                    break
            if not waiting:
                break
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                block = waiting.pop(future)
                finished.write(block, future.result())
                made += len(block)
                report(made)
    except BrokenProcessPool as error:
        raise DataError(
            "a process that makes images died, perhaps for lack of memory.",
            "Run the same command again with fewer workers; what was made is kept.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def open_pool(job: Job, library: Library) -> ProcessPoolExecutor:
    """Processes that wait for ``make_block``; they end with this one."""
    # spawn: a fork of a process with threads, such as the page, may hang.
    setup = (job, library.cutouts, library.backgrounds, library.background_side_px)
    return ProcessPoolExecutor(job.workers, get_context("spawn"), _start_worker, setup)


def _start_worker(job: Job, cutouts: Sequence, backgrounds: Sequence, side_px: int) -> None:
    cv2.setNumThreads(1)
    keep_freed_memory()
    threading.Thread(target=_follow_parent, args=(os.getppid(),), daemon=True).start()
    library = Library(cutouts, backgrounds, background_side_px=side_px, cache_bytes=200_000_000)
    _WORKER.append(_Worker(job, library, part_library(library, job.shares)))


def _follow_parent(parent: int) -> None:
    """End with the process that started this one, also when that one is killed."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os._exit(1)


def make_block(block: Sequence[int]) -> list[str]:
    """The manifest's lines of some images, made in a process of ``open_pool``."""
    return [_make_image(_WORKER[-1], index).to_line() for index in block]


def _make_image(worker: _Worker, index: int) -> Entry:
    """Draw, render and write one image; one that cannot be drawn becomes a note, not an end."""
    job = worker.job
    drawn = sample_image(worker.parts, job.config, job.seed, index)
    group = worker.library.background_entry(drawn.plan.background).group
    try:
        plan = same_objects(drawn.plan, drawn.blends, worker.library)
        drawn = replace(drawn, plan=plan)
        scene = render(plan, worker.library, outlines=job.outlines)
        data = encode_jpeg(scene.image, job.jpeg_quality)
    except (InputError, cv2.error) as error:
        reason = " ".join(str(error).split())
        return Entry(index, "", drawn.split, group, drawn.plan, skipped=reason)
    file = image_file(job.format, drawn.split, index)
    write_bytes(job.out / file, data)
    return Entry(
        index=index,
        file=file,
        split=drawn.split,
        group=group,
        plan=drawn.plan,
        xyxy=tuple(tuple(box) for box in scene.xyxy.tolist()),
        captions=scene.captions,
        class_names=scene.class_names,
        cutouts=scene.cutouts,
        visible_ratio=tuple(scene.visible_ratio.tolist()),
        outlines=scene.outlines,
        num_dropped=scene.num_dropped,
        image_wh=(scene.image.shape[1], scene.image.shape[0]),
        checksum=checksum(scene),
    )


def checksum(scene: Rendered) -> str:
    """CRC-32 of an image's pixels, 8 hex digits: tells whether a replay is the same."""
    return f"{zlib.crc32(np.ascontiguousarray(scene.image).data):08x}"


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """An image, uint8 (h, w, 3) RGB, as JPEG; OpenCV is a little quicker than Pillow."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder, so that no second run writes to it; made if missing.

    Raises:
        DataError: Another run holds it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _open_to_lock(folder)
    except OSError as error:
        raise DataError(
            f"cannot use the folder {folder}: {error.strerror}.", "Choose another folder."
        ) from error
    try:
        if not try_lock(handle):
            raise DataError(
                f"another run is writing to {folder}.", "Wait for it, or choose another folder."
            )
        yield
    finally:
        os.close(handle)


def _open_to_lock(folder: Path) -> int:
    if sys.platform == "win32":  # folders themselves cannot be opened there
        return os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    return os.open(folder, os.O_RDONLY)


def clean_up(folder: Path, format_name: str, done: Collection[int]) -> None:
    """Remove what a killed run left: half-written files, and images of unfinished blocks.

    Looks nowhere but right in the folders that a run of this format writes to, and touches no name
    that such a run does not give.

    Args:
        folder: The dataset's folder; holds the manifest or the parts of such a run.
        format_name: As in the job.
        done: Numbers of the images that stay.
    """
    images = {(folder / image_file(format_name, split, 0)).parent for split in SPLITS}
    for place in sorted({folder, folder / PARTS_NAME, *images}):
        for path in place.iterdir() if place.is_dir() else ():
            image = _IMAGE.fullmatch(path.name) if place in images else None
            unfinished = image is not None and int(image[1]) not in done
            if (unfinished or _WRITTEN.fullmatch(replaced_name(path.name))) and path.is_file():
                path.unlink(missing_ok=True)
