"""The commands under `synth`, from words to files and exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

sys.path.insert(0, str(Path(__file__).parents[1] / "synth"))

from scene_library import write_library

from frontends.cli import main
from pipeline.config import preset_names
from synth import work
from synth.config import SceneConfig, scene_preset_names


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    cutouts, backgrounds = write_library(tmp_path)
    return ["--cutouts", str(cutouts), "--backgrounds", str(backgrounds)]


def generate(words: list[str], out: Path, *more: str) -> int:
    fixed = ["--size", "96x54", "--set", "size_px_range=[10.0, 40.0]", "--shares", "1,0,0"]
    return main(["synth", "generate", "--count", "8", "--out", str(out), *fixed, *words, *more])


def test_notes_on_sources_go_with_the_data_set(words: list[str], tmp_path: Path) -> None:
    backgrounds = Path(words[3])
    (backgrounds / "SOURCES.md").write_text("# Photographs\n\nlake: Ann <ann@x.org>, CC BY 4.0\n")
    (backgrounds / "notes.txt").write_text("nothing of sources")
    assert generate(words, tmp_path / "set") == 0
    card = (tmp_path / "set" / "README.md").read_text()
    told = "> # Photographs\n>\n> lake: Ann &lt;ann@x.org>, CC BY 4.0\n"
    assert f"### SOURCES.md, which came with the material\n\n{told}" in card
    assert "nothing of sources" not in card
    # Without anything else that differs.
    (backgrounds / "SOURCES.md").unlink()
    assert generate(words, tmp_path / "plain") == 0
    assert "came with the material" not in (tmp_path / "plain" / "README.md").read_text()


def test_generate_replay_check_and_stats(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    assert generate(words, out, "--preset", "plain", "--class-per-type") == 0
    assert f"{out}: 8 images" in capsys.readouterr().out
    assert (out / "data.yaml").is_file()
    assert len(list((out / "images" / "train").glob("*.jpg"))) == 8

    picture = tmp_path / "again.png"
    replay = ["synth", "replay", str(out / "manifest.jsonl"), "--index", "2"]
    assert main([*replay, "--out", str(picture), *words]) == 0
    again = np.asarray(PillowImage.open(picture)).astype(int)
    first = np.asarray(PillowImage.open(out / "images" / "train" / "scene_0000002.jpg"))
    assert np.abs(again - first).mean() < 4, "but for the JPEG's losses the same"
    told = capsys.readouterr()
    assert len(told.out.splitlines()) >= 1
    assert told.err == f"{picture}: image 2 of {out / 'manifest.jsonl'}\n"
    whole = picture.read_bytes()
    assert main(["synth", "replay", str(out), *replay[3:], "--out", str(picture), *words]) == 0
    assert picture.read_bytes() == whole, "its folder does as well"
    capsys.readouterr()
    with pytest.raises(SystemExit):  # without the folders: the shipped gallery has none of these
        main([*replay, "--out", str(picture)])
    told = capsys.readouterr().err
    assert "is named" in told
    assert "--cutouts, --backgrounds" in told

    assert main(["synth", "check", str(out)]) == 0
    capsys.readouterr()
    assert main(["synth", "stats", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_images"] == 8
    assert main(["synth", "stats", str(out)]) == 0
    told = capsys.readouterr().out
    assert "images: 8" in told
    counts = [int(line.split()[-1]) for line in told.splitlines() if " px " in line]
    assert counts[0] > 0, "sizes begin with the smallest there is"
    assert counts[-1] > 0
    (out / "labels" / "train" / "scene_0000000.txt").write_text("0 0.5 0.5 3.0\n")
    assert main(["synth", "check", str(out)]) == 1


@pytest.fixture
def stopped(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """The folder of a run of 12 images that was interrupted after its first block of 8."""
    make = work._make_image

    def make_or_stop(worker: object, index: int) -> object:
        if index == 10:
            raise KeyboardInterrupt
        return make(worker, index)

    with monkeypatch.context() as patched:
        patched.setattr(work, "_make_image", make_or_stop)
        assert generate(words, tmp_path / "set", "--count", "12", "--format", "jsonl") == 130
    told = "interrupted. 8 of 12 images done. The same command goes on from there.\n"
    assert capsys.readouterr().err.endswith(told)
    return tmp_path / "set"


def test_an_interrupted_run_goes_on(
    stopped: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(words, stopped, "--count", "12", "--format", "jsonl") == 0
    assert "8 images kept from before" in capsys.readouterr().err


def test_an_unfinished_folder_says_how_it_is_finished(
    stopped: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    told = "it is unfinished: 8 images made by synth generate, which writes the labels at the end."
    assert main(["synth", "check", str(stopped)]) == 1
    said = capsys.readouterr().out
    assert told in said
    assert "The command that began it goes on from there." in said
    with pytest.raises(SystemExit):
        main(["synth", "stats", str(stopped)])
    assert f"{stopped}: {told}" in capsys.readouterr().err
    assert generate(words, stopped, "--count", "12", "--format", "jsonl") == 0
    assert main(["synth", "check", str(stopped)]) == 0
    assert generate(words, stopped, "--count", "20", "--format", "jsonl") == 0
    assert main(["synth", "check", str(stopped)]) == 0


def test_preview_draws_a_sheet_and_says_where(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    settings = ["--size", "96x54", "--set", "size_px_range=[10.0, 40.0]", "--count", "4"]
    assert main(["synth", "preview", "--out", str(sheet), *settings, *words, "--columns", "2"]) == 0
    assert capsys.readouterr().out.startswith(f"{sheet}: 4 scenes, ")
    assert PillowImage.open(sheet).size == (2 * (96 + 6) + 6, 2 * (54 + 6) + 6)


def test_a_preview_shows_distractors_dashed_and_grey(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--size", "192x108", "--count", "1", "--set", "empty_ratio=1", *words]
    drawn = []
    for ratio in (0, 1):
        sheet = tmp_path / f"{ratio}.png"
        more = ["--set", f"distractor_ratio={ratio}", "--set", "effects=none"]
        assert main(["synth", "preview", "--out", str(sheet), *settings, *more]) == 0
        grey = (np.asarray(PillowImage.open(sheet)) == (205, 208, 214)).all(axis=2)
        drawn.append(int(grey.sum()))
    without, bare = capsys.readouterr().out.splitlines()
    assert without.endswith("1 scenes, 0 boxes")
    assert " distractors (dashed: no label, on purpose)" in bare
    assert drawn[0] == 0
    assert drawn[1] > 20


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--size", "96"], "cannot read the size '96'. Write it as 1520x870."),
        (["--preset", "hardd"], "Did you mean 'hard'"),
        (["--shares", "1,b,2"], "cannot read the shares"),
        (["--shares", "1,2"], "shares must be three numbers"),
        (["--set", "effects=heav"], "Did you mean 'heavy'"),
        (["--format", "cocoo"], "Did you mean 'coco'"),
        (["--workers", "0"], "workers must be in [1, 256], got 0"),
    ],
)
def test_mistakes_end_with_one_line(
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as stopped:
        generate(words, tmp_path / "set", *more)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_help_and_settings_tell_what_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["synth", "generate", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"named settings: {', '.join(scene_preset_names())} " in told
    width, height = SceneConfig().canvas_wh
    assert f"(default {width}x{height})" in told
    with pytest.raises(SystemExit):
        main(["project", "prelabel", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert all(name in told for name in preset_names() if name != "fake")
    assert main(["synth", "settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("=")[0] for line in lines[::2]] == list(SceneConfig.model_fields)
    assert "empty_ratio=0.08  >= 0, <= 1" in lines
