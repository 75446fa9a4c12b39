"""The commands under `project`, from create to restore; `--help` lists them.

Parses, calls and reports; what a command needs is imported when it runs. What models look at is in
``frontends.project_models``, what goes out and what is learnt in ``frontends.project_out``.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.words import counted
from frontends.project_images import add_images_parser
from frontends.project_models import add_model_parsers, show_bar
from frontends.project_out import add_export_parser, add_train_parser
from frontends.project_queue import add_queue_parser

if TYPE_CHECKING:
    from frontends.service import Service

__all__ = ["add_project_parser"]

Run = Callable[[argparse.Namespace, "Service | None"], int]

_SHOWN = 20


def add_project_parser(commands: Any) -> None:
    """Add `project` with its own commands to the commands of the app."""
    project = commands.add_parser("project", help="label pictures: a model proposes, you correct")
    kinds = project.add_subparsers(metavar="KIND", required=True)

    create = _command(kinds, "create", _run_create, "make an empty project")
    create.add_argument("--name", default="", help="shown to people; by default the folder's name")
    create.add_argument(
        "--class", dest="classes", action="append", default=[], metavar="NAME",
        help="a class, in the order of every export; may be repeated",
    )  # fmt: skip

    bring = _command(kinds, "import", _run_import, "bring in pictures or a labelled data set")
    bring.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH",
        help="picture, folder, ZIP, or captions of pictures: CSV with image,caption, or JSON lines",
    )  # fmt: skip
    bring.add_argument("--format", help="of a data set; recognised; 'images': pictures alone")
    bring.add_argument("--source", default="", help="where they come from, if they do not tell")
    bring.add_argument("--licence", default="", help="their licence, if they do not tell")

    add_model_parsers(kinds)

    add_queue_parser(kinds)

    mark = _command(kinds, "mark", _run_mark, "settle pictures without looking at the page")
    mark.add_argument("images", nargs="*", metavar="NAME", help="pictures or their files; or --all")
    mark.add_argument("--all", action="store_true", help="all pictures with proposals")
    mark.add_argument(
        "--accept-above", type=float, metavar="SCORE",
        help="accept proposals with at least this detector score or none, refuse the others",
    )  # fmt: skip
    mark.add_argument("--state", choices=("new", "proposed", "done", "skipped"), default="done")
    mark.add_argument("--who", default="", help="who does it; by default the name of the user")

    merge = _command(kinds, "merge", _run_merge, "bring another project's pictures and boxes in")
    merge.add_argument("other", type=Path, metavar="OTHER", help="folder of the other project")

    check = _command(kinds, "check", _run_check, "damage, suspicious labels, agreement of two")
    check.add_argument("--against", type=Path, metavar="OTHER", help="the same pictures by another")
    check.add_argument("--limit", type=int, default=_SHOWN, help=f"how many (default {_SHOWN})")
    check.add_argument("--json", action="store_true", help="print it as JSON")

    add_images_parser(kinds)
    classes = _command(kinds, "classes", _run_classes, "boxes of each class; other names")
    classes.add_argument("--rename", nargs=2, metavar=("OLD", "NEW"), help="in all boxes")
    classes.add_argument(
        "--merge", action="store_true", help="also where NEW is a class already: both become one"
    )

    rename = _command(kinds, "rename", _run_rename, "give the project another name")
    rename.add_argument("name", metavar="NAME", help="shown to people; the folder stays")
    _command(kinds, "delete", _run_delete, "move the project aside, into .deleted beside it")
    _command(kinds, "restore", _run_restore, "bring a deleted project back")
    _command(kinds, "purge", _run_purge, "remove a deleted project for good")
    add_export_parser(kinds)
    add_train_parser(kinds)
    for parser in kinds.choices.values():
        parser.set_defaults(run=_telling_place(parser.get_default("run")))


def _telling_place(run: Run) -> Run:
    """The same command; where a project of the page is called by its name alone, it tells where."""

    def told(options: argparse.Namespace, service: Service | None) -> int:
        from core.errors import DataError
        from frontends.service import read_limits
        from project.store import DATABASE_NAME

        try:
            return run(options, service)
        except DataError as error:
            root, folder = read_limits().projects_folder, options.folder
            place = root / folder.name if root else folder
            if (folder / DATABASE_NAME).exists() or not (place / DATABASE_NAME).is_file():
                raise
            raise DataError(
                error.message, f"The page has one of that name: give {place}"
            ) from error

    return told


def _command(kinds: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=text)
    parser.set_defaults(run=run)
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="folder of the project; the page lists those in ~/spotter-projects",
    )
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def _run_create(options: argparse.Namespace, service: Service | None) -> int:
    from frontends.service import read_limits
    from project.store import Project

    name = options.name or options.folder.resolve().name
    with Project.create(options.folder, name, class_names=options.classes) as project:
        _say(f"{options.folder}: project {project.name!r}, {', '.join(project.class_names)}")
    shown, place = read_limits().projects_folder, options.folder.resolve().parent
    if shown != place:
        start = f"SPOTTER_PROJECTS='{place}' python app.py"
        where = f"lists those in {shown}" if shown else "has projects of its visitors alone"
        sys.stderr.write(f"The page {where}. To open this one there: {start}\n")
    return 0


def _run_import(options: argparse.Namespace, service: Service | None) -> int:
    from core.errors import UnknownNameError
    from core.registry import suggest
    from dataset.archive import OWN
    from dataset.data_file import DATA_SUFFIXES
    from dataset.registry import FORMATS
    from project.folders import sweep
    from project.imported import Imported
    from project.intake import import_path
    from project.store import Project

    formats = ["images", *FORMATS.names()]
    if options.format is not None and options.format not in formats:
        raise UnknownNameError(
            f"unknown format '{options.format}'.{suggest(options.format, formats)}",
            f"Known: {', '.join(formats)}.",
        )
    total = Imported()
    with Project.open(options.folder) as project, show_bar() as show:
        sweep(project.folder)
        # Captions after the pictures that they are about, whatever the order of the names.
        for path in sorted(options.paths, key=lambda one: one.suffix.lower() in DATA_SUFFIXES):
            total = total.plus(
                import_path(
                    project, path, format=options.format, source=options.source,
                    licence=options.licence, limits=OWN, links=True, on_progress=show,
                )
            )  # fmt: skip
    for finding in total.findings:
        named = finding.what.startswith(f"{finding.where} ")
        where = "" if named else f"{finding.where}: "
        level = "" if finding.level == "note" else f"{finding.level}: "
        sys.stderr.write(f"{level}{where}{finding.what}\n")
    _say(total.sentence())
    return 1 if total.failed or any(f.level == "error" for f in total.findings) else 0


def _run_mark(options: argparse.Namespace, service: Service | None) -> int:
    from core.errors import InputError
    from project.naming import find_named
    from project.store import Project
    from project.types import Accept, Reject

    if bool(options.images) == options.all:
        raise InputError("name pictures, or give --all.", "python app.py project queue DIR")
    who = options.who or getpass.getuser()
    count = accepted = refused = 0
    with Project.open(options.folder) as project:
        wished = find_named(project, options.images, project.walk())
        wished = wished or list(project.walk("proposed"))
        limit = options.accept_above
        undecided = [image.name for image in wished if image.proposed]
        if undecided and limit is None and options.state == "done":
            others = f" and {counted(len(undecided) - 1, 'other picture')}" * (len(undecided) > 1)
            raise InputError(
                f"nobody decided the proposals in {undecided[0]}{others}.",
                "--accept-above SCORE accepts those from a score on and refuses the others; "
                "--accept-above 0 accepts all.",
            )
        for image in wished:
            waiting = [b for b in project.boxes(image.id) if b.state == "proposed"]
            edits = [
                Accept(box.id) if box.certainty >= limit else Reject(box.id)
                for box in waiting
                if limit is not None
            ]
            version = image.version
            project.apply(image.id, edits, who=who, version=version, state=options.state)
            count += 1
            accepted += sum(isinstance(edit, Accept) for edit in edits)
            refused += sum(isinstance(edit, Reject) for edit in edits)
    verb = "is" if count == 1 else "are"
    told = f"{counted(count, 'picture')} {verb} now {options.state}."
    if accepted or refused:
        told += f" {counted(accepted, 'proposal')} accepted, {refused} refused."
    _say(told)
    return 0


def _run_merge(options: argparse.Namespace, service: Service | None) -> int:
    from project.merge import merge
    from project.store import Project

    with (
        Project.open(options.folder) as project,
        Project.open(options.other) as other,
        show_bar() as show,
    ):
        merged = merge(project, other, on_progress=show)
    _say(merged.sentence())
    return 1 if merged.failed else 0


def _run_check(options: argparse.Namespace, service: Service | None) -> int:
    from dataclasses import asdict

    from project.agreement import compare
    from project.measuring import count_unmeasured
    from project.quality import find_suspicions
    from project.store import Project

    with Project.open(options.folder) as project:
        problems = project.problems()
        suspicions, unmeasured = find_suspicions(project), count_unmeasured(project)
        names = {image.id: image.name for image in project.walk()}
        shown = suspicions[: options.limit]
        places = {
            box.id: _place(box.xyxy)
            for image_id in {one.image_id for one in shown}
            for box in project.boxes(image_id)
        }
        agreement = None
        if options.against:
            with Project.open(options.against) as other:
                agreement = compare(project, other)
    if options.json:
        told = {
            "problems": problems,
            "unmeasured": unmeasured,
            "suspicions": [{**asdict(one), "image": names[one.image_id]} for one in suspicions],
            "agreement": asdict(agreement) if agreement else None,
        }
        _say(json.dumps(told, indent=2, ensure_ascii=False))
        return 1 if problems else 0
    for problem in problems:
        _say(f"damage: {problem}")
    for one in shown:
        where = f" Box: {places[one.box_id]}." if one.box_id in places else ""
        _say(f"{one.severity:.2f}  {one.kind:12}  {names[one.image_id]}: {one.what}{where}")
    if len(suspicions) > options.limit:
        _say(f"... and {len(suspicions) - options.limit} more")
    if agreement:
        kappa, same = agreement.class_kappa, agreement.caption_ratio
        _say(
            f"agreement on {agreement.images} pictures: F1 {agreement.f1:.3f}, mean IoU "
            f"{_number(agreement.mean_iou)}, kappa of classes {_number(kappa)}, same caption "
            f"{_number(same)}; {len(agreement.differences)} pictures differ"
        )
    if unmeasured:
        unseen = counted(unmeasured, "caption")
        _say(f"{unseen} no model has seen yet: project measure {options.folder}")
    _say(f"{counted(len(problems), 'problem')}, {counted(len(suspicions), 'suspicion')}.")
    return 1 if problems else 0


def _place(xyxy: Sequence[float]) -> str:
    """Left, top and size of a box in pixels, as `locate` tells them."""
    x1, y1, x2, y2 = xyxy
    return f"{x1:.0f}, {y1:.0f}, {x2 - x1:.0f} x {y2 - y1:.0f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _run_classes(options: argparse.Namespace, service: Service | None) -> int:
    from core.errors import InputError
    from project.renaming import ClassTakenError
    from project.store import Project

    if options.merge and not options.rename:
        raise InputError("--merge says how to rename.", "Add --rename OLD NEW.")
    with Project.open(options.folder) as project:
        if options.rename:
            try:
                project.rename_class(*options.rename, merge=options.merge)
            except ClassTakenError as error:
                raise InputError(error.message, "Add --merge to make both one.") from error
        for number, one in enumerate(project.count_classes()):
            _say(f"{number}  {one.name}: {one.confirmed} confirmed, {one.proposed} proposed")
    return 0


def _run_rename(options: argparse.Namespace, service: Service | None) -> int:
    from project.store import Project

    with Project.open(options.folder) as project:
        before = project.name
        project.rename(options.name)
        _say(f"{options.folder}: {before!r} is now {project.name!r}")
    return 0


def _run_delete(options: argparse.Namespace, service: Service | None) -> int:
    from project.folders import delete_project

    place = delete_project(options.folder)
    _say(f"moved to {place}; bring it back: python app.py project restore '{place}'")
    return 0


def _run_restore(options: argparse.Namespace, service: Service | None) -> int:
    from project.folders import restore_project

    _say(f"{restore_project(options.folder)} is back.")
    return 0


def _run_purge(options: argparse.Namespace, service: Service | None) -> int:
    from project.folders import purge

    _say(f"{purge(options.folder)} is gone for good.")
    return 0
