"""The settings of a locator: one frozen section per stage, gathered in `LocateConfig`.

Presets are TOML files in pipeline/presets; `load_config` merges them with a user's file and pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from core.config import Section, load, parse_set
from core.errors import ConfigError, UnknownNameError
from core.files import read_toml
from core.image import MAX_PIXELS
from core.registry import suggest

__all__ = [
    "CutConfig",
    "DetectConfig",
    "EngineConfig",
    "ImageConfig",
    "LocateConfig",
    "RerankConfig",
    "UpscaleConfig",
    "load_config",
    "preset_names",
]

Side = Annotated[int, Field(ge=32, le=8192)]
SizeWh = tuple[Side, Side]

PRESETS_PATH = Path(__file__).parent / "presets"
# Boxes below weigh next to nothing where several looks are fused, and cost time.
FUSED_SCORE_MIN = 0.1


class ImageConfig(Section):
    """What images are accepted."""

    max_pixels: int = Field(
        default=MAX_PIXELS, ge=1, le=178_000_000, description="Largest accepted image, in pixels."
    )


class DetectConfig(Section):
    """Finding candidate boxes."""

    model: str = Field(
        default="spotter-detector-n", description="Catalogue id of the detector, or a model folder."
    )
    score_min: float = Field(
        default=0.1, ge=0, le=1, description="Boxes with a lower detector score are dropped."
    )
    iou_max: float = Field(
        default=0.45,
        ge=0,
        le=1,
        description="Boxes that overlap by more (IoU) are taken for one object.",
    )
    max_boxes: int = Field(
        default=20, ge=1, le=300, description="At most this many boxes per image, best first."
    )
    input_wh: SizeWh = Field(
        default=(960, 544),
        description="Width and height in pixels that the image is fitted into.",
    )
    level_count: int = Field(
        default=3,
        ge=1,
        le=4,
        description="At how many scales to look, each half the one before: finds large objects.",
    )
    look_closer: bool = Field(
        default=True,
        description="Look again at each small candidate, at the image's own resolution where that "
        "is finer than the input: finds and places small objects better.",
    )
    tile_wh: SizeWh | Literal["auto"] | None = Field(
        default=None,
        description="Also look at overlapping tiles of this width and height in pixels; "
        "auto: as large as the input, where the image is larger; unset: no tiles.",
    )
    tile_overlap_ratio: float = Field(
        default=0.25, ge=0, le=0.8, description="Overlap of neighbouring tiles, share of a tile."
    )
    tile_merge: Literal["nms", "nmm"] = Field(
        default="nms",
        description="Of boxes that overlap across tiles keep the surest (nms), or join them (nmm).",
    )
    tile_whole: bool = Field(
        default=True, description="Look at the whole image too, for what is larger than a tile."
    )
    flip: bool = Field(
        default=False, description="Look at the mirrored image too, and fuse what both show."
    )
    scales: tuple[Annotated[float, Field(ge=0.25, le=4)], ...] = Field(
        default=(),
        max_length=4,
        description="Look again with the input size times each of these, and fuse.",
    )
    ensemble: tuple[str, ...] = Field(
        default=(),
        max_length=4,
        description="Further detectors, fused with the first by weighted boxes.",
    )

    @property
    def is_fused(self) -> bool:
        """Whether boxes of several looks at an image are put together."""
        several = self.level_count > 1 or self.flip or self.scales or self.ensemble
        return bool(several) or self.look_closer or self.tile_wh is not None

    @property
    def weighed_score_min(self) -> float:
        """Score from which a box has a part in which other boxes there are, and where.

        Of settings that agree in this and differ in `score_min` alone, the higher ones give the
        same boxes, only fewer. A single look chooses from the surest down, so that a lower score
        changes nothing above it. Fused looks are averaged: they weigh the same boxes, whatever is
        shown of them.
        """
        if not self.is_fused:
            return 0.0
        return min(self.score_min, FUSED_SCORE_MIN)

    def at_level(self, number: int) -> DetectConfig:
        """Return the settings for the image at about 1 / 2^number of its scale.

        Coarser sides are cut to multiples of 32: what a picture does not fill is only padding.
        """
        if number == 0:
            return self
        width, height = (max(32, (side >> number) // 32 * 32) for side in self.input_wh)
        return self.model_copy(update={"input_wh": (width, height)})

    def at_scale(self, scale: float) -> DetectConfig:
        """Return the settings with the input so much larger or smaller, in multiples of 32."""
        width, height = (-(-round(side * scale) // 32) * 32 for side in self.input_wh)
        return self.model_copy(update={"input_wh": (width, height)})


class CutConfig(Section):
    """Cutting the boxes out."""

    context_ratio: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Context at each end of a box, as a share of its longer side.",
    )
    shape: Literal["square", "box"] = Field(
        default="square",
        description="Cut squares with real surroundings, or crops of the shape of the box.",
    )


class UpscaleConfig(Section):
    """Enlarging small crops."""

    mode: Literal["model", "lanczos", "none"] = Field(
        default="model",
        description="Enlarge with the upscaling model, with Lanczos, or not at all.",
    )
    model: str = Field(
        default="spotter-upscaler-x4",
        description="Catalogue id of the upscaler, or a model folder.",
    )
    # The mini reranker sees 96 px: enlarging larger crops gained nothing and took most of the
    # time (benchmarks/results/accuracy-*.json). Presets with larger rerankers raise it.
    below_px: int = Field(
        default=48,
        ge=1,
        le=512,
        description="Only crops whose longer side is smaller are enlarged.",
    )
    margin_px: int = Field(
        default=8,
        ge=0,
        le=64,
        description="Real context around a crop while it is enlarged, in pixels.",
    )


class RerankConfig(Section):
    """Comparing crops with captions."""

    model: str = Field(
        default="spotter-reranker", description="Catalogue id of the reranker, or a model folder."
    )
    found_probability_min: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Below this probability the answer is 'not in this image'; unset: the model's.",
    )
    cached_captions: int = Field(
        default=4096,
        ge=1,
        le=1_000_000,
        description="How many caption embeddings are kept in memory.",
    )


class EngineConfig(Section):
    """How the networks are run."""

    engine: Literal["auto", "openvino", "onnxruntime"] = Field(
        default="auto", description="Runtime of the networks; a named one is used or refused."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where the networks run; a named one is used or refused."
    )
    provider: Literal["auto", "tensorrt", "tensorrt-rtx", "cuda"] = Field(
        default="auto",
        description="How ONNX Runtime uses a GPU; a named one is used or refused.",
    )
    precision: Literal["auto", "f32", "f16", "bf16", "int8"] = Field(
        default="auto",
        description="Number format inside the networks; auto: f16 on a GPU, bf16 where the CPU "
        "has it, else int8 where a model comes with 8-bit networks.",
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="CPU threads per network; 0: as many as we may use."
    )


class LocateConfig(Section):
    """All settings of a locator."""

    preset: str = Field(
        default="mini", description="Name of the preset that these settings began with."
    )
    image: ImageConfig = ImageConfig()
    detect: DetectConfig = DetectConfig()
    cut: CutConfig = CutConfig()
    upscale: UpscaleConfig = UpscaleConfig()
    rerank: RerankConfig = RerankConfig()
    engine: EngineConfig = EngineConfig()


def preset_names() -> list[str]:
    """Return the names of the presets, sorted."""
    return sorted(path.stem for path in PRESETS_PATH.glob("*.toml"))


def load_config(
    preset: str | None = None, *, file: str | Path | None = None, sets: Sequence[str] = ()
) -> LocateConfig:
    """Return the settings: defaults < preset < file < pairs.

    Args:
        preset: A name from `preset_names`; when None, what the pairs or the file say, else "mini".
        file: The user's TOML file.
        sets: Pairs such as "detect.score_min=0.2".

    Raises:
        ConfigError: A key is unknown or a value not allowed; Spotter's own files are missing.
        UnknownNameError: There is no such preset.
        DataError: The file cannot be read.

    Example:
        >>> load_config("mini", sets=["detect.score_min=0.4"]).detect.score_min
        0.4
    """
    if isinstance(sets, str):
        raise ConfigError("sets must be a list of pairs, got one text.", f"Write [{sets!r}].")
    file = Path(file) if file is not None else None
    if preset is None:
        # As of any setting, the last pair counts.
        wishes = [parse_set(pair).get("preset") for pair in reversed(sets)]
        wishes.append(read_toml(file).get("preset") if file else None)
        preset = next((str(wish) for wish in wishes if wish is not None), "mini")
    if preset not in preset_names():
        if not preset_names():
            raise ConfigError(
                f"{PRESETS_PATH} is missing: Spotter was copied without its presets and models.",
                "Install its repository in place: pip install -e FOLDER.",
            )
        names = [name for name in preset_names() if name != "fake"]  # for tests
        raise UnknownNameError(
            f"unknown preset '{preset}'.{suggest(preset, names)}", f"Known: {', '.join(names)}."
        )
    return load(
        LocateConfig,
        preset=PRESETS_PATH / f"{preset}.toml",
        file=file,
        sets=[*sets, f'preset="{preset}"'],
    )
