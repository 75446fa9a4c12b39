"""One service for all front ends: locators by settings, observations by picture, limits.

Holds no vision code and no words of the page. In: a picture's path, captions, settings; out: a
`Result` and the key under which its observation is kept.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import config_hash
from core.errors import CaptionError, ConfigError, ImageError, InputError
from core.files import sha256_of
from core.locks import NamedLocks
from core.result import Result
from core.types import Crops, Image
from pipeline.cache import set_cache_folder
from pipeline.config import LocateConfig, load_config

if TYPE_CHECKING:
    from pipeline.locate import Locator, Observation
    from pipeline.rank import Assignment

__all__ = ["ENVIRONMENT", "Answer", "CropPair", "Limits", "Service", "read_limits", "use_cache"]

_LOG = logging.getLogger(__name__)

# The only environment variables of the project: name, default, meaning.
# GRADIO_SERVER_NAME and GRADIO_SERVER_PORT are read by Gradio itself; SPACE_ID, which Hugging Face
# sets on a Space, only decides where projects lie unless SPOTTER_PROJECTS does.
ENVIRONMENT: tuple[tuple[str, str, str], ...] = (
    ("SPOTTER_PRESET", "", "Preset of the page; empty: the default preset."),
    ("SPOTTER_CACHE", "", "Folder of converted models and built engines; empty: ~/.cache/spotter."),
    ("SPOTTER_UPLOAD_MB", "32", "Largest accepted picture file, in MB (million bytes)."),
    ("SPOTTER_ARCHIVE_MB", "2000", "Largest accepted ZIP file, such as a whole project, in MB."),
    ("SPOTTER_MAX_PIXELS", "60000000", "Largest accepted picture, in pixels."),
    ("SPOTTER_CACHE_MB", "256", "Memory for observations of pictures, in MB."),
    ("SPOTTER_MAX_CAPTIONS", "50", "Most captions for one picture on the page."),
    ("SPOTTER_SYNTH_IMAGES", "2000", "Most pictures of one data set made on the page."),
    ("SPOTTER_SYNTH_PIXELS", "9000000", "Largest picture made on the page, in pixels."),
    ("SPOTTER_SYNTH_FILES", "600", "Most own cutouts, and most own backgrounds, of a visitor."),
    ("SPOTTER_SYNTH_RUNS", "1", "Data sets made at the same time; others wait."),
    (
        "SPOTTER_VISIT_MB",
        "2000",
        "Disk space for a visitor's own files, and for the data set, in MB.",
    ),
    (
        "SPOTTER_PROJECTS",
        "",
        "Folder of the labelling projects, shared by all who open the page; visit: each visitor's "
        "own, gone after the visit; empty: ~/spotter-projects, on a Space as with visit.",
    ),
)
_MAX_LOCATORS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What a front end accepts from strangers; see `ENVIRONMENT`."""

    preset: str | None
    upload_max_bytes: int
    max_pixels: int
    cache_max_bytes: int
    max_captions: int
    synth_max_images: int = 2000
    synth_max_pixels: int = 9_000_000
    synth_max_files: int = 600
    synth_max_runs: int = 1
    visit_max_bytes: int = 2_000_000_000
    archive_max_bytes: int = 2_000_000_000
    projects_folder: Path | None = None
    """Where labelling projects lie; None: in each visitor's folder."""


def read_limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """Return the limits that the environment sets, with the table's defaults.

    Raises:
        ConfigError: a value is not a whole number above 0.
    """
    values = {name: environment.get(name, "") or default for name, default, _ in ENVIRONMENT}

    def number(name: str) -> int:
        if not values[name].isdecimal() or int(values[name]) == 0:
            raise ConfigError(f"{name} must be a whole number above 0, got {values[name]!r}.")
        return int(values[name])

    return Limits(
        preset=values["SPOTTER_PRESET"] or None,
        upload_max_bytes=number("SPOTTER_UPLOAD_MB") * 1_000_000,
        max_pixels=number("SPOTTER_MAX_PIXELS"),
        cache_max_bytes=number("SPOTTER_CACHE_MB") * 1_000_000,
        max_captions=number("SPOTTER_MAX_CAPTIONS"),
        synth_max_images=number("SPOTTER_SYNTH_IMAGES"),
        synth_max_pixels=number("SPOTTER_SYNTH_PIXELS"),
        synth_max_files=number("SPOTTER_SYNTH_FILES"),
        synth_max_runs=number("SPOTTER_SYNTH_RUNS"),
        visit_max_bytes=number("SPOTTER_VISIT_MB") * 1_000_000,
        archive_max_bytes=number("SPOTTER_ARCHIVE_MB") * 1_000_000,
        projects_folder=_projects_folder(
            values["SPOTTER_PROJECTS"], environment.get("SPACE_ID", "")
        ),
    )


def _projects_folder(wished: str, space: str) -> Path | None:
    if wished == "visit" or (not wished and space):
        return None
    return Path(wished or "~/spotter-projects").expanduser().resolve()


@dataclass(frozen=True, slots=True)
class _Seen:
    """An observation with what is needed to use it again."""

    path: Path
    config: LocateConfig
    observation: Observation
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A result, the key of its observation, and whether that one was kept from before."""

    result: Result
    key: str
    reused: bool
    found_probability_min: float
    """Below this a caption has no answer."""


@dataclass(frozen=True, slots=True)
class CropPair:
    """The crop of one box, as cut and as upscaled (None where it was large enough)."""

    cut: Image
    upscaled: Image | None
    region_xyxy: tuple[int, ...]
    scale: float
    upscaling: bool


class Service:
    """Answers for every front end; safe to use from several threads.

    Args:
        limits: what is accepted.
        open_locator: makes a locator from settings; tests pass a fake one.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        open_locator: Callable[[LocateConfig], Locator] | None = None,
    ) -> None:
        self.limits = limits or read_limits()
        self._open = open_locator or _open_locator
        self._locators: OrderedDict[str, Locator] = OrderedDict()
        self._locators_lock = threading.Lock()
        # To convert and compile models may take minutes: only who wants the same ones waits.
        self._opening = NamedLocks()
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._seen_lock = threading.Lock()
        # One picture at a time: two would only share the same cores.
        self._working = threading.Lock()

    def base_config(self, preset: str | None = None, sets: Sequence[str] = ()) -> LocateConfig:
        """Return the settings of the page before anything is changed.

        Args:
            preset: another preset than the page's own.
            sets: pairs such as "engine.engine=openvino".

        Raises:
            SpotterError: the preset is unknown or malformed.
        """
        config = load_config(preset or self.limits.preset, sets=sets)
        pixels = min(config.image.max_pixels, self.limits.max_pixels)
        return config.with_values({"image": {"max_pixels": pixels}})

    def locator(self, config: LocateConfig) -> Locator:
        """Return the locator for these settings, opened on first use."""
        name = config_hash(config)
        with self._opening(name):
            with self._locators_lock:
                locator = self._locators.get(name)
            if locator is None:
                locator = self._open(config)
            with self._locators_lock:
                self._locators[name] = locator
                self._locators.move_to_end(name)
                while len(self._locators) > _MAX_LOCATORS:
                    self._locators.popitem(last=False)
        return locator

    def warm_up(self) -> None:
        """Load the models of the base settings and run them once."""
        locator = self.locator(self.base_config())
        with self._working:
            locator.warm_up()

    def locate(
        self,
        path: Path,
        captions: Sequence[str],
        config: LocateConfig,
        *,
        assignment: Assignment = "independent",
    ) -> Answer:
        """Return what the captions describe; image work is done only for a picture not seen yet.

        Args:
            path: the picture's file.
            captions: one description per object.
            config: the settings; a higher `detect.score_min` than before needs no image work
                and gives what it would give by itself.
            assignment: "joint" gives no box to two captions.

        Raises:
            SpotterError: the picture, a caption or a model cannot be used.
        """
        self._check(path, captions)
        locator = self.locator(config)
        key, seen, reused = self._look(path, config, locator, captions)
        result = self._answer(seen, captions, config, assignment)
        return Answer(result, key, reused, locator.calibration.found_probability_min)

    def answer_again(
        self,
        key: str,
        captions: Sequence[str],
        *,
        score_min: float,
        assignment: Assignment = "independent",
    ) -> tuple[Path, Result]:
        """Return the picture's path and the result for a picture that is still kept.

        Raises:
            InputError: it is no longer kept.
        """
        self.check_captions(captions)
        seen = self._kept(key)
        config = seen.config.with_values({"detect": {"score_min": score_min}})
        return seen.path, self._answer(seen, captions, config, assignment)

    def crops(self, key: str, row: int) -> CropPair:
        """Return the crop of one box before and after upscaling.

        Raises:
            InputError: the picture is no longer kept, or there is no such row.
        """
        seen = self._kept(key)
        observation = seen.observation
        if not 0 <= row < len(observation.crops):
            raise InputError(f"there is no box {row}, the picture has {len(observation.crops)}.")
        scale = float(observation.upscaled.scale[row])
        return CropPair(
            cut=observation.crops.images[row],
            upscaled=observation.upscaled.images[row] if scale > 1 else None,
            region_xyxy=tuple(observation.crops.region_xyxy[row].tolist()),
            scale=scale,
            upscaling=seen.config.upscale.mode != "none",
        )

    def _check(self, path: Path, captions: Sequence[str]) -> None:
        try:
            size_bytes = path.stat().st_size
        except OSError as error:
            what = f"cannot read {path.name}: {error.strerror or 'unknown reason'}."
            raise ImageError(what, "Choose the picture again.") from error
        if size_bytes > self.limits.upload_max_bytes:
            raise ImageError(
                f"{path.name} has {size_bytes / 1e6:.0f} MB, "
                f"the limit is {self.limits.upload_max_bytes / 1e6:.0f} MB.",
                "Save it smaller and try again.",
            )
        self.check_captions(captions)

    def check_captions(self, captions: Sequence[str]) -> None:
        """Refuse more captions than the page looks for in one picture.

        Raises:
            CaptionError: There are more.
        """
        if len(captions) > self.limits.max_captions:
            raise CaptionError(
                f"got {len(captions)} captions, the limit is {self.limits.max_captions}.",
                "Leave some out.",
            )

    def _look(
        self, path: Path, config: LocateConfig, locator: Locator, captions: Sequence[str]
    ) -> tuple[str, _Seen, bool]:
        """Key, observation, and whether it was kept; a lower score_min than before looks anew."""
        key = f"{sha256_of(path)[:24]}-{_settings_key(config)}"
        if locator.reads_captions:
            # Told to look for something else, it sees something else.
            key += f"-{sha256_of(chr(10).join(captions).encode())[:12]}"
        if kept := self._seen_before(key, path, config):
            return key, kept, True
        with self._working:
            # Another visitor may have brought the same picture while this one waited.
            if kept := self._seen_before(key, path, config):
                return key, kept, True
            told = (captions,) if locator.reads_captions else ()
            observation = locator.observe([path], *told)[0]
            size_bytes = _size_bytes(observation.crops) + _size_bytes(observation.upscaled)
            seen = _Seen(path, config, observation, size_bytes)
            self._keep(key, seen)
        return key, seen, False

    def _seen_before(self, key: str, path: Path, config: LocateConfig) -> _Seen | None:
        with self._seen_lock:
            seen = self._seen.get(key)
            if seen is None or seen.config.detect.score_min > config.detect.score_min:
                return None
            # The newest upload of a picture is the one that will still be there for a download.
            self._seen[key] = seen = replace(seen, path=path)
            self._seen.move_to_end(key)
            return seen

    def _keep(self, key: str, seen: _Seen) -> None:
        with self._seen_lock:
            self._seen[key] = seen
            self._seen.move_to_end(key)
            total = sum(other.size_bytes for other in self._seen.values())
            while total > self.limits.cache_max_bytes and len(self._seen) > 1:
                total -= self._seen.popitem(last=False)[1].size_bytes

    def _kept(self, key: str) -> _Seen:
        with self._seen_lock:
            if key not in self._seen:
                raise InputError("this picture is no longer kept.", "Press Locate and try again.")
            return self._seen[key]

    def _answer(
        self,
        seen: _Seen,
        captions: Sequence[str],
        config: LocateConfig,
        assignment: Assignment,
    ) -> Result:
        # Not the locator that looked: its settings are told with the answer.
        locator = self.locator(config)
        shown = _above(seen.observation, config.detect.score_min)
        return locator.answer(shown, captions, assignment=assignment)


def use_cache(environment: Mapping[str, str] = os.environ) -> None:
    """Keep converted models and built engines where the environment says."""
    folder = environment.get("SPOTTER_CACHE", "")
    set_cache_folder(Path(folder).expanduser() if folder else None)


def _open_locator(config: LocateConfig) -> Locator:
    # Engines are imported here, so that a page is served before any of them.
    from convert.job import prepare_missing
    from pipeline.locate import Locator

    # Weights that are on this machine are converted at their first use; nothing is fetched.
    prepare_missing(config, tell=lambda what: _LOG.info("%s", what))
    return Locator.open(config)


def _above(observation: Observation, score_min: float) -> Observation:
    """The boxes at or above a score. They come best first, so rows keep their numbers."""
    count = int((observation.detections.score >= score_min).sum())
    return replace(
        observation,
        detections=observation.detections[:count],
        embeds=observation.embeds[:count],
    )


def _settings_key(config: LocateConfig) -> str:
    """Name of all settings that change an observation, beside the score they are filtered by."""
    unfiltered = config.with_values({"detect": {"score_min": config.detect.weighed_score_min}})
    return config_hash(unfiltered)


def _size_bytes(crops: Crops) -> int:
    return sum(image.nbytes for image in crops.images)
