"""Pictures and labelled data into a project: files, folders, ZIP files, data sets, other projects.

What cannot be used is told and left out; it stops nothing else. Importing the same again adds
nothing. Not here: the rows (``project.intake_rows``), which files a folder brings
(``project.intake_files``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import CaptionError, DataError, InputError, SpotterError
from core.files import list_files
from core.image import MAX_PIXELS, READABLE
from core.words import counted
from dataset.archive import Limits, unpack
from dataset.data_file import DATA_SUFFIXES
from dataset.folders import data_sets_in, inner_folder
from dataset.formats.raw import Finding, RawImage
from dataset.registry import detect_format, scan_dataset
from project.editing import BOXES_MAX, tidy_caption
from project.given import cut_captions, give, read_given, usable_captions
from project.imported import Imported
from project.intake_files import (
    NAMED_MAX,
    links_left_out,
    passed_over,
    unread_labels,
)
from project.intake_rows import Label, LabelBox
from project.pictures import load_picture
from project.store import Project
from project.whole import bring_project, disarm, find_project

__all__ = ["import_dataset", "import_path", "import_pictures"]


_NO_LABELS = "missing-labels"
_NO_SPLIT = "unknown-split"  # costs no box
_REPLACE_THEM = "A file of captions that comes alone replaces them."
_MERGE_IT = "Import it into another project and merge that one: then they are proposed."

OnProgress = Callable[[int, int, str], None]


def import_path(
    project: Project,
    path: Path,
    *,
    format: str | None = None,
    source: str = "",
    licence: str = "",
    limits: Limits | None = None,
    links: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> Imported:
    """Import a picture, or a folder or ZIP file: of pictures, a data set, or a whole project.

    Files of captions among pictures, and one that comes alone, tell what the pictures of the
    project show, see ``dataset.data_file``.

    Args:
        project: Gets the images.
        path: What to import; a folder is taken for a project or a data set where it looks like one.
        format: Name of the data set's format; None: recognised; "images": pictures alone.
        source: Where they come from, for those that do not tell.
        licence: Their licence, for those that do not tell.
        limits: What a ZIP file may hold.
        links: Links to files count as files, wherever they lead: who runs this chose the folder.
            Those in ZIP files never do.
        max_pixels: Larger pictures are refused.
        on_progress: Called after each picture with (done, total, name); may raise to stop.

    Raises:
        DataError: There is nothing at the path, no picture in it, or a file of captions cannot be
            read.
        InputError: A ZIP file cannot be used, or a project lies there beside other things.
        UnknownNameError: There is no format of that name.
    """
    origin = Label(source=source, licence=licence)
    if path.suffix.lower() == ".zip" and path.is_file():
        # Beside the pictures: enough room there, or nowhere.
        with tempfile.TemporaryDirectory(dir=project.folder, prefix=".import-") as temporary:
            folder = Path(temporary)
            unpack(path, folder, limits=limits)
            disarm(folder)
            if format is None and (whole := find_project(folder)):
                return _import_project(project, whole, max_pixels, on_progress)
            told = (format, origin, False, max_pixels, on_progress)
            return _import_parts(project, folder, *told)
    if path.is_dir():
        if format is None and (whole := find_project(path)):
            return _import_project(project, whole, max_pixels, on_progress)
        return _import_parts(project, path, format, origin, links, max_pixels, on_progress)
    if path.is_file() and path.suffix.lower() in DATA_SUFFIXES:
        return _import_captions(project, [path], path.parent, on_progress)
    if path.is_file():
        return import_pictures(project, [path], origin, max_pixels=max_pixels)
    raise DataError(f"{path} does not exist.", "Give a picture, a folder or a ZIP file.")


def _import_project(
    project: Project, folder: Path, max_pixels: int, on_progress: OnProgress | None
) -> Imported:
    came = bring_project(project, folder, max_pixels=max_pixels, on_progress=on_progress)
    lost = [
        Finding("lost-picture", "error", name, "its picture cannot be read.", "Left out.")
        for name in came.failed
    ]
    return Imported(findings=tuple(lost), projects=(came.sentence(),))


def _import_parts(
    project: Project,
    folder: Path,
    format: str | None,
    origin: Label,
    links: bool,
    max_pixels: int,
    on_progress: OnProgress | None,
) -> Imported:
    """What became of a folder: of the data sets in it one by one, and of all that is beside them.

    A table of captions tells of the pictures in folders beside it; a data set tells of its own.
    """
    told = (format, origin, links, max_pixels, on_progress)
    folder = inner_folder(folder, format)
    sets = [] if format else [path for path in data_sets_in(folder) if path != folder]
    taken = Imported()
    for path in sets:
        taken = taken.plus(_import_folder(project, path, list_files(path, links=links), *told))
    files = list_files(folder, links=links)
    rest = [path for path in files if not any(path.is_relative_to(part) for part in sets)]
    left = links_left_out(folder, sets, links=links)
    if rest or not sets:
        try:
            taken = taken.plus(_import_folder(project, folder, rest, *told))
        except DataError as error:
            if not left:
                raise
            why = " ".join(f"{one.where}: {one.what}" for one in left)
            raise DataError(f"{error.message} {why}", error.hint) from error
    return taken.plus(Imported(findings=left))


def _import_folder(
    project: Project,
    folder: Path,
    files: Sequence[Path],
    format: str | None,
    origin: Label,
    links: bool,
    max_pixels: int,
    on_progress: OnProgress | None,
) -> Imported:
    # Pictures alone are wished for: what else lies there tells nothing of them.
    tables = [] if format else [path for path in files if path.suffix.lower() in DATA_SUFFIXES]
    if tables and not any(path.suffix.lower() in READABLE for path in files):
        return _import_captions(project, tables, folder, on_progress)
    is_told = format is not None
    if format is None:
        try:
            format = detect_format(folder)
        except DataError:
            format = "images"
    if format != "images":
        taken = import_dataset(
            project, folder, format, origin,
            links=links, max_pixels=max_pixels, on_progress=on_progress,
        )  # fmt: skip
        # Other tables are usual beside data sets: what is none of captions is passed over.
        beside = read_given([path for path in tables if path.suffix.lower() == ".csv"], (), folder)
        captioned, same, findings = give(project, beside.others)
        return taken.plus(Imported(captioned=captioned, recaptioned=same, findings=tuple(findings)))
    paths = [path for path in files if path.suffix.lower() in READABLE]
    if not paths:
        raise DataError(
            f"there are no pictures in {folder}.", f"Known endings: {', '.join(READABLE)}."
        )
    given = read_given(tables, paths, folder)
    findings = given.findings
    captions = {
        path: cut_captions(told, path.name, findings) for path, told in given.of_path.items()
    }
    labels = ((path, replace(origin, captions=captions.get(path, ()))) for path in paths)
    wished = ((path, path.stem, label) for path, label in labels)
    taken = _import_all(project, wished, len(paths), max_pixels, on_progress)
    captioned, same, unknown = give(project, given.others)
    known = {*tables, *paths}
    others = [path for path in files if path not in known]
    # Who wishes for pictures alone knows of the labels.
    labels_left, lost = unread_labels([] if is_told else others, paths)
    names = [path.name for path in others if path not in labels_left]
    unread = [
        Finding("no-captions", "warning", path.name, str(error), "Left out.")
        for path, error in given.unread
    ]
    return taken.plus(
        Imported(
            captioned=captioned,
            recaptioned=same,
            findings=(*passed_over(names), *unread, *findings, *unknown, *lost),
        )
    )


def _import_captions(
    project: Project, tables: Sequence[Path], folder: Path, on_progress: OnProgress | None
) -> Imported:
    """What became of files of captions that come without pictures.

    Raises:
        InputError: The only one cannot be read.
    """
    given = read_given(tables, (), folder)
    if len(given.unread) == len(tables):
        raise given.unread[0][1]
    captioned, same, findings = give(project, given.others, replace=True, on_progress=on_progress)
    unread = [Finding("no-captions", "error", path.name, str(e)) for path, e in given.unread]
    told = (*unread, *given.findings, *findings)
    return Imported(captioned=captioned, recaptioned=same, findings=told)


def import_pictures(
    project: Project,
    paths: Sequence[Path],
    origin: Label | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> Imported:
    """Import picture files, without labels.

    Args:
        project: Gets the images.
        paths: The files.
        origin: Source and licence of all.
        max_pixels: Larger pictures are refused.
        on_progress: See `import_path`.
    """
    label = origin or Label()
    wished = ((path, path.stem, label) for path in paths)
    return _import_all(project, wished, len(paths), max_pixels, on_progress)


def import_dataset(
    project: Project,
    folder: Path,
    format: str | None = None,
    origin: Label | None = None,
    *,
    links: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> Imported:
    """Import a labelled data set; its boxes count as confirmed.

    Its images count as done, but those without labels, and those that lost a box.

    Args:
        project: Gets the images; classes that it lacks are added.
        folder: The root of the data set.
        format: Name of its format; recognised if None.
        origin: Source and licence where the data set tells none; who vouches.
        links: Links to pictures that the data set does not tell of are told as pictures are.
        max_pixels: Larger pictures are refused.
        on_progress: See `import_path`.

    Raises:
        DataError: It is no data set.
        UnknownNameError: There is no format of that name.
    """
    raw = scan_dataset(folder, format)
    base = origin or Label()
    names = raw.class_names
    findings = list(raw.findings)
    listed = {image.path.resolve() for image in raw.images}
    pictures = [path for path in list_files(folder, links=links) if path.suffix.lower() in READABLE]
    beside = [path.name for path in pictures if path.resolve() not in listed]
    if beside:
        named = ", ".join(beside)
        if len(beside) > NAMED_MAX:
            named = f"{counted(len(beside), 'picture')}, such as {beside[0]}"
        what = "not told of by the data set, left out."
        findings.append(Finding("unlisted-picture", "note", named, what))
    wished = []
    for image in raw.images:
        findings += [_told(finding) for finding in image.findings]
        if image.image_wh is not None:
            label = _label_of(image, names, base, findings)
            wished.append((image.path, image.image_id, label))
    taken = _import_all(project, iter(wished), len(wished), max_pixels, on_progress)
    # A picture that the scan could not measure is missing from the list above.
    return Imported(findings=tuple(findings)).plus(taken)


def _told(finding: Finding) -> Finding:
    """The finding, in the words of a project: there an image without labels is no empty one."""
    if finding.kind != _NO_LABELS:
        return finding
    what = "it is not wholly labelled and waits for a look, as new pictures do."
    return replace(finding, what=what)


def _label_of(image: RawImage, names: Sequence[str], base: Label, findings: list[Finding]) -> Label:
    """What the data set says of an image, without the boxes that cannot be used.

    Only an image of which nothing was lost is done: exported as it is, any other one would teach
    that the object without a box is background.
    """
    assert image.image_wh is not None
    limit = np.tile(np.array(image.image_wh, np.float64), 2)
    wrong = [f for f in image.findings if f.level == "error" and f.kind != _NO_SPLIT]
    is_whole = not wrong and not any(f.kind == _NO_LABELS for f in image.findings)
    boxes = []
    if (told := len(image.objects)) > BOXES_MAX:
        what = f"{told} boxes in one picture, the limit is {BOXES_MAX}."
        findings.append(
            Finding("many-boxes", "warning", image.where, what, "The others were left out.")
        )
    for number, thing in enumerate(image.objects[:BOXES_MAX], start=1):
        xyxy = np.clip(np.nan_to_num(np.array(thing.xyxy, np.float64), nan=-1.0), 0, limit)
        if not 0 <= thing.class_id < len(names):
            what = f"box {number} is of no class."
            findings.append(Finding("unusable-box", "error", image.where, what, "Name its class."))
        elif (xyxy[2:] - xyxy[:2] < 1).any():
            what = f"box {number} is empty or outside of the picture."
            findings.append(Finding("unusable-box", "warning", image.where, what, "Left out."))
        else:
            x1, y1, x2, y2 = xyxy.tolist()
            try:
                caption = tidy_caption(thing.caption)
            except CaptionError as error:
                caption, is_whole = "", False
                what = f"the caption of box {number} was left out: {error.message}"
                findings.append(Finding("unusable-caption", "warning", image.where, what))
            boxes.append(LabelBox((x1, y1, x2, y2), names[thing.class_id], caption))
    return replace(
        base,
        boxes=tuple(boxes),
        state="done" if is_whole and len(boxes) == len(image.objects) else "new",
        captions=cut_captions(
            usable_captions(image.captions, image.where, findings), image.where, findings
        ),
        group=_as_text(image.group),
        split=image.split,
        source=_as_text(image.source or base.source),
        licence=_as_text(image.licence or base.licence),
    )


def _as_text(text: str) -> str:
    """The text with question marks for half characters, which JSON can tell and no file holds."""
    return text.encode("utf-8", "replace").decode()


def _import_all(
    project: Project,
    wished: Iterable[tuple[Path, str, Label]],
    total: int,
    max_pixels: int,
    on_progress: OnProgress | None,
) -> Imported:
    added = known = boxes = captioned = restored = 0
    findings = []
    for number, (path, name, label) in enumerate(wished, start=1):
        try:
            picture = load_picture(path, path.name, max_pixels=max_pixels)
            taken = project.add_labelled(picture, name, label)
        except DataError:  # the disk's fault, not the picture's
            raise
        except (InputError, OSError) as error:
            what = error.message if isinstance(error, SpotterError) else f"cannot read: {error}."
            hint = error.hint if isinstance(error, SpotterError) else "Check the file."
            findings.append(Finding("unreadable-image", "error", path.name, what, hint))
        else:
            added += taken.is_new
            known += not (taken.is_new or taken.came_back)
            restored += taken.came_back
            boxes += taken.boxes
            captioned += bool(label.captions) and taken.captions != "kept"
            if taken.captions == "kept":
                what = "other captions were given with it before, which stay."
                findings.append(Finding("captions-kept", "warning", path.name, what, _REPLACE_THEM))
            if taken.left_out:
                what = f"{counted(taken.left_out, 'box')} left out: the image has settled ones."
                findings.append(Finding("labels-left-out", "warning", path.name, what, _MERGE_IT))
            if taken.crowded:
                what = f"{counted(taken.crowded, 'proposal')} left out: it has {BOXES_MAX} boxes."
                findings.append(Finding("many-boxes", "warning", path.name, what))
        if on_progress is not None:
            on_progress(number, total, path.name)
    return Imported(added, known, boxes, tuple(findings), captioned=captioned, restored=restored)
