"""What the parts of the tab Annotate call for long work: import, pre-label, export.

Holds no layout; see `annotate_handlers` for the shape of wishes and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from core.errors import InputError
from dataset.splits import SHARES
from frontends.desk import Desk
from frontends.desk_runs import (
    Outgoing,
    start_export,
    start_import,
    start_prelabel,
)
from frontends.failures import guarded
from frontends.ui import annotate_present as present
from frontends.ui.annotate_handlers import Call, Shown, find
from frontends.ui.uploads import read_uploads
from frontends.wishes import read_shares
from pipeline.rank import Assignment
from project.prelabel import PROPOSED_SCORE_MIN, Question
from project.vocabulary import SETTING, Vocabulary

__all__ = ["create_run_calls"]


def create_run_calls(desk: Desk) -> dict[str, Callable[..., Shown]]:
    """Return the calls that begin, follow and stop runs, by their names."""
    return {call.__name__: call for call in (*_following(desk), *_beginning(desk))}


def _following(desk: Desk) -> list[Call]:
    @guarded(present.present_error)
    def run_state(wish: dict[str, Any]) -> Shown:
        visit, key, _ = find(desk, wish)
        return present.present_run(desk.run_of(visit, key))

    @guarded(present.present_error)
    def stop_run(wish: dict[str, Any]) -> Shown:
        visit, key, _ = find(desk, wish)
        run = desk.run_of(visit, key)
        run.stop()
        return present.present_run(run)

    @guarded(present.present_error)
    def describe_project(wish: dict[str, Any]) -> Shown:
        _, key, project = find(desk, wish)
        shown = present.present_project(key, project)
        return {"project": shown, "untouched": project.count_untouched()}

    return [run_state, stop_run, describe_project]


def _beginning(desk: Desk) -> list[Callable[..., Shown]]:
    @guarded(present.present_error)
    def import_files(wish: dict[str, Any]) -> Shown:
        visit, key, _ = find(desk, wish)
        return present.present_run(
            start_import(desk, visit, key, read_uploads(wish["files"], desk.limits))
        )

    @guarded(present.present_error)
    def start_looking(wish: dict[str, Any]) -> Shown:
        visit, key, project = find(desk, wish)
        question = _question(wish)
        score_min = float(wish.get("score_min", PROPOSED_SCORE_MIN))
        run = start_prelabel(desk, visit, key, question, score_min)
        # What was refused was not asked.
        project.set_setting("captions", list(question.captions))
        if question.vocabulary is not None:
            project.set_setting(SETTING, question.vocabulary.to_dict())
        return present.present_run(run)

    @guarded(present.present_error)
    def start_outlet(wish: dict[str, Any], signed_in: gr.OAuthToken | None) -> Shown:
        visit, key, _ = find(desk, wish)
        outgoing = Outgoing(
            format=str(wish.get("format")),
            what="all" if wish.get("what") == "all" else "confirmed",
            repo=str(wish.get("repo") or "").strip(),
            token=str(wish.get("token") or "") or (signed_in.token if signed_in else ""),
            private=bool(wish.get("private", True)),
            shares=read_shares(wish.get("shares", SHARES)),
        )
        return present.present_run(start_export(desk, visit, key, outgoing))

    return [import_files, start_looking, start_outlet]


def _question(wish: Mapping[str, Any]) -> Question:
    """What the models are asked: captions, the words of a vocabulary, or boxes alone."""
    mode = wish.get("mode")
    if mode == "captions":
        lines = [line for line in str(wish.get("captions") or "").splitlines() if line.strip()]
        if not lines:
            raise InputError("there is no caption.", "Write what to look for, one caption a line.")
        joint: Assignment = "joint" if wish.get("joint", True) else "independent"
        others = bool(wish.get("others"))
        return Question(captions=tuple(lines), assignment=joint, others=others)
    if mode in ("vocabulary", "given"):
        types, colors = _words(wish.get("types")), _words(wish.get("colors"))
        return Question(vocabulary=Vocabulary(types, colors), given=mode == "given")
    return Question()


def _words(value: object) -> tuple[str, ...]:
    parts = str(value or "").replace("\n", ",").split(",")
    return tuple(part.strip() for part in parts if part.strip())
