"""The cache folder: asking makes nothing, and whoever cannot write is told what to set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import DataError, EngineError, ModelError
from pipeline.cache import cache_folder, is_cached, make_cached, set_cache_folder
from pipeline.catalog import converted_folder, find_model
from pipeline.config import load_config
from pipeline.engines import ort_engine
from pipeline.engines.machine import RTX, Gpu, Machine
from pipeline.engines.ort_engine import _engine_folder
from pipeline.networks import find_models


@pytest.fixture
def closed_home(monkeypatch, tmp_path):
    """A home folder that cannot be made: a file lies where it would be."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    return tmp_path / "file" / "home"


def test_the_cache_folder_is_the_one_that_was_set_and_is_made_by_those_who_write(tmp_path):
    set_cache_folder(tmp_path / "cache")
    try:
        assert cache_folder("engines") == tmp_path / "cache" / "engines"
        assert converted_folder("a/b") == tmp_path / "cache" / "models" / "a--b"
        with pytest.raises(ModelError, match="not converted yet"):
            find_model("owlv2-base", "detect")
        assert not (tmp_path / "cache").exists(), "asking makes nothing"
        assert make_cached(cache_folder("engines")).is_dir()
    finally:
        set_cache_folder(None)


def test_who_cannot_write_is_told_of_the_variable(closed_home, monkeypatch, tmp_path):
    folder = cache_folder("models")
    assert folder == closed_home / ".cache" / "spotter" / "models"
    assert not is_cached(folder / "a" / "model.json")
    with pytest.raises(DataError, match=r"cannot make the folder .*variable SPOTTER_CACHE"):
        make_cached(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a disk for reading only
    with pytest.raises(DataError, match=r"cannot write to the folder .*SPOTTER_CACHE"):
        make_cached(tmp_path)


def test_a_home_that_may_not_be_looked_into_holds_nothing(monkeypatch, tmp_path):
    """As where a container runs as another user and leaves HOME at /root."""
    monkeypatch.setenv("HOME", str(tmp_path / "root"))
    real = os.stat

    def stat(path, *rest, **more):
        if str(path).startswith(str(tmp_path / "root")):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(ModelError, match="not converted yet"):
        find_model("owlv2-base", "detect")


def test_without_any_home_the_shipped_models_are_found(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(DataError, match=r"no home folder.*SPOTTER_CACHE"):
        cache_folder("models")
    card = Machine(
        frozenset({"onnxruntime"}),
        providers=frozenset({"CUDAExecutionProvider"}),
        gpus=(Gpu("L4", (8, 9)),),
    )
    assert "SPOTTER_CACHE" in find_models(load_config("mini"), card).no_half


def test_an_engine_that_is_compiled_needs_no_place_to_write(tmp_path, monkeypatch):
    kept = tmp_path / "engines" / "key"
    kept.mkdir(parents=True)
    (kept / "engine").write_bytes(b"compiled")
    set_cache_folder(tmp_path)
    try:
        monkeypatch.setattr(ort_engine, "make_cached", None)  # nothing is made
        assert _engine_folder("key", "TensorrtExecutionProvider") == kept
        assert _engine_folder("other", RTX, is_built=True) == tmp_path / "engines" / "other"
    finally:
        set_cache_folder(None)


def test_an_engine_that_has_no_place_is_an_engine_s_failure(closed_home):
    """So that another one may be tried, which compiles nothing."""
    with pytest.raises(EngineError, match=r"cannot keep what it compiles.*SPOTTER_CACHE"):
        _engine_folder("0" * 24, "TensorrtExecutionProvider")
