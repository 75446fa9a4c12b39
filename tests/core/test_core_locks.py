"""Locks between processes: one holds a file, until it is closed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.locks import try_lock, wait_lock


@pytest.mark.parametrize("platform", [sys.platform, "win32"])
def test_a_file_is_held_until_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    if platform != sys.platform:
        fcntl = pytest.importorskip("fcntl")

        def locking(handle: int, mode: int, count: int) -> None:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if mode == 2 else 0))

        windows = SimpleNamespace(locking=locking, LK_LOCK=1, LK_NBLCK=2)
        monkeypatch.setitem(sys.modules, "msvcrt", windows)
        monkeypatch.setattr("core.locks.sys", SimpleNamespace(platform=platform))
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert try_lock(first)
    assert not try_lock(second)
    os.close(first)
    assert try_lock(second)
    third = os.open(tmp_path / "lock", os.O_RDWR)
    closed = []

    def close() -> None:
        closed.append(second)
        os.close(second)

    threading.Timer(0.05, close).start()
    wait_lock(third)
    assert closed
    os.close(third)
