"""What training takes from Ultralytics: the architecture and its default settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.packages import import_ultralytics

__all__ = ["DetectionModel", "get_cfg", "yaml_model_load"]

if TYPE_CHECKING:
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel, yaml_model_load
else:
    DetectionModel = import_ultralytics("ultralytics.nn.tasks").DetectionModel
    yaml_model_load = import_ultralytics("ultralytics.nn.tasks").yaml_model_load
    get_cfg = import_ultralytics("ultralytics.cfg").get_cfg
