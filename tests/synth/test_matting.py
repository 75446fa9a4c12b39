"""Cutting objects out: edges, colours, strokes, and what cannot be cut."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import ImageError, InputError, MissingPackageError
from synth import saliency
from synth.alpha import estimate_alpha, estimate_foreground
from synth.matting import Matte, Stroke, cut_out, trim

SKY, RED = (120, 170, 230), (200, 30, 30)


def _scene(rng: np.random.Generator, wh=(240, 160)):
    """A red ellipse with soft edges before a graded, noisy sky: image, its true alpha, its box."""
    width, height = wh
    scale = 4
    fine = np.zeros((height * scale, width * scale), np.float32)
    axes = (int(0.21 * width * scale), int(0.15 * height * scale))
    cv2.ellipse(fine, (width * scale // 2, height * scale // 2), axes, 20, 0, 360, 1, -1)
    alpha = cv2.resize(fine, wh, interpolation=cv2.INTER_AREA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    ramp = np.linspace(0.75, 1.1, height)[:, None, None]
    back = np.broadcast_to(np.array(SKY) * ramp, (height, width, 3))
    image = back * (1 - alpha[..., None]) + np.array(RED) * alpha[..., None]
    image = np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    ys, xs = np.nonzero(alpha >= 0.5)
    return image, alpha, (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def _in_image(matte: Matte, size_hw: tuple[int, int]) -> np.ndarray:
    """The matte's alpha at its place, 0..1."""
    x1, y1, x2, y2 = matte.window_xyxy
    alpha = np.zeros(size_hw, np.float32)
    part = alpha[max(y1, 0) : y2, max(x1, 0) : x2]
    part[:] = matte.rgba[max(-y1, 0) :, max(-x1, 0) :, 3][: part.shape[0], : part.shape[1]] / 255
    return alpha


@pytest.fixture
def scene(rng):
    return _scene(rng)


def test_alpha_is_close_to_the_truth(scene):
    image, truth, box = scene
    matte = cut_out(image, box_xyxy=box, method="grabcut")
    alpha = _in_image(matte, truth.shape)
    both, either = (truth > 0.5) & (alpha > 0.5), (truth > 0.5) | (alpha > 0.5)
    assert both.sum() / either.sum() > 0.985
    rim = (truth > 0.02) & (truth < 0.98)
    hard = np.abs((truth > 0.5) - truth)[rim].mean()
    assert np.abs(alpha - truth)[rim].mean() < 0.4 * hard
    assert matte.method == "grabcut"
    assert np.abs(np.array(matte.box_xyxy) - box).max() <= 1


def test_the_rim_keeps_none_of_the_sky(scene):
    image, _, box = scene
    rgba = cut_out(image, box_xyxy=box, method="grabcut").rgba
    soft = (rgba[..., 3] > 40) & (rgba[..., 3] < 215)
    assert soft.sum() > 100
    # Blue is 30 in the object and 230 in the sky; half mixed it would be 130.
    assert np.percentile(rgba[soft][:, 2], 90) < 75


def test_a_large_image_is_refined_at_full_size(rng):
    image, truth, box = _scene(rng, (800, 560))
    matte = cut_out(image, box_xyxy=box, method="grabcut")
    alpha = _in_image(matte, truth.shape)
    both, either = (truth > 0.5) & (alpha > 0.5), (truth > 0.5) | (alpha > 0.5)
    assert both.sum() / either.sum() > 0.99
    # As sharp as the photograph, not as the reduced one it was found in.
    assert (np.abs(alpha - truth) > 0.5).sum() < 0.002 * truth.sum()


def test_the_same_call_gives_the_same_cutout(scene):
    image, _, box = scene
    before = image.copy()
    first, second = (cut_out(image, box_xyxy=box, method="grabcut") for _ in range(2))
    assert np.array_equal(first.rgba, second.rgba)
    assert np.array_equal(image, before)


def test_a_box_may_be_loose(scene):
    image, truth, box = scene
    loose = np.add(box, (-25, -20, 25, 20))
    alpha = _in_image(cut_out(image, box_xyxy=loose, method="grabcut"), truth.shape)
    assert ((truth > 0.5) & (alpha > 0.5)).sum() / ((truth > 0.5) | (alpha > 0.5)).sum() > 0.97


def test_an_object_that_ends_inside_its_box_is_noticed(scene):
    image, _, (x1, y1, x2, y2) = scene
    tight = cut_out(image, box_xyxy=(x1 - 2, y1 - 2, x2 + 2, y2 + 2), method="grabcut")
    assert (tight.gap_ratio < 0.06, tight.lacks) == (True, "")
    loose = cut_out(image, box_xyxy=(x1 - 30, y1 - 2, x2 + 2, y2 + 2), method="grabcut")
    assert (loose.lacks, loose.gap_ratio) == ("left", pytest.approx(0.23, abs=0.03))


def test_a_box_that_is_loose_on_all_sides_is_no_sign_of_a_missing_part(scene):
    image, _, (x1, y1, x2, y2) = scene
    loose = cut_out(image, box_xyxy=(x1 - 18, y1 - 15, x2 + 16, y2 + 17), method="grabcut")
    assert (loose.lacks, loose.gap_ratio < 0.06) == ("", True)


def test_strokes_alone_find_the_object(scene):
    image, truth, box = scene
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    strokes = [
        Stroke((middle, (middle[0] + 20, middle[1])), radius_px=6),
        Stroke(((5, 5), (230, 5)), keep=False, radius_px=4),
    ]
    alpha = _in_image(cut_out(image, strokes=strokes, method="grabcut"), truth.shape)
    assert ((truth > 0.5) & (alpha > 0.5)).sum() / ((truth > 0.5) | (alpha > 0.5)).sum() > 0.95


def test_a_stroke_removes_and_another_adds():
    image = np.full((100, 160, 3), SKY, np.uint8)
    image[30:70, 30:70], image[30:70, 80:130] = RED, (30, 120, 40)
    box = (25, 25, 135, 75)
    both = cut_out(image, box_xyxy=box, method="grabcut").box_xyxy
    assert np.abs(np.array(both) - (30, 30, 130, 70)).max() <= 1
    without = [Stroke(((84, 50), (126, 50)), keep=False, radius_px=22)]
    one = cut_out(image, box_xyxy=box, strokes=without, method="grabcut").box_xyxy
    assert np.abs(np.array(one) - (30, 30, 70, 70)).max() <= 2
    back = [Stroke(((40, 35), (120, 28)), radius_px=3)]
    more = cut_out(image, box_xyxy=box, strokes=back, method="grabcut")
    assert _in_image(more, image.shape[:2])[31:33, 70:80].min() > 0.9


def test_a_known_outline_needs_no_finding(scene):
    image, truth, box = scene
    contours, _ = cv2.findContours(
        (truth > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    outline = contours[0][:, 0].astype(np.float32) + 0.5
    matte = cut_out(image, box_xyxy=box, outlines=[outline])
    alpha = _in_image(matte, truth.shape)
    assert matte.method == "outline"
    assert np.abs(alpha - truth).sum() / truth.sum() < 0.03


def test_a_transparent_image_passes_as_it_is(rng):
    rgba = np.zeros((60, 80, 4), np.uint8)
    rgba[20:40, 30:70] = rng.integers(0, 256, (20, 40, 4))
    rgba[20:40, 30:70, 3] = 200
    matte = cut_out(rgba)
    assert matte.method == "alpha"
    assert matte.box_xyxy == (30, 20, 70, 40)
    x1, y1 = matte.window_xyxy[:2]
    assert np.array_equal(matte.rgba[20 - y1 : 40 - y1, 30 - x1 : 70 - x1], rgba[20:40, 30:70])
    assert matte.rgba[0].max() == 0


def test_an_opaque_rgba_image_is_a_photograph(scene):
    image, _, box = scene
    opaque = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    assert cut_out(opaque, box_xyxy=box, method="grabcut").method == "grabcut"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, InputError, "neither a box nor a stroke"),
        ({"strokes": [Stroke(((3, 3),), keep=False)]}, InputError, "neither a box nor a stroke"),
        ({"box_xyxy": (300, 20, 400, 60)}, InputError, "fewer than 4x4 px in the image of 240x160"),
        ({"box_xyxy": (1, 2, 3)}, InputError, "left, top, right, bottom"),
        ({"box_xyxy": (10, 10, float("nan"), 50)}, InputError, "left, top, right, bottom"),
        ({"box_xyxy": (10, 10, 60, 60), "method": "magic"}, InputError, "auto, grabcut, rembg"),
    ],
)
def test_bad_wishes_are_refused(arguments, error, words, scene):
    with pytest.raises(error, match=words):
        cut_out(scene[0], **arguments)


def test_an_object_may_fill_its_box():
    image = np.full((100, 160, 3), SKY, np.uint8)
    image[30:70, 40:110] = RED
    matte = cut_out(image, box_xyxy=(40, 30, 110, 70), method="grabcut")
    assert matte.box_xyxy == (40, 30, 110, 70)
    assert matte.rgba[4:-4, 4:-4, 3].min() == 255


@pytest.mark.parametrize("shade", [0, 128])
def test_an_empty_place_is_an_error(shade):
    flat = np.full((80, 80, 3), shade, np.uint8)
    with pytest.raises(ImageError, match=r"stands out|told from its surroundings"):
        cut_out(flat, box_xyxy=(20, 20, 60, 60), method="grabcut")


@pytest.mark.parametrize(
    "image", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3), np.float32)], ids=["2d", "float"]
)
def test_other_arrays_are_refused(image):
    with pytest.raises(ImageError, match="must be uint8"):
        cut_out(image, box_xyxy=(5, 5, 30, 30))


def test_strokes_check_themselves():
    with pytest.raises(InputError, match="one or more points"):
        Stroke(())
    with pytest.raises(InputError, match="radius_px"):
        Stroke(((1, 1),), radius_px=0)


def test_trim_says_how_far_it_moved():
    rgba = np.zeros((30, 30, 4), np.uint8)
    rgba[10:12, 20:25] = 255
    trimmed, moved = trim(rgba, 2)
    assert (trimmed.shape, moved) == ((6, 9, 4), (18, 8))
    with pytest.raises(ImageError, match="wholly transparent"):
        trim(np.zeros((9, 9, 4), np.uint8))


def test_closed_form_alpha_follows_a_ramp():
    """Where colours lie on a line between both sides, alpha is the place on the line."""
    truth = np.clip((np.arange(40, dtype=np.float32) - 15) / 10, 0, 1)[None].repeat(12, 0)
    image = np.round(np.array(SKY) * (1 - truth[..., None]) + np.array(RED) * truth[..., None])
    coarse = (truth > 0.5).astype(np.float32)
    unknown = np.zeros(truth.shape, bool)
    unknown[:, 13:28] = True
    alpha = estimate_alpha(image.astype(np.uint8), coarse, unknown)
    assert np.abs(alpha - truth).max() < 0.1


def test_nothing_unknown_leaves_a_hard_edge():
    coarse = np.array([[0.2, 0.7]] * 4, np.float32)
    alpha = estimate_alpha(np.zeros((4, 2, 3), np.uint8), coarse, np.zeros((4, 2), bool))
    assert alpha.tolist() == [[0, 1]] * 4


def test_opaque_pixels_keep_their_colour(rng):
    image = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    assert np.array_equal(estimate_foreground(image, np.ones((20, 20), np.float32)), image)


# ------------------------------------------------------------------ rembg, faked as it is used

_FAKE_REMBG = """
from pathlib import Path
class Base:
    def __init__(self, name, options):
        # What the real one does: it opens what download_models names.
        self.path = Path(self.download_models())
        assert self.path.read_bytes() == b"weights"
    @classmethod
    def name(cls): return "u2net"
    @classmethod
    def u2net_home(cls): return {home!r}
    @classmethod
    def download_models(cls): raise AssertionError("must not download")
    def predict(self, image):
        import numpy as np
        from PIL import Image
        red = np.asarray(image)[..., 0] > 150
        return [Image.fromarray((red * 255).astype(np.uint8))]
sessions_class = [Base]
"""


@pytest.fixture
def fake_rembg(tmp_path: Path, monkeypatch):
    """A package of rembg's form whose model lies in the returned folder, once it is put there."""
    package = tmp_path / "packages" / "rembg"
    package.mkdir(parents=True)
    home = tmp_path / "home"
    home.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sessions.py").write_text(_FAKE_REMBG.format(home=str(home)))
    monkeypatch.syspath_prepend(str(package.parent))
    saliency._open_first_model.cache_clear()
    yield home
    saliency._open_first_model.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "rembg"]:
        del sys.modules[name]


def test_rembg_is_used_with_a_model_that_is_there(fake_rembg, scene):
    (fake_rembg / "u2net.onnx").write_bytes(b"weights")
    image, truth, box = scene
    matte = cut_out(image, box_xyxy=box)
    assert matte.method == "rembg"
    assert np.abs(_in_image(matte, truth.shape) - truth).sum() / truth.sum() < 0.05


def test_rembg_without_a_model_fetches_nothing(fake_rembg, scene):
    image, _, box = scene
    assert cut_out(image, box_xyxy=box).method == "grabcut"
    with pytest.raises(MissingPackageError, match="none of its models"):
        cut_out(image, box_xyxy=box, method="rembg")


def test_rembg_that_is_not_installed_is_said(scene):
    if saliency.find_spec("rembg") is not None:
        pytest.skip("rembg is installed here")
    with pytest.raises(MissingPackageError, match="pip install rembg"):
        cut_out(scene[0], box_xyxy=scene[2], method="rembg")
