"""The tab Locate: picture, captions, answers and evidence, and which event calls what.

Holds layout only; the functions behind the events are in `handlers`. Hovering, selecting and
filtering by confidence happen in the browser alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from frontends.desk import Desk
from frontends.service import Service
from frontends.ui import text
from frontends.ui.answers import create_answers
from frontends.ui.captions import create_captions
from frontends.ui.evidence import create_evidence
from frontends.ui.examples import create_examples, read_examples
from frontends.ui.handlers import Handlers, create_handlers
from frontends.ui.picture import create_picture
from frontends.ui.sending import create_send_call
from pipeline.config import LocateConfig, load_config, preset_names

__all__ = ["create_locate", "own_words_presets"]

ROOM = "locate"
# The model of the catalogue that was trained from nothing on captions of `synth.words`.
_OWN_WORDS_MODEL = "spotter-reranker"
# All heavy events wait in one line, however many visitors there are. The service looks at one
# picture at a time; a few may begin, so that models made ready for one visitor do not stop others.
_HEAVY: dict[str, Any] = {"concurrency_id": "locate", "concurrency_limit": 4}
# Questions about a picture already seen are quick: they do not wait for others' pictures.
_LIGHT: dict[str, Any] = {"concurrency_id": "ask", "concurrency_limit": 4}
# A picture or question that comes while one is pending replaces it, instead of being dropped.
_LAST: dict[str, Any] = {"trigger_mode": "always_last"}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_REST = "async (...inputs) => { await new Promise((go) => setTimeout(go, 300)); return inputs; }"


def create_locate(service: Service, examples_folder: Path, desk: Desk) -> None:
    """Lay out the tab inside the current `gr.Blocks` and connect it.

    Args:
        service: answers all questions.
        examples_folder: pictures for the row of examples; may be empty or missing.
        desk: has the projects into which an answer can be sent.
    """
    examples = read_examples(examples_folder)
    handlers = create_handlers(service, examples)
    upload_max_bytes = service.limits.upload_max_bytes
    with gr.Column(elem_classes="spotter-locate"):
        picture = create_picture(
            room=ROOM, upload_max_bytes=upload_max_bytes, elem_id="locate-picture"
        )
        with gr.Column(elem_classes="spotter-side"):
            base = service.base_config()
            captions = create_captions(
                room=ROOM,
                preset=base.preset,
                own_words=own_words_presets(base),
                elem_id="locate-captions",
            )
            button = gr.Button(text.PAGE["locate"], variant="primary", elem_id="locate-button")
            row = create_examples(examples, room=ROOM, elem_id="locate-examples")
            settings, status = _create_settings(base)
            answers = create_answers(room=ROOM, elem_id="locate-answers")
        create_evidence(
            room=ROOM,
            crops=handlers.crops,
            overlay=handlers.overlay,
            send=create_send_call(desk),
            elem_id="locate-evidence",
        )
    inputs = [picture, captions, *settings]
    picture.pick(handlers.pick, inputs, [picture, answers], **_LAST, **_HEAVY, **_QUIET)
    row.choose(handlers.choose, settings, [picture, captions, answers], **_LAST, **_HEAVY, **_QUIET)
    _connect_questions(handlers, captions, button, settings, inputs, answers)
    _connect_switch(handlers, settings, status, inputs, answers)
    gr.api(handlers.locate, api_name="locate", **_HEAVY)  # type: ignore[attr-defined]


def own_words_presets(base: LocateConfig) -> list[str]:
    """Return the presets whose model read nothing but the words of our own data, the base first."""
    presets = [base, *(load_config(name) for name in preset_names() if name != base.preset)]
    return [one.preset for one in presets if one.rerank.model == _OWN_WORDS_MODEL]


def _connect_questions(
    handlers: Handlers,
    captions: gr.HTML,
    button: gr.Button,
    settings: list[Any],
    inputs: list[Any],
    answers: gr.HTML,
) -> None:
    """Whatever changes the question about the same picture asks again; the last wish counts."""
    ask: dict[str, Any] = {
        "fn": handlers.ask,
        "inputs": inputs,
        "outputs": answers,
        **_LAST,
        **_LIGHT,
        **_QUIET,
    }
    room = f"window.spotter.room('{ROOM}')"
    score_min, iou_max, upscale, assignment, _, _ = settings
    captions.reword(**ask)
    button.click(None, js=f"() => {room}.set({{busy: true}})", **_QUIET)
    button.click(**ask)
    # While the slider moves the browser filters; the server follows after a moment of rest.
    score_min.input(None, score_min, js=f"(least) => {room}.set({{score_min: least}})", **_QUIET)
    score_min.change(**ask, js=_REST)
    iou_max.change(**ask, js=_REST)
    upscale.input(**ask)
    assignment.input(**ask)


def _connect_switch(
    handlers: Handlers, settings: list[Any], status: gr.HTML, inputs: list[Any], answers: gr.HTML
) -> None:
    """Another preset or engine says whether it can run, brings its defaults and is asked."""
    score_min, iou_max, upscale, _, preset, engine = settings
    room = f"window.spotter.room('{ROOM}')"
    preset.input(None, preset, js=f"(preset) => {room}.set({{preset}})", **_QUIET)
    gr.on(
        [preset.input, engine.input],
        handlers.switch,
        [preset, engine],
        [status, score_min, iou_max, upscale],
        **_LAST,
        **_LIGHT,
        **_QUIET,
    ).then(handlers.ask, inputs, answers, **_HEAVY, **_QUIET)


def _create_settings(base: LocateConfig) -> tuple[list[Any], gr.HTML]:
    """The settings in the order of the handlers' arguments, and the line that tells their state."""
    words = text.SETTINGS
    with gr.Accordion(words["title"], open=False, elem_id="locate-settings"):
        score_min = gr.Slider(
            0.05,
            0.95,
            base.detect.score_min,
            step=0.01,
            label=words["score_min"],
            info=words["score_min_info"],
            elem_id="locate-score-min",
        )
        iou_max = gr.Slider(
            0.1,
            0.95,
            base.detect.iou_max,
            step=0.05,
            label=words["iou_max"],
            info=words["iou_max_info"],
            elem_id="locate-iou-max",
        )
        upscale = gr.Checkbox(
            base.upscale.mode != "none",
            label=words["upscale"],
            info=words["upscale_info"],
            elem_id="locate-upscale",
        )
        assignment = gr.Radio(
            [(words["independent"], "independent"), (words["joint"], "joint")],
            value="independent",
            label=words["assignment"],
            elem_id="locate-assignment",
        )
        preset, engine, status = _create_switch(base)
    return [score_min, iou_max, upscale, assignment, preset, engine], status


def _create_switch(base: LocateConfig) -> tuple[gr.Dropdown, gr.Dropdown, gr.HTML]:
    """Preset and engine, and what the machine says to them."""
    words = text.SETTINGS
    # The fake models are for tests and for trying out a front end.
    names = [name for name in preset_names() if name != "fake" or name == base.preset]
    preset = gr.Dropdown(
        names,
        value=base.preset,
        label=words["preset"],
        info=words["preset_info"],
        elem_id="locate-preset",
    )
    engine = gr.Dropdown(
        [(label, name) for name, label in text.ENGINES.items()],
        value="auto",
        label=words["engine"],
        info=words["engine_info"],
        elem_id="locate-engine",
    )
    status = gr.HTML(elem_id="locate-status", elem_classes="spotter-status")
    return preset, engine, status
