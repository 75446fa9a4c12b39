"""What the events of the tab Locate call: read inputs, one call of the service, present.

Holds no layout. Errors become part of the answer, so that they stand where their cause is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.data_classes import FileData

from core.captions import clean_captions
from core.errors import ImageError, SpotterError
from core.image import read_image
from frontends.doctor import readiness
from frontends.failures import guarded, raise_in_page
from frontends.service import Service
from frontends.ui import present, text
from frontends.ui.display import displayable
from frontends.ui.draw import draw_result
from frontends.ui.examples import Example
from frontends.ui.uploads import find_picture
from pipeline.catalog import find_model
from pipeline.config import LocateConfig
from pipeline.detect.card import read_detector_card
from pipeline.detect.tiled import Tiling

__all__ = ["Handlers", "create_handlers", "engine_sets"]

Assignment = Literal["independent", "joint"]
Shown = dict[str, object]


@dataclass(frozen=True, slots=True)
class Handlers:
    """The functions behind the events, in the order of a visit."""

    pick: Callable[..., tuple[Any, Shown]]
    choose: Callable[..., tuple[Any, str, Shown]]
    ask: Callable[..., Shown]
    ready: Callable[[dict[str, Any]], Shown]
    crops: Callable[[dict[str, Any]], Shown]
    overlay: Callable[[dict[str, Any]], str]
    locate: Callable[..., dict[str, Any]]
    """For programs: `gr.api`."""


def create_handlers(service: Service, examples: Sequence[Example]) -> Handlers:
    """Return the handlers; the service is injected, so that tests pass one with a fake locator."""
    base = service.base_config()
    max_bytes = service.limits.upload_max_bytes
    # A drawn picture takes several times its own memory: one at a time, however many ask.
    drawing = threading.Lock()

    def chosen(settings: Mapping[str, Any]) -> LocateConfig:
        preset = str(settings.get("preset", base.preset))
        return service.base_config(preset, engine_sets(str(settings.get("engine", "auto"))))

    def answer(
        path: Path, captions: Sequence[str], settings: Mapping[str, Any], *, closely: bool = False
    ) -> Shown:
        wished = _configure(chosen(settings), settings)
        config = _configure(chosen(settings), {**settings, "tiles": True}) if closely else wished
        assignment = _assignment(settings)
        found = service.locate(path, captions, config, assignment=assignment)
        pieces, least = _pieces(wished, found.result.image_wh), config.detect.score_min
        return present.present_answer(
            found, assignment, least, pieces=pieces, closely=closely, file_name=path.name
        )

    @guarded(_error_beside_picture)
    def pick(
        picture: dict[str, Any] | None, lines: str, settings: dict[str, Any]
    ) -> tuple[Any, Shown]:
        path = _path(picture, max_bytes)
        still = displayable(path, max_pixels=base.image.max_pixels)
        update = {**(picture or {}), "display": _file(still)} if still else gr.skip()
        if not lines.strip():
            # A file that is cut short has a good header: better told now than at the first caption.
            read_image(path, max_pixels=base.image.max_pixels)
            return update, present.present_nothing()
        return update, answer(path, present.split_captions(lines), settings)

    @guarded(_error_beside_example)
    def choose(event: gr.EventData, settings: dict[str, Any]) -> tuple[Any, str, Shown]:
        example = examples[int(event.index)]
        shown = answer(example.path, example.captions, settings)
        return {"image": _file(example.path)}, "\n".join(example.captions), shown

    @guarded(present.present_error)
    def ask(picture: dict[str, Any] | None, lines: str, settings: dict[str, Any]) -> Shown:
        closely = bool((picture or {}).get("closely"))
        captions = present.split_captions(lines)
        return answer(_path(picture, max_bytes), captions, settings, closely=closely)

    @guarded(raise_in_page)
    def ready(settings: dict[str, Any]) -> Shown:
        config = chosen(settings)
        return present.present_readiness(readiness(config), config.preset)

    @guarded(raise_in_page)
    def crops(wish: dict[str, Any]) -> Shown:
        return present.present_crops(service.crops(str(wish["key"]), int(wish["row"])))

    @guarded(raise_in_page)
    def overlay(wish: dict[str, Any]) -> str:
        path, result = service.answer_again(
            str(wish["key"]),
            clean_captions(wish["captions"]),
            score_min=float(wish["score_min"]),
            assignment=_assignment(wish),
        )
        with drawing:
            image = read_image(path, max_pixels=base.image.max_pixels)
            shown_min, limit = float(wish["shown_min"]), float(wish["limit"])
            return present.drawn_url(draw_result(image, result, score_min=shown_min, limit=limit))

    @guarded(raise_in_page)
    def locate(
        image: FileData, captions: list[str], assignment: Assignment = "independent"
    ) -> dict[str, Any]:
        """Locate each caption in an image; returns a result as JSON (`core.Result.from_dict`)."""
        path, asked = _sent(image, max_bytes), clean_captions(captions)
        found = service.locate(path, asked, base, assignment=assignment)
        return found.result.to_dict()

    return Handlers(pick, choose, ask, ready, crops, overlay, locate)


def engine_sets(engine: str) -> tuple[str, ...]:
    """Return the settings behind a choice of the page; a name that is none is refused later.

    Example:
        >>> engine_sets("tensorrt"), engine_sets("auto")
        (('engine.provider="tensorrt"',), ())
    """
    if engine == "auto":
        return ()
    if engine == "openvino":
        return ('engine.engine="openvino"',)
    if engine == "onnxruntime":
        return ('engine.engine="onnxruntime"', 'engine.device="cpu"')
    # Anything else the settings know as a provider, or refuse.
    return (f"engine.provider={json.dumps(engine)}",)


def _configure(base: LocateConfig, settings: Mapping[str, Any]) -> LocateConfig:
    mode = base.upscale.mode if base.upscale.mode != "none" else "model"
    detect = {
        # A higher confidence only hides boxes, which the browser does by itself: an answer below
        # it is not absent, and no other is surer for it.
        "score_min": min(float(settings["score_min"]), base.detect.score_min),
        "iou_max": settings["iou_max"],
        "tile_wh": (base.detect.tile_wh or "auto") if settings["tiles"] else None,
    }
    return base.with_values(
        {"detect": detect, "upscale": {"mode": mode if settings["upscale"] else "none"}}
    )


def _pieces(config: LocateConfig, image_wh: tuple[int, int]) -> int:
    """In how many tiles an image would be seen that was looked at without; 0: in one piece."""
    if config.detect.tile_wh is not None:
        return 0
    card = read_detector_card(find_model(config.detect.model, "detect"))
    return len(Tiling.of(config.detect, card).tiles(image_wh))


def _assignment(wish: Mapping[str, Any]) -> Assignment:
    return "joint" if wish["assignment"] == "joint" else "independent"


def _path(picture: dict[str, Any] | None, max_bytes: int) -> Path:
    """Path of the image in the picture component's value."""
    return _uploaded((picture or {}).get("image"), max_bytes)


def _uploaded(image: FileData | dict[str, Any] | None, max_bytes: int) -> Path:
    """Path of an uploaded file. It comes from the browser, and could name any file of ours.

    Raises:
        ImageError: there is none, the path is not one of an upload, or the file is too large.
    """
    if not image:
        raise ImageError(text.ERRORS["no_picture"])
    path = find_picture(dict(image).get("path"), max_bytes=max_bytes)
    if path is None:
        raise ImageError("the image was not uploaded.", "Upload the file first.")
    return path


def _sent(image: object, max_bytes: int) -> Path:
    """Path of an uploaded file that a program names."""
    if not isinstance(image, dict | FileData):
        got = "no picture" if image is None else f"the picture as {type(image).__name__}"
        raise ImageError(f"got {got}.", "With gradio_client give handle_file(path).")
    return _uploaded(image, max_bytes)


def _file(path: Path) -> dict[str, Any]:
    return FileData(path=str(path), orig_name=path.name).model_dump()


def _error_beside_picture(error: SpotterError) -> tuple[Any, Shown]:
    # Whether it is the picture that cannot be used: then the browser keeps the one before.
    return gr.skip(), {**present.present_error(error), "refused": isinstance(error, ImageError)}


def _error_beside_example(error: SpotterError) -> tuple[Any, Any, Shown]:
    return gr.skip(), gr.skip(), present.present_error(error)
