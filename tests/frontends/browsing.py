"""What all tests in a browser share: a port of their own, and what a page must never do."""

from __future__ import annotations

import socket
from typing import Any

__all__ = ["complaints", "free_port", "outside"]


def free_port() -> int:
    """A port that nobody listens on, so that tests may run side by side."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def outside(url: str, address: str) -> list[str]:
    """The request in words, if it leaves the page's own server."""
    ours = url.startswith((address, "data:", "blob:"))
    return [] if ours else [f"request to {url}"]


def complaints(line: Any) -> list[str]:
    """The line of the console in words, if it is an error."""
    return [f"console: {line.text}"] if line.type == "error" else []
