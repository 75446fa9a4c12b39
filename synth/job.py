"""What shall be made: the job that the page and the command fill in, checked before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError, InputError
from dataset.registry import FORMATS
from dataset.splits import SHARES, Shares, check_shares
from synth.config import SceneConfig
from synth.library import Library, open_library

__all__ = ["GALLERY", "Job", "library_for"]

_ASSETS = Path(__file__).parent.parent / "assets"
GALLERY = (_ASSETS / "cutouts", _ASSETS / "backgrounds")
_DEFAULT = SceneConfig()
_LIMITS = {
    "count": (1, 10_000_000),
    "seed": (0, 2**63 - 1),
    "workers": (1, 256),
    "jpeg_quality": (1, 100),
}


@dataclass(frozen=True, slots=True)
class Job:
    """What shall be made.

    Args:
        out: The dataset's folder; one that an earlier run of the same job left is continued.
        count: Number of images; a larger one lets a finished dataset grow.
        seed: Names the sequence of scenes.
        format: A name in ``dataset.registry.FORMATS``.
        config: What scenes look like.
        cutouts: Folders of cutouts.
        backgrounds: Folders of photographs.
        workers: Processes; 1 stays in this one.
        single_class: One class, "object", instead of a class per type.
        outlines: Also record the outline of what is visible of each object (always for yolo-seg).
        jpeg_quality: Of the images, 1 to 100.
        shares: Of train, val and test.

    Raises:
        ConfigError: A value is out of range, or there is no such format.
    """

    out: Path
    count: int
    seed: int = 0
    format: str = "yolo"
    config: SceneConfig = _DEFAULT
    cutouts: tuple[Path, ...] = (GALLERY[0],)
    backgrounds: tuple[Path, ...] = (GALLERY[1],)
    workers: int = 1
    single_class: bool = True
    outlines: bool = False
    jpeg_quality: int = 92
    shares: Shares = SHARES

    def __post_init__(self) -> None:
        for key, (low, high) in _LIMITS.items():
            if not low <= getattr(self, key) <= high:
                raise ConfigError(f"{key} must be in [{low}, {high}], got {getattr(self, key)}.")
        FORMATS.entry(self.format)  # raises for an unknown name
        check_shares(self.shares)
        # One way to write them, or equal jobs would differ in their manifests.
        object.__setattr__(self, "shares", tuple(map(float, self.shares)))
        object.__setattr__(self, "out", Path(self.out))
        if self.format == "yolo-seg":  # its rows are outlines
            object.__setattr__(self, "outlines", True)
        object.__setattr__(self, "cutouts", tuple(map(Path, self.cutouts)))
        object.__setattr__(self, "backgrounds", tuple(map(Path, self.backgrounds)))

    def options(self) -> dict[str, object]:
        """What besides seed, settings and library decides the bytes of the images."""
        return {
            "single_class": self.single_class,
            "outlines": self.outlines,
            "jpeg_quality": self.jpeg_quality,
            "shares": list(self.shares),
        }


def library_for(
    cutouts: Sequence[Path], backgrounds: Sequence[Path], config: SceneConfig
) -> Library:
    """The library in some folders, its backgrounds as large as these settings can show them.

    Raises:
        InputError: A folder cannot be used; the message says why.
    """
    if not cutouts or not backgrounds:
        raise InputError("scenes need a folder of cutouts and one of backgrounds.")
    # The smallest window then just reaches its own pixels; more would only cost memory.
    side_px = max(640, min(round(max(config.canvas_wh) / config.window_ratio_min), 4096))
    return open_library(cutouts, backgrounds, background_side_px=side_px)
