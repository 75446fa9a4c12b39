"""Locks by name, between threads, and of files, between processes."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from threading import Lock
from weakref import WeakValueDictionary

__all__ = ["NamedLocks", "try_lock", "wait_lock"]


class NamedLocks:
    """Hands out one lock for each name, to any thread; work on one thing delays no other.

    Example:
        >>> locks = NamedLocks()
        >>> with locks("a"), locks("b"):
        ...     locks("a").locked(), locks("c").locked()
        (True, False)
    """

    def __init__(self) -> None:
        self._guard = Lock()
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()

    def __call__(self, name: Hashable) -> Lock:
        """Return the lock of a name, the same one to all who want it at the same time."""
        with self._guard:
            return self._locks.setdefault(name, Lock())


def try_lock(handle: int) -> bool:
    """Lock an open file until it is closed, also by the end of its process; False if it cannot be.

    Args:
        handle: Its descriptor; elsewhere than on Windows it may be a folder's.
    """
    try:
        _lock(handle, wait=False)
    except OSError:
        return False
    return True


def wait_lock(handle: int) -> None:
    """Lock an open file as `try_lock` does, as soon as nobody else holds it.

    Raises:
        OSError: It cannot be locked; on Windows also when somebody holds it for ten seconds.
    """
    _lock(handle, wait=True)


def _lock(handle: int, *, wait: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
