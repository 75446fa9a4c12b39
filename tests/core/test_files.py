"""Files: atomic writes, JSON lines, names that must stay inside a folder."""

from __future__ import annotations

import os
import stat

import pytest

from core.errors import DataError, InputError
from core.files import (
    confined_path,
    list_files,
    named_path,
    opened,
    read_json,
    read_json_lines,
    read_toml,
    replaced_name,
    replacing,
    write_bytes,
)


def test_json_lines_end_at_line_feeds_alone(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"caption": "red\u2028plane\u0085"}\n\n{"caption": "b"}\n', encoding="utf-8")
    assert [row["caption"] for row in read_json_lines(path)] == ["red\u2028plane\u0085", "b"]


def test_json_that_an_editor_marked_as_utf8_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"a": "ä"}\n', encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json") == {"a": "ä"}
    assert read_json_lines(tmp_path / "a.json") == [{"a": "ä"}]


@pytest.mark.parametrize(
    ("text", "message"), [("{}\n{", "line 2: not JSON"), ("[1]", "line 1: expected an object")]
)
def test_json_lines_name_the_damaged_line(tmp_path, text, message):
    path = tmp_path / "rows.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_json_lines(path)


@pytest.mark.parametrize("name", ["../a", "/etc/hosts", "a\0b", "x" * 400, "b/../../c"])
def test_confined_path_refuses_ways_out(tmp_path, name):
    with pytest.raises(InputError):
        confined_path(tmp_path, name)


def test_confined_path_allows_folders_within(tmp_path):
    assert confined_path(tmp_path, "a/b.png") == tmp_path.resolve() / "a" / "b.png"


def test_confined_path_reads_the_backslashes_of_windows(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").touch()
    assert named_path(tmp_path, "a\\b.png") == tmp_path / "a" / "b.png"
    with pytest.raises(InputError, match="leads out"):
        confined_path(tmp_path, "..\\b.png")
    if os.name != "nt":
        (tmp_path / "a\\b.png").touch()
        assert confined_path(tmp_path, "a\\b.png").name == "a\\b.png"


def test_write_bytes_says_why_it_cannot(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"cannot write .*x\.json"):
        write_bytes(tmp_path / "file" / "x.json", b"{}")


def test_long_names_can_be_written(tmp_path):
    path = tmp_path / ("ä" * 125 + ".json")
    write_bytes(path, b"1")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_settings_that_are_not_utf8_are_told(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes('name = "é"'.encode("latin-1"))
    with pytest.raises(DataError, match=r"cannot read .* as TOML"):
        read_toml(path)


@pytest.mark.parametrize("read", [read_json, read_json_lines])
def test_endless_nesting_is_told(tmp_path, read):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(DataError, match="JSON"):
        read(path)


def test_what_cannot_be_read_is_not_blamed_on_what_is_written(tmp_path):
    with (
        pytest.raises(DataError, match=r"cannot read .*gone\.jpg"),
        opened(tmp_path / "gone.jpg"),
        replacing(tmp_path / "copy.jpg"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "new" / "a.jpg"
    with replacing(path) as first, replacing(path, fsync=True) as second:
        for part, data in ((first, b"first"), (second, b"second")):
            part.write_bytes(data)
            assert replaced_name(part.name) == path.name
        assert not path.exists()
    assert path.read_bytes() == b"first"  # the outer block ended last
    assert list(path.parent.iterdir()) == [path]


def test_stopped_writes_leave_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def stop(part):
        part.write_bytes(b"ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        stop(part)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no modes")
def test_written_files_are_as_open_as_their_owner_wants(tmp_path):
    private, shared = tmp_path / "private", tmp_path / "shared"
    before = os.umask(0o077)
    try:
        shared.write_bytes(b"old")
        shared.chmod(0o664)
        write_bytes(private, b"1")
        write_bytes(shared, b"new")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (private, shared)] == [0o600, 0o664]
    assert shared.read_bytes() == b"new"


def test_links_are_written_through(tmp_path):
    (tmp_path / "disk").mkdir()
    links = tmp_path / "old.json", tmp_path / "new.json"
    for link in links:
        link.symlink_to(tmp_path / "disk" / link.name)
    (tmp_path / "disk" / "old.json").write_bytes(b"old")
    for link in links:
        write_bytes(link, b"1")
        assert link.is_symlink()
        assert (tmp_path / "disk" / link.name).read_bytes() == b"1"
    assert len(list((tmp_path / "disk").iterdir())) == 2


def test_hidden_files_and_links_are_not_listed(tmp_path):
    for name in ("b.txt", "a/z.txt", "a.txt", "a/.hidden", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "linked").symlink_to(tmp_path / "a", target_is_directory=True)
    names = [path.relative_to(tmp_path).as_posix() for path in list_files(tmp_path)]
    assert names == ["a.txt", "a/z.txt", "b.txt"]
    assert list_files(tmp_path / "missing") == []


def test_links_to_files_are_listed_for_who_wants_them_broken_ones_too(tmp_path):
    (tmp_path / "b").mkdir()
    for name, target in (("good", "b/a.txt"), ("broken", "gone"), ("loop", "loop"), ("to-b", "b")):
        (tmp_path / name).symlink_to(tmp_path / target)
    (tmp_path / "b" / "a.txt").write_text("a")
    names = [path.name for path in list_files(tmp_path, links=True)]
    assert names == ["a.txt", "broken", "good", "loop"]


@pytest.mark.parametrize("read", [read_json, read_json_lines])
def test_json_that_would_fill_the_memory_is_not_read(read, tmp_path, monkeypatch):
    monkeypatch.setattr("core.files.JSON_BYTES_MAX", 20)
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    read(path)
    path.write_text('{"a": "' + "b" * 21 + '"}')
    with pytest.raises(DataError, match="has 30 bytes, the limit is 20") as told:
        read(path)
    assert str(tmp_path) not in told.value.message
