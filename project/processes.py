"""Whether a process that was noted down is still the same one: numbers of processes come again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

__all__ = ["is_alive", "started_at"]

_PROC = Path("/proc")
_START_FIELD = 19  # of /proc/PID/stat, counted after the name in parentheses


def started_at(pid: int) -> str:
    """Return when a process began, as a text to compare; empty where the system does not tell.

    Example:
        >>> started_at(os.getpid()) == started_at(os.getpid())
        True
    """
    try:
        if (_PROC / "self" / "stat").is_file():
            told = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
            boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="utf-8")
            # The name may hold spaces and parentheses itself.
            return f"{boot.strip()} {told.rpartition(')')[2].split()[_START_FIELD]}"
        found = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, IndexError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def _is_listed(pid: int) -> bool:
    """Whether Windows has a process of a number; there a signal of 0 would end it."""
    try:
        found = subprocess.run(
            ["tasklist", "/fi", f"PID eq {pid}", "/fo", "csv", "/nh"],
            capture_output=True, text=True, errors="replace", timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return True  # nobody's run is taken for a dead one
    return found.returncode != 0 or f'"{pid}"' in found.stdout


def is_alive(pid: int, started: str = "") -> bool:
    """Return whether a process runs.

    Args:
        pid: Its number.
        started: What `started_at` told of it; empty: whoever has the number now is taken for it.
    """
    if pid <= 0:
        return False
    if os.name == "nt":
        return _is_listed(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so it is there
    return not started or started_at(pid) in ("", started)
