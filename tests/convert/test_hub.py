"""Weights of the Hugging Face Hub: found whole, or fetched to the end."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="pip install -r requirements.txt")

from huggingface_hub import constants, errors

from convert.hub import fetch
from convert.job import Consent, Request, prepare
from core.errors import ModelError
from pipeline.models import Model

SHARDS = ("model-1-of-2.safetensors", "model-2-of-2.safetensors")
INDEX = json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}})
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def snapshot(tmp_path, monkeypatch) -> Path:
    """The folder of a repository in the hub's own cache, as an interrupted download leaves it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--someone--thing"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    folder = repository / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


def entry(weights: str = "") -> Model:
    return Model(id="thing", task="rerank", family="", hub="someone/thing", weights=weights)


def find(weights: str = "") -> Path:
    return fetch(entry(weights), download=False, tell=lambda what: None)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"model.safetensors.index.json": INDEX, SHARDS[0]: ""},
        {"model.safetensors.index.json": "{"},
        {"model.safetensors.index.json": "[]"},
    ],
    ids=["nothing", "half of it", "damaged list", "odd list"],
)
def test_what_is_here_in_part_is_not_taken_for_whole(snapshot, files):
    for name, text in files.items():
        (snapshot / name).write_text(text)
    with pytest.raises(ModelError, match="not on this machine, or not all of them") as caught:
        find()
    assert "--model thing --download" in caught.value.hint


@pytest.mark.parametrize(
    "files",
    [
        {"model.safetensors": ""},
        {"pytorch_model.bin": ""},
        {"model.safetensors.index.json": INDEX, SHARDS[0]: "", SHARDS[1]: ""},
    ],
    ids=["one file", "pickled", "parts"],
)
def test_what_is_here_whole_is_used(snapshot, files):
    for name, text in files.items():
        (snapshot / name).write_text(text)
    assert find() == snapshot


def test_a_single_file_of_a_repository(snapshot):
    with pytest.raises(ModelError, match="not on this machine"):
        find("best.pt")
    (snapshot / "best.pt").write_text("")
    assert find("best.pt") == snapshot / "best.pt"


class FakeClient:
    """A hub's client with a repository, which knows as the real one what a folder lacks."""

    def __init__(self, folder: Path, files: set[str]) -> None:
        self.folder, self.files = folder, files
        self.downloads = 0

    def __call__(self, repository, *, allow_patterns, local_files_only):
        wanted = {f for f in self.files if any(fnmatch(f, p) for p in allow_patterns)}
        if local_files_only and any(not (self.folder / name).exists() for name in wanted):
            raise errors.IncompleteSnapshotError("some are missing", str(self.folder))
        self.downloads += not local_files_only
        for name in wanted:
            (self.folder / name).write_text("")
        return str(self.folder)


def test_a_download_that_was_broken_off_goes_on(snapshot, monkeypatch):
    client = FakeClient(snapshot, {"config.json", "model.safetensors", "tokenizer.json"})
    monkeypatch.setattr("huggingface_hub.snapshot_download", client)
    with pytest.raises(ModelError, match="not all of them"):
        find()
    assert fetch(entry(), download=True, tell=lambda what: None) == snapshot
    assert client.downloads == 1
    assert (snapshot / "tokenizer.json").exists()
    assert find() == snapshot


def test_pickled_weights_are_wanted_only_where_there_are_no_others(snapshot, monkeypatch):
    client = FakeClient(snapshot, {"config.json", "model.safetensors", "pytorch_model.bin"})
    monkeypatch.setattr("huggingface_hub.snapshot_download", client)
    fetch(entry(), download=True, tell=lambda what: None)
    assert not (snapshot / "pytorch_model.bin").exists()
    assert find() == snapshot, "what was left there on purpose is not missing"
    client.files = {"config.json", "pytorch_model.bin"}
    (snapshot / "model.safetensors").unlink()
    fetch(entry(), download=True, tell=lambda what: None)
    assert (snapshot / "pytorch_model.bin").exists()


def test_a_connection_that_breaks_is_told(monkeypatch):
    def breaks(*_args, **_options):
        raise errors.HTTPError("connection reset")

    monkeypatch.setattr("huggingface_hub.snapshot_download", breaks)
    with pytest.raises(ModelError, match=r"cannot fetch huggingface\.co/someone/thing: connection"):
        fetch(entry(), download=True, tell=lambda what: None)


@pytest.mark.parametrize("name", ["models/my detector", "-x/y", "a..b/c", "ünï/x"])
@pytest.mark.parametrize("download", [False, True])
def test_what_can_be_no_repository_is_taken_for_a_misspelt_path(name, download):
    with pytest.raises(ModelError, match="neither a file or folder here") as caught:
        prepare(Request(name), consent=Consent(download=download))
    assert name in caught.value.message
