"""Notes on where photographs come from that lie beside them: SOURCES.md, LICENSE, credits.txt.

In: folders of backgrounds. Out: what such notes say, for the card of what is made of them. Not
here: what ``backgrounds.jsonl`` tells of single photographs (``synth.library``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from core.errors import InputError

__all__ = ["NOTE_BYTES_MAX", "is_note", "notes_in", "read_notes"]

NOTE_BYTES_MAX = 200_000
"""Longer files are no notes."""
_NAME = re.compile(
    r"(.*[-_. ])?(sources?|licen[cs]es?|copying|copyright|credits?|attributions?|notices?)"
    r"(([-_ ].*)?\.(md|txt)|([-_ ][^.]*)?)",
    re.IGNORECASE | re.DOTALL,
)


def is_note(name: str) -> bool:
    """Return whether a file is a note on sources, by its name.

    Example:
        >>> is_note("SOURCES.md"), is_note("photos-LICENSE"), is_note("licence_plate.jpg")
        (True, True, False)
    """
    return not name.startswith(".") and _NAME.fullmatch(name) is not None


def notes_in(folder: Path, *, too_long: bool = False) -> list[Path]:
    """Return the notes in a folder and below it, by name; links are none.

    Args:
        folder: Where to look.
        too_long: Instead those files that are no notes for their size alone.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if is_note(path.name)
        and path.is_file()
        and not path.is_symlink()
        and (path.stat().st_size > NOTE_BYTES_MAX) == too_long
    )


def read_notes(folders: Iterable[Path]) -> dict[str, str]:
    """Return the text of each note in some folders by its name; equal ones once.

    Raises:
        InputError: One cannot be read.
    """
    told: dict[str, str] = {}
    for folder in folders:
        for path in notes_in(folder):
            try:
                text = path.read_text(encoding="utf-8-sig", errors="replace").strip()
            except OSError as error:
                raise InputError(f"cannot read {path}: {error}.", "Make it readable.") from error
            name = key = path.relative_to(folder).as_posix()
            number = 2
            while told.get(key, text) != text:
                key, number = f"{name} ({number})", number + 1
            if text:
                told[key] = text
    return told
