"""Settings: frozen sections with bounds and descriptions, and the one place that merges sources.

Weakest first: field default < preset TOML < config file < `--set section.key=value`. The same field
description feeds the CLI help, the page's tooltips, the REST schema and the table in the docs.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from core.errors import ConfigError
from core.files import read_toml, sha256_of
from core.registry import suggest

__all__ = ["FieldInfo", "Section", "config_hash", "describe_fields", "load", "parse_set"]


class Section(BaseModel):
    """A group of settings: frozen, and strict about unknown keys.

    Raises:
        ConfigError: A key is unknown or a value not allowed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _refusal(type(self), error, type(self).__name__) from error

    # Within another section it is checked with that one, whose refusal names the whole way.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def with_values(self, values: Mapping[str, object]) -> Self:
        """Return this section with some values replaced; sections in it are merged.

        Raises:
            ConfigError: A key is unknown or a value not allowed.
        """
        merged = _merge(type(self), self.model_dump(), values)
        return _validate(type(self), merged, "the given values")


S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One setting, described: for help texts, tooltips and the docs table."""

    key: str
    type: str
    default: object
    bounds: str
    description: str


def load(
    section: type[S],
    *,
    base: S | None = None,
    preset: Path | None = None,
    file: Path | None = None,
    sets: Sequence[str] = (),
) -> S:
    """Return the merged settings.

    Sections are merged. A setting that is itself a table is replaced as a whole, or in one entry
    by a pair such as "weights.none=1".

    Args:
        section: The class of the whole, for example `LocateConfig`.
        base: Values to begin with, in place of the defaults; the weakest.
        preset: A TOML file with the preset's values.
        file: The user's own TOML file.
        sets: Pairs such as "detect.score_min=0.2"; the strongest.

    Raises:
        ConfigError: A key is unknown (with a suggestion) or a value not allowed.
        DataError: A file cannot be read.
    """
    values: dict[str, object] = {} if base is None else base.model_dump()
    for path in (preset, file):
        if path is not None:
            # Validated one by one so that the message names the source at fault.
            values = _merge(section, values, read_toml(path))
            _validate(section, values, str(path.name))
    for pair in sets:
        values = _merge(section, values, parse_set(pair), dots=pair.partition("=")[0].count("."))
        _validate(section, values, f"--set {pair}")
    return _validate(section, values, "the settings")


def parse_set(pair: str) -> dict[str, object]:
    """Return the nested mapping of a "section.key=value" pair; values are TOML, else plain words.

    Example:
        >>> parse_set("detect.score_min=0.2")
        {'detect': {'score_min': 0.2}}
        >>> parse_set("upscale.mode=lanczos")
        {'upscale': {'mode': 'lanczos'}}
    """
    key, equals, text = pair.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise ConfigError(f"cannot read '{pair}'.", "Write it as section.key=value.")
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for name in reversed(names):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def config_hash(config: Section) -> str:
    """Return 12 hex digits that name these settings."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return sha256_of(text.encode())[:12]


def describe_fields(section: type[Section], prefix: str = "") -> Iterator[FieldInfo]:
    """Yield every setting of a section and of the sections in it, with dotted keys."""
    for name, info in section.model_fields.items():
        annotation = info.annotation
        if _is_section(annotation):
            yield from describe_fields(annotation, f"{prefix}{name}.")
            continue
        yield FieldInfo(
            key=f"{prefix}{name}",
            type=_type_name(annotation),
            default=info.get_default(call_default_factory=True),
            bounds=_bounds(info.metadata),
            description=info.description or "",
        )


def _type_name(annotation: object) -> str:
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    text = str(annotation).replace("typing.", "")
    if text.startswith("Literal["):
        return " | ".join(str(value) for value in get_args(annotation))
    return text


def _bounds(metadata: Sequence[object]) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    return " ".join(
        f"{sign} {getattr(rule, name):g}"
        for rule in metadata
        for name, sign in signs.items()
        if hasattr(rule, name)
    )


def _merge(
    section: type[Section], base: Mapping[str, object], over: Mapping[str, object], *, dots: int = 0
) -> dict[str, object]:
    """`base` with the values of `over`, whose first `dots` tables only lead to one value."""
    merged = dict(base)
    for key, value in over.items():
        info = section.model_fields.get(key)
        if info is not None and isinstance(value, Mapping):
            below = merged.get(key, info.get_default(call_default_factory=True))
            known = below if isinstance(below, Mapping) else {}
            if _is_section(info.annotation):
                value = _merge(info.annotation, known, value, dots=dots - 1)
            elif dots > 0:
                value = {**known, **value}
        merged[key] = value
    return merged


def _validate(section: type[S], values: Mapping[str, object], source: str) -> S:
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise _refusal(section, error, source) from error


def _refusal(section: type[Section], error: ValidationError, source: str) -> ConfigError:
    return ConfigError(f"{source}: {_explain(section, error.errors()[0])}")


def _explain(section: type[Section], error: ErrorDetails) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] != "extra_forbidden":
        message = error["msg"].replace("Input should be", "must be")
        return f"{key} {message}, got {error['input']!r:.200}."
    known: list[str] = _field_names(section, location[:-1])
    within = [
        f"{table}.{location[0]}"
        for table, info in section.model_fields.items()
        if len(location) == 1
        and _is_section(info.annotation)
        and location[0] in info.annotation.model_fields
    ]
    if within:
        return f"unknown setting '{key}'. Did you mean '{within[0]}'?"
    return f"unknown setting '{key}'.{suggest(location[-1], known)} Known: {', '.join(known)}."


def _field_names(section: type[Section], path: Sequence[str]) -> list[str]:
    for name in path:
        if name in section.model_fields:  # a number is an item of a tuple of sections
            annotation = section.model_fields[name].annotation
            found = [kind for kind in (annotation, *get_args(annotation)) if _is_section(kind)]
            section = found[0]
    return sorted(section.model_fields)


def _is_section(kind: object) -> TypeGuard[type[Section]]:
    return isinstance(kind, type) and issubclass(kind, Section)
