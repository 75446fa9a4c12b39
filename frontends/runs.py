"""Long work for one visitor at a time: making a data set, sending it away.

Knows no page. A run goes on in its own thread; whoever wants to know asks for its `state`. Over all
visitors only so many work at once, the others wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.errors import Cancelled, DataError, InputError, SpotterError

__all__ = ["Run", "RunState", "Runs", "wait_for"]

_log = logging.getLogger(__name__)

RunState = Literal[
    "idle", "waiting", "drawing", "packing", "sending", "importing", "looking", "exporting",
    "done", "sent", "stopped", "failed",
]  # fmt: skip
_OVER = frozenset({"idle", "done", "sent", "stopped", "failed"})


@dataclass(slots=True)
class Run:
    """One piece of work and how far it is.

    Args:
        state: What is being done, or how it ended.
        done: Pieces that are done.
        total: Pieces in all; 0 while that is not known.
        error: Why it failed, for people.
        url: Where the result is, once sent.
        said: What came of it, as a sentence.
        refused: What was left out, as (name, reason).
        file: A file that was made.
        to_review: Number of proposals that it made for a person to look at.
    """

    state: RunState = "idle"
    done: int = 0
    total: int = 0
    error: SpotterError | None = None
    url: str = ""
    said: str = ""
    refused: tuple[tuple[str, str], ...] = ()
    file: Path | None = None
    to_review: int = 0
    _began_s: float = 0.0
    _began_done: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing is being done any more."""
        return self.state in _OVER

    @property
    def left_s(self) -> float | None:
        """Seconds that the present stage still takes; None while that is not known."""
        ahead = self.done - self._began_done
        if self.is_over or ahead <= 0 or not self.total:
            return None
        return (time.monotonic() - self._began_s) / ahead * (self.total - self.done)

    def stop(self) -> None:
        """Ask the work to stop; it does at its next report."""
        self._stop.set()

    def report(self, state: RunState, done: int, total: int) -> None:
        """Note how far the work is.

        Raises:
            Cancelled: Somebody asked it to stop.
        """
        if self._stop.is_set():
            raise Cancelled("stopped.")
        if state != self.state or done < self.done:
            # What an earlier run had done already tells nothing about the pace.
            self._began_s, self._began_done = time.monotonic(), done
        self.state, self.done, self.total = state, done, total

    def wait(self, places: threading.Semaphore) -> None:
        """Take a place among those who work, as soon as one is free."""
        while not places.acquire(timeout=0.2):
            self.report("waiting", 0, 0)


class Runs:
    """The present run of each visitor.

    Args:
        most: How many work at once.
    """

    def __init__(self, most: int) -> None:
        self._places = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def of(self, key: str) -> Run:
        """Return the present or last run of a visitor."""
        with self._lock:
            return self._runs.get(key) or Run()

    def start(self, key: str, work: Callable[[Run], RunState]) -> Run:
        """Begin something for a visitor and return its run.

        Args:
            key: The visitor.
            work: Does it, reports to the run, and returns the state that it ends in.

        Raises:
            InputError: The visitor has another run that is not over.
        """
        with self._lock:
            if key in self._runs and not self._runs[key].is_over:
                raise InputError("something is being made already.", "Wait for it, or stop it.")
            run = Run(state="waiting")
            # First: where no thread can be had, there is no run that others would wait for.
            threading.Thread(target=self._work, args=(run, work), name="run", daemon=True).start()
            self._runs[key] = run
        return run

    def forget(self, key: str) -> None:
        """Forget a visitor's last run; one that is not over is asked to stop."""
        with self._lock:
            run = self._runs.pop(key, None)
        if run is not None:
            run.stop()

    def _work(self, run: Run, work: Callable[[Run], RunState]) -> None:
        try:
            run.wait(self._places)
            try:
                ending = work(run)
            finally:
                self._places.release()
            run.state = ending
        except Cancelled:
            run.state = "stopped"
        except SpotterError as error:
            run.error = error
            run.state = "failed"
        except Exception:
            _log.exception("A run failed")
            run.error = None
            run.state = "failed"


def wait_for(run: Run, limit_s: float) -> None:
    """Return once a run is over.

    Raises:
        DataError: It takes longer than the limit.
        SpotterError: It failed.
    """
    end_s = time.monotonic() + limit_s
    while not run.is_over:
        if time.monotonic() > end_s:
            run.stop()
            raise DataError(f"the work takes longer than {limit_s:g} s.", "Ask for less at once.")
        time.sleep(0.05)
    if run.state != "failed":
        return
    raise run.error or DataError("the work failed.", "The log has the details.")
