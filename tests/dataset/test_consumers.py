"""The programs that people load data sets with accept what is written, and see the same boxes.

Slow, and in need of packages that nothing else uses: pip install --no-deps -r
requirements-consumers.txt.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.card import write_card
from dataset.record import Dataset, Record
from dataset.registry import write_dataset

ROOT = Path(__file__).parents[2]
WH = (96, 64)
NEEDED = "pip install --no-deps -r requirements-consumers.txt"
pytestmark = [
    pytest.mark.slow,
    # Raised inside the packages under test, which differ in what they warn of.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Twelve images, some empty; two classes; outlines for half of the boxes."""
    rng = np.random.default_rng(5)
    records = []
    for number in range(12):
        path = tmp_path / "source" / f"scene {number}.jpg"
        path.parent.mkdir(exist_ok=True)
        pixels = rng.integers(90, 160, (WH[1], WH[0], 3), dtype=np.uint8)
        corner = rng.uniform(1, 30, (number % 4, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(8, 30, corner.shape)], axis=1)
        for x1, y1, x2, y2 in boxes.astype(int):
            pixels[y1:y2, x1:x2] = (220, 30, 30)
        Image.fromarray(pixels).save(path, quality=95)
        outlines = tuple(
            (np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32),) if row % 2 else ()
            for row, (x1, y1, x2, y2) in enumerate(boxes)
        )
        records.append(
            Record(
                path.stem, path, WH, boxes.astype(np.float32),
                tuple("red drone" for _ in boxes), class_id=np.arange(len(boxes)) % 2,
                split=("train", "train", "val", "test")[number // 3],
                licence="CC0-1.0", source="made here", polygons=outlines,
            )
        )  # fmt: skip
    return Dataset(tuple(records), ("drone", "flying thing"))


def _write(dataset: Dataset, folder: Path, format: str) -> Path:
    write_dataset(dataset, folder, format)
    write_card(dataset, folder, format=format, title="Test", facts={"seed": 5})
    # As generating leaves them beside; no loader may stumble over them.
    (folder / "manifest.jsonl").write_text('{"seed": 5}\n{"index": 0}\n')
    (folder / "statistics.json").write_text('{"num_images": 12}')
    return folder


def _check_boxes(dataset: Dataset, seen: dict[str, np.ndarray], *, within_px: float) -> None:
    assert len(seen) == len(dataset)
    for record in dataset:
        boxes = np.asarray(seen[record.image_id], np.float32).reshape(-1, 4)
        np.testing.assert_allclose(boxes, record.xyxy, atol=within_px, err_msg=record.image_id)


_ULTRALYTICS = """
import sys
import types
from importlib.util import find_spec

import training.yolo  # Ultralytics without its side effects
from ultralytics import YOLO
from ultralytics.utils.nms import TorchNMS

if find_spec("torchvision") is None:
    # Its validator wants one function of torchvision, and has the same in PyTorch.
    sys.modules["torchvision"] = types.ModuleType("torchvision")
    sys.modules["torchvision"].ops = types.SimpleNamespace(nms=TorchNMS.nms)

task, folder, out = sys.argv[1:]
model = YOLO("yolo11n-seg.yaml" if task == "segment" else "yolo11n.yaml", task=task)
wishes = dict(imgsz=64, device="cpu", workers=0, plots=False, project=out, exist_ok=True)
model.train(data=folder + "/data.yaml", epochs=1, batch=4, pretrained=False, amp=False, **wishes)
for split in ("val", "test"):
    result = model.val(data=folder + "/data.yaml", split=split, batch=4, **wishes)
    print("SEEN", split, result.box.map50 >= 0, result.nt_per_class.sum(), sep=":")
print("NAMES", list(result.names.values()), sep=":")
"""


@pytest.mark.parametrize(("format", "task"), [("yolo", "detect"), ("yolo-seg", "segment")])
def test_ultralytics_trains_and_validates(
    dataset: Dataset, tmp_path: Path, format: str, task: str
) -> None:
    if find_spec("ultralytics") is None:
        pytest.skip(NEEDED)
    written = _write(dataset, tmp_path / "written", format)
    # Moved after writing, and read from another working folder, as a download is.
    folder = written.rename(tmp_path / "unzipped elsewhere")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "YOLO_CONFIG_DIR": str(tmp_path),
        "YOLO_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _ULTRALYTICS, task, str(folder), str(tmp_path / "out")],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for split in ("val", "test"):
        boxes = sum(len(record) for record in dataset.split(split))
        assert f"SEEN:{split}:True:{boxes}" in done.stdout
    assert "NAMES:['drone', 'flying thing']" in done.stdout
    assert "corrupt" not in (done.stdout + done.stderr).replace("0 corrupt", "")


def test_pycocotools_finds_its_own_boxes(dataset: Dataset, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason=NEEDED)
    cocoeval = pytest.importorskip("pycocotools.cocoeval", reason=NEEDED)
    folder = _write(dataset, tmp_path / "coco", "coco")
    truth = coco.COCO(str(folder / "annotations/instances_train.json"))
    seen = {
        Path(image["file_name"]).stem: [
            [x, y, x + w, y + h] for x, y, w, h in (a["bbox"] for a in truth.imgToAnns[image["id"]])
        ]
        for image in truth.dataset["images"]
    }
    _check_boxes(dataset.split("train"), seen, within_px=0.01)
    outlined = [a for a in truth.dataset["annotations"] if a["segmentation"]]
    assert truth.annToMask(outlined[0]).sum() == pytest.approx(outlined[0]["area"], rel=0.2)
    rows = [
        {key: a[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for a in truth.dataset["annotations"]
    ]
    run = cocoeval.COCOeval(truth, truth.loadRes(rows), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    assert run.stats[0] == pytest.approx(1.0)


def test_datasets_loads_the_imagefolder(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason=NEEDED)
    folder = _write(dataset, tmp_path / "hf", "hf")
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), cache_dir=str(tmp_path / "cache")
    )
    assert set(loaded) == {"train", "validation", "test"}
    for name, split in (("train", "train"), ("validation", "val"), ("test", "test")):
        records = dataset.split(split).records
        assert len(loaded[name]) == len(records)
        for row in loaded[name]:
            stem = Path(row["image"].filename).stem
            record = next(record for record in records if record.image_id == stem)
            assert row["image"].size == record.image_wh
            assert row["objects"]["caption"] == list(record.captions)
            assert row["objects"]["category"] == record.class_id.tolist()
            boxes = np.array(row["objects"]["bbox"], np.float32).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            np.testing.assert_allclose(boxes, record.xyxy, atol=0.01)


@pytest.mark.parametrize("format", ["yolo", "yolo-seg", "coco", "voc"])
def test_supervision_sees_the_same_boxes(dataset: Dataset, tmp_path: Path, format: str) -> None:
    supervision = pytest.importorskip("supervision", reason=NEEDED)
    load = supervision.DetectionDataset
    folder = _write(dataset, tmp_path / format, format)
    seen: dict[str, np.ndarray] = {}
    names: set[str] = set()
    for split in ("train", "val", "test"):
        if format == "voc":
            part = load.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
        elif format == "coco":
            table = str(folder / f"annotations/instances_{split}.json")
            part = load.from_coco(str(folder / "images" / split), table)
        else:
            places = [str(folder / kind / split) for kind in ("images", "labels")]
            part = load.from_yolo(*places, data_yaml_path=str(folder / "data.yaml"))
        names |= set(part.classes)
        for path, _, detections in part:
            seen[Path(path).stem] = detections.xyxy
    assert names == set(dataset.class_names)
    _check_boxes(dataset, seen, within_px=0.5)
