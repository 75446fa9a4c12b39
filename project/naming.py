"""Which image a person or a file means by a name: the project's own, or that of a file."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from core.errors import InputError
from core.words import listed
from project.reader import Reader
from project.types import ImageRow

__all__ = ["Names", "find_named"]

_NUMBERED = re.compile(r"(.+)-(?:[2-9]|[1-9][0-9]+)")
_KEPT_AS = {".jpeg": ".jpg", ".tif": ".png", ".tiff": ".png", ".gif": ".png", ".avif": ".png"}
"""Endings that the files of a project do not have, see ``project.pictures``."""
_SHOWN_CHARS = 80


class Names:
    """Images by their names, which have no endings, and by those of the files they came from.

    Args:
        project: Where the images are.
        images: Those that are looked through.
        kind: What they are, for messages.
    """

    def __init__(self, project: Reader, images: Iterable[ImageRow], kind: str = "") -> None:
        self._kind = kind
        self._known: dict[str, ImageRow] = {}
        self._of_stem = defaultdict[str, list[ImageRow]](list)
        self._of_file = defaultdict[tuple[str, str], list[ImageRow]](list)
        suffixes = project.suffixes()
        for image in images:
            # Some systems write accents as signs of their own.
            name = unicodedata.normalize("NFC", image.name)
            self._known.setdefault(name, image)
            self._known[image.name] = image
            # Files of one stem were told apart by numbers; else a number is part of the stem.
            numbered = _NUMBERED.fullmatch(image.name)
            stems = [name]
            if numbered and numbered[1] in suffixes:
                stems.append(unicodedata.normalize("NFC", numbered[1]))
            for stem in stems:
                self._of_stem[stem].append(image)
                self._of_file[stem, suffixes.get(image.name, "")].append(image)

    def find(self, name: str) -> ImageRow:
        """Return the image of a name.

        The ending of a file decides between `a.jpg` and `a.png`.

        Raises:
            InputError: No image has such a name, or several may come from such a file.
        """
        wished = unicodedata.normalize("NFC", name)
        if image := self._known.get(name) or self._known.get(wished):
            return image
        file = PurePosixPath(wished)
        ending = file.suffix.lower()
        of_stem = self._of_stem.get(file.stem, []) if ending else []
        found = self._of_file.get((file.stem, _KEPT_AS.get(ending, ending)), [])
        if len(found) == 1:
            return found[0]
        shown = repr(name[:_SHOWN_CHARS])
        if of_stem:
            possible = found or of_stem
            which = listed([one.name for one in possible])
            raise InputError(
                f"the project names pictures without endings, and {shown} may be any of: {which}.",
                "Give one of these names.",
            )
        raise InputError(
            f"the project has no {self._kind}picture {shown}.",
            "See: project queue DIR --state all, images DIR",
        )


def find_named(
    project: Reader, names: Sequence[str], images: Iterable[ImageRow], kind: str = ""
) -> list[ImageRow]:
    """Return the images of these names, in their order; see `Names`.

    Raises:
        InputError: No image has such a name, or several may come from such a file.
    """
    if not names:
        return []
    known = Names(project, images, kind)
    return [known.find(name) for name in names]
