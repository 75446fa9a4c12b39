"""The tab Locate: picture, captions, answers and evidence, and which event calls what.

Holds layout only; the functions behind the events are in `handlers`. Hovering, selecting and
filtering by confidence happen in the browser alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from frontends.desk import Desk
from frontends.doctor import readiness
from frontends.service import Service
from frontends.ui.answers import create_answers
from frontends.ui.captions import create_captions
from frontends.ui.evidence import create_evidence
from frontends.ui.examples import create_examples, read_examples
from frontends.ui.handlers import create_handlers
from frontends.ui.picture import create_picture
from frontends.ui.present import settings_of
from frontends.ui.sending import create_send_calls
from frontends.ui.settings import create_settings
from pipeline.config import LocateConfig, load_config, preset_names
from pipeline.engines.machine import probe_machine

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
            row = create_examples(examples, room=ROOM, elem_id="locate-examples")
            settings = create_settings(
                room=ROOM,
                values=_settings(base),
                presets=_presets(service),
                ready=handlers.ready,
                elem_id="locate-settings",
            )
            answers = create_answers(room=ROOM, elem_id="locate-answers")
        create_evidence(
            room=ROOM,
            crops=handlers.crops,
            overlay=handlers.overlay,
            sending=create_send_calls(desk),
            elem_id="locate-evidence",
        )
    inputs = [picture, captions, settings]
    picture.pick(handlers.pick, inputs, [picture, answers], **_LAST, **_HEAVY, **_QUIET)
    row.choose(handlers.choose, settings, [picture, captions, answers], **_LAST, **_HEAVY, **_QUIET)
    picture.look(handlers.ask, inputs, answers, **_LAST, **_HEAVY, **_QUIET)
    # Whatever changes the question about the same picture asks again; the last wish counts.
    for event in (captions.reword, settings.turn):
        event(handlers.ask, inputs, answers, **_LAST, **_LIGHT, **_QUIET)
    gr.api(handlers.locate, api_name="locate", **_HEAVY)  # type: ignore[attr-defined]


def own_words_presets(base: LocateConfig) -> list[str]:
    """Return the presets whose model read nothing but the words of our own data, the base first."""
    presets = [base, *(load_config(name) for name in preset_names() if name != base.preset)]
    return [one.preset for one in presets if one.rerank.model == _OWN_WORDS_MODEL]


def _settings(base: LocateConfig) -> dict[str, Any]:
    """What the page begins with."""
    more = {"assignment": "independent", "preset": base.preset, "engine": "auto"}
    return {**settings_of(base), **more}


def _presets(service: Service) -> list[dict[str, Any]]:
    """Each preset with its settings, and whether its models are here."""
    machine = probe_machine()
    base = service.base_config()
    # The fake models are for tests and for trying out a front end.
    names = [name for name in preset_names() if name != "fake" or name == base.preset]
    return [
        {"name": name, "installed": readiness(one, machine).ok, "values": settings_of(one)}
        for name, one in ((name, service.base_config(name)) for name in names)
    ]
