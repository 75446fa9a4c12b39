"""Converting once: where it lies, when it is made again, what it asks consent for."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")

from convert.half import to_half
from convert.job import (
    Consent,
    Request,
    _made_from,
    install_steps,
    models_of,
    prepare,
    prepare_missing,
)
from convert.ready_detector import convert as convert_ready
from convert.sentencepiece import tokenizer_of
from core.errors import DataError, ModelError, UnknownNameError
from core.types import Detections
from frontends.cli import main
from pipeline.cache import set_cache_folder
from pipeline.catalog import converted_folder, find_model, load_catalog
from pipeline.config import load_config, preset_names
from pipeline.cut import cut
from pipeline.models import Model, read_model
from pipeline.registry import DETECTORS, RERANKERS, UPSCALERS

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights"
X4V3, YOLOX = WEIGHTS / "realesr-general-x4v3.pth", WEIGHTS / "yolox_nano.onnx"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    set_cache_folder(tmp_path / "cache")
    monkeypatch.setenv("SPOTTER_CACHE", str(tmp_path / "cache"))
    yield
    set_cache_folder(None)


def run(path: Path, feeds: dict) -> np.ndarray:
    from convert.onnx_file import run_onnx

    return run_onnx(path, feeds)[0]


def decoded_graph(path: Path, objectness: float, rows: int) -> None:
    """A network of 2 classes that gives the same boxes for any image."""
    helper = onnx.helper
    table = np.full((1, rows, 7), 0.5, np.float32)
    table[..., 4] = objectness
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["table", "nothing"], ["output"]),
    ]
    held = [
        onnx.numpy_helper.from_array(table, "table"),
        onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("images", 1, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output", 1, [1, rows, 7])], held,
    )  # fmt: skip
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )


class TestCatalogue:
    def test_entries_are_whole(self):
        tables = {"detect": DETECTORS, "upscale": UPSCALERS, "rerank": RERANKERS}
        from convert.job import CONVERTERS

        for model in load_catalog().values():
            assert model.family in tables[model.task].names(), model.id
            assert model.licence, model.id
            assert model.source, model.id
            if model.converter:
                assert model.converter in CONVERTERS.names(), model.id
                assert model.hub or (model.url and model.weights), model.id

    @pytest.mark.parametrize("name", preset_names())
    def test_presets_name_known_models(self, name):
        known = load_catalog()
        for model, task in models_of(load_config(name)):
            assert known[model].task == task

    def test_a_missing_model_tells_the_command(self):
        with pytest.raises(ModelError, match="'owlv2-base' is not converted yet") as caught:
            find_model("owlv2-base", "detect")
        assert "python app.py export --model owlv2-base --download" in caught.value.hint
        with pytest.raises(ModelError) as caught:
            find_model("yolov9e", "detect", precision="f16")
        assert "--precision fp16 --weights yolov9e.pt" in caught.value.hint
        with pytest.raises(ModelError, match="rtdetr_r18vd' is not converted"):
            find_model("PekingU/rtdetr_r18vd", "detect")
        with pytest.raises(UnknownNameError, match="Did you mean 'yolov9e'"):
            find_model("yolov9", "detect")

    def test_ids_cannot_leave_the_cache(self, tmp_path):
        for name in ("../../etc/x", "a/../../b", "..", "/etc/passwd"):
            folder = converted_folder(name).resolve()
            assert folder.parent == (tmp_path / "cache" / "models").resolve()


class TestPrepare:
    def test_nothing_is_fetched_without_consent(self, monkeypatch):
        def refuse(*_args, local_files_only, **_options):
            from huggingface_hub.errors import LocalEntryNotFoundError

            assert local_files_only, "a download without consent"
            raise LocalEntryNotFoundError("not there")

        monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
        with pytest.raises(ModelError, match="not on this machine") as caught:
            prepare(Request("siglip-base-224"))
        assert "--download" in caught.value.hint
        assert "Apache-2.0" in caught.value.hint
        with pytest.raises(ModelError, match="fetched by hand") as caught:
            prepare(Request("yolov9e"), consent=Consent(download=True))
        assert "github.com/ultralytics" in caught.value.hint
        # All that a preset lacks is told at once, with the one command for it.
        with pytest.raises(ModelError, match=r"'owlv2-base' .*'siglip2-base-256' ") as caught:
            prepare_missing(load_config("zero-shot"))
        both = "{}, then: {};".format(*install_steps("zero-shot"))
        assert both in caught.value.hint
        # One that is left is got the same way.
        preset = load_config("zero-shot")
        left = preset.with_values({"detect": {"model": load_config("mini").detect.model}})
        with pytest.raises(ModelError, match="weights of 'siglip2-base-256'") as caught:
            prepare_missing(left)
        assert both in caught.value.hint
        with pytest.raises(ModelError, match=r"'owlv2-base' .*'siglip-base-224' ") as caught:
            prepare_missing(load_config("zero-shot", sets=["rerank.model=siglip-base-224"]))
        for name in ("owlv2-base", "siglip-base-224"):
            assert f"export --model {name} --download" in caught.value.hint
        prepare_missing(load_config("mini"))  # ships here

    def test_a_folder_called_like_a_model_of_the_catalogue_is_not_taken_for_its_weights(
        self, tmp_path, monkeypatch
    ):
        def is_missing(entry):
            raise ModelError(f"{entry.hub} is not here.")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("convert.hub._find", is_missing)
        own = tmp_path / "siglip-base-224"
        own.mkdir()
        (own / "config.json").write_text('{"model_type": "llama"}')
        with pytest.raises(ModelError, match=r"^google/.* is not here"):
            prepare(Request("siglip-base-224"))
        with pytest.raises(ModelError, match="type 'llama'"):
            prepare(Request("./siglip-base-224"))

    def test_a_model_wanted_twice_at_once_is_converted_once(self, monkeypatch, in_threads):
        made = []

        def convert(request, *, tell):
            made.append(request.name)
            time.sleep(0.05)
            folder = converted_folder(request.name)
            folder.mkdir(parents=True)
            (folder / "model.json").write_text("{}")

        monkeypatch.setattr("convert.job.prepare", convert)
        in_threads(lambda: prepare_missing(load_config("zero-shot")))
        assert sorted(made) == ["owlv2-base", "siglip2-base-256"]

    def test_ready_files_are_recognised_by_layout(self, tiny_models, tmp_path):
        shipped = find_model("spotter-detector-n", "detect").folder
        for folder, family in ((shipped, "yolo"), (tiny_models / "detector-yolov6", "yolov6")):
            source = folder / "detector.onnx"
            model = prepare(Request(str(source)))
            assert model.family == family
            assert model.class_names == ("object",)
            assert find_model(str(model.folder), "detect").family == family
        with pytest.raises(ModelError, match="got 2 names"):
            prepare(Request(str(source), class_names=("a", "b"), again=True))

    def test_conversions_are_kept_and_made_again_when_weights_change(self, tiny_models, tmp_path):
        source = tmp_path / "mine.onnx"
        source.write_bytes((tiny_models / "detector-yolov6" / "detector.onnx").read_bytes())
        first = prepare(Request(str(source)))
        stamp = (first.folder / "detector.onnx").stat().st_mtime_ns
        again = prepare(Request(str(source)))
        assert (again.folder / "detector.onnx").stat().st_mtime_ns == stamp
        graph = onnx.load(str(source))
        graph.doc_string = "other bytes"
        onnx.save(graph, str(source))
        changed = prepare(Request(str(source)))
        assert changed.made_from != first.made_from
        assert not list(changed.folder.parent.glob(".making-*"))

    def test_a_conversion_of_ones_own_may_lack_16_bits(self, tiny_models):
        model = prepare(Request(str(tiny_models / "detector-yolov6" / "detector.onnx")))
        assert find_model(model.id, "detect").folder == model.folder
        with pytest.raises(ModelError, match="not converted yet to 16 bits"):  # not: unknown
            find_model(model.id, "detect", precision="f16")
        half = prepare(Request(model.id, precision="f16"))
        assert find_model(model.id, "detect", precision="f16").folder == half.folder

    @pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EFBIG])
    def test_a_full_disk_is_told_and_leaves_nothing(self, tiny_models, monkeypatch, kind):
        def fill(graph, path):
            path.write_bytes(b"half of")
            raise OSError(kind, os.strerror(kind), str(path))

        monkeypatch.setattr("convert.ready_detector.save_graph", fill)
        source = tiny_models / "detector-yolov6" / "detector.onnx"
        with pytest.raises(DataError, match="cannot write to") as caught:
            prepare(Request(str(source)))
        assert os.strerror(kind) in caught.value.message
        assert "SPOTTER_CACHE" in caught.value.hint
        assert not list(converted_folder("any").parent.iterdir())

    def test_weights_behind_a_link_count_as_they_are(self, tmp_path):
        disk, repository = tmp_path / "disk", tmp_path / "repository"
        for folder in (disk, repository / "one", repository / "two"):
            folder.mkdir(parents=True)
        (repository / "config.json").write_text("{}")
        (repository / "model.safetensors").symlink_to(disk / "weights")
        seen = []
        for one, two, weights in ("abc", "abd", "bad"):
            (repository / "one" / "w").write_text(one)
            (repository / "two" / "w").write_text(two)
            (disk / "weights").write_text(weights)
            seen.append(_made_from(repository, "how"))
        assert len(set(seen)) == 3
        # What version control and the hub's client note beside the weights is none of them.
        (repository / ".cache").mkdir()
        (repository / ".cache" / "fetched").write_text("today")
        assert _made_from(repository, "how") == seen[-1]

    def test_settings_count_as_much_as_weights(self, tiny_models, tmp_path):
        source = tiny_models / "detector-yolov6" / "detector.onnx"
        assert prepare(Request(str(source))).class_names == ("object",)
        assert prepare(Request(str(source), class_names=("drone",))).class_names == ("drone",)
        half = prepare(Request(str(source), class_names=("kite",), precision="f16"))
        assert half.class_names == ("kite",)
        assert prepare(Request(str(source), precision="f16")).class_names == ("object",)

    def test_a_stale_conversion_is_not_returned(self, tiny_models, tmp_path, monkeypatch):
        weights = tmp_path / "yolox_nano.onnx"
        weights.write_bytes((tiny_models / "detector-yolov6" / "detector.onnx").read_bytes())
        first = prepare(Request("yolox-nano", weights=weights))
        # The weights are gone: the same is there, but nothing else can be made.
        assert prepare(Request("yolox-nano")) == first
        with pytest.raises(ModelError, match="fetched by hand"):
            prepare(Request("yolox-nano", class_names=("drone",)))
        monkeypatch.setattr("convert.job.VERSION", 0)
        with pytest.raises(ModelError, match="fetched by hand"):
            prepare(Request("yolox-nano"))
        assert prepare(Request("yolox-nano", weights=weights)).made_from != first.made_from

    def test_changed_weights_of_the_hub_are_seen(self, tiny_models, tmp_path, monkeypatch):
        weights = tmp_path / "best.onnx"
        weights.write_bytes((tiny_models / "detector-yolov6" / "detector.onnx").read_bytes())
        there = {"path": weights}

        def fetch(entry, *, download, tell):
            assert not download, "a look is no download"
            if there["path"] is None:
                raise ModelError("not on this machine.")
            return there["path"]

        monkeypatch.setattr("convert.job.fetch", fetch)
        first = prepare(Request("somebody/detector"))
        graph = onnx.load(str(weights))
        graph.doc_string = "trained longer"
        onnx.save(graph, str(weights))
        changed = prepare(Request("somebody/detector"), consent=Consent(download=False))
        assert changed.made_from != first.made_from
        there["path"] = None
        assert prepare(Request("somebody/detector"), consent=Consent(download=True)) == changed

    @pytest.mark.parametrize(
        ("objectness", "rows", "expected"),
        [(1.0, 672, "rgb"), (0.5, 672, "bgr"), (0.5, 680, "bgr"), (0.5, 2016, "rgb")],
    )
    def test_decoded_boxes_tell_whose_they_are(self, tmp_path, objectness, rows, expected):
        path = tmp_path / "decoded.onnx"
        decoded_graph(path, objectness, rows)
        model = prepare(Request(str(path)))
        card = json.loads(model.file("detector.json").read_text())
        assert model.family == "yolov6"
        assert (card.get("order", "rgb"), card.get("scale")) == (
            expected,
            1.0 if expected == "bgr" else None,
        )

    def test_decoded_boxes_of_nobody_are_refused(self, tmp_path):
        path = tmp_path / "decoded.onnx"
        decoded_graph(path, 0.5, 700)
        with pytest.raises(ModelError, match="700 boxes with an objectness for 256x128"):
            prepare(Request(str(path)))

    def test_a_failure_leaves_what_was_there(self, tiny_models, tmp_path):
        source = tmp_path / "mine.onnx"
        source.write_bytes((tiny_models / "detector-yolov6" / "detector.onnx").read_bytes())
        model = prepare(Request(str(source)))
        source.write_bytes(b"nonsense")
        with pytest.raises(ModelError, match="no ONNX file"):
            prepare(Request(str(source)))
        assert read_model(model.folder).file("detector.onnx").is_file()

    def test_a_conversion_that_another_process_finishes_meanwhile_is_kept(
        self, tiny_models, tmp_path, monkeypatch
    ):
        source = tmp_path / "mine.onnx"
        source.write_bytes((tiny_models / "detector-yolov6" / "detector.onnx").read_bytes())
        stamps = []

        def convert_twice(given, folder):
            if not stamps:
                stamps.append(0)
                first = prepare(Request(str(source)))
                stamps[0] = (first.folder / "detector.onnx").stat().st_ino
            return convert_ready(given, folder)

        monkeypatch.setattr("convert.ready_detector.convert", convert_twice)
        model = prepare(Request(str(source)))
        assert (model.folder / "detector.onnx").stat().st_ino == stamps[0]
        assert [path.name for path in model.folder.parent.iterdir()] == [model.folder.name]

    def test_a_damaged_conversion_is_refused(self, tiny_models):
        source = tiny_models / "detector-yolov6" / "detector.onnx"
        model = prepare(Request(str(source)))
        (model.folder / "detector.onnx").write_bytes(b"damaged")
        with pytest.raises(ModelError, match="not the file of the catalogue"):
            find_model(str(model.folder), "detect").file("detector.onnx")

    def test_unknown_kinds_are_told(self, tmp_path):
        (tmp_path / "weights.bin").write_bytes(b"?")
        with pytest.raises(ModelError, match=r"\*\.bin.*not known"):
            prepare(Request(str(tmp_path / "weights.bin")))
        (tmp_path / "config.json").write_text('{"model_type": "llama"}')
        with pytest.raises(ModelError, match=r"type 'llama'.*not known"):
            prepare(Request(str(tmp_path)))

    def test_the_command_tells_how_to_use_a_repository_of_ones_own(
        self, tiny_models, tmp_path, monkeypatch, capsys
    ):
        made = find_model(str(tiny_models / "reranker"), "rerank")
        monkeypatch.setattr("convert.job.prepare", lambda *_args, **_options: made)
        assert main(["export", "--model", str(tmp_path)]) == 0
        assert f'use it with: --set rerank.model="{made.folder}"' in capsys.readouterr().out

    def test_command(self, tiny_models, capsys):
        source = tiny_models / "detector-yolov6" / "detector.onnx"
        assert main(["export", "--model", str(source)]) == 0
        out = capsys.readouterr().out
        assert "yolov6 (detect" in out
        assert "--set detect.model=" in out
        assert main(["export", "--list"]) == 0
        assert "siglip-til24" in capsys.readouterr().out
        with pytest.raises(SystemExit):
            main(["export", "--preset", "origin"])
        assert "https://github.com/meituan/YOLOv6" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main(["export", "--model", "x/y", "--size", "large"])
        assert "--size must be like 640x640" in capsys.readouterr().err


class TestHalf:
    def test_shipped_models_in_16_bits(self, rng):
        model = prepare(Request("spotter-detector-n", precision="f16"))
        whole = find_model("spotter-detector-n", "detect")
        image = rng.random((1, 3, 128, 160), dtype=np.float32)
        half, full = (run(m.file("detector.onnx"), {"images": image}) for m in (model, whole))
        assert half.dtype == np.float32
        assert np.abs(half - full)[:, :4].max() < 0.5
        assert np.abs(half - full)[:, 4:].max() < 0.005
        graph = onnx.load(str(model.folder / "detector.onnx"))
        sizes = {t.data_type: 0 for t in graph.graph.initializer}
        for tensor in graph.graph.initializer:
            sizes[tensor.data_type] += int(np.prod(tensor.dims))
        # All but constants of the decoder.
        assert sizes[onnx.TensorProto.FLOAT16] > 100 * sizes.get(onnx.TensorProto.FLOAT, 0)
        assert find_model("spotter-detector-n", "detect", precision="f16").folder == model.folder

    def test_decoding_stays_wide(self):
        helper = onnx.helper
        weight = onnx.numpy_helper.from_array(np.full((64, 4, 1, 1), 0.1, np.float32), "w")
        offset = onnx.numpy_helper.from_array(np.float32([1500.3]), "offset")
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["y"]),
            helper.make_node("Add", ["y", "offset"], ["z"]),
        ]
        graph = helper.make_graph(
            nodes, "g",
            [helper.make_tensor_value_info("x", 1, ["n", 4, 2, 2])],
            [helper.make_tensor_value_info("z", 1, ["n", 64, 2, 2])], [weight, offset],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        half = to_half(model)
        onnx.checker.check_model(half, full_check=True)
        kinds = {t.name: t.data_type for t in half.graph.initializer}
        assert kinds["offset"] == onnx.TensorProto.FLOAT  # 16 bits would give 1500.0 or 1501.0
        assert onnx.TensorProto.FLOAT16 in kinds.values()


class TestRealWeights:
    @pytest.mark.skipif(not YOLOX.is_file(), reason="needs ../shared/weights/yolox_nano.onnx")
    def test_yolox_finds_what_coco_names(self):
        from pipeline.build import open_engine
        from pipeline.config import DetectConfig, EngineConfig
        from pipeline.engines.choose import choose_engine
        from pipeline.engines.machine import probe_machine

        model = prepare(Request("yolox-nano", weights=YOLOX))
        assert model.family == "yolox"
        assert model.class_names[4] == "airplane"
        config = DetectConfig(score_min=0.2, level_count=1)
        picture = _photograph()
        seen = {}
        for engine in ("onnxruntime", "openvino"):
            choice = choose_engine(
                EngineConfig(engine=engine, precision="f32", device="cpu"), probe_machine()
            )
            family = DETECTORS.load("yolox").open(
                model, config, lambda path, choice=choice: open_engine(path, choice)
            )
            seen[engine] = family([picture, picture[:200]])[0]
        first = seen["onnxruntime"]
        assert {first.class_names[i] for i in first.class_id} & {"airplane", "kite", "bird"}
        np.testing.assert_allclose(first.xyxy, seen["openvino"].xyxy, atol=0.5)
        np.testing.assert_allclose(first.score, seen["openvino"].score, atol=0.005)


def _photograph() -> np.ndarray:
    from core.image import read_image

    return read_image(Path(__file__).parents[2] / "assets" / "examples" / "airfield.jpg")


def test_sentencepiece_files_are_read_as_data():
    """A hand-made model: three control signs and a few pieces, as a protocol buffer."""
    import struct

    def field(number: int, kind: int, value: bytes) -> bytes:
        size = bytes([len(value)]) if kind == 2 else b""
        return bytes([number << 3 | kind]) + size + value

    def piece(text: str, score: float, kind: int = 1) -> bytes:
        inner = field(1, 2, text.encode()) + field(2, 5, struct.pack("<f", score))
        return field(1, 2, inner + field(3, 0, bytes([kind])))

    pieces = [("<pad>", 0, 3), ("</s>", 0, 3), ("<unk>", 0, 2), ("▁red", -1, 1), ("▁plane", -2, 1),
              ("▁", -5, 1), ("pl", -4, 1), ("ane", -4, 1)]  # fmt: skip
    data = b"".join(piece(*one) for one in pieces)
    tokenizer = tokenizer_of(data)
    assert tokenizer.encode("red  plane").tokens == ["▁red", "▁plane", "</s>"]
    assert tokenizer.encode("red zz").ids[-2:] == [2, 1]
    with pytest.raises(ModelError):
        tokenizer_of(b"\xff\xff nonsense")


def test_json_cards_are_strict(tiny_models, tmp_path):
    from pipeline.detect.card import read_detector_card

    (tmp_path / "detector.json").write_text(json.dumps({"fit": "squeeze"}))
    with pytest.raises(ModelError, match=r"detector.json is malformed"):
        read_detector_card(Model(id="x", task="detect", family="yolo", folder=tmp_path))


def test_box_crops_have_the_shape_of_the_box(image):
    seen = Detections.from_xyxy([[10, 20, 60, 30], [0, 0, 0.5, 0.5]], (100, 80))
    crops = cut(image((100, 80)), seen, context_ratio=0.0, shape="box")
    assert crops.region_xyxy.tolist() == [[10, 20, 60, 30], [0, 0, 1, 1]]
