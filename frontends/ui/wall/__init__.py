"""A wall of small pictures on a checkerboard: the cutouts, or the backgrounds, that scenes use.

In: value {ours, own}, lists of tiles. Out: the room's `NAME_use`, {ours, off}; calls of `add`,
`change`, `remove`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.parts import read_part

__all__ = ["create_wall"]

_FOLDER = Path(__file__).parent


def create_wall(
    *,
    room: str,
    name: Literal["cutouts", "backgrounds"],
    upload_max_bytes: int,
    archive_max_bytes: int,
    files_max: int,
    add: Callable[[dict[str, Any]], dict[str, object]],
    change: Callable[[dict[str, Any]], dict[str, object]],
    remove: Callable[[dict[str, Any]], dict[str, object]],
    pack_cutouts: Callable[[dict[str, Any]], dict[str, object]],
    elem_id: str,
) -> gr.HTML:
    """Return the wall.

    Args:
        room: Name of the shared browser state.
        name: What lies on it.
        upload_max_bytes: Larger pictures are refused before they travel, in bytes.
        archive_max_bytes: Larger ZIP files, likewise.
        files_max: More files at once are left out, and told of.
        add: `{visit, wall, files}` to the new tiles and what was refused. The browser calls this
            and the next three by their names.
        change: `{visit, wall, name, caption, class_name}` to the new tiles.
        remove: `{visit, wall, names}` to the new tiles.
        pack_cutouts: `{visit}` to the URL and name of a ZIP of the visitor's cutouts.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createWall"),
        room=room,
        name=name,
        words=text.WALLS[name],
        upload_max_bytes=upload_max_bytes,
        archive_max_bytes=archive_max_bytes,
        files_max=files_max,
        server_functions=[add, change, remove, pack_cutouts],
        apply_default_css=False,
        elem_id=elem_id,
    )
