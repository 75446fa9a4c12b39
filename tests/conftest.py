"""Fixtures for all tests, and the rules: no network, a cache of one's own, a clean environment."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # several of these share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before anything imports them: several packages look for updates at import.
os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False",
    HF_HUB_OFFLINE="1",
    NO_ALBUMENTATIONS_UPDATE="1",
    YOLO_AUTOINSTALL="false",
    YOLO_OFFLINE="1",
)

from core.types import Detections, Image
from pipeline.fakes import FakeDetector, FakeReranker, FakeUpscaler
from pipeline.locate import Locator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the expected files in tests/golden"
    )


@pytest.fixture(autouse=True)
def _quiet_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No connections but to this machine; caches in a temporary folder."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX and not _is_loopback(address):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _is_loopback(address: object) -> bool:
    host = address[0] if isinstance(address, tuple) else address
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def image() -> Callable[..., Image]:
    """Builder: noise of a size, the same every time."""

    def make(wh: tuple[int, int] = (64, 48), *, seed: int = 0) -> Image:
        width, height = wh
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)

    return make


@pytest.fixture
def shapes_image() -> Image:
    """A red box at (20, 10, 60, 40) and a blue one at (100, 50, 160, 90) on grey, 200x100."""
    picture = np.full((100, 200, 3), 200, np.uint8)
    picture[10:40, 20:60] = (255, 0, 0)
    picture[50:90, 100:160] = (0, 0, 255)
    return picture


@pytest.fixture
def make_detections() -> Callable[..., Detections]:
    """Builder: `make_detections([[x1, y1, x2, y2], ...], image_wh=(64, 48), score=[...])`."""

    def make(
        xyxy: object = ((10, 10, 30, 20),),
        *,
        image_wh: tuple[int, int] = (64, 48),
        **columns: object,
    ) -> Detections:
        return Detections.from_xyxy(xyxy, image_wh, **columns)

    return make


@pytest.fixture
def fake_locator() -> Locator:
    return Locator(FakeDetector(), FakeReranker(), upscalers=[FakeUpscaler()])


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def in_threads() -> Callable[..., list[object]]:
    """Runner: `in_threads(function, n)` calls it from n threads at once, returns the results."""

    def run(function: Callable[[], object], n: int = 4) -> list[object]:
        barrier = threading.Barrier(n)
        results: list[object] = [None] * n

        def work(i: int) -> None:
            barrier.wait()
            results[i] = function()

        threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three tiny models of the real interface: detector, upscaler, reranker."""
    pytest.importorskip("onnx", reason="pip install -r requirements-dev.txt")
    from tests.tiny_models import write_tiny_models

    folder = tmp_path_factory.mktemp("models")
    write_tiny_models(folder)
    return folder
