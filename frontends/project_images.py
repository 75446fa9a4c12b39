"""The command `project images`: take images out of a project, and bring them back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontends.service import Service
    from project.types import ImageRow

__all__ = ["add_images_parser"]


def add_images_parser(kinds: Any) -> None:
    """Add `project images`."""
    parser = kinds.add_parser(
        "images", help="take images out of the project or bring them back; list those that are out"
    )
    parser.set_defaults(run=_run_images)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the project")
    parser.add_argument(
        "--remove", action="append", default=[], metavar="NAME", help="an image; may be repeated"
    )
    parser.add_argument(
        "--restore", action="append", default=[], metavar="NAME",
        help="a removed image, with all its boxes; may be repeated",
    )  # fmt: skip


def _run_images(options: argparse.Namespace, service: Service | None) -> int:
    from project.store import Project

    with Project.open(options.folder) as project:
        # All names first: a wrong one changes nothing.
        going = _ids(options.remove, project.walk() if options.remove else (), "")
        coming = _ids(options.restore, project.removed(), "removed ")
        if going or coming:
            counts = project.remove_images(going), project.restore_images(coming)
            sys.stdout.write(f"{counts[0]} images removed, {counts[1]} brought back.\n")
            return 0
        removed = project.removed()
    for image in removed:
        width, height = image.image_wh
        sys.stdout.write(f"{image.name}  {width}x{height}  {image.confirmed} confirmed\n")
    sys.stdout.write(f"{len(removed)} images are removed.\n")
    return 0


def _ids(names: Sequence[str], images: Iterable[ImageRow], kind: str) -> list[int]:
    """The ids of images by their names, as they are in the project."""
    from core.errors import InputError

    found = {image.name: image.id for image in images}
    for name in names:
        if name not in found:
            raise InputError(
                f"the project has no {kind}image {name!r}.", "See: project queue DIR, images DIR"
            )
    return [found[name] for name in names]
