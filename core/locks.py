"""Locks by name: work on one thing keeps nobody waiting who works on another."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from weakref import WeakValueDictionary

__all__ = ["NamedLocks"]


class NamedLocks:
    """Hands out one lock for each name, to any thread.

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
