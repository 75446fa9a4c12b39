from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convert.job import install_steps
from core.image import read_image
from dataset.registry import read_dataset, write_dataset
from frontends.cli import main
from frontends.service import use_cache
from pipeline.config import preset_names

ROOT = Path(__file__).parents[2]
FAKE = ["--preset", "fake"]


def test_help_is_quick_and_imports_no_page():
    code = (
        "import sys\nfrom frontends.cli import build_parser\nbuild_parser().format_help()\n"
        "heavy = {'gradio', 'onnxruntime', 'openvino', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
@pytest.mark.parametrize("both", [False, True], ids=["stdout", "stdout and stderr"])
def test_a_reader_that_leaves_early_is_no_error(unbuffered, both):
    """As with `| head -1`, whether it is noticed while printing or when the rest is flushed."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "app.py", "export", "--list"],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=writer,
        stderr=writer if both else subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert ended.returncode == 141
    assert not ended.stderr


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("frontends.cli._run_doctor", interrupt)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "\nspotter: interrupted.\n"


@pytest.mark.parametrize("command", [
    ["locate", "https://example.org/a.jpg", "--caption", "red thing"],
    ["batch", "https://example.org/a.jpg", "--output", "out.jsonl"],
    ["evaluate", "https://example.org/a.jpg"],
])  # fmt: skip
def test_addresses_are_not_fetched_and_it_says_so(command, capsys):
    with pytest.raises(SystemExit):
        main([*command, *FAKE])
    told = "https://example.org/a.jpg is an address, and those are not fetched. Download it first"
    assert told in capsys.readouterr().err


def test_evaluate_takes_a_data_set_or_says_what_it_takes(shapes_path, tmp_path, capsys):
    folder = tmp_path / "set"
    folder.mkdir()
    with pytest.raises(SystemExit):
        main(["evaluate", str(folder), *FAKE])
    told = capsys.readouterr().err
    assert "looks like a data set of a known format" in told
    (folder / "a.png").write_bytes(shapes_path.read_bytes())
    things = [{"caption": "red thing", "bbox": [20, 10, 40, 30]}]
    line = json.dumps({"image": "a.png", "annotations": things})
    (folder / "annotations.jsonl").write_text(line)
    assert main(["evaluate", str(folder), "--json", *FAKE]) == 0
    assert json.loads(capsys.readouterr().out)["detector"]["boxes"] == 1
    write_dataset(read_dataset(folder), tmp_path / "other" / "wrapped", "coco")
    assert main(["evaluate", str(tmp_path / "other"), "--json", *FAKE]) == 0
    assert json.loads(capsys.readouterr().out)["captions"]["accuracy_one_by_one"] == 1
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path / "other"), "--images", str(folder), *FAKE])
    assert "is a data set with pictures of its own. Leave out --images" in capsys.readouterr().err


def test_help_names_the_presets(capsys):
    with pytest.raises(SystemExit):
        main(["locate", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    names = [name for name in preset_names() if name != "fake"]
    usual, _, others = told.partition("after export")
    assert [name for name in names if name in usual] == ["mini"]
    assert all(name in others for name in names if name != "mini")


def test_another_broken_pipe_is_not_hushed_up(monkeypatch, capsys):
    def break_(*_):
        raise BrokenPipeError

    monkeypatch.setattr("frontends.cli._run_doctor", break_)
    with pytest.raises(BrokenPipeError):
        main(["doctor"])


def test_locate_prints_a_table(shapes_path, capsys):
    captions = ["--caption", "red thing", "--caption", "green thing"]
    assert main(["locate", str(shapes_path), *captions, *FAKE]) == 0
    out = capsys.readouterr().out
    assert re.search(r"red thing: found, \d+ % sure, \d+\.\d ahead of the runner-up", out)
    assert "*2   20, 10, 40 x 30" in out
    assert re.search(r"green thing: not in this picture \(nearest: box \d, 1?\d % sure\)\n", out)
    assert "ms = decode" in out


def test_notes_stand_below_the_caption_that_they_are_about(shapes_path, capsys):
    long = "red thing " + "that flies " * 12
    arguments = ["locate", str(shapes_path), "--caption", long, "--caption", "blue thing", *FAKE]
    assert main(arguments) == 0
    first, second, *others = capsys.readouterr().out.split("\n\n")
    assert first.splitlines()[1] == "  The caption was cut after 24 words."
    assert second.startswith("blue thing: found")
    assert not any("cut after" in block for block in (second, *others))


def test_locate_prints_json_and_saves_the_picture(shapes_path, tmp_path, capsys):
    save = tmp_path / "out.png"
    arguments = ["--caption", "blue thing", "--json", "--save", str(save)]
    assert main(["locate", str(shapes_path), *arguments, *FAKE]) == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert result["rankings"][0]["found"] is True
    assert str(save) in told.err
    drawn, before = read_image(save), read_image(shapes_path)
    assert drawn.shape == before.shape
    assert (drawn != before).any()


def test_locate_tells_what_a_line_of_batch_tells(shapes_path, tmp_path, capsys):
    words = ["--caption", "blue thing", "--caption", "purple thing", "--assignment", "joint", *FAKE]
    assert main(["locate", str(shapes_path), "--json", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    output = tmp_path / "out" / "answers.jsonl"
    output.parent.mkdir()
    assert main(["batch", str(shapes_path.parent), "--output", str(output), *words]) == 0
    [line] = [json.loads(text) for text in output.read_text().splitlines()]
    assert told.pop("image") == str(shapes_path)
    assert line.pop("image") == shapes_path.name
    assert told["seconds"].keys() == line.pop("seconds").keys()
    assert {key: told[key] for key in line if key != "provenance"} == {
        key: line[key] for key in line if key != "provenance"
    }
    assert line["provenance"].items() <= told["provenance"].items()
    assert [len(one["order"]) for one in told["rankings"]] == [len(line["detections"])] * 2


def test_joint_assignment_gives_two_boxes(shapes_path, capsys):
    captions = ["--caption", "red thing", "--caption", "orange thing"]
    options = ["--assignment", "joint", "--json"]
    main(["locate", str(shapes_path), *captions, *options, *FAKE])
    rankings = json.loads(capsys.readouterr().out)["rankings"]
    assert len({ranking["nearest_row"] for ranking in rankings}) == 2


def test_settings_come_from_file_and_pairs(shapes_path, tmp_path, capsys):
    config = tmp_path / "own.toml"
    config.write_text('preset = "fake"\n[detect]\nscore_min = 0.9\n')
    arguments = ["locate", str(shapes_path), "--caption", "x", "--json", "--config", str(config)]
    main(arguments)
    assert len(json.loads(capsys.readouterr().out)["detections"]) == 1
    main([*arguments, "--set", "detect.score_min=0.1"])
    assert len(json.loads(capsys.readouterr().out)["detections"]) == 2


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut short", "damaged or cut short"),
        ("words", "not an image"),
        ("empty", "empty (0 bytes)"),
        ("huge", "the limit is"),
    ],
)
def test_unusable_pictures_leave_with_one_line(kind, message, odd_file, capsys):
    arguments = ["locate", str(odd_file(kind)), "--caption", "red thing", *FAKE]
    assert message in _fails(arguments, capsys)


@pytest.mark.parametrize("kind", ["one pixel", "cmyk", "16 bit", "animated", "tiff"])
def test_unusual_pictures_work(kind, odd_file, capsys):
    assert main(["locate", str(odd_file(kind)), "--caption", "red thing", *FAKE]) == 0
    assert "red thing: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        ("", "the caption is empty"),
        ("  \t", "the caption is empty"),
        ("a" * 2001, "2001 characters"),
    ],
)
def test_unusable_captions_leave_with_one_line(caption, message, shapes_path, capsys):
    assert message in _fails(["locate", str(shapes_path), "--caption", caption, *FAKE], capsys)


@pytest.mark.parametrize("caption", ["a" * 2000, "red \U0001f681", "rouge – 赤い", "<script>"])
def test_unusual_captions_work(caption, shapes_path, capsys):
    assert main(["locate", str(shapes_path), "--caption", caption, *FAKE]) == 0
    assert caption in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "mimi"], "Did you mean 'mini'?"),
        (["--set", "detect.score_min=30"], "detect.score_min"),
        (["--set", "detect.scoremin=0.3"], "unknown setting"),
        (["--config", "absent.toml"], "cannot read absent.toml"),
    ],
)
def test_wrong_settings_say_what_is_allowed(arguments, message, shapes_path, capsys):
    assert message in _fails(["locate", str(shapes_path), "--caption", "x", *arguments], capsys)


def test_a_missing_picture_is_named(tmp_path, capsys):
    arguments = ["locate", str(tmp_path / "gone.png"), "--caption", "x", *FAKE]
    assert "gone.png" in _fails(arguments, capsys)


def test_doctor_tells_engine_and_models(capsys):
    assert main(["doctor", "--json", *FAKE]) in (0, 1)
    findings = json.loads(capsys.readouterr().out)
    assert findings["packages"]["numpy"] == np.__version__
    assert findings["engine"]["reason"]
    main(["doctor", *FAKE])
    short = capsys.readouterr().out
    main(["doctor", "--all", *FAKE])
    full = capsys.readouterr().out
    assert "fake-reranker" in short
    assert "siglip2-base-256" not in short, "nobody needs the public models to run the app"
    assert len(short.splitlines()) < 12
    assert re.search(r"model siglip2-base-256 +(ok|not here)  \(", full)
    assert f"numpy {np.__version__}" in " ".join(full.split())


def test_doctor_says_what_is_missing_for_what(capsys, monkeypatch, tmp_path):
    needs = tmp_path / "requirements-train.txt"
    needs.write_text("-r requirements.txt\n# of two\nnumpy==1.0 # arrays\nno.such-thing[a]==2.1\n")
    monkeypatch.setattr("frontends.doctor._WORK", {"training": str(needs)})
    alone = {"painting": ("no-such-brush", "pip install --no-deps no-such-brush")}
    monkeypatch.setattr("frontends.doctor._WORK_ALONE", alone)
    absent = {"mini": [], "zero-shot": ["owlv2-base"], "origin": ["yolov6-l6"]}
    monkeypatch.setattr("frontends.doctor._absent_by_preset", lambda present: absent)
    assert main(["doctor", *FAKE]) in (0, 1)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"not ready training (no.such-thing): pip install -r {needs}" in lines
    assert f"not ready painting (no-such-brush): {alone['painting'][1]}" in lines
    steps = "{}, then {}".format(*install_steps("NAME"))
    assert f"not ready presets zero-shot, origin: {steps}" in lines


def test_doctor_tells_of_a_needed_model_how_to_get_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SPOTTER_CACHE", str(tmp_path))  # where nothing was converted
    code = main(["doctor", "--set", "rerank.model=siglip2-base-256"])
    use_cache({})
    assert code == 1
    missing = [line for line in capsys.readouterr().out.splitlines() if line.startswith("missing")]
    assert "python app.py export --model siglip2-base-256 --download" in missing[-1]


def test_doctor_tells_how_large_the_cache_is(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SPOTTER_CACHE", str(tmp_path))
    for name, megabytes in (("models/own/detector.onnx", 3), ("models/.making-x/half", 2)):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(megabytes * 1_000_000))
    main(["doctor", *FAKE])
    use_cache({})
    assert f"{tmp_path} (models 5 MB)" in capsys.readouterr().out


def test_evaluate_prints_figures(shapes_path, tmp_path, capsys):
    annotations = [
        {"caption": "red thing", "bbox": [20, 10, 40, 30]},
        {"caption": "blue thing", "bbox": [100, 50, 60, 40]},
    ]
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps({"image": shapes_path.name, "annotations": annotations}))
    assert main(["evaluate", str(data), *FAKE]) == 0, "the pictures lie beside the file"
    out = capsys.readouterr().out
    assert re.search(r"one by one +100\.0 %", out)
    assert re.search(r"right box among the 2 of all pictures \(harder\) +100\.0 %", out)
    assert re.search(r"total: median, ms +\d+\.\d  \(95 % below \d+\.\d\)", out)
    (tmp_path / "elsewhere").mkdir()
    data = data.rename(tmp_path / "elsewhere" / data.name)
    assert main(["evaluate", str(data), "--images", str(tmp_path), "--json", *FAKE]) == 0
    assert json.loads(capsys.readouterr().out)["captions"]["asked"] == 2


def test_evaluate_reads_a_table_as_batch_does(shapes_path, capsys):
    table = shapes_path.with_name("asked.csv")
    table.write_text(f"image;caption\n{shapes_path.name};red thing\n")
    answers = ["--output", str(shapes_path.with_name("answers.jsonl"))]
    assert main(["batch", str(table), *answers, *FAKE]) == 0
    capsys.readouterr()
    told = _fails(["evaluate", str(table), *FAKE], capsys)
    assert f"{shapes_path.name}: 'red thing' has no bbox." in told


@pytest.mark.parametrize("command", ["batch", "evaluate"])
def test_help_shows_a_line_of_a_data_file(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    line = re.search(r'\{"image".*\}(?=; see docs/data\.md)', told)
    assert line
    assert json.loads(line[0])["image"] == "a.jpg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["locate", "x.jpg", "--caption", "a", "--jsn"],
            " Did you mean '--json' by '--jsn'?",
        ),
        (
            ["project", "export", "p", "--shars", "1"],
            "mean '--shares' by '--shars'?",
        ),
        (
            ["locate", "x.jpg", "--captoin", "a"],
            "mean '--caption' by '--captoin'?",
        ),
        (["locate", "x.jpg"], "--caption.\n"),
        (["locate", "x.jpg", "--caption", "a", "--out", "b"], "--out b.\n"),
        (["doctor", "now"], "now.\n"),
    ],
)
def test_a_misspelt_option_is_told_with_the_one_that_was_meant(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.endswith(said if said.endswith("\n") else f"{said}\n")
    assert err.startswith(f"usage: app.py {arguments[0]}"), "the usage is the command's own"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["locat", "x.jpg"], "locate"),
        (["project", "queu", "p"], "queue"),
        (["synth", "generat"], "generate"),
        (["locate", "x.jpg", "--caption", "a", "--set", "score_min=0.2"], "detect.score_min"),
    ],
)
def test_misspelt_commands_and_settings_are_told_too(arguments, meant, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["abc", "-1", "70000", ""])
def test_a_port_that_is_none_is_told(port, monkeypatch, capsys):
    monkeypatch.setenv("GRADIO_SERVER_PORT", port)
    assert f"GRADIO_SERVER_PORT is '{port}'. Set it to a number" in _fails([], capsys)


def test_nothing_is_written_over_what_is_read(shapes_path, tmp_path, capsys):
    before = shapes_path.read_bytes()
    arguments = ["locate", str(shapes_path), "--caption", "x", "--save", str(shapes_path), *FAKE]
    assert "--save would replace" in _fails(arguments, capsys)
    assert shapes_path.read_bytes() == before
    data = tmp_path / "data.jsonl"
    data.write_text('{"image": "a.png", "captions": ["x"]}', encoding="utf-8")
    arguments = ["batch", str(data), "--output", str(data), *FAKE]
    assert "--output would replace" in _fails(arguments, capsys)
    assert data.read_text(encoding="utf-8").startswith('{"image"')
