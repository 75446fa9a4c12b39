"""The command `project images`: take images out of a project, and bring them back."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.words import counted

if TYPE_CHECKING:
    from frontends.service import Service
    from project.store import Project
    from project.types import ImageRow

__all__ = ["add_images_parser", "find_named"]


def add_images_parser(kinds: Any) -> None:
    """Add `project images`."""
    parser = kinds.add_parser(
        "images",
        help="take pictures out of the project or bring them back; list those that are out",
    )
    parser.set_defaults(run=_run_images)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the project")
    parser.add_argument(
        "--remove",
        action="append",
        default=[],
        metavar="NAME",
        help="a picture or its file; may be repeated",
    )
    parser.add_argument(
        "--restore", action="append", default=[], metavar="NAME",
        help="a removed picture, with all its boxes; may be repeated",
    )  # fmt: skip


def _run_images(options: argparse.Namespace, service: Service | None) -> int:
    from project.store import Project

    with Project.open(options.folder) as project:
        # All names first: a wrong one changes nothing.
        present = project.walk() if options.remove else ()
        going = [image.id for image in find_named(project, options.remove, present)]
        absent = find_named(project, options.restore, project.removed(), "removed ")
        coming = [image.id for image in absent]
        if going or coming:
            counts = project.remove_images(going), project.restore_images(coming)
            sys.stdout.write(
                f"{counted(counts[0], 'picture')} removed, {counts[1]} brought back.\n"
            )
            return 0
        removed = project.removed()
    for image in removed:
        width, height = image.image_wh
        sys.stdout.write(f"{image.name}  {width}x{height}  {image.confirmed} confirmed\n")
    verb = "is" if len(removed) == 1 else "are"
    sys.stdout.write(f"{counted(len(removed), 'picture')} {verb} removed.\n")
    return 0


def find_named(
    project: Project, names: Sequence[str], images: Iterable[ImageRow], kind: str = ""
) -> list[ImageRow]:
    """Return the images of these names, in their order.

    Args:
        project: Where the images are.
        names: As in the project, which has no endings, or those of the files that were imported.
        images: Those that are looked through.
        kind: What they are, for the message.

    Raises:
        InputError: No image has such a name, or several may come from such a file.
    """
    known = {image.name: image for image in images} if names else {}
    return [known.get(name) or _of_file(project, name, known, kind) for name in names]


def _of_file(project: Project, name: str, known: Mapping[str, ImageRow], kind: str) -> ImageRow:
    """The image that came from a file of this name; files of one stem were told apart by numbers.

    The ending is that of the kept file, and decides between `a.jpg` and `a.png`.
    """
    from core.errors import InputError

    stem, ending = Path(name).stem, Path(name).suffix.lower().replace(".jpeg", ".jpg")
    numbered = re.compile(re.escape(stem) + r"(-\d+)?")
    of_stem = [one for one in known.values() if numbered.fullmatch(one.name)] if ending else []
    found = [one for one in of_stem if project.path(one.id).suffix == ending]
    if len(found) == 1:
        return found[0]
    if of_stem:
        which = ", ".join(one.name for one in found or of_stem)
        raise InputError(
            f"the project names pictures without endings, and {name!r} may be any of: {which}.",
            "Give one of these names.",
        )
    raise InputError(
        f"the project has no {kind}picture {name!r}.", "See: project queue DIR, images DIR"
    )
