"""Components from their browser files: a folder with name.html, name.css and name.js.

Knows no component. In: a folder, and what its script is told; out: a `gr.HTML`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import gradio as gr

__all__ = ["Part", "create_part", "read_part"]

_FOLDER = Path(__file__).parent


class Part(TypedDict):
    """Arguments of `gr.HTML` that come from files."""

    html_template: str
    css_template: str
    js_on_load: str


def create_part(
    name: str,
    *,
    room: str,
    elem_id: str,
    calls: Sequence[Callable[..., Any]] = (),
    **told: Any,
) -> gr.HTML:
    """Return the component of the folder `name` beside this file, whose script is all its code.

    What it shows and hears in its room stands at the head of the script.

    Args:
        name: Name of the folder; its script defines the function `create` with that name.
        room: Name of the shared browser state.
        elem_id: Id of the element.
        calls: What the browser may call, each by its name.
        **told: What the script finds in `props` besides: its words, sizes, tables.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER / name, f"create{name.capitalize()}"),
        room=room,
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
        **told,
    )


def read_part(folder: Path, function: str) -> Part:
    """Return the templates in `folder`, whose files carry the folder's name.

    Its script is an ordinary file that defines `function({element, props, trigger, upload,
    server, watch})`; other scripts in the folder come before it. Gradio runs a script as the body
    of a function with those names in scope, so the call is added here and the files stay ones
    that an editor can check.

    Raises:
        ValueError: a template holds text that Gradio would expand (it fills both HTML and CSS
            through Handlebars and a JavaScript template string).
    """
    name = folder.name
    html = (folder / f"{name}.html").read_text(encoding="utf-8")
    css = (folder / f"{name}.css").read_text(encoding="utf-8")
    main = folder / f"{name}.js"
    scripts = [path for path in sorted(folder.glob("*.js")) if path != main] + [main]
    script = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    for label, content in (("html", html), ("css", css)):
        for mark in ("{{", "${", "`", "\\"):
            if mark in content:
                raise ValueError(
                    f"{name}.{label} contains {mark!r}, which Gradio would expand. Remove it."
                )
    call = f"\n{function}({{ element, props, trigger, upload, server, watch }});\n"
    return {"html_template": html, "css_template": css, "js_on_load": script + call}
