"""What is installed, what was chosen and why, and whether the models are whole.

In: settings; out: plain findings. Looks only, changes nothing.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, distributions, version

from core.errors import SpotterError
from pipeline.catalog import MODELS_PATH, find_model, load_catalog
from pipeline.config import LocateConfig
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import probe_machine
from pipeline.registry import ENGINES

__all__ = ["examine"]

_PACKAGES = (
    "numpy", "pillow", "opencv-python-headless", "onnxruntime", "onnxruntime-gpu", "openvino",
    "tokenizers", "scipy", "pydantic", "gradio", "albumentations", "torch",
)  # fmt: skip


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
        "models": models,
        "conflicts": conflicts,
    }


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


def _engine(config: LocateConfig) -> dict[str, object]:
    machine = probe_machine()
    found: dict[str, object] = {
        "available": ENGINES.available(),
        "providers": sorted(machine.providers),
        "threads": machine.threads,
        "bf16": machine.has_bf16,
    }
    try:
        choice = choose_engine(config.engine, machine)
    except SpotterError as error:
        return {**found, "error": str(error)}
    chosen = {"name": choice.engine, "device": choice.device, "precision": choice.precision}
    return {**found, "chosen": chosen, "reason": choice.reason}


def _models(config: LocateConfig) -> list[dict[str, object]]:
    needed = {config.detect.model, config.rerank.model}
    if config.upscale.mode == "model":
        needed.add(config.upscale.model)
    rows = []
    for model in load_catalog().values():
        if not model.files and model.family == "fake":
            continue
        rows.append({**_check(model.id, model.task), "needed": model.id in needed})
    known = {str(row["id"]) for row in rows}
    tasks = {config.detect.model: "detect", config.rerank.model: "rerank",
             config.upscale.model: "upscale"}  # fmt: skip
    for name in sorted(needed - known):
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
    except SpotterError as error:
        ok, note = False, str(error)
    return {"id": name, "task": task, "ok": ok, "note": note}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
