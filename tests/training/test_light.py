"""Light on pasted objects: colors stay nameable, and who stands against it is said to be black."""

from __future__ import annotations

import numpy as np

from training.light import light_object


def _sprite(rgb: tuple[int, int, int]) -> np.ndarray:
    """An opaque bar within clear pixels: (20, 60, 4) premultiplied."""
    sprite = np.zeros((20, 60, 4), np.float32)
    sprite[5:15, 5:55, :3] = rgb
    sprite[5:15, 5:55, 3] = 255
    return sprite


def test_light_changes_colors_within_the_object_alone() -> None:
    sprite, canvas = _sprite((200, 40, 30)), np.full((80, 80, 3), 150, np.float32)
    rng = np.random.default_rng(3)
    reds = []
    for _ in range(200):
        lit, silhouette = light_object(sprite, canvas, rng)
        assert lit.shape == sprite.shape
        assert lit.min() >= 0
        assert (lit[..., :3] <= lit[..., 3:] + 1e-3).all()  # still premultiplied
        assert lit[0, 0].max() < 1e-3  # beyond the reach of any blur drawn here
        if not silhouette:
            red, green, blue = lit[10, 10:50, :3].mean(0)
            assert red > 1.3 * max(green, blue)
            reds.append(red)
    assert np.ptp(reds) > 60


def test_an_object_against_the_light_is_dark_before_its_sky() -> None:
    sprite, canvas = _sprite((240, 240, 240)), np.full((80, 80, 3), 190, np.float32)
    rng = np.random.default_rng(4)
    shown = [light_object(sprite, canvas, rng) for _ in range(400)]
    dark = [lit[10, 30, :3].mean() for lit, silhouette in shown if silhouette]
    assert 8 <= len(dark) <= 48
    assert max(dark) < 0.6 * 190
    night = np.full((80, 80, 3), 40, np.float32)
    assert not any(light_object(sprite, night, rng)[1] for _ in range(100))


def test_what_faces_up_shows_the_sky_and_what_faces_down_the_ground() -> None:
    sprite = _sprite((160, 160, 160))
    sky = np.broadcast_to(np.array([70, 125, 195], np.float32), (80, 80, 3))
    rng = np.random.default_rng(5)
    lit = np.mean([light_object(sprite, sky, rng)[0][5:15, 5:55, :3] for _ in range(600)], 0)
    blueness = lit[..., 2].mean(1) / lit[..., 0].mean(1)  # by row
    assert (np.diff(blueness) < 0).all()
    assert blueness[0] > blueness[-1] + 0.03
