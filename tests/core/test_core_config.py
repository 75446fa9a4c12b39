"""Settings: merged in order, strict about keys, described once."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from core.config import Section, config_hash, describe_fields, load, parse_set
from core.errors import ConfigError, DataError


class Inner(Section):
    score_min: float = Field(default=0.5, ge=0, le=1, description="Lowest score.")
    mode: Literal["fast", "slow"] = Field(default="fast", description="How.")


class Outer(Section):
    name: str = Field(default="x", description="A name.")
    limit: int | None = Field(default=None, gt=0, description="A limit.")
    inner: Inner = Inner()
    weights: dict[str, float] = Field(default={"a": 1.0, "b": 2.0}, description="Weights.")


def test_sources_from_weak_to_strong(tmp_path):
    preset, file = tmp_path / "preset.toml", tmp_path / "mine.toml"
    preset.write_text('name = "preset"\n[inner]\nscore_min = 0.1\nmode = "slow"\n')
    file.write_text("[inner]\nscore_min = 0.2\n")
    assert load(Outer).inner.score_min == 0.5
    assert load(Outer, preset=preset).inner.score_min == 0.1
    config = load(Outer, preset=preset, file=file, sets=["name=set", "limit=3"])
    assert (config.name, config.limit) == ("set", 3)
    assert (config.inner.score_min, config.inner.mode) == (0.2, "slow")


def test_a_table_of_values_is_replaced_whole_whatever_is_below(tmp_path):
    preset, file = tmp_path / "preset.toml", tmp_path / "mine.toml"
    preset.write_text('weights = { a = 1.0 }\n[inner]\nmode = "slow"\n')
    file.write_text("inner.score_min = 0.2\nweights.c = 3\n")
    for below in (None, preset):
        assert load(Outer, preset=below, file=file).weights == {"c": 3}
        assert load(Outer, preset=below, sets=["weights={c=3}"]).weights == {"c": 3}
    assert load(Outer, preset=preset, file=file).inner == Inner(score_min=0.2, mode="slow")
    assert Outer().with_values({"weights": {"c": 3}}).weights == {"c": 3}


def test_a_dotted_pair_sets_one_entry_of_a_table(tmp_path):
    preset = tmp_path / "preset.toml"
    preset.write_text("weights = { a = 4.0 }\n")
    pairs = ["weights.b=3", "weights.c=5"]
    assert load(Outer, sets=pairs).weights == {"a": 1, "b": 3, "c": 5}
    assert load(Outer, preset=preset, sets=pairs).weights == {"a": 4, "b": 3, "c": 5}
    assert load(Outer, sets=[*pairs, "weights={b=1}"]).weights == {"b": 1}
    for pair in ("name.y=1", "limit.y=1", "weights.a.b=1"):
        with pytest.raises(ConfigError, match=f"--set {pair}"):
            load(Outer, sets=[pair])


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("inner.scor_min=1", r"unknown setting 'inner.scor_min'. Did you mean 'score_min'\? Known"),
        ("iner.mode=fast", r"Did you mean 'inner'"),
        ("inner.score_min=30", r"--set inner.score_min=30: inner.score_min must be less than"),
        ("inner.mode=quick", r"inner.mode must be 'fast' or 'slow', got 'quick'"),
        ("inner=3", r"inner must be"),
        ("inner.score_min", r"Write it as section.key=value"),
        ("=3", r"Write it as section.key=value"),
        ("inner.score_min=nan", r"finite number"),
    ],
    ids=["typo", "section", "range", "choice", "scalar", "no-value", "no-key", "nan"],
)
def test_mistakes_are_explained(pair, message):
    with pytest.raises(ConfigError, match=message):
        load(Outer, sets=[pair])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nam": "x"}, r"Outer: unknown setting 'nam'. Did you mean 'name'"),
        ({"limit": 0}, r"Outer: limit must be greater than 0, got 0"),
        ({"inner": {"mode": "quick"}}, r"Outer: inner.mode must be 'fast' or 'slow', got 'quick'"),
    ],
    ids=["typo", "range", "inside"],
)
def test_mistakes_of_a_program_are_explained_too(values, message):
    with pytest.raises(ConfigError, match=message):
        Outer(**values)


def test_the_file_at_fault_is_named(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("nam = 1\n")
    with pytest.raises(ConfigError, match=r"mine.toml: unknown setting 'nam'. Did you mean 'name'"):
        load(Outer, file=file)
    file.write_text("nam = \n")
    with pytest.raises(DataError, match="as TOML"):
        load(Outer, file=file)
    with pytest.raises(DataError, match="cannot read"):
        load(Outer, file=tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("a.b=0.5", {"a": {"b": 0.5}}),
        ("a=true", {"a": True}),
        ("a=[960, 544]", {"a": [960, 544]}),
        ("a=path/to/x", {"a": "path/to/x"}),
        ('a="1"', {"a": "1"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_parse_set(pair, expected):
    assert parse_set(pair) == expected


def test_frozen_hash_and_changes():
    config = Outer()
    with pytest.raises(ValueError, match="frozen"):
        config.name = "y"
    changed = config.with_values({"inner": {"mode": "slow"}})
    assert changed.inner.mode == "slow"
    assert changed.inner.score_min == 0.5
    assert config_hash(changed) != config_hash(config) == config_hash(Outer())
    with pytest.raises(ConfigError, match="unknown setting 'innner'"):
        config.with_values({"innner": {}})


def test_fields_are_described():
    rows = {row.key: row for row in describe_fields(Outer)}
    assert list(rows) == ["name", "limit", "inner.score_min", "inner.mode", "weights"]
    assert rows["inner.score_min"].bounds == ">= 0 <= 1"
    assert rows["inner.score_min"].default == 0.5
    assert rows["inner.mode"].type == "fast | slow"
    assert rows["limit"].type == "int | None"
    assert rows["name"].description == "A name."
