"""What the tab Locate calls to send its answer to the tab Annotate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.captions import clean_caption
from frontends.desk import Desk
from frontends.desk_sending import send_answer
from frontends.failures import guarded
from frontends.ui import annotate_present as present
from frontends.ui import text

__all__ = ["create_send_calls"]


def create_send_calls(desk: Desk) -> list[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Return the calls `places`, where an answer may go, and `send`, which brings it there.

    In: of both who asks; of `send` the wish of `overlay` and the project. Out: the projects; where
    the answer is.
    """

    @guarded(present.present_error)
    def places(wish: dict[str, Any]) -> dict[str, Any]:
        visit = desk.visits.get(wish["visit"]) if wish.get("visit") else None
        usable = [info for info in desk.projects(visit) if not info.problem]
        return {"places": [{"key": info.folder.name, "name": info.name} for info in usable]}

    @guarded(present.present_error)
    def send(wish: dict[str, Any]) -> dict[str, Any]:
        path, result = desk.service.answer_again(
            str(wish["key"]),
            [clean_caption(caption) for caption in wish["captions"]],
            score_min=float(wish["score_min"]),
            assignment="joint" if wish["assignment"] == "joint" else "independent",
        )
        sent = send_answer(
            desk,
            desk.visits.get(wish.get("visit")),
            path,
            result,
            wished=str(wish.get("project") or ""),
            default_name=text.SENDING["project"],
            score_min=float(wish["shown_min"]),
        )
        said = text.SENDING["said"].format(name=sent.name, count=sent.num_boxes)
        return {"project": sent.key, "image": sent.image_id, "said": said}

    return [places, send]
