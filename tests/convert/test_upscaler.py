"""The real Real-ESRGAN x4v3 through windows of real context; skipped where its weights are not."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install -r requirements-convert.txt")

from convert.source import Source, read_tensors
from core.errors import ModelError
from core.image import read_image
from core.packages import INSTALL_SPANDREL
from core.types import Detections
from pipeline.config import EngineConfig, UpscaleConfig, load_config
from pipeline.cut import cut
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import probe_machine
from pipeline.models import Model, write_model
from pipeline.networks import open_engine
from pipeline.upscale.compact import MAX_SIZES, CompactUpscaler
from tests.random_networks import shake

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT.parent / "shared" / "weights" / "realesr-general-x4v3.pth"
ENTRY = Model(id="x4v3", task="upscale", family="compact")


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.is_file(), reason="needs ../shared/weights")
@pytest.mark.skipif(find_spec("spandrel") is None, reason=INSTALL_SPANDREL)
def test_windows_equal_the_whole_picture(tmp_path):
    from convert.upscaler import convert

    model = write_model(tmp_path, convert(Source(WEIGHTS, ENTRY), tmp_path))
    choice = choose_engine(EngineConfig(engine="onnxruntime", device="cpu"), probe_machine())
    config = UpscaleConfig(below_px=128, margin_px=load_config("origin").upscale.margin_px)
    upscaler = CompactUpscaler.open(model, config, lambda path: open_engine(path, choice))
    picture = np.ascontiguousarray(
        read_image(ROOT / "assets/examples/airfield.jpg")[100:500:2, 300:700:2]
    )
    boxes = [[60, 60, 90, 80], [120, 100, 170, 130], [130, 150, 180, 190], [40, 150, 52, 162],
             [30, 30, 38, 38], [70, 20, 150, 90]]  # fmt: skip
    crops = cut(picture, Detections.from_xyxy(boxes, (200, 200)))
    enlarged = upscaler([crops])[0]
    whole = upscaler._run(picture[None])[0]
    assert enlarged.scale.tolist() == [4] * len(boxes)
    for image, region in zip(enlarged.images, crops.region_xyxy, strict=True):
        x1, y1, x2, y2 = 4 * region
        expected = np.rint(np.clip(whole[:, y1:y2, x1:x2], 0, 1) * 255).transpose(1, 2, 0)
        assert np.abs(image.astype(int) - expected).max() <= 1
    assert len({window.side_px for window in upscaler._plan(crops, upscaler._sides)}) >= MAX_SIZES


def convert_shaken(name, folder, **sizes):
    """A model and the network it was made of, one of spandrel's architectures with any weights."""
    from safetensors.torch import save_file

    from convert.upscaler import convert
    from core.packages import import_spandrel

    spandrel = import_spandrel()
    module = import_module(f"spandrel.architectures.{name}.__arch.{name}")
    network = shake(getattr(module, name)(upscale=4, **sizes), gain=0.7).eval()
    tensors = {key: value.contiguous().clone() for key, value in network.state_dict().items()}
    save_file(tensors, folder / "network.safetensors")
    model = write_model(folder, convert(Source(folder / "network.safetensors", ENTRY), folder))
    found = spandrel.ModelLoader().load_from_state_dict(tensors)
    return model, found.model.eval()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("spandrel") is None, reason=INSTALL_SPANDREL)
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_networks_that_take_one_picture_at_a_time_enlarge_several(tmp_path, rng):
    """SwinIR's windows remember the number of pictures that they were traced with."""
    sizes = {"embed_dim": 8, "depths": [2], "num_heads": [2], "window_size": 8}
    model, network = convert_shaken(
        "SwinIR", tmp_path, img_size=16, upsampler="pixelshuffledirect", **sizes
    )
    choice = choose_engine(EngineConfig(engine="onnxruntime", device="cpu"), probe_machine())
    upscaler = CompactUpscaler.open(model, UpscaleConfig(), lambda path: open_engine(path, choice))
    windows = rng.integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = network(torch.from_numpy(windows).permute(0, 3, 1, 2) / 255).numpy()
    np.testing.assert_allclose(upscaler._run(windows), expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("spandrel") is None, reason=INSTALL_SPANDREL)
@pytest.mark.filterwarnings("ignore:torch.meshgrid", "ignore:Initializing zero-element")
def test_what_cannot_be_converted_is_named(tmp_path):
    """A layer of no numbers, which ONNX Runtime refuses."""
    sizes = {"embed_dim": 16, "depth": [2], "num_heads": [2], "split_size": [8, 8]}
    with pytest.raises(ModelError, match=r"architecture DAT cannot.*for example Real-ESRGAN"):
        convert_shaken("DAT", tmp_path, img_size=16, expansion_factor=2, **sizes)


@pytest.mark.parametrize("data", [b"", b"no checkpoint"], ids=["empty", "words"])
def test_a_damaged_file_that_is_trusted_is_told(data, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="add --trust-pickle"):
        read_tensors(Source(path, ENTRY))
    with pytest.raises(ModelError, match=r"cannot read .*weights\.pth: .*Fetch it again"):
        read_tensors(Source(path, ENTRY, trust_pickle=True))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("spandrel") is None, reason=INSTALL_SPANDREL)
def test_unknown_architectures_are_refused(tmp_path):
    from safetensors.torch import save_file

    from convert.upscaler import convert

    save_file({"some.weight": torch.zeros(3, 3)}, tmp_path / "odd.safetensors")
    with pytest.raises(ModelError, match="no architecture that spandrel knows"):
        convert(Source(tmp_path / "odd.safetensors", ENTRY), tmp_path)
