"""Effects: strict names, ranges kept, the old noise law."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from synth.effect_filters import FILTERS
from synth.effect_presets import STEP_RANGES
from synth.effects import PRESET_NAMES, EffectStep, apply_effects, check_preset, sample_effects
from synth.outlines import Marks

GREY = np.full((64, 96, 3), 128, np.uint8)
BOXES = Marks.from_boxes(np.array([[4, 6, 30, 40]], np.float32))


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("jpg", {}, "Did you mean 'jpeg'"),
        ("jpeg", {"qualty": 50}, "Did you mean 'quality'"),
        ("jpeg", {"quality": 101}, r"quality must be in \[5, 100\], got 101"),
        ("jpeg", {}, "needs the parameter 'quality'"),
    ],
)
def test_wrong_steps_are_refused(name: str, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EffectStep(name, parameters)


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown effects preset 'strong'"):
        check_preset("strong")


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_presets_draw_within_ranges_and_repeat(preset: str) -> None:
    if preset.startswith("origin"):
        pytest.importorskip("albumentations")
    for seed in range(8):
        steps = sample_effects(np.random.default_rng(seed), preset)
        assert steps == sample_effects(np.random.default_rng(seed), preset)
        first = apply_effects(GREY, BOXES, steps)
        second = apply_effects(GREY, BOXES, steps)
        assert np.array_equal(first[0], second[0])
        assert first[0].dtype == np.uint8
        assert len(first[1]) == len(first[2]) <= 1
    assert (GREY == 128).all()


def test_none_changes_nothing() -> None:
    image, boxes, rows = apply_effects(
        GREY, BOXES, sample_effects(np.random.default_rng(0), "none")
    )
    assert np.array_equal(image, GREY)
    assert np.array_equal(boxes.xyxy, BOXES.xyxy)
    assert rows.tolist() == [0]


@pytest.mark.parametrize("color_ratio", [0.0, 0.5, 1.0])
def test_noise_has_its_strength(color_ratio: float) -> None:
    step = EffectStep("noise", {"std": 12.0, "color_ratio": color_ratio, "seed": 5})
    image, _, _ = apply_effects(GREY, BOXES, [step])
    assert image.std() == pytest.approx(12.0, rel=0.06)
    assert image.mean() == pytest.approx(128, abs=0.6)


def test_exposure_blows_highlights_out() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (4, 1, 3))
    values = {"gamma": 1, "gain": 1.5, "contrast": 1, "red_gain": 1, "blue_gain": 1}
    image, _, _ = apply_effects(ramp, BOXES, [EffectStep("tone", {**values, "saturation": 1})])
    assert (image[0, 171:, 0] == 255).all()
    assert image[0, 100, 0] == 150


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_step_runs_at_both_ends(name: str) -> None:
    for end in (0, 1):
        step = EffectStep(name, {key: limits[end] for key, limits in STEP_RANGES[name].items()})
        image, boxes, _ = apply_effects(GREY, BOXES, [step])
        assert image.shape == GREY.shape
        assert np.array_equal(boxes.xyxy, BOXES.xyxy)


def test_the_old_noise_draws_variances_uniformly() -> None:
    pytest.importorskip("albumentations")
    import albumentations as A  # noqa: N812

    from synth.origin import OldGaussNoise

    noise = A.Compose([OldGaussNoise((500, 5000), p=1)], seed=3)
    image = np.full((32, 32, 3), 128, np.uint8)
    # Clipping at 0 and 255 takes a little: the law is checked on the noise itself.
    stds = [
        noise.transforms[0].get_params_dependent_on_data({}, {"image": image})["noise"].std()
        for _ in range(300)
    ]
    variances = np.square(stds)
    assert variances.mean() == pytest.approx(2750, rel=0.08)
    assert np.mean(stds) == pytest.approx(50.7, rel=0.05)


def test_origin_recipes_know_all_their_arguments() -> None:
    pytest.importorskip("albumentations")
    from synth.origin import ORIGIN_NAMES, apply_recipe

    shapes = set()
    for name in ORIGIN_NAMES:
        for seed in range(10):
            image, boxes, rows = apply_recipe(GREY, BOXES, name, seed)
            shapes.add(image.shape)
            limit = [image.shape[1], image.shape[0]] * 2
            assert (boxes.xyxy >= 0).all()
            assert (boxes.xyxy <= limit).all()
            assert len(boxes) == len(rows)
    assert shapes == {(64, 96, 3), (96, 64, 3)}
