"""Files of labels that would fill the memory are refused, and what is wrong in them is bounded."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from core.errors import DataError, InputError
from dataset.archive import OWN, Limits, unpack
from dataset.formats.raw import Finding, add_finding
from dataset.registry import FORMATS, detect_format, read_dataset, scan_dataset

BROKEN = "annotations/instances_train.json"


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("core.files", "dataset.formats.coco"):
        monkeypatch.setattr(f"{module}.JSON_BYTES_MAX", 1000)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize(
    ("name", "format"),
    [
        (BROKEN, "coco"), ("told.json", "coco"), ("annotations.jsonl", "jsonl"),
        ("train/metadata.jsonl", "hf"),
    ],
)  # fmt: skip
def test_too_large_an_index_is_told(name: str, format: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("[" + "{}," * 400 + "{}]")
    assert detect_format(tmp_path) == format
    with pytest.raises(DataError, match="has 1204 bytes, the limit is 1000"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("ending", [".json", ".JSONL", ".txt"])
def test_texts_of_a_visitor_are_smaller_than_pictures(ending: str, tmp_path: Path) -> None:
    limits = Limits(file_bytes=1000, text_bytes=100)
    for name, size in ((f"a{ending}", 100), ("a.png", 1000)):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(name, bytes(size))
        assert unpack(tmp_path / "a.zip", tmp_path / "out", limits=limits)
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(name, bytes(size + 1))
        with pytest.raises(InputError, match=rf"'{name}', a file of {size + 1} bytes.*{size} byt"):
            unpack(tmp_path / "a.zip", tmp_path / "out", limits=limits)
    assert OWN.bytes_of(f"a{ending}") == OWN.file_bytes, "one's own disk has one's own data sets"
    assert Limits(file_bytes=50).bytes_of(f"a{ending}") == 50


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("annotations.jsonl", "{}\n" * 5000),
        ("annotations.jsonl", "x\n" * 5000),
        ("metadata.jsonl", "{}\n" * 5000),
        (BROKEN, json.dumps({"images": [{}] * 5000, "annotations": [], "categories": []})),
        (BROKEN, json.dumps({"images": [], "annotations": [{}] * 5000, "categories": []})),
    ],
)
def test_a_thousand_mistakes_are_told_and_no_million(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    findings = scan_dataset(tmp_path).findings
    assert len(findings) == 1001
    assert findings[-1].what.endswith("Of more than 1000 findings the others are not told.")


def test_rows_of_an_image_are_no_exception(tmp_path: Path) -> None:
    for place in ("images", "labels"):
        (tmp_path / place).mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "images/a.png")
    (tmp_path / "labels/a.txt").write_text("0 .5 .5 .1 .1 .9\n" * 3000 + "nonsense\n" * 3000)
    [image] = scan_dataset(tmp_path, "yolo").images
    assert len(image.findings) == 1002
    assert image.findings[-1].level == "error", "none is lost behind warnings"
    assert len(image.objects) == 3000


def test_the_first_error_is_always_kept() -> None:
    findings: list[Finding] = []
    for level in ("error", "warning") * 2000:
        add_finding(findings, Finding("x", level, "here", "what."))
    assert len(findings) == 1001
    assert any(finding.level == "error" for finding in findings)


_LISTS = '"images": [{"a": "]\\"["}], "annotations": [{"bbox": [1, 2]}], "categories": []'


@pytest.mark.parametrize(
    ("text", "is_coco"),
    [
        ("{" + _LISTS + "}", True),
        ("\ufeff {\n" + _LISTS + "}", True),
        ('{"a": {"b": [[{"x": [1]}], "\\\\"]}, "c": "{[", "n": -1.5e3, ' + _LISTS + "}", True),
        ('{"deep": ' + "[" * 40 + "]" * 40 + ", " + _LISTS + "}", True),
        ('{"k\\"ey": null, ' + _LISTS.replace("images", "im\\u0061ges") + "}", True),
        ('{"all": {' + _LISTS + "}}", False),
        ("[{" + _LISTS + "}]", False),
        ("{" + _LISTS.replace('"categories": []', '"categories": {}') + "}", False),
        ('{"images": "annotations", "categories": []}', False),
        ("", False),
        ("{" + _LISTS[:40], False),
    ],
)  # fmt: skip
def test_coco_is_told_by_its_lists(tmp_path: Path, text: str, is_coco: bool) -> None:
    (tmp_path / "told.json").write_text(text, encoding="utf-8")
    assert FORMATS.load("coco").holds(tmp_path) == is_coco
