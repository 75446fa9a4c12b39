"""Batch: what is answered, kept, repaired and refused, picture by picture."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import DataError
from core.result import Result
from dataset.data_file import read_data
from frontends.batch import prediction, run_batch
from frontends.cli import main
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from tests.frontends.batching import rows, run, three_pictures


@pytest.fixture
def data(tmp_path: Path, shapes_path: Path) -> Path:
    return three_pictures(tmp_path, shapes_path)


def test_one_line_a_picture(fake_locator, data, tmp_path):
    output = tmp_path / "new" / "pred.jsonl"
    summary = run(fake_locator, data, output)
    assert (summary.done, summary.skipped, summary.failed) == (3, 0, 0)
    row = rows(output)[0]
    assert row["image"] == "a.png"
    assert row["size"] == [200, 100]
    assert [d["bbox"] for d in row["detections"]] == [[100, 50, 60, 40], [20, 10, 40, 30]]
    assert set(row["seconds"]) >= {"detect", "cut", "upscale", "rerank", "total"}
    red = row["results"][0]
    assert red["found"] is True
    assert red["bbox"] == [20, 10, 40, 30]
    assert len(red["candidates"]) == 2


def test_the_json_of_locate_becomes_a_line(fake_locator, data, tmp_path):
    """One program can read both."""
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    result = fake_locator.locate([tmp_path / "a.png"], ["red thing", "green thing"])[0]
    line = prediction("a.png", Result.from_dict(json.loads(json.dumps(result.to_dict()))))
    told = rows(output)[0]
    assert line.keys() == told.keys() - {"provenance"}
    assert {**line, "seconds": {}, "provenance": {}} == {**told, "seconds": {}, "provenance": {}}


def test_a_plural_tells_all_boxes_that_it_means(fake_locator, shapes_path):
    result = fake_locator.locate([shapes_path], ["red thing"])[0]
    (alone,) = prediction("a.png", result)["results"]
    assert alone["fitting"] == []
    several = replace(result.rankings[0], fitting_rows=(1, 0))
    (told,) = prediction("a.png", replace(result, rankings=(several,)))["results"]
    assert told["fitting"] == [[20, 10, 40, 30], [100, 50, 60, 40]]


def test_pictures_are_found_by_the_names_that_a_project_s_table_has(
    fake_locator, tmp_path, shapes_path
):
    """These have no endings."""
    for name in ("a.PNG", "b.png", "b.jpg"):
        (tmp_path / name).write_bytes(shapes_path.read_bytes())
    table = tmp_path / "table.csv"
    table.write_text("image,caption\na,red thing\nb,red thing\nc,red thing\n")
    summary = run(fake_locator, table, tmp_path / "pred.jsonl")
    assert (summary.done, summary.failed) == (3, 2)
    told = rows(tmp_path / "pred.jsonl")
    assert (told[0]["image"], told[0]["results"][0]["found"]) == ("a", True)
    assert "may be any of: b.jpg, b.png" in told[1]["error"]
    assert "is not in" in told[2]["error"]


def test_the_best_box_is_given_even_when_it_is_not_believed(fake_locator, data, tmp_path):
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    green = rows(output)[0]["results"][1]
    assert green["found"] is False
    assert green["bbox"] is not None


def test_without_detections_there_is_no_box(fake_locator, tmp_path, image):
    import numpy as np

    from core.image import encode_image

    (tmp_path / "plain.png").write_bytes(encode_image(np.full((40, 40, 3), 9, np.uint8)))
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps({"image": "plain.png", "annotations": [{"caption": "red thing"}]}))
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    assert rows(output)[0]["results"][0]["bbox"] is None


def test_a_data_set_of_ours_is_answered_as_it_lies(fake_locator, shapes_path, tmp_path, capsys):
    """Its pictures are in images/; a box that nobody described asks nothing."""
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "images" / "a.png").write_bytes(shapes_path.read_bytes())
    data = tmp_path / "set" / "annotations.jsonl"
    boxes = [{"caption": text, "bbox": [20, 10, 40, 30]} for text in ("red thing", "")]
    data.write_text(json.dumps({"image": "a.png", "annotations": boxes}))
    output = tmp_path / "pred.jsonl"
    saved = ["--save", str(tmp_path / "drawn")]
    assert main(["batch", str(data), "--output", str(output), "--preset", "fake", *saved]) == 0
    [row] = rows(output)
    assert (row["image"], [one["caption"] for one in row["results"]]) == ("a.png", ["red thing"])
    assert (tmp_path / "drawn" / "images" / "a.png").is_file()
    assert main(["evaluate", str(data), "--preset", "fake"]) == 0
    (tmp_path / "set" / "a.png").write_bytes(b"the one beside the file comes first")
    with pytest.raises(SystemExit):
        main(["evaluate", str(data), "--preset", "fake"])
    assert "a.png" in capsys.readouterr().err


def test_a_second_run_goes_on(fake_locator, data, tmp_path):
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    whole = output.read_bytes()
    output.write_bytes(whole[: whole.find(b"\n") + 1])
    summary = run(fake_locator, data, output)
    assert (summary.done, summary.skipped) == (2, 1)
    assert [row["image"] for row in rows(output)] == ["a.png", "b.png", "c.png"]


def test_an_interrupt_says_how_much_is_done(data, tmp_path, monkeypatch, capsys):
    output = tmp_path / "pred.jsonl"
    command = ["batch", str(data), "--output", str(output), "--preset", "fake"]
    locate = Locator.locate

    def stop_at_the_third(*given, **more):
        if len(rows(output)) == 2:
            raise KeyboardInterrupt
        return locate(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Locator, "locate", stop_at_the_third)
        assert main(command) == 130
    told = "spotter: interrupted. 2 of 3 pictures done. The same command goes on from there.\n"
    assert capsys.readouterr().err.endswith(told)
    assert main(command) == 0
    assert "1 picture done, 2 kept from before." in capsys.readouterr().err


def test_a_half_written_line_is_repaired(fake_locator, data, tmp_path):
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    output.write_bytes(output.read_bytes()[:-100])
    summary = run(fake_locator, data, output)
    assert (summary.done, summary.skipped) == (1, 2)
    assert len(rows(output)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "my notes\n",
        "my notes",
        '{"images": []}',
        '{"image": "a.png", "captions": ["x"]}',
        '{"image',
    ],
)
def test_another_kind_of_file_is_not_touched(text, fake_locator, data, tmp_path):
    output = tmp_path / "notes.txt"
    output.write_text(text)
    if text == '{"image':  # what a killed run may leave
        assert run(fake_locator, data, output).done == 3
        return
    with pytest.raises(DataError, match="line 1 is no prediction"):
        run(fake_locator, data, output)
    assert output.read_text() == text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.png", "is not in"),
        ("../secret.png", "leads out of"),
        ("/etc/passwd", "leads out of"),
        ("link.png", "leads out of"),
        ("cut.jpg", "damaged or cut short"),
    ],
)
def test_a_bad_picture_is_recorded_and_the_rest_goes_on(
    name, message, fake_locator, data, tmp_path, odd_file
):
    odd_file("cut short")
    (tmp_path.parent / "secret.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "link.png").symlink_to(tmp_path.parent / "secret.png")
    bad = json.dumps({"image": name, "annotations": [{"caption": "red thing"}]})
    data.write_text(bad + "\n" + data.read_text())
    output = tmp_path / "pred.jsonl"
    summary = run(fake_locator, data, output)
    assert (summary.done, summary.failed) == (4, 1)
    assert message in rows(output)[0]["error"]


def test_an_unusable_caption_is_recorded(fake_locator, data, tmp_path):
    data.write_text(json.dumps({"image": "a.png", "annotations": [{"caption": " "}]}))
    output = tmp_path / "pred.jsonl"
    assert run(fake_locator, data, output).failed == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1"),
        ('{"annotations": []}', "'image' is missing"),
        ('{"image": "a"}', "'annotations' is missing"),
        ('{"image": "a", "captions": "red thing"}', "captions must be a list"),
        ('{"image": "a", "captions": [3]}', "caption must be text"),
        ('{"image": 3, "annotations": []}', "image must be a file name"),
        ('{"image": "a", "annotations": [{"caption": 3}]}', "caption must be text"),
        ('{"image": "a", "annotations": [{"caption": "x", "bbox": [0, 0, -1, 2]}]}', "above 0"),
        ("[1]", "line 1"),
    ],
)
def test_a_malformed_data_file_names_its_line(line, message, fake_locator, tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text(line)
    with pytest.raises(DataError, match=message):
        run(fake_locator, data, tmp_path / "pred.jsonl")


def test_the_command_line_counts_failures(data, tmp_path, capsys):
    output = tmp_path / "pred.jsonl"
    arguments = ["batch", str(data), "--images", str(tmp_path), "--output", str(output)]
    assert main([*arguments, "--preset", "fake"]) == 0
    data.write_text(data.read_text() + '{"image": "absent.png", "annotations": []}\n')
    assert main([*arguments, "--preset", "fake"]) == 1
    told = capsys.readouterr().err
    assert f"{output}: 0 pictures done, 3 kept from before; 1 failed: " in told
    assert "'absent.png' is not in" in told
    assert main([*arguments, "--preset", "fake"]) == 1
    assert len(rows(output)) == 4


def test_a_picture_that_stands_twice_is_answered_twice(fake_locator, data, tmp_path):
    once = data.read_text().splitlines()[0]
    other = json.dumps({"image": "a.png", "annotations": [{"caption": "blue thing"}]})
    data.write_text(f"{once}\n{other}\n")
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    whole = output.read_text()
    output.write_text(whole.splitlines(keepends=True)[0])
    summary = run(fake_locator, data, output)
    assert (summary.done, summary.skipped) == (1, 1)
    assert [row["results"][-1]["caption"] for row in rows(output)] == ["green thing", "blue thing"]


def test_answers_to_other_captions_are_not_kept_silently(fake_locator, data, tmp_path):
    output = tmp_path / "pred.jsonl"
    run(fake_locator, data, output)
    data.write_text(data.read_text().replace("green", "blue"))
    with pytest.raises(DataError, match="answers other captions"):
        run(fake_locator, data, output)


def test_a_line_says_what_made_it(data, tmp_path):
    output = tmp_path / "pred.jsonl"
    data.write_text(data.read_text() + '{"image": "absent.png", "annotations": []}\n')
    arguments = ["batch", str(data), "--images", str(tmp_path), "--output", str(output)]
    main([*arguments, "--preset", "fake", "--assignment", "joint"])
    for row in rows(output):
        made_with = row["provenance"]
        assert set(made_with) == {"detector", "upscaler", "reranker", "config", "assignment"}
        assert "detect.score_min=0.1 " in made_with["config"]
        assert made_with["assignment"] == "joint"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--set", "detect.score_min=0.3"], "detect.score_min (0.1, now 0.3)"),
        (["--set", "detect.tile_wh=[96,64]"], "detect.tile_wh (not told, now [96,64])"),
        (["--set", "engine.precision=f32"], "engine.precision (auto, now f32)"),
        (["--assignment", "joint"], "assignment (independent, now joint)"),
    ],
)
def test_answers_of_other_settings_are_not_mixed(options, what, data, tmp_path, capsys):
    output = tmp_path / "pred.jsonl"
    arguments = ["batch", str(data), "--images", str(tmp_path), "--output", str(output)]
    assert main([*arguments, "--preset", "fake"]) == 0
    cut_short = output.read_bytes()[:-100]
    output.write_bytes(cut_short)
    with pytest.raises(SystemExit):
        main([*arguments, "--preset", "fake", *options])
    told = capsys.readouterr().err
    assert f"holds answers made with another {what}." in told
    assert "Give another --output" in told
    assert output.read_bytes() == cut_short
    assert main([*arguments, "--preset", "fake"]) == 0


def test_settings_that_change_no_answer_do_not_keep_a_run_from_going_on(data, tmp_path, capsys):
    output = tmp_path / "pred.jsonl"
    arguments = ["batch", str(data), "--images", str(tmp_path), "--output", str(output)]
    assert main([*arguments, "--preset", "fake"]) == 0
    others = ("engine.threads=2", "engine.engine=onnxruntime", "rerank.cached_captions=100",
              "image.max_pixels=1000000")  # fmt: skip
    wishes = [word for pair in others for word in ("--set", pair)]
    assert main([*arguments, "--preset", "fake", *wishes]) == 0
    assert "0 pictures done, 3 kept from before." in capsys.readouterr().err


def test_answers_of_another_model_are_not_mixed(data, tmp_path):
    def locator(reranker: str) -> Locator:
        provenance = {"reranker": reranker, "engine": reranker}
        return Locator(FakeDetector(), FakeReranker(), provenance=provenance)

    output = tmp_path / "pred.jsonl"
    run(locator("small"), data, output)
    with pytest.raises(DataError, match=r"another reranker \(small, now large\)"):
        run(locator("large"), data, output)


def test_answers_of_unknown_origin_are_not_mixed(fake_locator, data, tmp_path):
    output = tmp_path / "pred.jsonl"
    output.write_text('{"image": "a.png", "error": "broken"}\n')
    with pytest.raises(DataError, match=r"another assignment \(not told, now independent\)"):
        run(fake_locator, data, output)


@pytest.mark.parametrize("name", ["a\0b.png", "x" * 400 + ".png", "\ud800.png"])
def test_a_name_that_no_file_can_have_does_not_stop_the_rest(fake_locator, data, tmp_path, name):
    row = json.dumps({"image": name, "annotations": [{"caption": "red thing"}]})
    data.write_text(row + "\n" + data.read_text())
    summary = run(fake_locator, data, tmp_path / "pred.jsonl")
    assert (summary.done, summary.failed) == (4, 1)


@pytest.mark.parametrize("name", ["data.jsonl/pred.jsonl", "."])
def test_an_output_that_cannot_be_written_is_said(fake_locator, data, tmp_path, name):
    with pytest.raises(DataError, match="cannot write"):
        run(fake_locator, data, tmp_path / name)


def test_a_full_disk_is_said_and_the_next_run_goes_on(fake_locator, data, tmp_path, monkeypatch):
    output, synced = tmp_path / "pred.jsonl", []

    def sync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("frontends.batch.os.fsync", sync)
    with pytest.raises(DataError, match=r"cannot write .*: No space left on device") as caught:
        run(fake_locator, data, output)
    assert "goes on where it ended" in caught.value.hint
    output.write_bytes(output.read_bytes()[:-100])  # the disk took half of the line
    summary = run(fake_locator, data, output)
    assert (summary.done, summary.skipped) == (2, 1)
    assert [row["image"] for row in rows(output)] == ["a.png", "b.png", "c.png"]


def test_a_broken_caption_is_the_same_one_on_the_next_run(fake_locator, data, tmp_path):
    caption = {"caption": "red  thing \ud83d"}
    data.write_text(json.dumps({"image": "a.png", "annotations": [caption]}))
    output = tmp_path / "pred.jsonl"
    assert run(fake_locator, data, output).failed == 0
    assert rows(output)[0]["results"][0]["caption"] == "red thing ?"
    assert run(fake_locator, data, output).skipped == 1
    data.write_text(json.dumps({"image": "a.png", "annotations": [{"caption": " "}]}))
    with pytest.raises(DataError, match="answers other captions"):
        run(fake_locator, data, output)


def test_a_byte_order_mark_is_passed_over(fake_locator, data, tmp_path):
    data.write_text(data.read_text(), encoding="utf-8-sig")
    assert run(fake_locator, data, tmp_path / "pred.jsonl").done == 3


def test_what_failed_is_asked_again(fake_locator, data, tmp_path):
    output, wrong = tmp_path / "pred.jsonl", tmp_path / "nodir"
    wrong.mkdir()
    (wrong / "b.png").write_bytes((tmp_path / "b.png").read_bytes())
    first = run_batch(
        fake_locator, lines=read_data(data), images=wrong, output=output, show_progress=False
    )
    assert (first.done, first.failed) == (3, 2)
    second = run(fake_locator, data, output)
    assert (second.done, second.skipped, second.failed) == (2, 1, 0)
    assert sorted(row["image"] for row in rows(output)) == ["a.png", "b.png", "c.png"]
    assert not any("error" in row for row in rows(output))


def test_of_a_picture_that_stands_twice_only_the_failed_line_is_asked_again(
    fake_locator, data, tmp_path
):
    bad = json.dumps({"image": "a.png", "annotations": [{"caption": " "}]})
    data.write_text(f"{bad}\n{data.read_text()}")
    output = tmp_path / "pred.jsonl"
    assert run(fake_locator, data, output).failed == 1
    for _ in range(2):
        summary = run(fake_locator, data, output)
        assert (summary.done, summary.skipped, summary.failed) == (1, 3, 1)
        assert len(rows(output)) == 4


def test_captions_alone_are_asked_each_once_unless_jointly(fake_locator, data, tmp_path):
    captions = ["red thing", "blue thing", "red thing"]
    data.write_text(json.dumps({"image": "a.png", "captions": captions}))
    for assignment, answered in (("independent", captions[:2]), ("joint", captions)):
        output = tmp_path / f"{assignment}.jsonl"
        run(fake_locator, data, output, assignment=assignment)
        [row] = rows(output)
        assert [result["caption"] for result in row["results"]] == answered
        assert run(fake_locator, data, output, assignment=assignment).skipped == 1


def test_failed_pictures_are_named(fake_locator, data, tmp_path):
    (tmp_path / "b.png").write_bytes(b"no picture")
    (tmp_path / "c.png").unlink()
    told = run(fake_locator, data, tmp_path / "pred.jsonl").sentence()
    assert "2 failed (b.png, c.png), the first: b.png" in told
