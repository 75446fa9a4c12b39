"""Ultralytics without its side effects: the architecture and its default settings, nothing else.

Unless told not to, it asks the network for updates and installs packages on its own; and it
replaces the readers of Pillow and OpenCV for the whole process, with ones that install plugins.
"""

import os

os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false")

import importlib.metadata

import cv2
from PIL import Image as PilImage

_READERS = (PilImage.open, cv2.imread, cv2.imwrite, cv2.imshow)
_find_version = importlib.metadata.version


def _version(name: str) -> str:
    """Ultralytics asks for the version of torchvision (0.n+15 with PyTorch 2.n), and no more."""
    try:
        return _find_version(name)
    except importlib.metadata.PackageNotFoundError:
        if name != "torchvision":
            raise
        return f"0.{int(_find_version('torch').split('.')[1]) + 15}.0"


importlib.metadata.version = _version
try:
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel
finally:
    importlib.metadata.version = _find_version
    PilImage.open, cv2.imread, cv2.imwrite, cv2.imshow = _READERS

__all__ = ["DetectionModel", "get_cfg"]
