"""The command `project queue`: which pictures wait for a person, and how far the project is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.words import counted

if TYPE_CHECKING:
    from frontends.service import Service
    from project.listing import Filter
    from project.store import Project
    from project.types import ImageRow, Progress

__all__ = ["add_queue_parser"]

_SHOWN = 20
_STATES = ("waiting", "new", "proposed", "done", "skipped", "all")


def add_queue_parser(kinds: Any) -> None:
    """Add `project queue`."""
    queue = kinds.add_parser("queue", help="what waits for a person, most doubtful first")
    queue.set_defaults(run=_run_queue)
    queue.add_argument("folder", type=Path, metavar="DIR", help="folder of the project")
    queue.add_argument("--limit", type=int, default=_SHOWN, help=f"how many (default {_SHOWN})")
    queue.add_argument(
        "--state", choices=_STATES,
        help="waiting (new or proposed; usual, but for --lacking), one state, or all",
    )  # fmt: skip
    queue.add_argument("--text", default="", help="with this in the name or in a caption")
    queue.add_argument("--class", dest="class_name", default="", help="with a box of this class")
    queue.add_argument(
        "--boxes", choices=("proposed", "confirmed", "rejected"), help="with a box of this state"
    )
    queue.add_argument(
        "--score-max", type=float, metavar="SCORE", help="with a box of at most this detector score"
    )
    queue.add_argument(
        "--lacking", action="store_true",
        help="with a caption that came with it and has no box, also where it is done",
    )  # fmt: skip
    queue.add_argument("--json", action="store_true", help="print it as JSON")


def _run_queue(options: argparse.Namespace, service: Service | None) -> int:
    from project.listing import Filter
    from project.store import Project

    state = options.state or ("all" if options.lacking else "waiting")
    wished = Filter(
        None if state in ("waiting", "all") else state,
        options.text, options.class_name, options.boxes, options.score_max,
        lacking=options.lacking, waiting=state == "waiting",
    )  # fmt: skip
    with Project.open(options.folder) as project:
        rows = project.images("queue", limit=options.limit, wished=wished)
        count = project.count(wished=wished)
        nothing = "" if rows else _nothing(project, wished)
        progress = project.progress()
    if options.json:
        told = _queue_dict(rows, count, progress)
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return 0
    lines = _listed(rows) if rows else [nothing]
    if len(rows) < count:
        lines.append(f"{len(rows)} of {count}, more with --limit.")
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, _progress_line(progress)]))
    return 0


def _listed(rows: Sequence[ImageRow]) -> list[str]:
    """A head and a line for each picture, in columns."""
    told = [("doubt", "state", "picture", "boxes", "why it is doubtful")]
    for row in rows:
        boxes = f"{row.proposed} proposed, {row.confirmed} confirmed"
        told.append((f"{row.doubt:.2f}", row.state, row.name, boxes, row.doubt_reason or "-"))
    widths = [max(len(line[column]) for line in told) for column in range(5)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in told
    ]


def _nothing(project: Project, wished: Filter) -> str:
    """Why no picture is listed."""
    if not project.count():
        return "The project has no picture yet: project import brings some."
    if not wished.waiting:
        return "No such picture."
    if wished == type(wished)(waiting=True):
        skipped = project.count("skipped")
        later = f" {counted(skipped, 'picture')} put off: --state skipped." * bool(skipped)
        return f"Nothing waits.{later}"
    settled = project.count(wished=replace(wished, waiting=False))
    others = f" {counted(settled, 'settled picture')}: --state all." * bool(settled)
    return f"Nothing like that waits.{others}"


def _queue_dict(rows: Sequence[ImageRow], count: int, progress: Progress) -> dict[str, object]:
    return {
        "images": [
            {
                "name": row.name, "state": row.state, "doubt": row.doubt,
                "reason": row.doubt_reason, "proposed": row.proposed, "confirmed": row.confirmed,
                "rejected": row.rejected, "error": row.error,
            }
            for row in rows
        ],
        "count": count,
        "states": dict(progress.images),
        "boxes": dict(progress.boxes),
        "seconds_per_image": progress.seconds_per_image,
        "left_s": progress.left_s,
    }  # fmt: skip


def _progress_line(progress: Progress) -> str:
    text = f"{progress.done} of {progress.total} pictures done"
    if progress.seconds_per_image is not None and progress.left_s is not None:
        text += (
            f", {progress.seconds_per_image:.0f} s a picture, {progress.left_s / 60:.0f} min left"
        )
    return text + "."
