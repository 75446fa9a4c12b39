"""What came of an import, to be told in one sentence and added up."""

from __future__ import annotations

from dataclasses import dataclass

from core.words import counted
from dataset.formats.raw import Finding

__all__ = ["Imported"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in.

    Args:
        added: Number of new images.
        known: Number of pictures that were there already.
        boxes: Number of labelled boxes that came in.
        findings: What could not be used, and what looks wrong, in order.
        projects: What came of whole projects, a sentence each.
        captioned: Number of pictures that captions were given with.
        recaptioned: Number of pictures whose captions came again, the same as before.
        restored: Number of pictures that had been taken out of the project.
    """

    added: int = 0
    known: int = 0
    boxes: int = 0
    findings: tuple[Finding, ...] = ()
    projects: tuple[str, ...] = ()
    captioned: int = 0
    recaptioned: int = 0
    restored: int = 0

    @property
    def failed(self) -> int:
        """Number of pictures that could not be used."""
        return sum(finding.kind == "unreadable-image" for finding in self.findings)

    def sentence(self) -> str:
        """Return the summary as one line."""
        others = self.added or self.known or self.failed or self.restored
        if self.projects and not (others or self.captioned):
            return " ".join(self.projects)
        if (self.captioned or self.recaptioned) and not others:
            told = [f"Captions of {counted(self.captioned, 'picture')} taken in"]
            told += [f"those of {self.recaptioned} were there already"] * bool(self.recaptioned)
            return f"{', '.join(told)}."
        parts = [f"{counted(self.added, 'picture')} added"]
        if self.boxes and self.added:
            parts[0] += f" with {counted(self.boxes, 'box')}"
        elif self.boxes:
            parts[0] = f"0 pictures and {counted(self.boxes, 'box')} added"
        if self.known:
            parts.append(f"{self.known} {'was' if self.known == 1 else 'were'} there already")
        if self.restored:
            parts.append(f"{self.restored} removed before came back")
        if self.captioned:
            parts.append(f"{self.captioned} with captions to look for")
        if self.failed:
            parts.append(f"{self.failed} could not be used")
        return " ".join((", ".join(parts) + ".", *self.projects))

    def plus(self, other: Imported) -> Imported:
        """Return both together."""
        return Imported(
            self.added + other.added,
            self.known + other.known,
            self.boxes + other.boxes,
            self.findings + other.findings,
            self.projects + other.projects,
            self.captioned + other.captioned,
            self.recaptioned + other.recaptioned,
            self.restored + other.restored,
        )
