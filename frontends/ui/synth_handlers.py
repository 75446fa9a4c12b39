"""What the parts of the tab Synthesize call: read the browser's wish, one call, present.

Holds no layout. The browser proves with `visit` whose files it means. Errors are answers, so that
they stand where their cause is.
"""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from core.config import Section
from core.errors import ConfigError, InputError, SpotterError
from frontends.failures import guarded, raise_in_page
from frontends.runs import Run, wait_for
from frontends.ui import synth_present as present
from frontends.ui.uploads import read_uploads
from frontends.visits import Visit
from frontends.wishes import Wish, read_settings, read_wish, refuse_steps
from frontends.workshop import Workshop
from synth.config import load_scene_config

__all__ = ["SynthHandlers", "create_synth_handlers", "write_toml"]

_PREVIEW_WIDTH_PX = 640
_SCENES_MAX = 12
_PAGE_OF_PICTURES = 12
_TOML_CHARS_MAX = 100_000
_API_SECONDS_MAX = 3600.0

Shown = dict[str, Any]
Call = Callable[[dict[str, Any]], Shown]


@dataclass(frozen=True, slots=True)
class SynthHandlers:
    """The functions behind the tab, in the order of a visit."""

    enter: Callable[[gr.Request], tuple[Shown, Shown, str]]
    leave: Callable[[gr.Request], None]
    refresh: Callable[[gr.Request], Shown]
    folder_of: Callable[[gr.Request], Path]
    """Folder of the visitor's own cutouts, for the cutout maker."""
    add: Call
    change: Call
    remove: Call
    pack_cutouts: Call
    preset: Callable[[str], Shown]
    save_settings: Call
    load_settings: Callable[[str], Shown]
    preview: Call
    scene: Call
    start: Call
    progress: Call
    stop: Call
    made: Call
    gallery: Call
    picture: Call
    push: Callable[..., Shown]
    preview_scenes: Callable[..., list[dict[str, Any]]]
    """For programs: `gr.api`."""
    make_dataset: Callable[..., FileData]
    """For programs: `gr.api`."""


def create_synth_handlers(workshop: Workshop) -> SynthHandlers:
    """Return the handlers of a workshop."""
    return SynthHandlers(
        **_visiting(workshop),
        **_bringing(workshop),
        **_setting(),
        **_looking(workshop),
        **_making(workshop),
        **_programs(workshop),
    )


def _error(error: SpotterError) -> Shown:
    """An error in a part that shows all of them at one place."""
    return {"error": present.present_error(error)["error"]["message"]}


def _visiting(workshop: Workshop) -> dict[str, Any]:
    def enter(request: gr.Request) -> tuple[Shown, Shown, str]:
        """Begin a visit: both walls, and the visit's key."""
        visit = workshop.visits.enter(str(request.session_hash))
        cutouts = {
            "ours": present.present_cutouts(workshop.our_cutouts(), ours=True),
            "own": present.present_cutouts(workshop.own_cutouts(visit)),
        }
        backgrounds = {
            "ours": present.present_photographs(workshop.our_backgrounds()),
            "own": present.present_photographs(workshop.own_backgrounds(visit)),
        }
        return cutouts, backgrounds, visit.key

    def leave(request: gr.Request) -> None:
        workshop.visits.leave(str(request.session_hash))

    def refresh(request: gr.Request) -> Shown:
        """Show what was added beside the wall."""
        visit = workshop.visits.enter(str(request.session_hash))
        return {"own": present.present_cutouts(workshop.own_cutouts(visit))}

    def folder_of(request: gr.Request) -> Path:
        return workshop.folder_for_cutout(workshop.visits.enter(str(request.session_hash)))

    return {"enter": enter, "leave": leave, "refresh": refresh, "folder_of": folder_of}


def _bringing(workshop: Workshop) -> dict[str, Any]:
    def own(visit: Visit, kind: str) -> list[dict[str, Any]]:
        if kind == "cutouts":
            return present.present_cutouts(workshop.own_cutouts(visit))
        return present.present_photographs(workshop.own_backgrounds(visit))

    @guarded(_error)
    def add(wish: dict[str, Any]) -> Shown:
        visit, kind = _visit(workshop, wish), _wall(wish)
        taken = workshop.add(visit, kind, read_uploads(wish["files"], workshop.limits))
        return {"own": own(visit, kind), "refused": [list(pair) for pair in taken.refused]}

    @guarded(_error)
    def change(wish: dict[str, Any]) -> Shown:
        visit = _visit(workshop, wish)
        caption, class_name = str(wish["caption"]), str(wish["class_name"])
        workshop.change(visit, str(wish["name"]), caption=caption, class_name=class_name)
        return {"own": own(visit, "cutouts")}

    @guarded(_error)
    def remove(wish: dict[str, Any]) -> Shown:
        visit, kind = _visit(workshop, wish), _wall(wish)
        workshop.remove(visit, kind, [str(name) for name in wish["names"]])
        return {"own": own(visit, kind)}

    @guarded(_error)
    def pack_cutouts(wish: dict[str, Any]) -> Shown:
        path = workshop.pack_cutouts(_visit(workshop, wish))
        return {"url": present.file_url(path), "name": path.name}

    return {"add": add, "change": change, "remove": remove, "pack_cutouts": pack_cutouts}


def _setting() -> dict[str, Any]:
    @guarded(raise_in_page)
    def preset(name: str) -> Shown:
        return {"values": load_scene_config(str(name)).model_dump(mode="json")}

    @guarded(_error)
    def save_settings(settings: dict[str, Any]) -> Shown:
        return {"toml": write_toml(read_settings(settings))}

    @guarded(_error)
    def load_settings(toml: str) -> Shown:
        if len(toml) > _TOML_CHARS_MAX:
            raise InputError("this file is too long for settings.", "Choose another one.")
        try:
            values = tomllib.loads(toml)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"this is no TOML file: {error}.", "Save one here to see.") from error
        return {"values": read_settings(values).model_dump(mode="json")}

    return {"preset": preset, "save_settings": save_settings, "load_settings": load_settings}


def _looking(workshop: Workshop) -> dict[str, Any]:
    @guarded(present.present_error)
    def preview(wish: dict[str, Any]) -> Shown:
        visit, read = _visit(workshop, wish), read_wish(wish)
        indices = _indices(wish)
        began = time.monotonic()
        scenes = workshop.preview(visit, read, indices, width_px=_PREVIEW_WIDTH_PX)
        seconds = time.monotonic() - began
        width, height = read.config.canvas_wh
        small = _PREVIEW_WIDTH_PX / max(width, _PREVIEW_WIDTH_PX)
        return {
            "scenes": [present.present_scene(scene, (width, height)) for scene in scenes],
            "seconds": seconds,
            # Drawing grows a little slower than the number of pixels.
            "seconds_full": seconds / len(indices) / math.pow(small, 1.6),
        }

    @guarded(present.present_error)
    def scene(wish: dict[str, Any]) -> Shown:
        visit, read = _visit(workshop, wish), read_wish(wish)
        canvas_wh = read.config.canvas_wh
        scenes = workshop.preview(visit, read, _indices(wish)[:1], width_px=canvas_wh[0])
        return {"scene": present.present_scene(scenes[0], canvas_wh, quality=90)}

    return {"preview": preview, "scene": scene}


def _making(workshop: Workshop) -> dict[str, Any]:
    def failed(error: SpotterError) -> Shown:
        return {
            "state": "failed",
            "done": 0,
            "total": 0,
            "left_s": None,
            "url": "",
            **_error(error),
        }

    def shown(visit: Visit, run: Run) -> Shown:
        return {**present.present_run(run), "made": workshop.has_made(visit)}

    @guarded(failed)
    def start(wish: dict[str, Any]) -> Shown:
        run = workshop.start(
            visit := _visit(workshop, wish),
            read_wish(wish),
            count=int(wish["count"]),
            format=str(wish["format"]),
            single_class=bool(wish["single_class"]),
        )
        return shown(visit, run)

    @guarded(failed)
    def progress(wish: dict[str, Any]) -> Shown:
        visit = _visit(workshop, wish)
        return shown(visit, workshop.run(visit))

    @guarded(failed)
    def stop(wish: dict[str, Any]) -> Shown:
        visit = _visit(workshop, wish)
        run = workshop.run(visit)
        run.stop()
        return shown(visit, run)

    @guarded(_error)
    def made(wish: dict[str, Any]) -> Shown:
        return present.present_made(workshop.made(_visit(workshop, wish)))

    @guarded(_error)
    def gallery(wish: dict[str, Any]) -> Shown:
        records = workshop.made(_visit(workshop, wish)).dataset.records
        start = max(0, int(wish.get("start", 0)))
        page = records[start : start + _PAGE_OF_PICTURES]
        return {"pictures": [present.present_record(record, full=False) for record in page]}

    @guarded(_error)
    def picture(wish: dict[str, Any]) -> Shown:
        records = workshop.made(_visit(workshop, wish)).dataset.records
        index = int(wish["index"])
        if not 0 <= index < len(records):
            raise InputError(f"there is no picture {index}, the data set has {len(records)}.")
        return {"picture": present.present_record(records[index], full=True)}

    @guarded(failed)
    def push(wish: dict[str, Any], signed_in: gr.OAuthToken | None) -> Shown:
        token = str(wish.get("token") or "") or (signed_in.token if signed_in else "")
        run = workshop.push(
            _visit(workshop, wish),
            str(wish["repo"]),
            token=token,
            private=bool(wish.get("private", True)),
        )
        return present.present_run(run)

    return {
        "start": start, "progress": progress, "stop": stop, "made": made, "gallery": gallery,
        "picture": picture, "push": push,
    }  # fmt: skip


def _programs(workshop: Workshop) -> dict[str, Any]:
    @guarded(raise_in_page)
    def preview_scenes(
        settings: dict[str, Any], seed: int = 0, count: int = 6
    ) -> list[dict[str, Any]]:
        """Draw small scenes of our cutouts; returns images as data addresses, boxes, captions."""
        wish = _program_wish(settings, seed)
        if not 1 <= count <= _SCENES_MAX:
            raise InputError(f"count must be in [1, {_SCENES_MAX}], got {count}.")
        scenes = workshop.preview(None, wish, range(count), width_px=_PREVIEW_WIDTH_PX)
        return [present.present_scene(scene, wish.config.canvas_wh) for scene in scenes]

    @guarded(raise_in_page)
    def make_dataset(
        request: gr.Request,
        settings: dict[str, Any],
        count: int = 20,
        seed: int = 0,
        format: str = "yolo",
        single_class: bool = True,
    ) -> FileData:
        """Make a data set of our cutouts and backgrounds; returns it as a ZIP file."""
        visit = workshop.visits.enter(str(request.session_hash))
        run = workshop.start(
            visit,
            _program_wish(settings, seed),
            count=count,
            format=format,
            single_class=single_class,
        )
        wait_for(run, _API_SECONDS_MAX)
        path = workshop.made(visit).zip_path
        return FileData(path=str(path), orig_name=path.name)

    return {"preview_scenes": preview_scenes, "make_dataset": make_dataset}


def _program_wish(settings: Mapping[str, Any], seed: int) -> Wish:
    """A wish as programs write it: only what differs, and a preset's name."""
    refuse_steps(settings)
    values = dict(settings)
    config = load_scene_config(values.pop("preset", None)).with_values(values)
    return read_wish({"settings": config.model_dump(mode="json"), "seed": seed})


def _visit(workshop: Workshop, wish: Mapping[str, Any]) -> Visit:
    return workshop.visits.get(wish.get("visit"))


def _wall(wish: Mapping[str, Any]) -> str:
    return "cutouts" if wish.get("wall") == "cutouts" else "backgrounds"


def _indices(wish: Mapping[str, Any]) -> list[int]:
    indices = wish.get("indices")
    good = isinstance(indices, list) and all(type(i) is int and 0 <= i < 2**31 for i in indices)
    if not good or not isinstance(indices, list) or not 1 <= len(indices) <= _SCENES_MAX:
        raise ConfigError(f"indices must be 1 to {_SCENES_MAX} whole numbers from 0 on.")
    return indices


def write_toml(config: Section) -> str:
    """Return settings as TOML, each with its line of help; read back with `tomllib`."""
    lines = []
    for key, info in type(config).model_fields.items():
        value = config.model_dump(mode="json")[key]
        lines += [f"# {info.description}", f"{key} = {_toml_value(value)}", ""]
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = (f"{_toml_value(str(key))} = {_toml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
