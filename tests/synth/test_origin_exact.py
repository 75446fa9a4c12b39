"""The origin's recipe, step by step: our fast filters give what albumentations gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

A = pytest.importorskip("albumentations", reason="pip install -r requirements.txt")

from synth.effect_filters import FILTERS
from synth.effect_presets import PRESETS
from synth.effects import sample_effects
from synth.origin import _detector_v3, apply_recipe
from synth.outlines import Marks


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    rng = np.random.default_rng(4)
    small = rng.integers(30, 220, (14, 20, 3), dtype=np.uint8)
    soft = cv2.resize(small, (200, 140), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "parameters", "transform", "levels"),
    [
        ("box_blur", {"side_px": 5}, A.Blur(blur_limit=(5, 5), p=1), 0),
        ("median", {"side_px": 7}, A.MedianBlur(blur_limit=(7, 7), p=1), 0),
        ("grey", {}, A.ToGray(p=1), 0),
        ("clahe", {"clip_limit": 3.0}, A.CLAHE(clip_limit=(3, 3), p=1), 0),
        ("gamma", {"gamma": 0.85}, A.RandomGamma(gamma_limit=(85, 85), p=1), 0),
        (
            "linear",
            {"gain": 1.15, "offset": -0.12},
            A.RandomBrightnessContrast((-0.12, -0.12), (0.15, 0.15), p=1),
            1,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_filters_equal_the_librarys(
    photo: np.ndarray, name: str, parameters: dict[str, float], transform: object, levels: int
) -> None:
    expected = transform(image=photo)["image"].astype(int)
    assert np.abs(FILTERS[name](photo, **parameters) - expected).max() <= levels


def test_compression_equals_the_librarys_but_for_the_order_of_channels(photo: np.ndarray) -> None:
    # The library hands RGB to an encoder that expects BGR; the loss of ours is a camera's.
    theirs = A.ImageCompression(quality_range=(80, 80), p=1)(image=photo)["image"]
    ours = FILTERS["jpeg"](np.ascontiguousarray(photo[..., ::-1]), quality=80)[..., ::-1]
    assert np.array_equal(ours, theirs)


def test_sensor_noise_has_the_librarys_law(photo: np.ndarray) -> None:
    theirs, ours = [], []
    for seed in range(6):
        compose = A.Compose([A.ISONoise(intensity=(0.4, 0.4), p=1)], seed=seed)
        theirs.append(compose(image=photo)["image"].astype(int) - photo)
        ours.append(FILTERS["iso"](photo, intensity=0.4, seed=seed).astype(int) - photo)
    shares = [np.mean(np.abs(change).max(axis=-1) > 3) for change in (theirs, ours)]
    means = [np.mean(change) for change in (theirs, ours)]
    assert shares[1] == pytest.approx(shares[0], rel=0.06)
    assert means[1] == pytest.approx(means[0], abs=0.15)
    assert means[0] > 0.5


def test_the_preset_is_the_recipe() -> None:
    ours = [(choice.name, choice.probability) for choice in PRESETS["origin-v3"]]
    theirs = [transform.p for transform in _detector_v3()]
    assert [probability for _, probability in ours] == theirs
    drawn = [sample_effects(np.random.default_rng(i), "origin-v3") for i in range(3000)]
    variances = [s.parameters["std"] ** 2 for steps in drawn for s in steps if s.name == "noise"]
    assert np.mean(variances) == pytest.approx(1250, rel=0.05), "variance uniform in 0..2500"
    qualities = {s.parameters["quality"] for steps in drawn for s in steps if s.name == "jpeg"}
    assert qualities == set(range(75, 101))
    axes = [s.parameters["axis"] for steps in drawn for s in steps if s.name == "flip"]
    assert len(axes) == pytest.approx(1500, rel=0.08)
    assert np.bincount(np.array(axes, int)) == pytest.approx([500] * 3, rel=0.15)


def test_threads_draw_for_themselves(photo: np.ndarray) -> None:
    """The page makes previews beside a run: neither changes what the other draws."""
    marks = Marks.from_boxes(np.array([(10, 10, 40, 30)], np.float32))

    def change(seed: int) -> tuple[bytes, bytes]:
        image, moved, _ = apply_recipe(photo, marks, "origin_reranker_v2", seed)
        return image.tobytes(), moved.xyxy.tobytes()

    alone = [change(seed) for seed in range(24)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(change, range(24))) == alone
