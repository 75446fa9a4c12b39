"""Optional packages: whether they are there, and two of them imported without side effects.

Unless told not to, Ultralytics asks the network for updates, installs packages on its own, and
replaces the readers of Pillow and OpenCV for the whole process. It and spandrel ask for
torchvision, of which nothing here uses anything.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from core.errors import MissingPackageError

__all__ = [
    "INSTALL_CONVERT",
    "INSTALL_SPANDREL",
    "INSTALL_TRAIN",
    "INSTALL_ULTRALYTICS",
    "import_spandrel",
    "import_ultralytics",
    "require",
    "require_training",
]

INSTALL_CONVERT = "pip install -r requirements-convert.txt"
INSTALL_TRAIN = "pip install -r requirements-train.txt"
INSTALL_ULTRALYTICS = "pip install --no-deps ultralytics==8.4.190 ultralytics-thop==2.2.3"
INSTALL_SPANDREL = "pip install --no-deps spandrel==0.4.2 einops==0.8.2"

# What spandrel imports from torchvision, for two architectures that enlarge nothing.
_TORCHVISION = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
_TORCHVISION_NAMES = ("InterpolationMode", "rotate", "normalize")


def require(*packages: str, install: str = INSTALL_CONVERT) -> None:
    """Check that packages are installed, importing nothing.

    Raises:
        MissingPackageError: One is not; the hint says what to run.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"this needs {', '.join(missing)}, which is not installed.", f"Run: {install}"
        )


def require_training() -> None:
    """Check that what trains the detector is installed, importing nothing.

    Raises:
        MissingPackageError: PyTorch or Ultralytics is not.
    """
    missing = [name for name in ("torch", "ultralytics") if find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"training needs {' and '.join(missing)}.",
            f"{INSTALL_TRAIN}, then Ultralytics as the README says.",
        )


def import_ultralytics(name: str) -> ModuleType:
    """Return a module of Ultralytics, for example "ultralytics.nn.tasks".

    Raises:
        MissingPackageError: It is not installed.
    """
    require("torch", "cv2")
    require("ultralytics", install=INSTALL_ULTRALYTICS)
    import cv2
    from PIL import Image as PilImage

    os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false")
    readers = (PilImage.open, cv2.imread, cv2.imwrite, cv2.imshow)
    find_version = importlib.metadata.version

    def version(distribution_name: str) -> str:
        """The version of torchvision that belongs to PyTorch; Ultralytics asks for no more."""
        try:
            return find_version(distribution_name)
        except importlib.metadata.PackageNotFoundError:
            if distribution_name != "torchvision":
                raise
            return f"0.{int(find_version('torch').split('.')[1]) + 15}.0"

    importlib.metadata.version = version
    try:
        return import_module(name)
    finally:
        importlib.metadata.version = find_version
        PilImage.open, cv2.imread, cv2.imwrite, cv2.imshow = readers


def import_spandrel() -> ModuleType:
    """Return spandrel.

    Raises:
        MissingPackageError: It is not installed.
    """
    require("torch", "safetensors")
    require("spandrel", "einops", install=INSTALL_SPANDREL)
    if find_spec("torchvision") is not None:
        return import_module("spandrel")
    with _stand_in():
        return import_module("spandrel")


@contextmanager
def _stand_in() -> Iterator[None]:
    """An empty torchvision for the time of an import."""
    for name in _TORCHVISION:
        module = ModuleType(name)
        module.__path__ = []
        sys.modules[name] = module
    for name in _TORCHVISION_NAMES:
        setattr(sys.modules[_TORCHVISION[-1]], name, None)
    try:
        yield
    finally:
        for name in _TORCHVISION:
            del sys.modules[name]
