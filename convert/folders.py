"""Folders of conversions: filled beside their place, and put there when they are whole.

Several processes may make the same one at the same time; the first to finish is kept.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from core.errors import DataError
from core.locks import try_lock
from pipeline.cache import make_cached
from pipeline.models import Model, read_model, write_model

__all__ = ["build_folder", "making"]

# Begins the names of folders that are being filled, and of the files that hold them.
_UNFINISHED = ".making-"
# A full disk, the end of a user's share of it, and the largest file that it takes.
_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
# A folder that holds files is not replaced by another one; Windows says that it may not be done.
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EACCES)
_PUT_TRIES = 20


def build_folder(
    folder: Path, fill: Callable[[Path], Model], *, is_there: Callable[[], bool]
) -> Model:
    """Return the entry of a conversion, after filling a folder and putting it in its place.

    Args:
        folder: Its place; what lies there is replaced.
        fill: Writes the files into a folder and returns their entry.
        is_there: Whether another process has put the same there meanwhile, which is kept then:
            somebody may be reading it.

    Raises:
        DataError: There is no room, or the folder above cannot be made or written to.
    """
    make_cached(folder.parent)
    try:
        with making(folder.parent) as made:
            into = made / folder.name
            into.mkdir()
            model = write_model(into, fill(into))
            if is_there():
                return read_model(folder)
            _put(into, folder, aside=made)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise DataError(
            f"cannot write to {folder.parent}: {error.strerror}.",
            "Make room, or name another folder with the environment variable SPOTTER_CACHE.",
        ) from error
    # Not read from there: another process may be putting its own in this place.
    return model.model_copy(update={"folder": folder})


def _put(made: Path, folder: Path, *, aside: Path) -> None:
    """Move a folder to its place, and what is there aside; others may be doing the same."""
    for number in range(_PUT_TRIES):
        try:
            made.replace(folder)
            return
        except OSError as error:
            if error.errno not in _TAKEN or number == _PUT_TRIES - 1:
                raise
        with suppress(FileNotFoundError):  # somebody else has moved it
            folder.replace(aside / f"old-{number}")


@contextmanager
def making(parent: Path) -> Iterator[Path]:
    """A folder to fill, gone afterwards; those of runs that were killed are removed first.

    Args:
        parent: Where it is made; on the same disk as its place.
    """
    for left in parent.glob(f"{_UNFINISHED}*"):
        if left.is_dir() and not _is_held(left):
            shutil.rmtree(left, ignore_errors=True)
            left.with_suffix(".lock").unlink(missing_ok=True)
    with NamedTemporaryFile(dir=parent, prefix=_UNFINISHED, suffix=".lock") as lock:
        # Before there is a folder: one that nobody holds is a dead run's.
        try_lock(lock.fileno())
        made = Path(lock.name).with_suffix("")
        made.mkdir()
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _is_held(unfinished: Path) -> bool:
    try:
        with unfinished.with_suffix(".lock").open("rb") as lock:
            return not try_lock(lock.fileno())
    except FileNotFoundError:
        return False
    except PermissionError:  # Windows lets nobody else open it
        return True
