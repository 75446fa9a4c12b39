"""Uploading a data set, against a Hub on localhost that speaks as the real one does."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

huggingface_hub = pytest.importorskip("huggingface_hub")

from core.errors import Cancelled, DataError, InputError
from dataset import hub as hub_module
from dataset.hub import HubError, push_folder
from tests.dataset.fake_hub import FakeHub

TOKEN = "hf_secret_of_ann"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    # Its own protocol for large files is native code that speaks to further hosts; without it
    # huggingface_hub uploads by git's LFS, which the Hub understands as well.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with FakeHub({TOKEN: "ann", "hf_reader": "ann"}, readers=frozenset({"hf_reader"})) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {
        "README.md": b"# Title\n",
        "train/a.jpg": b"pixels of a",
        "train/b.jpg": b"pixels of b",
        "train/empty.txt": b"",
        ".hidden/token": b"secret",
    }.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "data/link.txt").symlink_to(tmp_path / "data/README.md")
    return tmp_path / "data"


def test_a_folder_arrives_as_it_is(
    hub: FakeHub, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    steps: list[tuple[int, int]] = []
    with caplog.at_level(logging.DEBUG):
        url = push_folder(
            folder, "scenes", token=f" {TOKEN}\n", endpoint=hub.url,
            on_progress=lambda done, total: steps.append((done, total)),
        )  # fmt: skip
    assert url == f"{hub.url}/datasets/ann/scenes"
    assert hub.private == {"ann/scenes": True}
    assert hub.repos["ann/scenes"] == {
        ".gitattributes": b"",
        "README.md": b"# Title\n",
        "train/a.jpg": b"pixels of a",
        "train/b.jpg": b"pixels of b",
        "train/empty.txt": b"",
    }
    assert hub.num_commits == 1
    assert steps == [(4, 4)]
    assert TOKEN not in caplog.text
    assert not any(TOKEN in request for request in hub.requests)


def test_large_folders_go_in_several_commits(
    hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_FILES_PER_COMMIT", 3)
    monkeypatch.setattr(hub_module, "_FILES_PER_STEP", 2)
    steps: list[int] = []
    push_folder(
        folder, "ann/scenes", token=TOKEN, endpoint=hub.url, private=False,
        on_progress=lambda done, _: steps.append(done),
    )  # fmt: skip
    assert hub.num_commits == 2
    assert len(hub.repos["ann/scenes"]) == 5
    assert hub.private == {"ann/scenes": False}
    assert steps == [2, 3, 4]


def test_stopping_leaves_an_empty_repository_to_try_again(hub: FakeHub, folder: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped.")

    with pytest.raises(Cancelled):
        push_folder(folder, "scenes", token=TOKEN, endpoint=hub.url, on_progress=stop)
    assert set(hub.repos["ann/scenes"]) == {".gitattributes"}
    push_folder(folder, "scenes", token=TOKEN, endpoint=hub.url)
    assert len(hub.repos["ann/scenes"]) == 5


@pytest.mark.parametrize(
    ("there", "wished", "message"),
    [
        (False, True, "empty but public; this upload shall be private"),
        (None, True, "empty but public; this upload shall be private"),
        (True, False, "empty but private; this upload shall be public"),
    ],
)
def test_an_empty_repository_of_other_visibility_is_refused(
    hub: FakeHub, folder: Path, there: bool | None, wished: bool, message: str
) -> None:
    hub.repos["ann/scenes"] = {".gitattributes": b""}
    if there is not None:
        hub.private["ann/scenes"] = there
    with pytest.raises(HubError, match=message):
        push_folder(folder, "scenes", token=TOKEN, private=wished, endpoint=hub.url)
    assert hub.repos["ann/scenes"] == {".gitattributes": b""}
    assert not hub.blobs
    hub.private["ann/scenes"] = wished
    push_folder(folder, "scenes", token=TOKEN, private=wished, endpoint=hub.url)
    assert len(hub.repos["ann/scenes"]) == 5


def test_a_repository_with_files_is_not_touched(hub: FakeHub, folder: Path) -> None:
    hub.repos["ann/scenes"] = {"mine.txt": b"mine"}
    with pytest.raises(HubError, match=r"already a data set ann/scenes.*another name"):
        push_folder(folder, "scenes", token=TOKEN, endpoint=hub.url)
    assert hub.repos["ann/scenes"] == {"mine.txt": b"mine"}


@pytest.mark.parametrize(
    ("token", "repo_id", "message"),
    [
        ("hf_wrong", "scenes", "does not know this token"),
        ("hf_reader", "scenes", "may not write to ann/scenes"),
        (TOKEN, "bob/scenes", "may not write to bob/scenes"),
    ],
)
def test_refusals_are_explained_without_the_token(
    hub: FakeHub, folder: Path, token: str, repo_id: str, message: str
) -> None:
    with pytest.raises(HubError, match=message) as caught:
        push_folder(folder, repo_id, token=token, endpoint=hub.url)
    assert token not in str(caught.value)
    assert not hub.repos


def test_other_answers_and_no_answer(
    hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.broken = True
    with pytest.raises(HubError, match="error 418"):
        push_folder(folder, "scenes", token=TOKEN, endpoint=hub.url)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(HubError, match="failed"):
        push_folder(folder, "scenes", token=TOKEN, endpoint=closed)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        push_folder(folder, "scenes", token=TOKEN, endpoint=hub.url)


def test_wrong_wishes_reach_no_server(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no token"):
        push_folder(folder, "scenes", token="  ")
    for name in ("", "a b", "a/b/c", "../x", "x.git", "-x"):
        with pytest.raises(InputError, match="no name"):
            push_folder(folder, name, token=TOKEN)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no files"):
        push_folder(tmp_path / "empty", "scenes", token=TOKEN)
