"""The tab Annotate in a real browser: import, pre-label, correct, go through the queue, export."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project.store import Project
from tests.frontends.annotate_page import (
    COUNT,
    DESKTOP,
    PHONE,
    STATE,
    create,
    drag,
    hold,
    image_frame,
    prelabel,
    press,
    rows,
    screen,
    settled,
    things,
    xyxy,
)

pytestmark = pytest.mark.browser


def _go_to(page: Any, name: str) -> None:
    names = page.evaluate(f"{STATE}.queue.ids")
    for image in names:
        page.evaluate(f"window.spotter.room('annotate').set({{goto: {{image: {image}}}}})")
        page.wait_for_function(f"{STATE}.photo && {STATE}.photo.id === {image}")
        if page.evaluate(f"{STATE}.photo.name") == name:
            return
    raise AssertionError(name)


def test_from_pictures_to_a_data_set(browse, pictures, tmp_path):
    """The whole way, as a person would: every corrected box comes out where it was put."""
    page = browse()
    create(page, pictures)
    prelabel(page, "red thing\nblue thing")
    page.wait_for_selector('#annotate-picture .overlay g[data-state="proposed"]')

    _go_to(page, "scene_00")
    # A box of five pixels, drawn at the size at which one sees them.
    page.mouse.move(*screen(page, (300, 200)))
    for _ in range(8):
        page.mouse.wheel(0, -400)
    page.wait_for_function("document.querySelector('#annotate-picture .image[data-pixels]')")
    drag(page, (300, 200), (305, 205))
    drawn = next(row for row in rows(page) if row["own"])
    assert xyxy(drawn) == (300, 200, 305, 205)
    # Resized by its corner down to three, by keys to four, moved by keys; each is undone alone.
    page.keyboard.press("z")
    _drag_grip(page, (-2, -2))
    assert xyxy(next(row for row in rows(page) if row["own"])) == (300, 200, 303, 203)
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("ArrowDown")
    settled(page)
    assert xyxy(next(row for row in rows(page) if row["own"])) == (300, 201, 304, 204)
    page.keyboard.press("Control+z")
    page.wait_for_function(f"{STATE}.rows.some((row) => row.own && row.y === 200 && row.h === 3)")
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function(f"{STATE}.rows.some((row) => row.own && row.y === 201)")

    # Another caption, another rank.
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    red = next(row for row in rows(page) if row["caption"] == "red thing")
    page.mouse.click(*screen(page, (red["x"] + red["w"] / 2, red["y"] + red["h"] / 2)))
    page.wait_for_function(f"{STATE}.selected === {red['id']}")
    settled(page)
    assert next(row for row in rows(page) if row["id"] == red["id"])["rank"] == 1
    page.keyboard.press("c")
    page.keyboard.type("blue thing")
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"{STATE}.rows.some((r) => r.id === {red['id']} && r.rank > 1 && r.probability < 0.5)"
    )
    page.keyboard.press("Control+z")
    page.wait_for_function(
        f"{STATE}.rows.find((r) => r.id === {red['id']}).caption === 'red thing'"
    )

    # Through the whole queue with one key.
    for done in range(1, COUNT + 1):
        page.keyboard.press("Enter")
        page.wait_for_function(f"{STATE}.progress.done === {done}")
        page.wait_for_function(f"{STATE}.photo.id === {STATE}.queue.ids[{STATE}.at]")
    assert "All pictures are done" in page.inner_text("#annotate-head .said")
    truth = {name: [xyxy for xyxy, _ in things(number)] for number, name in _names()}
    truth["scene_00"] = [*truth["scene_00"], (300, 201, 304, 204)]
    for format in ("yolo", "coco"):
        _check(_export(page, format, tmp_path), format, truth)


def _names() -> list[tuple[int, str]]:
    return [(number, f"scene_{number:02d}") for number in range(COUNT)]


def _drag_grip(page: Any, by: tuple[float, float]) -> None:
    """Drag the lower right grip of the chosen box by pixels of the picture."""
    _, _, scale = image_frame(page)
    frames = page.evaluate(
        "[...document.querySelectorAll('#annotate-picture .overlay .grip')]"
        ".map((grip) => grip.getBoundingClientRect())"
        ".map((frame) => [frame.x + frame.width / 2, frame.y + frame.height / 2])"
    )
    x, y = max(frames, key=sum)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0] * scale, y + by[1] * scale, steps=5)
    page.mouse.up()


def _export(page: Any, format: str, tmp_path: Path) -> Path:
    page.click("#annotate-head .outlet")
    page.click(f'#annotate-outlet .format[data-value="{format}"]')
    page.click('#annotate-outlet .mode[data-value="confirmed"]')
    page.click("#annotate-outlet .go")
    page.wait_for_function(
        f"document.querySelector('#annotate-head .said-link').textContent.includes('{format}.zip')"
    )
    with page.expect_download() as saved:
        page.click("#annotate-head .said-link")
    with zipfile.ZipFile(saved.value.path()) as archive:
        archive.extractall(tmp_path / format)
    return tmp_path / format


def _check(folder: Path, format: str, truth: dict[str, list[tuple[int, ...]]]) -> None:
    """Every box that was confirmed is there within a pixel, as another library reads it."""
    supervision = pytest.importorskip(
        "supervision", reason="pip install -r requirements-consumers.txt"
    )
    load, seen = supervision.DetectionDataset, dict[str, np.ndarray]()
    for split in sorted(path.name for path in (folder / "images").iterdir()):
        images = str(folder / "images" / split)
        if format == "coco":
            found = load.from_coco(images, str(folder / f"annotations/instances_{split}.json"))
        else:
            found = load.from_yolo(
                images, str(folder / "labels" / split), str(folder / "data.yaml")
            )
        seen |= {Path(path).stem: boxes.xyxy for path, _, boxes in found}
    assert set(seen) == set(truth)
    for name, boxes in truth.items():
        got = np.array(sorted(seen[name].tolist()))
        assert got == pytest.approx(np.array(sorted(boxes), float), abs=1.0), name


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_sticks_out_and_everything_can_be_reached(size, browse, pictures):
    page = browse(size, "dark")
    create(page, pictures[:3])
    prelabel(page, "red thing")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for part in ("strip .name", "done .skip", "done .nothing", "done .complete"):
        assert page.is_visible(f"#annotate-{part}"), part
    # By touch or mouse: choose a box in the list, accept it, reject another.
    row = page.locator('#annotate-boxes .row[data-state="proposed"]').first
    row.locator(".accept").click()
    page.wait_for_selector('#annotate-boxes .row[data-state="confirmed"]')
    page.locator('#annotate-boxes .row[data-state="proposed"] .remove').first.click()
    page.wait_for_function(f"{STATE}.rows.some((row) => row.state === 'rejected')")
    for sheet in ("prelabel", "review", "outlet", "lessons", "help"):
        press(page, sheet)
        page.wait_for_selector(f"#annotate-{sheet}[data-open]")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        page.keyboard.press("Escape")
        page.wait_for_selector(f"#annotate-{sheet}[data-open]", state="detached")


def test_a_picture_is_removed_and_put_back(browse, pictures):
    page = browse()
    create(page, pictures[:3])
    ids = page.evaluate(f"{STATE}.queue.ids")
    page.keyboard.press("Shift+Delete")
    page.wait_for_function(f"{STATE}.queue.ids.length === 2 && {STATE}.photo.id === {ids[1]}")
    page.click("#annotate-head .said-act")  # undo
    page.wait_for_function(f"{STATE}.queue.ids.length === 3 && {STATE}.photo.id === {ids[0]}")
    page.click("#annotate-strip .out")
    page.wait_for_function(f"{STATE}.photo.id === {ids[1]}")
    page.select_option("#annotate-strip .only", "removed")
    page.wait_for_function(f"{STATE}.photo.id === {ids[0]} && {STATE}.photo.removed")
    assert page.is_disabled("#annotate-done .complete")
    drag(page, (100, 200), (140, 230))
    assert rows(page) == [], "nothing of it can be changed"
    page.click("#annotate-strip .out")
    page.wait_for_function(f"{STATE}.queue.ids.length === 3 && !{STATE}.photo.removed")
    assert page.input_value("#annotate-strip .only") == ""
    assert page.evaluate(f"{STATE}.photo.id") == ids[0]


def test_a_mark_is_taken_back(browse, pictures):
    page = browse()
    create(page, pictures[:1])
    prelabel(page, "purple zebra")
    page.wait_for_function(f"{STATE}.asked.length === 1")
    before = page.evaluate(f"{STATE}.asked[0].found")
    page.click("#annotate-boxes .asked-rows button")
    settled(page)
    assert page.evaluate(f"{STATE}.asked[0].found") is not before
    page.keyboard.press("Control+z")
    page.wait_for_function(f"{STATE}.asked[0].found === {str(before).lower()}")


def test_types_are_renamed_and_made_one(browse, pictures):
    page = browse()
    create(page, pictures[:2])
    for at, name in ((100, "plane"), (200, "kite")):
        drag(page, (at, 200), (at + 40, 230))
        page.keyboard.press("t")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    settled(page)
    page.click("#annotate-boxes .kinds")
    field = '#annotate-kinds li[data-name="plane"] .name'
    page.fill(field, "kite")
    page.press(field, "Enter")
    page.click("#annotate-kinds .taken .quiet")
    page.fill(field, "airship")
    page.press(field, "Enter")
    page.wait_for_function(f"{STATE}.rows.some((row) => row.class_name === 'airship')")
    field = field.replace("plane", "airship")
    page.fill(field, "kite")
    page.press(field, "Enter")
    page.click("#annotate-kinds .taken .strong")
    page.wait_for_function(f"{STATE}.rows.every((row) => row.class_name === 'kite')")
    assert page.evaluate(f"{STATE}.project.classes") == ["thing", "other", "kite"]
    page.click('#annotate-kinds li[data-name="kite"] .see')
    page.wait_for_function(f"{STATE}.queue.ids.length === 1")


def test_pictures_are_found_by_their_words(browse, pictures):
    page = browse()
    create(page, pictures[:3])
    ids = page.evaluate(f"{STATE}.queue.ids")
    drag(page, (100, 200), (140, 230))
    page.keyboard.press("c")
    page.keyboard.type("green kite")
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    page.keyboard.type("KITE")
    page.wait_for_function(f"{STATE}.queue.ids.length === 1")
    assert page.evaluate(f"{STATE}.photo.id") == ids[0]
    page.fill("#annotate-strip .sought", "unicorn")
    page.wait_for_function(f"{STATE}.queue.ids.length === 0")
    assert page.inner_text("#annotate-strip .place") == "No picture with “unicorn”"
    page.keyboard.press("Escape")
    page.wait_for_function(f"{STATE}.queue.ids.length === 3")
    assert page.input_value("#annotate-strip .sought") == ""


def test_proposals_lead_to_the_first_unless_one_is_at_work(browse, pictures):
    page = browse()
    create(page, pictures[:4])
    page.keyboard.press("PageDown")
    page.wait_for_function(f"{STATE}.at === 1 && {STATE}.photo.id === {STATE}.queue.ids[1]")
    page.select_option("#annotate-strip .only", "new")
    prelabel(page, "red thing\nblue thing")
    page.wait_for_function(f"{STATE}.at === 0 && {STATE}.photo.id === {STATE}.queue.ids[0]")
    assert page.input_value("#annotate-strip .only") == ""
    assert "to decide" in page.inner_text("#annotate-head .said")
    assert page.is_hidden("#annotate-head .said-act")
    page.click("#annotate-head .prelabel")
    page.fill("#annotate-prelabel .captions", "green thing")
    held = hold(page, "run_state")
    page.click("#annotate-prelabel .go")
    page.wait_for_selector("#annotate-head .run:not([hidden])")
    page.keyboard.press("PageDown")
    for _ in range(600):
        if held:
            break
        page.wait_for_timeout(100)
    held[0].continue_()
    page.click("#annotate-head .said-act")
    page.wait_for_function(f"{STATE}.at === 0 && {STATE}.photo.id === {STATE}.queue.ids[0]")


def test_the_score_slider_keeps_its_place_and_the_keys(browse, pictures):
    page = browse()
    create(page, pictures[:3])
    prelabel(page, "red thing")
    slider = page.locator("#annotate-boxes .score")
    width = slider.bounding_box()["width"]
    slider.focus()
    for step in range(1, 7):
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{STATE}.score_min === {step / 100}")
    assert page.evaluate(f"{STATE}.at") == 0, "the arrows are the slider's while it is in use"
    page.keyboard.press("End")
    page.wait_for_function(f"{STATE}.hidden > 0")
    assert slider.bounding_box()["width"] == width
    page.mouse.click(*_middle(slider))
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{STATE}.at === 1")


def _middle(locator: Any) -> tuple[float, float]:
    frame = locator.bounding_box()
    return frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2


def test_an_answer_of_locate_goes_on_in_annotate(browse, address, pictures):
    page = browse()
    page.goto(f"{address}#locate")
    page.reload()  # nobody has opened Annotate yet
    page.wait_for_function("window.spotter && !window.spotter.room('annotate').state.visit")
    page.set_input_files("#locate-picture input[type=file]", str(pictures[0]))
    page.fill("#locate-captions textarea", "red thing\ngreen thing")
    page.click("#locate-button")
    page.wait_for_function("(window.spotter.room('locate').state.answer || {}).boxes")
    page.click("#locate-evidence .send")
    page.wait_for_selector("#locate-evidence .sent-link:not([hidden])")
    assert "From Locate, with 2 new boxes" in page.inner_text("#locate-evidence .sent")
    page.click("#locate-evidence .sent-link")
    page.wait_for_function(f"{STATE}.photo && {STATE}.rows.length === 2")
    assert page.evaluate(f"{STATE}.project.name") == "From Locate"
    assert sorted(row["caption"] for row in rows(page)) == ["", "red thing"]
    assert {row["state"] for row in rows(page)} == {"proposed"}


def test_an_answer_of_locate_goes_into_the_project_that_is_chosen(
    browse, address, pictures, tmp_path
):
    for name in ("Boats", "Gliders"):
        Project.create(tmp_path / "projects" / name.lower(), name).close()
    page = browse()
    page.goto(f"{address}#locate")
    page.reload()
    page.set_input_files("#locate-picture input[type=file]", str(pictures[0]))
    page.fill("#locate-captions textarea", "red thing")
    page.click("#locate-button")
    place = page.locator("#locate-evidence .place")
    place.wait_for()
    assert sorted(place.locator("option").all_inner_texts()) == [
        "Boats", "From Locate (new)", "Gliders",
    ]  # fmt: skip
    assert place.input_value() == "", "nobody used one yet"
    place.select_option("gliders")
    page.click("#locate-evidence .send")
    page.wait_for_selector("#locate-evidence .sent-link:not([hidden])")
    assert "in the project Gliders, with 2" in page.inner_text("#locate-evidence .sent")
    assert place.input_value() == "gliders"


def test_captions_that_came_with_pictures_are_looked_for_and_handed_out(browse, pictures, tmp_path):
    table = tmp_path / "captions.csv"
    seen = ("red thing", "white other", "blue thing", "white other")
    table.write_text("image,caption\n" + "".join(f"scene_00.png,{one}\n" for one in seen))
    page = browse()
    create(page, pictures[:2])
    page.set_input_files("#annotate-head .file", str(table))
    page.wait_for_function(f"{STATE}.project.given === 1")
    page.click("#annotate-head .prelabel")
    assert page.get_attribute('#annotate-prelabel [data-mode="given"]', "aria-checked") == "true"
    page.click("#annotate-prelabel .go")
    page.wait_for_function(f"{STATE}.run && !{STATE}.run.running && {STATE}.run.state === 'done'")
    # The queue in its new order shows its first picture.
    page.wait_for_function(f"{STATE}.photo && {STATE}.photo.state === 'proposed'")
    _go_to(page, "scene_00")
    page.wait_for_function(f"{STATE}.rows.length === 2")
    assert {row["caption"] for row in rows(page)} == {"red thing", "blue thing"}
    assert page.locator("#annotate-boxes .asked .text").all_text_contents() == ["white other"] * 2
    page.wait_for_selector("#annotate-done .draws:visible")
    drag(page, (300, 200), (340, 230))
    page.wait_for_function(f"{STATE}.missing.length === 1")
    settled(page)
    drawn = next(row for row in rows(page) if row["own"])
    assert (drawn["caption"], drawn["class_name"]) == ("white other", "other")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=One of its captions has no box.")


def test_keys_stay_out_of_the_way_of_typing(browse, pictures):
    page = browse()
    create(page, pictures[:2])
    first = page.evaluate(f"{STATE}.photo.id")
    drag(page, (100, 200), (140, 230))
    page.keyboard.press("c")
    page.keyboard.type("new")  # N, S and A are keys of their own
    page.wait_for_function(f"{STATE}.rows[0].id > 0")  # the box has got its number meanwhile
    page.keyboard.type(" snag")
    assert page.input_value("#annotate-boxes .field-caption") == "new snag"
    page.keyboard.press("Enter")
    settled(page)
    assert page.evaluate(f"{STATE}.photo.id") == first
    assert rows(page)[0]["caption"] == "new snag"
    page.keyboard.press("x")
    page.wait_for_function(f"{STATE}.rows.length === 0")
    page.keyboard.press("Control+z")
    page.wait_for_function(f"{STATE}.rows.length === 1")
