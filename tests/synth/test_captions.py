from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from synth.captions import (
    COLORS,
    TYPE_GROUPS,
    TYPES,
    Description,
    choose_colors,
    list_vocabulary,
    make_hard_negatives,
    measure_agreement,
    normalize_caption,
    paraphrase,
    parse_caption,
    write_caption,
)

CAPTIONS_PATH = Path(__file__).parents[3] / "shared" / "reference" / "til24-captions.csv"


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def draw_descriptions(rng, count):
    for _ in range(count):
        colors = rng.choice(COLORS, int(rng.integers(1, 4)), replace=False)
        name = str(rng.choice(TYPES))
        yield Description(tuple(str(c) for c in colors), bool(rng.random() < 0.3), (name,))


@pytest.mark.parametrize(
    ("colors", "class_name", "camouflage", "expected"),
    [
        (["white"], "light aircraft", False, "white light aircraft"),
        (["red", "white"], "helicopter", False, "red and white helicopter"),
        (["white", "blue", "red"], "drone", False, "white, blue, and red drone"),
        (["green", "brown"], "fighter jet", True, "green and brown camouflage fighter jet"),
        ([], "flying saucer", False, "flying saucer"),
        ([], "missile", True, "camouflage missile"),
    ],
    ids=["one", "two", "three", "camouflage", "no color", "only camouflage"],
)
def test_write_caption(colors, class_name, camouflage, expected):
    assert write_caption(colors, class_name, camouflage=camouflage) == expected


@pytest.mark.parametrize(
    ("caption", "colors", "camouflage", "types"),
    [
        ("grey blue and yellow blimp", ("grey", "blue", "yellow"), False, ("airship",)),
        ("a dark gray camo chopper", ("grey",), True, ("helicopter",)),
        ("pale orange hot-air balloon", ("orange",), False, ("hot air balloon",)),
        ("PINK and black Hot-Air Balloon!", ("purple", "black"), False, ("hot air balloon",)),
        ("navy blue airliner", ("blue",), False, ("commercial aircraft",)),
        ("light aircraft, white", ("white",), False, ("light aircraft",)),
        ("small plane, red", ("red",), False, ("light aircraft",)),
        ("red plane", ("red",), False, TYPE_GROUPS["plane"]),
        ("the purple one", ("purple",), False, TYPES),
        ("", (), False, ()),
        ("zebra crossing", (), False, ()),
    ],
)
def test_parse_caption(caption, colors, camouflage, types):
    assert parse_caption(caption) == Description(colors, camouflage, types)


def test_written_captions_are_read_back(rng):
    for meaning in draw_descriptions(rng, 200):
        said = write_caption(meaning.colors, meaning.types[0], camouflage=meaning.camouflage)
        assert parse_caption(said) == meaning


def test_paraphrases_mean_the_same(rng):
    for meaning in draw_descriptions(rng, 300):
        said = paraphrase(meaning, rng, shades={"blue": -1, "grey": 1})
        assert parse_caption(said) == meaning, said


def test_paraphrase_of_a_group_uses_its_word(rng):
    said = {paraphrase(Description((), False, TYPE_GROUPS["plane"]), rng) for _ in range(40)}
    assert any("plane" in caption or "airplane" in caption for caption in said)


def test_hard_negatives_differ_in_one_respect(rng):
    for meaning in draw_descriptions(rng, 100):
        for wrong in make_hard_negatives(meaning, rng, count=3):
            same = [
                set(wrong.colors) == set(meaning.colors),
                wrong.camouflage == meaning.camouflage,
                wrong.types == meaning.types,
            ]
            assert sum(same) == 2


def test_vocabulary_covers_every_sentence(rng):
    known = set(list_vocabulary())
    for meaning in draw_descriptions(rng, 200):
        assert set(normalize_caption(paraphrase(meaning, rng)).split()) <= known


@pytest.mark.skipif(not CAPTIONS_PATH.exists(), reason="needs the reference captions")
def test_reference_captions_are_understood():
    with CAPTIONS_PATH.open(encoding="utf-8") as file:
        captions = [row["caption"] for row in csv.DictReader(file)]
    for caption in captions:
        meaning = parse_caption(caption)
        assert len(meaning.types) == 1, caption
        assert meaning.colors or caption == "flying saucer"


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"red": 0.3, "white": 0.6, "blue": 0.1}, ("white", "red")),
        ({"red": 1.0}, ("red",)),
        ({"red": 0.1, "blue": 0.05}, ("red",)),
        ({}, ()),
    ],
    ids=["small one dropped", "one", "never empty", "nothing"],
)
def test_choose_colors(shares, expected):
    assert choose_colors(shares) == expected


class TestAgreement:
    """A white helicopter with 30 % red; a green and brown camouflage jet; a bird."""

    def measure(self, *captions):
        shares = np.zeros((3, len(COLORS)), np.float32)
        shares[0, [COLORS.index("white"), COLORS.index("red")]] = 0.7, 0.3
        shares[1, [COLORS.index("green"), COLORS.index("brown")]] = 0.52, 0.48
        type_ids = np.array([TYPES.index("helicopter"), TYPES.index("fighter jet"), -1])
        return measure_agreement(
            [parse_caption(caption) for caption in captions],
            shares=shares,
            type_ids=type_ids,
            camouflage=np.array([False, True, False]),
        )

    def test_right_captions(self):
        right = self.measure("white and red helicopter", "helicopter", "white and red aircraft")
        assert right[0].tolist() == [1, 1, 1]

    def test_near_tie_may_be_named_in_either_order(self):
        either = self.measure(
            "green and brown camouflage fighter jet", "brown and green camouflage fighter jet"
        )
        assert either[1].tolist() == [1, 1]

    def test_clear_order_is_a_matter_of_taste(self):
        assert 0.4 < self.measure("red and white helicopter")[0, 0] < 0.8

    @pytest.mark.parametrize(
        "caption",
        ["white and red drone", "white and blue helicopter", "white and red camouflage helicopter"],
    )
    def test_wrong_captions(self, caption):
        assert self.measure(caption)[0, 0] == 0

    def test_missing_color_and_missing_pattern_count_against(self):
        assert self.measure("white helicopter")[0, 0] < 0.5
        assert self.measure("green and brown fighter jet")[1, 0] < 0.5

    def test_a_type_alone_is_true_whatever_the_paint(self):
        assert self.measure("fighter jet", "plane")[1].tolist() == [1, 1]

    def test_nothing_fits_a_bird(self):
        assert self.measure("object", "white helicopter")[2].tolist() == [0, 0]
