"""Turns errors into what the person in front sees: one decorator, one presenter per front end.

Knows no page and no model. A `SpotterError` is the world's fault and is shown; anything else is a
bug of ours: the log gets the traceback, the person one calm sentence.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, ParamSpec, TextIO, TypeVar, cast

from core.errors import SpotterError

__all__ = [
    "EXIT_CLOSED_PIPE",
    "EXIT_INTERRUPTED",
    "InternalError",
    "exit_with",
    "guarded",
    "raise_in_page",
    "silence_closed_pipes",
    "telling_interrupts",
]

P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger(__name__)

EXIT_USER_ERROR = 2
# What a shell reports of a program that SIGPIPE ended: 128 + 13.
EXIT_CLOSED_PIPE = 141
EXIT_INTERRUPTED = 130  # likewise of Ctrl-C: 128 + SIGINT's 2


class InternalError(SpotterError):
    """Our own mistake, as it is shown outside."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__("Internal error.", "The log has the details; please try again.")


def guarded(
    present: Callable[[SpotterError], Any], *, bugs: bool = True
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that hands every error of a function to `present`.

    Args:
        present: makes the function's own kind of answer out of an error, or raises.
        bugs: also hide our own mistakes behind "internal error"; a command line lets them through.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except SpotterError as error:
                return cast(R, present(error))
            except Exception:
                if not bugs:
                    raise
                _log.exception("%s failed", function.__qualname__)
                return cast(R, present(InternalError()))

        return run

    return decorate


def exit_with(error: SpotterError) -> NoReturn:
    """Write one line to stderr and leave with exit code 2."""
    line = " ".join(str(error).split())
    sys.stderr.write(f"spotter: {line}\n")
    raise SystemExit(EXIT_USER_ERROR)


@contextmanager
def telling_interrupts(done: Callable[[], str]) -> Iterator[None]:
    """Have an interrupt say what is done of work that can be stopped and goes on.

    Args:
        done: Returns that, as a sentence, when it is asked.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(f"{done()} The same command goes on from there.") from interrupt


def silence_closed_pipes() -> bool:
    """Return whether a reader of our output has left, as in `app.py locate ... | head -1`.

    What is still to be written for it goes nowhere then, so that the interpreter does not complain
    when it shuts down.
    """
    closed = [stream.fileno() for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
    for number in closed:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
    return bool(closed)


def _has_no_reader(stream: TextIO | None) -> bool:
    try:
        number = stream.fileno() if stream else -1
    except io.UnsupportedOperation:
        return False  # kept in memory, by a test
    if number < 0 or not hasattr(select, "poll"):  # Windows tells no such thing
        return False
    poll = select.poll()
    poll.register(number, 0)  # an end that was closed is told unasked
    return bool(poll.poll(0))


def raise_in_page(error: SpotterError) -> NoReturn:
    """Raise the error as Gradio shows it, for callers of the page's API."""
    import gradio as gr

    raise gr.Error(str(error), print_exception=False) from error
