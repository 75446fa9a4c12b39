"""The commands under `synth cutouts`, and the functions behind the cutout maker of the page."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image as PilImage

from core.errors import InputError
from core.image import encode_image, read_image, read_rgba
from frontends.cli import main
from frontends.cutout_sheet import draw_checkerboard, draw_sheet
from frontends.ui.cutout_maker.handlers import answer_cut, answer_take
from synth.cutout_folder import add_cutout, read_folder

SKY, RED = (120, 170, 230), (200, 30, 30)
LIMITS = {"max_pixels": 1_000_000, "max_bytes": 10_000_000}


@pytest.fixture
def photo(tmp_path: Path, rng) -> Path:
    """A red thing at (40, 30, 100, 70) before the sky, 160x110."""
    image = np.full((110, 160, 3), SKY, np.uint8)
    image[30:70, 40:100] = RED
    image = np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    path = tmp_path / "red-thing.png"
    path.write_bytes(encode_image(image))
    return path


def run(*words: object) -> int:
    return main(["synth", "cutouts", *map(str, words)])


def refused(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        run(*words)
    return int(left.value.code or 0)


# ------------------------------------------------------------------ commands


def test_a_photo_becomes_a_cutout(photo, tmp_path, capsys):
    box = ("--box", "34,24,72,52", "--class", "drone", "--method", "grabcut")
    assert run("from-photo", photo, *box, "--out", tmp_path / "out") == 0
    (cutout,) = read_folder(tmp_path / "out")
    assert (cutout.name, cutout.class_name, cutout.caption) == ("red-thing", "drone", "red drone")
    assert cutout.source == "red-thing.png"
    said = capsys.readouterr().out
    assert "red-thing: red drone, 64x44 px, by grabcut" in said
    assert "ends well inside the box" not in said, "the box is alike loose on all sides"
    box = ("--box", "20,24,86,52", "--class", "drone", "--method", "grabcut")
    assert run("from-photo", photo, *box, "--out", tmp_path / "other") == 0
    assert "ends well inside the box (left)" in capsys.readouterr().out


def test_strokes_and_words_are_taken(photo, tmp_path):
    strokes = ("--stroke=+:60,50:80,52", "--stroke=-:10,10:150,10", "--stroke=-:20,100:140,100")
    words = ("--name", "mine", "--caption", "a red box", "--identity", "b1", "--licence", "CC0-1.0")
    where = ("--method", "grabcut", "--out", tmp_path / "out")
    assert run("from-photo", photo, *strokes, *words, *where) == 0
    (cutout,) = read_folder(tmp_path / "out")
    assert (cutout.name, cutout.caption, cutout.identity) == ("mine", "a red box", "b1")
    assert cutout.licence == "CC0-1.0"
    assert np.abs(np.array(read_rgba(cutout.path).shape[:2]) - (44, 64)).max() <= 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--box", "1,2,3"), "--box must be left,top,width,height"),
        (("--box", "900,2,30,30"), "fewer than 4x4 px in the image of 160x110 px"),
        (("--stroke", "60,50"), "--stroke must be a sign and points"),
        (("--stroke=+:60",), "--stroke must be a sign and points"),
        ((), "neither a box nor a stroke on the object. Give --box L,T,W,H or --stroke=+:X,Y."),
    ],
)
def test_bad_wishes_are_one_line_and_code_2(words, said, photo, tmp_path, capsys):
    assert refused("from-photo", photo, *words, "--out", tmp_path / "out") == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_data_set_becomes_cutouts_once(photo, tmp_path, capsys):
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "images" / "a.png").write_bytes(photo.read_bytes())
    boxes = {"red drone": [40, 30, 60, 40], "": [5, 5, 9, 9]}
    annotations = [{"caption": caption, "bbox": box} for caption, box in boxes.items()]
    line = json.dumps({"image": "a.png", "annotations": annotations, "split": "train"})
    (data / "annotations.jsonl").write_text(line + "\n")
    out = tmp_path / "out"
    assert run("from-dataset", data, "--out", out, "--method", "grabcut") == 0
    assert "1 cutouts added" in capsys.readouterr().out
    assert run("from-dataset", data, "--out", out) == 0
    assert "0 cutouts added" in (said := capsys.readouterr().out)
    assert "1 were there before" in said
    assert [cutout.caption for cutout in read_folder(out)] == ["red drone"]
    assert run("from-dataset", data, "--split", "val", "--out", tmp_path / "val") == 1


def test_images_are_taken_and_listed_on_a_sheet(tmp_path, capsys):
    rgba = np.full((20, 30, 4), (*RED, 255), np.uint8)
    rgba[:4, :, 3] = 0
    folder = tmp_path / "mine"
    folder.mkdir()
    PilImage.fromarray(rgba).save(folder / "kite.png")
    out = tmp_path / "out"
    assert run("from-images", folder, "--class", "kite", "--out", out) == 0
    sheet = tmp_path / "sheet.png"
    assert run("list", out, "--sheet", sheet) == 0
    told = capsys.readouterr()
    assert "kite\tkite\tred kite" in told.out
    assert told.err == f"{sheet}: 1 cutouts\n"
    drawn = read_image(sheet)
    red = (drawn == RED).all(axis=2)
    assert red.sum() == 16 * 30  # not enlarged, and the checkerboard where it is transparent
    assert refused("list", out, "--sheet", tmp_path / "sheet.txt") == 2
    assert refused("list", out, "--sheet", sheet, "--columns", "0") == 2
    assert "--columns must be at least 1, got 0" in capsys.readouterr().err
    assert refused("list", tmp_path / "nothing") == 2


def test_the_checkerboard_has_two_greys():
    board = draw_checkerboard((40, 20), square_px=10)
    assert board.shape == (20, 40, 3)
    assert board[0, 0].tolist() == [255] * 3
    assert board[0, 10].tolist() == board[10, 0].tolist() == [205] * 3


def test_an_unreadable_cutout_does_not_spoil_the_sheet(tmp_path):
    rgba = np.full((20, 30, 4), (*RED, 255), np.uint8)
    rgba[0, 0, 3] = 0
    for name in ("a", "b"):
        add_cutout(tmp_path, rgba, name=name, class_name="kite")
    (tmp_path / "images" / "a.webp").write_bytes(b"x")
    drawn = draw_sheet(read_folder(tmp_path))
    assert 590 < (drawn == RED).all(axis=2).sum() <= 600
    with pytest.raises(InputError, match="has no cutouts"):
        draw_sheet([])


# ------------------------------------------------------------------ the page's functions


@pytest.fixture
def upload(photo, monkeypatch, tmp_path):
    """Puts a file where uploads lie; returns a builder of wishes about it."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)

    def make(path: Path = photo, **wish: object) -> dict[str, object]:
        (folder / path.name).write_bytes(path.read_bytes())
        image = {"path": str(folder / path.name), "orig_name": path.name}
        return {"image": image, "box": None, "strokes": [], "turn": 3, **wish}

    return make


def _pixels(preview: str) -> np.ndarray:
    head, _, data = preview.partition(",")
    assert head == "data:image/webp;base64"
    return np.array(PilImage.open(io.BytesIO(base64.b64decode(data))))


def test_a_box_gives_a_cutout_to_look_at(upload):
    answer = answer_cut(upload(box=[36, 26, 104, 74]), **LIMITS)
    assert answer["turn"] == 3
    result = answer["result"]
    assert result["colors"] == "red"
    assert result["name"] == "red-thing"
    x1, y1, x2, y2 = result["window"]
    assert _pixels(result["preview"]).shape == (y2 - y1, x2 - x1, 4)


def test_a_stroke_changes_it(upload):
    stroke = {"keep": False, "radius": 12, "points": [[85, 30], [85, 70]]}
    areas = []
    for strokes in ([], [stroke]):
        wish = upload(box=[36, 26, 104, 74], strokes=strokes)
        preview = answer_cut(wish, **LIMITS)["result"]["preview"]
        areas.append((_pixels(preview)[..., 3] > 127).sum())
    assert areas[0] - areas[1] > 500


def test_without_a_box_there_is_nothing_to_say_yet(upload):
    answer = answer_cut(upload(), **LIMITS)
    assert answer["result"] == {"message": ""}


def test_a_transparent_picture_needs_no_box(upload, tmp_path):
    rgba = np.zeros((30, 40, 4), np.uint8)
    rgba[5:25, 5:35] = (*RED, 255)
    path = tmp_path / "kite.png"
    PilImage.fromarray(rgba).save(path)
    assert answer_cut(upload(path), **LIMITS)["result"]["method"] == "alpha"


@pytest.mark.parametrize(("columns", "parts"), [((), 1), ((20, 21), 2), ((8, 9), 1)])
def test_separate_parts_of_a_like_size_are_counted(columns, parts, upload, tmp_path):
    """Small ones, such as a rotor that was told apart, belong to the object."""
    rgba = np.zeros((30, 40, 4), np.uint8)
    rgba[5:25, 5:35] = (*RED, 255)
    rgba[:, list(columns)] = 0
    path = tmp_path / "kite.png"
    PilImage.fromarray(rgba).save(path)
    assert answer_cut(upload(path), **LIMITS)["result"]["parts"] == parts


def test_a_photograph_has_a_largest_size(upload):
    answer = answer_cut(upload(), **{**LIMITS, "max_bytes": 10})
    assert "the limit is 0 MB" in answer["result"]["message"]


def test_a_picture_that_browsers_cannot_show_is_shown_otherwise(upload, odd_file):
    answer = answer_cut(upload(odd_file("tiff")), **LIMITS)
    assert answer["display"]["path"].endswith(".png")


def test_it_is_kept_under_the_words_of_the_visitor(upload, tmp_path):
    wish = upload(box=[36, 26, 104, 74], type="drone", caption="my drone", name="first one")
    folder = tmp_path / "visitor"
    for name in ("first-one", "first-one-2"):
        answer = answer_take(wish, folder_of=lambda: folder, **LIMITS)
        assert (answer["turn"], answer["saved"]) == (3, {"name": name})
    first = read_folder(folder)[0]
    assert (first.class_name, first.caption) == ("drone", "my drone")


def test_a_full_folder_is_said(upload, tmp_path):
    def full() -> Path:
        raise InputError("there are 600 cutouts.", "Remove some.")

    answer = answer_take(upload(box=[36, 26, 104, 74]), folder_of=full, **LIMITS)
    assert answer["saved"] == {"message": "there are 600 cutouts. Remove some."}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"box": [1, 2, 3]}, "left, top, right, bottom"),
        ({"box": ["a", 2, 3, 4]}, "cannot be read"),
        ({"box": [1, 1, 2, 2]}, "fewer than 4x4"),
        ({"strokes": [{"keep": True}]}, "cannot be read"),
        ({"strokes": "nonsense"}, "cannot be read"),
        ({"strokes": [{"keep": True, "radius": 1, "points": [[1, 1]] * 5001}]}, "too many strokes"),
        ({"image": {"path": "/etc/passwd"}, "box": [1, 1, 9, 9]}, "no photograph yet"),
        ({"image": None, "box": [1, 1, 9, 9]}, "no photograph yet"),
    ],
)  # fmt: skip
def test_whatever_a_browser_sends_is_answered(wish, said, upload):
    assert said in answer_cut(upload(**wish), **LIMITS)["result"]["message"]


@pytest.mark.parametrize("kind", ["cut short", "words", "huge"])
def test_bad_files_are_answered(kind, upload, odd_file):
    answer = answer_cut(upload(odd_file(kind), box=[1, 1, 9, 9]), **LIMITS)
    assert answer["result"]["message"]
