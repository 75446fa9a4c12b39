"""Learning from a project: what is held out, what is mixed, and a whole run in small."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
if find_spec("ultralytics") is None:
    reason = "pip install --no-deps ultralytics==8.4.190 ultralytics-thop==2.2.3"
    pytest.skip(reason, allow_module_level=True)

from core.errors import Cancelled, ConfigError, DataError
from core.image import encode_image, read_image, write_image
from dataset.record import Record
from pipeline.config import DetectConfig
from project.export import to_dataset
from project.learning import use_run
from project.pictures import read_picture
from project.store import Project
from project.types import Add, Move
from training.learn import LearnOptions, Reporter, learn, measure_before, synthetic_scenes
from training.learn_data import (
    cache_scenes,
    divide,
    divide_project,
    fingerprint,
    keep_division,
    mix_scenes,
)
from training.learn_options import parse
from training.learn_synthetic import make_default_crops
from training.scenes import CachedScene


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Twelve pictures of 192x96, a white square in each, all done."""
    rng = np.random.default_rng(0)
    with Project.create(tmp_path / "project", "squares") as made:
        for number in range(12):
            picture = rng.integers(0, 90, (96, 192, 3), dtype=np.uint8)
            x, y = (int(v) for v in rng.integers(8, 60, 2))
            picture[y : y + 24, x : x + 24] = 255
            image_id, _ = made.add(read_picture(encode_image(picture), "p"), f"p{number}")
            box = Add((x, y, x + 24, y + 24), caption="white square")
            made.apply(image_id, [box], who="ann", version=0, state="done")
        yield made


def test_a_fifth_is_held_out_the_same_one_each_time(project: Project) -> None:
    first, second = divide_project(project), divide_project(project)
    held_out = [record.image_id for record in first.held_out]
    assert held_out == [record.image_id for record in second.held_out]
    assert 0 < len(held_out) < len(first.train)
    assert not set(held_out) & {record.image_id for record in first.train}


def test_given_splits_are_kept(project: Project) -> None:
    dataset = to_dataset(project)
    splits = ["val", "test"] + ["train"] * 10
    found = divide(dataset, splits)
    assert [record.image_id for record in found.held_out] == ["p0", "p1"]


def test_pictures_for_training_alone_are_held_out_by_their_names(project: Project) -> None:
    dataset = to_dataset(project)
    count = len(dataset.records)
    found = divide(dataset, ["train"] * (count - 1) + [""])
    assert found == divide(dataset, [""] * count)
    assert found.held_out


def test_few_images_fill_both_parts_whatever_their_names(project: Project) -> None:
    dataset = to_dataset(project)
    for draw in range(100):
        records = [
            replace(record, image_id=f"{draw}-{row}", group=f"{draw}-{row}")
            for row, record in enumerate(dataset.records[:8])
        ]
        for row, one in enumerate(records[:3]):  # pictures with nothing in them
            records[row] = Record(
                one.image_id, one.path, one.image_wh, one.xyxy[:0], (), group=one.group
            )
        found = divide(type(dataset)(tuple(records), dataset.class_names), [""] * 8)
        assert sum(map(len, found.held_out)) > 0
        assert sum(map(len, found.train)) > 0


def test_too_few_images_are_told(project: Project) -> None:
    dataset = to_dataset(project)
    few = type(dataset)(dataset.records[:4], dataset.class_names)
    with pytest.raises(DataError, match="at least 8 images"):
        divide(few, ["train", "train", "val", ""])


def test_nearly_the_same_pictures_stay_together(project: Project) -> None:
    for number, image in enumerate(list(project.walk("done"))):
        picture = read_image(project.path(image.id)).copy()
        picture[0, 0] = number  # another file, the same look
        twin, _ = project.add(read_picture(encode_image(picture), "p"), f"twin{number}")
        assert project.image(twin).twin_id == image.id
        box = Add(project.boxes(image.id)[0].xyxy, caption="white square")
        project.apply(twin, [box], who="ann", version=0, state="done")
    divided = divide_project(project)
    held_out = {record.image_id for record in divided.held_out}
    assert held_out
    for record in (*divided.train, *divided.held_out):
        number = record.image_id.removeprefix("twin").removeprefix("p")
        assert (f"p{number}" in held_out) == (f"twin{number}" in held_out)


def test_a_continued_run_measures_on_what_it_held_out(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "divided.json"
    dataset = to_dataset(project)
    first = keep_division(divide(dataset, ["val", "val"] + ["train"] * 10), path, resume=False)
    changed = divide(dataset, ["train"] * 10 + ["val", "val"])
    again = keep_division(changed, path, resume=True)
    assert [r.image_id for r in again.held_out] == ["p0", "p1"]
    assert [r.image_id for r in again.train] == [r.image_id for r in first.train]
    assert keep_division(changed, tmp_path / "new.json", resume=False) == changed
    came = type(dataset)(dataset.records[:9], dataset.class_names)
    kept = keep_division(divide(came, ["val"] + ["train"] * 8), path, resume=True)
    assert (len(kept.train), len(kept.held_out)) == (7, 2), "those that are gone are left out"


def test_figures_before_are_those_of_the_same_images_and_settings(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def measure(graph, settings, divided, *_):
        measured.append((len(divided.held_out), settings.score_min))
        return {"ap50": len(measured) / 10}

    monkeypatch.setattr("training.learn.measure", measure)
    init = tmp_path / "detector.safetensors"
    init.write_bytes(b"weights")
    (tmp_path / "detector.onnx").touch()
    options, reporter = LearnOptions(), Reporter(tmp_path)
    dataset = to_dataset(project)
    two = divide(dataset, ["val", "val"] + ["train"] * 10)
    three = divide(dataset, ["val", "val", "val"] + ["train"] * 9)
    usual, surer = DetectConfig(), DetectConfig(score_min=0.25)
    told = [
        measure_before(tmp_path, init, settings, divided, reporter, options)["ap50"]
        for settings, divided in ((usual, two), (usual, two), (usual, three), (surer, three))
    ]
    assert told == [0.1, 0.1, 0.2, 0.3]
    assert measured == [(2, usual.score_min), (3, usual.score_min), (3, 0.25)]
    init.write_bytes(b"others")
    other = measure_before(tmp_path, init, surer, three, reporter, options)
    assert other["ap50"] == 0.4, "figures of other weights"
    before = fingerprint(three.held_out)
    image = project.images("name")[0]
    box = project.boxes(image.id)[0]
    project.apply(image.id, [Move(box.id, (1, 1, 9, 9))], who="ann", version=image.version)
    moved = divide(to_dataset(project), ["val", "val", "val"] + ["train"] * 9)
    assert fingerprint(moved.held_out) != before, "other labels are other figures"


def test_a_continued_run_begins_with_the_model_that_was_in_use(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = project.folder / "runs"
    for name in ("first", "second"):
        (runs / name / "model").mkdir(parents=True)
        (runs / name / "model" / "detector.safetensors").touch()
        (runs / name / "status.json").write_text('{"state": "finished"}')
    began: list[str] = []

    def measure_before(run: Path, init: Path, *_: object) -> None:
        began.append(init.parts[-3])
        raise Cancelled("enough.")

    def begin(name: str, *, resume: bool = False) -> None:
        with pytest.raises(Cancelled):
            learn(project, runs / name, LearnOptions(), resume=resume)

    monkeypatch.setattr("training.learn.measure_before", measure_before)
    use_run(project, "first")
    begin("third")
    use_run(project, "second")
    begin("third", resume=True)
    begin("fourth")
    assert began == ["first", "first", "second"]
    shutil.rmtree(runs / "first")
    with pytest.raises(DataError, match="run third began with runs/first/model, which is gone"):
        learn(project, runs / "third", LearnOptions(), resume=True)
    (runs / "third" / "started-with.json").unlink()  # of an older version
    begin("third", resume=True)
    assert began[3:] == ["second"]


def test_a_continued_run_keeps_its_settings(tmp_path: Path) -> None:
    line = ["--project", "p", "--run", str(tmp_path)]
    begun = parse([*line, "--max-minutes", "60", "--scenes", "s", "--crop-wh", "96", "64"], "")
    options = begun.options()
    assert (options.max_minutes, options.scenes, options.threads) == (60, "s", 1)
    (tmp_path / "config.json").write_text(json.dumps(asdict(options)))
    assert parse([*line, "--resume"], "").options() == options
    longer = parse([*line, "--resume", "--max-minutes", "90", "--threads", "2"], "").options()
    assert longer == replace(options, max_minutes=90, threads=2)
    assert parse(line, "").options() == LearnOptions()
    (tmp_path / "config.json").write_text('{"threads": "many"}')
    with pytest.raises(DataError, match="threads must be int, got 'many'"):
        parse([*line, "--resume"], "").options()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"synthetic_ratio": 1.0}, "synthetic_ratio must be .* below 1, got 1"),
        ({"reranker_ratio": 1.0}, "reranker_ratio must be .* below 1, got 1"),
        ({"synthetic_ratio": float("nan")}, "got nan"),
        ({"max_minutes": 0.0}, "no time to learn in: max_minutes 0, max_steps 0. Give"),
        ({"max_steps": -1}, "max_steps -1"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"crop_wh": (96, 100)}, "crop_wh must be multiples of 32, got 96 100"),
    ],
)
def test_settings_that_leave_nothing_to_learn_are_refused(
    setting: dict[str, float], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        LearnOptions(**setting)


def test_mixed_crops_lead_to_those_of_now(tmp_path: Path) -> None:
    from training.learn_reranker import _mix

    own, first, second = (tmp_path / name for name in ("own", "first", "second"))
    for folder, count in ((own, 2), (first, 6), (second, 2)):
        folder.mkdir()
        np.savez(folder / "crops-00000.npz", type_id=np.zeros(count))
        np.save(folder / "crops-00000.npy", np.zeros(count))
    assert len(list(_mix(own, first, tmp_path / "mixed").glob("*.npz"))) == 4
    shutil.rmtree(first)
    mixed = _mix(own, second, tmp_path / "mixed")
    leads = {path.name: path.resolve().parent.name for path in mixed.glob("*.npz")}
    assert leads == {"crops-00000.npz": "own", "crops-00001.npz": "second"}


def test_runs_share_a_small_cache_of_the_gallery(tmp_path: Path) -> None:
    told: list[float] = []
    folder = make_default_crops(tmp_path, None, told.append, num_shards=1)
    assert told == [0.0]
    [shard] = folder.glob("crops-*.npy")
    assert np.load(shard).shape == (128, 112, 112, 3)
    before = shard.stat().st_mtime_ns
    assert make_default_crops(tmp_path, None, told.append, num_shards=1) == folder
    assert shard.stat().st_mtime_ns == before, "made once"
    seen: list[int] = []

    def make(library, config, out, *, count, seed, start):
        (out / "blocks").mkdir(parents=True, exist_ok=True)
        row = {"image": "a.jpg", "annotations": []}
        (out / "blocks" / f"{start // 100:05d}.jsonl").write_text(json.dumps(row) + "\n")
        seen.append(start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.learn_synthetic.make_scenes", make)
        options = LearnOptions(cache=str(tmp_path))
        assert len(synthetic_scenes(options, Reporter(tmp_path))) == 3
        assert len(synthetic_scenes(options, Reporter(tmp_path))) == 3
    assert seen == [0, 100, 200]
    assert synthetic_scenes(replace(options, synthetic_ratio=0), Reporter(tmp_path)) == []
    (tmp_path / "stop").touch()
    with pytest.raises(Cancelled):
        synthetic_scenes(options, Reporter(tmp_path))


def test_pictures_are_cached_at_two_scales(project: Project, tmp_path: Path) -> None:
    [record, *_] = to_dataset(project).records
    full, half = cache_scenes([record], tmp_path / "scenes")
    assert read_image(full.path).shape == (192, 384, 3), "enlarged, at most twice"
    assert read_image(half.path).shape == (96, 192, 3)
    np.testing.assert_allclose(full.xyxy, record.xyxy * 2)
    np.testing.assert_allclose(half.xyxy, record.xyxy)
    before = full.path.stat().st_mtime_ns
    cache_scenes([record], tmp_path / "scenes")
    assert full.path.stat().st_mtime_ns == before, "what is there is not written again"


@pytest.mark.parametrize(
    ("image_wh", "seen_wh"),
    [((1080, 1920), (540, 960)), ((1920, 1080), (960, 540)), ((640, 360), (960, 540))],
)
def test_pictures_are_learnt_as_large_as_the_network_sees_them(
    project: Project, tmp_path: Path, image_wh: tuple[int, int], seen_wh: tuple[int, int]
) -> None:
    path = tmp_path / "picture.png"
    write_image(np.zeros((image_wh[1], image_wh[0], 3), np.uint8), path)
    record = replace(to_dataset(project).records[0], path=path, image_wh=image_wh)
    full, half = cache_scenes([record], tmp_path / "scenes")
    assert read_image(full.path).shape[1::-1] == seen_wh
    assert read_image(half.path).shape[1::-1] == (seen_wh[0] // 2, seen_wh[1] // 2)


@pytest.mark.parametrize(("own", "synthetic"), [(10, 1000), (1000, 10), (7, 13)])
@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_scenes_are_mixed_as_wished(own: int, synthetic: int, ratio: float) -> None:
    scenes = [
        [
            CachedScene(Path(f"{name}{i}"), np.zeros((0, 4), np.float32), (), ())
            for i in range(count)
        ]
        for name, count in (("o", own), ("s", synthetic))
    ]
    mixed = mix_scenes(*scenes, ratio)
    share = sum(scene.path.name.startswith("s") for scene in mixed) / len(mixed)
    assert share == pytest.approx(ratio, abs=0.12)
    assert {scene.path for part in scenes for scene in part} == {scene.path for scene in mixed}
    assert mix_scenes(scenes[0], [], ratio) == scenes[0]


@pytest.mark.slow
def test_a_run_ends_with_a_model_in_use(project: Project) -> None:
    run = project.folder / "runs" / "20260101-120000"
    options = LearnOptions(max_steps=3, batch_size=2, crop_wh=(96, 64), synthetic_ratio=0)
    run.mkdir(parents=True)
    (run / "stop").touch()
    with pytest.raises(Cancelled):
        learn(project, run, options)
    (run / "stop").unlink()
    metrics = learn(project, run, options, resume=True)
    assert metrics["steps"] == 3
    assert metrics["before"]["images"] == metrics["after"]["images"] > 0
    assert metrics["before"] != metrics["after"]
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["progress"]) == ("finished", 1.0)
    assert (run / "model" / "detector.onnx").is_file()
    assert use_run(project, run.name).detect.model == str((run / "model").resolve())


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_the_reranker_learns_captions_of_known_words(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install -r requirements-train.txt")
    from dataset.record import Record
    from pipeline.catalog import MODELS_PATH
    from training.learn_data import Divided
    from training.learn_reranker import RerankerOptions, cut_crops, learn_reranker
    from training.reranker_data import CropCache, describe

    rng = np.random.default_rng(0)
    captions = ("red drone", "blue helicopter", "white and red airship", "green missile", "a dog")
    records = []
    for number in range(10):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode_image(rng.integers(0, 256, (60, 200, 3), dtype=np.uint8)))
        boxes = [[40 * i + 2, 10, 40 * i + 36, 44] for i in range(5)]
        records.append(Record(f"{number}", path, (200, 60), np.array(boxes), captions))
    divided = Divided(tuple(records[:8]), tuple(records[8:]))
    assert cut_crops(divided.held_out, tmp_path / "shard", None) == 8, "nobody knows dogs"
    facts = CropCache(tmp_path / "shard").facts
    told = describe(facts, 2)
    assert (told.colors, told.types) == (("white", "red"), ("airship",))
    options = RerankerOptions(MODELS_PATH / "spotter-reranker", 1.0, max_steps=2, batch=16)
    found = learn_reranker(divided, tmp_path / "run", options, lambda share: True)
    assert found["crops"] == {"train": 32, "held_out": 8}
    assert 0 <= found["after"]["one_by_one"] <= 1
    assert (tmp_path / "run" / "reranker-model").is_dir() == found["taken"]
