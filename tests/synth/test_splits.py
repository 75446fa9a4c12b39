"""Parts of a dataset: no object and no place in two of them."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import make_job, write_library

from core.errors import ConfigError
from dataset.registry import read_dataset
from dataset.splits import SHARES, SPLITS, check_shares, hash_position, split_at
from synth.config import SceneConfig
from synth.generate import GALLERY, generate, library_for
from synth.library import Background, Cutout, Library, background_group
from synth.splits import part_library


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_library(tmp_path_factory.mktemp("library"))


def test_splits_part_objects_and_places() -> None:
    config = SceneConfig()
    parts = part_library(library_for(GALLERY[:1], GALLERY[1:], config), (0.8, 0.1, 0.1))
    assert set(parts.parts) == {"train", "val", "test"}, parts.notes
    for key in ("identity", "group"):
        sets = [
            {
                getattr(item, key)
                for item in (part.cutouts if key == "identity" else part.backgrounds)
            }
            for part in parts.parts.values()
        ]
        assert len(set.union(*sets)) == sum(map(len, sets))
    drawn = [parts.split_of(3, scene) for scene in range(1000)]
    assert [round(drawn.count(split) / 10) for split in parts.parts] == [80, 10, 10]


def test_a_small_library_is_not_parted(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made = generate(make_job(folders, tmp_path, shares=(0.5, 0.25, 0.25), count=6))
    splits = {record.split for record in read_dataset(tmp_path)}
    left_out = sum("is left out" in note or "too few" in note for note in made.notes)
    assert "train" in splits
    assert len(splits) + left_out >= 2
    assert left_out
    told = ["its figures mean nothing" in line for line in made.warnings]
    assert told == [True] * ("val" not in splits)


@pytest.mark.parametrize("shares", [(math.nan, 1, 1), (1, math.inf, 0), (0.5, 0.5), (1, -1, 1)])
def test_shares_are_numbers_from_0_on(shares) -> None:
    with pytest.raises(ConfigError, match="shares must be three numbers"):
        check_shares(shares)


def test_few_images_without_a_val_are_warned_of(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Also where the library could be parted, but no image of so few fell into val."""
    few = generate(make_job(folders, tmp_path / "a", shares=(0.9, 0.1, 0), count=1))
    assert ["validates on the training images" in line for line in few.warnings] == [True]
    assert few.warnings[0] in (tmp_path / "a" / "README.md").read_text()
    other = generate(
        make_job(folders, tmp_path / "c", shares=(0.9, 0.1, 0), count=1, format="jsonl")
    )
    assert "no image is for val, to measure on" in other.warnings[0]
    assert "Ultralytics" not in other.warnings[0]
    unwished = generate(make_job(folders, tmp_path / "b", shares=(1, 0, 0), count=1))
    assert unwished.warnings == ()


def test_photographs_of_a_camera_are_parted() -> None:
    cutouts = [Cutout(f"c{i}", Path(), "drone", "red drone", identity=f"c{i}") for i in range(50)]
    stems = [f"IMG_{2000 + i}" for i in range(200)]
    library = Library(cutouts, [Background(s, Path(), background_group(s)) for s in stems])
    parts = part_library(library, (0.8, 0.1, 0.1))
    assert not parts.notes
    assert [10 < len(part.backgrounds) < 180 for part in parts.parts.values()] == [True] * 3


def test_what_falls_into_a_left_out_split_is_for_training() -> None:
    names = [f"n{i}" for i in range(60)]
    of: dict[str, list[str]] = {split: [] for split in SPLITS}
    for name in names:
        of[split_at(hash_position(name), SHARES)].append(name)
    assert min(map(len, of.values())) >= 2
    # Objects for train and val, photographs for train and test.
    cutouts = [
        Cutout(name, Path(), "drone", "red drone", identity=name)
        for name in (*of["train"][:2], of["val"][0])
    ]
    views = [Background(name, Path(), name) for name in (of["train"][0], *of["test"][:2])]
    parts = part_library(Library(cutouts, views), SHARES)
    assert list(parts.parts) == ["train"]
    train = parts.parts["train"]
    assert {item.name for item in train.cutouts} == {item.name for item in cutouts}
    assert {item.name for item in train.backgrounds} == {item.name for item in views}
    assert parts.notes == (
        "val is left out: by their names none of 3 backgrounds (3 places) falls into it; "
        "for training instead: its 1 cutout (1 object)",
        "test is left out: by their names none of 3 cutouts (3 objects) falls into it; "
        "for training instead: its 2 backgrounds (2 places)",
    )
    # What is left over may be just what training lacks.
    parts = part_library(Library(cutouts, views[1:]), SHARES)
    assert [len(parts.parts["train"].cutouts), len(parts.parts["train"].backgrounds)] == [3, 2]


def test_notes_on_splits_tell_the_number_of_places() -> None:
    cutouts = [Cutout(f"c{i}", Path(), "drone", "red drone", identity=f"c{i}") for i in range(50)]
    for place in ("lake", "dune", "hill"):
        views = [Background(f"{place}_{i}", Path(), place) for i in range(20)]
        notes = part_library(Library(cutouts, views), (0.4, 0.3, 0.3)).notes
        assert notes
        assert all("20 backgrounds (1 place)" in note for note in notes)
    first = Background("lake_0", Path(), "lake")
    assert "1 background (1 place)" in part_library(Library([], [first]), (0.4, 0.3, 0.3)).notes[0]
