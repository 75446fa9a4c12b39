"""From settings to stages: which models, on which engine, with which provenance.

The only place where settings, catalogue, registry and engines meet.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.config import config_hash
from core.errors import EngineError
from pipeline.catalog import Model, find_model
from pipeline.config import (
    DetectConfig,
    EngineConfig,
    LocateConfig,
    RerankConfig,
    UpscaleConfig,
)
from pipeline.detect.pyramid import open_levels
from pipeline.detect.tiled import TiledDetector
from pipeline.engines.base import Choice, Engine, OpenEngine
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import Machine, probe_machine
from pipeline.registry import DETECTORS, ENGINES, RERANKERS, UPSCALERS
from pipeline.stages import Calibration, Detector, Reranker, Upscaler

__all__ = ["Stages", "build_stages", "open_engine"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stages:
    """Everything that a `Locator` is made of."""

    detector: Detector
    upscalers: tuple[Upscaler, ...]
    reranker: Reranker
    calibration: Calibration
    provenance: dict[str, str]


def build_stages(config: LocateConfig, *, machine: Machine | None = None) -> Stages:
    """Return the stages that the settings describe, loaded.

    Args:
        config: The settings.
        machine: What to choose the engine for; this machine when None.

    Raises:
        SpotterError: A model, an engine or a package is missing; see `Locator.open`.
    """
    choices: list[Choice] = []

    def open_file(path: Path) -> Engine:
        # Chosen when the first network is opened: stages without one need no engine.
        if not choices:
            choices.append(_choose(config.engine, machine or probe_machine(), path.resolve()))
            _LOG.info("engine: %s (%d threads)", choices[0].reason, choices[0].threads)
        return open_engine(path.resolve(), choices[0])

    detect_model = find_model(config.detect.model, "detect")
    rerank_model = find_model(config.rerank.model, "rerank")
    detector = _build_detector(detect_model, config.detect, open_file)
    upscalers, upscale_name = _build_upscalers(config.upscale, open_file)
    reranker = RERANKERS.load(rerank_model.family).open(rerank_model, config.rerank, open_file)
    provenance = {
        "detector": detect_model.version(),
        "upscaler": upscale_name,
        "reranker": rerank_model.version(),
        **_describe(choices),
        "config": config_hash(config),
        "preset": config.preset,
    }
    calibration = _calibration(reranker, config.rerank)
    return Stages(detector, upscalers, reranker, calibration, provenance)


def _choose(config: EngineConfig, machine: Machine, path: Path) -> Choice:
    """Return the choice that really loads a network; only "auto" may fall back, and says why."""
    failed = ""
    while True:
        choice = choose_engine(config, machine)
        try:
            open_engine(path, choice)
        except EngineError as error:
            if config.device != "auto" or choice.device == "cpu":
                raise
            failed += f"; {error.message.rstrip('.')}"
            machine = replace(machine, providers=machine.providers - {choice.provider})
        else:
            return replace(choice, reason=choice.reason + failed)


@lru_cache(maxsize=16)
def open_engine(path: Path, choice: Choice) -> Engine:
    """Return a loaded network; shared by every locator that uses the same file the same way."""
    engine: Engine = ENGINES.load(choice.engine).open(path, choice)
    return engine


def _build_detector(model: Model, config: DetectConfig, open_file: OpenEngine) -> Detector:
    family = DETECTORS.load(model.family)
    detector = open_levels(lambda level: family.open(model, level, open_file), config)
    if config.tile_wh is None:
        return detector
    return TiledDetector(
        detector, config.tile_wh, iou_max=config.iou_max, max_boxes=config.max_boxes
    )


def _build_upscalers(
    config: UpscaleConfig, open_file: OpenEngine
) -> tuple[tuple[Upscaler, ...], str]:
    if config.mode == "none":
        return (), "none"
    if config.mode == "lanczos":
        model = Model(id="lanczos", task="upscale", family="lanczos")
        name = model.id
    else:
        model = find_model(config.model, "upscale")
        name = model.version()
    upscaler: Upscaler = UPSCALERS.load(model.family).open(model, config, open_file)
    return (upscaler,), name


def _calibration(reranker: Reranker, config: RerankConfig) -> Calibration:
    if config.found_probability_min is None:
        return reranker.calibration
    return replace(reranker.calibration, found_probability_min=config.found_probability_min)


def _describe(choices: Sequence[Choice]) -> dict[str, str]:
    if not choices:
        return {"engine": "none", "engine_reason": "no stage runs a network"}
    choice = choices[0]
    return {
        "engine": choice.engine,
        "device": choice.device,
        "precision": choice.precision,
        "threads": str(choice.threads),
        "engine_reason": choice.reason,
        "versions": _versions([choice.engine, "numpy"]),
    }


def _versions(packages: Sequence[str]) -> str:
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            # onnxruntime-gpu installs the same import under another distribution name.
            found.append(f"{package} (version unknown)")
    return ", ".join(found)
