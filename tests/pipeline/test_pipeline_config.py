"""Presets and the settings of a locator."""

from __future__ import annotations

import pytest

from core.config import describe_fields
from core.errors import ConfigError, UnknownNameError
from pipeline.catalog import load_catalog
from pipeline.config import LocateConfig, load_config, preset_names
from pipeline.registry import DETECTORS, RERANKERS, UPSCALERS


@pytest.mark.parametrize("name", preset_names())
def test_presets_name_catalogue_models(name):
    config, models = load_config(name), load_catalog()
    assert config.preset == name
    assert models[config.detect.model].task == "detect"
    assert models[config.upscale.model].task == "upscale"
    assert models[config.rerank.model].task == "rerank"


def test_default_values_are_the_mini_preset():
    assert load_config() == load_config("mini") == LocateConfig()


def test_sources(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "fake"\n[detect]\nscore_min = 0.4\n')
    config = load_config(file=file, sets=["detect.max_boxes=3"])
    assert (config.preset, config.detect.model) == ("fake", "fake-detector")
    assert (config.detect.score_min, config.detect.max_boxes) == (0.4, 3)
    assert load_config("mini", file=file).detect.model == "spotter-detector-n"
    assert load_config(sets=["preset=fake"]).rerank.model == "fake-reranker"
    assert load_config(sets=["preset=mini", "preset=fake"]).preset == "fake", "the last one counts"


def test_a_file_may_be_named_by_text(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[detect]\nscore_min = 0.4\n")
    assert load_config(file=str(file)).detect.score_min == 0.4


def test_a_copy_without_its_files_says_how_to_install(tmp_path, monkeypatch):
    """What `pip install` without -e leaves: packages alone."""
    monkeypatch.setattr("pipeline.config.PRESETS_PATH", tmp_path)
    with pytest.raises(ConfigError, match=r"without its presets .* pip install -e FOLDER"):
        load_config()


def test_mistakes():
    with pytest.raises(ConfigError, match=r"list of pairs, got one text. Write \['detect.flip"):
        load_config(sets="detect.flip=true")
    with pytest.raises(UnknownNameError, match=r"unknown preset 'minni'. Did you mean 'mini'"):
        load_config("minni")
    with pytest.raises(ConfigError, match=r"Did you mean 'score_min'"):
        load_config(sets=["detect.scoremin=0.3"])


def test_every_setting_is_described_and_every_family_known():
    for row in describe_fields(LocateConfig):
        assert row.description.endswith("."), row.key
    families = {"detect": DETECTORS, "upscale": UPSCALERS, "rerank": RERANKERS}
    for model in load_catalog().values():
        assert model.family in families[model.task].names()
        assert model.licence
        assert model.source
