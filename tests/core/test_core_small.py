"""Registry, files, captions, errors."""

from __future__ import annotations

import hashlib

import pytest

import core
from core import errors
from core.captions import clean_caption
from core.files import read_json, sha256_of, write_bytes, write_json
from core.registry import Entry, Registry


@pytest.fixture
def registry():
    return Registry(
        "shape",
        fraction=Entry("fractions:Fraction"),
        absent=Entry("nowhere:Thing", needs=("no_such_package",), install="pip install it"),
    )


def test_registry(registry):
    assert registry.load("fraction").__name__ == "Fraction"
    assert registry.names() == ["absent", "fraction"]
    assert registry.available() == ["fraction"]
    registry.add("decimal", Entry("decimal:Decimal"))
    assert registry.load("decimal").__name__ == "Decimal"


def test_registry_mistakes(registry):
    with pytest.raises(
        errors.UnknownNameError,
        match=r"unknown shape 'fractoin'. Did you mean 'fraction'\? Known: absent, fraction.",
    ):
        registry.load("fractoin")
    with pytest.raises(errors.MissingPackageError, match=r"no_such_package. Run: pip install it"):
        registry.load("absent")
    with pytest.raises(errors.ConfigError, match="exists already"):
        registry.add("fraction", Entry("x:y"))


def test_files(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"b": [1, None, "ü"]})
    assert read_json(path) == {"b": [1, None, "ü"]}
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert sha256_of(path) == sha256_of(path.read_bytes())
    assert sha256_of(b"x") == hashlib.sha256(b"x").hexdigest()
    path.write_text("{")
    with pytest.raises(errors.DataError, match="as JSON"):
        read_json(path)


def test_failed_writes_leave_nothing(tmp_path):
    target = tmp_path / "a"
    write_bytes(target, b"old")
    with pytest.raises(TypeError):
        write_bytes(target, "text")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        (" a  b ", "a b"),
        ("a\n\tb", "a b"),
        ("x" * 2000, "x" * 2000),
        ("🚁 helicopter", "🚁 helicopter"),
        ("half \ud83d emoji", "half ? emoji"),
        (" ", errors.CaptionError),
        ("x" * 2001, errors.CaptionError),
        (None, errors.CaptionError),
    ],
)
def test_captions(caption, expected):
    if isinstance(expected, str):
        assert clean_caption(caption) == expected
    else:
        with pytest.raises(expected):
            clean_caption(caption)


def test_errors_have_codes_and_hints():
    codes = set()
    for name in errors.__all__:
        kind = getattr(errors, name)
        error = kind("what.", "do.")
        assert str(error) == "what. do."
        assert (error.message, error.hint) == ("what.", "do.")
        codes.add(kind.code)
    assert len(codes) == len(errors.__all__)
    assert set(core.__all__) >= set(errors.__all__)
