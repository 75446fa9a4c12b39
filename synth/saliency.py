"""The better matting library, where it is installed: rembg with a model that is already here.

Here: finding a model's file and running it. Nothing is ever fetched: rembg would download hundreds
of megabytes on first use, so only what the person put there before is used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.errors import MissingPackageError

__all__ = ["Saliency", "load_saliency"]

Saliency = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From RGB (h, w, 3) to how much each pixel belongs to the main object, (h, w) in [0, 1]."""

# The best first.
_MODELS = ("birefnet-general", "birefnet-general-lite", "isnet-general-use", "u2net", "u2netp")


def load_saliency(*, required: bool = False) -> Saliency | None:
    """The function that finds the main object, or None when the library or a model is not there.

    Args:
        required: Raise instead of returning None.

    Raises:
        MissingPackageError: It is required, and rembg or every one of its models is missing.
    """
    if find_spec("rembg") is None:
        if required:
            raise MissingPackageError("the method 'rembg' needs rembg.", "Run: pip install rembg")
        return None
    saliency = _open_first_model()
    if saliency is None and required:
        raise MissingPackageError(
            "rembg is installed, but none of its models is on this machine.",
            f"Run: rembg d {_MODELS[0]}; or use the method 'grabcut'.",
        )
    return saliency


@functools.lru_cache(maxsize=1)
def _open_first_model() -> Saliency | None:
    classes = {item.name(): item for item in import_module("rembg.sessions").sessions_class}
    for name in _MODELS:
        if name in classes:
            path = Path(classes[name].u2net_home()) / f"{name}.onnx"
            if path.is_file():
                return _open_model(classes[name], name, path)
    return None


def _open_model(kind: Any, name: str, path: Path) -> Saliency:
    import onnxruntime

    # rembg's own way of opening a model fetches it when its hash is not the newest one's.
    offline = type(kind.__name__, (kind,), {"download_models": classmethod(lambda *_, **__: path)})
    session = offline(name, onnxruntime.SessionOptions())

    def find(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        mask = session.predict(PilImage.fromarray(rgb))[0]
        return np.asarray(mask.convert("L"), np.float32) / np.float32(255)

    return find
