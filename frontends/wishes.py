"""What a visitor wishes for, read from a browser's message or a file and checked.

Knows no page. In: plain mappings, which may be anything; out: settings, a choice and a seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.config import config_hash
from core.errors import ConfigError
from dataset.splits import SHARES, Shares, check_shares
from frontends.chosen import Choice, read_choice
from synth.config import SceneConfig

__all__ = ["Wish", "parse_shares", "read_settings", "read_shares", "read_wish", "refuse_steps"]

_SEED_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What scenes shall look like, and of what they are made."""

    config: SceneConfig
    choice: Choice = field(default_factory=Choice)
    seed: int = 0
    shares: Shares = SHARES

    @property
    def key(self) -> str:
        """Names everything but the choice, as part of a file name."""
        shares = "-".join(f"{share:.6g}" for share in self.shares)
        return f"{config_hash(self.config)}-{self.seed}-{shares}"


def read_wish(values: Mapping[str, Any]) -> Wish:
    """Return the wish in a browser's message.

    Raises:
        ConfigError: A setting is unknown or out of range.
    """
    settings = values.get("settings")
    if not isinstance(settings, Mapping):
        raise ConfigError("the settings are missing.", "Reload the page.")
    config = read_settings(settings)
    seed = values.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= _SEED_MAX:
        raise ConfigError(f"the seed must be in [0, {_SEED_MAX}], got {seed!r}.")
    return Wish(config, read_choice(values), seed, read_shares(values.get("shares", SHARES)))


def read_shares(value: object) -> Shares:
    """The shares of train, val and test in a browser's message, of any sum.

    Raises:
        ConfigError: They are not three numbers from 0 on, or train has none.
    """
    told = value if isinstance(value, Sequence) else ()
    return check_shares(told if all(isinstance(share, int | float) for share in told) else ())


def parse_shares(text: str) -> Shares:
    """The shares of train, val and test on a command line, such as "80,10,10".

    Raises:
        ConfigError: They are not three numbers from 0 on, or train has none.
    """
    try:
        told = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"cannot read the shares '{text}'.", "Write 0.8,0.1,0.1.") from error
    return check_shares(told)


def read_settings(settings: Mapping[str, Any]) -> SceneConfig:
    """Return the settings that a browser or a file tells; what is not told has its default.

    Raises:
        ConfigError: A setting is unknown, out of range, or not for visitors.
    """
    refuse_steps(settings)
    return SceneConfig().with_values(settings)


def refuse_steps(settings: Mapping[str, Any]) -> None:
    """Refuse effects of one's own before anything looks at them.

    Even to check one runs any transform of albumentations with any arguments, and so takes as much
    time and memory as a stranger likes.

    Raises:
        ConfigError: There are some.
    """
    if settings.get("effects_steps"):
        raise ConfigError(
            "effects_steps cannot be used on the page.",
            "Choose one of effects, or generate with them on the command line.",
        )
