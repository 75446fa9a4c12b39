"""The tab Annotate: projects, the queue, the picture with its boxes, and the sheets around them.

Holds layout only; the functions behind it are in `annotate_handlers` and `annotate_runs`. Boxes are
drawn and moved in the browser alone; each finished edit is sent after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from frontends.desk import Desk
from frontends.ui.annotate_handlers import (
    create_label_calls,
    create_project_calls,
    create_visit_calls,
)
from frontends.ui.annotate_runs import create_run_calls
from frontends.ui.annotate_sheets import create_lesson_calls, create_review_calls
from frontends.ui.bench import create_bench
from frontends.ui.boxlist import create_boxlist
from frontends.ui.desk import create_desk
from frontends.ui.done import create_done
from frontends.ui.keys import create_keys
from frontends.ui.lessons import create_lessons
from frontends.ui.outlet import create_outlet
from frontends.ui.picture import create_picture
from frontends.ui.prelabel import create_prelabel
from frontends.ui.projects import create_projects
from frontends.ui.review import create_review
from frontends.ui.strip import create_strip
from frontends.ui.synth import can_sign_in
from frontends.ui.visit import create_visit

__all__ = ["create_annotate"]

ROOM = "annotate"
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
    upload_max_bytes = desk.limits.upload_max_bytes
    with gr.Column(elem_classes="spotter-annotate", elem_id="annotate"):
        visit = create_visit(room=ROOM, tab="annotate", elem_id="annotate-visit")
        create_desk(
            room=ROOM,
            calls=[label[name] for name in ("queue", "photo", "edit", "step", "score")],
            elem_id="annotate-desk",
        )
        projects = create_projects(
            room=ROOM, calls=create_project_calls(desk), elem_id="annotate-projects"
        )
        with gr.Column(elem_classes="annotate-bench"):
            create_bench(
                room=ROOM,
                upload_max_bytes=upload_max_bytes,
                calls=[
                    run[name]
                    for name in ("import_files", "run_state", "stop_run", "describe_project")
                ],
                elem_id="annotate-head",
            )
            create_strip(room=ROOM, thumbs=label["thumbs"], elem_id="annotate-strip")
            create_picture(
                room=ROOM,
                upload_max_bytes=0,
                fixed=True,
                editable=True,
                elem_id="annotate-picture",
            )
            with gr.Column(elem_classes="annotate-side"):
                create_boxlist(room=ROOM, history=label["history"], elem_id="annotate-boxes")
                create_done(room=ROOM, elem_id="annotate-done")
        _create_sheets(desk, run)
    visit.enter(enter, None, [visit, projects], **_LIGHT, **_QUIET)
    page.unload(leave)


def _create_sheets(desk: Desk, run: dict[str, Any]) -> None:
    with _sheet("help") as layer:
        create_keys(room=ROOM, layer=layer, elem_id="annotate-keys")
    with _sheet("prelabel") as layer:
        create_prelabel(
            room=ROOM, layer=layer, calls=[run["start_looking"]], elem_id="annotate-questions"
        )
    with _sheet("outlet") as layer:
        create_outlet(
            room=ROOM,
            layer=layer,
            calls=[run["start_outlet"]],
            signed_in=can_sign_in(),
            elem_id="annotate-formats",
        )
    with _sheet("review") as layer:
        create_review(
            room=ROOM, layer=layer, calls=create_review_calls(desk), elem_id="annotate-doubts"
        )
    with _sheet("lessons") as layer:
        create_lessons(
            room=ROOM, layer=layer, calls=create_lesson_calls(desk), elem_id="annotate-runs"
        )


@contextmanager
def _sheet(name: str) -> Iterator[str]:
    """The place of a sheet; yields the id of its element."""
    with gr.Column(elem_classes="spotter-sheet", elem_id=f"annotate-{name}"):
        yield f"annotate-{name}"
