"""The keys of the tab Annotate: one table, of which the keys themselves and their sheet are made.

Holds no logic.
"""

from __future__ import annotations

from typing import Any

__all__ = ["HELP", "KEYS"]

HELP: dict[str, Any] = {
    "title": "Keys",
    "labels": {
        "lead": (
            "Drag on the picture to draw a box. Click a box to choose it, drag it to move it, drag "
            "its corners or edges to resize it. The wheel zooms to the pointer; the space bar, the "
            "middle or the right button moves the view. With a finger: choose the tool below the "
            "picture, two fingers zoom and move. Letters are keys until C or T opens a field; what "
            "a key did by mistake Ctrl Z takes back, also after it led to the next picture."
        ),
    },
}


def _row(shown: str, keys: str, command: str, does: str) -> dict[str, Any]:
    return {"shown": shown.split(" | "), "keys": keys.split(), "command": command, "does": does}


# What a key is called in the browser, and which command of desk/commands.js it gives.
KEYS: list[dict[str, Any]] = [
    {
        "title": "Pictures",
        "rows": [
            _row("Enter", "Enter", "done", "Done: accept what is shown, next picture"),
            _row("N", "n", "nothing", "Nothing here: reject all, next picture"),
            _row("S", "s", "skip", "Put off, next picture"),
            _row("Page down | →", "PageDown", "next", "Next picture (→ with no box chosen)"),
            _row("Page up | ←", "PageUp", "previous", "Previous picture"),
            _row("/", "/", "find", "Find pictures by name, caption or type"),
            _row(
                "Shift Delete",
                "Shift+Delete Shift+Backspace",
                "take_out",
                "Remove the picture from the project, or put it back",
            ),
        ],
    },
    {
        "title": "Boxes",
        "rows": [
            _row("A", "a", "accept", "Accept the box, go to the next proposal; none chosen: all"),
            _row(
                "X | Delete", "x Delete Backspace", "remove", "Reject the proposal, delete the box"
            ),
            _row(".", ".", "next_box", "Next box"),
            _row(",", ",", "previous_box", "Previous box"),
            _row("C", "c", "caption", "Write its caption"),
            _row("T", "t", "class", "Write its type"),
            _row("F", "f", "suggest", "Give it the caption that fits best; again: the next best"),
            _row("G", "g", "next_caption", "Another of the picture's captions for the next box"),
            _row("1 … 9", "", "class_at", "Give it one of the first nine types"),
            _row(
                "Ctrl C | Ctrl V", "Ctrl+c", "copy", "Copy it; put it into this or another picture"
            ),
        ],
    },
    {
        "title": "Place and size",
        "rows": [
            _row("← ↑ → ↓", "", "nudge", "Move it by 1 px, with Shift by 10 px"),
            _row("Alt ← ↑ → ↓", "", "nudge", "Resize it by 1 px, with Shift by 10 px"),
            _row("Ctrl Z", "Ctrl+z", "undo", "Undo, also Done, Nothing here and Put off"),
            _row("Ctrl Shift Z", "Ctrl+Shift+z Ctrl+y", "redo", "Redo"),
        ],
    },
    {
        "title": "View",
        "rows": [
            _row("Z", "z", "centre", "Zoom to the box"),
            _row("0", "0", "fit", "Whole picture"),
            _row("+ | −", "+ =", "zoom_in", "Zoom in, zoom out"),
            _row("B | H", "b", "draw", "Draw boxes, move the view"),
            _row("V", "v", "proposals", "Show or hide proposals"),
            _row("R", "r", "rejected", "Show or hide rejected boxes"),
            _row("Esc", "Escape", "let_go", "Let go of the box; then the whole picture"),
            _row("?", "?", "help", "This sheet"),
        ],
    },
    {
        # Second keys of the rows above.
        "title": "",
        "rows": [
            _row("", "Ctrl+v", "paste", ""),
            _row("", "-", "zoom_out", ""),
            _row("", "h", "hand", ""),
        ],
    },
]
