"""What training takes from Ultralytics: the architecture and its default settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.packages import import_ultralytics

__all__ = ["DetectionModel", "get_cfg"]

if TYPE_CHECKING:
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel
else:
    DetectionModel = import_ultralytics("ultralytics.nn.tasks").DetectionModel
    get_cfg = import_ultralytics("ultralytics.cfg").get_cfg
