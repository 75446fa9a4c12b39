"""Which cutouts and backgrounds a visitor's scenes use, as folders that nobody changes meanwhile.

Knows no page. In: a visitor's folder and a choice among ours and theirs; out: folders as
``synth.generate`` takes them. Chosen files are linked, not copied, where the disk allows.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files import link_or_copy, read_json_lines, write_bytes
from synth.cutout_folder import INDEX_NAME
from synth.generate import GALLERY
from synth.library import BACKGROUNDS_INDEX, read_backgrounds
from synth.source_notes import notes_in

__all__ = ["Choice", "Folders", "Use", "choose_folders", "read_choice"]

_KEPT = 4  # gathered folders, so that going back and forth costs nothing


@dataclass(frozen=True, slots=True)
class Use:
    """What is taken of one kind of material.

    Args:
        ours: Whether ours are used.
        own: Whether the visitor's are.
        off_ours: Names left out of ours.
        off_own: Names left out of the visitor's.
    """

    ours: bool = True
    own: bool = True
    off_ours: frozenset[str] = frozenset()
    off_own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of cutouts and of backgrounds."""

    cutouts: Use = Use()
    backgrounds: Use = Use()


@dataclass(frozen=True, slots=True)
class Folders:
    """Folders of cutouts and of backgrounds; equal keys hold equal files."""

    cutouts: tuple[Path, ...]
    backgrounds: tuple[Path, ...]
    key: str


def read_choice(wish: Mapping[str, Any]) -> Choice:
    """Return the choice in a browser's wish; what is not told is taken."""
    return Choice(_read_use(wish.get("cutouts")), _read_use(wish.get("backgrounds")))


def _read_use(value: object) -> Use:
    told = value if isinstance(value, Mapping) else {}
    return Use(
        ours=bool(told.get("ours", True)),
        own=bool(told.get("own", True)),
        off_ours=frozenset(map(str, told.get("off_ours") or ())),
        off_own=frozenset(map(str, told.get("off_own") or ())),
    )


def choose_folders(
    visit_folder: Path, choice: Choice, gallery: tuple[Path, Path] = GALLERY
) -> Folders:
    """Return the folders of a choice.

    Args:
        visit_folder: Holds the visitor's ``cutouts`` and ``backgrounds``.
        choice: What is taken.
        gallery: Our cutouts and backgrounds.

    Raises:
        InputError: Nothing is left of one of the two.
    """
    cutouts = _choose(visit_folder, "cutouts", choice.cutouts, gallery[0], _take_cutouts)
    backgrounds = _choose(
        visit_folder, "backgrounds", choice.backgrounds, gallery[1], _take_backgrounds
    )
    if not cutouts:
        raise InputError("no cutout is chosen.", "Choose one, or bring your own.")
    if not backgrounds:
        raise InputError("no background is chosen.", "Choose one, or bring your own.")
    key = hashlib.sha256("\n".join(map(str, (*cutouts, "", *backgrounds))).encode()).hexdigest()
    return Folders(cutouts, backgrounds, key[:16])


Take = Callable[[Path, frozenset[str]], dict[str, Any]]


def _choose(visit: Path, kind: str, use: Use, gallery: Path, take: Take) -> tuple[Path, ...]:
    chosen = []
    if use.own and (visit / kind).is_dir() and (files := take(visit / kind, use.off_own)):
        chosen.append(_gather(visit / "chosen", kind, visit / kind, files))
    if use.ours:
        if not use.off_ours:
            chosen.append(gallery)
        elif files := take(gallery, use.off_ours):
            chosen.append(_gather(visit / "chosen", kind, gallery, files))
    return tuple(chosen)


def _take_cutouts(folder: Path, off: frozenset[str]) -> dict[str, Any]:
    """Files by name with the row that describes each."""
    if not (folder / INDEX_NAME).is_file():
        return {}
    rows = read_json_lines(folder / INDEX_NAME)
    return {str(row["file"]): row for row in rows if row["name"] not in off}


def _take_backgrounds(folder: Path, off: frozenset[str]) -> dict[str, Any]:
    """Files by name with the row that tells of its source; notes on sources stay beside them."""
    files: dict[str, Any] = {}
    for item in read_backgrounds(folder):
        if item.name not in off:
            name = item.path.relative_to(folder).as_posix()
            row = {"name": name, "source": item.source, "licence": item.licence}
            files[name] = row if item.source or item.licence else None
    notes = notes_in(folder) if files else ()
    return files | {path.relative_to(folder).as_posix(): None for path in notes}


def _gather(parent: Path, kind: str, source: Path, files: Mapping[str, Any]) -> Path:
    """A folder with just these files, named by what is in them; made once."""
    listing = [
        [file, (source / file).stat().st_size, (source / file).stat().st_mtime_ns, row]
        for file, row in files.items()
    ]
    text = json.dumps([str(source), listing], sort_keys=True)
    folder = parent / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not folder.is_dir():
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        for file in files:
            (part / file).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source / file, part / file)
        rows = [row for row in files.values() if row is not None]
        if rows:
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            index = INDEX_NAME if kind == "cutouts" else BACKGROUNDS_INDEX
            write_bytes(part / index, lines.encode())
        part.rename(folder)
    folder.touch()
    return folder


def forget_choices(visit_folder: Path, keep: frozenset[Path]) -> None:
    """Remove gathered folders that were not used lately."""
    folders = sorted(
        (visit_folder / "chosen").glob("*-*"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for folder in folders[_KEPT:]:
        if folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)
