"""What a control for each setting looks like, read from the settings themselves.

A new field of the settings becomes a control by itself: its kind follows from its type, its range
from its bounds, its name from its key. In: a section; out: plain mappings for the browser.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from core.config import Section
from frontends.ui import text_synth as text

__all__ = ["Knob", "describe_knobs", "name_of"]

Kind = Literal[
    "share", "number", "whole", "switch", "choice", "span", "list", "mix", "size", "json"
]
_UNITS = {"px": "px", "deg": "°"}
_QUALIFIERS = {"min": "at least", "max": "up to"}


@dataclass(frozen=True, slots=True)
class Knob:
    """One control.

    Args:
        key: The setting's name.
        title: Its name for people.
        help: One line about it.
        group: The heading under which it stands.
        kind: What it is set with: "share" is a number from 0 to 1 shown as per cent, "span" two
            numbers, "list" any count of numbers, "mix" a weight for each name, "size" width and
            height, "json" anything else.
        unit: Shown behind the number.
        low: Least value that the control offers.
        high: Greatest one.
        step: Step of the control.
        logarithmic: Whether equal ways on the control are equal ratios.
        choices: Allowed names, for "choice" and "mix".
        first: Whether it stands above the folded groups.
    """

    key: str
    title: str
    help: str
    group: str
    kind: Kind
    unit: str
    low: float
    high: float
    step: float
    logarithmic: bool
    choices: tuple[str, ...]
    first: bool


def describe_knobs(
    section: type[Section],
    *,
    first: tuple[str, ...] = (),
    without: frozenset[str] = frozenset(),
    choices: Mapping[str, tuple[str, ...]] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> list[dict[str, Any]]:
    """Return a control for each field of a section: first those named, then in field order.

    Args:
        section: The settings.
        first: Keys that stand above the folded groups.
        without: Keys that visitors may not set.
        choices: Allowed names of fields whose type does not tell them.
        ranges: What a control offers, where the allowed range is wider than anybody needs.
    """
    named, offered = dict(choices or {}), dict(ranges or {})
    knobs = [
        _describe(key, info, key in first, named.get(key, ()), offered.get(key))
        for key, info in section.model_fields.items()
        if key not in without
    ]
    order = {key: i for i, key in enumerate(first)}
    knobs.sort(key=lambda knob: order.get(knob.key, len(order)))
    return [asdict(knob) for knob in knobs]


def name_of(key: str) -> str:
    """Return a setting's name for people.

    Example:
        >>> name_of("haze_ratio_max")
        'Haze, up to'
    """
    if key in text.KNOBS:
        return text.KNOBS[key]
    words = key.split("_")
    qualifier = _QUALIFIERS.get(words[-1], "")
    kept = [w for w in words if w not in {*_QUALIFIERS, *_UNITS, "ratio", "range", "weights", "wh"}]
    name = " ".join(kept) or key
    name = name[:1].upper() + name[1:]
    return f"{name}, {qualifier}" if qualifier else name


def _describe(
    key: str,
    info: FieldInfo,
    first: bool,
    choices: tuple[str, ...],
    offered: tuple[float, float] | None,
) -> Knob:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    default = info.get_default(call_default_factory=True)
    named = choices or _names(info.annotation)
    kind = _kind(info.annotation, default, bool(named))
    low, high = offered or _bounds(info, default)
    if kind == "number" and low >= 0 and high <= 1:
        kind = "share"
    whole = kind in ("whole", "size") or (kind == "span" and _is_whole(default))
    return Knob(
        key=key,
        title=name_of(key),
        help=info.description or "",
        group=str(extra.get("group") or text.KNOBS_PANEL["other"]),
        kind=kind,
        unit=next((_UNITS[word] for word in key.split("_") if word in _UNITS), ""),
        low=low,
        high=high,
        step=1.0 if whole else _step(low, high),
        logarithmic=kind == "span" and low > 0 and high / low > 20,
        choices=named or (tuple(default) if isinstance(default, Mapping) else ()),
        first=first,
    )


def _names(annotation: Any) -> tuple[str, ...]:
    """The names that a `Literal` allows."""
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()


def _kind(annotation: Any, default: Any, has_names: bool) -> Kind:
    if isinstance(default, bool):
        return "switch"
    if isinstance(default, int):
        return "whole"
    if isinstance(default, float):
        return "number"
    if isinstance(default, str) and has_names:
        return "choice"
    if isinstance(default, Mapping) and default:
        return "mix" if all(_is_number(value) for value in default.values()) else "json"
    if isinstance(default, tuple):
        return _kind_of_tuple(get_args(annotation), default)
    return "json"


def _kind_of_tuple(inner: tuple[Any, ...], default: tuple[Any, ...]) -> Kind:
    if len(inner) == 2 and inner[1] is Ellipsis:
        return "list" if inner[0] in (int, float) else "json"
    if len(default) == 2 and all(_is_number(value) for value in default):
        return "size" if _is_whole(default) and min(default) >= 32 else "span"
    return "json"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int) for value in values)


def _bounds(info: FieldInfo, default: Any) -> tuple[float, float]:
    """Least and greatest value; where the settings name none, what lies around the default."""
    values = [v for v in (default if isinstance(default, tuple) else (default,)) if _is_number(v)]
    if not values:
        return 0.0, 1.0
    rules = list(_rules(info.metadata)) + list(_rules(get_args(info.annotation)))
    low = next((value for sign, value in rules if sign == "low"), min(0.0, *values, 0.0))
    high = next((value for sign, value in rules if sign == "high"), 0.0)
    return low, high or 10.0 ** math.ceil(math.log10(max(2.0 * max(values), 1.0)))


def _rules(metadata: Iterable[Any]) -> Iterator[tuple[str, float]]:
    """The limits among a field's metadata, also inside `Annotated` parts and pydantic fields."""
    for rule in metadata:
        for name, sign in (("ge", "low"), ("gt", "low"), ("le", "high"), ("lt", "high")):
            if _is_number(getattr(rule, name, None)):
                yield sign, float(getattr(rule, name))
        yield from _rules(getattr(rule, "__metadata__", ()))
        if isinstance(rule, FieldInfo):
            yield from _rules(rule.metadata)


def _step(low: float, high: float) -> float:
    """About a hundred steps, each a round number."""
    return float(10 ** math.floor(math.log10(max(high - low, 1e-6) / 50)))
