"""``data.yaml``: where Ultralytics finds the images of each split, and the names of the classes.

In: a folder with or without one, ours or from elsewhere. Out: lists of images by split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from core.errors import DataError, InputError
from core.files import confined_path
from dataset.formats.files import (
    CLASSES_NAME,
    SPLIT_WORDS,
    list_images,
    read_class_names,
    split_named,
)
from dataset.formats.raw import Finding
from dataset.record import Dataset
from dataset.registry import detect_format
from dataset.splits import SPLITS

__all__ = [
    "YAML_NAME",
    "Sources",
    "holds_poses",
    "holds_sources",
    "label_path",
    "read_sources",
    "write_yaml",
]

YAML_NAME = "data.yaml"
_MAX_BYTES = 500_000
_MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Sources:
    """The class names, the images of each split, and what was wrong in finding them."""

    class_names: tuple[str, ...]  # none where no file tells them
    images: Mapping[str, list[Path]]  # by split; "" where the folder has no splits
    findings: tuple[Finding, ...]
    keypoint_numbers: int = 0  # in each row of a pose data set, behind its box


def write_yaml(dataset: Dataset) -> str:
    """The text of ``data.yaml``, the same wherever the folder lies.

    ``path`` is left empty: Ultralytics then takes the folder of this file, so that a data set
    that is moved or unzipped elsewhere still trains. A dot would be the working folder, and an
    absolute path that of the machine which wrote it.
    """
    present = [split for split in SPLITS if any(r.split == split for r in dataset)]
    lines = ["path:  # empty: the folder of this file, wherever it is moved\n"]
    if "val" not in present:
        lines += [
            "# No image is for val, and Ultralytics insists on one: it validates on the images\n",
            f"# of {present[0]}, and its figures mean nothing.\n",
        ]
    for split in SPLITS:
        # Ultralytics insists on train and val, also where one of them has no images of its own.
        if split in present or split != "test":
            lines.append(f"{split}: images/{split if split in present else present[0]}\n")
    lines.append(f"nc: {len(dataset.class_names)}\nnames:\n")
    lines.extend(f"  {i}: {_quoted(name)}\n" for i, name in enumerate(dataset.class_names))
    return "".join(lines)


def _quoted(name: str) -> str:
    """A name as a YAML string: JSON's, with signs escaped that YAML forbids or takes for ends."""
    signs = json.dumps(name, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in signs)


def label_path(image: Path) -> Path:
    """Where the labels of an image lie: the last folder "images" of its path becomes "labels"."""
    parts = list(image.parts)
    for position in range(len(parts) - 2, -1, -1):
        if parts[position] == "images":
            parts[position] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def read_sources(folder: Path) -> Sources:
    """The images and class names of a folder.

    The names are those of ``data.yaml``, else of ``classes.txt`` in the folder or in ``labels/``,
    where labelImg and Label Studio write them, or there for each split. The splits are
    those that ``data.yaml`` names, as far as they lie in the folder; without it,
    ``images/<split>``, ``<split>/images``, or all of ``images/`` as one.
    """
    findings: list[Finding] = []
    settings = _read_yaml(folder, findings)
    names = _class_names(settings.get("names"), findings)
    names = names or read_class_names(folder) or read_class_names(folder / "labels")
    names = names or _names_of_splits(folder, findings)
    names = names or _numbered_names(settings.get("nc"))
    keypoint_numbers = _keypoint_numbers(settings, findings)
    places = [
        (split, place)
        for split in SPLITS
        for place in _places(folder, settings, split, findings)
        if place
    ]
    # One folder may stand for two splits where one of them has no images of its own: then it
    # belongs to the split that it is called after, else to the first.
    places.sort(key=lambda entry: split_named(entry[1][0].parent.name) != entry[0])
    images: dict[str, list[Path]] = {}
    seen: set[Path] = set()
    for split, place in places:
        images.setdefault(split, []).extend(path for path in place if path not in seen)
        seen.update(place)
    images = {split: images[split] for split in SPLITS if images.get(split)}
    if not images and (flat := list_images(folder / "images")):
        images[""] = flat
    return Sources(names, images, tuple(findings), keypoint_numbers)


def holds_sources(folder: Path) -> bool:
    """Whether a folder has what `read_sources` looks for: ``data.yaml``, or images and labels.

    Folders of splits count only where no folder beside them is a data set of its own: its
    pictures would be passed over, and its class numbers may mean other things.
    """
    if (folder / YAML_NAME).is_file() or _is_pair(folder / "images"):
        return True
    places = [place for split in SPLITS for place in _usual(folder, split) if _is_pair(place)]
    parts = {place.parent for place in places}
    return bool(places) and not any(
        _holds_others(path) for path in sorted(folder.iterdir()) if path not in parts
    )


def _is_pair(images: Path) -> bool:
    return images.is_dir() and _labels_beside(images).is_dir()


def _holds_others(folder: Path) -> bool:
    """Whether a folder holds labelled pictures; a link to one tells nothing new."""
    if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
        return False
    try:
        detect_format(folder)
    except DataError:
        return False
    return any(list_images(path) for path in chain([folder], folder.rglob("*")) if path.is_dir())


def _usual(folder: Path, split: str) -> list[Path]:
    """Where the images of a split lie if no ``data.yaml`` tells it."""
    words = SPLIT_WORDS[split]
    return [folder / "images" / w for w in words] + [folder / w / "images" for w in words]


def _labels_beside(place: Path) -> Path:
    return label_path(place / "image").parent


def _names_of_splits(folder: Path, findings: list[Finding]) -> tuple[str, ...]:
    """The names that splits have each, the most of them: a split may lack the last classes."""
    told: dict[tuple[str, ...], Path] = {}
    for place in (place for split in SPLITS for place in _usual(folder, split)):
        for near in (_labels_beside(place), place.parent):
            told.setdefault(read_class_names(near), near)
    longest = max(told, key=len, default=())
    other = next((near for names, near in told.items() if names != longest[: len(names)]), None)
    if other is None:
        return longest
    where = (other / CLASSES_NAME).relative_to(folder).as_posix()
    what = f"names other classes than {told[longest].relative_to(folder).as_posix()}."
    advice = f"Write one {CLASSES_NAME} into the folder, with the names in their order."
    findings.append(Finding("class-names-differ", "error", where, what, advice))
    return ()


def holds_poses(folder: Path) -> bool:
    """Whether ``data.yaml`` says that the rows hold keypoints."""
    return _keypoint_numbers(_read_yaml(folder, []), []) > 0


def _keypoint_numbers(settings: Mapping[str, Any], findings: list[Finding]) -> int:
    """How many numbers the keypoints of an object take; 0 where it has none."""
    shape = settings.get("kpt_shape")
    match shape:
        case None:
            return 0
        case [int(count), 2 | 3 as per_point] if count > 0:
            return count * per_point
    what = f"kpt_shape must be the number of points and 2 or 3, got {str(shape)[:60]}."
    findings.append(Finding("corrupt-yaml", "error", YAML_NAME, what, "Correct or remove it."))
    return 0


def _read_yaml(folder: Path, findings: list[Finding]) -> Mapping[str, Any]:
    path = folder / YAML_NAME
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it is larger than {_MAX_BYTES} bytes")
        settings = _parse_yaml(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        what = f"cannot be read: {' '.join(str(error).split())}."
        findings.append(Finding("corrupt-yaml", "error", YAML_NAME, what, "Correct the file."))
        return {}
    return settings


def _parse_yaml(text: str) -> dict[str, Any]:
    """The mapping in a text, or a ValueError; nothing in it can exhaust time or memory."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        # The composer calls itself for each level, and aliases can multiply what a text holds.
        if depth > _MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            raise ValueError("it is nested too deeply, or has aliases")
    settings = yaml.safe_load(text)
    if not isinstance(settings, dict):
        raise ValueError("it must be a mapping with train, val and names")
    return settings


def _class_names(names: object, findings: list[Finding]) -> tuple[str, ...]:
    if isinstance(names, list):
        return tuple(map(str, names))
    if isinstance(names, dict):
        try:
            numbered = {int(number): str(name) for number, name in names.items()}
        except (TypeError, ValueError):
            what = "names must have whole numbers as keys."
            findings.append(Finding("corrupt-yaml", "error", YAML_NAME, what, "Count from 0."))
            return tuple(map(str, names.values()))
        if sorted(numbered) != list(range(len(numbered))):
            what = f"names must be numbered from 0 without gaps, got {sorted(numbered)[:20]}."
            findings.append(Finding("corrupt-yaml", "error", YAML_NAME, what, "Count from 0."))
        return tuple(numbered[number] for number in sorted(numbered))
    return ()


def _numbered_names(count: object) -> tuple[str, ...]:
    known = count if isinstance(count, int) and 0 < count < 100_000 else 0
    return tuple(f"class_{number}" for number in range(known))


def _places(
    folder: Path, settings: Mapping[str, Any], split: str, findings: list[Finding]
) -> list[list[Path]]:
    """Lists of image files, one for each place that holds some of the split."""
    named = [settings[word] for word in SPLIT_WORDS[split] if settings.get(word)]
    if not named:
        if any(settings.get(word) for words in SPLIT_WORDS.values() for word in words):
            # What data.yaml leaves out counts only where it is our own layout.
            return [list_images(folder / "images" / split)]
        return [list_images(place) for place in _usual(folder, split)]
    values = named[0] if isinstance(named[0], list) else [named[0]]
    return [_resolve(folder, settings, str(value), split, findings) for value in values]


def _resolve(
    folder: Path, settings: Mapping[str, Any], value: str, split: str, findings: list[Finding]
) -> list[Path]:
    value = value.replace("\\", "/")  # as on Windows
    # Roboflow writes "../train/images" and means the folder itself; Ultralytics mends that too.
    for name in (value, value.removeprefix("../"), f"{settings.get('path') or '.'}/{value}"):
        try:
            place = confined_path(folder, name)
        except InputError:
            continue
        if place.is_dir():
            inner = sorted(path for path in place.rglob("*") if path.is_dir())
            return [path for part in (place, *inner) for path in list_images(part)]
        if place.is_file() and place.suffix == ".txt":
            return _listed(folder, place, findings)
    what = f"{split}: {value!r} is no folder or list inside the data set."
    advice = "Give the folder that holds it, or correct the path."
    findings.append(Finding("missing-split", "error", YAML_NAME, what, advice))
    return []


def _listed(folder: Path, index: Path, findings: list[Finding]) -> list[Path]:
    """The images that a text file lists, one a line."""
    paths = []
    for line in index.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        if not line.strip():
            continue
        try:
            paths.append(confined_path(folder, line.strip()))
        except InputError as error:
            findings.append(Finding("outside-path", "error", index.name, error.message, error.hint))
    return paths
