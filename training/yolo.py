"""Ultralytics without its side effects: the architecture and its default settings, nothing else.

Unless told not to, it asks the network for updates and installs packages on its own; and it
replaces the readers of Pillow and OpenCV for the whole process, with ones that install plugins.
"""

import os

os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false")

import cv2
from PIL import Image as PilImage

_READERS = (PilImage.open, cv2.imread, cv2.imwrite, cv2.imshow)

from ultralytics.cfg import get_cfg  # noqa: E402 - the readers are saved before
from ultralytics.nn.tasks import DetectionModel  # noqa: E402

PilImage.open, cv2.imread, cv2.imwrite, cv2.imshow = _READERS

__all__ = ["DetectionModel", "get_cfg"]
