"""What is installed, what was chosen and why, and whether the models are whole.

In: settings; out: plain findings. Looks only, changes nothing.
"""

from __future__ import annotations

import platform
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from convert.job import models_of
from core.errors import DataError, ModelError, SpotterError
from core.packages import INSTALL_SPANDREL, INSTALL_ULTRALYTICS
from pipeline.cache import cache_folder
from pipeline.catalog import MODELS_PATH, find_model, load_catalog
from pipeline.config import LocateConfig, load_config, preset_names
from pipeline.engines.base import Choice
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import Machine, probe_machine
from pipeline.engines.twins import find_twin, twin_path
from pipeline.models import Task
from pipeline.networks import Models, find_models
from pipeline.registry import ENGINES

__all__ = ["Readiness", "examine", "readiness"]

_PACKAGES = (
    "numpy", "pillow", "opencv-python-headless", "onnxruntime", "onnxruntime-gpu", "tensorrt-cu13",
    "onnxruntime-ep-nv-tensorrt-rtx", "openvino",
    "tokenizers", "scipy", "pydantic", "gradio", "albumentations", "torch",
)  # fmt: skip
_ROOT = Path(__file__).parents[1]
_WORK = {
    "converting models": "requirements-convert.txt",
    "training": "requirements-train.txt",
}
# Installed without their dependencies, which no requirements file can say.
_WORK_ALONE = {
    "training the detector, checkpoints of YOLO": ("ultralytics", INSTALL_ULTRALYTICS),
    "converting upscalers": ("spandrel", INSTALL_SPANDREL),
}


def examine(config: LocateConfig) -> dict[str, object]:
    """Return the findings; "ok" is False when the settings cannot be run here.

    Args:
        config: the settings whose models and engine are looked at.
    """
    engine = _engine(config)
    models = _models(config)
    conflicts = opencv_conflicts({d.metadata["Name"]: d.version for d in distributions()})
    needed_ok = all(model["ok"] for model in models if model["needed"])
    return {
        "ok": "error" not in engine and needed_ok and not conflicts,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "engine": engine,
        "preset": config.preset,
        "models": models,
        "presets": _absent_by_preset({str(model["id"]) for model in models if model["ok"]}),
        "work": {
            work: {"install": f"pip install -r {file}", "missing": missing_packages(_ROOT / file)}
            for work, file in _WORK.items()
        }
        | {
            work: {"install": install, "missing": [] if _version(package) else [package]}
            for work, (package, install) in _WORK_ALONE.items()
        },
        "conflicts": conflicts,
        "cache": _cache(),
    }


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether settings can be run here.

    Args:
        engine: What would run the networks and why; empty when nothing can.
        missing: What is missing and the command that gets it, one sentence or two each.
    """

    engine: str
    missing: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True when nothing is missing."""
        return not self.missing


def readiness(config: LocateConfig, machine: Machine | None = None) -> Readiness:
    """Return whether these settings can be run, without loading anything.

    Args:
        config: the settings.
        machine: what to judge by; this machine when None.
    """
    machine = machine or probe_machine()
    missing = [str(error) for name, task in models_of(config) if (error := _obstacle(name, task))]
    engine = ""
    try:
        engine = _choose(config, machine, None if missing else find_models(config, machine)).reason
    except SpotterError as error:
        missing.append(str(error))
    return Readiness(engine, tuple(missing))


def _choose(config: LocateConfig, machine: Machine, models: Models | None) -> Choice:
    """What will run these models; None: what would run any."""
    if models is None:
        return choose_engine(config.engine, machine)
    return choose_engine(config.engine, machine, has_int8=models.has_int8(), no_half=models.no_half)


def _obstacle(name: str, task: Task) -> SpotterError | None:
    """Why a model cannot be used; None when its files are there."""
    try:
        model = find_model(name, task)
        for file in model.files:
            if not (model.folder / file).is_file():
                model.file(file)
    except SpotterError as error:
        return error
    return None


def opencv_conflicts(installed: dict[str, str]) -> list[str]:
    """Return a sentence for each trouble among the OpenCV packages, which all own `cv2`.

    Args:
        installed: versions by distribution name.

    Example:
        >>> opencv_conflicts({"opencv-python-headless": "5.0.0.93"})
        []
    """
    found = {name: v for name, v in installed.items() if name and name.startswith("opencv-")}
    if not found:
        return ["OpenCV is not installed. Run: pip install opencv-python-headless"]
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} {v}" for name, v in sorted(found.items()))
        return [
            f"{listed} share the package cv2 in different versions. "
            "Keep one: pip uninstall the others, then "
            "pip install --force-reinstall --no-deps opencv-python-headless"
        ]
    return []


def missing_packages(requirements: Path) -> list[str]:
    """Return the packages of a requirements file that are not installed, whatever their version.

    Args:
        requirements: pinned packages, one a line; files that it includes are not followed, and one
            that is not there asks for nothing.
    """
    lines = requirements.read_text("utf-8").splitlines() if requirements.is_file() else []
    names = [found[0] for line in lines if (found := re.match(r"[A-Za-z0-9][\w.-]*", line))]
    return [name for name in names if _version(name) is None]


def _absent_by_preset(present: set[str]) -> dict[str, list[str]]:
    """By preset the models that are not here; the one for tests is no preset to speak of."""
    return {
        name: [model for model, _ in models_of(load_config(name)) if model not in present]
        for name in preset_names()
        if name != "fake"
    }


def _engine(config: LocateConfig) -> dict[str, object]:
    machine = probe_machine()
    found: dict[str, object] = {
        "available": ENGINES.available(),
        "providers": sorted(machine.providers),
        "threads": machine.threads,
        "bf16": machine.has_bf16,
        "gpus": [
            f"{gpu.name}, compute {gpu.capability[0]}.{gpu.capability[1]}, "
            f"{gpu.memory_mib} MiB, driver {gpu.driver}"
            for gpu in machine.gpus
        ],
        "tensorrt": dict(machine.compilers),
    }
    try:
        # What is missing is listed among the models; the engine is a question of its own.
        models = None
        with suppress(ModelError):
            models = find_models(config, machine)
        choice = _choose(config, machine, models)
    except SpotterError as error:
        return {**found, "error": str(error)}
    chosen = {
        "name": choice.engine,
        "provider": choice.provider,
        "device": choice.device,
        "precision": choice.precision,
    }
    return {**found, "chosen": chosen, "reason": choice.reason}


def _models(config: LocateConfig) -> list[dict[str, object]]:
    tasks = dict(models_of(config))
    rows = []
    for model in load_catalog().values():
        if not model.files and model.family == "fake":
            continue
        rows.append({**_check(model.id, model.task), "needed": model.id in tasks})
    known = {str(row["id"]) for row in rows}
    for name in sorted(tasks.keys() - known):
        rows.append({**_check(name, tasks[name]), "needed": True})
    return rows


def _check(name: str, task: str) -> dict[str, object]:
    """Whether every file of a model is there and is the one of the catalogue."""
    try:
        model = find_model(name, task)  # type: ignore[arg-type]
        for file in model.files:
            model.file(file)
        present = sorted(p.name for p in model.folder.glob("*")) if model.folder.is_dir() else []
        ok = model.family == "fake" or any(name.endswith(".onnx") for name in present)
        note = "hash ok" if model.files else ("no hash in the catalogue" if ok else "")
        note = note if ok else f"no files in {MODELS_PATH.name}/{model.id}"
        note += "".join(
            "; its 8-bit network is of other weights: python -m training.quantize makes a new one"
            for path in (model.folder.glob("*.onnx") if ok and model.folder != Path() else ())
            if twin_path(path, "int8").is_file() and find_twin(path, "int8") is None
        )
    except SpotterError as error:
        ok, note = False, str(error)
    return {"id": name, "task": task, "ok": ok, "note": note}


def _cache() -> dict[str, object]:
    """Where that lies which can be made again, and how large each kind is."""
    sizes: dict[str, int] = {}
    try:
        root = cache_folder("models").parent
    except DataError as error:
        return {"folder": str(error), "bytes": sizes}
    # Nothing was made again yet, or nobody may look.
    with suppress(OSError):
        for kind in sorted(root.iterdir()):
            if kind.is_dir():
                files = (path for path in kind.rglob("*") if path.is_file())
                sizes[kind.name] = sum(path.lstat().st_size for path in files)
    return {"folder": str(root), "bytes": sizes}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
