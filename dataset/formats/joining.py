"""What several entries tell of one image, put together; see `dataset.formats.raw.join_entries`.

Objects are told apart by box, class and caption: first whose is whose, then the captions of the
image, then the texts beside them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from dataset.formats.raw import RawImage, RawObject

__all__ = ["REPEATED", "join"]

REPEATED = "repeated-image"
"""Kind of the finding that one file is told of as if it were several images."""

_Box: TypeAlias = tuple[tuple[float, float, float, float], int]


@dataclass(slots=True, eq=False)
class _Told:
    """An object as it was told first, and with what later entries told of it."""

    first: RawObject
    now: RawObject


# Objects of one box and class that earlier entries told, by their own caption.
_Known: TypeAlias = dict[str, list[_Told]]


def join(entries: Sequence[RawImage], class_names: Sequence[str]) -> RawImage:
    """Return one image of all entries, in the place of the first."""
    fresh = _join_objects(entries, class_names)
    image = replace(
        entries[0],
        objects=[one.now for one in chain(*fresh)],
        captions=_join_captions(entries, fresh),
        findings=[finding for entry in entries for finding in entry.findings],
    )
    for key in ("source", "licence"):
        setattr(image, key, "; ".join(_texts_told(entries, key)))
    for key in ("group", "split"):
        told = _texts_told(entries, key)
        setattr(image, key, "" if len(told) > 1 else "".join(told))
        if len(told) > 1 and not any(finding.kind == REPEATED for finding in image.findings):
            places = " and ".join(f"{text} ({where})" for text, where in told.items())
            what = f"the {key} of {image.path.name} is told as {places}."
            image.report(REPEATED, what, "Name one alone, or the test measures memory.")
    return image


def _join_objects(entries: Sequence[RawImage], class_names: Sequence[str]) -> list[list[_Told]]:
    """For each entry the objects that no earlier one told."""
    known: dict[_Box, _Known] = defaultdict(dict)
    fresh: list[list[_Told]] = []
    for entry in entries:
        fresh.append([])
        for thing in entry.objects:
            again = _told_before(known[_box(thing)], _own_caption(thing, class_names))
            if again is None:
                fresh[-1].append(_Told(thing, thing))
            else:
                again.now = _both(again.now, thing, class_names)
        # Only now: two alike in one entry are two.
        for one in fresh[-1]:
            alike = known[_box(one.now)]
            alike.setdefault(_own_caption(one.now, class_names), []).append(one)
    return fresh


def _told_before(known: _Known, caption: str) -> _Told | None:
    """The object that has an own caption, or none yet: then the caption is its own from now on."""
    if caption in known:
        return known[caption][0]
    if not caption:
        return next((alike[0] for alike in known.values()), None)
    if "" not in known:
        return None
    found = known[""].pop(0)
    if not known[""]:
        del known[""]
    known[caption] = [found]
    return found


def _join_captions(
    entries: Sequence[RawImage], fresh: Sequence[Sequence[_Told]]
) -> tuple[str, ...]:
    """The captions of the image: of all its objects, those with boxes too, if an entry has any."""
    if not any(entry.captions for entry in entries):
        return ()
    texts: list[str] = []
    seen: set[object] = set()
    for entry, things in zip(entries, fresh, strict=True):
        whole = entry.captions, tuple((_box(one), one.caption) for one in entry.objects)
        if whole not in seen:
            texts += entry.captions or [one.now.caption for one in things]
        seen.add(whole)
    later = (one.now.caption for one in chain(*fresh) if one.now.caption != one.first.caption)
    texts += dict.fromkeys(caption for caption in later if caption not in texts)
    return tuple(filter(None, texts))


def _texts_told(entries: Iterable[RawImage], key: str) -> dict[str, str]:
    """What entries tell under a name, each text once, with where it stands first."""
    told: dict[str, str] = {}
    for entry in entries:
        if text := getattr(entry, key):
            told.setdefault(text, entry.where)
    return told


def _box(thing: RawObject) -> _Box:
    return thing.xyxy, thing.class_id


def _own_caption(thing: RawObject, class_names: Sequence[str]) -> str:
    """The caption, or nothing where it is that of all objects of its class."""
    is_named = 0 <= thing.class_id < len(class_names)
    return "" if is_named and thing.caption == class_names[thing.class_id] else thing.caption


def _both(first: RawObject, again: RawObject, class_names: Sequence[str]) -> RawObject:
    """One object told twice: as first told, and what only the other tells."""
    is_known = _own_caption(first, class_names) or not _own_caption(again, class_names)
    return replace(
        first,
        caption=(is_known and first.caption) or again.caption,
        visible_ratio=again.visible_ratio if first.visible_ratio == 1 else first.visible_ratio,
        polygons=first.polygons or again.polygons,
    )
