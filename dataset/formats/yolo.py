"""Ultralytics' YOLO folders: ``images/<split>``, ``labels/<split>``, ``data.yaml``.

Rows are ``class cx cy w h`` over the image's size, or ``class x1 y1 x2 y2 ...`` for outlines; of
rows with keypoints (``kpt_shape`` in ``data.yaml``) the box is read.
YOLO has no place for captions, groups or visibility: they travel in ``captions.jsonl`` beside it.
A label file that was edited wins over that; without it captions are the class names.
Images that Ultralytics would pass over, such as GIF, become PNG.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.boxes import iou_matrix
from core.errors import DataError
from core.files import sha256_of
from core.words import counted
from dataset.formats.files import (
    CLASSES_NAME,
    copy_images,
    flat_outlines,
    image_name,
    outlines_of,
    scan_json_lines,
    write_text,
)
from dataset.formats.raw import (
    Finding,
    Format,
    OnProgress,
    RawDataset,
    RawImage,
    RawObject,
    add_finding,
    measure,
)
from dataset.formats.yolo_yaml import (
    YAML_NAME,
    Sources,
    holds_poses,
    holds_sources,
    label_path,
    read_sources,
    write_yaml,
)
from dataset.outlines import join_outlines, outline_extent
from dataset.record import Dataset, Record
from dataset.splits import SPLITS

__all__ = ["FORMAT", "SEG_FORMAT", "read", "write", "write_outlines"]

_SIDECAR = "captions.jsonl"
_SAMPLE_LABELS = 50
# The endings of images that every version of Ultralytics takes; GIF is a video there.
_TAKEN = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def read(folder: Path) -> Dataset:
    """The data set in a folder, all its splits; boxes and outlines alike.

    Args:
        folder: Holds ``data.yaml``, or ``images/``, ``labels/`` and ``classes.txt``, also for each
            split.

    Raises:
        DataError: There is no image, or a label file is not as it should be.
    """
    return FORMAT.read(folder)


def write(dataset: Dataset, folder: Path, on_progress: OnProgress | None = None) -> None:
    """Write boxes, images copied or made PNG; one without objects gets an empty label file."""
    _write(dataset, folder, on_progress, outlines=False)


def write_outlines(dataset: Dataset, folder: Path, on_progress: OnProgress | None = None) -> None:
    """Write outlines for training segmentation; a box without one is its own outline.

    Ultralytics then takes the extent of the outline as the box.
    """
    _write(dataset, folder, on_progress, outlines=True)


def _write(
    dataset: Dataset, folder: Path, on_progress: OnProgress | None, *, outlines: bool
) -> None:
    places = [folder / "images" / split for split in SPLITS]
    copy_images(
        dataset, lambda record: folder / "images" / record.split, places, on_progress, _image_name
    )
    notes = []
    for record in dataset:
        text = "".join(_row(record, number, outlines) for number in range(len(record)))
        image = folder / "images" / record.split / _image_name(record)
        write_text(label_path(image), text)
        notes.append(json.dumps(_note(record, text, outlines), ensure_ascii=False) + "\n")
    write_text(folder / _SIDECAR, "".join(notes))
    write_text(folder / YAML_NAME, write_yaml(dataset))


def _image_name(record: Record) -> str:
    """Ultralytics finds images by their endings, and so do we where no file names them."""
    name = image_name(record)
    return name if Path(name).suffix in _TAKEN else f"{record.image_id}.png"


def _row(record: Record, number: int, outlines: bool) -> str:
    size = np.array(record.image_wh, np.float64)
    x1, y1, x2, y2 = record.xyxy[number].astype(np.float64)
    if outlines:
        known = record.polygons[number] if record.polygons else ()
        corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
        values = ((join_outlines(known) if known else corners) / size).ravel()
    else:
        centre_and_size = np.array([[(x1 + x2) / 2, (y1 + y2) / 2], [x2 - x1, y2 - y1]])
        values = (centre_and_size / size).ravel()
    numbers = (f"{value:.7f}" for value in np.clip(values, 0, 1))
    return " ".join([str(int(record.class_id[number])), *numbers]) + "\n"


def _note(record: Record, labels: str, outlines: bool) -> dict[str, Any]:
    note: dict[str, Any] = {
        "image": record.image_id,
        "labels": sha256_of(labels.encode())[:16],
        "captions": list(record.captions),
        "visible_ratio": [round(float(v), 4) for v in record.visible_ratio],
        "xyxy": [[round(v, 3) for v in box] for box in record.xyxy.tolist()],
        "group": record.group,
        "source": record.source,
        "licence": record.licence,
    }
    if outlines:
        # Also where none is known: the label row of such a box is a rectangle.
        note["outlines"] = [flat_outlines(known) for known in record.polygons] or [[]] * len(record)
    return note


def _holds_outlines(folder: Path) -> bool:
    if not holds_sources(folder) or holds_poses(folder):
        return False
    labels = (path for path in folder.glob("**/labels/**/*.txt") if path.name != CLASSES_NAME)
    for path in islice(labels, _SAMPLE_LABELS):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines:
            return len(line.split()) > 6
    return False


def _scan(folder: Path) -> RawDataset:
    sources = read_sources(folder)
    raw = RawDataset(sources.class_names or ("object",), [], list(sources.findings))
    notes: dict[str, Mapping[str, Any]] = {}
    if (folder / _SIDECAR).is_file():
        for _, row in scan_json_lines(folder / _SIDECAR):
            if isinstance(row, Finding):
                add_finding(raw.findings, row)
            else:
                notes[str(row.get("image"))] = row
    if not sources.images and not raw.findings:
        raise DataError(
            f"{folder} has no images in images/train, images/val or images/test.",
            "Give the folder that holds data.yaml.",
        )
    for split, paths in sources.images.items():
        for path in paths:
            note = notes.get(path.stem, {})
            raw.images.append(_scan_image(path, split, sources, note))
    if not sources.class_names:
        _report_nameless(raw)
    return raw


def _report_nameless(raw: RawDataset) -> None:
    """Of classes that no file names, the first alone can be told apart: it is the only one."""
    found = [(image, o.class_id) for image in raw.images for o in image.objects if o.class_id != 0]
    if found:
        image, number = found[0]
        what = (
            f"class {number} has no name: neither {YAML_NAME} nor {CLASSES_NAME} tells the names "
            f"({counted(len(found), 'box')} in the data set)."
        )
        advice = f"Write {CLASSES_NAME} beside labels/: the names in their order, one a line."
        raw.findings.append(Finding("no-class-names", "error", image.where, what, advice))


def _scan_image(path: Path, split: str, sources: Sources, note: Mapping[str, Any]) -> RawImage:
    labels = label_path(path)
    where = "/".join(labels.parts[-3:])
    image = RawImage(path.stem, path, where, split)
    for key in ("group", "source", "licence"):
        setattr(image, key, str(note.get(key) or ""))
    if not measure(image):
        return image
    text = ""
    if labels.is_file():
        try:
            text = labels.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            image.report("unreadable-labels", f"cannot be read: {error}.", "Write it again.")
    else:
        image.report(
            "missing-labels",
            f"the image {path.name} has no label file and counts as empty.",
            "Write an empty file if nothing is to be seen there.",
            level="warning",
        )
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            _scan_row(image, line.split(), number, sources)
    if note:
        _apply(note, image, sha256_of(text.encode())[:16])
    return image


def _scan_row(image: RawImage, words: Sequence[str], number: int, sources: Sources) -> None:
    try:
        values = np.array(words, np.float64)
    except ValueError:
        values = np.zeros(0)
    if keypoints := sources.keypoint_numbers:
        form = f"class cx cy w h and {keypoints} numbers of keypoints"
        outline, right = False, len(values) == 5 + keypoints
        values = values[:5]
    else:
        form = "class cx cy w h, or class and three points or more"
        outline = len(values) >= 7 and len(values) % 2 == 1
        right = len(values) in (5, 6) or outline
    if not right:
        got = " ".join(words)[:60]
        what = f"row {number} must be {form}; got {got!r}."
        image.report("corrupt-labels", what, "Correct the row.")
        return
    if len(values) == 6:
        image.report(
            "predicted-labels",
            f"row {number} has a sixth number, as predictions do; Ultralytics refuses it.",
            "Train on labels, not on predictions; remove the last number.",
            level="warning",
        )
    class_id = int(values[0]) if np.isfinite(values[0]) and values[0] % 1 == 0 else -1
    names = sources.class_names or ("object",)
    caption = names[class_id] if 0 <= class_id < len(names) else ""
    assert image.image_wh is not None
    size = np.array(image.image_wh, np.float64)
    if outline:
        points = (values[1:].reshape(-1, 2) * size).astype(np.float32)
        box = outline_extent([points])
        image.objects.append(RawObject(box, class_id, caption, polygons=(points,)))
        return
    centre, half = values[1:3] * size, values[3:5] * size / 2
    box = (*map(float, centre - half), *map(float, centre + half))  # type: ignore[assignment]
    image.objects.append(RawObject(box, class_id, caption))


def _apply(note: Mapping[str, Any], image: RawImage, digest: str) -> None:
    """Give the objects what the sidecar says of them: all of it while the labels are unchanged."""
    rows = list(range(len(image.objects)))
    captions, visible = note.get("captions"), note.get("visible_ratio")
    boxes, outlines = note.get("xyxy"), note.get("outlines")
    try:
        unchanged = note.get("labels") == digest
        if not unchanged and boxes is not None:
            rows = _match(np.array([o.xyxy for o in image.objects], np.float32), boxes)
        for number, row in enumerate(rows):
            written = image.objects[number]
            if row < 0:
                continue
            x1, y1, x2, y2 = map(float, boxes[row] if unchanged and boxes else written.xyxy)
            image.objects[number] = RawObject(
                (x1, y1, x2, y2),
                written.class_id,
                str(captions[row]) if captions else written.caption,
                float(visible[row]) if visible else 1.0,
                outlines_of(outlines[row]) if unchanged and outlines else written.polygons,
            )
    except (ArithmeticError, LookupError, TypeError, ValueError):
        image.report(
            "stale-captions",
            f"{_SIDECAR} does not fit the labels; captions are the class names there.",
            "Write the data set again.",
            level="warning",
        )


def _match(xyxy: NDArray[np.float32], noted: Sequence[Sequence[float]]) -> list[int]:
    """The noted box that each box covers best, by half or more; -1 for none.

    Each noted box is one box: what was drawn beside a box that stayed has no caption yet.
    """
    with np.errstate(invalid="ignore"):  # infinite boxes match nothing
        iou = iou_matrix(xyxy, np.array(noted, np.float32).reshape(-1, 4))
    matched: dict[int, int] = {}
    taken: set[int] = set()
    near = np.argwhere(iou >= 0.5)
    for number, row in near[np.argsort(-iou[tuple(near.T)], kind="stable")].tolist():
        if number not in matched and row not in taken:
            matched[number] = row
            taken.add(row)
    return [matched.get(number, -1) for number in range(len(xyxy))]


FORMAT = Format("yolo", holds_sources, _scan, write)
SEG_FORMAT = Format("yolo-seg", _holds_outlines, _scan, write_outlines)
