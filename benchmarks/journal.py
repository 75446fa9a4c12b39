"""How much a project grows by what is done to it: bytes an edit, a proposal, a full journal.

    python -m benchmarks.journal --json

Counts the pages of the database of one project in a temporary folder; other work on the machine
does not change them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe_commit, describe_machine
from project.pictures import Picture
from project.proposals import Proposal
from project.store import Project
from project.trimming import WEIGHT_KEPT
from project.types import Add, Move

__all__ = ["main", "measure"]

_IMAGES = 200
_BOXES = 5
_CAPTION = "red and white light aircraft"
_BATCH = 50  # edits of one call, so that a full journal is soon made


def measure(folder: Path) -> dict[str, object]:
    """Return what the database of a project takes, bytes, by what was done."""
    with Project.create(folder, "growing") as project:
        ids = [
            project.add(Picture(str(i).encode(), f"{i:064x}", ".png", (1520, 870), i), f"{i}")[0]
            for i in range(_IMAGES)
        ]
        empty = _size(project)
        _propose(project, ids, "first")
        proposed = _size(project)
        for number in range(9):
            _propose(project, ids, str(number))
        again = _size(project)
        for image_id in ids:
            _edit(project, image_id, [Add((9.0, 9.0, 99.0, 99.0), caption=_CAPTION)])
        edited = _size(project)
        _work(project, ids[0], WEIGHT_KEPT)
        full = _size(project)
        _work(project, ids[0], 2 * WEIGHT_KEPT)
        over = _size(project)
    return {
        "images": _IMAGES,
        "bytes_per_image": empty / _IMAGES,
        "bytes_per_proposal": (proposed - empty) / (_IMAGES * _BOXES),
        "growth_of_nine_more_prelabellings": again / proposed - 1,
        "bytes_per_drawn_box": (edited - again) / _IMAGES,
        "bytes_per_change": (full - edited) / WEIGHT_KEPT,
        "weight_kept_per_image": WEIGHT_KEPT,
        "full_journal_bytes": full - edited,
        "twice_as_many_edits_later_bytes": over - edited,
    }


def _propose(project: Project, ids: Sequence[int], key: str) -> None:
    boxes = [Proposal((100.0 * i, 9.0, 100.0 * i + 50, 99.0), caption=_CAPTION, detector=0.5)
             for i in range(1, 1 + _BOXES)]  # fmt: skip
    for image_id in ids:
        project.propose(image_id, boxes, source="model:mini", key=key)


def _edit(project: Project, image_id: int, edits: Sequence[Add | Move]) -> None:
    project.apply(image_id, edits, who="ann", version=project.image(image_id).version)


def _work(project: Project, image_id: int, changes: int) -> None:
    box_id = project.boxes(image_id)[-1].id
    for _ in range(changes // _BATCH):
        _edit(
            project,
            image_id,
            [Move(box_id, (10.0 + x, 10.0, 100.0 + x, 100.0)) for x in range(_BATCH)],
        )


def _size(project: Project) -> int:
    with project._database.read() as connection:
        pages, bytes_each = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "page_size")
        )
    return pages * bytes_each


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the measurement and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        told = measure(Path(folder) / "project")
    if options.json:
        told = {"machine": describe_machine(), "commit": describe_commit(), **told}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        for name, value in told.items():
            sys.stdout.write(f"{name:36}{value:>14,.1f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
