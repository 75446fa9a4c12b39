"""What the shipped models make of captions as people write them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from core.errors import ModelError
from core.result import Reading
from pipeline.config import load_config
from pipeline.locate import Locator
from pipeline.rerank.names import KnownNames
from pipeline.rerank.reading import CaptionReader, Words
from pipeline.rerank.siglip import read_card

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
SHIPPED = EXAMPLES.parent / "models" / "spotter-reranker"
EXAMPLE_ROWS = json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def airfield():
    """The shipped models, and what they see in an example picture."""
    locator = Locator.open(load_config("mini"))
    return locator, locator.observe([EXAMPLES / "airfield.jpg"])[0]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "about"),
    [
        ("a red and white drone", "a red and white drone"),
        ("the helicopter on the left", "the helicopter on the left"),
        ("helicopter left of the tower", "helicopter"),
        ("leftmost red and white helicopters", "leftmost red and white helicopters"),
        ("shiny helicopter on the far left side", "helicopter on the far left side"),
        ("not a balloon", "balloon"),
        ("dog balloon", "balloon"),
        ("not the hot air balloon in the sky", "hot air balloon in the sky"),
        ("two Cessnas", "light aircraft"),
        ("a white Boeing 747", "a white commercial aircraft"),
        ("the one on the left", "the one on the left"),
        ("the one next to it", ""),
        ("helicopter before grey clouds", "helicopter"),
        ("white plane over the blue sea", "white plane"),
        ("jet in matte blue", "jet in blue"),
        ("a plane flying over the mountains is white", "plane flying is white"),
        ("jet with stripes across the white wings", "jet with stripes the white wings"),
        ("plane at the airport by a red car", "plane"),
        ("drone next to the red helicopter", "drone"),
        ("drone to the right of the red plane", "drone"),
        ("drone against a dark background", "drone"),
        ("drone right in the middle", "drone in the middle"),
        ("drone near the red helicopter", "drone"),
        ("helicopter in the blue sky", "helicopter"),
        ("jet in red and white", "jet in red and white"),
        ("jet in yelow and red", "jet in yellow and red"),
        ("jet in matt and red", "jet and red"),
        ("plane on the left over the blue sea", "plane on the left"),
        ("balloon above the trees on the right", "balloon on the right"),
        ("plane in the sky with a red tail", "plane in the sky with a red tail"),
        ("green drone from DJI", "green drone"),
    ],
)
def test_an_answer_is_about_the_words_that_count(airfield, caption, about):
    assert airfield[0].reranker.read(caption).about == about


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "readable"),
    [
        ("red drone", True),
        ("the small thing in the sky", True),
        ("purple elephant", True),
        ("drone \U0001f681", True),
        ("helicopters", True),
        ("two Yellow planes", True),
        ("the helicopter on the left", True),
        ("the one on the left", True),
        ("the one next to it", False),
        ("left", True),
        ("lower right", True),
        ("who is at the left?", True),
        ("second from the left", True),
        ("the elephant on the left", False),
        ("left of it", False),
        ("not the object", False),
        ("elephants", False),
        ("elephant", False),
        ("a photo of a flying elephant", False),
        ("hot dog", False),
        ("зелёный вертолёт", False),
        ("\U0001f681", False),
        ("!?", False),
    ],
)
def test_what_says_nothing_to_the_model_is_not_found(airfield, caption, readable):
    locator, observation = airfield
    assert (locator.reranker.read(caption).grasp != "nothing") is readable
    result = locator.answer(observation, [caption])
    assert len(result.detections)
    knows_no_word = [note for note in result.warnings if "knows no word" in note]
    assert bool(knows_no_word) is not readable
    if not readable:
        assert not result.rankings[0].found
        assert result.rankings[0].nearest_row is None
        assert result.rankings[0].found_probability < 0.01


@pytest.mark.weights
@pytest.mark.parametrize("row", EXAMPLE_ROWS, ids=lambda row: Path(row["file"]).stem)
def test_every_example_is_answered_right(airfield, row):
    """What the page offers to press works: two things that are there, and one that is not."""
    lines = (EXAMPLES / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    truths = {line["image"]: line["annotations"] for line in map(json.loads, lines)}
    *present, absent = row["captions"]
    result = airfield[0].locate([EXAMPLES / row["file"]], [row["captions"]])[0]
    for caption, ranking in zip(present, result.rankings, strict=False):
        assert ranking.found, caption
        x1, y1, x2, y2 = result.detections.xyxy[ranking.answer_row]
        boxes = [one["bbox"] for one in truths[row["file"]] if one["caption"] == caption]
        middle = ((x1 + x2) / 2, (y1 + y2) / 2)
        assert any(x < middle[0] < x + w and y < middle[1] < y + h for x, y, w, h in boxes)
    assert not result.rankings[-1].found, absent


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "grasp"),
    [
        ("a red and white drone", "whole"),
        ("two red drones", "part"),
        ("red", "whole"),
        ("a red shiny thing", "part"),
        ("red F-16", "whole"),
        ("red racing car", "looks"),
        ("red car on the left", "looks"),
        ("yellow helicoper", "whole"),
        ("yellow heliport", "looks"),
        ("yellow dron", "looks"),
        ("shuttle bus", "looks"),
        ("jet black car", "looks"),
        ("one yellow car", "looks"),
        ("show me the yellow one please", "part"),
        ("is there something yellow?", "part"),
        ("white plane landing on a runway", "part"),
        ("white plane parked on a runway", "part"),
        ("Boeing 747 Lufthansa", "part"),
        ("DRONES", "whole"),
        ("JET SKI", "looks"),
        ("helicopter near the tower", "part"),
        ("drone through the trees", "part"),
        ("a plane and a car", "part"),
        ("a car and a plane", "part"),
        ("white plane, clear sky", "part"),
        ("a pair of helicopters", "part"),
        ("plane upside down", "part"),
        ("drone \U0001f681", "part"),
        ("plane by Boeing", "whole"),
        ("white, blue, and red commercial aircraft", "whole"),
        ("a car", "nothing"),
    ],
)
def test_without_a_known_kind_nothing_counts_as_found(airfield, caption, grasp):
    locator, observation = airfield
    assert locator.reranker.read(caption).grasp == grasp
    ranking = locator.answer(observation, [caption]).rankings[0]
    if grasp == "looks":
        assert ranking.answer_row is None
        assert ranking.nearest_row == ranking.order[0]
        # As if it were found: the chance is about the words that count.
        known = locator.answer(observation, [locator.reranker.read(caption).about]).rankings[0]
        assert known.order[0] == ranking.order[0]


@pytest.mark.weights
def test_a_color_alone_is_an_answer_where_it_is_all_that_is_asked(airfield):
    locator, observation = airfield
    asked = locator.answer(observation, ["green camouflage", "green camouflage limousine"])
    found, unknown = asked.rankings
    assert found.found
    assert unknown.nearest_row == found.answer_row
    assert not unknown.found


@pytest.mark.weights
def test_names_are_read_as_what_they_mean(airfield):
    reranker = airfield[0].reranker
    reading = reranker.read("grey F-16s")
    assert reading.grasp == "whole"
    assert reading.about == "grey fighter jet"
    assert reading.notes == ("'F-16s' is read as 'fighter jet'.",)
    for caption in ("grey F-16", "grey F-16 jet", "grey F-16 fighter jet"):
        np.testing.assert_array_equal(*reranker.embed_texts([caption, "grey fighter jet"]))


NAMES = {
    "boeing": "airliner", "f 16": "fighter jet", "apache": "helicopter", "ah 64": "helicopter",
    "747": "airliner", "hang glider": "glider", "a-320": "airliner", "cessna": "light aircraft",
    "f a 18": "fighter jet", "cessna duster": "glider",
}  # fmt: skip


@pytest.mark.parametrize(
    ("caption", "read"),
    [
        ("a Boeing", "a airliner"),
        ("two Boeings", "two airliner"),
        ("white Boeing 747-8 over a town", "white airliner over a town"),
        ("F16", "fighter jet"),
        ("F/A-18", "fighter jet"),
        ("the f-16C jet", "the fighter jet"),
        ("red_F-16", "red_fighter jet"),
        ("F 16 Boeing", "airliner"),
        ("Boeing AH-64 Apache", "helicopter"),
        ("a white Boeing helicopter", "a white helicopter"),
        ("Boeing, helicopter", "airliner, helicopter"),
        ("a Boeing and 2 helicopters", "a airliner and 2 helicopters"),
        ("Cessna at 300 m", "light aircraft at 300 m"),
        ("helicopter made by Boeing", "helicopter"),
        ("crop cessna duster", "crop glider"),
        ("Boeing jet ski", "airliner jet ski"),
        ("hang-glider", "glider"),
        ("747", "airliner"),
        ("7470", "7470"),
        ("boeing747", "airliner"),
        ("A320neo", "airliner"),
        ("a 320 pixel wide plane", "a 320 pixel wide plane"),
        ("a Cessna light aircraft", "a light aircraft"),
        ("helicopter", "helicopter"),
        ("", ""),
    ],
)
def test_a_name_is_translated_with_what_belongs_to_it(caption, read):
    names = KnownNames(NAMES, ["jet", "helicopter", "plane"])
    assert names.translate(caption)[0] == read


@pytest.mark.parametrize(
    "unit", ["boeing ", "boeing-", "boeing 1", "747", "f-16 ", "a-", "b 7 ", "boeing-1-", "x"]
)
def test_long_captions_are_translated_quickly(unit):
    names = KnownNames(NAMES, ["jet", "helicopter", "plane"])
    start_s = time.perf_counter()
    names.translate((unit * 2000)[:2000])
    assert time.perf_counter() - start_s < 1


@pytest.mark.parametrize("names", [{"": "x"}, {" ": "x"}, {"boeing": ""}, {"c++": "x"}])
def test_a_card_with_unusable_names_is_refused(names, tmp_path):
    card = json.loads((SHIPPED / "reranker.json").read_text(encoding="utf-8"))
    path = tmp_path / "reranker.json"
    path.write_text(json.dumps(card | {"names": names}), encoding="utf-8")
    with pytest.raises(ModelError, match="malformed"):
        read_card(path)


def test_without_names_captions_stay_as_they_are():
    assert KnownNames({}, ["jet"]).translate("Boeing 747") == ("Boeing 747", {})


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "same"),
    [
        ("white plane over the blue sea", "white plane"),
        ("white plane near the red helicopter", "white plane"),
        ("jet in the blue sky", "jet"),
        ("the left plane", "the plane"),
        ("red plane on the left side of the picture", "red plane"),
        ("plane banking to the left", "plane to the"),
        ("jet in matte blue", "jet in blue"),
        ("lower right", "the one"),
        ("who is at the left?", "the one"),
        ("the second largest", "the one"),
        ("small, left", "the small one"),
        ("the second red plane from the left", "the red plane"),
    ],
)
def test_the_network_is_shown_what_is_said_of_the_thing(airfield, caption, same):
    reranker = airfield[0].reranker
    np.testing.assert_array_equal(*reranker.embed_texts([caption, same]))


@pytest.mark.weights
@pytest.mark.parametrize(
    ("picture", "caption", "middle"),
    [
        ("mountains", "lowest helicopter", (1094, 668)),
        ("sunset", "the topmost plane", (560, 72)),
        ("town", "drone in the upper left corner", (151, 126)),
        ("balloons", "the balloon on the right", (1020, 625)),
        ("balloons", "the largest balloon", (402, 381)),
    ],
)
def test_a_place_decides_in_a_picture(airfield, picture, caption, middle):
    result = airfield[0].locate([EXAMPLES / f"{picture}.jpg"], [[caption]])[0]
    x1, y1, x2, y2 = result.answer_xyxy()
    assert x1 < middle[0] < x2
    assert y1 < middle[1] < y2


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "is_plural"),
    [
        ("helicopters", True),
        ("all red Helicopters", True),
        ("a pair of drones", True),
        ("all aircraft", True),
        ("every drone", True),
        ("planes with a red tail", True),
        ("baloons", True),
        ("the two white drones over the trees", True),
        ("helicopter", False),
        ("aircraft", False),
        ("all-white plane", False),
        ("drone with balloons", False),
        ("drone near the helicopters", False),
        ("one of the helicopters", False),
        ("no helicopters", False),
        ("the largest of the two drones", False),
        ("helicopters on the left", False),
        ("wings", False),
        ("elephants", False),
        ("", False),
    ],
)
def test_a_plural_asks_for_several(airfield, caption, is_plural):
    assert airfield[0].reranker.read(caption).is_plural is is_plural


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "is_anything"),
    [
        ("the biggest one", True),
        ("the largest thing", True),
        ("which one is the smallest?", True),
        ("lower left", True),
        ("the largest plane", False),
        ("the largest red one", False),
        ("the largest F-16", False),
        ("the largest car", False),
        ("", False),
    ],
)
def test_a_caption_may_tell_neither_kind_nor_look(airfield, caption, is_anything):
    assert airfield[0].reranker.read(caption).is_anything is is_anything


@pytest.mark.weights
def test_plurals_are_read_as_singulars(airfield):
    reranker = airfield[0].reranker
    for many, one in (("helicopters", "helicopter"), ("hot air balloons", "hot air balloon")):
        np.testing.assert_array_equal(*reranker.embed_texts([many, one]))
        assert reranker.read(many).notes == ()
    # "wings" is known, "wing" is not
    np.testing.assert_array_equal(*reranker.embed_texts(["red wing", "red wings"]))


@pytest.mark.weights
@pytest.mark.parametrize(
    ("caption", "note"),
    [
        ("the helicopter left of the red one", "'left of the red one' counts for nothing"),
        ("the helicopter flying to the left", "so 'left' counts for nothing"),
        ("second drone on the left", "so 'second', 'left' count for nothing"),
        ("3rd drone", "so '3rd' counts for nothing: numbers count from a place alone"),
        ("second drone from the left", "the second from the left is meant."),
        ("the 12th largest", "the 12th largest is meant."),
        ("the second drone", "so 'second' counts for nothing"),
        ("plane over the blue sea", "'over the blue sea' counts for nothing"),
        ("not a helicopter", "does not understand 'not'"),
        ("helicoper", "'helicoper' is read as 'helicopter'."),
        ("the bigest drone", "'bigest' is read as 'biggest'."),
        ("two Helikopters", "'Helikopters' is read as 'helicopters'."),
        ("dron", "Did you mean 'drone'?"),
        ("Cesna", "'Cesna' is read as 'cessna'."),
        ("Flugzeug", "It knows English words such as 'airship'"),
        ("drone a1 b2 c3 d4 e5 f6 g7", "'e5' and 2 more; the answer"),
        ("the baloon", "'baloon' is read as 'balloon'."),
        ("the flyng", "says what to look for."),
        ("yelow drone", "'yelow' is read as 'yellow'."),
        ("yello drone", "'yello' is read as 'yellow'."),
        ("grean drone", "does not know 'grean' (did you mean 'green'?)"),
    ],
)
def test_what_is_passed_over_is_said(airfield, caption, note):
    notes = airfield[0].reranker.read(caption).notes
    # Beside it stand the place that decides and what a name means.
    others = [one for one in notes if note not in one]
    assert len(notes) - len(others) == 1
    assert all("is meant." in one or "is read as" in one for one in others)


@pytest.mark.weights
def test_a_misspelt_word_is_read_as_what_it_means(airfield):
    reranker = airfield[0].reranker
    reading = reranker.read("the red baloon")
    assert reading.grasp == "whole"
    assert reading.about == "the red balloon"
    assert reading.notes == ("'baloon' is read as 'balloon'.",)
    np.testing.assert_array_equal(*reranker.embed_texts(["the red baloon", "the red balloon"]))
    assert reranker.read("Messerschmidt").notes == (
        "'Messerschmidt' is read as 'messerschmitt'.",
        "'messerschmitt' is read as 'fighter plane'.",
    )


def test_a_model_that_knows_more_words_reads_them_all():
    vocabulary = ["[PAD]", "[UNK]", "two", "my", "red", "cars", "the", "left", "show", "me"]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(vocabulary)}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    reader = CaptionReader(tokenizer, "{}", Words())
    assert reader.read("my two red cars") == Reading("whole", "my two red cars")
    on_the_left = reader.read("red cars left")
    assert (on_the_left.places, on_the_left.about) == ((), "red cars")
    note = "Of the boxes that fit, the leftmost is meant."
    leftmost = reader.read("leftmost red cars")
    assert leftmost == Reading("whole", "leftmost red cars", (note,), ("left",))
    assert reader.read("two red lorries").grasp == "part", "without kinds any word may be one"
