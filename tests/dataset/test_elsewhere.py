"""What other tools write beside the usual: names, companions of a file, turned photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dataset.record import Dataset, Record
from dataset.registry import read_dataset, write_dataset


def _image(path: Path, wh: tuple[int, int] = (100, 50)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", wh, (len(str(path)) % 256, 9, 9)).save(path)
    return path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _splits(folder: Path) -> dict[str, str]:
    return {record.image_id: record.split for record in read_dataset(folder)}


def test_voc_names_with_spaces_keep_their_split(tmp_path: Path) -> None:
    # The last two end in what may be a flag of a class's list.
    splits = {"drone": "train", "drone 2": "val", "drone (3)": "test", "IMG 1": "val",
              "IMG": "test"}  # fmt: skip
    box = np.array([[1, 1, 20, 20]], np.float32)
    records = tuple(
        Record(name, _image(tmp_path / f"{name}.png"), (100, 50), box, ("x",), split=split)
        for name, split in splits.items()
    )
    write_dataset(Dataset(records), tmp_path / "out", "voc")
    assert _splits(tmp_path / "out") == splits


def test_voc_lists_with_flags(tmp_path: Path) -> None:
    for name in ("000012", "photo 2", "both", "both 1"):
        _image(tmp_path / f"JPEGImages/{name}.jpg")
        _write(tmp_path / f"Annotations/{name}.xml", "<annotation></annotation>")
    _write(tmp_path / "ImageSets/Main/train.txt", "000012  1\n\nboth 1\n")
    _write(tmp_path / "ImageSets/Main/val.txt", "photo 2 -1\nboth  0\n")
    assert _splits(tmp_path) == {
        "000012": "train", "photo 2": "val", "both": "val", "both 1": "train",
    }  # fmt: skip
