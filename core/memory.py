"""How this process holds memory between images."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# Parameters of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGE = 1 << 30
_LARGEST_OLD = 1 << 25  # what glibc before 2.35 takes


def keep_freed_memory() -> bool:
    """Let memory that was freed stay with this process; for processes that make or learn images.

    By default glibc maps every array of an image's size anew and unmaps it when freed, and each of
    its pages costs a fault at first touch: an eighth of the time of a synthetic scene. Memory then
    never falls below its peak, so a process that mostly waits should not ask for this.

    Returns:
        Whether it was done; elsewhere than on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library, such as musl
        return False
    kept = mallopt(_M_MMAP_THRESHOLD, _LARGE) or mallopt(_M_MMAP_THRESHOLD, _LARGEST_OLD)
    return bool(kept and mallopt(_M_TRIM_THRESHOLD, _LARGE))
