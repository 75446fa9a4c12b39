"""The tab Annotate: projects, the queue, the picture with its boxes, and the sheets around them.

Holds layout only; the functions behind it are in `annotate_handlers` and `annotate_runs`. Boxes are
drawn and moved in the browser alone; each finished edit is sent after it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from dataset.splits import SHARES, SPLITS
from frontends.desk import Desk
from frontends.desk_runs import WHOLE
from frontends.project_out import EXPORTS
from frontends.service import Limits
from frontends.ui import text_annotate as text
from frontends.ui import text_keys, text_sheets
from frontends.ui.annotate_handlers import (
    create_label_calls,
    create_project_calls,
    create_visit_calls,
)
from frontends.ui.annotate_runs import create_run_calls
from frontends.ui.annotate_sheets import (
    create_kind_calls,
    create_lesson_calls,
    create_review_calls,
)
from frontends.ui.palette import COLORS, MARKS
from frontends.ui.parts import create_part
from frontends.ui.picture import create_picture
from frontends.ui.synth import can_sign_in
from frontends.ui.uploads import labels_max_bytes
from frontends.ui.visit import create_visit
from project.classes import UNNAMED
from project.prelabel import GIVEN_SCORE_MIN, PROPOSED_SCORE_MIN

__all__ = ["create_annotate"]

ROOM = "annotate"
_SUSPICIONS_SHOWN = 200
_PATIENCE_MS = 20_000  # with a caption that is to be given before anything else
_NOT_PARTED = ("cutouts", WHOLE)
_LIGHT: dict[str, Any] = {"concurrency_id": "annotate", "concurrency_limit": 4}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def create_annotate(page: gr.Blocks, desk: Desk) -> None:
    """Lay out the tab inside a page and connect it.

    Args:
        page: The page that is being made.
        desk: Does all the work.
    """
    label, run = create_label_calls(desk), create_run_calls(desk)
    enter, leave = create_visit_calls(desk)
    with gr.Column(elem_classes="spotter-annotate", elem_id="annotate"):
        visit = create_visit(room=ROOM, tab="annotate", elem_id="annotate-visit")
        _part(
            "desk",
            "annotate-desk",
            words=text.DESK,
            colors=len(COLORS),
            marks=len(MARKS),
            unnamed=UNNAMED,
            calls=[
                label[name] for name in ("queue", "photo", "edit", "step", "score", "set_removed")
            ],
        )
        projects = _part(
            "projects", "annotate-projects", words=text.PROJECTS, calls=create_project_calls(desk)
        )
        with gr.Column(elem_classes="annotate-bench"):
            _create_bench(label, run, desk.limits)
        _create_sheets(desk, run)
    visit.enter(enter, None, [visit, projects], **_LIGHT, **_QUIET)
    page.unload(leave)


def _create_bench(label: dict[str, Any], run: dict[str, Any], limits: Limits) -> None:
    """Where one works: the head, the filmstrip, the picture, its boxes, and what ends it."""
    following = ("import_files", "run_state", "stop_run", "describe_project")
    _part(
        "bench",
        "annotate-head",
        words=text.BENCH,
        upload_max_bytes=limits.upload_max_bytes,
        archive_max_bytes=limits.archive_max_bytes,
        labels_max_bytes=labels_max_bytes(limits),
        calls=[run[name] for name in following],
    )
    _part("strip", "annotate-strip", words=text.STRIP, calls=[label["thumbs"]])
    create_picture(
        room=ROOM, upload_max_bytes=0, fixed=True, editable=True, elem_id="annotate-picture"
    )
    with gr.Column(elem_classes="annotate-side"):
        _part(
            "boxlist",
            "annotate-boxes",
            words=text.BOXES,
            picture="annotate-picture",
            patience_ms=_PATIENCE_MS,
            calls=[label["history"], label["suggest"]],
        )
        _part("done", "annotate-done", words=text.DONE)


def _create_sheets(desk: Desk, run: dict[str, Any]) -> None:
    _sheet("help", "keys", words=text_keys.HELP, keys=text_keys.KEYS)
    _sheet(
        "prelabel",
        "prelabel",
        words=text_sheets.PRELABEL,
        score_min=PROPOSED_SCORE_MIN,
        given_score_min=GIVEN_SCORE_MIN,
        calls=[run["start_looking"], run["describe_project"]],
    )
    _sheet(
        "outlet",
        "outlet",
        words=text_sheets.OUTLET,
        formats=[(name, *text_sheets.FORMATS[name]) for name in (*EXPORTS, WHOLE)],
        whole=_NOT_PARTED,
        splits=SPLITS,
        shares=[round(100 * share) for share in SHARES],
        signed_in=can_sign_in(),
        calls=[run["start_outlet"]],
    )
    _sheet(
        "review",
        "review",
        words=text_sheets.REVIEW,
        most=_SUSPICIONS_SHOWN,
        calls=create_review_calls(desk),
    )
    _sheet(
        "kinds",
        "kinds",
        words=text_sheets.KINDS,
        colors=len(COLORS),
        marks=len(MARKS),
        calls=create_kind_calls(desk),
    )
    _sheet("lessons", "lessons", words=text_sheets.LESSONS, calls=create_lesson_calls(desk))


def _part(name: str, elem_id: str, **told: Any) -> gr.HTML:
    return create_part(name, room=ROOM, elem_id=elem_id, **told)


def _sheet(name: str, part: str, *, words: dict[str, Any], **told: Any) -> None:
    """A part in a layer over the page, which opens when the room's `sheet` has its name."""
    layer = f"annotate-{name}"
    with gr.Column(elem_classes="spotter-sheet", elem_id=layer):
        _part(part, f"{layer}-body", layer=layer, words={**text_sheets.SHEET, **words}, **told)
