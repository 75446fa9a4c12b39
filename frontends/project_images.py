"""The command `project images`: take images out of a project, and bring them back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.words import counted

if TYPE_CHECKING:
    from frontends.service import Service

__all__ = ["add_images_parser"]


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
    from project.naming import find_named
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
