"""What visitors bring: good files are taken, bad ones told with a reason, nothing gets out."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from core.errors import InputError
from frontends.chosen import Choice, Use, choose_folders
from frontends.material import (
    Brought,
    Taken,
    add_backgrounds,
    add_own_cutouts,
    remove_backgrounds,
    words_of,
)
from synth.cutout_folder import NewCutout, add_cutouts, read_folder
from synth.library import Library, open_library, read_backgrounds
from synth.source_notes import is_note, read_notes
from tests.synth.scene_library import write_library

LIMITS = {"most": 8, "max_pixels": 1_000_000, "max_bytes": 10_000_000}


def _png(color: tuple[int, int, int] = (200, 20, 30), *, wh=(60, 30), alpha=True) -> bytes:
    rgba = np.zeros((wh[1], wh[0], 4), np.uint8)
    rgba[..., :3] = color
    rgba[5:-5, 8:-8, 3] = 255
    if not alpha:
        rgba[..., 3] = 255
    buffer = io.BytesIO()
    PilImage.fromarray(rgba).save(buffer, "PNG")
    return buffer.getvalue()


def _brought(folder: Path, files: dict[str, bytes]) -> list[Brought]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [Brought(folder / name, name) for name in files]


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Red_Drone-02.png", "red drone"),
        ("IMG_2041.png", ""),
        ("white-and-blue airliner (3).webp", "white and blue airliner"),
        ("héli.png", "héli"),
        ("...", ""),
    ],
)
def test_a_name_tells_what_it_shows(name, words):
    assert words_of(name) == words


def test_cutouts_get_captions_from_names_or_colors(tmp_path):
    files = {
        "blue_helicopter_1.png": _png(),
        "helicopter.png": _png(),
        "IMG_1.png": _png((20, 20, 200)),
    }
    taken = add_own_cutouts(_brought(tmp_path / "up", files), tmp_path / "own", **LIMITS)
    assert taken.refused == ()
    told = {c.name: (c.class_name, c.caption) for c in read_folder(tmp_path / "own")}
    assert told["blue_helicopter_1"] == ("helicopter", "blue helicopter")
    assert told["helicopter"] == ("helicopter", "red helicopter")
    assert told["IMG_1"] == ("object", "blue object")


def test_bad_files_are_told_and_good_ones_kept(tmp_path, odd_file):
    files = {
        "good drone.png": _png(),
        "solid.png": _png(alpha=False),
        "words.png": b"this is no picture",
        "cut.png": _png()[:60],
        "empty.png": b"",
    }
    brought = [*_brought(tmp_path / "up", files), Brought(odd_file("huge"), "huge.png")]
    taken = add_own_cutouts(brought, tmp_path / "own", **LIMITS)
    assert taken.added == ("good-drone",)
    reasons = dict(taken.refused)
    assert set(reasons) == {"solid.png", "words.png", "cut.png", "empty.png", "huge.png"}
    assert reasons["solid.png"].startswith("has no transparent ground.")
    assert reasons["words.png"].startswith("is not an image we can read")
    assert "pixels, the limit is" in reasons["huge.png"]


def test_a_zip_of_cutouts_keeps_its_captions(tmp_path):
    row = {
        "name": "x", "file": "images/x.png", "class_name": "glider", "identity": "glider-7",
        "caption": "green and yellow glider",
    }  # fmt: skip
    data = _zip({"mine/cutouts.jsonl": json.dumps(row).encode(), "mine/images/x.png": _png()})
    taken = add_own_cutouts(
        _brought(tmp_path / "up", {"mine.zip": data}), tmp_path / "own", **LIMITS
    )
    assert taken.refused == ()
    (cutout,) = read_folder(tmp_path / "own")
    assert (cutout.caption, cutout.identity) == ("green and yellow glider", "glider-7")


def _packed(folder: Path) -> bytes:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _zip({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def test_a_zip_of_several_cutout_folders_keeps_all_that_they_say(tmp_path):
    for name, color in (("a", (200, 20, 30)), ("b", (20, 20, 200))):
        rgba = np.full((20, 40, 4), (*color, 255), np.uint8)
        rgba[:5, ..., 3] = 0
        add_cutouts(tmp_path / "all" / name, [
            NewCutout(rgba, "drone", "drone", source=f"of {name}", licence="CC0-1.0"),
            NewCutout(rgba, "bird", "bird", labelled=False, camouflage=name == "a"),
        ])  # fmt: skip
    brought = _brought(tmp_path / "up", {"all.zip": _packed(tmp_path / "all")})
    taken = add_own_cutouts(brought, tmp_path / "own", **LIMITS)
    assert taken == Taken(("bird", "drone", "bird-2", "drone-2"), ())
    told = {
        c.name: (c.caption, c.labelled, c.camouflage, c.source, c.licence)
        for c in read_folder(tmp_path / "own")
    }
    assert told == {
        "drone": ("red drone", True, False, "of a", "CC0-1.0"),
        "drone-2": ("blue drone", True, False, "of b", "CC0-1.0"),
        "bird": ("red bird", False, True, "", ""),
        "bird-2": ("blue bird", False, False, "", ""),
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"name": "x", "file": "x.png"}, "missing class_name"),
        ({"file": 5}, "file cannot be read"),
        ({"colors": [1]}, "colors cannot be read"),
        ({"file": "../../x.png"}, "leads out"),
    ],
)
def test_a_zip_whose_list_is_damaged_is_refused_with_the_line(row, reason, tmp_path):
    whole = {"name": "x", "file": "x.png", "class_name": "a", "caption": "a", "identity": "a"}
    row = row if "name" in row else whole | row
    data = _zip({"mine/cutouts.jsonl": json.dumps(row).encode(), "mine/x.png": _png()})
    taken = add_own_cutouts(
        _brought(tmp_path / "up", {"mine.zip": data}), tmp_path / "own", **LIMITS
    )
    assert taken.added == ()
    ((name, said),) = taken.refused
    assert name == "mine.zip"
    assert reason in said
    assert "mine.zip/mine" in said
    assert "brought-" not in said


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"../../evil.png": b"x"}, "leads out"),
        ({"bomb.png": b"\0" * 9_000_000}, "times"),
        ({"notes.txt": b"hello"}, "no pictures"),
    ],
    ids=["traversal", "bomb", "nothing"],
)
def test_bad_zips_are_refused_whole(files, reason, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    brought = _brought(tmp_path / "up", {"bad.zip": buffer.getvalue()})
    taken = add_own_cutouts(brought, tmp_path / "own", **LIMITS)
    assert taken.added == ()
    assert reason in taken.refused[0][1]
    assert not (tmp_path / "evil.png").exists()


def test_there_is_a_limit_to_the_number(tmp_path):
    files = {f"drone {chr(97 + i)}.png": _png() for i in range(10)}
    taken = add_own_cutouts(_brought(tmp_path / "up", files), tmp_path / "own", **LIMITS)
    assert len(taken.added) == 8
    assert all("the limit is 8" in reason for _, reason in taken.refused)


def test_backgrounds_become_plain_pictures_of_their_own_places(tmp_path):
    files = {
        "sky.png": _png(wh=(90, 64), alpha=False),
        "field.zip": _zip({"a/sky.png": _png(wh=(90, 64), alpha=False)}),
    }
    taken = add_backgrounds(_brought(tmp_path / "up", files), tmp_path / "own", **LIMITS)
    assert taken == Taken(("sky", "sky-copy-i"), ())
    groups = {item.group for item in read_backgrounds(tmp_path / "own")}
    assert groups == {"sky", "sky-copy-i"}


@pytest.mark.parametrize("wh", [(1, 1), (400, 63)])
def test_a_background_has_a_least_size(wh, tmp_path):
    small = io.BytesIO()
    PilImage.new("RGB", wh).save(small, "PNG")
    taken = add_backgrounds(
        _brought(tmp_path / "up", {"one.png": small.getvalue()}), tmp_path / "own", **LIMITS
    )
    told = f"has {wh[0]}x{wh[1]} px, a background needs 64x64."
    assert taken == Taken((), (("one.png", told),))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one.png").write_bytes(small.getvalue())
    library = Library([], read_backgrounds(tmp_path / "folder"))
    with pytest.raises(InputError, match="a background needs 64x64"):
        library.background("one")


@pytest.fixture
def gallery(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "gallery").mkdir()
    return write_library(tmp_path / "gallery")


def test_what_a_zip_says_of_the_sources_of_backgrounds_is_kept(tmp_path, gallery):
    row = {"name": "lake.png", "source": "Ann", "licence": "CC0-1.0"}
    files = {
        "photos/lake.png": _png(wh=(90, 70), alpha=False),
        "photos/hill.png": _png(wh=(90, 70), alpha=False),
        "photos/backgrounds.jsonl": json.dumps(row).encode(),
        "photos/SOURCES.md": b"hill.png: Bob, <CC BY 4.0>",
    }
    brought = _brought(tmp_path / "in", {"a.zip": _zip(files), "LICENSE": b"lake.png: CC0"})
    own = tmp_path / "visit" / "backgrounds"
    assert add_backgrounds(brought, own, **LIMITS) == Taken(("hill", "lake"), ())
    assert add_backgrounds(brought[:1], own, **LIMITS).added == ("hill-copy-i", "lake-copy-i")
    _brought(tmp_path / "visit" / "cutouts", {})
    own_only = Choice(backgrounds=Use(ours=False, off_own=frozenset(["hill-copy-i"])))
    folders = choose_folders(tmp_path / "visit", own_only, gallery)
    known = {
        item.name: (item.source, item.licence) for item in read_backgrounds(folders.backgrounds[0])
    }
    cc0 = ("Ann", "CC0-1.0")
    assert known == {"hill": ("", ""), "lake": cc0, "lake-copy-i": cc0}
    assert read_notes(folders.backgrounds) == {
        "LICENSE": "lake.png: CC0",
        "a-SOURCES.md": "hill.png: Bob, <CC BY 4.0>",
    }


def test_a_note_on_sources_that_is_too_long_is_told_in_a_zip_too(tmp_path):
    long = b"x" * 200_001
    files = {"lake.png": _png(wh=(90, 70), alpha=False), "deep/LICENSE": long}
    brought = _brought(tmp_path / "in", {"a.zip": _zip(files), "SOURCES.md": long})
    taken = add_backgrounds(brought, tmp_path / "own", **LIMITS)
    told = "has more than 200000 bytes."
    assert sorted(taken.refused) == [("LICENSE", told), ("SOURCES.md", told)]
    assert taken.added == ("lake",)


def test_by_default_the_gallery_itself_is_used(tmp_path, gallery):
    folders = choose_folders(tmp_path, Choice(), gallery)
    assert folders.cutouts == (gallery[0],)
    assert folders.backgrounds == (gallery[1],)


def test_what_is_left_out_is_gone_and_own_ones_join(tmp_path, gallery):
    files = _brought(tmp_path / "up", {"blue drone.png": _png()})
    add_own_cutouts(files, tmp_path / "cutouts", **LIMITS)
    choice = Choice(Use(off_ours=frozenset({"0"})), Use(off_ours=frozenset({"field_1"})))
    folders = choose_folders(tmp_path, choice, gallery)
    library = open_library(folders.cutouts, folders.backgrounds)
    assert {c.caption for c in library.cutouts} == {"blue drone", "white airship", "brown bird"}
    assert {b.name for b in library.backgrounds} == {"field_0", "field_2"}
    assert choose_folders(tmp_path, choice, gallery) == folders
    alone = choose_folders(tmp_path, Choice(Use(ours=False)), gallery)
    assert alone.key != folders.key
    assert len(open_library(alone.cutouts, alone.backgrounds).cutouts) == 1


def test_a_change_of_caption_makes_another_library(tmp_path, gallery):
    from synth.cutout_folder import describe

    files = _brought(tmp_path / "up", {"blue drone.png": _png()})
    add_own_cutouts(files, tmp_path / "cutouts", **LIMITS)
    before = choose_folders(tmp_path, Choice(), gallery)
    describe(tmp_path / "cutouts", "blue-drone", caption="pink drone")
    after = choose_folders(tmp_path, Choice(), gallery)
    assert before.key != after.key
    # The earlier folder still holds what it held: a run that reads it is not disturbed.
    assert read_folder(before.cutouts[0])[0].caption == "blue drone"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(cutouts=Use(ours=False)), "no cutout is chosen"),
        (Choice(backgrounds=Use(ours=False)), "no background is chosen"),
        (Choice(cutouts=Use(off_ours=frozenset("012"))), "no cutout is chosen"),
    ],
)
def test_nothing_chosen_is_told(choice, message, tmp_path, gallery):
    with pytest.raises(Exception, match=message):
        choose_folders(tmp_path, choice, gallery)


@pytest.mark.parametrize(
    "name", ["licence_plate.png", "notice board.png", "open-source-park.png", "sources-pack.png"]
)
def test_a_picture_named_after_a_source_is_a_picture(name, tmp_path):
    brought = _brought(tmp_path / "in", {name: _png(wh=(90, 70), alpha=False)})
    taken = add_backgrounds(brought, tmp_path / "own", **LIMITS)
    assert (len(taken.added), taken.refused) == (1, ())
    assert read_notes([tmp_path / "own"]) == {}


@pytest.mark.parametrize(
    "name", ["LICENSE", "LICENSE-CC-BY-4.0.txt", "photos_credits.md", "Sources of all.txt"]
)
def test_notes_on_sources_are_known_by_their_names(name):
    assert is_note(name)


def test_an_inner_index_of_a_zip_holds_against_an_outer_one(tmp_path):
    row = {"name": "lake.png", "source": "Ann", "licence": "CC0-1.0"}
    files = {
        "backgrounds.jsonl": b'{"name": "other.png", "source": "Bob", "licence": "PD"}',
        "in/lake.png": _png(wh=(90, 70), alpha=False),
        "in/backgrounds.jsonl": json.dumps(row).encode(),
    }
    for number, wrapped in enumerate((files, {f"z/{k}": v for k, v in files.items()})):
        own = tmp_path / f"own{number}"
        brought = _brought(tmp_path / f"zip{number}", {"a.zip": _zip(wrapped)})
        add_backgrounds(brought, own, **LIMITS)
        assert [one.licence for one in read_backgrounds(own)] == ["CC0-1.0"]


def test_what_was_told_of_a_background_goes_with_it(tmp_path):
    row = {"name": "lake.png", "source": "Ann", "licence": "CC0-1.0"}
    picture = _png(wh=(90, 70), alpha=False)
    told = {"lake.png": picture, "hill.png": picture, "backgrounds.jsonl": json.dumps(row).encode()}
    brought = _brought(tmp_path / "in", {"a.zip": _zip(told), "LICENSE": b"all: CC0"})
    own = tmp_path / "own"
    add_backgrounds(brought, own, **LIMITS)
    remove_backgrounds(own, ["lake.jpg", "gone.jpg"])
    add_backgrounds(_brought(tmp_path / "next", {"lake.png": picture}), own, **LIMITS)
    assert {one.name: one.licence for one in read_backgrounds(own)} == {"hill": "", "lake": ""}
    assert list(read_notes([own])) == ["LICENSE"]
    remove_backgrounds(own, ["lake.jpg", "hill.jpg"])
    assert read_notes([own]) == {}
