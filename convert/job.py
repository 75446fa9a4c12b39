"""One model made ready: found, fetched if that is agreed to, converted, checked, kept.

A conversion lies in the cache folder with the hash of what it was made from; it is made again only
when that changes. Folders appear whole or not at all (``convert.folders``).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from convert.folders import build_folder
from convert.hub import fetch
from convert.source import Source, Tell
from core.errors import ModelError
from core.files import list_files, sha256_of
from core.packages import INSTALL_CONVERT, require
from core.registry import Entry, Registry
from pipeline.cache import is_cached
from pipeline.catalog import converted_folder, find_model, load_catalog
from pipeline.config import LocateConfig, load_config, preset_names
from pipeline.models import CARD_NAME, FAMILY_FILES, Model, Task, read_model

__all__ = ["CONVERTERS", "Consent", "Request", "models_of", "prepare", "prepare_missing"]

# Counts up when a converter gives other files for the same weights.
VERSION = 8
# One conversion at a time: each holds a whole network twice, and settings share models.
_CONVERTING = Lock()

CONVERTERS: Registry[Any] = Registry(
    "converter",
    dual_encoder=Entry("convert.dual_encoder:convert", ("torch", "transformers"), INSTALL_CONVERT),
    onnx=Entry("convert.ready_detector:convert", ("onnx",), INSTALL_CONVERT),
    open_vocabulary=Entry(
        "convert.open_vocabulary:convert", ("torch", "transformers"), INSTALL_CONVERT
    ),
    queries=Entry("convert.query_detector:convert", ("torch", "transformers"), INSTALL_CONVERT),
    spandrel=Entry("convert.upscaler:convert", ("torch", "onnx"), INSTALL_CONVERT),
    ultralytics=Entry("convert.ultralytics_detector:convert", ("torch", "onnx"), INSTALL_CONVERT),
)

# What a repository of transformers is for, by its type.
_BY_TYPE: dict[str, tuple[str, Task]] = {
    **dict.fromkeys(("siglip", "siglip2", "clip", "metaclip_2"), ("dual_encoder", "rerank")),
    **dict.fromkeys(
        ("rt_detr", "rt_detr_v2", "d_fine", "rf_detr", "lw_detr", "detr", "yolos"),
        ("queries", "detect"),
    ),
    **dict.fromkeys(("owlv2", "grounding_dino"), ("open_vocabulary", "detect")),
}
_BY_SUFFIX: dict[str, tuple[str, Task]] = {
    ".pt": ("ultralytics", "detect"),
    ".onnx": ("onnx", "detect"),
    ".pth": ("spandrel", "upscale"),
    ".safetensors": ("spandrel", "upscale"),
}


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user agreed to.

    Args:
        download: Weights may be fetched.
        trust_pickle: A checkpoint may run code while it is read.
    """

    download: bool = False
    trust_pickle: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A model to be made ready.

    Args:
        name: Catalogue id, else path of weights, else public id; see `find_model`.
        weights: A file or folder of weights for it; None: where the catalogue says.
        precision: "f32", or "f16" for 16-bit numbers inside.
        again: Convert even if it is there.
        input_wh: Input size of graphs whose size is fixed; None: the model's own.
        class_names: Names of a detector's classes, where its file does not tell them.
    """

    name: str
    weights: Path | None = None
    precision: str = "f32"
    again: bool = False
    input_wh: tuple[int, int] | None = None
    class_names: tuple[str, ...] = ()


def models_of(config: LocateConfig) -> list[tuple[str, Task]]:
    """Return the models that settings name, with the stage of each."""
    names: list[tuple[str, Task]] = [(config.detect.model, "detect")]
    names += [(name, "detect") for name in config.detect.ensemble]
    if config.upscale.mode == "model":
        names.append((config.upscale.model, "upscale"))
    names.append((config.rerank.model, "rerank"))
    return list(dict.fromkeys(names))


def prepare(
    request: Request, *, consent: Consent | None = None, tell: Tell = lambda what: None
) -> Model:
    """Return a model that can be opened, converting it first if that was not done yet.

    Args:
        request: Which model, how.
        consent: What the user agreed to; nothing when None.
        tell: Told what happens next.

    Raises:
        ModelError: The weights are missing or cannot be read, or their graph differs from them.
        MissingPackageError: A package for this kind of checkpoint is not installed.
        DataError: The folder of conversions cannot be made or written to.
    """
    entry = _entry(request)
    if request.precision == "f16":
        return _prepare_half(request, entry, consent, tell)
    if entry.family and not entry.converter:
        return entry  # ships here
    folder = converted_folder(entry.id)
    how = _how(request, entry)
    usable = not request.again and _is_made_like(folder, how)
    weights = _weights(request, entry, consent or Consent(), tell, spare=usable)
    if weights is None:
        return read_model(folder)
    entry = _with_kind(entry, weights)
    made_from = _made_from(weights, how)

    def is_there() -> bool:
        return not request.again and _is_made_from(folder, made_from)

    if is_there():
        return read_model(folder)
    convert = CONVERTERS.load(entry.converter)
    trust = (consent or Consent()).trust_pickle
    source = Source(weights, entry, trust, request.class_names, tell)

    def fill(into: Path) -> Model:
        return convert(source, into).model_copy(update={"made_from": made_from, "made_how": how})

    return build_folder(folder, fill, is_there=is_there)


def prepare_missing(config: LocateConfig, *, tell: Tell = lambda what: None) -> None:
    """Convert those models of the settings that were never used, where their weights are at hand.

    Conversions that are there are used as they are; `prepare` looks whether they are still true.

    Args:
        config: The settings.
        tell: Told what happens next.

    Raises:
        ModelError: The weights of some are not on this machine; the hint says how to get them.
    """
    known = load_catalog()
    failed: dict[str, ModelError] = {}
    for name, _ in models_of(config):
        entry = known.get(name)
        is_public = entry is None and name.count("/") == 1 and not Path(name).exists()
        if (entry is None or not entry.converter) and not is_public:
            continue
        card = converted_folder(name) / CARD_NAME
        if is_cached(card):
            continue

        def say(what: str, name: str = name) -> None:
            tell(f"{name}: {what}")

        with _CONVERTING:
            if not is_cached(card):  # else another thread made it while this one waited
                try:
                    prepare(Request(name), tell=say)
                except ModelError as error:
                    failed[name] = error
    if failed:
        raise _failure(failed, config.preset)


def _failure(failed: Mapping[str, ModelError], preset: str) -> ModelError:
    """What is missing for the settings, all at once."""
    first, *others = failed.values()
    if not others and "--download" not in first.hint:
        return first
    told = "; ".join(error.message.rstrip(".") for error in failed.values())
    own = dict(models_of(load_config(preset))) if preset in preset_names() else {}
    if not failed.keys() <= own.keys():
        if not others:
            return first
        return ModelError(f"{told}.", " ".join(error.hint for error in failed.values()))
    return ModelError(
        f"{told}.",
        f"Run: {', then: '.join(install_steps(preset))}; what it may not fetch itself, it "
        "tells how to.",
    )


def install_steps(preset: str) -> tuple[str, str]:
    """Return the commands that get all models of a preset: packages first, then the models."""
    return INSTALL_CONVERT, f"python app.py export --preset {preset} --download"


def _entry(request: Request) -> Model:
    """The catalogue's entry, or a new one for a public id or a path."""
    known = load_catalog().get(request.name)
    if known is not None:
        update = {"input_wh": request.input_wh or known.input_wh}
        return known.model_copy(update=update)
    path = Path(request.name)
    is_path = path.exists()
    if not is_path and request.name.count("/") != 1:
        # Names the nearest ids.
        find_model(request.name, "detect")
    return Model(
        id=_id_of(path) if is_path else request.name,
        task="detect",
        family="",
        hub="" if is_path else request.name,
        source=str(path.name) if is_path else f"huggingface.co/{request.name}",
        input_wh=request.input_wh,
    )


def _id_of(path: Path) -> str:
    """A name for weights of one's own: many files are called best.pt."""
    where = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"{path.resolve().stem}-{where}"


def _weights(
    request: Request, entry: Model, consent: Consent, tell: Tell, *, spare: bool
) -> Path | None:
    """Where the weights lie; None when they are gone but `spare`: a conversion stands for them."""
    own = None if request.name in load_catalog() else Path(request.name)
    path = request.weights or (own if own and own.exists() else None)
    if path is not None:
        if not path.exists():
            raise ModelError(f"{path} is missing.", "Give the file or folder of the weights.")
        return path
    if spare:
        # Nothing is fetched for a look whether the weights have changed.
        try:
            return fetch(entry, download=False, tell=tell) if entry.hub else None
        except ModelError:
            return None
    if not entry.hub:
        raise ModelError(
            f"the weights of '{entry.id}' ({entry.weights}) must be fetched by hand.",
            f"Fetch them from {entry.url} ({entry.source}) and run: "
            f"python app.py export --model {entry.id} --weights {entry.weights}",
        )
    return fetch(entry, download=consent.download, tell=tell)


def _with_kind(entry: Model, weights: Path) -> Model:
    """The entry with its converter and task, which the weights tell if the catalogue does not."""
    if entry.converter:
        return entry
    if weights.is_dir():
        from convert.repository import model_type

        kind = _BY_TYPE.get(model_type(weights))
        known = ", ".join(sorted(_BY_TYPE))
        what = f"a repository of type '{model_type(weights)}'"
    else:
        kind, known = _BY_SUFFIX.get(weights.suffix), ", ".join(_BY_SUFFIX)
        what = f"a file named *{weights.suffix}"
    if kind is None:
        raise ModelError(f"{weights} is {what}, which is not known.", f"Known: {known}.")
    return entry.model_copy(update={"converter": kind[0], "task": kind[1]})


def _how(request: Request, entry: Model) -> str:
    """A hash of what decides, besides the weights, how the conversion turns out."""
    settings = f"{VERSION} {entry.input_wh} {entry.template} {request.class_names}"
    return hashlib.sha256(settings.encode()).hexdigest()


def _made_from(weights: Path, how: str) -> str:
    """A hash of the weights and of how they are converted."""
    # Large files are often links: to another disk, or into the cache of Hugging Face.
    files = [weights] if weights.is_file() else list_files(weights, links=True)
    root = weights.parent if weights.is_file() else weights
    digest = hashlib.sha256(how.encode())
    for path in filter(Path.is_file, files):
        digest.update(f"{path.relative_to(root).as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _is_made_from(folder: Path, made_from: str) -> bool:
    return is_cached(folder / CARD_NAME) and read_model(folder).made_from == made_from


def _is_made_like(folder: Path, how: str) -> bool:
    return is_cached(folder / CARD_NAME) and read_model(folder).made_how == how


def _prepare_half(request: Request, entry: Model, consent: Consent | None, tell: Tell) -> Model:
    """The model with 16-bit numbers inside, made from the 32-bit one."""
    require("onnx")
    import onnx

    from convert.half import to_half
    from convert.onnx_file import save_graph

    whole = prepare(replace(request, precision="f32"), consent=consent, tell=tell)
    folder = converted_folder(entry.id, precision="f16")
    names = _present(whole)
    made_from = _hash_of(whole, names)

    def is_there() -> bool:
        return not request.again and _is_made_from(folder, made_from)

    if is_there():
        return read_model(folder)

    def fill(into: Path) -> Model:
        for name in names:
            path = whole.file(name)
            if path.suffix != ".onnx":
                shutil.copyfile(path, into / name)
                continue
            tell(f"{name}: 16-bit numbers inside")
            save_graph(to_half(onnx.load(str(path))), into / name)
        return whole.model_copy(update={"made_from": made_from})

    return build_folder(folder, fill, is_there=is_there)


def _present(model: Model) -> list[str]:
    """The files of a model: those its family needs, and cards that are there."""
    optional = ("detector.json", "upscaler.json")
    extra = [name for name in optional if (model.folder / name).is_file()]
    return list(dict.fromkeys([*FAMILY_FILES[model.family], *extra]))


def _hash_of(model: Model, names: Sequence[str]) -> str:
    # The card counts too: it names the classes.
    digest = hashlib.sha256(f"{VERSION} {model.made_from} {model.class_names}".encode())
    for name in names:
        digest.update(sha256_of(model.file(name)).encode())
    return digest.hexdigest()
