from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
pytest.importorskip(
    "training.reranker_model",
    reason="needs a working transformers: pip install -r requirements-train.txt",
    exc_type=ImportError,
)

import torch

from core.errors import DataError
from synth.captions import COLORS
from training.crops import CACHE_PX, write_shard
from training.export_reranker import export, to_onnx
from training.reranker import load_model, main
from training.reranker_data import CropCache, draw_batch
from training.reranker_eval import embed_captions, embed_crops, evaluate_crops
from training.reranker_model import DualEncoder, ModelConfig, build_tokenizer, compute_loss

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    rng = np.random.default_rng(0)
    count = 40
    shares = np.zeros((count, len(COLORS)), np.float32)
    shares[np.arange(count), rng.integers(0, 11, count)] = 0.7
    shares[:, 0] += 1 - shares.sum(1)
    type_id = rng.integers(-1, 14, count)
    arrays = {
        "images": rng.integers(0, 256, (count, CACHE_PX, CACHE_PX, 3), dtype=np.uint8),
        "type_id": type_id.astype(np.int16),
        "shares": shares * (type_id >= 0)[:, None],
        "camouflage": rng.random(count) < 0.3,
        "shade": np.zeros(count, np.int8),
        "side_px": np.full(count, 50, np.float32),
    }
    for number in range(2):
        part = {name: array[number * 20 : number * 20 + 20] for name, array in arrays.items()}
        write_shard(folder, number, part)
    return folder


@pytest.fixture(scope="module")
def run(crops, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    main(["--crops", str(crops), "--val-crops", str(crops), "--out", str(out), "--smoke"])
    return out


@pytest.mark.parametrize(
    ("caption", "num_known"),
    [("White, blue, and RED commercial aircraft", 6), ("hot-air balloon", 3), ("", 0)],
)
def test_tokenizer_pads_and_knows_its_words(caption, num_known):
    tokenizer = build_tokenizer(24)
    encoding = tokenizer.encode(caption)
    assert len(encoding.ids) == 24
    assert sum(index > 1 for index in encoding.ids) == num_known


def test_tokenizer_marks_unknown_words_and_cuts():
    tokenizer = build_tokenizer(24)
    assert tokenizer.encode("zebra").ids[0] == 1
    assert len(tokenizer.encode("red " * 100).ids) == 24


def test_cache_reads_across_shards(crops):
    cache = CropCache(crops)
    assert len(cache) == 40
    assert cache.images(np.array([0, 19, 20, 39])).shape == (4, CACHE_PX, CACHE_PX, 3)


def test_batch_pairs_images_with_their_captions(crops):
    cache = CropCache(crops)
    tokenizer = build_tokenizer(24)
    rng = np.random.default_rng(0)
    batch = draw_batch(cache, np.arange(32), tokenizer, rng, num_negatives=8)
    known = batch.own >= 0
    assert known.sum() == (cache.facts.type_id[:32] >= 0).sum()
    own = batch.agreement[torch.nonzero(known).squeeze(1), batch.own[known]]
    assert (own > 0.3).all()
    assert batch.pixels.shape == (32, 3, 96, 96)
    assert batch.pixels.abs().max() <= 1


def test_loss_prefers_the_right_pairs():
    agreement = torch.eye(4)
    own = torch.arange(4)
    right, wrong = 10 * torch.eye(4) - 5, 5 - 10 * torch.eye(4)
    assert compute_loss(right, agreement, own) < 0.1
    assert compute_loss(wrong, agreement, own) > 5


def test_matters_of_taste_do_not_count():
    own = torch.arange(3)
    logits = torch.zeros(3, 3, requires_grad=True)
    agreement = torch.eye(3)
    agreement[0, 1] = 0.5
    compute_loss(logits, agreement, own).backward()
    assert logits.grad[0, 1] == 0


@pytest.mark.parametrize("tower", ["resnet", "vit"])
def test_towers_are_small_and_normalized(tower):
    model = DualEncoder(ModelConfig(tower=tower)).eval()
    assert sum(weight.numel() for weight in model.parameters()) < 10_000_000
    with torch.no_grad():
        embeds = model.embed_images(torch.zeros(2, 3, 96, 96))
    torch.testing.assert_close(embeds.norm(dim=1), torch.ones(2))


def test_run_folder_is_complete(run):
    names = {path.name for path in run.iterdir()}
    assert {
        "weights.safetensors", "model.json", "config.toml", "metrics.json", "environment.txt",
        "checkpoint.pt",
    } <= names  # fmt: skip
    assert json.loads((run / "metrics.json").read_text())["step"] == 2


def test_training_resumes(crops, run, tmp_path):
    for name in ("checkpoint.pt",):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    paths = ["--crops", str(crops), "--val-crops", str(crops), "--out", str(tmp_path)]
    main([*paths, "--batch", "8", "--negatives", "4", "--max-steps", "3", "--resume"])
    assert json.loads((tmp_path / "metrics.json").read_text())["step"] == 3


def test_evaluations_are_plain_numbers(crops, run):
    model, cache = load_model(run), CropCache(crops)
    tokenizer = build_tokenizer(24)
    metrics = evaluate_crops(model, tokenizer, cache)
    assert set(metrics) == {"one_by_one", "joint", "pooled", "named"}
    assert all(0 <= value <= 1 for value in metrics.values())


def test_towers_that_give_no_numbers_are_not_exported():
    pytest.importorskip("onnx")
    tower = torch.nn.Linear(3, 4)
    tower.weight.data[0] = float("nan")
    with pytest.raises(DataError, match="image_embeds differs by nan"):
        to_onnx(tower, torch.rand(2, 3), name="pixel_values", output="image_embeds")


def test_export_writes_what_the_app_loads(crops, run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from tokenizers import Tokenizer

    export([run, run], crops, tmp_path)
    settings = json.loads((tmp_path / "reranker.json").read_text())
    assert settings["image_size"] == 96
    assert settings["calibration"]["is_fitted"] is False
    model, cache = load_model(run), CropCache(crops)
    vision = onnxruntime.InferenceSession(str(tmp_path / "vision.onnx"))
    images = cache.images(np.arange(3))
    edge = (CACHE_PX - 96) // 2
    middle = images[:, edge:-edge, edge:-edge].transpose(0, 3, 1, 2).astype(np.float32)
    (got,) = vision.run(None, {"pixel_values": middle / 127.5 - 1})
    np.testing.assert_allclose(got, embed_crops(model, images), atol=2e-3)
    text = onnxruntime.InferenceSession(str(tmp_path / "text.onnx"))
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    captions = ["red drone", "white and grey airship"]
    tokens = np.array([encoding.ids for encoding in tokenizer.encode_batch(captions)])
    (got,) = text.run(None, {"input_ids": tokens})
    np.testing.assert_allclose(got, embed_captions(model, tokenizer, captions), atol=2e-3)
    assert all(path.stat().st_size < 10_000_000 for path in tmp_path.iterdir())
