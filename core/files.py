"""Small helpers for files: hashes, JSON, TOML, and writes that are complete or absent.

`replacing` alone knows how a file is written beside the one that it replaces, and what the one is
called that a killed process leaves.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from core.errors import DataError, InputError

__all__ = [
    "JSON_BYTES_MAX",
    "Json",
    "check_json_size",
    "confined_path",
    "link_or_copy",
    "list_files",
    "named_path",
    "opened",
    "read_json",
    "read_json_lines",
    "read_toml",
    "replaced_name",
    "replacing",
    "sha256_of",
    "shortened",
    "write_bytes",
    "write_json",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

JSON_BYTES_MAX = 2_000_000_000
"""Most bytes of a JSON file: as objects it takes 5 to 30 times as much memory."""
_CHUNK_BYTES = 1 << 20
_NOT_JSON = (ValueError, RecursionError)  # the second for what is nested thousandfold
_PART = re.compile(r"\.(.+)\.[0-9a-f]{8}", re.DOTALL)


def sha256_of(source: Path | bytes) -> str:
    """Return the SHA-256 of a file or of bytes, 64 hex digits."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def confined_path(folder: Path, name: str) -> Path:
    """Return the path of a file inside a folder; the file need not exist.

    A name may have the backslashes of Windows.

    Raises:
        InputError: The name leads out of the folder, or no file can have such a name.
    """
    try:
        name = _slashed(folder, name)
        root = folder.resolve()
        path = (root / name).resolve()
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise InputError(f"{name[:80]!r} is no file name.", "Use a plain file name.") from error
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise InputError(f"{name!r} leads out of {folder}.", "Use names inside the folder.")
    return path


def named_path(folder: Path, name: str) -> Path:
    """Return the path of a file inside a folder as it is called there: of a link its own name.

    Raises:
        InputError: See `confined_path`; a link may not lead out of the folder either.
    """
    real = confined_path(folder, name)
    name = _slashed(folder, name)
    return real if ".." in Path(name).parts else folder / name


def _slashed(folder: Path, name: str) -> str:
    """The name with slashes, unless a file there has the backslashes in its name."""
    return name.replace("\\", "/") if "\\" in name and not (folder / name).exists() else name


def shortened(name: str, limit_bytes: int = 200) -> str:
    """Return the beginning of a file's name: most file systems allow 255 bytes, endings included.

    Example:
        >>> shortened("längs", 3)
        'lä'
    """
    return name.encode(errors="ignore")[:limit_bytes].decode(errors="ignore")


def list_files(folder: Path, *, links: bool = False) -> list[Path]:
    """Return all files below a folder, sorted by name; hidden ones are left out.

    Args:
        folder: where to look; links to folders are not followed.
        links: links to files count as files; broken ones too, so that somebody tells of them.
    """
    named = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        is_file = path.is_file()
        if path.is_symlink():
            is_file = links and (is_file or not path.exists())
        if is_file and not hidden:
            named.append((name.as_posix(), path))
    return [path for _, path in sorted(named)]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Give a file open for reading. Copies open their source so: `replacing` blames what it writes.

    Raises:
        DataError: It cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    with file:
        yield file


@contextmanager
def replacing(path: Path, *, fsync: bool = False) -> Iterator[Path]:
    """Give the path of a hidden neighbor, which takes the file's place when the block ends.

    Readers never see half of the file, and writers of one file do not meet. A file that is replaced
    keeps its group and mode; a link is written through.

    Args:
        path: What is written; its folder is made if missing.
        fsync: The file outlives a power failure.

    Raises:
        DataError: The folder cannot be made or written to, or the disk is full.
    """
    try:
        # Links stay, what they lead to is written; `resolve` raises where they go in circles.
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{shortened(target.name)}.{secrets.token_hex(4)}")
        try:
            yield part
            if fsync:
                with part.open("r+b") as file:
                    os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                _keep_access(part, target.stat())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}.",
            "Choose another folder, or make room; what was written before is untouched.",
        ) from error


def replaced_name(name: str) -> str:
    """Return which file a killed `replacing` was to write, by the name of what it left; or nothing.

    Example:
        >>> replaced_name(".a.jpg.0123cdef"), replaced_name("a.jpg")
        ('a.jpg', '')
    """
    left = _PART.fullmatch(name)
    return left[1] if left else ""


def _keep_access(path: Path, before: os.stat_result) -> None:
    """Give a file the group and the mode of the one it replaces."""
    if hasattr(os, "chown"):
        # A group that the user is not in cannot be given.
        with suppress(OSError):
            os.chown(path, -1, before.st_gid)
    path.chmod(before.st_mode & 0o777)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, complete or not at all; see `replacing`."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file, indented, with a final newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def check_json_size(path: Path) -> None:
    """Refuse a file of JSON, or of lines of it, that would fill the memory.

    Raises:
        DataError: It has more than `JSON_BYTES_MAX` bytes.
        OSError: It cannot be read.
    """
    if (size := path.stat().st_size) > JSON_BYTES_MAX:
        raise DataError(
            f"{path.name} has {size} bytes, the limit is {JSON_BYTES_MAX}.",
            "Split it into several files, each in a folder with its pictures.",
        )


def read_json(path: Path) -> Json:
    """Return the contents of a JSON file.

    Raises:
        DataError: The file is missing, larger than `JSON_BYTES_MAX` or is not JSON.
    """
    try:
        check_json_size(path)
        value: Json = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, *_NOT_JSON) as error:
        raise DataError(f"cannot read {path} as JSON: {error}.") from error
    return value


def read_json_lines(path: Path) -> list[dict[str, Json]]:
    """Return the objects of a JSON Lines file; empty lines are passed over.

    Lines end at a line feed alone: a caption may hold other Unicode line ends.

    Raises:
        DataError: The file is missing or larger than `JSON_BYTES_MAX`, or a line is not a JSON
            object (its number is told).
    """
    try:
        check_json_size(path)
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}.") from error
    rows: list[dict[str, Json]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except _NOT_JSON as error:
            raise DataError(f"{path}, line {number}: not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: expected an object, got {type(row).__name__}.")
        rows.append(row)
    return rows


def read_toml(path: Path) -> dict[str, object]:
    """Return the contents of a TOML file.

    Raises:
        DataError: The file is missing or is not TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:  # not TOML, or not UTF-8
        raise DataError(f"cannot read {path} as TOML: {error}.") from error


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the disk has no such names.

    Neither is to be written into afterwards.

    Raises:
        OSError: It cannot be read, or the target is there or cannot be written.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
