"""From settings to stages: which models, on which engine, with which provenance.

The only place where settings, catalogue, registry and engines meet. Models and engines themselves
are looked up in networks.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from core.errors import ConfigError
from pipeline.config import DetectConfig, LocateConfig, RerankConfig, UpscaleConfig
from pipeline.detect.augmented import open_views
from pipeline.detect.captioned import CaptionWrapper
from pipeline.detect.card import DetectorCard, read_detector_card
from pipeline.detect.closer import open_closer
from pipeline.detect.ensemble import EnsembleDetector, SureDetector
from pipeline.detect.network import PARTS_AT_ONCE, takes_any_size
from pipeline.detect.pyramid import open_levels
from pipeline.detect.tiled import TiledDetector, Tiling
from pipeline.engines.base import OpenEngine, Profile
from pipeline.engines.machine import Machine, probe_machine
from pipeline.models import Model
from pipeline.networks import (
    Models,
    Networks,
    card_profile,
    on_one_engine,
    open_engine,
    rerank_profile,
    upscale_profile,
)
from pipeline.registry import DETECTORS, RERANKERS, UPSCALERS
from pipeline.stages import Calibration, CaptionDetector, Detector, Reranker, Upscaler

__all__ = ["Stages", "build_detector", "build_stages", "open_engine"]

OpenNetwork: TypeAlias = Callable[[Profile], OpenEngine]

# Settings that no answer depends on. Models count by what is in their files, wherever these lie; an
# engine that was asked for, unlike its precision, gives the same answers as another one.
_WITHOUT_EFFECT: Mapping[str, Mapping[str, bool] | bool] = {
    "preset": True,
    "image": True,
    "detect": {"model": True, "ensemble": True},
    "upscale": {"model": True},
    "rerank": {"model": True, "cached_captions": True},
    "engine": {"engine": True, "device": True, "provider": True, "threads": True},
}


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

    def build(models: Models, networks: Networks) -> Stages:
        return _build_stages(config, models, networks)

    return on_one_engine(config, machine or probe_machine(), build)


def _build_stages(config: LocateConfig, models: Models, networks: Networks) -> Stages:
    detector = build_detector(models.detectors, config.detect, networks.opener)
    upscalers = _build_upscalers(models.upscaler, config.upscale, networks)
    open_rerank = networks.opener(rerank_profile())
    reranker = RERANKERS.load(models.reranker.family).open(
        models.reranker, config.rerank, open_rerank
    )
    provenance = {
        "detector": " + ".join(model.version() for model in models.detectors),
        "upscaler": models.upscaler.version() if models.upscaler else "none",
        "reranker": models.reranker.version(),
        **networks.describe(),
        "config": _settings(config),
        "preset": config.preset,
    }
    calibration = _calibration(reranker, config.rerank)
    return Stages(detector, upscalers, reranker, calibration, provenance)


def _settings(config: LocateConfig) -> str:
    """What answers depend on beside the models, as `--set` takes it; those that are unset, not."""
    values = config.model_dump(mode="json", exclude=dict(_WITHOUT_EFFECT), exclude_none=True)
    return " ".join(
        f"{section}.{name}={_text(value)}"
        for section, part in values.items()
        for name, value in part.items()
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def build_detector(
    models: Sequence[Model],
    config: DetectConfig,
    open_network: OpenNetwork,
    *,
    tiles_at_once: int = PARTS_AT_ONCE,
) -> Detector:
    """Return the detector that the settings describe: what is measured is what is used.

    Args:
        models: The detector and those that are fused with it.
        config: Everything else; what it names as models is not looked at.
        open_network: Gives for a profile what opens a file.
        tiles_at_once: How many tiles a detector is given in a call; no answer depends on it.
    """

    def build(captions: tuple[str, ...]) -> Detector:
        return _build_shown(models, config, open_network, captions, tiles_at_once)

    detector = build(())
    if _read_captions(models) and not isinstance(detector, CaptionDetector):
        return CaptionWrapper(build, detector)
    return detector


def _build_shown(
    models: Sequence[Model],
    config: DetectConfig,
    open_network: OpenNetwork,
    captions: tuple[str, ...],
    tiles_at_once: int,
) -> Detector:
    """What is shown of all looks, which weigh the same boxes whatever score is asked for."""
    least = config.weighed_score_min if config.is_fused else config.score_min
    weighed = config.model_copy(update={"score_min": least})
    looks = _build_looks(models, weighed, open_network, captions, tiles_at_once)
    return looks if weighed == config else SureDetector(looks, score_min=config.score_min)


def _build_looks(
    models: Sequence[Model],
    config: DetectConfig,
    open_network: OpenNetwork,
    captions: tuple[str, ...],
    tiles_at_once: int,
) -> Detector:
    """Scales, looked at closer, within views within models within tiles; captions, where read."""
    cards: list[DetectorCard] = []  # as detectors are opened: that of the first model comes first

    def open_one(model: Model, part: DetectConfig) -> Detector:
        family = DETECTORS.load(model.family)
        card = read_detector_card(model)
        open_file = open_network(card_profile(config, card))

        def open_level(level: DetectConfig) -> Detector:
            detector: Detector = family.open(model, level, open_file)
            if captions and isinstance(detector, CaptionDetector):
                return detector.looking_for(captions)
            return detector

        only = open_level(part)
        # A graph may take one size without a file that says so.
        cards.append(getattr(only, "card", card))
        if part.scales and (wh := cards[-1].input_wh):
            raise ConfigError(
                f"{model.id} sees every image at {wh[0]}x{wh[1]} px, at no other scale.",
                "Unset detect.scales; small objects are found with detect.tile_wh=auto.",
            )
        if not takes_any_size(only):
            return only
        if part.look_closer:
            return open_closer(lambda look: open_levels(open_level, look), part)
        return open_levels(open_level, part)

    def open_all(part: DetectConfig) -> Detector:
        members = [
            open_views(lambda view, model=model: open_one(model, view), part)  # type: ignore[misc]
            for model in models
        ]
        if len(members) == 1:
            return members[0]
        limits = {"iou_min": part.iou_max, "score_min": part.score_min}
        return EnsembleDetector(members, max_boxes=part.max_boxes, **limits)

    if config.tile_wh is None:
        return open_all(config)
    per_tile = config
    if config.tile_whole:
        # What is large for a tile is small for the whole image: there the coarser scales look.
        per_tile = config.model_copy(update={"level_count": 1})
    inner = open_all(per_tile)
    whole = open_all(config) if config.tile_whole else None
    tiling = Tiling.of(config, cards[0])
    return TiledDetector(inner, tiling, whole=whole, at_once=tiles_at_once)


def _read_captions(models: Sequence[Model]) -> bool:
    """True when one of the detectors can be told what to look for."""
    return any(hasattr(DETECTORS.load(model.family), "looking_for") for model in models)


def _build_upscalers(
    model: Model | None, config: UpscaleConfig, networks: Networks
) -> tuple[Upscaler, ...]:
    if model is None:
        return ()
    opener = networks.opener(upscale_profile(config))
    upscaler: Upscaler = UPSCALERS.load(model.family).open(model, config, opener)
    return (upscaler,)


def _calibration(reranker: Reranker, config: RerankConfig) -> Calibration:
    if config.found_probability_min is None:
        return reranker.calibration
    return replace(reranker.calibration, found_probability_min=config.found_probability_min)
