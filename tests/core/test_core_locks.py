"""Locks between processes: one holds a file, until it is closed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.locks import try_lock


@pytest.mark.parametrize("platform", [sys.platform, "win32"])
def test_a_file_is_held_until_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    if platform != sys.platform:
        fcntl = pytest.importorskip("fcntl")

        def locking(handle: int, mode: int, count: int) -> None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

        monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
        monkeypatch.setattr("core.locks.sys", SimpleNamespace(platform=platform))
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert try_lock(first)
    assert not try_lock(second)
    os.close(first)
    assert try_lock(second)
    os.close(second)
