"""What the sheets of the tab Annotate call: types, suspicious labels, agreement, training.

Holds no layout; see `annotate_handlers` for the shape of wishes and answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from core.errors import InputError, SpotterError
from frontends import desk_runs
from frontends.desk import Desk
from frontends.failures import guarded
from frontends.ui import annotate_present as present
from frontends.ui.annotate_handlers import Call, Shown, find
from frontends.ui.present import sentence
from frontends.visits import Visit
from project import learning
from project.agreement import compare
from project.measuring import count_unmeasured
from project.quality import find_suspicions
from project.renaming import ClassTakenError
from project.store import Project

__all__ = ["create_kind_calls", "create_lesson_calls", "create_review_calls"]

_SUSPICIONS_MAX = 2000
_DIFFERENCES_MAX = 100
_SHOWN_MAX = 20
_MINUTES_MAX = 600
_CURVE_POINTS = 240


def _judge_of(desk: Desk, project: Project) -> Callable[[str], bool]:
    """Whether the project's model reads all of a caption; without a model nothing is left out."""

    @cache
    def can_judge(caption: str) -> bool:
        try:
            return desk.locator(project).reranker.read(caption).grasp == "whole"
        except SpotterError:
            return True

    return can_judge


def create_review_calls(desk: Desk) -> list[Call]:
    """Return the calls of the sheet of suspicious labels."""

    @guarded(present.present_error)
    def find_suspicious(wish: dict[str, Any]) -> Shown:
        visit, key, project = find(desk, wish)
        found = find_suspicions(project, can_judge=_judge_of(desk, project))[:_SUSPICIONS_MAX]
        images = {one.image_id: project.image(one.image_id) for one in found}
        return {
            "found": [
                {
                    "kind": one.kind,
                    "image": one.image_id,
                    "box": one.box_id,
                    "severity": one.severity,
                    "what": one.what,
                    "name": images[one.image_id].name,
                }
                for one in found
            ],
            "unmeasured": count_unmeasured(project),
            "others": _others(desk, visit, key),
        }

    @guarded(present.present_error)
    def show_suspicious(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        places = [(int(one["image"]), one.get("box")) for one in wish["places"][:_SHOWN_MAX]]
        return {"urls": [_small_picture(project, *place) for place in places]}

    @guarded(present.present_error)
    def start_measuring(wish: dict[str, Any]) -> Shown:
        visit, key, _ = find(desk, wish)
        return present.present_run(desk_runs.start_measuring(desk, visit, key))

    @guarded(present.present_error)
    def compare_projects(wish: dict[str, Any]) -> Shown:
        visit, _, project = find(desk, wish)
        told = compare(project, desk.project(visit, str(wish.get("other") or "")))
        names = ("images", "f1", "mean_iou", "class_kappa", "caption_ratio")
        return {
            **{name: getattr(told, name) for name in names},
            "differences": [
                {
                    "image": one.image_id,
                    "name": one.name,
                    "here": one.only_here,
                    "there": one.only_there,
                    "words": one.other_class + one.other_caption,
                    "url": present.thumb_url(project, one.image_id),
                }
                for one in told.differences[:_DIFFERENCES_MAX]
            ],
        }

    return [find_suspicious, show_suspicious, start_measuring, compare_projects]


def _small_picture(project: Project, image_id: int, box_id: int | None) -> str:
    """The box and what is around it; the whole image where no box is meant, or it is gone."""
    box = next((box for box in project.boxes(image_id) if box.id == box_id), None)
    return present.thumb_url(project, image_id) if box is None else present.crop_url(project, box)


def _others(desk: Desk, visit: Visit, key: str) -> list[Shown]:
    return [
        {"key": info.folder.name, "name": info.name}
        for info in desk.projects(visit)
        if info.folder.name != key and not info.problem
    ]


def create_kind_calls(desk: Desk) -> list[Call]:
    """Return the calls of the sheet of types; each answers with all of them."""

    @guarded(present.present_error)
    def list_kinds(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        return _kinds(project)

    @guarded(present.present_error)
    def rename_kind(wish: dict[str, Any]) -> Shown:
        visit, _, project = find(desk, wish)
        desk.check_growth(visit)
        name, to = str(wish.get("name") or ""), str(wish.get("to") or "")
        try:
            project.rename_class(name, to, merge=bool(wish.get("merge")))
        except ClassTakenError:
            return {**_kinds(project), "taken": to}
        return _kinds(project)

    return [list_kinds, rename_kind]


def _kinds(project: Project) -> Shown:
    return {
        "kinds": [
            {"name": one.name, "confirmed": one.confirmed, "proposed": one.proposed}
            for one in project.count_classes()
        ]
    }


def create_lesson_calls(desk: Desk) -> list[Call]:
    """Return the calls of the sheet of training runs; each answers with all runs."""

    @guarded(present.present_error)
    def list_lessons(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        return _lessons(desk, project)

    @guarded(present.present_error)
    def start_lesson(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        minutes = float(wish.get("minutes") or 0)
        if not (math.isfinite(minutes) and 1 <= minutes <= _MINUTES_MAX):
            raise InputError(
                f"got {minutes:g} minutes, allowed are 1 to {_MINUTES_MAX}.", "Begin with 15."
            )
        desk.check_learning()
        learning.start_run(project, minutes=minutes)
        return _lessons(desk, project)

    @guarded(present.present_error)
    def resume_lesson(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        desk.check_learning()
        learning.start_run(project, run_id=str(wish.get("run")))
        return _lessons(desk, project)

    @guarded(present.present_error)
    def stop_lesson(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        learning.stop_run(project, str(wish.get("run")))
        return _lessons(desk, project)

    @guarded(present.present_error)
    def use_lesson(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        learning.use_run(project, str(wish.get("run")))
        return _lessons(desk, project)

    @guarded(present.present_error)
    def leave_lesson(wish: dict[str, Any]) -> Shown:
        _, _, project = find(desk, wish)
        learning.go_back(project)
        return _lessons(desk, project)

    return [list_lessons, start_lesson, resume_lesson, stop_lesson, use_lesson, leave_lesson]


def _lessons(desk: Desk, project: Project) -> Shown:
    used = learning.used_run(project)
    return {
        "lacking": _lacking(desk),
        "runs": [
            {
                "id": run.id,
                "state": run.state,
                "phase": run.phase,
                "progress": run.progress,
                "left_s": run.left_s,
                "message": run.message,
                "metrics": {name: run.metrics.get(name) for name in ("before", "after")},
                "curve": _curve(project, run.id),
                "used": run.id == used,
            }
            for run in learning.list_runs(project)
        ],
        "can_go_back": learning.can_go_back(project),
    }


def _lacking(desk: Desk) -> str:
    """Why nothing can be trained here, before somebody presses the button; or nothing."""
    try:
        desk.check_learning()
    except SpotterError as error:
        return sentence(error)
    return ""


def _curve(project: Project, run_id: str) -> list[list[float]]:
    """Seconds and loss (the sum of its parts), no more points than can be told apart."""
    rows = [
        [float(row["passed_s"]), float(row["box"] + row["cls"] + row["dfl"])]
        for row in learning.curve(project, run_id)
    ]
    step = max(1, len(rows) // _CURVE_POINTS)
    return rows[::step]
