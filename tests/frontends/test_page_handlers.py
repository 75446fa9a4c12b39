"""The functions behind the page's events, called as Gradio calls them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from convert.job import install_steps
from core.image import decode_image, encode_image, read_image
from frontends.service import Service, read_limits
from frontends.ui import page as page_module
from frontends.ui.examples import read_examples
from frontends.ui.handlers import Handlers, create_handlers
from frontends.ui.page import create_page, launch_options
from frontends.ui.present import present_answer
from pipeline.models import Model

UPLOAD_FIRST = "The image was not uploaded. Upload the file first."
SETTINGS = {
    "score_min": 0.25, "iou_max": 0.6, "upscale": True, "tiles": False, "assignment": "independent"
}  # fmt: skip


@pytest.fixture(autouse=True)
def _uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the test's own folder count as uploaded."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))


@pytest.fixture
def handlers(service: Service, examples_folder: Path) -> Handlers:
    return create_handlers(service, read_examples(examples_folder))


def _picture(path: Path) -> dict[str, Any]:
    return {"image": {"path": str(path), "meta": {"_type": "gradio.FileData"}}}


def _is_skip(update: object) -> bool:
    return update == gr.skip()


def test_a_new_picture_is_answered_at_once(handlers, shapes_path):
    update, shown = handlers.pick(_picture(shapes_path), "red thing\n\nwhite blimp", SETTINGS)
    assert _is_skip(update)
    assert shown["error"] is None
    assert shown["size"] == [200, 100]
    assert shown["limit"] == 0.5, "below this chance nothing is found"
    red, blimp = shown["captions"]
    assert red["found"] is True
    assert shown["boxes"][red["answer"]]["x"] == 20
    assert blimp["found"] is False
    assert blimp["nearest"] is not None
    assert (red["color"], blimp["color"]) == (0, 1)
    assert shown["seconds"]["total"] > 0
    json.dumps(shown, allow_nan=False)


def test_a_picture_without_captions_waits_calmly(handlers, shapes_path):
    _, shown = handlers.pick(_picture(shapes_path), "  ", SETTINGS)
    assert shown["error"]["message"] == ""


def test_a_picture_that_is_cut_short_is_told_before_any_caption(handlers, shapes_path):
    data = encode_image(read_image(shapes_path), format="jpeg")
    short = shapes_path.with_name("short.jpg")
    short.write_bytes(data[: len(data) // 2])
    _, shown = handlers.pick(_picture(short), " ", SETTINGS)
    assert shown["error"]["at"] == "picture"
    assert "short.jpg is damaged" in shown["error"]["message"]


def test_new_captions_only_read_text(handlers, shapes_path):
    handlers.pick(_picture(shapes_path), "red thing", SETTINGS)
    shown = handlers.ask(_picture(shapes_path), "blue thing", SETTINGS)
    assert shown["reused"] is True
    assert set(shown["seconds"]) == {"rerank", "total"}


def test_an_example_brings_picture_captions_and_answer(handlers, examples_folder):
    update, lines, shown = handlers.choose(SimpleNamespace(index=0), SETTINGS)
    assert update["image"]["path"] == str((examples_folder / "one.jpg").resolve())
    assert lines == "red thing\ngreen thing"
    assert [caption["found"] for caption in shown["captions"]] == [True, False]


def test_joint_assignment_reaches_the_pipeline(handlers, shapes_path):
    lines = "red thing\norange thing"
    shown = handlers.ask(_picture(shapes_path), lines, SETTINGS | {"assignment": "joint"})
    assert len({caption["nearest"] for caption in shown["captions"]}) == 2


def test_a_higher_confidence_leaves_the_answer_as_it_was(handlers, shapes_path):
    """The browser hides boxes; what is hidden stays found, and nothing gets surer."""
    plain = handlers.ask(_picture(shapes_path), "red thing", SETTINGS)
    high = handlers.ask(_picture(shapes_path), "red thing", SETTINGS | {"score_min": 0.95})
    assert (high["boxes"], high["captions"]) == (plain["boxes"], plain["captions"])
    assert high["score_min"] == plain["score_min"] < 0.25
    low = handlers.ask(_picture(shapes_path), "red thing", SETTINGS | {"score_min": 0.05})
    assert low["score_min"] == 0.05


def test_a_picture_without_objects_says_what_to_try(handlers, tmp_path):
    (tmp_path / "plain.png").write_bytes(encode_image(np.full((80, 80, 3), 99, np.uint8)))
    nothing = handlers.ask(_picture(tmp_path / "plain.png"), "red thing", SETTINGS)
    assert nothing["boxes"] == []
    assert nothing["captions"][0]["nearest"] is None
    assert nothing["pieces"] == 0, "a small picture is seen in one"
    (tmp_path / "large.png").write_bytes(encode_image(np.full((1200, 2400, 3), 99, np.uint8)))
    large = handlers.ask(_picture(tmp_path / "large.png"), "red thing", SETTINGS)
    assert large["pieces"] > 4
    closer = handlers.ask(_picture(tmp_path / "large.png"), "red thing", SETTINGS | {"tiles": True})
    assert closer["pieces"] == 0
    assert closer["key"] != large["key"], "another look"


def test_a_close_look_is_at_one_picture_alone(handlers, tmp_path):
    (tmp_path / "large.png").write_bytes(encode_image(np.full((1200, 2400, 3), 99, np.uint8)))
    picture = _picture(tmp_path / "large.png")
    whole = handlers.ask(picture, "red thing", SETTINGS)
    closer = handlers.ask({**picture, "closely": True}, "red thing", SETTINGS)
    assert (whole["closely"], closer["closely"]) == (False, True)
    assert closer["key"] != whole["key"], "another look"
    assert closer["pieces"] == whole["pieces"] > 4, "to say what it was, and to go back"
    _, other = handlers.pick(picture, "red thing", SETTINGS)
    assert (other["closely"], other["key"]) == (False, whole["key"])


def test_the_pieces_are_those_of_the_model(tmp_path, monkeypatch, fake_locator, examples_folder):
    """OWLv2 sees squares: of a picture that fills one there is nothing more to be seen."""
    folder = tmp_path / "owl"
    folder.mkdir()
    (folder / "detector.json").write_text('{"fit": "corner", "input_wh": [960, 960]}')
    model = Model(id="owlv2-base", task="detect", family="owl", folder=folder)
    monkeypatch.setattr("frontends.ui.handlers.find_model", lambda name, task: model)
    service = Service(replace(read_limits({}), preset="fake"), open_locator=lambda _: fake_locator)
    ask = create_handlers(service, read_examples(examples_folder)).ask
    for wh, pieces in (((1150, 1150), 0), ((1600, 960), 2)):
        path = tmp_path / f"{wh[0]}.png"
        path.write_bytes(encode_image(np.full((wh[1], wh[0], 3), 99, np.uint8)))
        assert ask(_picture(path), "red thing", SETTINGS)["pieces"] == pieces


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut short", "damaged or cut short"),
        ("words", "not an image"),
        ("empty", "empty (0 bytes)"),
        ("huge", "the limit is"),
    ],
)
def test_an_unusable_picture_is_told_at_the_picture(kind, message, handlers, odd_file):
    update, shown = handlers.pick(_picture(odd_file(kind)), "red thing", SETTINGS)
    assert _is_skip(update)
    assert shown["error"]["at"] == "picture"
    assert message in shown["error"]["message"]
    assert shown["refused"] is True, "the picture before comes back"


def test_a_picture_is_not_refused_for_its_captions(handlers, shapes_path):
    _, shown = handlers.pick(_picture(shapes_path), "a" * 2001, SETTINGS)
    assert (shown["error"]["at"], shown["refused"]) == ("captions", False)


@pytest.mark.parametrize(
    ("kind", "converted"),
    [
        ("one pixel", False),
        ("cmyk", True),
        ("16 bit", True),
        ("animated", True),
        ("tiff", True),
    ],
)
def test_unusual_pictures_are_shown_in_a_form_that_browsers_know(
    kind, converted, handlers, odd_file
):
    update, shown = handlers.pick(_picture(odd_file(kind)), "red thing", SETTINGS)
    assert shown["error"] is None
    assert _is_skip(update) is not converted
    if converted:
        assert update["display"]["path"].endswith(".png")
        assert decode_image(Path(update["display"]["path"]).read_bytes()).shape == (60, 80, 3)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "No caption yet"),
        (" \n ", "No caption yet"),
        ("a" * 2001, "2001 characters"),
        ("\n".join(["red thing"] * 51), "51 captions"),
    ],
)
def test_an_unusable_caption_is_told_at_the_captions(lines, message, handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), lines, SETTINGS)
    assert shown["error"]["at"] == "captions"
    assert message in shown["error"]["message"]


@pytest.mark.parametrize("line", ["a" * 2000, "red \U0001f681", "<script>alert(1)</script>"])
def test_unusual_captions_work(line, handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), line, SETTINGS)
    assert shown["captions"][0]["caption"] == line


def test_without_a_picture_it_says_so(handlers):
    shown = handlers.ask({"image": None}, "red thing", SETTINGS)
    assert shown["error"]["at"] == "picture"
    assert "No picture yet" in shown["error"]["message"]


def test_a_note_belongs_to_its_caption(handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), f"red thing\n{'very ' * 25}blue", SETTINGS)
    assert [caption["notes"] for caption in shown["captions"]] == [
        [],
        ["The caption was cut after 24 words."],
    ]
    assert shown["warnings"] == [], "not told twice"


def test_sure_is_about_the_words_that_count(handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), "not red thing\nred thing", SETTINGS)
    assert [caption["about"] for caption in shown["captions"]] == ["red thing", ""]


def test_an_error_that_comes_twice_is_a_change_both_times(handlers):
    """The browser stops waiting when the answer changes."""
    asked = [handlers.ask({"image": None}, "red thing", SETTINGS) for _ in range(2)]
    assert asked[0]["error"] == asked[1]["error"]
    assert asked[0] != asked[1]
    picked = [handlers.pick({"image": None}, " ", SETTINGS)[1] for _ in range(2)]
    assert picked[0] != picked[1]


def test_our_own_mistakes_are_logged_and_not_shown(service, shapes_path, caplog):
    def broken(config: object) -> Any:
        raise RuntimeError("secret detail")

    handlers = create_handlers(Service(service.limits, open_locator=broken), [])
    shown = handlers.ask(_picture(shapes_path), "red thing", SETTINGS)
    assert shown["error"]["at"] == "page"
    assert "secret" not in shown["error"]["message"]
    assert "secret detail" in caplog.text


def test_a_missing_model_is_told(service, shapes_path):
    broken = replace(service.limits, preset="mini")
    handlers = create_handlers(Service(broken, open_locator=_no_model), [])
    shown = handlers.ask(_picture(shapes_path), "red thing", SETTINGS)
    assert shown["error"] == {"at": "page", "message": "Model 'x' is missing. Fetch it."}


def _no_model(config: object) -> Any:
    from core.errors import ModelError

    raise ModelError("model 'x' is missing.", "Fetch it.")


def test_the_evidence_shows_both_crops(handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), "red thing", SETTINGS)
    row = shown["captions"][0]["answer"]
    crops = handlers.crops({"key": shown["key"], "row": row})
    assert crops["cut"].startswith("data:image/png;base64,")
    assert crops["upscaled"].startswith("data:image/png;base64,")
    assert crops["scale"] == "4"


def test_without_upscaling_there_is_only_the_cut(handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), "red thing", SETTINGS | {"upscale": False})
    crops = handlers.crops({"key": shown["key"], "row": 0})
    assert crops["upscaled"] is None
    assert crops["note"] == "not upscaled"


def test_the_annotated_picture_can_be_had(handlers, shapes_path):
    shown = handlers.ask(_picture(shapes_path), "red thing", SETTINGS)
    wish = {"captions": ["red thing"], "assignment": "independent", "score_min": 0.25, "limit": 0.5}
    urls = [handlers.overlay({"key": shown["key"], **wish, "shown_min": m}) for m in (0.0, 0.99)]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    assert urls[0] != urls[1], "what the confidence hides is not drawn"


@pytest.mark.parametrize(
    ("file_name", "save_as"),
    [
        ("heli_formation6.jpg", "heli_formation6-spotter"),
        ("my trip: day 1/2 (h\u00e9li).JPG", "my-trip-day-1-2-h\u00e9li-spotter"),
        ("x" * 300 + ".png", "x" * 80 + "-spotter"),
        ("...", "spotter"),
        ("", "spotter"),
        ("noending", "noending-spotter"),
    ],
)
def test_downloads_are_named_after_the_picture(file_name, save_as, handlers, service, shapes_path):
    answer = service.locate(shapes_path, ["red thing"], service.base_config())
    shown = present_answer(answer, "independent", 0.25, file_name=file_name)
    assert shown["save_as"] == save_as
    shown = handlers.ask(_picture(shapes_path), "red thing", SETTINGS)
    assert shown["save_as"] == f"{shapes_path.stem}-spotter"


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "f" * 24])
def test_crops_of_an_unknown_picture_are_refused(key, handlers):
    with pytest.raises(gr.Error, match="no longer kept"):
        handlers.crops({"key": key, "row": 0})


def test_the_api_returns_the_whole_result(handlers, shapes_path):
    with pytest.raises(gr.Error, match="picture"):
        handlers.locate(None, ["red thing"])
    with pytest.raises(gr.Error, match=r"the picture as str\. .* give handle_file\(path\)"):
        handlers.locate(str(shapes_path), ["red thing"])
    with pytest.raises(gr.Error, match=r"must be independent or joint, got 'jointly'"):
        handlers.locate(_picture(shapes_path)["image"], ["red thing"], "jointly")
    result = handlers.locate(_picture(shapes_path)["image"], ["red thing"])
    assert result["rankings"][0]["found"] is True
    with pytest.raises(gr.Error, match="the caption is empty"):
        handlers.locate(_picture(shapes_path)["image"], [""])


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "", None])
def test_files_that_nobody_uploaded_are_refused(path, handlers):
    with pytest.raises(gr.Error, match="was not uploaded"):
        handlers.locate({"path": path}, ["red thing"])
    shown = handlers.ask({"image": {"path": path}}, "red thing", SETTINGS)
    assert shown["error"] == {"at": "picture", "message": UPLOAD_FIRST}
    update, shown = handlers.pick({"image": {"path": path}}, "red thing", SETTINGS)
    assert _is_skip(update)
    assert shown["error"]["message"] == UPLOAD_FIRST


def test_examples_that_are_missing_or_nonsense_are_left_out(examples_folder, tmp_path, caplog):
    examples = read_examples(examples_folder)
    assert [example.path.name for example in examples] == ["one.jpg", "two.jpg"]
    assert "absent.jpg" in caplog.text
    assert read_examples(tmp_path / "nowhere") == []
    (tmp_path / "examples.json").write_text("{")
    assert read_examples(tmp_path) == []


def test_the_page_is_made_without_opening_a_model(service, examples_folder):
    def never(config: object) -> Any:
        raise AssertionError("a model was opened")

    idle = Service(service.limits, open_locator=never)
    page = create_page(idle, examples_folder=examples_folder)
    assert isinstance(page, gr.Blocks)
    options = launch_options(idle, examples_folder=examples_folder)
    assert options["ssr_mode"] is False
    assert options["max_file_size"] == service.limits.archive_max_bytes
    small = Service(replace(service.limits, archive_max_bytes=1), open_locator=never)
    options = launch_options(small, examples_folder=examples_folder)
    assert options["max_file_size"] == service.limits.upload_max_bytes


@pytest.mark.parametrize(("got", "told"), [(7860, ""), (7862, " (port 7860 is taken)")])
def test_the_address_is_told_and_whether_it_is_another(service, monkeypatch, capsys, got, told):
    class Page:
        server_port = got

        def launch(self, **_: object) -> tuple[None, str, None]:
            return None, f"http://127.0.0.1:{got}/", None

        def block_thread(self) -> None: ...

    monkeypatch.setattr(page_module, "create_page", lambda service: Page())
    monkeypatch.setattr(page_module, "INITIAL_PORT_VALUE", 7860)
    page_module.serve(service)
    assert capsys.readouterr().out == f"Spotter is at http://127.0.0.1:{got}/{told}\n"


def test_a_picture_may_not_be_as_large_as_a_zip_file(service, examples_folder, shapes_path):
    limits = replace(service.limits, upload_max_bytes=shapes_path.stat().st_size - 1)
    small = create_handlers(Service(limits), read_examples(examples_folder))
    _, shown = small.pick(_picture(shapes_path), "red thing", SETTINGS)
    assert "the limit is 0 MB" in shown["error"]["message"]


def test_preset_and_engine_are_switched_while_the_page_runs(handlers, shapes_path):
    told = handlers.ready({"preset": "mini", "engine": "onnxruntime"})
    assert told["ok"]
    assert "ONNX Runtime on the CPU" in told["said"]
    shown = handlers.ask(
        _picture(shapes_path), "red thing", SETTINGS | {"preset": "fake", "engine": "onnxruntime"}
    )
    assert shown["engine"] == "fake"
    assert shown["result"]["provenance"]["preset"] == "fake"


def test_what_an_engine_lacks_is_said_with_the_command(handlers, shapes_path):
    told = handlers.ready({"preset": "fake", "engine": "tensorrt"})
    assert not told["ok"]
    assert told["said"].startswith("Provider 'tensorrt'")
    assert told["steps"][0]["command"] == "pip install -r requirements-gpu.txt"
    refused = handlers.ask(
        _picture(shapes_path), "red thing", SETTINGS | {"preset": "mini", "engine": "tensorrt"}
    )
    assert "requirements-gpu.txt" in refused["error"]["message"]


@pytest.mark.parametrize(("preset", "engine"), [("no-such", "auto"), ("fake", "no-such")])
def test_unknown_names_from_the_browser_are_refused(preset, engine, handlers):
    with pytest.raises(gr.Error, match=r"no-such"):
        handlers.ready({"preset": preset, "engine": engine})


def test_a_preset_that_is_not_installed_says_so_once_and_how_it_is_got(handlers):
    told = handlers.ready({"preset": "zero-shot"})
    assert told["said"] == "zero-shot is not installed here."
    commands = [step["command"] for step in told["steps"]]
    assert commands == list(install_steps("zero-shot")), "the README's, both"
    assert "'owlv2-base'" in told["steps"][1]["note"]
    assert "'siglip2-base-256'" in told["steps"][1]["note"]
    first, *others = handlers.ready({"preset": "origin"})["steps"]
    assert first["command"] == commands[0]
    assert any(step["command"].endswith("--weights yolov6l6.onnx") for step in others), "by hand"
    assert others[-1]["command"] == install_steps("origin")[1]
    assert not any("Run:" in step["note"] for step in told["steps"])
