"""Data sets in a visitor's folder: a finished one, what a run finds done, what goes.

Knows no page. Each wish has a folder of its own below `made`, with the data set, its ZIP file and
how many pictures were asked for last (`count`).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from core.files import write_bytes
from dataset.record import Dataset
from dataset.statistics import Statistics
from synth.generate import Generated, Job
from synth.manifest import Parts

__all__ = ["Made", "begin_folder", "count_kept", "remove_others", "zip_of"]


@dataclass(frozen=True, slots=True)
class Made:
    """A finished data set of a visitor.

    Args:
        generated: What the generator says about it.
        format: Its file format.
        dataset: Its records, with a class for each type whatever the format's files say.
        statistics: Its figures.
        zip_path: The whole of it, packed.
    """

    generated: Generated
    format: str
    dataset: Dataset
    statistics: Statistics
    zip_path: Path


def zip_of(job: Job) -> Path:
    """Return where a job's data set is packed to."""
    return job.out.parent / f"spotter-{job.format}-{job.count}.zip"


def count_kept(job: Job) -> int:
    """Return how many pictures of an earlier run a job goes on from."""
    return len(Parts(job.out).done()) if _continues(job) else 0


def begin_folder(job: Job, keep: Collection[Path] = ()) -> None:
    """Make a job's folder ready: old ZIP files go, and a larger data set, which is begun anew.

    Args:
        job: What is made next.
        keep: ZIP files that stay.
    """
    for archive in job.out.parent.glob("*.zip"):
        if archive not in keep:
            archive.unlink(missing_ok=True)
    if not _continues(job):
        shutil.rmtree(job.out, ignore_errors=True)
    write_bytes(job.out.parent / "count", str(job.count).encode())


def remove_others(made: Path, keep: Collection[Path]) -> None:
    """Remove the folders of all data sets of a visitor but some."""
    for folder in made.glob("*"):
        if folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)


def _continues(job: Job) -> bool:
    """Whether a job goes on with its folder: a data set may grow; a smaller one is begun anew."""
    counted = job.out.parent / "count"
    return not counted.is_file() or 1 <= _read_count(counted) <= job.count


def _read_count(path: Path) -> int:
    """How many pictures were asked for before; 0 where the file does not tell."""
    try:
        return int(path.read_bytes())
    except ValueError:
        return 0
