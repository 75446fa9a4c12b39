"""What the parts of the tab Annotate call while one labels: read the wish, one call, present.

Holds no layout. The browser proves with `visit` whose projects it means. Errors are answers, so
that they stand where their cause is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

import gradio as gr

from core.errors import InputError
from frontends.desk import Desk
from frontends.failures import guarded
from frontends.ui import annotate_present as present
from frontends.ui import text_annotate as text
from frontends.visits import Visit
from project.classes import class_told
from project.listing import Filter
from project.store import Project
from project.types import (
    IMAGE_STATES,
    ORDERS,
    Absent,
    Accept,
    Add,
    Applied,
    ConflictError,
    Delete,
    Describe,
    Edit,
    ImageState,
    Move,
    Order,
    Reject,
    StoreError,
    Xyxy,
)

__all__ = ["Call", "create_label_calls", "create_project_calls", "create_visit_calls", "find"]

_THUMBS_MAX = 120
_SOUGHT_CHARS_MAX = 200
_EDITS_MAX = 2000
_TOKEN_CHARS_MAX = 64

Shown = dict[str, Any]
Call = Callable[[dict[str, Any]], Shown]


class _Seen(TypedDict):
    version: int
    token: str


def find(desk: Desk, wish: Mapping[str, Any]) -> tuple[Visit, str, Project]:
    """Return the visit, the project's key and the project that a wish is about.

    Raises:
        InputError: The visit has ended, or there is no such project.
    """
    visit = desk.visits.get(wish.get("visit"))
    key = str(wish.get("project") or "")
    return visit, key, desk.project(visit, key)


def create_visit_calls(
    desk: Desk,
) -> tuple[Callable[[gr.Request], tuple[str, Shown]], Callable[[gr.Request], None]]:
    """Return what happens when the tab is first opened and when the page is left."""

    def enter(request: gr.Request) -> tuple[str, Shown]:
        visit = desk.visits.enter(str(request.session_hash))
        return visit.key, {"visit": visit.key, **present.present_projects(desk, visit)}

    def leave(request: gr.Request) -> None:
        desk.visits.leave(str(request.session_hash))

    return enter, leave


def create_project_calls(desk: Desk) -> list[Call]:
    """Return the calls of the list of projects."""

    @guarded(present.present_error)
    def list_projects(wish: dict[str, Any]) -> Shown:
        return present.present_projects(desk, desk.visits.get(wish.get("visit")))

    @guarded(present.present_error)
    def open_project(wish: dict[str, Any]) -> Shown:
        visit, key, project = find(desk, wish)
        run = present.present_run(desk.run_of(visit, key))
        return {"project": present.present_project(key, project), "run": run}

    @guarded(present.present_error)
    def create_project(wish: dict[str, Any]) -> Shown:
        visit = desk.visits.get(wish.get("visit"))
        if wish.get("example"):
            return {"key": desk.create_example(visit, text.PROJECTS["example_name"])}
        names = [name.strip() for name in str(wish.get("classes") or "").split(",")]
        key = desk.create(visit, str(wish.get("name") or ""), [name for name in names if name])
        return {"key": key}

    @guarded(present.present_error)
    def rename_project(wish: dict[str, Any]) -> Shown:
        visit, key, _ = find(desk, wish)
        desk.rename(visit, key, str(wish.get("name") or ""))
        return present.present_projects(desk, visit)

    @guarded(present.present_error)
    def delete_project(wish: dict[str, Any]) -> Shown:
        visit = desk.visits.get(wish.get("visit"))
        key = str(wish.get("project") or "")
        # Not opened before: a damaged project can be deleted too.
        return {"deleted": desk.delete(visit, key), **present.present_projects(desk, visit)}

    @guarded(present.present_error)
    def restore_project(wish: dict[str, Any]) -> Shown:
        visit = desk.visits.get(wish.get("visit"))
        key = desk.restore(visit, str(wish.get("project") or ""))
        return {"key": key, **present.present_projects(desk, visit)}

    calls = [list_projects, open_project, create_project, rename_project]
    return [*calls, delete_project, restore_project]


def create_label_calls(desk: Desk) -> dict[str, Call]:
    """Return the calls of the editor: `queue`, `photo`, `edit`, `step`, `score` and so on."""
    return {call.__name__: call for call in (*_reading(desk), *_changing(desk))}


def _reading(desk: Desk) -> list[Call]:
    @guarded(present.present_error)
    def queue(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        order: Order = next((one for one in ORDERS if one == wish.get("order")), "queue")
        only = wish.get("only")
        text = str(wish.get("text") or "")[:_SOUGHT_CHARS_MAX]
        wished = Filter(
            state=_state(only), text=text, removed=only == "removed", lacking=only == "lacking"
        )
        rows = project.states(order, wished=wished)
        return {
            "ids": [number for number, _ in rows],
            "states": [state for _, state in rows],
            "progress": present.present_progress(project.progress()),
            "doubtful": _most_doubtful(project) if wish.get("lead") else None,
        }

    @guarded(present.present_error)
    def photo(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        return _whole(project, int(wish["image"]))

    @guarded(present.present_error)
    def thumbs(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        images = [project.image(int(number)) for number in wish["images"][:_THUMBS_MAX]]
        return {"thumbs": [present.present_thumb(project, image) for image in images]}

    @guarded(present.present_error)
    def history(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        return {"entries": present.present_history(project.history(int(wish["box"])))}

    @guarded(present.present_error)
    def score(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        return {"scores": present.present_scores(desk.scores(project, int(wish["image"])))}

    @guarded(present.present_error)
    def suggest(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        fits = desk.suggest(project, int(wish["image"]), _xyxy(wish))
        return {"suggestions": present.present_suggestions(fits)}

    return [queue, photo, thumbs, history, score, suggest]


def _changing(desk: Desk) -> list[Call]:
    @guarded(present.present_error)
    def edit(wish: dict[str, Any]) -> Shown:
        visit, _, project = find(desk, wish)
        image_id = int(wish["image"])
        told = list(wish.get("edits") or ())
        edits = [read_edit(one) for one in told]
        if len(edits) > _EDITS_MAX:
            raise InputError(f"{len(edits)} edits at once are too many, allowed are {_EDITS_MAX}.")
        if not all(isinstance(one, Delete) for one in edits):
            desk.check_growth(visit)
        state = _state(wish.get("state"))
        follows = [bool(one.get("follows")) for one in told]
        edits, said = _with_classes(project, image_id, edits, follows)
        try:
            applied = project.apply(image_id, edits, who=_who(wish), state=state, **_seen(wish))
        except ConflictError as conflict:
            return _conflict(project, image_id, conflict)
        return {**_applied(project, applied), "said": said}

    @guarded(present.present_error)
    def step(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        image_id = int(wish["image"])
        turn = project.redo if wish.get("step") == "redo" else project.undo
        seen = _seen(wish)
        try:
            applied = turn(image_id, _who(wish), **seen)
        except ConflictError as conflict:
            return _conflict(project, image_id, conflict)
        except StoreError:
            raise
        except InputError as nothing:
            # Nothing to take back is no failure.
            return {"said": present.sentence(nothing), **_whole(project, image_id)}
        return {
            **_whole(project, image_id),
            "changed": [present.present_box(box) for box in applied.changed],
            "progress": present.present_progress(project.progress()),
        }

    @guarded(present.present_error)
    def set_removed(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        turn = project.remove_images if wish.get("removed") else project.restore_images
        turn([int(wish["image"])])
        return {"progress": present.present_progress(project.progress())}

    return [edit, step, set_removed]


def _most_doubtful(project: Project) -> int | None:
    """The image with proposals that waits most, whatever the order of the list; or None."""
    found = project.images("queue", limit=1, wished=Filter(box_state="proposed"))
    return found[0].id if found else None


def _applied(project: Project, applied: Applied) -> Shown:
    return {
        "photo": present.present_photo(project, applied.image),
        "changed": [present.present_box(box) for box in applied.changed],
        "added": list(applied.added),
        "deleted": list(applied.deleted),
        "classes": list(project.class_names),
        "progress": present.present_progress(project.progress()),
    }


def _with_classes(
    project: Project, image_id: int, edits: Sequence[Edit], follows: Sequence[bool]
) -> tuple[list[Edit], str]:
    """Return edits in which the type follows a caption that names another one, and a word on it.

    Only where the caption did not name it before: who gave the box another type since meant it. Of
    new boxes only that of those that are told to follow.
    """
    boxes, names = {box.id: box for box in project.boxes(image_id)}, project.class_names
    done, said = list[Edit](), ""
    for edit, may_follow in zip(edits, follows, strict=True):
        if isinstance(edit, Add) and may_follow:
            told = class_told(edit.caption, names)
            edit = replace(edit, class_name=told or edit.class_name)
        box = boxes.get(edit.box_id) if isinstance(edit, Describe) else None
        if box and isinstance(edit, Describe) and edit.caption and edit.class_name is None:
            told = class_told(edit.caption, names)
            if told not in ("", box.class_name, class_told(box.caption, names)):
                edit = replace(edit, class_name=told)
                said = text.DESK["class_follows"].format(name=told)
        done.append(edit)
    return done, said


def _conflict(project: Project, image_id: int, conflict: ConflictError) -> Shown:
    done = "; ".join(dict.fromkeys(entry.sentence() for entry in conflict.changes))
    said = text.DESK["conflict"].format(done=done or text.DESK["conflict_state"])
    return {"conflict": said, **_whole(project, image_id)}


def _whole(project: Project, image_id: int) -> Shown:
    image = project.image(image_id)
    return {
        "photo": present.present_photo(project, image),
        "boxes": [present.present_box(box) for box in project.boxes(image_id)],
        "asked": present.present_asked(project.asked(image_id)),
        "classes": list(project.class_names),
    }


def _state(told: object) -> ImageState | None:
    return next((state for state in IMAGE_STATES if state == told), None)


def _seen(wish: Mapping[str, Any]) -> _Seen:
    """The version that a change was made on, and the name by which it is known if it comes again.

    Raises:
        InputError: The browser told none.
    """
    version, token = wish.get("version"), str(wish.get("token") or "")
    if not isinstance(version, int) or len(token) > _TOKEN_CHARS_MAX:
        raise InputError("this is no change of a picture.", "Reload the page and try again.")
    return {"version": version, "token": token}


def _who(wish: Mapping[str, Any]) -> str:
    name = " ".join(str(wish.get("who") or "").replace(":", " ").split())
    return name[:100] or text.DESK["nobody"]


def read_edit(told: Mapping[str, Any]) -> Edit:
    """Return an edit as the browser tells it.

    Raises:
        InputError: It is none.
    """
    try:
        return _READERS[told["kind"]](told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"this is no edit: {str(dict(told))[:120]}.", "Reload the page and try again."
        ) from error


def _xyxy(told: Mapping[str, Any]) -> Xyxy:
    x1, y1, x2, y2 = (float(value) for value in told["xyxy"])
    return x1, y1, x2, y2


def _text(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    return None if value is None else str(value)


_READERS: dict[str, Callable[[Mapping[str, Any]], Edit]] = {
    "add": lambda t: Add(_xyxy(t), _text(t, "class_name") or "", _text(t, "caption") or ""),
    "move": lambda t: Move(int(t["box"]), _xyxy(t)),
    "describe": lambda t: Describe(int(t["box"]), _text(t, "class_name"), _text(t, "caption")),
    "accept": lambda t: Accept(int(t["box"])),
    "reject": lambda t: Reject(int(t["box"])),
    "delete": lambda t: Delete(int(t["box"])),
    "absent": lambda t: Absent(str(t["caption"]), bool(t["absent"])),
}
