"""What a project keeps under names, checked whenever it is read: its file may come from anybody.

In: the text of a setting. Out: a value of the form that its readers promise, or None. A model is
named by a run of the project itself, never by a path that leads elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from core.captions import clean_captions
from core.errors import InputError
from pipeline.config import CutConfig
from project.vocabulary import SETTING as VOCABULARY
from project.vocabulary import Vocabulary

__all__ = ["CUT", "EARLIER", "KNOWN", "MODELS", "PIPELINE", "RUNS", "RUN_NAME", "parse_setting"]

CUT = "cut"
"""How the reranker that pre-labelled was shown boxes."""
PIPELINE = "pipeline"
"""For each stage the folder of the project's own model, below the project."""
EARLIER = "pipeline_earlier"
"""What `PIPELINE` was before, the first first."""
MODELS = {"detect": "model", "rerank": "reranker-model"}
"""For each stage the name of its model within a run."""
RUNS = "runs"
"""Folder of a project's runs."""
RUN_NAME = r"[a-z0-9][a-z0-9-]{0,60}"


def parse_setting(key: str, text: str) -> Any:
    """Return the value of a setting; None where it is not of the form of its name."""
    try:
        value: Any = json.loads(text)
        return _CHECKS[key](value) if key in _CHECKS else value
    except (InputError, ValueError, RecursionError):
        return None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _captions(value: Any) -> list[str] | None:
    if not isinstance(value, list):
        return None
    # Others to choose from are made of them: no more than a vocabulary may give.
    return list(Vocabulary(tuple(clean_captions(value))).types) if value else []


def _vocabulary(value: Any) -> dict[str, list[str]] | None:
    return Vocabulary.from_dict(value).to_dict() if isinstance(value, Mapping) else None


def _cut(value: Any) -> dict[str, Any] | None:
    return CutConfig().with_values(value).model_dump() if isinstance(value, Mapping) else None


def _models(value: Any) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    return {
        stage: value[stage]
        for stage, model in MODELS.items()
        if re.fullmatch(f"{RUNS}/{RUN_NAME}/{model}", str(value.get(stage)))
    }


def _earlier(value: Any) -> list[dict[str, str]] | None:
    return [_models(one) or {} for one in value] if isinstance(value, list) else None


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "captions": _captions,
    VOCABULARY: _vocabulary,
    CUT: _cut,
    PIPELINE: _models,
    EARLIER: _earlier,
}
KNOWN = tuple(_CHECKS)
