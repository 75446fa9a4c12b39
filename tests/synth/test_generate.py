"""Datasets of scenes: the same bytes however they were made, and nothing half done."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene_library import SMALL, make_job, write_library

from core.errors import Cancelled, ConfigError, DataError, InputError, UnknownNameError
from core.image import write_image
from dataset.checks import check_folder
from dataset.registry import FORMATS, read_dataset
from synth.config import SceneConfig, load_scene_config
from synth.generate import generate, library_for, preview, replay
from synth.manifest import Parts, read_manifest
from synth.materials import check_materials
from synth.render import render
from synth.splits import part_library, sample_image
from synth.work import clean_up, locked

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_library(tmp_path_factory.mktemp("library"))


def digest(folder: Path) -> str:
    """One hash of every file's name and content; a file too many or too few changes it."""
    lines = [
        f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def stop_after(images: int):
    def report(done: int, total: int, stage: str) -> None:
        if stage == "making images" and done >= images:
            raise Cancelled("stopped.")

    return report


def test_bytes_do_not_depend_on_workers_or_interruptions(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    straight = generate(make_job(folders, tmp_path / "one", count=20))
    assert straight.images == 20
    generate(make_job(folders, tmp_path / "two", count=20, workers=2))
    assert digest(tmp_path / "two") == digest(tmp_path / "one")
    for images in (3, 9):
        with pytest.raises(Cancelled):
            generate(make_job(folders, tmp_path / "stopped", count=20), stop_after(images))
    resumed = generate(make_job(folders, tmp_path / "stopped", count=20))
    assert "8 images kept from before" in resumed.notes
    assert digest(tmp_path / "stopped") == digest(tmp_path / "one")
    generate(make_job(folders, tmp_path / "grown", count=7))
    generate(make_job(folders, tmp_path / "grown", count=20))
    assert digest(tmp_path / "grown") == digest(tmp_path / "one")
    again = generate(make_job(folders, tmp_path / "one", count=20))
    assert again.boxes == straight.boxes
    assert digest(tmp_path / "two") == digest(tmp_path / "one")


@pytest.mark.slow
def test_ten_kills_leave_no_trace(folders: tuple[Path, Path], tmp_path: Path) -> None:
    count = 480  # enough that a busy machine is not done before the last kill
    generate(make_job(folders, tmp_path / "calm", count=count))
    command = [
        sys.executable, str(ROOT / "app.py"), "synth", "generate", "--count", str(count), "--out",
        str(tmp_path / "killed"), "--seed", "3", "--size", "96x54", "--shares", "1,0,0",
        "--workers", "2", "--cutouts", str(folders[0]), "--backgrounds", str(folders[1]),
        "--set", "size_px_range=[10.0, 40.0]", "--set", "effects=light",
    ]  # fmt: skip
    moments = random.Random(5)
    kills = 0
    while kills < 10:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        before = _progress(tmp_path / "killed")
        deadline = time.monotonic() + 60
        wait_for = moments.randint(1, 3)
        while process.poll() is None and time.monotonic() < deadline:
            if _progress(tmp_path / "killed") >= before + wait_for:
                break
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.05))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills == 10
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert digest(tmp_path / "killed") == digest(tmp_path / "calm")


def _progress(folder: Path) -> int:
    return len(list(folder.glob(".parts/*.jsonl")))


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_is_written_and_sound(
    name: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    job = make_job(folders, tmp_path, format=name, count=10, single_class=False, outlines=True)
    made = generate(job)
    dataset = read_dataset(tmp_path, name)
    assert len(dataset) == made.images == 10
    assert set(dataset.class_names) == {"missile", "airship"}
    _, entries = read_manifest(tmp_path / "manifest.jsonl")
    for record, entry in zip(sorted(dataset, key=lambda r: r.image_id), entries, strict=True):
        truth = np.array(entry.xyxy, np.float32).reshape(-1, 4)
        assert np.abs(record.xyxy - truth).max(initial=0) <= 0.5
        assert record.captions == entry.captions
    report = check_folder(tmp_path)
    assert not [finding for finding in report.findings if finding.level == "error"]
    numbers = json.loads((tmp_path / "statistics.json").read_text())
    assert numbers["num_boxes"] == made.boxes > 0
    assert "manifest.jsonl" in (tmp_path / "README.md").read_text()


def test_replay_gives_the_same_pixels(folders: tuple[Path, Path], tmp_path: Path) -> None:
    generate(make_job(folders, tmp_path, jpeg_quality=100))
    _, entries = read_manifest(tmp_path / "manifest.jsonl")
    for entry in entries[::4]:
        first, second = (
            replay(tmp_path / "manifest.jsonl", entry.index, folders[:1], folders[1:])
            for _ in range(2)
        )
        assert np.array_equal(first.image, second.image)
        assert np.allclose(first.xyxy, np.array(entry.xyxy).reshape(-1, 4), atol=1e-3)
        assert f"{zlib.crc32(first.image.tobytes()):08x}" == entry.checksum
    with pytest.raises(InputError, match="has images 0 to 11, got index 12"):
        replay(tmp_path / "manifest.jsonl", 12, folders[:1], folders[1:])
    with pytest.raises(DataError, match="is not a manifest"):
        replay(folders[0] / "cutouts.jsonl", 0, folders[:1], folders[1:])


def test_replay_says_when_something_changed(
    folders: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    generate(make_job(folders, tmp_path / "set", count=1))
    other = write_library(tmp_path)
    for path in other[1].glob("*.png"):
        cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
    replay(tmp_path / "set" / "manifest.jsonl", 0, other[:1], other[1:])
    assert "differs from the one that was made" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, r"another seed \(3, now 4\)"),
        ({"config": SMALL.with_values({"empty_ratio": 0.5})}, r"empty_ratio: 0.08, now 0.5"),
        ({"format": "coco"}, "another format"),
        ({"jpeg_quality": 80}, "jpeg_quality: 92, now 80"),
        ({"count": 5}, "holds 12 images, more than the 5"),
    ],
)
def test_a_folder_of_another_job_is_refused(
    folders: tuple[Path, Path], tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    generate(make_job(folders, tmp_path))
    before = digest(tmp_path)
    with pytest.raises(ConfigError, match=message):
        generate(make_job(folders, tmp_path, **changes))
    assert digest(tmp_path) == before


def test_a_folder_from_before_a_setting_goes_on_as_it_began(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    as_then = SMALL.with_values({"clarity_min": 0})
    generate(make_job(folders, tmp_path, count=2, config=as_then))
    manifest = tmp_path / "manifest.jsonl"
    text = manifest.read_text()
    older = text
    for pair in ('"clarity_min": 0.0, ', '"texture_ratio": 0.0, ', '"texture_max": 0.5, '):
        assert pair in older
        older = older.replace(pair, "", 1)
    manifest.write_text(older)
    with pytest.raises(ConfigError, match=r"clarity_min: 0\.0, now 2\.0.* --set clarity_min=0\."):
        generate(make_job(folders, tmp_path, count=3))
    assert generate(make_job(folders, tmp_path, count=3, config=as_then)).images == 3


@pytest.mark.parametrize("name", ["images/train/scene_0000500.jpg", "notes.txt", "a/.b.abcdefgh"])
def test_a_folder_with_other_files_is_refused_and_kept(
    name: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    theirs = tmp_path / name
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("precious")
    before = digest(tmp_path)
    with pytest.raises(InputError, match=r"is not empty and holds no manifest.*new folder"):
        generate(make_job(folders, tmp_path))
    assert digest(tmp_path) == before


@pytest.mark.parametrize("line", ["{}", "[]", "7", '{"seed": 3}', ""])
def test_a_manifest_of_others_is_refused_and_kept(
    line: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "manifest.jsonl").write_text(line)
    before = digest(tmp_path)
    with pytest.raises(DataError, match="is not a manifest"):
        generate(make_job(folders, tmp_path))
    assert digest(tmp_path) == before


def test_going_on_removes_only_what_a_run_left(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        generate(make_job(folders, tmp_path, count=20), stop_after(8))
    ours = [
        ".parts/.0000008-0000015.jsonl.a03bcdef",
        ".manifest.jsonl.0123cdef",
        "images/train/.scene_0000009.jpg.abc4ef01",
        "images/val/scene_0000020.jpg",
        "images/test/scene_0000021.jpg",
    ]
    theirs = [
        ".env.0123cdef",
        "images/train/.photo.jpg.0123cdef",
        "images/val/scene_7.jpg",
        "labels/scene_0000099.jpg",
        "photos/scene_0000099.jpg",
        "photos/.scene_0000099.jpg.0123cdef",
        "scene_0000099.jpg",
    ]
    for name in ours + theirs:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    clean_up(tmp_path, "yolo", set(range(8)))
    assert not [name for name in ours if (tmp_path / name).exists()]
    assert [name for name in theirs if (tmp_path / name).exists()] == theirs
    assert len(list((tmp_path / "images" / "train").glob("scene_*.jpg"))) == 8


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"count": 0}, ConfigError, r"count must be in \[1, "),
        ({"jpeg_quality": 101}, ConfigError, r"jpeg_quality must be in \[1, 100\], got 101"),
        ({"format": "yoloo"}, UnknownNameError, "Did you mean 'yolo'"),
        ({"shares": (0, 1, 0)}, ConfigError, "train needs some"),
    ],
)
def test_impossible_jobs_are_refused(
    folders: tuple[Path, Path],
    tmp_path: Path,
    changes: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        make_job(folders, tmp_path, **changes)


def test_unreadable_pictures_are_skipped_and_told(tmp_path: Path) -> None:
    cutouts, backgrounds = write_library(tmp_path)
    whole = (cutouts / "images" / "0.png").read_bytes()
    (cutouts / "images" / "0.png").write_bytes(whole[: len(whole) // 2])
    (backgrounds / "broken.jpg").write_bytes(b"no picture")
    write_image(np.zeros((48, 48, 3), np.uint8), backgrounds / "icon.png")
    made = generate(make_job((cutouts, backgrounds), tmp_path / "out"))
    assert made.images == 12
    assert any("unusable cutout skipped: 0.png" in note for note in made.notes)
    assert any("unusable background skipped: broken.jpg" in note for note in made.notes)
    assert any("icon.png (48x48 px, a background needs 64x64.)" in note for note in made.notes)
    for path in backgrounds.iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="no usable background is left"):
        generate(make_job((cutouts, backgrounds), tmp_path / "none"))


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    cutouts, backgrounds = write_library(tmp_path)
    (backgrounds / "broken.jpg").write_bytes(b"no picture")
    library = library_for([cutouts], [backgrounds], SceneConfig())
    distractors = [cutout for cutout in library.cutouts if not cutout.labelled]
    assert distractors
    with pytest.raises(InputError, match=r"no usable labelled cutout is left: there is none\."):
        check_materials(library.part(distractors, library.backgrounds))


def test_a_folder_that_cannot_be_written_keeps_what_is_done(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        generate(make_job(folders, tmp_path / "out", count=20), stop_after(8))
    kept = sorted((tmp_path / "out" / "images" / "train").glob("*.jpg"))
    blocked = tmp_path / "out" / "images"
    blocked.rename(tmp_path / "aside")
    blocked.write_text("a file where a folder should be")
    with pytest.raises(DataError, match=r"cannot write .*scene_0000008.jpg"):
        generate(make_job(folders, tmp_path / "out", count=20))
    blocked.unlink()
    (tmp_path / "aside").rename(blocked)
    made = generate(make_job(folders, tmp_path / "out", count=20))
    assert len(kept) == 8
    assert "8 images kept from before" in made.notes


def test_images_that_failed_are_tried_again(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(make_job(folders, tmp_path / "calm", count=20))
    job, seen = make_job(folders, tmp_path / "failed", count=20), itertools.count()

    def render_some(*arguments: object, **options: object) -> object:
        if next(seen) in (0, 3, 7, 19):
            raise cv2.error("insufficient memory")
        return render(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr("synth.work.render", render_some)
        with pytest.raises(Cancelled):
            generate(job, stop_after(16))
        unfinished = generate(job)
    assert unfinished.images == 19, "0, 3 and 7 were tried again, 16 failed now"
    assert any("image 16: insufficient memory" in note for note in unfinished.notes)
    mended = generate(job)
    assert (mended.images, mended.notes) == (20, ("19 images kept from before",))
    assert digest(tmp_path / "failed") == digest(tmp_path / "calm")


def test_a_second_try_keeps_the_lines_of_the_first(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.begin({"manifest": 1})
    line = '{{"index":{},"file":"{}","split":"train"}}\n'.format
    parts.write([0, 1, 2], [line(0, ""), line(1, "b"), line(2, "")])
    assert parts.done() == {1}
    parts.write([0, 2], [line(0, "a"), line(2, "")])
    parts.write([2], [line(2, "c")])
    assert parts.done() == {0, 1, 2}
    parts.finish(3)
    rows = (tmp_path / "manifest.jsonl").read_text().splitlines()[1:]
    assert [json.loads(row)["file"] for row in rows] == ["a", "b", "c"]


def test_two_runs_cannot_write_to_one_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    def start_another(done: int, total: int, stage: str) -> None:
        if stage == "making images" and done == 2:
            generate(make_job(folders, tmp_path))

    with pytest.raises(DataError, match="another run is writing"):
        generate(make_job(folders, tmp_path), start_another)


def test_a_file_is_locked_where_folders_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def locking(handle: int, mode: int, count: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    for module in ("synth.work", "core.locks"):
        monkeypatch.setattr(f"{module}.sys", SimpleNamespace(platform="win32"))
    with locked(tmp_path), pytest.raises(DataError, match="another run"), locked(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    with locked(tmp_path):
        Parts(tmp_path).begin({"manifest": 1})


def test_preview_shows_what_will_be_made(folders: tuple[Path, Path]) -> None:
    config = SceneConfig(canvas_wh=(384, 216), size_px_range=(60, 120), effects="none")
    library = library_for(folders[:1], folders[1:], config)
    small = preview(library, config, 7, range(8), width_px=192)
    large = preview(library, config, 7, range(8), width_px=384)
    assert [scene.image.shape for scene in small] == [(108, 192, 3)] * 8
    assert [scene.captions for scene in small] == [scene.captions for scene in large]
    for one, two in zip(small, large, strict=True):
        assert np.abs(one.xyxy * 2 - two.xyxy).max(initial=0) <= 6
        halved = two.image[::2, ::2].astype(int)
        assert np.abs(halved - one.image).mean() < 8


def test_one_scene_under_several_blends(folders: tuple[Path, Path]) -> None:
    config = SMALL.with_values({"same_scene_blends": 3, "effects": "none", "empty_ratio": 0.0})
    parts = part_library(library_for(folders[:1], folders[1:], config), (1, 0, 0))
    for scene in range(5):
        plans = [sample_image(parts, config, 1, 3 * scene + i).plan for i in range(3)]
        blends = [{placement.blend for placement in plan.placements} for plan in plans]
        assert all(len(names) == 1 for names in blends)
        assert len(set.union(*blends)) == 3, "each image under another"
        assert len({plan.with_blend("none") for plan in plans}) == 1, "of the same scene"
    none = {"none": 1}
    with pytest.raises(ConfigError, match="same_scene_blends is 2, but blend_weights has only 1"):
        SMALL.with_values({"same_scene_blends": 2, "blend_weights": none})


def test_presets_load_and_hold_what_they_promise() -> None:
    plain, v3 = load_scene_config("plain"), load_scene_config("origin-v3")
    assert plain.blend_weights == {"none": 1.0}
    assert v3 == plain.with_values({"effects": "origin-v3"})
