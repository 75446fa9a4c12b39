"""Captions that come with pictures: what each is known to show, from files beside them.

The files are those that `batch` reads (``dataset.data_file``). Pictures that come in with them are
found by their places, those of the project by their names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.captions import clean_caption
from core.errors import CaptionError, InputError, SpotterError
from core.words import counted
from dataset.data_file import DataLine, read_data
from dataset.formats.raw import Finding
from project.naming import Names
from project.rows import CAPTIONS_MAX
from project.store import Project
from project.types import Asked, BoxRow

__all__ = [
    "Given",
    "Told",
    "cut_captions",
    "give",
    "missing_captions",
    "read_given",
    "usable_captions",
]

_NAMED_MAX = 5
_REPORT_EVERY = 500

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """What one file says.

    Args:
        where: Its name.
        lines: What it says of pictures.
        several: Bare names that mean several pictures in it; None: as the lines tell.
    """

    where: str
    lines: tuple[DataLine, ...]
    several: frozenset[str] | None = None


@dataclass(slots=True)
class Given:
    """What files tell of pictures.

    Args:
        of_path: Captions of pictures that lie beside the files.
        others: Lines about other pictures.
        findings: What could not be used.
        unread: Files that tell nothing of pictures, each with the reason.
    """

    of_path: dict[Path, list[str]] = field(default_factory=lambda: defaultdict(list))
    others: list[Told] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: list[tuple[Path, SpotterError]] = field(default_factory=list)


def read_given(tables: Sequence[Path], pictures: Sequence[Path], folder: Path) -> Given:
    """Return what files in a folder tell of its pictures.

    Args:
        tables: The files.
        pictures: The pictures.
        folder: Above all of them.
    """
    places = {path.relative_to(folder).as_posix(): path for path in pictures}
    of_name = defaultdict[str, list[Path]](list)
    for picture in pictures:
        of_name[picture.name].append(picture)
    given = Given()
    for table in tables:
        try:
            told = Told(table.name, tuple(read_data(table)))
        except InputError as error:
            given.unread.append((table, error))
            continue
        beside = PurePosixPath(table.parent.relative_to(folder).as_posix())
        several = _several(told.lines)
        others = []
        of_path = defaultdict[Path, list[str]](list)
        for line in told.lines:
            # Near the file or below the top; else by the bare name, where one alone has it.
            near = (beside / line.image).as_posix(), PurePosixPath(line.image).as_posix()
            path = next((places[place] for place in near if place in places), None)
            name = PurePosixPath(line.image).name
            if path is None and name not in several and len(of_name[name]) == 1:
                path = of_name[name][0]
            if path is None:
                others.append(line)
            else:
                where = f"{table.name}, {line.image}"
                of_path[path] += usable_captions(_captions(line), where, given.findings)
        for path, captions in of_path.items():
            # The same in two forms, such as a table and JSON lines, is said once.
            if captions != given.of_path[path]:
                given.of_path[path] += captions
        if others:
            given.others.append(Told(told.where, tuple(others), several))
        given.findings += _boxes_left_out(told)
    return given


def _captions(line: DataLine) -> list[str]:
    """Captions of a line; a box that nobody described is told with the boxes that are left out."""
    return [one.caption for one in line.annotations if one.caption or one.xyxy is None]


def _several(lines: Sequence[DataLine]) -> frozenset[str]:
    """Bare names that mean several pictures, such as `1.png` of `train/1.png` and `val/1.png`."""
    images = defaultdict[str, set[str]](set)
    for line in lines:
        images[PurePosixPath(line.image).name].add(line.image)
    return frozenset(name for name, known in images.items() if len(known) > 1)


def _boxes_left_out(told: Told) -> list[Finding]:
    boxed = sum(one.xyxy is not None for line in told.lines for one in line.annotations)
    what = f"{counted(boxed, 'box')} left out: only captions are read from such a file."
    advice = "Boxes come in as annotations.jsonl in the folder of the pictures."
    return [Finding("boxes-left-out", "warning", told.where, what, advice)] * bool(boxed)


def usable_captions(
    captions: Sequence[str], where: str, findings: list[Finding]
) -> tuple[str, ...]:
    """Return captions cleaned; one that cannot be used is left out, with a finding."""
    usable = []
    for caption in captions:
        try:
            usable.append(clean_caption(caption))
        except CaptionError as error:
            findings.append(
                Finding("unusable-caption", "warning", where, error.message, "Left out.")
            )
    return tuple(usable)


def cut_captions(captions: Sequence[str], where: str, findings: list[Finding]) -> tuple[str, ...]:
    """Return as many captions as are kept of one picture; with a finding where there are more."""
    if len(captions) > CAPTIONS_MAX:
        what = f"{len(captions)} captions of one picture, kept are the first {CAPTIONS_MAX}."
        findings.append(Finding("many-captions", "warning", where, what))
    return tuple(captions[:CAPTIONS_MAX])


def give(
    project: Project,
    files: Sequence[Told],
    *,
    replace: bool = False,
    on_progress: OnProgress | None = None,
) -> tuple[int, int, list[Finding]]:
    """Keep what files tell of pictures that are in a project already.

    Args:
        project: Holds the pictures.
        files: What they say.
        replace: Whether it takes the place of captions that were given before.
        on_progress: Called now and then with (done, total, name); may raise to stop, and then
            nothing is kept.

    Returns:
        Numbers of pictures: whose captions are others now, and whose are the same as before; and
        what could not be used.
    """
    names = Names(project, project.walk() if files else ())
    captions = defaultdict[int, list[str]](list)
    findings: list[Finding] = []
    for told in files:
        several = _several(told.lines) if told.several is None else told.several
        unknown: list[InputError] = []
        for number, line in enumerate(told.lines):
            if on_progress is not None and number % _REPORT_EVERY == 0:
                on_progress(number, len(told.lines), told.where)
            try:
                if PurePosixPath(line.image).name in several:
                    raise InputError(
                        f"{line.image[:80]!r} may be any of several pictures: the file names "
                        "some of the same name in other folders."
                    )
                image = names.find(line.image)
            except InputError as error:
                unknown.append(error)
            else:
                where = f"{told.where}, {line.image}"
                captions[image.id] += usable_captions(_captions(line), where, findings)
        findings += _unknown(told.where, unknown)
    cut = {
        number: cut_captions(told, project.image(number).name, findings)
        for number, told in captions.items()
        if told
    }
    became = Counter[str](project.give_captions(cut, replace=replace).values())
    for state, what in (
        ("kept", "stay as they are: a file that comes alone replaces them."),
        ("replaced", "were replaced."),
    ):
        if count := became[state]:
            what = f"other captions of {counted(count, 'picture')} {what}"
            findings.append(Finding(f"captions-{state}", "warning", files[0].where, what))
    return became["new"] + became["replaced"], became["same"], findings


def _unknown(where: str, errors: Sequence[InputError]) -> list[Finding]:
    """What is told of names that mean no picture: some of them, and how many more there are."""
    advice = "Bring the pictures first, then this file again."
    findings = [
        Finding("unknown-picture", "error", where, one.message, advice)
        for one in errors[:_NAMED_MAX]
    ]
    more = len(errors) - _NAMED_MAX
    if more > 0:
        what = f"{counted(more, 'more line')} without a picture of the project."
        findings.append(Finding("unknown-picture", "error", where, what, advice))
    return findings


def missing_captions(
    captions: Sequence[str], boxes: Sequence[BoxRow], asked: Sequence[Asked] = ()
) -> list[str]:
    """Return the captions of an image that no box has yet, but for what a person marked absent.

    Args:
        captions: Given with the image; two alike need two boxes.
        boxes: Of the image; rejected ones do not count.
        asked: What people said of captions.

    Example:
        >>> missing_captions(["kite", "kite", "drone"], [])
        ['kite', 'kite', 'drone']
    """
    boxed = Counter(box.caption for box in boxes if box.state != "rejected")
    absent = {one.caption for one in asked if one.confirmed and not one.found}
    missing = []
    for caption in captions:
        if boxed[caption]:
            boxed[caption] -= 1
        elif caption not in absent:
            missing.append(caption)
    return missing
