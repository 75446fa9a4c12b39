"""What the tests of the tab Synthesize share: a workshop of their own, wishes, waiting."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from core.image import decode_image
from frontends.service import read_limits
from frontends.ui.synth_handlers import SynthHandlers, create_synth_handlers
from frontends.workshop import Workshop
from synth.config import SceneConfig
from tests.synth.scene_library import write_library

SMALL = {"canvas_wh": [160, 90], "effects": "none", "size_px_range": [10, 60]}
ALICE, BOB = SimpleNamespace(session_hash="alice"), SimpleNamespace(session_hash="bob")


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Works in the test's own folder, which also counts as the place of uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "gallery").mkdir()
    gallery = write_library(tmp_path / "gallery")
    limits = replace(read_limits({}), synth_max_images=40, synth_max_files=20)
    return Workshop(limits, root=tmp_path / "visits", gallery=gallery)


@pytest.fixture
def handlers(workshop: Workshop) -> SynthHandlers:
    return create_synth_handlers(workshop)


@pytest.fixture
def key(handlers: SynthHandlers) -> str:
    return handlers.enter(ALICE)[2]


def small_settings(**values: Any) -> dict[str, Any]:
    return SceneConfig().with_values({**SMALL, **values}).model_dump(mode="json")


def make_wish(key: str, **values: Any) -> dict[str, Any]:
    return {"visit": key, "settings": small_settings(), "seed": 0, "indices": [0, 1], **values}


def wait_run(handlers: SynthHandlers, key: str, limit_s: float = 60.0) -> dict[str, Any]:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        run = handlers.progress({"visit": key})
        if run["state"] not in ("waiting", "drawing", "packing"):
            return run
        time.sleep(0.02)
    raise AssertionError("the run does not end")


def upload(tmp_path: Path, name: str = "blue drone.png") -> dict[str, str]:
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[8:32, 10:50] = (20, 40, 200, 255)
    PilImage.fromarray(rgba).save(tmp_path / "upload.png")
    return {"path": str(tmp_path / "upload.png"), "name": name}


def decoded(url: str) -> Any:

    return decode_image(base64.b64decode(url.split(",")[1]))
