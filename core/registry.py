"""Tables of names: what can be chosen, where it lives, what it needs.

An entry is a string "module:attribute", imported on first use, so that a table costs nothing and
every choice can be found with grep. No decorators, no import side effects.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Generic, TypeVar, cast

from core.errors import ConfigError, MissingPackageError, UnknownNameError

__all__ = ["Entry", "Registry", "suggest"]

T = TypeVar("T")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for a near miss, or nothing.

    Example:
        >>> suggest("onnxrt", ["onnxruntime", "torch"])
        " Did you mean 'onnxruntime'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a name leads.

    Args:
        target: "package.module:attribute".
        needs: Packages (as imported) that must be installed.
        install: What to run when one is missing.
    """

    target: str
    needs: tuple[str, ...] = ()
    install: str = "pip install -r requirements.txt"

    def missing(self) -> list[str]:
        """Return the needed packages that are not installed; imports nothing."""
        return [name for name in self.needs if find_spec(name) is None]


class Registry(Generic[T]):
    """A table from names to things that are imported on first use.

    Args:
        kind: What the things are, for messages: "engine".
        entries: Initial entries by name; hyphens in names are written as underscores.

    Example:
        >>> shapes = Registry("shape", fraction=Entry("fractions:Fraction"))
        >>> shapes.load("fraction").__name__, shapes.names()
        ('Fraction', ['fraction'])
    """

    def __init__(self, kind: str, **entries: Entry) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._entries)

    def available(self) -> list[str]:
        """Return the names whose packages are installed, sorted."""
        return [name for name in self.names() if not self._entries[name].missing()]

    def entry(self, name: str) -> Entry:
        """Return the entry of a name.

        Raises:
            UnknownNameError: There is no such name.
        """
        if name not in self._entries:
            known = ", ".join(self.names())
            raise UnknownNameError(
                f"unknown {self.kind} '{name}'.{suggest(name, self.names())}", f"Known: {known}."
            )
        return self._entries[name]

    def load(self, name: str) -> T:
        """Return the thing itself, importing it.

        Raises:
            UnknownNameError: There is no such name.
            MissingPackageError: A package it needs is not installed.
        """
        entry = self.entry(name)
        if missing := entry.missing():
            raise MissingPackageError(
                f"{self.kind} '{name}' needs {', '.join(missing)}.", f"Run: {entry.install}"
            )
        module, _, attribute = entry.target.partition(":")
        return cast(T, getattr(import_module(module), attribute))

    def add(self, name: str, entry: Entry) -> None:
        """Add an entry of your own.

        Raises:
            ConfigError: The name is taken.
        """
        if name in self._entries:
            raise ConfigError(f"{self.kind} '{name}' exists already.", "Choose another name.")
        self._entries[name] = entry
