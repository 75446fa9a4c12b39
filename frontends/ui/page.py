"""The page: tabs around one service, its theme and what it loads in the browser.

Holds no handlers. In: a service; out: `gr.Blocks` and the arguments to launch it with.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.http_server import INITIAL_PORT_VALUE

from core.errors import ConfigError, SpotterError
from frontends.desk import Desk
from frontends.service import Service
from frontends.ui import text
from frontends.ui.annotate import create_annotate
from frontends.ui.locate import create_locate
from frontends.ui.palette import MARKS, palette_css
from frontends.ui.synth import create_synth
from frontends.ui.uploads import desks_folder, visits_folder
from frontends.workshop import Workshop
from synth.job import GALLERY

__all__ = ["EXAMPLES_FOLDER", "create_page", "launch_options", "serve"]

_log = logging.getLogger(__name__)
_FOLDER = Path(__file__).parent
# Every hour, what was uploaded more than a day ago.
_DELETE_UPLOADS_S = (3600, 86400)
_TABS = (
    ("locate", "tab_locate", "lead"),
    ("synthesize", "tab_synth", "lead_synth"),
    ("annotate", "tab_annotate", "lead_annotate"),
)
_SCRIPTS = ("page.js", "layer.js", "sheet.js", "shares.js", "scene.js")
EXAMPLES_FOLDER = _FOLDER.parents[1] / "assets" / "examples"


def create_page(service: Service, *, examples_folder: Path = EXAMPLES_FOLDER) -> gr.Blocks:
    """Return the page. Nothing is loaded yet; the service does that on first use.

    Args:
        service: answers all questions of all tabs.
        examples_folder: holds examples.json and its pictures; may be missing.
    """
    words = text.PAGE
    workshop = Workshop(service.limits, root=visits_folder())
    desk = Desk(service, visits_root=desks_folder())
    with gr.Blocks(
        title=words["title"],
        analytics_enabled=False,
        fill_width=True,
        delete_cache=_DELETE_UPLOADS_S,
    ) as page:
        gr.HTML(_head(), js_on_load=None)
        create_locate(service, examples_folder, desk)
        create_synth(page, workshop)
        create_annotate(page, desk)
    return page


def _head() -> str:
    """Name, tabs as links, and what the page is for."""
    words = text.PAGE
    sign = (_FOLDER / "sign.svg").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{tab}">{words[name]}</a>' for tab, name, _ in _TABS)
    tabs = f'<nav class="spotter-tabs" aria-label="{words["tabs"]}">{links}</nav>'
    lead = "".join(f'<p data-tab="{tab}">{words[name]}</p>' for tab, _, name in _TABS)
    return f'<header class="spotter-head">{sign}<h1>{words["title"]}</h1>{tabs}{lead}</header>'


def launch_options(service: Service, *, examples_folder: Path = EXAMPLES_FOLDER) -> dict[str, Any]:
    """Return the keyword arguments of `gr.Blocks.launch` that belong to the page."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    scripts = [(_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    marks = json.dumps([[[round(x, 3), round(y, 3)] for x, y in mark] for mark in MARKS])
    return {
        "theme": _theme(),
        # In the head: Gradio would prefix each rule of its own "css" argument with its classes.
        "head": (
            f"<style>{palette_css()}{style}</style>"
            f"<script>window.spotterMarks = {marks};\n{''.join(scripts)}</script>"
        ),
        "favicon_path": _FOLDER / "sign.svg",
        "footer_links": ["api"],
        "ssr_mode": False,
        # One limit for whatever is sent; that of pictures is kept where they are taken.
        "max_file_size": max(service.limits.upload_max_bytes, service.limits.archive_max_bytes),
        "allowed_paths": [
            str(examples_folder),
            str(GALLERY[0] / "images"),
            *([str(projects)] if (projects := service.limits.projects_folder) else []),
        ],
    }


def serve(service: Service) -> None:
    """Open the page and stay; models are loaded while the first visitor looks around.

    Raises:
        ConfigError: the address or port that the environment asks for cannot be had.
    """
    page = create_page(service)
    try:
        _, url, _ = page.launch(**launch_options(service), prevent_thread_lock=True, quiet=True)
    except OSError as error:
        hint = "Set GRADIO_SERVER_PORT to a free port, GRADIO_SERVER_NAME to an address of ours."
        raise ConfigError(f"the page cannot be opened: {error}.", hint) from error
    # Gradio goes on to the next free port without a word.
    asked, got = INITIAL_PORT_VALUE, page.server_port
    taken = "" if got == asked else f" (port {asked} is taken)"
    sys.stdout.write(f"Spotter is at {url}{taken}\n")
    sys.stdout.flush()
    threading.Thread(target=_warm_up, args=(service,), name="warm-up", daemon=True).start()
    page.block_thread()


def _warm_up(service: Service) -> None:
    try:
        service.warm_up()
    except SpotterError as error:
        # The first visitor sees the same sentence where it belongs.
        _log.warning("%s", error)


def _theme() -> gr.themes.Base:
    """Gradio's own widgets in the page's colors; system fonts, so nothing is fetched."""
    sans = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
    mono = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace")
    both = {
        "body_background_fill": "var(--page)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--soft)",
        "background_fill_primary": "var(--page)",
        "background_fill_secondary": "var(--sunk)",
        "block_background_fill": "transparent",
        "block_border_color": "var(--line)",
        "block_info_text_color": "var(--soft)",
        "block_label_text_color": "var(--ink)",
        "block_title_text_color": "var(--ink)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--focus)",
        "input_background_fill": "var(--raised)",
        "input_border_color": "var(--line-strong)",
        "slider_color": "var(--ink)",
        "checkbox_background_color_selected": "var(--ink)",
        "checkbox_border_color": "var(--line-strong)",
        "checkbox_border_color_selected": "var(--ink)",
        "checkbox_label_background_fill": "transparent",
        "checkbox_label_background_fill_hover": "var(--hover)",
        "checkbox_label_background_fill_selected": "var(--chosen)",
        "checkbox_label_text_color": "var(--ink)",
        "checkbox_label_text_color_selected": "var(--ink)",
        "checkbox_label_border_color": "var(--line-strong)",
        "button_primary_background_fill": "var(--ink)",
        "button_primary_background_fill_hover": "var(--ink)",
        "button_primary_text_color": "var(--page)",
        "button_primary_text_color_hover": "var(--page)",
        "button_primary_border_color": "var(--ink)",
    }
    theme = gr.themes.Base(font=sans, font_mono=mono, radius_size=gr.themes.sizes.radius_md)
    dark = {f"{name}_dark": value for name, value in both.items()}
    return theme.set(
        **both,
        **dark,
        block_border_width="0px",
        block_border_width_dark="0px",
        block_padding="0px",
        block_shadow="none",
        block_shadow_dark="none",
        layout_gap="16px",
    )
