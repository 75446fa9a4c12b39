"""A folder for each visitor, found by a name that nobody can guess, and removed after the visit.

Knows neither page nor pictures. In: the session's name; out: a `Visit` with its folder.
"""

from __future__ import annotations

import logging
import math
import os
import re
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError

__all__ = ["Visit", "Visits", "size_of"]

_log = logging.getLogger(__name__)

# A phone that sleeps for a moment looks like a visitor who left.
_GRACE_S = 600.0
_KEY_BYTES = 18
_KEY = re.compile(r"[A-Za-z0-9_-]{24}")  # what so many random bytes are written as
_AGE_MAX_S = 86_400.0
_SWEEP_S = 60.0


@dataclass(slots=True, eq=False)
class Visit:
    """One visitor: the secret name, the folder, and when something last happened.

    Args:
        key: The folder's name and the browser's proof that the visit is its own.
        folder: Everything that the visitor brought or made.
        seen_s: Time of the last call, seconds.
        left_s: Time at which the connection ended; None while it lasts.
        lock: Held while files of the folder are changed.
        measured_s: When the size of the folder was last found to be in order.
    """

    key: str
    folder: Path
    seen_s: float
    left_s: float | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    measured_s: float = -math.inf


def size_of(*folders: Path) -> int:
    """Return the bytes of all files in some folders; one with several names counts once.

    Files and folders may go while they are counted.
    """
    sizes = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):  # rglob fails at a folder that is gone
            for name in names:
                try:
                    found = Path(parent, name).lstat()
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(found.st_mode):
                    sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


class Visits:
    """All visits of this process; safe to use from several threads.

    Args:
        root: Parent of the visitors' folders, made on the first visit.
        grace_s: How long a folder outlives its visitor's connection, seconds.
        age_max_s: How long a folder lives without any call, seconds.
        sweep_s: Time between two looks for folders to remove, seconds.
        clock: Tells the time, seconds since 1970 (as the folders' own dates do).
        busy: Whether something works for a visit; it then stays, even if its time is up.
        removed: Told of each visit whose folder is about to go.
        returning: Whether a visit goes on after its time, with an empty folder: where what people
            work on lies elsewhere, a computer that slept, or a page that was started again, is no
            reason to refuse them.
    """

    def __init__(
        self,
        root: Path,
        *,
        grace_s: float = _GRACE_S,
        age_max_s: float = _AGE_MAX_S,
        sweep_s: float = _SWEEP_S,
        clock: Callable[[], float] = time.time,
        busy: Callable[[Visit], bool] = lambda visit: False,
        removed: Callable[[Visit], None] = lambda visit: None,
        returning: bool = False,
    ) -> None:
        self._root = root
        self._grace_s, self._age_max_s = grace_s, age_max_s
        self._sweep_s = sweep_s
        self._clock = clock
        self._busy, self._removed = busy, removed
        self._returning = returning
        self._lock = threading.Lock()
        self._by_key: dict[str, Visit] = {}
        self._key_of: dict[str, str] = {}
        self._sweeping = False

    def enter(self, session: str) -> Visit:
        """Return the visit of a browser session, new on its first call."""
        with self._lock:
            self._sweep_from_now_on()
            visit = self._by_key.get(self._key_of.get(session, ""))
            if visit is None:
                visit = self._begin(secrets.token_urlsafe(_KEY_BYTES))
                self._key_of[session] = visit.key
            return self._touch(visit)

    def _begin(self, key: str) -> Visit:
        folder = self._root / key
        folder.mkdir(parents=True, exist_ok=True)
        self._by_key[key] = Visit(key, folder, self._clock())
        return self._by_key[key]

    def get(self, key: object) -> Visit:
        """Return the visit of a key.

        Raises:
            InputError: There is none, or it has ended.
        """
        with self._lock:
            visit = self._by_key.get(str(key))
            if visit is None and self._returning and _KEY.fullmatch(str(key)):
                self._sweep_from_now_on()
                visit = self._begin(str(key))
            if visit is None:
                raise InputError("this visit has ended and its files are gone.", "Reload the page.")
            return self._touch(visit)

    def leave(self, session: str) -> None:
        """Note that a session's connection ended; its folder goes once the grace is over."""
        with self._lock:
            visit = self._by_key.get(self._key_of.get(session, ""))
            if visit is None:
                return
            visit.left_s = self._clock()

    def knows(self, visit: Visit) -> bool:
        """Return whether a visit has not ended."""
        with self._lock:
            return self._by_key.get(visit.key) is visit

    def sweep(self) -> None:
        """Remove the folders whose time is up, those of earlier processes too.

        The others get a new date, which tells processes that share the root that they are in use.
        """
        now = self._clock()
        with self._lock:
            over = [visit for visit in self._by_key.values() if self._is_over(visit, now)]
            for visit in over:
                del self._by_key[visit.key]
            self._key_of = {s: key for s, key in self._key_of.items() if key in self._by_key}
            present = list(self._by_key.values())
        for visit in present:
            with suppress(OSError):  # removed by hand, perhaps
                os.utime(visit.folder, (now, now))
        for visit in over:
            self._removed(visit)
            with visit.lock:
                shutil.rmtree(visit.folder, ignore_errors=True)
        self._sweep_strangers(now)

    def _sweep_strangers(self, now: float) -> None:
        folders = list(self._root.iterdir()) if self._root.is_dir() else []
        with self._lock:  # after the list, so that every new visit in it is known
            known = set(self._by_key)
        for folder in folders:
            try:
                old = folder.stat().st_mtime < now - self._age_max_s
            except FileNotFoundError:
                continue
            if old and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _sweep_from_now_on(self) -> None:
        """Start a thread that sweeps as long as there are visits; the caller holds the lock."""
        if not self._sweeping:
            self._sweeping = True
            threading.Thread(target=self._keep_sweeping, name="sweep", daemon=True).start()

    def _keep_sweeping(self) -> None:
        while True:
            time.sleep(self._sweep_s)
            try:
                self.sweep()
            except Exception:
                _log.exception("Folders of ended visits could not be removed")
            with self._lock:
                if not self._by_key:
                    self._sweeping = False
                    return

    def _is_over(self, visit: Visit, now: float) -> bool:
        left = visit.left_s is not None and visit.left_s < now - self._grace_s
        return (left or visit.seen_s < now - self._age_max_s) and not self._busy(visit)

    def _touch(self, visit: Visit) -> Visit:
        visit.seen_s = self._clock()
        visit.left_s = None
        return visit
