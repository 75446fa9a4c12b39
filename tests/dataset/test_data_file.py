"""Files that say what pictures show, one picture a line."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from core.errors import DataError
from dataset import data_file
from dataset.data_file import guarded, read_data, unguarded


@pytest.mark.parametrize(
    "text",
    [
        'image,caption\na.jpg,"white, red drone"\nb.jpg,kite\na.jpg,kite\n',
        '\ufeffCaption;Image\r\n"white, red drone";a.jpg\r\nkite;b.jpg\r\nkite;a.jpg\r\n',
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "told.CSV"
    path.write_bytes(text.encode())
    lines = [(line.image, line.captions) for line in read_data(path)]
    assert lines == [("a.jpg", ["white, red drone", "kite"]), ("b.jpg", ["kite"])]


def test_a_caption_without_quotes_keeps_its_commas(tmp_path: Path) -> None:
    path = tmp_path / "told.csv"
    path.write_text("image,caption\na.jpg,orange, yellow, and black drone\nb.jpg,kite,,\n")
    lines = [(line.image, line.captions) for line in read_data(path)]
    assert lines == [("a.jpg", ["orange, yellow, and black drone"]), ("b.jpg", ["kite"])]


@pytest.mark.parametrize(
    "line",
    [
        '{"image": "a.jpg", "captions": ["kite"]}',
        '{"image": "a.jpg", "caption": "kite"}',
        '{"file_name": "a.jpg", "text": "kite", "width": 9}',
    ],
)
def test_one_caption_may_stand_without_a_list(line: str, tmp_path: Path) -> None:
    (tmp_path / "told.jsonl").write_text(line)
    assert [(one.image, one.captions) for one in read_data(tmp_path / "told.jsonl")] == [
        ("a.jpg", ["kite"])
    ]


def test_one_object_a_line_needs_no_list(tmp_path: Path) -> None:
    rows = [
        {"image": "a.jpg", "caption": "kite", "bbox": [1, 2, 10, 5]},
        {"image": "a.jpg", "caption": "drone", "bbox": None},
        {"image": "a.jpg", "captions": ["jet"], "bbox": [1, 2, 10, 5]},
    ]
    (tmp_path / "told.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = [(one.caption, one.xyxy) for line in read_data(tmp_path / "told.jsonl")
             for one in line.annotations]  # fmt: skip
    assert found == [("kite", (1, 2, 11, 7)), ("drone", None), ("jet", None)]


def test_a_row_without_a_caption_is_a_picture_without_objects(tmp_path: Path) -> None:
    path = tmp_path / "told.csv"
    path.write_text("image,caption\na.jpg,\n")
    assert [(line.image, line.captions) for line in read_data(path)] == [("a.jpg", [])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_as_programs_save_it(encoding: str, separator: str, tmp_path: Path) -> None:
    rows = [("image", "caption", ""), ("", "", ""), ("größe.png", "kite", ""), ("", " ", "")]
    path = tmp_path / "told.csv"
    path.write_bytes("\r\n".join(map(separator.join, rows)).encode(encoding))
    assert [(line.image, line.captions) for line in read_data(path)] == [("größe.png", ["kite"])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_json_lines_are_read_as_programs_save_them(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "told.jsonl"
    rows = [{"image": "größe.png", "captions": ["kite"]}, {"image": "b\ud800.png", "captions": []}]
    text = "\r\n\r\n".join(map(json.dumps, rows))
    path.write_bytes(text.encode(encoding))
    assert [line.image for line in read_data(path)] == ["größe.png", "b?.png"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("told.csv", "image,caption\ndeep\\c.png,kite\n"),
        ("told.jsonl", '{"image": "deep\\\\c.png", "captions": ["kite"]}'),
    ],
)
def test_names_with_backslashes_mean_folders(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert [line.image for line in read_data(tmp_path / name)] == ["deep/c.png"]


@pytest.mark.parametrize("text", ["=kite", "'=kite", "-3", "'kite", "''+", "kite's", "'", ""])
def test_what_keeps_a_cell_from_being_a_formula_is_taken_off_again(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith("=")


def test_many_rows_of_one_picture_are_quick(tmp_path: Path) -> None:
    path = tmp_path / "told.csv"
    path.write_text("image,caption\n" + "a.png,b\n" * 100_000)
    start = time.perf_counter()
    [line] = read_data(path)
    assert len(line.annotations) == 100_000
    assert time.perf_counter() - start < 5, "each row once; twice over all took 17 s"


@pytest.mark.parametrize("name", ["told.csv", "told.jsonl"])
def test_a_file_too_large_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_file, "_BYTES_MAX", 9)
    (tmp_path / name).write_text("image,caption\n")
    with pytest.raises(DataError, match=r"^told\.\w+ has 14 bytes, the limit is 9\. Split it"):
        read_data(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("told.csv", b"", "no columns"),
        ("told.csv", b"a.jpg,kite\n", "no columns"),
        ("told.csv", b"image,caption\n,kite\n", "line 2: image is missing"),
        ("told.csv", b'image,caption\na.jpg,"kite\n', "unexpected end of data"),
        ("told.csv", b'image,"caption\n', "line 1: unexpected end of data"),
        ("told.csv", b'"image"a,caption\n', "line 1: '.' expected after"),
        ("told.csv", b"image," + b"c" * 200_000, "field larger than field limit"),
        ("told.csv", "image,caption\ngröße.png,kite\n".encode("cp1252"), "Save it as CSV UTF-8"),
        ("told.csv", None, "cannot read told.csv: No such file"),
        ("told.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("told.jsonl", b'{"image": "gr\xf6\xdfe.png"}', "Save it as UTF-8"),
        (
            "told.jsonl",
            b'\n{"image": "a", "annotations": [{"caption": "b", "bbox": [1%s, 0, 1, 1]}]}'
            % (b"0" * 400),
            "line 2: int too large",
        ),
        ("told.jsonl", None, "cannot read told.jsonl: No such file"),
    ],
)
def test_what_is_no_data_file_is_told(
    name: str, content: bytes | None, reason: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=reason) as told:
        read_data(tmp_path / name)
    assert str(tmp_path) not in str(told.value), "it may be a folder of the server"
