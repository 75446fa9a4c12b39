"""Pascal VOC: ``Annotations/*.xml``, ``JPEGImages/``, ``ImageSets/Main/<split>.txt``.

VOC counts pixels from 1 and includes the last one, so ``xmin`` is our left edge plus one and
``xmax`` our right edge; decimals are kept. Captions, visibility and sources are extra elements.
Class names have no order in VOC: ours stand in ``classes.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, InputError
from core.files import named_path
from core.image import READABLE
from dataset.formats.files import (
    copy_images,
    image_name,
    list_images,
    read_class_names,
    split_named,
    write_class_names,
    write_text,
)
from dataset.formats.raw import (
    Finding,
    Format,
    OnProgress,
    RawDataset,
    RawImage,
    RawObject,
    measure,
)
from dataset.formats.upright import fit_to_stated_size
from dataset.record import Dataset, Record
from dataset.splits import SPLITS

__all__ = ["FORMAT", "read", "write"]

_MAX_BYTES = 20_000_000
_TRUNCATED_BELOW = 0.8  # VOC's guideline: 15 to 20 % of the object lie outside of its box
_XML_FOLDERS = ("Annotations", "annotations", ".", "train", "valid", "val", "test")
_BOX_TAGS = ("xmin", "ymin", "xmax", "ymax")
_FLAGS = ("1", "0", "-1")  # the class is there, is there but hard to see, is not there
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHIFT = np.array([1.0, 1.0, 0.0, 0.0])


def read(folder: Path) -> Dataset:
    """The data set in a folder; images without an XML file count as empty.

    Args:
        folder: Holds ``Annotations/`` and ``JPEGImages/``, or XML files beside the images.

    Raises:
        DataError: There is no XML file, or one is not as it should be.
    """
    return FORMAT.read(folder)


def write(dataset: Dataset, folder: Path, on_progress: OnProgress | None = None) -> None:
    """Write one XML file for each image, empty ones included, and the lists of the splits."""
    images = folder / "JPEGImages"
    copy_images(dataset, lambda record: images, [images], on_progress)
    for record in dataset:
        tree = _describe(record, dataset.class_names)
        ElementTree.indent(tree)
        # A carriage return as it is would be read back as a line feed.
        text = ElementTree.tostring(tree, encoding="unicode").replace("\r", "&#13;") + "\n"
        write_text(folder / "Annotations" / f"{record.image_id}.xml", text)
    for split in SPLITS:
        names = [record.image_id + "\n" for record in dataset if record.split == split]
        write_text(folder / "ImageSets" / "Main" / f"{split}.txt", "".join(names))
    written = tuple(map(_allowed, dataset.class_names))
    write_class_names(replace(dataset, class_names=written), folder)


def _describe(record: Record, class_names: tuple[str, ...]) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    _add(root, folder="JPEGImages", filename=image_name(record))
    source = ElementTree.SubElement(root, "source")
    _add(source, database=record.source or "unknown", licence=record.licence)
    size = ElementTree.SubElement(root, "size")
    _add(size, width=record.image_wh[0], height=record.image_wh[1], depth=3)
    _add(root, segmented=int(any(record.polygons)), group=record.group)
    for number, box in enumerate(record.xyxy.astype(np.float64) + _SHIFT):
        visible = float(record.visible_ratio[number])
        entry = ElementTree.SubElement(root, "object")
        _add(entry, name=class_names[record.class_id[number]], pose="Unspecified")
        _add(entry, truncated=int(visible < _TRUNCATED_BELOW), difficult=0)
        _add(entry, caption=record.captions[number], visible_ratio=f"{visible:.4g}")
        corners = ElementTree.SubElement(entry, "bndbox")
        _add(corners, **{tag: _number(v) for tag, v in zip(_BOX_TAGS, box, strict=True)})
        for outline in record.polygons[number] if record.polygons else ():
            polygon = ElementTree.SubElement(entry, "polygon")
            for position, (x, y) in enumerate(outline.astype(np.float64) + 1, start=1):
                _add(polygon, **{f"x{position}": _number(x), f"y{position}": _number(y)})
    return root


def _add(parent: ElementTree.Element, **texts: object) -> None:
    for tag, value in texts.items():
        ElementTree.SubElement(parent, tag).text = _allowed(str(value))


def _allowed(text: str) -> str:
    """The text without the characters that XML 1.0 does not allow, not even escaped."""
    return _FORBIDDEN.sub("", text)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _xml_files(folder: Path) -> Iterator[Path]:
    seen = set()
    for name in _XML_FOLDERS:
        for path in sorted((folder / name).glob("*.xml")):
            if (key := path.resolve()) not in seen:
                seen.add(key)
                yield path


def _holds(folder: Path) -> bool:
    for path in _xml_files(folder):
        with path.open("rb") as file:
            if b"<annotation" in file.read(2000) or path.parent.name == "Annotations":
                return True
    return False


def _scan(folder: Path) -> RawDataset:
    names = list(read_class_names(folder))
    raw = RawDataset((), [])
    files = list(_xml_files(folder))
    stems = {path.stem for path in (*files, *list_images(folder / "JPEGImages"))}
    splits = _read_splits(folder, stems)
    labelled: set[Path] = set()
    for path in files:
        image = _scan_file(folder, path, names, raw.findings)
        if image is not None:
            labelled.add(image.path.resolve())
            image.split = splits.get(path.stem, "") or split_named(path.parent.name)
            raw.images.append(image)
    if not labelled and not raw.findings:
        raise DataError(f"{folder} has no XML file in Annotations/.", "Give the folder above it.")
    raw.images.extend(_unlabelled(folder, labelled, splits))
    raw.images.sort(key=lambda image: image.path.name)
    raw.class_names = tuple(names) or ("object",)
    return raw


def _read_splits(folder: Path, stems: Collection[str]) -> Mapping[str, str]:
    """The split of each image by name, as far as the lists of ``ImageSets/Main`` tell.

    Names may hold spaces, and some tools write a flag behind the name as in a class's own list:
    a line is a name where there is such an image, and without its flag otherwise.
    """
    splits, flagged = {}, {}
    for split in SPLITS:
        path = folder / "ImageSets" / "Main" / f"{split}.txt"
        if path.is_file():
            for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
                name = line.strip()
                before, _, last = name.rpartition(" ")
                if last in _FLAGS and name not in stems:
                    flagged[before.strip()] = split
                else:
                    splits[name] = split
    return {**flagged, **splits}


def _unlabelled(folder: Path, labelled: set[Path], splits: Mapping[str, str]) -> Iterable[RawImage]:
    for path in list_images(folder / "JPEGImages"):
        if path.resolve() not in labelled:
            image = RawImage(path.stem, path, path.name, splits.get(path.stem, ""))
            image.report(
                "missing-labels",
                "the image has no XML file and counts as empty.",
                "Write one without objects if nothing is to be seen there.",
                level="warning",
            )
            measure(image)
            yield image


def _scan_file(
    folder: Path, path: Path, names: list[str], findings: list[Finding]
) -> RawImage | None:
    where = path.relative_to(folder).as_posix()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"larger than {_MAX_BYTES} bytes")
        root = ElementTree.parse(path).getroot()
        if root.tag != "annotation":
            raise ValueError(f"the root must be annotation, got {root.tag}")
        image = RawImage(path.stem, _image_path(folder, path, root), where)
    except (OSError, ValueError, LookupError, ElementTree.ParseError, InputError) as error:
        what = f"cannot be read as VOC's XML: {error}."
        findings.append(Finding("corrupt-labels", "error", where, what, "Write it again."))
        return None
    image.group = root.findtext("group") or ""
    image.licence = root.findtext("source/licence") or ""
    source = root.findtext("source/database") or ""
    image.source = "" if source.lower() == "unknown" else source
    measure(image)
    for number, entry in enumerate(root.findall("object"), start=1):
        _scan_object(image, entry, number, names)
    fit_to_stated_size(image, root.findtext("size/width"), root.findtext("size/height"))
    return image


def _image_path(folder: Path, xml: Path, root: ElementTree.Element) -> Path:
    """The image of an XML file: what it names, or what has its name."""
    told = root.findtext("filename") or f"{xml.stem}.jpg"
    named = Path(told.replace("\\", "/")).name
    places = [folder / "JPEGImages", folder / "images", xml.parent, folder]
    for place in places:
        for name in (named, *(xml.stem + suffix for suffix in (".jpg", *READABLE))):
            path = named_path(place, name)
            if path.is_file():
                return path
    return named_path(places[0], named)


def _scan_object(
    image: RawImage, entry: ElementTree.Element, number: int, names: list[str]
) -> None:
    try:
        texts = [entry.findtext(f"bndbox/{tag}") or "nothing" for tag in _BOX_TAGS]
        left, top, right, bottom = (np.array(texts, np.float64) - _SHIFT).tolist()
        visible = float(entry.findtext("visible_ratio") or 1.0)
        outlines = tuple(map(_outline, entry.findall("polygon")))
    except ValueError as error:
        what = f"object {number} needs a bndbox of four numbers, and points in polygons ({error})."
        image.report("corrupt-labels", what, "Correct the object.")
        return
    name = (entry.findtext("name") or "").strip() or "object"
    if name not in names:
        names.append(name)
    caption = entry.findtext("caption")
    image.objects.append(
        RawObject(
            (left, top, right, bottom),
            names.index(name),
            name if caption is None else caption,
            visible,
            outlines,
        )
    )


def _outline(polygon: ElementTree.Element) -> NDArray[np.float32]:
    points = np.array([child.text for child in polygon], np.float32) - 1
    if len(points) < 6 or len(points) % 2:
        raise ValueError("a polygon has fewer than three points")
    if not np.isfinite(points).all():
        raise ValueError("a polygon has a point that is no number")
    return points.reshape(-1, 2)


FORMAT = Format("voc", _holds, _scan, write)
