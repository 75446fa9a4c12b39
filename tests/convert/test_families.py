"""Each family of public checkpoints: converted, and the same through PyTorch and every engine."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install -r requirements-convert.txt")
pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")

from convert.source import Source
from core.errors import ModelError
from core.packages import INSTALL_ULTRALYTICS
from core.types import Detections
from pipeline.build import open_engine
from pipeline.config import DetectConfig, EngineConfig, RerankConfig
from pipeline.cut import cut
from pipeline.detect.detr import DetrDetector
from pipeline.detect.grounding import GroundingDetector, phrase_masks
from pipeline.detect.owl import OwlDetector
from pipeline.detect.yolo import YoloDetector
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import probe_machine
from pipeline.engines.torch_engine import TorchEngine
from pipeline.models import Model, write_model
from pipeline.rank import rank
from pipeline.registry import ENGINES
from pipeline.rerank.siglip import SiglipReranker
from tests import random_networks as networks

LOOSE = DetectConfig(score_min=0.05, iou_max=0.9, max_boxes=50, level_count=1)
ENGINE_NAMES = ENGINES.available()


def opener(name: str):
    config = EngineConfig(engine=name, precision="f32", device="cpu", threads=1)

    def open_file(path: Path):
        return open_engine(path, choose_engine(config, probe_machine()))

    return open_file


def need_ultralytics() -> None:
    # Found, not imported: on its own it asks for torchvision and replaces the readers of Pillow.
    if find_spec("ultralytics") is None:
        pytest.skip(INSTALL_ULTRALYTICS)


def entry(task: str, **values) -> Model:
    return Model(id="made/here", task=task, family="", **values)


def saved(model, folder: Path) -> Path:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder.mkdir()
    model.save_pretrained(folder)
    networks.write_tokenizer(folder)
    return folder


class TestUltralytics:
    @pytest.fixture(scope="class")
    def converted(self, tmp_path_factory):
        need_ultralytics()
        from convert.ultralytics_detector import export_detector, raw_head
        from core.packages import import_ultralytics

        tasks = import_ultralytics("ultralytics.nn.tasks")
        made = tasks.DetectionModel("yolov8n.yaml", ch=3, nc=3, verbose=False)
        model = networks.shake(made, gain=1.2)
        folder = tmp_path_factory.mktemp("yolo")
        export_detector(model, folder)
        written = write_model(
            folder, Model(id="y", task="detect", family="yolo", class_names=("a", "b", "c"))
        )
        return written, raw_head(model)

    @pytest.mark.parametrize("name", ENGINE_NAMES)
    def test_boxes(self, converted, image, name):
        model, module = converted
        config = LOOSE.model_copy(update={"input_wh": (160, 96)})
        reference = YoloDetector(
            TorchEngine(module, inputs=["images"], outputs=["output0"]), config, model.class_names
        )
        pictures = [image((160, 90)), image((90, 160), seed=1)]
        seen = YoloDetector.open(model, config, opener(name))(pictures)
        for expected, got in zip(reference(pictures), seen, strict=True):
            networks.assert_same_boxes(expected, got)

    @pytest.mark.parametrize(
        ("kind", "config"),
        [
            ("SegmentationModel", "yolov8n-seg.yaml"),
            ("PoseModel", "yolov8n-pose.yaml"),
            ("OBBModel", "yolov8n-obb.yaml"),
            ("ClassificationModel", "yolov8n-cls.yaml"),
        ],
    )
    def test_checkpoints_of_other_tasks_are_refused(self, tmp_path, kind, config):
        need_ultralytics()
        from convert.ultralytics_detector import convert
        from core.packages import import_ultralytics

        tasks = import_ultralytics("ultralytics.nn.tasks")
        model = getattr(tasks, kind)(config, ch=3, verbose=False)
        torch.save({"model": model, "ema": None}, tmp_path / "best.pt")
        with pytest.raises(ModelError, match="is no plain detector") as caught:
            convert(Source(tmp_path / "best.pt", entry("detect")), tmp_path)
        assert "for detection" in caught.value.hint

    def test_a_checkpoint_of_their_own_needs_no_trust(self, tmp_path):
        need_ultralytics()
        from convert.ultralytics_detector import _load
        from core.packages import import_ultralytics

        tasks = import_ultralytics("ultralytics.nn.tasks")
        model = tasks.DetectionModel("yolov8n.yaml", ch=3, nc=1, verbose=False)
        torch.save({"model": model.half(), "ema": None}, tmp_path / "best.pt")
        assert _load(Source(tmp_path / "best.pt", entry("detect"))) is not None

    @pytest.mark.parametrize("has_list", [True, False])
    def test_a_checkpoint_with_code_needs_consent(self, tmp_path, monkeypatch, has_list):
        need_ultralytics()
        from convert.ultralytics_detector import _load
        from core.packages import import_ultralytics

        tasks = import_ultralytics("ultralytics.nn.tasks")
        monkeypatch.setattr(tasks._SafeLoad, "SUPPORTED", has_list)  # False before PyTorch 2.6
        monkeypatch.setattr(_Foreign, "woken", 0)
        torch.save({"model": _Foreign()}, tmp_path / "odd.pt")
        with pytest.raises(ModelError, match="without running code") as caught:
            _load(Source(tmp_path / "odd.pt", entry("detect")))
        assert "--trust-pickle" in caught.value.hint
        assert _Foreign.woken == 0
        with pytest.raises(ModelError, match="holds no model"):
            _load(Source(tmp_path / "odd.pt", entry("detect"), trust_pickle=True))
        assert _Foreign.woken == 1


class _Foreign:
    """Tells when it was unpickled."""

    woken = 0

    def __setstate__(self, state: object) -> None:
        _Foreign.woken += 1

    def __getstate__(self) -> dict[str, int]:
        return {"some": 1}


class TestDualEncoders:
    @pytest.fixture(scope="class", params=["siglip", "clip"])
    def converted(self, request, tmp_path_factory):
        pytest.importorskip("transformers", reason="pip install -r requirements-convert.txt")
        from convert import dual_encoder

        folder = tmp_path_factory.mktemp(request.param)
        model = getattr(networks, request.param)()
        source = Source(saved(model, folder / "source"), entry("rerank", template="a photo of {}."))
        if request.param == "siglip":  # as SigLIP 2's repositories tell; none is CLIP's
            (source.path / "preprocessor_config.json").write_text('{"resample": 2}')
        out = folder / "out"
        out.mkdir()
        return write_model(out, dual_encoder.convert(source, out)), model

    @pytest.mark.parametrize("name", ENGINE_NAMES)
    def test_logits_are_those_of_transformers(self, converted, image, name):
        entry_, model = converted
        reranker = SiglipReranker.open(entry_, RerankConfig(), opener(name))
        picture = image((200, 160))
        boxes = [[20, 20, 70, 70], [100, 40, 150, 150]]
        crops = cut(picture, Detections.from_xyxy(boxes, (200, 160)))
        embeds = reranker.embed_images([crops])[0]
        texts = reranker.embed_texts(["red plane", "blue"])
        card = json.loads((entry_.folder / "reranker.json").read_text())
        mean, std = np.array(card["mean"]), np.array(card["std"])
        resample = 2 if _is_siglip(converted) else 3
        assert card["resample"] == resample
        squares = [
            np.asarray(_pil(crop).resize((32, 32), resample), np.float64) for crop in crops.images
        ]
        pixels = [((s / 255 - mean) / std).transpose(2, 0, 1) for s in squares]
        padded = _as_padded(reranker, ["red plane", "blue"])
        with torch.inference_mode():
            out = model(
                input_ids=torch.tensor(padded),
                pixel_values=torch.tensor(np.stack(pixels), dtype=torch.float32),
            )
        np.testing.assert_allclose(embeds, out.image_embeds.numpy(), atol=1e-4)
        np.testing.assert_allclose(texts, out.text_embeds.numpy(), atol=1e-4)
        expected = out.logits_per_text.numpy()
        np.testing.assert_allclose(reranker.logits(embeds, texts), expected, atol=2e-2)

    def test_texts_are_padded_as_trained(self, converted):
        reranker = SiglipReranker.open(converted[0], RerankConfig(), opener(ENGINE_NAMES[0]))
        (row,) = _as_padded(reranker, ["red plane"])
        words = [networks.WORDS[i] for i in row]
        assert words[:5] == ["a", "photo", "of", "red", "plane"]
        assert len(words) == 16
        # SigLIP never saw punctuation; CLIP did.
        assert words[5:7] == (["</s>", "<pad>"] if _is_siglip(converted) else [".", "</s>"])

    def test_what_siglip_calls_a_third_is_found_and_said_to_be_a_guess(self, converted):
        """31.9 % for two cats is the example of google/siglip-base-patch16-224's own card."""
        reranker = SiglipReranker.open(converted[0], RerankConfig(), opener(ENGINE_NAMES[0]))
        calibration = reranker.calibration
        assert calibration.found_probability_min == (0.1 if _is_siglip(converted) else 0.5)
        seen = Detections.from_xyxy([[20, 20, 70, 70]], (200, 160), score=[0.9])
        logit = np.array([[-0.76 - calibration.c]], np.float32)
        ranking = rank(["cats"], logit, seen, calibration=calibration)[0]
        assert ranking.found_probability == pytest.approx(0.319, abs=0.001)
        assert ranking.found is _is_siglip(converted)
        assert "uncalibrated" in calibration.notes()[0]
        assert replace(calibration, is_fitted=True).notes() == []


def _is_siglip(converted) -> bool:
    return converted[1].config.model_type == "siglip"


def _as_padded(reranker, captions):
    return reranker._input_ids(captions)


def _pil(crop):
    from PIL import Image

    return Image.fromarray(crop)


@pytest.mark.slow
class TestQueries:
    @pytest.fixture(scope="class")
    def converted(self, tmp_path_factory):
        pytest.importorskip("transformers", reason="pip install -r requirements-convert.txt")
        from convert import query_detector

        folder = tmp_path_factory.mktemp("rtdetr")
        model = networks.rt_detr()
        source = Source(saved(model, folder / "source"), entry("detect", input_wh=(128, 96)))
        out = folder / "out"
        out.mkdir()
        return write_model(out, query_detector.convert(source, out)), query_detector._Queries(model)

    @pytest.mark.parametrize("name", ENGINE_NAMES)
    def test_boxes(self, converted, image, name):
        from pipeline.detect.card import read_detector_card

        model, module = converted
        assert model.class_names == ("LABEL_0", "LABEL_1", "LABEL_2")
        engine = TorchEngine(module, inputs=["pixel_values"], outputs=["logits", "pred_boxes"])
        reference = DetrDetector(engine, LOOSE, model.class_names, read_detector_card(model))
        picture = image((200, 150))
        seen = DetrDetector.open(model, LOOSE, opener(name))([picture])[0]
        networks.assert_same_boxes(reference([picture])[0], seen)


class TestQueriesOfAnySize:
    """DETR and YOLOS: the shorter side so long, the longer one at most so long, either way up."""

    @pytest.fixture(scope="class", params=["detr", "yolos"])
    def converted(self, request, tmp_path_factory):
        pytest.importorskip("transformers", reason="pip install -r requirements-convert.txt")
        from convert import query_detector

        folder = tmp_path_factory.mktemp(request.param)
        model = getattr(networks, request.param)()
        source = saved(model, folder / "source")
        settings = {"do_normalize": True, "size": {"shortest_edge": 96, "longest_edge": 160}}
        (source / "preprocessor_config.json").write_text(json.dumps(settings))
        out = folder / "out"
        out.mkdir()
        made = query_detector.convert(Source(source, entry("detect")), out)
        return write_model(out, made), model

    @pytest.mark.parametrize("name", ENGINE_NAMES)
    @pytest.mark.parametrize("wh", [(200, 150), (150, 200), (300, 100)])
    def test_boxes(self, converted, image, name, wh):
        from convert.query_detector import _Queries
        from pipeline.detect.card import prepare, read_detector_card

        model, network = converted
        card = read_detector_card(model)
        picture = image(wh)
        tensor, _ = prepare(picture, (64, 64), card)
        expected = {(200, 150): (96, 128), (150, 200): (128, 96), (300, 100): (53, 160)}[wh]
        assert tensor.shape == (3, *expected)
        engine = TorchEngine(
            _Queries(network), inputs=["pixel_values"], outputs=["logits", "pred_boxes"]
        )
        reference = DetrDetector(engine, LOOSE, model.class_names, card)
        seen = DetrDetector.open(model, LOOSE, opener(name))([picture])[0]
        networks.assert_same_boxes(reference([picture])[0], seen)

    @pytest.mark.parametrize(
        ("settings", "limits"),
        [
            ({}, (1333, 800)),
            ({"size": 512, "max_size": 864}, (864, 512)),
            ({"size": {"shortest_edge": 600}}, (1000, 600)),
            ({"size": {"shortest_edge": 480, "longest_edge": 640}}, (640, 480)),
        ],
    )
    def test_limits_as_the_repository_tells(self, settings, limits):
        from convert.query_detector import _limits_wh

        assert _limits_wh(settings) == limits


class TestOpenVocabulary:
    @pytest.fixture(scope="class")
    def owl(self, tmp_path_factory):
        pytest.importorskip("transformers", reason="pip install -r requirements-convert.txt")
        from convert import open_vocabulary

        folder = tmp_path_factory.mktemp("owl")
        model = networks.owl()
        source = Source(saved(model, folder / "source"), entry("detect", template="a photo of {}"))
        out = folder / "out"
        out.mkdir()
        return write_model(out, open_vocabulary.convert(source, out)), model

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ENGINE_NAMES)
    def test_owl_scores_are_those_of_transformers(self, owl, image, name):
        from pipeline.detect.card import prepare, read_detector_card

        written, model = owl
        detector = OwlDetector.open(written, LOOSE, opener(name))
        picture = image((90, 60))
        seen = detector.looking_for(["red plane", "blue"])([picture])[0]
        assert seen.class_names == ("red plane", "blue")
        tensor, _ = prepare(picture, (1, 1), read_detector_card(written))
        from pipeline.detect.open_vocabulary import encode
        from pipeline.tokens import read_tokenizer

        card = read_detector_card(written)
        tokenizer = read_tokenizer(written.file("tokenizer.json"), card.text_length)
        ids = torch.tensor(encode(tokenizer, ["red plane", "blue"], card))
        with torch.inference_mode():
            out = model(input_ids=ids, pixel_values=torch.tensor(tensor[None]), attention_mask=None)
        best = out.logits[0].sigmoid().max().item()
        assert seen.score[0] == pytest.approx(best, abs=0.005)
        assert len(detector([picture])[0]) > 0  # without captions, by objectness

    def test_phrases_are_found_as_transformers_finds_them(self):
        pytest.importorskip("transformers", reason="pip install -r requirements-convert.txt")
        from transformers.models.grounding_dino import modeling_grounding_dino as theirs

        for ids in (
            [101, 2417, 4946, 1012, 102, 0, 0],
            [101, 2417, 1012, 4946, 2158, 1012, 102],
            [101, 1012, 102, 0, 0, 0, 0],
        ):
            mask, places = phrase_masks(np.array(ids))
            special = torch.tensor(theirs.SPECIAL_TOKENS)
            expected = theirs.generate_masks_with_special_tokens_and_transfer_map(
                torch.tensor([ids]), special
            )
            used = np.array(ids) != 0
            np.testing.assert_array_equal(mask[used], expected[0][0].numpy()[used])
            np.testing.assert_array_equal(places[used], expected[1][0].numpy()[used])

    @pytest.fixture(scope="class")
    def grounding(self, tmp_path_factory):
        pytest.importorskip("transformers", reason="pip install -r requirements-convert.txt")
        from convert import open_vocabulary

        folder = tmp_path_factory.mktemp("grounding")
        model = networks.grounding_dino()
        source = Source(saved(model, folder / "source"), entry("detect", input_wh=(128, 96)))
        out = folder / "out"
        out.mkdir()
        return write_model(out, open_vocabulary.convert(source, out)), model

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ENGINE_NAMES)
    def test_grounding_dino_scores_are_those_of_transformers(self, grounding, image, name):
        from pipeline.detect.card import prepare, read_detector_card
        from pipeline.detect.open_vocabulary import encode
        from pipeline.tokens import read_tokenizer

        written, model = grounding
        picture = image((120, 90))
        detector = GroundingDetector.open(written, LOOSE, opener(name))
        seen = detector.looking_for(["red plane"])([picture])[0]
        card = read_detector_card(written)
        tensor, _ = prepare(image((128, 40)), (1, 1), card)
        np.testing.assert_allclose(tensor[:, 60:], 0, atol=1e-5)  # the padding, as transformers'
        tensor, _ = prepare(picture, (1, 1), card)
        tokenizer = read_tokenizer(written.file("tokenizer.json"), card.text_length)
        ids = encode(tokenizer, ["red plane"], card)
        with torch.inference_mode():
            out = model(
                pixel_values=torch.tensor(tensor[None]),
                input_ids=torch.tensor(ids),
                attention_mask=torch.tensor((ids != 0).astype(int)),
            )
        best = out.logits[0].sigmoid().max().item()
        assert seen.score[0] == pytest.approx(best, abs=0.005)
