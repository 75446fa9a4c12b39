"""The record of a generated dataset: a header, then one line an image with its whole plan.

Here: its lines, and the folder of finished parts from which it is put together at the end. Not
here: making images (``synth.generate``). Everything is written complete or not at all, and holds
no time and no path of this machine, so that two runs of one job give equal bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError, DataError, InputError
from core.files import read_json_lines, write_bytes
from synth.config import SceneConfig
from synth.outlines import Outline
from synth.plan import ScenePlan

__all__ = [
    "HEADER_NAME",
    "MANIFEST_NAME",
    "PARTS_NAME",
    "Entry",
    "Parts",
    "compare_headers",
    "count_unfinished",
    "read_manifest",
]

MANIFEST_NAME = "manifest.jsonl"
PARTS_NAME = ".parts"
HEADER_NAME = "header.json"
# What was done before there was a setting.
_BEFORE = {"clarity_min": 0.0, "texture_ratio": 0.0, "texture_max": 0.5}


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One image of the dataset: where it is, what it shows, how it was made.

    Args:
        index: Number of the image.
        file: Path below the dataset's folder, with forward slashes; empty if it was skipped.
        split: "train", "val" or "test".
        group: The place of its background.
        plan: What was drawn.
        xyxy: Boxes, px.
        captions: One per box.
        class_names: Likewise.
        cutouts: Likewise.
        visible_ratio: Likewise.
        outlines: Polygons of each box, or empty.
        num_dropped: Labelled objects without a box, or left out.
        image_wh: Size of the image, px.
        checksum: CRC-32 of the pixels before encoding, 8 hex digits.
        skipped: Why there is no image, or empty.
    """

    index: int
    file: str
    split: str
    group: str
    plan: ScenePlan
    xyxy: tuple[tuple[float, float, float, float], ...] = ()
    captions: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    cutouts: tuple[str, ...] = ()
    visible_ratio: tuple[float, ...] = ()
    outlines: tuple[tuple[Outline, ...], ...] = ()
    num_dropped: int = 0
    image_wh: tuple[int, int] = (0, 0)
    checksum: str = ""
    skipped: str = ""

    def to_line(self) -> str:
        """The entry as one line of JSON."""
        row: dict[str, Any] = {"index": self.index, "file": self.file, "split": self.split}
        row |= {"group": self.group, "image_wh": self.image_wh, "checksum": self.checksum}
        row["objects"] = [
            {
                "xyxy": [round(value, 3) for value in box],
                "caption": self.captions[i],
                "class_name": self.class_names[i],
                "cutout": self.cutouts[i],
                "visible_ratio": round(self.visible_ratio[i], 4),
                **({"outlines": _rounded(self.outlines[i])} if self.outlines else {}),
            }
            for i, box in enumerate(self.xyxy)
        ]
        row["dropped"] = self.num_dropped
        if self.skipped:
            row["skipped"] = self.skipped
        row["plan"] = self.plan.to_dict()
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Entry:
        """The entry that ``to_line`` wrote."""
        objects = row["objects"]
        traced = [o["outlines"] for o in objects if "outlines" in o]
        return cls(
            index=int(row["index"]),
            file=row["file"],
            split=row["split"],
            group=row["group"],
            plan=ScenePlan.from_dict(row["plan"]),
            xyxy=tuple(tuple(o["xyxy"]) for o in objects),
            captions=tuple(o["caption"] for o in objects),
            class_names=tuple(o["class_name"] for o in objects),
            cutouts=tuple(o["cutout"] for o in objects),
            visible_ratio=tuple(o["visible_ratio"] for o in objects),
            outlines=tuple(tuple(np.array(p, np.float32) for p in parts) for parts in traced),
            num_dropped=int(row["dropped"]),
            image_wh=tuple(row["image_wh"]),
            checksum=row["checksum"],
            skipped=row.get("skipped", ""),
        )


def _rounded(parts: Sequence[Outline]) -> list[list[list[float]]]:
    return [[[round(x, 2), round(y, 2)] for x, y in part.tolist()] for part in parts]


def read_manifest(path: Path) -> tuple[dict[str, Any], list[Entry]]:
    """The header and the entries of a finished manifest.

    Raises:
        DataError: The file is missing or is not a manifest.
    """
    rows = read_json_lines(path)
    try:
        header = dict(rows[0])
        SceneConfig.model_validate(header["config"])
        return header, [Entry.from_row(row) for row in rows[1:]]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not a manifest of generated scenes ({type(error).__name__}: {error}).",
            f"Give the {MANIFEST_NAME} that synth generate wrote.",
        ) from error


def compare_headers(found: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> list[str]:
    """Notes about software that changed since; what else differs is refused.

    Raises:
        ConfigError: The folder was made with another seed, settings or library.
    """
    newer: list[str] = []
    if isinstance(config := found.get("config"), Mapping):
        newer = [
            f"--set {key}={value:g}"
            for key, value in _BEFORE.items()
            if key not in config and wanted["config"][key] != value
        ]
        found = {**found, "config": {**_BEFORE, **config}}
    for key in ("seed", "format", "config", "library", "options"):
        if found.get(key) != wanted[key]:
            what = _first_difference(found.get(key), wanted[key])
            raise ConfigError(
                f"{folder} holds images made with another {key}{what}.",
                "Choose another folder, or repeat the command that began this one"
                + "".join(f", with {pair}" for pair in newer)
                + ".",
            )
    if found.get("software") != wanted["software"]:
        what = _first_difference(found.get("software"), wanted["software"])
        return [f"earlier images were made with other software{what}"]
    return []


def _first_difference(found: Any, wanted: Any) -> str:
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in sorted({*found, *wanted}):
            if found.get(key) != wanted.get(key):
                return f" ({key}: {found.get(key)}, now {wanted.get(key)})"
    return f" ({found}, now {wanted})"


def count_unfinished(folder: Path) -> int | None:
    """How many images are made in a folder that a stopped run left; None: no run was stopped."""
    parts = folder / PARTS_NAME
    if not (parts / HEADER_NAME).is_file() and not any(parts.glob("[0-9]*.jsonl")):
        return None
    return len(Parts(folder).done())


class Parts:
    """Finished blocks of a run that is under way, one file each, in a hidden folder.

    Args:
        out: The dataset's folder.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._folder = out / PARTS_NAME

    def begin(self, header: Mapping[str, Any]) -> list[str]:
        """Notes on what was there before, after making the folder ready for this header.

        Raises:
            ConfigError: The folder holds images of another job.
            InputError: It holds files, but of no job.
            DataError: It cannot be written to, or its manifest is damaged.
        """
        notes = []
        if found := self._found_header():
            notes = compare_headers(found, json.loads(json.dumps(header)), self._out)
        else:
            self._refuse_others()
            line = json.dumps(header, ensure_ascii=False) + "\n"
            write_bytes(self._folder / HEADER_NAME, line.encode())
        return notes

    def _found_header(self) -> dict[str, Any] | None:
        for path in (self._out / MANIFEST_NAME, self._folder / HEADER_NAME):
            if path.is_file():
                with path.open(encoding="utf-8") as file:
                    try:
                        header = dict(json.loads(file.readline()))
                    except (TypeError, ValueError) as error:
                        raise DataError(f"{path} is not a manifest: {error}.") from error
                if "manifest" not in header:
                    raise DataError(
                        f"{path} is not a manifest of generated scenes.", "Choose another folder."
                    )
                return header
        return None

    def _refuse_others(self) -> None:
        # Hidden names are none of a dataset's: .DS_Store, or parts without a header yet.
        others = sorted(p.name for p in self._out.glob("*") if not p.name.startswith("."))
        if others:
            raise InputError(
                f"{self._out} is not empty and holds no {MANIFEST_NAME} of generated scenes "
                f"({len(others)} others, such as {others[0]!r}).",
                "Choose an empty or a new folder.",
            )

    def write(self, indices: Sequence[int], lines: Sequence[str]) -> None:
        """Write a finished block, complete or not at all."""
        path = self._folder / f"{indices[0]:07d}-{indices[-1]:07d}.jsonl"
        # An earlier block may have this name where its first and last image are tried again.
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        write_bytes(path, (before + "".join(lines)).encode())

    def done(self) -> set[int]:
        """The numbers of all images that are there; skipped ones are tried again."""
        return {number for number, line in self._lines() if not _is_skipped(line)}

    def finish(self, count: int) -> None:
        """Put the manifest together from all lines below ``count`` and remove the parts."""
        header = self._found_header()
        lines: dict[int, str] = {}
        for number, line in self._lines():
            if number not in lines or not _is_skipped(line):
                lines[number] = line
        text = json.dumps(header, ensure_ascii=False) + "\n"
        body = "".join(lines[number] for number in sorted(lines) if number < count)
        write_bytes(self._out / MANIFEST_NAME, (text + body).encode())
        shutil.rmtree(self._folder, ignore_errors=True)

    def _lines(self) -> Iterator[tuple[int, str]]:
        manifest = self._out / MANIFEST_NAME
        paths = [manifest] if manifest.is_file() else []
        for path in [*paths, *sorted(self._folder.glob("[0-9]*.jsonl"))]:
            for line in path.read_text(encoding="utf-8").split("\n"):
                # Every line begins with its number: no need to parse the rest of it.
                if line.startswith('{"index":'):
                    yield int(line[9 : line.index(",")]), line + "\n"


def _is_skipped(line: str) -> bool:
    return '"file":""' in line[:40]  # the second key of each line
