"""What can be plugged in: model families by stage, and engines. The only place that names them.

A family is a class with `open(model, config, open_engine)`; see stages.py for what it must do and
docs for how to add one.
"""

from __future__ import annotations

from typing import Any

from core.registry import Entry, Registry

__all__ = ["DETECTORS", "ENGINES", "RERANKERS", "UPSCALERS"]

DETECTORS: Registry[Any] = Registry(
    "detector family",
    detr=Entry("pipeline.detect.detr:DetrDetector", needs=("cv2",)),
    grounding=Entry("pipeline.detect.grounding:GroundingDetector", needs=("tokenizers", "cv2")),
    owl=Entry("pipeline.detect.owl:OwlDetector", needs=("tokenizers", "cv2")),
    yolo=Entry("pipeline.detect.yolo:YoloDetector", needs=("cv2",)),
    yolov6=Entry("pipeline.detect.yolov6:YoloV6Detector", needs=("cv2",)),
    yolox=Entry("pipeline.detect.yolox:YoloxDetector", needs=("cv2",)),
    fake=Entry("pipeline.fakes:FakeDetector"),
)

UPSCALERS: Registry[Any] = Registry(
    "upscaler family",
    compact=Entry("pipeline.upscale.compact:CompactUpscaler"),
    lanczos=Entry("pipeline.upscale.lanczos:LanczosUpscaler", needs=("cv2",)),
    fake=Entry("pipeline.fakes:FakeUpscaler"),
)

RERANKERS: Registry[Any] = Registry(
    "reranker family",
    siglip=Entry("pipeline.rerank.siglip:SiglipReranker", needs=("tokenizers", "cv2")),
    fake=Entry("pipeline.fakes:FakeReranker"),
)

ENGINES: Registry[Any] = Registry(
    "engine",
    onnxruntime=Entry("pipeline.engines.ort_engine:OrtEngine", needs=("onnxruntime",)),
    openvino=Entry("pipeline.engines.openvino_engine:OpenVinoEngine", needs=("openvino",)),
)
