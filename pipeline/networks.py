"""Which files are run by what: the models of the settings, in the precision of the chosen engine.

In: settings and machine. Out: models, and functions that open their networks. One engine runs all
of them: it is chosen when the first network is opened, and chosen anew, for all, where it refuses a
later one. Stages without a network need none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from core.errors import DataError, EngineError, ModelError, SpotterError
from core.locks import NamedLocks
from pipeline.catalog import find_model
from pipeline.config import DetectConfig, EngineConfig, LocateConfig, UpscaleConfig
from pipeline.cut import BUCKETS_PX
from pipeline.detect.card import DetectorCard
from pipeline.detect.closer import WINDOW_PX
from pipeline.detect.letterbox import MULTIPLE_PX
from pipeline.engines.base import Choice, Engine, OpenEngine, Profile
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import RTX, TENSORRT, Machine
from pipeline.engines.providers import network_precision
from pipeline.engines.twins import find_twin
from pipeline.models import Model, network_sha256
from pipeline.registry import ENGINES

__all__ = [
    "Models",
    "Networks",
    "card_profile",
    "detect_profile",
    "find_models",
    "on_one_engine",
    "open_engine",
    "rerank_profile",
    "upscale_profile",
]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
# The sizes that TensorRT compiles for: one caption or crop, a usual picture, a crowded one.
_CROPS = (1, 10, 20)
_TILES = (1, 1, 8)
_OPENING = NamedLocks()


@dataclass(frozen=True, slots=True)
class Models:
    """The models that the settings name, found.

    Args:
        detectors: One, or several for an ensemble.
        upscaler: None where nothing is enlarged.
        reranker: Compares crops with captions.
        no_half: Why they are not 16-bit where an engine wants them so; empty when none does.
    """

    detectors: tuple[Model, ...]
    upscaler: Model | None
    reranker: Model
    no_half: str = ""

    def has_int8(self) -> bool:
        """Return whether any of them comes with an 8-bit network of its weights."""
        models = [*self.detectors, self.reranker, *([self.upscaler] if self.upscaler else [])]
        return any(
            find_twin(path, "int8") is not None
            for model in models
            if model.folder.is_dir() and model.folder != Path()
            for path in model.folder.glob("*.onnx")
        )


def find_models(config: LocateConfig, machine: Machine) -> Models:
    """Return the models of the settings, in 16 bits where the engine will want them so.

    Raises:
        ModelError: One is missing; in 16 bits only if that was asked for.
        UnknownNameError: One is not in the catalogue.
    """
    plain = _find_models(config, "f32")
    if not _wants_half(config.engine, machine) or plain.reranker.family == "fake":
        return plain
    try:
        return _find_models(config, "f16")
    except (DataError, ModelError) as error:
        # TensorRT can run float32 graphs in 16 bits by itself.
        is_tensorrt = choose_engine(config.engine, machine).provider == TENSORRT
        if config.engine.precision == "f16" and not is_tensorrt:
            raise
        return replace(plain, no_half=f"{error.message} {error.hint}".rstrip(". "))


def _find_models(config: LocateConfig, precision: str) -> Models:
    names = (config.detect.model, *config.detect.ensemble)
    return Models(
        detectors=tuple(find_model(name, "detect", precision=precision) for name in names),
        upscaler=_find_upscaler(config.upscale, precision),
        reranker=find_model(config.rerank.model, "rerank", precision=precision),
    )


def _find_upscaler(config: UpscaleConfig, precision: str) -> Model | None:
    if config.mode == "none":
        return None
    if config.mode == "lanczos":
        return Model(id="lanczos", task="upscale", family="lanczos")
    return find_model(config.model, "upscale", precision=precision)


def _wants_half(config: EngineConfig, machine: Machine) -> bool:
    try:
        return choose_engine(config, machine).precision == "f16"
    except EngineError:
        # Said where the first network is opened; stages without one need no engine.
        return False


def on_one_engine(
    config: LocateConfig, machine: Machine, build: Callable[[Models, Networks], T]
) -> T:
    """Return what is built of the models, with all networks on the fastest engine that loads all.

    Only "auto" may fall back: what was opened is dropped then, and all of it is built again on what
    is left of the machine; `Networks.describe` and the log say why.

    Args:
        config: The settings.
        machine: What to choose the engine for.
        build: Opens the networks and makes something of them; called again after each failure.

    Raises:
        ModelError: A model is missing, or no engine can load a file.
        EngineError: A wish cannot be met, or nothing is left to fall back to.
        UnknownNameError: A model is not in the catalogue.
    """
    failures: list[SpotterError] = []
    while True:
        try:
            # Found anew: another engine may want other numbers.
            models = find_models(config, machine)
        except ModelError as error:
            if not failures:
                raise
            raise _after(failures, error) from error
        networks = Networks(
            config.engine,
            machine,
            has_int8=models.has_int8(),
            no_half=models.no_half,
            failures=failures,
        )
        try:
            return build(models, networks)
        except (EngineError, ModelError) as error:
            left = networks.left_after(error)
            if left is None:
                raise
            # What the refused engine had opened would keep its memory; locators hold their own.
            _load_engine.cache_clear()
            _LOG.warning("%s; all networks are opened on what is left", error.message.rstrip("."))
            machine, failures = left, [*failures, error]


class Networks:
    """Opens the networks of one locator, all on the engine chosen with the first.

    Args:
        config: Wishes for the engine.
        machine: What to choose it for.
        has_int8: Whether a model comes with an 8-bit network.
        no_half: Why the models are not 16-bit, see `choose_engine`.
        failures: Why faster engines are not on the machine any more.
    """

    def __init__(
        self,
        config: EngineConfig,
        machine: Machine,
        *,
        has_int8: bool = False,
        no_half: str = "",
        failures: Sequence[SpotterError] = (),
    ) -> None:
        self._config = config
        self._machine = machine
        self._has_int8 = has_int8
        self._no_half = no_half
        self._failures = tuple(failures)
        self._choice: Choice | None = None
        self._refusal: SpotterError | None = None
        self._twins: dict[Path, str] = {}
        self._precisions: dict[Path, str] = {}

    def opener(self, profile: Profile) -> OpenEngine:
        """Return a function that opens a file; its free axes become as large as told."""

        def open_file(path: Path) -> Engine:
            path = path.resolve()
            if self._choice is None:
                self._choice = self._choose()
                _LOG.info("engine: %s (%d threads)", self._choice.reason, self._choice.threads)
            file = _in_precision(path, self._choice)
            if file != path:
                self._twins[path] = network_sha256(file)[:12]
            choice = replace(self._choice, precision=network_precision(file, self._choice))
            self._precisions[path] = choice.precision
            try:
                return open_engine(file, choice, profile)
            except (EngineError, ModelError) as error:
                self._refusal = error
                raise

        return open_file

    def left_after(self, error: SpotterError) -> Machine | None:
        """Return what of the machine may be tried after an error; None: nothing.

        Nothing is tried after errors that no engine raised, in place of what was named, or after
        the last engine: that one tells again of a file that is damaged.

        Args:
            error: What ended the building.
        """
        choice, machine, wishes = self._choice, self._machine, self._config
        if choice is None or error is not self._refusal:
            return None
        if choice.device == "cpu":
            may_fall = choice.engine == "openvino" and wishes.engine == "auto"
            return replace(machine, packages=machine.packages - {"openvino"}) if may_fall else None
        if wishes.device != "auto" or wishes.provider != "auto":
            return None
        return replace(machine, providers=machine.providers - {choice.provider})

    def describe(self) -> dict[str, str]:
        """Return what runs the networks and why, for provenance."""
        choice = self._choice
        if choice is None:
            return {"engine": "none", "engine_reason": "no stage runs a network"}
        precision = choice.precision
        if precision == "int8":
            names = dict.fromkeys(path.stem for path in self._twins)
            precision = f"int8 ({', '.join(names)}), f32"
        elif wide := [path for path, used in self._precisions.items() if used != precision]:
            names = dict.fromkeys(path.stem for path in wide)
            rest = f" ({', '.join(names)}), {precision}"
            precision = "f32" + (rest if len(wide) < len(self._precisions) else "")
        return {
            "engine": choice.engine,
            "provider": choice.provider or choice.engine,
            "device": choice.device,
            "hardware": choice.hardware or "CPU",
            "precision": precision,
            "twins": ", ".join(f"{path.stem} {digest}" for path, digest in self._twins.items()),
            "threads": str(choice.threads),
            "engine_asked": _asked(self._config),
            "engine_reason": choice.reason,
            "versions": _versions([choice.engine, "numpy"]),
        }

    def _choose(self) -> Choice:
        try:
            choice = choose_engine(
                self._config, self._machine, has_int8=self._has_int8, no_half=self._no_half
            )
        except EngineError as error:
            if not self._failures:
                raise
            raise _after(self._failures, error) from error
        return replace(choice, reason="; ".join([choice.reason, *_told(self._failures)]))


def _after(failures: Sequence[SpotterError], error: SpotterError) -> EngineError:
    """What to say where nothing is left to fall back to: what failed, not what is missing now."""
    hints = [hint.rstrip(".") for hint in (failures[0].hint, error.hint) if hint]
    return EngineError(f"{'; '.join(_told(failures))}.", f"{'. '.join(hints)}.")


def _told(failures: Sequence[SpotterError]) -> list[str]:
    # A runtime that cannot be imported fails with each of its providers.
    return list(dict.fromkeys(failure.message.rstrip(".") for failure in failures))


def _in_precision(path: Path, choice: Choice) -> Path:
    """The file itself, or its 8-bit twin where there is one and it is wanted."""
    return (find_twin(path, "int8") if choice.precision == "int8" else None) or path


def detect_profile(config: DetectConfig, multiple_px: int = MULTIPLE_PX) -> Profile:
    """Return the sizes of a detector's inputs: any image fitted into the input, parts of it.

    Args:
        config: Input size, scales, tiles, closer looks.
        multiple_px: What the network's card pads both sides to a multiple of.
    """
    largest = config.at_scale(max([1.0, *config.scales])).input_wh
    window_px = WINDOW_PX if config.look_closer else 0
    long_px, short_px = (
        -(-max(side, window_px) // multiple_px) * multiple_px
        for side in (max(largest), min(largest))
    )
    least = min(multiple_px, short_px)
    has_batches = config.look_closer or config.tile_wh is not None
    batch = _TILES if has_batches else (1, 1, 1)
    # Upright images turn the input, so either side may be the long one.
    return Profile(batch, height=(least, short_px, long_px), width=(least, long_px, long_px))


def card_profile(config: DetectConfig, card: DetectorCard) -> Profile:
    """Return the sizes of the inputs of one detector, which may know its own; see `detect_profile`.

    Args:
        config: Input size where the card leaves it open, scales and tiles.
        card: Of the detector.
    """
    sized = config
    if card.input_wh:
        sized = config.model_copy(update={"input_wh": card.input_wh, "look_closer": False})
    return detect_profile(sized, max(card.multiple_px, MULTIPLE_PX))


def upscale_profile(config: UpscaleConfig) -> Profile:
    """Return the sizes of the windows that are enlarged."""
    # Windows are rounded up to their batch's size, in steps of at most 128.
    largest = max(BUCKETS_PX[-1], -(-(config.below_px + 2 * config.margin_px) // 128) * 128)
    side = (BUCKETS_PX[0], 64, largest)
    return Profile(_CROPS, height=side, width=side)


def rerank_profile() -> Profile:
    """Return how many crops, or captions, are embedded at once."""
    return Profile(_CROPS)


def open_engine(path: Path, choice: Choice, profile: Profile | None = None) -> Engine:
    """Return a loaded network; shared by every locator that uses the same file the same way.

    Raises:
        ModelError: The file cannot be loaded.
        EngineError: The engine cannot be imported, or its provider not load this file.
    """
    # Only what is compiled ahead is tied to sizes; and a file that was replaced is another network.
    sizes = profile if choice.provider in (TENSORRT, RTX) else None
    asked = (path, network_sha256(path), replace(choice, reason=""), sizes)
    # Those that are opened at the same time share it too, instead of compiling it twice.
    with _OPENING(asked):
        return _load_engine(*asked)


@lru_cache(maxsize=32)
def _load_engine(path: Path, sha256: str, choice: Choice, profile: Profile | None) -> Engine:
    try:
        family = ENGINES.load(choice.engine)
    except (ImportError, OSError) as error:
        # Installed, and yet a library of it is missing or of another version.
        raise EngineError(
            f"{choice.engine} is installed and cannot be imported: {error}.",
            "Install it anew, in a fresh environment: pip install -r requirements.txt",
        ) from error
    if choice.engine != "onnxruntime":
        engine: Engine = family.open(path, choice)
    else:
        engine = family.open(path, choice, profile)
    return engine


def _asked(config: EngineConfig) -> str:
    wishes = [
        f"{name} {value}"
        for name, value in (
            ("engine", config.engine),
            ("device", config.device),
            ("provider", config.provider),
            ("precision", config.precision),
        )
        if value != "auto"
    ]
    return ", ".join(wishes) or "auto"


def _versions(packages: Sequence[str]) -> str:
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            # onnxruntime-gpu installs the same import under another distribution name.
            found.append(f"{package} (version unknown)")
    return ", ".join(found)
