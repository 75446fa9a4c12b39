"""Scripts of the page run by Node.js: what they find in a browser, and how a scene is played."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import frontends.ui

NODE = shutil.which("node")
UI = Path(frontends.ui.__file__).parent

# An element takes whatever is done to it; each query finds the same one again.
BROWSER = """
globalThis.window = globalThis;
window.addEventListener = () => {};
window.scrollTo = () => {};
globalThis.location = { hash: "#annotate" };
globalThis.document = {
  documentElement: { dataset: {}, style: { setProperty() {} }, toggleAttribute() {} },
  querySelector: () => null, querySelectorAll: () => [],
};
globalThis.node = () => {
  const found = {}, kept = () => node();
  return new Proxy(kept, {
    get: (_, name) => {
      if (name === "querySelector") return (what) => (found[what] ??= node());
      return name in found ? found[name] : (found[name] = node());
    },
    set: (_, name, value) => { found[name] = value; return true; },
  });
};
globalThis.MutationObserver = class { observe() {} disconnect() {} };
globalThis.Image = class {};
globalThis.matchMedia = () => ({ matches: false });
"""


def play(scripts: Sequence[str], stage: str, scene: str) -> Any:
    """Return what a scene has put into `log`, played after the scripts and the stage."""
    read = "\n".join((UI / name).read_text(encoding="utf-8") for name in scripts)
    text = f"{BROWSER}\n{read}\n(async () => {{ const log = {{}};\n{stage}\n{scene}\n"
    text += "console.log(JSON.stringify(log)); process.exit(0); })();"
    assert NODE is not None
    run = subprocess.run(
        [NODE, "--input-type=commonjs", "-"],
        input=text, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
