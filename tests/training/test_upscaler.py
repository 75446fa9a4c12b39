"""The upscaler's degradation, patches, training and export, at the smallest size."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
pytest.importorskip("safetensors", reason="pip install -r requirements-train.txt")

from training.compact import Compact, receptive_margin_px
from training.degrade import LEVELS, degrade, draw_level
from training.patches import iterate_patches, list_pictures, read_cutouts, split_pictures
from training.upscaler import Pool, main
from training.upscaler_eval import measure_psnr


@pytest.fixture
def photographs(tmp_path: Path, rng: np.random.Generator) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("harbor_0", "harbor_1", "field_0", "lake_0"):
        coarse = rng.integers(0, 256, (12, 18, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (360, 320), interpolation=cv2.INTER_CUBIC)
        assert cv2.imwrite(str(folder / f"{name}.png"), image)
    return folder


@pytest.mark.parametrize("level", LEVELS)
def test_degrade_keeps_size_type_and_mean_color(level: str, rng: np.random.Generator) -> None:
    image = np.full((64, 96, 3), (200, 120, 40), np.uint8)
    small = degrade(image, level, rng=rng)
    assert small.shape == (16, 24, 3)
    assert small.dtype == np.uint8
    assert np.abs(small.mean((0, 1)) - (200, 120, 40)).max() < 12


def test_degrade_is_repeatable() -> None:
    image = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    a, b = (degrade(image, "full", rng=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(a, b)


def test_degrade_refuses_odd_sides(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="multiples of 4, got 30x32"):
        degrade(np.zeros((32, 30, 3), np.uint8), "mild", rng=rng)


def test_all_levels_are_drawn(rng: np.random.Generator) -> None:
    assert {draw_level(rng) for _ in range(200)} == set(LEVELS)


def test_views_of_one_place_stay_together(photographs: Path) -> None:
    paths = list_pictures(photographs)
    for ratio in np.linspace(0, 1, 11):
        train, held = split_pictures(paths, holdout_ratio=float(ratio))
        assert sorted(train + held) == paths
        harbor = [p for p in held if p.stem.startswith("harbor")]
        assert len(harbor) in (0, 2)


@pytest.mark.parametrize("name", ["IMG_{:04d}.jpg", "MVI_{:04d}.jpg", "Screenshot_{}.png"])
def test_pictures_that_a_camera_numbers_are_places_of_their_own(name: str) -> None:
    train, held = split_pictures([Path(name.format(i)) for i in range(1, 201)])
    assert 5 < len(held) < 40
    assert len(train) + len(held) == 200


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--backgrounds"):
        list_pictures(tmp_path)


def test_patches_carry_cutouts(photographs: Path, rng: np.random.Generator) -> None:
    cutout = np.zeros((40, 60, 4), np.uint8)
    cutout[...] = (255, 0, 255, 255)
    patches = iterate_patches(list_pictures(photographs), side_px=64, rng=rng, cutouts=[cutout])
    shown = [next(patches) for _ in range(30)]
    assert all(p.shape == (64, 64, 3) and p.dtype == np.uint8 for p in shown)


def test_cutout_library_without_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--cutouts"):
        read_cutouts(tmp_path)


def test_pool_turns_both_pictures_alike(rng: np.random.Generator) -> None:
    small = torch.arange(16).reshape(1, 1, 4, 4).repeat(3, 3, 1, 1)
    large = small.repeat_interleave(4, 2).repeat_interleave(4, 3)
    mixed_small, mixed_large = Pool(8, rng).mix(small, large, 6)
    assert mixed_small.shape == (6, 3, 4, 4)
    assert torch.equal(mixed_large[:, :, ::4, ::4], mixed_small)


def test_margin_is_the_reach_of_the_network() -> None:
    net = Compact(features=4, convolutions=2).double()
    size, center = 21, 10
    image = torch.zeros(1, 3, size, size, dtype=torch.float64)
    touched = image.clone()
    touched[..., center, center] = 1.0
    with torch.no_grad():
        changed = (net(touched) - net(image)).abs().sum((0, 1)) > 0
    rows = torch.nonzero(changed.any(1)).flatten() // 4
    assert center - int(rows.min()) == receptive_margin_px(2)


def test_what_would_all_be_held_out_is_trained_on(photographs: Path, tmp_path: Path) -> None:
    name = next(f"{i}.png" for i in range(99) if split_pictures([Path(f"{i}.png")])[1])
    (tmp_path / "one").mkdir()
    (photographs / "lake_0.png").rename(tmp_path / "one" / name)
    main(["--backgrounds", str(tmp_path / "one"), "--out", str(tmp_path / "run"), "--smoke"])
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["held_out"] == 0


def test_train_resume_and_export(
    photographs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run, model = tmp_path / "run", tmp_path / "model"
    words = ["--backgrounds", str(photographs), "--out", str(run), "--smoke"]
    main(words)
    for name in ("weights.safetensors", "config.toml", "metrics.json", "environment.txt"):
        assert (run / name).is_file()
    assert json.loads((run / "metrics.json").read_text())["held_out"] == 0
    assert "no photograph is held out" in caplog.text
    main([*words, "--resume"])

    pytest.importorskip("onnx", reason="pip install -r requirements-train.txt")
    from training.export_upscaler import export_upscaler

    assert export_upscaler(run, model) < 1e-4
    assert {p.name for p in model.iterdir()} == {"upscaler.onnx", "upscaler.safetensors"}


def test_weights_that_diverged_are_not_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="pip install -r requirements-train.txt")
    from training import export_upscaler

    net = Compact(features=8, convolutions=1).eval()
    next(net.parameters()).data[0] = float("nan")
    monkeypatch.setattr(export_upscaler, "load_run", lambda run: net)
    with pytest.raises(ValueError, match="differ by nan"):
        export_upscaler.export_upscaler(tmp_path / "run", tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_nothing_to_resume_is_refused(photographs: Path, tmp_path: Path) -> None:
    words = ["--backgrounds", str(photographs), "--out", str(tmp_path / "run"), "--smoke"]
    with pytest.raises(FileNotFoundError, match="Start without --resume"):
        main([*words, "--resume"])


def test_psnr_of_bicubic_is_plausible(photographs: Path) -> None:
    net = Compact(features=4, convolutions=1)
    figures = measure_psnr(net, list_pictures(photographs), patches_per_level=2)
    assert set(figures) == {
        f"{level}_{name}_db" for level in LEVELS for name in ("network", "bicubic", "lanczos")
    }
    assert figures["clean_bicubic_db"] > 20
