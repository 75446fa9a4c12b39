"""Synthetic scenes and crops for a learning run that was given none: of the shipped gallery.

Made once, in about a minute, and kept beside other files that can be made again. Small caches: they
only keep the networks from forgetting; `--scenes` and `--crops` name larger ones.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.files import sha256_of
from synth.library import BACKGROUNDS_INDEX, Library, read_library
from training.crop_scenes import CropConfig
from training.crops import make_shard, open_upscaler, write_shard
from training.scenes import BLOCK, DETECTOR_SCENES, make_scenes

__all__ = ["make_default_crops", "make_default_scenes"]

_ASSETS = Path(__file__).parents[1] / "assets"
_CUTOUTS, _BACKGROUNDS = _ASSETS / "cutouts", _ASSETS / "backgrounds"
_NUM_SCENES = 3 * BLOCK
_NUM_SHARDS, _SHARD = 8, 128
_SEED = 0

OnPart = Callable[[float], None]


def make_default_scenes(cache: Path, on_part: OnPart, *, count: int = _NUM_SCENES) -> Path:
    """Return a folder of synthetic scenes, made now as far as it is not there.

    Args:
        cache: Folder of such folders, shared by all projects.
        on_part: Called with the share that is done; may raise to stop, and what is made stays.
        count: Number of scenes, a multiple of 100.
    """
    out = cache / f"scenes-{_key(DETECTOR_SCENES.model_dump_json())}"
    library: Library | None = None
    for end in range(BLOCK, count + 1, BLOCK):
        on_part((end - BLOCK) / count)
        if not (out / "blocks" / f"{end // BLOCK - 1:05d}.jsonl").is_file():
            library = library or _library()
            start = end - BLOCK
            make_scenes(library, DETECTOR_SCENES, out, count=end, seed=_SEED, start=start)
    return out


def make_default_crops(
    cache: Path, upscaler: Path | None, on_part: OnPart, *, num_shards: int = _NUM_SHARDS
) -> Path:
    """Return a folder of synthetic crops, made now as far as it is not there.

    Args:
        cache: See `make_default_scenes`.
        upscaler: ONNX file of the upscaler that they pass; None: bicubic.
        on_part: See `make_default_scenes`.
        num_shards: Number of files, of 128 crops each.
    """
    model = sha256_of(upscaler) if upscaler else "bicubic"
    out = cache / f"crops-{_key(f'{CropConfig()} {model}')}"
    library: Library | None = None
    for number in range(num_shards):
        on_part(number / num_shards)
        if not (out / f"crops-{number:05d}.npz").is_file():
            library = library or _library()
            shard = make_shard(
                library, open_upscaler(upscaler), CropConfig(), count=_SHARD, seed=(_SEED, number)
            )
            write_shard(out, number, shard)
    return out


def _library() -> Library:
    return read_library(_CUTOUTS, _BACKGROUNDS, split="train")


def _key(settings: str) -> str:
    """A name for what decides how they turn out: the gallery and the settings."""
    lists = (_CUTOUTS / "cutouts.jsonl", _BACKGROUNDS / BACKGROUNDS_INDEX)
    hashes = " ".join(sha256_of(path) for path in lists)
    return sha256_of(f"{hashes} {_SEED} {settings}".encode())[:12]
