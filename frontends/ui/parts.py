"""Reads the browser files of a component (name.html, name.css, name.js beside its Python).

Knows no component. In: a folder; out: the three template arguments of `gr.HTML`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

__all__ = ["Part", "read_part"]


class Part(TypedDict):
    """Arguments of `gr.HTML` that come from files."""

    html_template: str
    css_template: str
    js_on_load: str


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
