"""Packing is reproducible; unpacking believes nothing."""

from __future__ import annotations

import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Cancelled, DataError, InputError
from dataset.archive import OWN, Limits, pack, sizes_in, unpack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    (root / "images/b.jpg").write_bytes(bytes(5000))
    (root / "images/a.jpg").write_bytes(b"pixels")
    (root / "labels.txt").write_text("0 " * 5000)
    (root / ".hidden").write_text("x")
    (root / "link").symlink_to("/etc/passwd")
    return root


def test_round_trip(folder: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    pack(folder, tmp_path / "one.zip", lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    written = unpack(tmp_path / "one.zip", tmp_path / "out")
    names = [path.relative_to(tmp_path / "out").as_posix() for path in written]
    assert names == ["images/a.jpg", "images/b.jpg", "labels.txt"]
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_equal_folders_give_equal_bytes(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "one.zip")
    for path in folder.rglob("*.*"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    # An archive in the folder is not packed into itself.
    pack(folder, folder / "two.zip")
    pack(folder, folder / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (folder / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        kinds = {info.filename: info.compress_type for info in archive.infolist()}
    assert kinds["images/b.jpg"] == zipfile.ZIP_STORED
    assert kinds["labels.txt"] == zipfile.ZIP_DEFLATED


def test_stopping_leaves_no_archive(folder: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped.")

    with pytest.raises(Cancelled):
        pack(folder, tmp_path / "out/one.zip", stop)
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(DataError, match="no files"):
        pack(tmp_path / "out", tmp_path / "one.zip")


def _zip(path: Path, *entries: tuple[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.warn", lambda *_, **__: None)  # two of one name
                archive.writestr(info, data)
    return path


def _bomb(path: Path) -> Path:
    """Says that it holds ten bytes, and holds three million."""
    _zip(path, ("a.txt", b"0" * 3_000_000))
    data = path.read_bytes()
    size = struct.pack("<I", 3_000_000)
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, struct.pack("<I", 10)))
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("code", ["utf-8", "cp437"])
def test_names_are_read_that_do_not_say_their_code(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As macOS packs them, and as DOS did."""

    def told(entry: zipfile.ZipInfo) -> tuple[bytes, int]:
        return entry.filename.encode(code), entry.flag_bits & ~0x800

    monkeypatch.setattr(zipfile.ZipInfo, "_encodeFilenameFlags", told)
    path = _zip(tmp_path / "a.zip", ("Flügé/über.txt", b"x"))
    monkeypatch.undo()
    with zipfile.ZipFile(path) as archive:
        assert not archive.infolist()[0].flag_bits & 0x800
    assert list(sizes_in(path)) == ["Flügé/über.txt"]
    assert unpack(path, tmp_path / "out") == [tmp_path / "out" / "Flügé" / "über.txt"]
    assert (tmp_path / "out" / "Flügé" / "über.txt").read_bytes() == b"x"


def test_a_time_of_day_leads_nowhere(tmp_path: Path) -> None:
    unpack(_zip(tmp_path / "a.zip", ("shots/2024-05-01 12:30:00.png", b"1")), tmp_path / "out")
    assert (tmp_path / "out" / "shots" / "2024-05-01 12:30:00.png").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: _zip(p, ("a", b"1"), ("../up.txt", b"1")), "leads out"),
        (lambda p: _zip(p, ("/tmp/up.txt", b"1")), "leads out"),
        (lambda p: _zip(p, ("a/../../up.txt", b"1")), "leads out"),
        (lambda p: _zip(p, ("..\\up.txt", b"1")), "leads out"),
        (lambda p: _zip(p, ("C:up.txt", b"1")), "leads out"),
        (lambda p: _zip(p, ("C:/up.txt", b"1")), "leads out"),
        (lambda p: _zip(p, ("up", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), "link"),
        (lambda p: _zip(p, ("up", b""), mode=stat.S_IFIFO), "device"),
        (lambda p: _zip(p, ("a.txt", b"1"), ("A.TXT", b"2")), "twice"),
        (lambda p: _zip(p, ("a/b", b"1"), ("A", b"2")), "'a' is a file and a folder"),
        (lambda p: _zip(p, ("a", b"1"), ("a/b/c", b"2")), "'a' is a file and a folder"),
        (lambda p: _zip(p, ("./.", b"1")), "leads out"),
        (lambda p: _zip(p, *((f"{i}", b"") for i in range(30))), "30 entries"),
        (lambda p: _zip(p, ("a", b"x" * 60_000)), "a file of 60000 bytes"),
        (lambda p: _zip(p, *((f"{i}", os.urandom(40_000)) for i in range(3))), "120000 bytes"),
        (_bomb, "no ZIP file|more than"),
        (lambda p: p.write_bytes(b"PK\x03\x04 nonsense") and p, "no ZIP file"),
        (lambda p: p.write_bytes(b"") or p, "no ZIP file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unpacking_refuses(make: Callable[[Path], Path], message: str, tmp_path: Path) -> None:
    path = make(tmp_path / "x.zip")
    limits = Limits(files=20, total_bytes=100_000, file_bytes=50_000)
    with pytest.raises(InputError, match=message):
        unpack(path, tmp_path / "out", limits=limits)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".zip"]


def test_an_endless_list_of_files_is_not_read(tmp_path: Path) -> None:
    path = _zip(tmp_path / "list.zip", ("a.txt", b"a"))
    data = path.read_bytes()
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[begin:end]
    count = (9 << 20) // len(entry)
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, count * len(entry), begin, 0)
    path.write_bytes(data[:begin] + count * entry + tail)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="it lists too many files"):
            unpack(path, tmp_path / "out")
        assert sizes_in(path) == {}
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def _listing(path: Path, count: int) -> Path:
    """An archive of empty files with the names of a project's pictures, its list alone written."""
    data = _zip(path, (f"images/{'0' * 64}.jpg", b"")).read_bytes()
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    names = (f"{number:064d}".encode() for number in range(count))
    entries = b"".join(data[begin:end].replace(b"0" * 64, name) for name in names)
    tail = (b"PK\5\6", 0, 0, count % 65536, count % 65536, len(entries), begin, 0)
    path.write_bytes(data[:begin] + entries + struct.pack("<4s4H2LH", *tail))
    return path


def test_a_list_as_long_as_the_limits_allow_is_read(tmp_path: Path) -> None:
    path = _listing(tmp_path / "many.zip", 90_000)
    assert len(sizes_in(path, limits=OWN)) == 90_000
    assert sizes_in(path) == {}
    with pytest.raises(InputError, match="it lists too many files"):
        unpack(path, tmp_path / "out")
    limits = Limits(files=80_000)
    with pytest.raises(InputError, match="the archive has 90000 entries, allowed are 80000 files"):
        unpack(path, tmp_path / "out", limits=limits)


@pytest.mark.parametrize(
    ("files", "limits", "message"),
    [
        ({"a.jpg": b"1", "A.jpg": b"2"}, OWN, r"'a.jpg' is there twice, in capitals or not"),
        ({"a\\b.jpg": b"1"}, OWN, "leads out of its folder"),
        ({"C:.jpg": b"1"}, OWN, "leads out of its folder"),
        ({f"{n}.txt": b"1" for n in range(4)}, Limits(files=3), "4 entries, allowed are 3 files"),
        ({"a.txt": b"12345"}, Limits(file_bytes=4), "a file of 5 bytes, allowed are 4"),
        ({"a.txt": b"1", "b.txt": b"2"}, Limits(total_bytes=1), "2 bytes, allowed are 1"),
    ],
    ids=["twice", "slash", "drive", "files", "file", "total"],
)
def test_what_could_not_be_unpacked_is_not_packed(
    files: dict[str, bytes], limits: Limits, message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    if len(list(folder.iterdir())) < len(files):
        pytest.skip("files here are one whose names differ by case alone")
    with pytest.raises(DataError, match=message) as told:
        pack(folder, tmp_path / "one.zip", limits=limits)
    assert "could be unpacked again" in told.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_shrinks_as_far_as_a_bomb_is_packed_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "blank.bmp").write_bytes(bytes(3_000_000))
    (folder / "small.txt").write_text("text")
    pack(folder, tmp_path / "one.zip")
    unpack(tmp_path / "one.zip", tmp_path / "out", limits=OWN)
    assert (tmp_path / "out" / "blank.bmp").read_bytes() == bytes(3_000_000)
    assert (tmp_path / "out" / "small.txt").read_text() == "text"


def test_a_list_that_unpacking_would_not_read_is_not_packed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "list_bytes", 200)
    with pytest.raises(DataError, match=r"a list of files of \d+ bytes, allowed are 200 bytes"):
        pack(folder, tmp_path / "one.zip")


def test_bombs_by_their_ratio(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.zip", ("a", bytes(5_000_000)))
    with pytest.raises(InputError, match=r"times its packed size, allowed are 100 times"):
        unpack(path, tmp_path / "out")
    assert len(unpack(path, tmp_path / "out", limits=Limits(ratio=2000))) == 1


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize("position", [30, 50, -6])
def test_damage_is_told(method: int, position: int, tmp_path: Path) -> None:
    """Planted in a name, in the data and in where the directory begins."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("ä.txt", b"hello world " * 50)
    data = bytearray(path.read_bytes())
    data[position] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match="no ZIP file that we can read") as told:
        unpack(path, tmp_path / "out")
    assert "room" not in told.value.hint
    assert sizes_in(path) == {"ä.txt": 600}, "what its headers tell"
    path.write_bytes(b"PK\x03\x04 nonsense")
    assert sizes_in(path) == {}
    assert not [p for p in tmp_path.rglob("*.txt") if p.is_file()]


def test_damage_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "one.zip")
    data = bytearray((tmp_path / "one.zip").read_bytes())
    position = data.index(bytes(100)) + 50  # within b.jpg, the second file
    data[position] ^= 255
    (tmp_path / "one.zip").write_bytes(data)
    with pytest.raises(InputError, match="CRC"):
        unpack(tmp_path / "one.zip", tmp_path / "out")
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    encrypted = bytearray(_zip(tmp_path / "e.zip", ("a", b"1")).read_bytes())
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "e.zip").write_bytes(encrypted)
    with pytest.raises(InputError, match="encrypted"):
        unpack(tmp_path / "e.zip", tmp_path / "out")
    with pytest.raises(DataError, match="cannot unpack"):
        unpack(tmp_path / "none.zip", tmp_path / "out")
