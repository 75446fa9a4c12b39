"""The tab Synthesize: material and settings on the left, scenes and the data set on the right.

Holds layout only; the functions behind it are in `synth_handlers`. Nothing is done for visitors who
never open the tab: the first opening fires `enter`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.cutout_maker import create_cutout_maker
from frontends.ui.knobs import create_knobs, describe_knobs
from frontends.ui.large import create_large
from frontends.ui.made import create_made
from frontends.ui.make import create_make
from frontends.ui.parts import create_part
from frontends.ui.picture import create_picture
from frontends.ui.scenes import create_scenes
from frontends.ui.synth_handlers import SynthHandlers, create_synth_handlers
from frontends.ui.visit import create_visit
from frontends.ui.wall import create_wall
from frontends.workshop import Workshop
from synth.config import BLENDS, SceneConfig, load_scene_config, scene_preset_names
from synth.effects import PRESET_NAMES

__all__ = ["can_sign_in", "create_synth"]

ROOM = "synth"
_LARGE_ROOM = "synth-large"
_FORMATS = ("yolo", "coco", "voc", "hf", "jsonl", "yolo-seg")
# The settings that matter first; the others are folded by group.
_FIRST = (
    "count_range", "empty_ratio", "size_px_range", "sky_ratio", "rotation_deg_max", "blend_weights",
    "effects",
)  # fmt: skip
# What a control offers, where the allowed range is wider than anybody needs.
_OFFERED = {
    "count_range": (0.0, 20.0),
    "size_px_range": (4.0, 2000.0),
    "size_ratio_range": (0.01, 1.2),
    "crowded_size_px_max": (20.0, 2000.0),
    "box_side_px_min": (1.0, 40.0),
    "contrast_min": (0.0, 60.0),
    "clarity_min": (0.0, 8.0),
}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_LIGHT: dict[str, Any] = {"concurrency_id": "synth", "concurrency_limit": 4}
# Apart: a data set takes up to an hour, and nobody should wait that long for a few scenes.
_DRAW: dict[str, Any] = {"concurrency_id": "synth-programs-draw", "concurrency_limit": 1}
_MAKE: dict[str, Any] = {"concurrency_id": "synth-programs-make", "concurrency_limit": 1}


def create_synth(page: gr.Blocks, workshop: Workshop) -> None:
    """Lay out the tab inside a page and connect it.

    Args:
        page: The page that is being made.
        workshop: Does all the work.
    """
    handlers = create_synth_handlers(workshop)
    with gr.Column(elem_classes="spotter-synth", elem_id="synth"):
        visit = create_visit(room=ROOM, tab="synthesize", elem_id="synth-visit")
        with gr.Column(elem_classes="synth-material"):
            cutouts = _create_wall("cutouts", workshop, handlers)
            backgrounds = _create_wall("backgrounds", workshop, handlers)
            _create_settings(handlers)
        with gr.Column(elem_classes="synth-scenes"):
            create_scenes(
                room=ROOM, preview=handlers.preview, scene=handlers.scene, elem_id="synth-preview"
            )
        with gr.Column(elem_classes="synth-results"):
            _create_results(workshop, handlers)
        with gr.Column(elem_classes="spotter-large", elem_id="synth-large"):
            create_large(
                room=ROOM, picture_room=_LARGE_ROOM, layer="synth-large", elem_id="synth-large-head"
            )
            create_picture(
                room=_LARGE_ROOM, upload_max_bytes=0, fixed=True, elem_id="synth-large-picture"
            )
        with gr.Column(elem_classes="spotter-large", elem_id="synth-cutter"):
            create_part(
                "cutter",
                room=ROOM,
                layer="synth-cutter",
                words=text.CUTTER,
                elem_id="synth-cutter-head",
            )
            maker = create_cutout_maker(
                folder_of=handlers.folder_of,
                upload_max_bytes=workshop.limits.upload_max_bytes,
                max_pixels=workshop.limits.max_pixels,
            )
    visit.enter(handlers.enter, None, [cutouts, backgrounds, visit], **_LIGHT, **_QUIET)
    maker.added(handlers.refresh, None, cutouts, **_LIGHT, **_QUIET)
    page.unload(handlers.leave)
    gr.api(handlers.preview_scenes, api_name="preview_scenes", **_DRAW)  # type: ignore[attr-defined]
    gr.api(handlers.make_dataset, api_name="make_dataset", **_MAKE)  # type: ignore[attr-defined]


def _create_wall(name: Any, workshop: Workshop, handlers: SynthHandlers) -> gr.HTML:
    return create_wall(
        room=ROOM,
        name=name,
        upload_max_bytes=workshop.limits.upload_max_bytes,
        archive_max_bytes=workshop.limits.archive_max_bytes,
        files_max=workshop.limits.synth_max_files,
        add=handlers.add,
        change=handlers.change,
        remove=handlers.remove,
        pack_cutouts=handlers.pack_cutouts,
        elem_id=f"synth-{name}",
    )


def _create_settings(handlers: SynthHandlers) -> None:
    knobs = describe_knobs(
        SceneConfig,
        first=_FIRST,
        without=frozenset({"effects_steps"}),
        choices={"effects": PRESET_NAMES, "blend_weights": BLENDS},
        ranges=_OFFERED,
    )
    create_knobs(
        room=ROOM,
        knobs=knobs,
        presets=scene_preset_names(),
        values=load_scene_config().model_dump(mode="json"),
        preset=handlers.preset,
        save_settings=handlers.save_settings,
        load_settings=handlers.load_settings,
        elem_id="synth-settings",
    )


def _create_results(workshop: Workshop, handlers: SynthHandlers) -> None:
    create_make(
        room=ROOM,
        formats=_FORMATS,
        most=workshop.limits.synth_max_images,
        start=handlers.start,
        progress=handlers.progress,
        stop=handlers.stop,
        elem_id="synth-make",
    )
    create_made(
        room=ROOM,
        made=handlers.made,
        gallery=handlers.gallery,
        picture=handlers.picture,
        push=handlers.push,
        progress=handlers.progress,
        elem_id="synth-made",
    )
    if can_sign_in():
        gr.LoginButton(text.MADE["sign_in"], size="sm", elem_id="synth-login")


def can_sign_in() -> bool:
    """Return whether this is a Space whose visitors may sign in."""
    return gr.oauth.OAUTH_CLIENT_ID is not None and find_spec("authlib") is not None
