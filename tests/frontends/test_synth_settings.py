"""Settings of the tab Synthesize: controls, files, refusals."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import gradio as gr
import pytest

from core.config import Section
from frontends.ui.knobs import describe_knobs
from frontends.ui.knobs.describe import name_of
from frontends.ui.synth_handlers import write_toml
from frontends.ui.text_synth import KNOBS, MAKE
from synth.config import GROUPS, SceneConfig, load_scene_config
from tests.frontends.synth_visit import BOB, make_wish, small_settings


def test_every_setting_for_visitors_has_a_control():
    without = frozenset({"effects_steps"})
    described = describe_knobs(SceneConfig, first=("sky_ratio",), without=without)
    knobs = {knob["key"]: knob for knob in described}
    assert set(knobs) == set(SceneConfig.model_fields) - without
    assert next(iter(knobs)) == "sky_ratio"
    kinds = {key: knob["kind"] for key, knob in knobs.items()}
    expected = {
        "count_range": "span", "empty_ratio": "share", "count_weights": "list",
        "size_law": "choice", "clutter_count_max": "whole", "blend_weights": "mix",
        "match_noise": "switch", "canvas_wh": "size", "contrast_min": "number",
    }  # fmt: skip
    assert {key: kinds[key] for key in expected} == expected
    for key, knob in knobs.items():
        assert knob["help"], key
        assert knob["group"] in ("Objects", "Size", "Placement", "Occlusion", "Blending", "Light",
                                 "Frame"), key  # fmt: skip
        assert knob["low"] < knob["high"], key
    json.dumps(list(knobs.values()), allow_nan=False)


def test_no_two_settings_share_a_name_nor_one_with_its_group():
    titles = [knob["title"] for knob in describe_knobs(SceneConfig)]
    assert len(set(titles) | set(GROUPS)) == len(titles) + len(GROUPS)
    assert MAKE["size"] == KNOBS["canvas_wh"], "one thing, one name"


def test_a_new_setting_becomes_a_control_by_itself():
    from pydantic import Field

    class More(SceneConfig):
        wobble_deg_max: float = Field(
            3.0, ge=0, le=45, description="Wobble.", json_schema_extra={"group": "Light"}
        )

    knob = describe_knobs(More)[-1]
    assert (knob["title"], knob["unit"], knob["kind"]) == ("Wobble, up to", "°", "number")
    assert (knob["low"], knob["high"], knob["group"]) == (0, 45, "Light")
    assert name_of("dust_ratio") == "Dust"


def test_settings_survive_a_file(handlers):
    weights = {"none": 0, "gaussian": 1, "feather": 0, "box": 0, "motion": 0, "poisson": 0.5}
    settings = small_settings(blend_weights=weights, effects="heavy")
    saved = handlers.save_settings(settings)["toml"]
    assert tomllib.loads(saved)["size_law"] == settings["size_law"]
    assert "# Share of scenes drawn without any labelled object" in saved
    assert handlers.load_settings(saved)["values"] == settings


def test_presets_are_whole(handlers):
    values = handlers.preset("origin-v3")["values"]
    assert values["effects"] == "origin-v3"
    assert set(values) == set(SceneConfig.model_fields)
    with pytest.raises(gr.Error, match="unknown preset"):
        handlers.preset("orgin")


def test_weights_in_a_file_replace_all_others(handlers):
    values = handlers.load_settings("blend_weights = {poisson = 1.0}")["values"]
    told = load_scene_config("plain", sets=["blend_weights={poisson=1}"])
    assert values["blend_weights"] == told.blend_weights == {"poisson": 1.0}, "as the command line"


def test_lists_of_effects_are_written_as_toml_too():
    class Steps(Section):
        steps: tuple[dict[str, Any], ...] = ({"name": 'a "b"', "parameters": {"c d": [0.5, 1]}},)

    assert tomllib.loads(write_toml(Steps())) == Steps().model_dump(mode="json")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("skyratio = 1", "unknown setting 'skyratio'. Did you mean 'sky_ratio'?"),
        ("sky_ratio = 2", "less than or equal to 1"),
        ("sky_ratio = ", "no TOML file"),
        ("x" * 100_001, "too long"),
    ],
)
def test_bad_files_of_settings_are_told(toml, message, handlers):
    assert message in handlers.load_settings(toml)["error"]


def test_effects_of_ones_own_are_refused_before_they_run(handlers, key, monkeypatch):
    def run(*arguments: object) -> None:
        raise AssertionError("a stranger's transform ran")

    monkeypatch.setattr("synth.config.check_transform", run)
    step = {"name": "Resize", "parameters": {"height": 16000, "width": 16000}}
    settings = {**small_settings(), "effects_steps": [step]}
    toml = '[[effects_steps]]\nname = "Resize"\nparameters = {height = 16000, width = 16000}\n'
    refused = "effects_steps cannot be used on the page"
    wish = make_wish(key, settings=settings)
    assert refused in handlers.preview(wish)["error"]["message"].lower()
    assert refused in handlers.load_settings(toml)["error"].lower()
    started = handlers.start({**wish, "count": 2, "format": "yolo", "single_class": True})
    assert refused in started["error"].lower()
    for settings in ({"effects_steps": [step]}, {"preset": "plain", "effects_steps": [step]}):
        with pytest.raises(gr.Error, match=r"(?i)effects_steps cannot be used"):
            handlers.preview_scenes(settings)
        with pytest.raises(gr.Error, match=r"(?i)effects_steps cannot be used"):
            handlers.make_dataset(BOB, settings, count=1)


def test_a_file_of_settings_is_read_by_the_command_too(tmp_path):
    from synth.config import load_scene_config

    config = SceneConfig(effects="heavy", count_range=(2, 2))
    (tmp_path / "mine.toml").write_text(write_toml(config))
    assert load_scene_config(file=tmp_path / "mine.toml") == config
