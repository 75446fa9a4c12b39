"""The words that the shipped models learnt, for projects that have none of their own.

In: a project. Out: what its captions may be chosen from.
"""

from __future__ import annotations

from project.store import Project
from project.vocabulary import Vocabulary, usual_vocabulary
from synth.words import COLORS, TYPES

__all__ = ["usual_words"]


def usual_words(project: Project) -> Vocabulary:
    """Return what is proposed first: a project's own types, or all that fly, in all colors."""
    return usual_vocabulary(project.class_names, TYPES, (*COLORS, "camouflage"))
