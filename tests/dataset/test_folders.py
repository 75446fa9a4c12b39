"""Data sets are found where ZIP files unpack them: below other folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError, UnknownNameError
from dataset.folders import dataset_in
from dataset.record import Dataset, Record
from dataset.registry import write_dataset
from frontends.cli import main


@pytest.fixture
def dataset(tmp_path: Path, rng: np.random.Generator) -> Dataset:
    """Two images with one box each."""
    records = []
    for number, split in enumerate(("train", "val")):
        path = tmp_path / "source" / f"scene{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(path)
        box = np.array([[10, 10, 40, 35]], np.float32)
        records.append(Record(path.stem, path, (64, 48), box, ("a drone",), split=split))
    return Dataset(tuple(records), ("drone",))


@pytest.mark.parametrize("format", ["yolo", "coco", "voc", "hf", "jsonl"])
def test_a_wrapped_data_set_is_found(dataset: Dataset, tmp_path: Path, format: str) -> None:
    inner = tmp_path / "top" / "a" / "lab"
    write_dataset(dataset, inner, format)
    (tmp_path / "top" / "__MACOSX").mkdir()
    (tmp_path / "top" / "a" / "notes.txt").write_text("of the lab")
    assert dataset_in(tmp_path / "top") == inner
    assert dataset_in(tmp_path / "top", format) == inner
    assert dataset_in(inner) == inner
    (tmp_path / "top" / "newest").symlink_to(inner)
    assert dataset_in(tmp_path / "top").samefile(inner), "a link to it is no second one"


def test_several_data_sets_or_none_are_told(dataset: Dataset, tmp_path: Path) -> None:
    top = tmp_path / "top"
    write_dataset(dataset, top / "x", "voc")
    for number in range(6):
        write_dataset(dataset, top / "deep" / str(number), "jsonl")
    with pytest.raises(DataError, match=r"holds 7 data sets: deep/0, .*deep/4 and 2 more") as told:
        dataset_in(top)
    assert told.value.hint == "Give the folder of one of them."
    assert dataset_in(top, "voc") == top / "x", "the format tells which"
    assert dataset_in(top, "coco") == top, "reading says what it lacks"
    with pytest.raises(DataError, match=r"neither .* nor a folder in it looks like a data set"):
        dataset_in(tmp_path / "source")
    with pytest.raises(UnknownNameError):
        dataset_in(top, "cocoa")
    assert dataset_in(tmp_path / "missing") == tmp_path / "missing"


def test_commands_find_it(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    top = tmp_path / "top"
    write_dataset(dataset, top / "a" / "lab", "coco")
    assert main(["synth", "check", str(top), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["counts"]["boxes"] == 2
    assert told.err == f"The data set is in {top / 'a' / 'lab'}.\n"
    assert main(["synth", "stats", str(top), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_boxes"] == 2
    words = ["--method", "grabcut", "--out", str(tmp_path / "mine")]
    main(["synth", "cutouts", "from-dataset", str(top), *words])
    assert "2 left out: 2 not told from the background" in capsys.readouterr().out
    write_dataset(dataset, top / "b", "yolo")
    assert main(["synth", "check", str(top)]) == 1
    assert "holds 2 data sets: a/lab, b" in capsys.readouterr().out
    for kind in (["stats"], ["cutouts", "from-dataset", "--out", str(tmp_path / "mine")]):
        with pytest.raises(SystemExit):
            main(["synth", *kind, str(top)])
        assert "holds 2 data sets: a/lab, b" in capsys.readouterr().err


def test_links_in_circles_end(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "top" / "a", "jsonl")
    (tmp_path / "top" / "again").symlink_to(tmp_path / "top")
    assert dataset_in(tmp_path / "top") == tmp_path / "top" / "a"
