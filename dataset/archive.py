"""A folder as one ZIP file, and back, without believing what a ZIP file says.

Packing the same folder twice gives the same bytes, and nothing that unpacking would refuse.
Unpacking writes inside the folder alone, and counts what really comes out, whatever the headers
promise.
"""

from __future__ import annotations

import errno
import io
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import DataError, InputError
from core.files import confined_path, list_files, opened, replacing

__all__ = ["Limits", "pack", "sizes_in", "unpack"]

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP knows
_STORED = {".jpg", ".jpeg", ".png", ".webp", ".zip", ".gz", ".onnx"}  # compressed already
_TEXTS = (".json", ".jsonl", ".txt")  # XML, YAML and CSV have limits where they are read
_CHUNK_BYTES = 1 << 20
_SAYS_UTF8 = 0x800  # flag of an entry
# Of the list of files, which is read as a whole: for each file, with a long name.
_ENTRY_BYTES = 400
_ENTRY_FIXED_BYTES = 46 + 28  # of each beside its name: the header, and what large files add
_ENCRYPTED = 0x1
# What ``zipfile`` and the decompressors raise for damaged archives; OSError besides.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, LookupError,
    NotImplementedError, OverflowError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold.

    Args:
        files: Most files.
        total_bytes: Most bytes of all files together, unpacked.
        file_bytes: Most bytes of one file, unpacked.
        text_bytes: The same of a text of labels, which takes up to 30 times as much memory.
        ratio: Most bytes unpacked for each byte packed, above a first megabyte.
    """

    files: int = 20_000
    total_bytes: int = 2_000_000_000
    file_bytes: int = 200_000_000
    text_bytes: int = 32_000_000
    ratio: float = 100.0

    def bytes_of(self, name: str) -> int:
        """Most bytes of a file of a name."""
        is_text = name.lower().endswith(_TEXTS)
        return min(self.file_bytes, self.text_bytes) if is_text else self.file_bytes

    @property
    def list_bytes(self) -> int:
        """Most bytes of the list of files; a small one too may have a comment."""
        return _CHUNK_BYTES + _ENTRY_BYTES * self.files


_ONE_OWN_BYTES = 50_000_000_000
OWN = Limits(1_000_000, 1_000_000_000_000, _ONE_OWN_BYTES, text_bytes=_ONE_OWN_BYTES)
"""For archives of who owns the disk, such as a whole project of many pictures."""


def pack(
    folder: Path,
    zip_path: Path,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    limits: Limits = OWN,
) -> None:
    """Write all files of a folder into a ZIP file, complete or not at all.

    Names are sorted and dates fixed, so that equal folders give equal archives. Images are stored,
    since they do not shrink further. Hidden files and links are left out.

    Args:
        folder: Its files are named relative to it.
        zip_path: Replaced if it exists; it may lie in the folder.
        on_progress: Called with the number of files done and of all; may raise to stop.
        limits: What the archive may hold, so that `unpack` takes it back with the same ones.

    Raises:
        DataError: There is nothing to pack, or something that `unpack` would refuse; or the file
            cannot be written.
    """
    target = zip_path.resolve()
    paths = [path for path in list_files(folder) if path.resolve() != target]
    if not paths:
        raise DataError(f"{folder} has no files to pack.", "Give the folder of a data set.")
    try:
        entries = [_entry_of(path, path.relative_to(folder).as_posix()) for path in paths]
    except OSError as error:
        raise DataError(
            f"cannot pack {folder}: {error.strerror or error}.", "Try again."
        ) from error
    _check_packable(folder, entries, limits)
    total = sum(entry.file_size for entry in entries)
    with replacing(zip_path) as part:
        _write(part, paths, entries, on_progress)
        if total > _most_unpacked(part.stat().st_size, limits):
            # Blank pictures shrink as far as a bomb does: then nothing is compressed.
            for entry in entries:
                entry.compress_type = zipfile.ZIP_STORED
            _write(part, paths, entries, on_progress)


def _write(
    target: Path,
    paths: list[Path],
    entries: list[zipfile.ZipInfo],
    on_progress: Callable[[int, int], None] | None,
) -> None:
    with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
        for number, (path, entry) in enumerate(zip(paths, entries, strict=True), start=1):
            _add(archive, path, entry)
            if on_progress is not None:
                on_progress(number, len(paths))


def _most_unpacked(packed_bytes: int, limits: Limits) -> float:
    return _CHUNK_BYTES + limits.ratio * packed_bytes


def _check_packable(folder: Path, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Raise a DataError where ``unpack`` would refuse the archive, compressed or not."""
    try:
        _checked(entries, sum(entry.file_size for entry in entries), limits)
        names = sum(len(entry.filename.encode("utf-8", "replace")) for entry in entries)
        if (size := names + _ENTRY_FIXED_BYTES * len(entries)) > limits.list_bytes:
            raise _too_much(f"a list of files of {size} bytes", f"{limits.list_bytes} bytes")
    except InputError as error:
        raise DataError(
            f"{folder} makes no ZIP file that could be unpacked again: {error.message}",
            "Rename or take out what is told, or copy the folder as it is.",
        ) from error


def _entry_of(path: Path, name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.create_system = 3  # Unix, also where this runs on Windows: the bytes shall be the same
    stored = path.suffix.lower() in _STORED
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.file_size = path.stat().st_size
    return entry


def _add(archive: zipfile.ZipFile, path: Path, entry: zipfile.ZipInfo) -> None:
    with opened(path) as source:
        entry.file_size = path.stat().st_size
        with archive.open(entry, "w") as target:
            while chunk := source.read(_CHUNK_BYTES):
                target.write(chunk)


class _Archive(io.FileIO):
    """A file of which no more is read at once than an honest archive needs.

    A list of millions of files would fill the memory before the first one could be counted.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        super().__init__(path)
        self._most_bytes = limits.list_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, as `io.FileIO` does."""
        if size is not None and size > self._most_bytes:
            raise zipfile.BadZipFile("it lists too many files")
        return super().read(size)


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The entries by their names: macOS writes UTF-8 without saying so, taken for DOS's code."""
    for entry in archive.infolist():
        if not entry.flag_bits & _SAYS_UTF8:
            with suppress(UnicodeError):
                entry.filename = entry.filename.encode("cp437").decode("utf-8")
    return archive.infolist()


def sizes_in(zip_path: Path, *, limits: Limits | None = None) -> dict[str, int]:
    """Bytes of each file by its name, as the headers tell; empty where they cannot be read.

    Args:
        zip_path: The archive.
        limits: `Limits()` if None; of these the length of the list counts.
    """
    try:
        with _Archive(zip_path, limits or Limits()) as file, zipfile.ZipFile(file) as archive:
            return {entry.filename: entry.file_size for entry in _entries(archive)}
    except (OSError, *_DAMAGE):
        return {}


def unpack(zip_path: Path, folder: Path, *, limits: Limits | None = None) -> list[Path]:
    """The files that were written, in the order of the archive.

    Everything that the headers tell is checked before the first byte is written; what they hide is
    found while writing, and then nothing of the archive stays.

    Args:
        zip_path: The archive.
        folder: Made if missing. Files that are there are replaced.
        limits: `Limits()` if None.

    Raises:
        InputError: It is no ZIP file, is damaged or encrypted, holds names that lead out of the
            folder, links, two files of one name, or more than the limits allow.
        DataError: A file cannot be written.
    """
    allowed = limits or Limits()
    written: list[Path] = []
    try:
        with _Archive(zip_path, allowed) as file, zipfile.ZipFile(file) as archive:
            entries = _checked(_entries(archive), zip_path.stat().st_size, allowed)
            targets = [confined_path(folder, entry.filename) for entry in entries]
            total = 0
            for entry, target in zip(entries, targets, strict=True):
                written.append(target)
                total += _extract(archive, entry, target, min(
                    allowed.bytes_of(entry.filename), allowed.total_bytes - total
                ))  # fmt: skip
    except BaseException as error:
        for path in written:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, _DAMAGE) or _tells_damage(error):
            raise InputError(
                f"{zip_path.name} is no ZIP file that we can read: {error}.",
                "Pack it again as an ordinary ZIP file.",
            ) from error
        if isinstance(error, OSError):
            raise DataError(f"cannot unpack {zip_path.name}: {error}.", "Make room.") from error
        raise
    return written


def _tells_damage(error: BaseException) -> bool:
    """Whether reading raised it: bzip2 gives no number, a place before the file a bad argument."""
    return isinstance(error, OSError) and error.errno in (None, errno.EINVAL)


def _checked(
    infos: list[zipfile.ZipInfo], packed_bytes: int, limits: Limits
) -> list[zipfile.ZipInfo]:
    """The entries that are files, in order, after all that can be told from their headers."""
    entries = [info for info in infos if not info.is_dir()]
    if len(infos) > 2 * limits.files or len(entries) > limits.files:
        raise _too_much(f"{len(infos)} entries", f"{limits.files} files")
    names: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        name = PurePosixPath(entry.filename)
        mode = entry.external_attr >> 16
        outside = name.is_absolute() or ".." in name.parts or not name.parts
        # A colon ends the name of a drive; on Windows it also begins that of a stream.
        drive = ":" in (str(name) if os.name == "nt" else str(name)[:2])
        if outside or drive or "\\" in entry.filename:
            raise InputError(
                f"the archive names {entry.filename[:80]!r}, which leads out of its folder.",
                "Pack it again with names relative to the folder.",
            )
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise InputError(
                f"{entry.filename[:80]!r} is a link or a device.", "Pack ordinary files alone."
            )
        if entry.flag_bits & _ENCRYPTED:
            raise InputError(f"{entry.filename[:80]!r} is encrypted.", "Pack it without password.")
        if (key := str(name).casefold()) in names:
            raise InputError(
                f"{entry.filename[:80]!r} is there twice, in capitals or not.", "Pack it again."
            )
        names.add(key)
        folders.update(str(parent).casefold() for parent in name.parents)
        if entry.file_size > (most := limits.bytes_of(entry.filename)):
            got = f"{entry.filename[-80:]!r}, a file of {entry.file_size} bytes"
            raise _too_much(got, f"{most} bytes")
    if both := names & folders:
        raise InputError(f"{min(both)[:80]!r} is a file and a folder there.", "Pack it again.")
    total = sum(entry.file_size for entry in entries)
    if total > limits.total_bytes:
        raise _too_much(f"{total} bytes", f"{limits.total_bytes} bytes")
    if total > _most_unpacked(packed_bytes, limits):
        raise _too_much(
            f"{total / max(packed_bytes, 1):.0f} times its packed size", f"{limits.ratio:g} times"
        )
    return entries


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, room: int) -> int:
    """Write one file and return its size; stop where it grows beyond the room that is left."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(entry) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > room:
                raise _too_much(f"more than {room} bytes in {entry.filename[:80]!r}", "fewer")
            file.write(chunk)
    return size


def _too_much(got: str, limit: str) -> InputError:
    return InputError(
        f"the archive has {got}, allowed are {limit}.", "Pack fewer or smaller files."
    )
