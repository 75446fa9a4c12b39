"""Labelled boxes as cutouts: what is taken, what is left out and why, and going on after a stop."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from core.errors import Cancelled, InputError
from core.image import encode_image, read_image, read_rgba
from dataset.record import Dataset, Record
from synth.cutout_folder import (
    NewCutout,
    add_cutout,
    add_cutouts,
    encode_rgba,
    read_folder,
)
from synth.harvest import Harvest, harvest, harvest_images

SKY = (120, 170, 230)
BOXES = [[20, 20, 60, 60], [90, 30, 150, 70], [0, 80, 30, 110], [100, 85, 110, 95]]


@pytest.fixture
def record(tmp_path: Path, rng) -> Record:
    """A red and a green box before the sky, one cut by the border, one tiny."""
    image = np.full((120, 180, 3), SKY, np.uint8)
    for (x1, y1, x2, y2), color in zip(BOXES, [(200, 30, 30), (30, 120, 40)] * 2, strict=True):
        image[y1:y2, x1:x2] = color
    image = np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    path = tmp_path / "scene.png"
    path.write_bytes(encode_image(image))
    return Record(
        image_id="scene",
        path=path,
        image_wh=(180, 120),
        xyxy=np.array(BOXES, np.float32),
        captions=("red helicopter", "", "", ""),
        class_id=np.array([0, 1, 1, 1]),
        group="airfield",
        source="my camera",
        licence="CC0-1.0",
    )


def _dataset(*records: Record) -> Dataset:
    return Dataset(records, ("object", "drone"))


def test_good_boxes_become_cutouts_with_what_is_known(record, tmp_path):
    out = tmp_path / "out"
    done = harvest(_dataset(record), out, method="grabcut")
    assert done.skipped == {"cut off by the image's edge": 1, "smaller than 24 px": 1}
    first, second = read_folder(out)
    # "object" says nothing; the caption does.
    assert (first.class_name, first.caption) == ("helicopter", "red helicopter")
    assert (second.class_name, second.caption) == ("drone", "green drone")
    assert (first.identity, first.source, first.licence) == ("airfield", "my camera", "CC0-1.0")
    assert done.added == (first.name, second.name) == ("scene-0", "scene-1")
    assert "2 cutouts added" in done.sentence()
    assert "2 left out: 1 cut off by the image's edge, 1 smaller than 24 px" in done.sentence()


def test_it_goes_on_where_it_was_stopped(record, tmp_path):
    out = tmp_path / "out"
    other = Record("other", record.path, record.image_wh, record.xyxy[:2], ("", ""))
    dataset = _dataset(record, other)
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        raise Cancelled("stopped.")

    with pytest.raises(Cancelled):
        harvest(dataset, out, method="grabcut", on_progress=stop)
    assert seen == [(4, 6)]
    kept = read_folder(out)
    assert [cutout.name for cutout in kept] == ["scene-0", "scene-1"]
    again = harvest(dataset, out, method="grabcut")
    assert (again.added, again.num_there) == (("other-0", "other-1"), 2)
    assert harvest(dataset, out, method="grabcut").added == ()
    assert read_folder(out)[:2] == kept


def test_names_that_look_alike_are_told_apart(record, tmp_path):
    """Resuming goes by the image and the row, not by the cleaned name."""
    names = ("a b", "a_b", "a-b")
    records = [Record(n, record.path, record.image_wh, record.xyxy[:1], ("",)) for n in names]
    done = harvest(_dataset(*records), tmp_path / "out", method="grabcut")
    assert done.added == ("a-b", "a_b", "a-b-2")
    assert harvest(_dataset(*records), tmp_path / "out").num_there == 3


def test_bad_images_and_boxes_are_counted(record, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    sky = np.array([[120, 80, 150, 110]], np.float32)
    crowd = np.array([[20, 20, 60, 60], [25, 20, 65, 60]], np.float32)
    records = [
        Record("broken", broken, (180, 120), record.xyxy[:2], ("", "")),
        Record("empty", record.path, (180, 120), sky, ("",)),
        Record("crowd", record.path, (180, 120), crowd, ("", "")),
        Record("none", broken, (180, 120), np.zeros((0, 4), np.float32), ()),
    ]
    done = harvest(_dataset(*records), tmp_path / "out", method="grabcut")
    assert done.added == ()
    assert done.skipped["in an unreadable image"] == 2
    assert done.skipped["partly behind another"] == 2
    told = ("not told from the background", "not filling the box")
    assert sum(done.skipped.get(reason, 0) for reason in told) == 1
    assert read_folder(tmp_path / "out") == []


def test_known_outlines_are_used(record, tmp_path):
    triangle = np.array([[22, 58], [40, 22], [58, 58]], np.float32)
    box = np.array([[22, 22, 58, 58]], np.float32)
    known = Record("known", record.path, record.image_wh, box, ("",), polygons=((triangle,),))
    harvest(Dataset((known,)), tmp_path / "out")
    (cutout,) = read_folder(tmp_path / "out")
    area = (read_rgba(cutout.path)[..., 3] > 127).sum()
    # The object is a square of 36 x 36; its outline was said to be a triangle.
    assert area == pytest.approx(36 * 36 / 2, rel=0.12)


def test_transparent_images_are_taken_as_they_are(record, tmp_path, rng):
    folder = tmp_path / "mine"
    rgba = np.zeros((40, 50, 4), np.uint8)
    rgba[10:30, 10:40] = (30, 120, 40, 255)
    for name in ("red_drone_2", "IMG_1", "sub/helicopter"):
        cutout = add_cutout(tmp_path / "made", rgba, name=name, class_name="x")
        target = folder / f"{name}.webp"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(cutout.path.read_bytes())
    (folder / "photo.png").write_bytes(record.path.read_bytes())
    (folder / "broken.png").write_bytes(b"x")
    PilImage.new("RGBA", (50, 40), "red").save(folder / "screenshot.png")
    done = harvest_images(folder, tmp_path / "out", licence="CC0-1.0")
    added = read_folder(tmp_path / "out")
    by_name = {cutout.name: (cutout.class_name, cutout.caption) for cutout in added}
    assert by_name == {
        "red_drone_2": ("drone", "red drone"),
        "IMG_1": ("object", "green object"),
        "helicopter": ("helicopter", "green helicopter"),
    }
    assert done.skipped == {"without a transparent ground": 2, "unusable": 1}
    assert harvest_images(folder, tmp_path / "out").num_there == 3
    named = harvest_images(folder, tmp_path / "other", class_name="kite")
    assert {cutout.class_name for cutout in read_folder(named.folder)} == {"kite"}


def test_images_of_a_cutout_folder_keep_what_it_says(tmp_path):
    rgba = np.full((20, 40, 4), (200, 20, 30, 255), np.uint8)
    rgba[:5, ..., 3] = 0
    new = NewCutout(rgba, "x-1", "bird", "grey bird", "bird-7", "me", "CC0-1.0", labelled=False)
    add_cutouts(tmp_path / "mine" / "birds", [new])
    harvest_images(tmp_path / "mine", tmp_path / "out", source="you")
    (cutout,) = read_folder(tmp_path / "out")
    assert (cutout.name, cutout.class_name, cutout.caption) == ("x-1", "bird", "grey bird")
    assert (cutout.identity, cutout.labelled) == ("bird-7", False)
    assert (cutout.source, cutout.licence) == ("you", "CC0-1.0")
    assert harvest_images(tmp_path / "mine", tmp_path / "out").num_there == 1


@pytest.mark.parametrize("make", [True, False], ids=["empty", "missing"])
def test_a_folder_without_images_is_said(make, tmp_path):
    folder = tmp_path / "folder"
    if make:
        folder.mkdir()
    with pytest.raises(InputError, match=r"holds no images|is not a folder"):
        harvest_images(folder, tmp_path / "out")


def test_the_account_is_a_sentence(tmp_path):
    assert Harvest(tmp_path).sentence() == "0 cutouts added."
    assert "3 were there before" in Harvest(tmp_path, num_there=3).sentence()


def test_the_index_says_where_each_came_from(record, tmp_path):
    harvest(_dataset(record), tmp_path / "out", method="grabcut")
    lines = (tmp_path / "out" / "cutouts.jsonl").read_text().splitlines()
    digest = hashlib.sha256(record.path.read_bytes()).hexdigest()[:16]
    places = ["20.0,20.0,60.0,60.0", "90.0,30.0,150.0,70.0"]
    expected = [f"scene#{place}@{digest}" for place in places]
    assert [json.loads(line)["origin"] for line in lines] == expected


def test_a_box_that_came_later_is_cut_out_too(record, tmp_path):
    """Also where another one went: the numbers of boxes are not theirs."""
    out = tmp_path / "out"
    first = replace(record, **_rows(record, [0]))
    assert len(harvest(_dataset(first), out).added) == 1
    second = replace(record, **_rows(record, [1]))
    done = harvest(_dataset(second), out)
    assert (len(done.added), done.num_there) == (1, 0)


def _rows(record: Record, rows: list[int]) -> dict[str, object]:
    return {
        "xyxy": record.xyxy[rows],
        "captions": tuple(record.captions[row] for row in rows),
        "class_id": record.class_id[rows],
        "visible_ratio": record.visible_ratio[rows],
    }


def test_equal_names_of_other_data_sets_are_other_objects(record, tmp_path):
    """Data sets often number their images alike; the second one's objects are taken too."""
    out = tmp_path / "out"
    mirrored = tmp_path / "second" / "scene.png"
    mirrored.parent.mkdir()
    mirrored.write_bytes(encode_image(read_image(record.path)[::-1].copy()))
    boxes = record.xyxy[:2][:, [0, 3, 2, 1]]
    boxes[:, [1, 3]] = 120 - boxes[:, [1, 3]]
    second = Record("scene", mirrored, (180, 120), boxes, ("", ""))
    assert harvest(_dataset(record), out, method="grabcut").added == ("scene-0", "scene-1")
    done = harvest(_dataset(second), out, method="grabcut")
    assert (done.added, done.num_there) == (("scene-0-2", "scene-1-2"), 0)
    for dataset in (_dataset(record), _dataset(second)):
        again = harvest(dataset, out, method="grabcut")
        assert (again.added, again.num_there) == ((), 2)


def test_equal_file_names_of_other_folders_are_other_cutouts(tmp_path):
    rgba = np.zeros((20, 20, 4), np.uint8)
    for name, color in (("first", (200, 30, 30, 255)), ("second", (30, 120, 40, 255))):
        rgba[5:15, 5:15] = color
        (tmp_path / name).mkdir()
        (tmp_path / name / "drone.webp").write_bytes(encode_rgba(rgba))
        assert len(harvest_images(tmp_path / name, tmp_path / "out").added) == 1
    assert [cutout.name for cutout in read_folder(tmp_path / "out")] == ["drone", "drone-2"]
    assert harvest_images(tmp_path / "first", tmp_path / "out").num_there == 1


def test_one_bad_image_does_not_spoil_the_others(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, alpha in (("a-drone", 255), ("b-faint", 100), ("---", 255), ("z-kite", 255)):
        rgba = np.zeros((20, 20, 4), np.uint8)
        rgba[5:15, 5:15] = (200, 30, 30, alpha)
        (folder / f"{name}.webp").write_bytes(encode_rgba(rgba))
    cut_short = b"Exif\0\0MM\0*\0\0"  # makes Pillow raise struct.error
    PilImage.fromarray(rgba).save(folder / "exif.png", exif=cut_short)
    wide = np.full((2, 4200, 4), (200, 30, 30, 254), np.uint8)
    wide[0, 0, 3] = 0
    (folder / "wide.webp").write_bytes(encode_rgba(wide))
    done = harvest_images(folder, tmp_path / "out")
    assert done.added == ("a-drone", "z-kite")
    assert done.skipped == {
        "without a usable name": 1,
        "too faint to be seen": 1,
        "larger than 4096 px a side": 1,
        "unusable": 1,
    }
    assert "1 unusable (exif.png)" in done.sentence()
    assert done.num_there == 0
    assert harvest_images(folder, tmp_path / "out").num_there == 2
    many = Harvest(folder, (), 0, {"unusable": 7}, {"unusable": list("abcdefg")})
    assert "7 unusable (a, b, c, d, e, ...)" in many.sentence()


def test_one_bad_record_does_not_spoil_the_others(record, tmp_path):
    box = record.xyxy[:1]
    long = ("red drone " * 300,)
    records = [
        Record("good", record.path, (180, 120), box, ("",)),
        Record("---", record.path, (180, 120), box, ("",)),
        Record("long", record.path, (180, 120), box, long),
        Record("size", record.path, (999, 999), box + 600, ("",)),
        Record("gone", tmp_path / "gone.png", (180, 120), box, ("",)),
        Record("tiny", record.path, (180, 120), np.array([[20, 20, 23, 23]]), ("",)),
        Record("last", record.path, (180, 120), box, ("",)),
    ]
    done = harvest(_dataset(*records), tmp_path / "out", method="grabcut", min_side_px=1)
    assert done.added == ("good", "last")
    assert done.skipped == {
        "without a usable name": 1,
        "without a usable class or caption": 1,
        "in an image of another size than its labels say": 1,
        "in an unreadable image": 1,
        "smaller than 4 px": 1,
    }
