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

__all__ = ["create_send_call"]


def create_send_call(desk: Desk) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the call `send`: the wish of `overlay`, and whose project; out: where it is."""

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

    return send
