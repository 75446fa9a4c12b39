"""Which image a person or a file means by a name: the project's own, or that of a file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from core.errors import InputError
from project.reader import Reader
from project.types import ImageRow

__all__ = ["Names", "find_named"]

_NUMBERED = re.compile(r"(.+)-\d+")


class Names:
    """Images by their names, which have no endings, and by those of the files they came from.

    Args:
        project: Where the images are.
        images: Those that are looked through.
        kind: What they are, for messages.
    """

    def __init__(self, project: Reader, images: Iterable[ImageRow], kind: str = "") -> None:
        self._project = project
        self._kind = kind
        self._known = {image.name: image for image in images}
        # Files of one stem were told apart by numbers.
        self._of_stem = defaultdict[str, list[ImageRow]](list)
        for name, image in self._known.items():
            self._of_stem[name].append(image)
            if numbered := _NUMBERED.fullmatch(name):
                self._of_stem[numbered[1]].append(image)

    def find(self, name: str) -> ImageRow:
        """Return the image of a name.

        The ending of a file decides between `a.jpg` and `a.png`.

        Raises:
            InputError: No image has such a name, or several may come from such a file.
        """
        if name in self._known:
            return self._known[name]
        file = PurePosixPath(name)
        ending = file.suffix.lower().replace(".jpeg", ".jpg")
        of_stem = self._of_stem.get(file.stem, []) if ending else []
        found = [one for one in of_stem if self._project.path(one.id).suffix == ending]
        if len(found) == 1:
            return found[0]
        if of_stem:
            which = ", ".join(one.name for one in found or of_stem)
            raise InputError(
                f"the project names pictures without endings, and {name!r} may be any of: {which}.",
                "Give one of these names.",
            )
        raise InputError(
            f"the project has no {self._kind}picture {name!r}.",
            "See: project queue DIR, images DIR",
        )


def find_named(
    project: Reader, names: Sequence[str], images: Iterable[ImageRow], kind: str = ""
) -> list[ImageRow]:
    """Return the images of these names, in their order; see `Names`.

    Raises:
        InputError: No image has such a name, or several may come from such a file.
    """
    known = Names(project, images if names else (), kind)
    return [known.find(name) for name in names]
