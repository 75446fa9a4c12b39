"""Three tiny ONNX models with the interface of the real ones, made on the spot.

The detector gives fixed boxes, the upscaler is a small random convolution, the reranker compares
mean colors with words. They test everything around the networks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

TEXT_LENGTH = 6
IMAGE_SIZE = 32
# Center x, center y, width, height in pixels of the detector's input, score.
ANCHORS = np.array(
    [
        [100, 100, 40, 40, 0.9],
        [102, 100, 40, 40, 0.8],  # overlaps the first
        [300, 200, 60, 30, 0.7],
        [500, 300, 20, 20, 0.2],  # below the default threshold
        [10, 10, 60, 60, 0.6],  # sticks out at the top left
    ],
    np.float32,
)
WORDS = {"red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1), "white": (1, 1, 1)}


def write_tiny_models(folder: Path) -> None:
    """Write detector/, upscaler/ and reranker/, and a folder for each further detector family."""
    for name in ("detector", "upscaler", "reranker"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _save(_detector(), folder / "detector" / "detector.onnx")
    _save(_upscaler(), folder / "upscaler" / "upscaler.onnx")
    _save(_vision(), folder / "reranker" / "vision.onnx")
    _save(_text(), folder / "reranker" / "text.onnx")
    _tokenizer().save(str(folder / "reranker" / "tokenizer.json"))
    card = {
        "logit_scale": 20.0,
        "logit_bias": -16.0,
        "image_size": IMAGE_SIZE,
        "text_length": TEXT_LENGTH,
        "template": "{}",
        "calibration": {"a": 1.0, "b": 0.5, "c": 0.0},
        "found_probability_min": 0.5,
    }
    (folder / "reranker" / "reranker.json").write_text(json.dumps(card), encoding="utf-8")
    _write_families(folder)


def _write_families(folder: Path) -> None:
    """The same anchors in the layout of each family of detectors."""
    _write_open_vocabulary(folder)
    ones = np.ones((len(ANCHORS), 1), np.float32)
    cxcywh, score = ANCHORS[:, :4], ANCHORS[:, 4:]
    cells = np.zeros((84, 6), np.float32)  # 64x64 pixels in strides of 8, 16 and 32
    cells[9, :] = (0.5, 0.5, 1, 0.5, 0.9, 1)
    logit = np.log(score / (1 - score))
    share = cxcywh / np.array([960, 544, 960, 544], np.float32)
    constants = {
        # Three times: as many rows as columns would leave open which is which.
        "yolov6": {"output": np.tile(np.concatenate([cxcywh, ones, score], axis=1), (3, 1))},
        "yolox": {"output": cells},
        "detr": {"logits": logit, "pred_boxes": share},
    }
    cards = {
        "yolox": {"fit": "corner", "input_wh": [64, 64], "order": "bgr", "scale": 1.0},
        "detr": {"fit": "stretch", "input_wh": [960, 544]},
    }
    for family, outputs in constants.items():
        path = folder / f"detector-{family}"
        path.mkdir(exist_ok=True)
        _save(_constant(outputs), path / "detector.onnx")
        if family in cards:
            (path / "detector.json").write_text(json.dumps(cards[family]), encoding="utf-8")


def _save(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _model(nodes, inputs, outputs, constants) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*spec) for spec in inputs],
        [helper.make_tensor_value_info(*spec) for spec in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9)


def _detector() -> onnx.ModelProto:
    nodes = [
        # (n, 1, 1), zero: makes the constant boxes as many as there are images.
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["nothing3"]),
        helper.make_node("Add", ["nothing3", "anchors"], ["output0"]),
    ]
    return _model(
        nodes,
        [("images", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [("output0", TensorProto.FLOAT, ["n", 5, len(ANCHORS)])],
        {
            "zero": np.float32(0).reshape(()),
            "shape": np.array([-1, 1, 1], np.int64),
            "anchors": np.ascontiguousarray(ANCHORS.T)[None],
        },
    )


def _write_open_vocabulary(folder: Path) -> None:
    """The first anchor is red, the second blue, the third green."""
    share = ANCHORS[:3, :4] / np.array([960, 544, 960, 544], np.float32)
    share[1, :2] = (0.7, 0.7)  # away from the first
    colors = np.array([WORDS["red"], WORDS["blue"], WORDS["green"]], np.float32) / np.sqrt(3)
    ones = np.ones((3, 1), np.float32)
    card = {"fit": "corner", "input_wh": [960, 544], "text_length": TEXT_LENGTH}
    seen = {
        "pred_boxes": share,
        "objectness": np.array([2.0, 1.0, 0.5], np.float32),
        "class_embeds": colors,
        "logit_shift": -0.5 * ones,
        "logit_scale": 8 * ones,
    }
    owl, grounding = folder / "detector-owl", folder / "detector-grounding"
    owl.mkdir(exist_ok=True)
    _save(_constant(seen), owl / "vision.onnx")
    _save(_text(), owl / "text.onnx")
    grounding.mkdir(exist_ok=True)
    _save(_grounding(share), grounding / "detector.onnx")
    for path in (owl, grounding):
        _tokenizer().save(str(path / "tokenizer.json"))
        (path / "detector.json").write_text(json.dumps(card), encoding="utf-8")


def _grounding(boxes: np.ndarray) -> onnx.ModelProto:
    """Queries whose logit for a token is 4 where the token is their color (red, blue, green)."""
    length, i64 = TEXT_LENGTH, TensorProto.INT64
    table = np.full((2 + len(WORDS), 3), -4, np.float32)
    for query, word in enumerate(("red", "blue", "green")):
        table[2 + list(WORDS).index(word), query] = 4
    uses = ["attention_mask", "phrase_mask", "position_ids", "pixel_mask"]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["by_token"]),
        helper.make_node("Transpose", ["by_token"], ["logits_alone"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["pixel_values"], ["level"], axes=[1, 2, 3], keepdims=1),
    ]
    for name in uses:
        nodes.append(helper.make_node("Cast", [name], [f"{name}_f"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("ReduceSum", [f"{name}_f"], [f"{name}_s"], keepdims=0))
    nodes += [
        helper.make_node("Sum", [f"{name}_s" for name in uses], ["used"]),
        helper.make_node("ReduceMean", ["level"], ["level1"], keepdims=0),
        helper.make_node("Add", ["used", "level1"], ["all"]),
        helper.make_node("Mul", ["all", "zero"], ["nothing"]),
        helper.make_node("Add", ["logits_alone", "nothing"], ["logits"]),
        helper.make_node("Add", ["boxes", "nothing"], ["pred_boxes"]),
    ]
    return _model(
        nodes,
        [
            ("pixel_values", TensorProto.FLOAT, ["n", 3, "h", "w"]),
            ("pixel_mask", i64, ["n", "h", "w"]),
            ("input_ids", i64, ["n", length]),
            ("attention_mask", i64, ["n", length]),
            ("phrase_mask", TensorProto.BOOL, ["n", length, length]),
            ("position_ids", i64, ["n", length]),
        ],
        [
            ("logits", TensorProto.FLOAT, ["n", 3, length]),
            ("pred_boxes", TensorProto.FLOAT, [1, 3, 4]),
        ],
        {
            "zero": np.float32(0).reshape(()),
            "table": table,
            "boxes": np.ascontiguousarray(boxes)[None],
        },
    )


def _constant(outputs: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Gives the same arrays for every image."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["nothing3"]),
        helper.make_node("Reshape", ["nothing", "shape2"], ["nothing2"]),
    ]
    constants = {
        "zero": np.float32(0).reshape(()),
        "shape": np.array([-1, 1, 1], np.int64),
        "shape2": np.array([-1, 1], np.int64),
    }
    for name, value in outputs.items():
        nothing = "nothing3" if value.ndim == 2 else "nothing2"
        nodes.append(helper.make_node("Add", [nothing, f"{name}_value"], [name]))
        constants[f"{name}_value"] = np.ascontiguousarray(value, np.float32)[None]
    return _model(
        nodes,
        [("images", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [(name, TensorProto.FLOAT, ["n", *value.shape]) for name, value in outputs.items()],
        constants,
    )


def _upscaler() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.05, (48, 3, 5, 5)).astype(np.float32)
    # Mostly the middle pixel of the same color, so that the output resembles the input.
    for k in range(48):
        weight[k, k // 16, 2, 2] += 1.0
    nodes = [
        helper.make_node("Conv", ["input", "weight"], ["wide"], pads=[2, 2, 2, 2]),
        helper.make_node("DepthToSpace", ["wide"], ["output"], blocksize=4, mode="CRD"),
    ]
    return _model(
        nodes,
        [("input", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [("output", TensorProto.FLOAT, ["n", 3, "h4", "w4"])],
        {"weight": weight},
    )


def _vision() -> onnx.ModelProto:
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["mean", "little"], ["safe"]),
        helper.make_node("LpNormalization", ["safe"], ["image_embeds"], axis=1, p=2),
    ]
    return _model(
        nodes,
        [("pixel_values", TensorProto.FLOAT, ["n", 3, IMAGE_SIZE, IMAGE_SIZE])],
        [("image_embeds", TensorProto.FLOAT, ["n", 3])],
        {"little": np.array([1e-4, 2e-4, 3e-4], np.float32)},
    )


def _text() -> onnx.ModelProto:
    table = np.array([(0, 0, 0), (0, 0, 0), *WORDS.values()], np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("ReduceMean", ["words"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Add", ["mean", "little"], ["safe"]),
        helper.make_node("LpNormalization", ["safe"], ["text_embeds"], axis=1, p=2),
    ]
    return _model(
        nodes,
        [("input_ids", TensorProto.INT64, ["n", TEXT_LENGTH])],
        [("text_embeds", TensorProto.FLOAT, ["n", 3])],
        {"table": table, "little": np.array([1e-4, -2e-4, 1e-4], np.float32)},
    )


def _tokenizer() -> Tokenizer:
    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(Regex("[^a-z0-9]+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=TEXT_LENGTH)
    tokenizer.enable_truncation(TEXT_LENGTH)
    return tokenizer
