"""The picture with boxes: one component for every tab, on `gr.HTML`, with its files beside it.

Holds no vision code. In: picture address, size and boxes; out: the event `pick` when a person
brings a picture, `look` when it shall be looked at anew, and the shared room of the page for
hovering and selecting.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text
from frontends.ui.parts import read_part

__all__ = ["create_picture"]

_FOLDER = Path(__file__).parent


def create_picture(
    *, room: str, upload_max_bytes: int, elem_id: str, fixed: bool = False, editable: bool = False
) -> gr.HTML:
    """Return the picture component.

    Args:
        room: name of the shared browser state that this picture listens to (`spotter.room`).
        upload_max_bytes: larger files are refused before they travel, in bytes.
        elem_id: id of the element, for the page's layout and tests.
        fixed: only shows what the room's `picture` and `boxes` say; takes no files.
        editable: boxes can be drawn and changed; the room's `edit` tells what was done.
    """
    return gr.HTML(
        value={"image": None},
        **read_part(_FOLDER, "createPicture"),
        room=room,
        words=text.PICTURE,
        upload_max_bytes=upload_max_bytes,
        fixed=fixed,
        editable=editable,
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="spotter-picture",
    )
