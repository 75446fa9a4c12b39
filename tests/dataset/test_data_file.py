"""Files that say what pictures show, one picture a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DataError
from dataset.data_file import read_data


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


def test_a_row_without_a_caption_is_a_picture_without_objects(tmp_path: Path) -> None:
    path = tmp_path / "told.csv"
    path.write_text("image,caption\na.jpg,\n")
    assert [(line.image, line.captions) for line in read_data(path)] == [("a.jpg", [])]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no columns"),
        ("a.jpg,kite\n", "no columns"),
        ("image,caption\n,kite\n", "line 2: image is missing"),
        ('image,caption\na.jpg,"kite\n', "unexpected end of data"),
    ],
)
def test_what_is_no_table_is_told(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "told.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=reason):
        read_data(path)
