"""Which misspelt words are read as known ones, and which words are left alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pipeline.rerank.spelling import Speller, edits_between

SHIPPED = Path(__file__).parents[2] / "assets" / "models" / "spotter-reranker"
CARD = json.loads((SHIPPED / "reranker.json").read_text(encoding="utf-8"))
VOCABULARY = json.loads((SHIPPED / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
# Each is near to a word that is known, or looks so.
ENGLISH = """
planet planets jets rocked rocker racket rackets docket socket pocket droned drones block blank
grew gravy plain plains plank airline airlines airport aircrew airship chopped copper coppers
copier cotter shopper chipper helipad heliport glide glided slider gilder sauce sauces sausage
scuttle shuttled subtle missive mission missing fission transform transported transporter
transpose violent violin silver sliver solver sulfur orang arrange range people purse yell yelled
fellow mellow bellow ballot ballad ballroom gallon talon being boring boxing bowing apace parrot
carrot pigeon violets firefighter lighter frightens fright tighter orbited arbiter rickets raffle
gripe starlet harlot closet chromo crimp objects abject subject traffic propelled middle muddle
button bottle center tidiest neatest toniest spaced spacer vesicle bicycle icicle article topmast
uttermost golfer goldfish olden gulden gardens military passage messenger commerce camel divisible
dreamlike elephant limousine
"""


@pytest.fixture(scope="module")
def speller():
    names = [name for name in CARD["names"] if name.isalpha()]
    return Speller({*VOCABULARY, *names}, CARD["filler_words"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("helicoptr", "helicopter"),
        ("hellicopter", "helicopter"),
        ("hellicoptor", "helicopter"),
        ("Helikopter", "helicopter"),
        ("helecopters", "helicopters"),
        ("h\u00e9licopt\u00e8re", "helicopter"),
        ("helic\u00f3ptero", "helicopter"),
        ("baloon", "balloon"),
        ("Baloons", "balloons"),
        ("ballon", "balloon"),
        ("airplan", "airplane"),
        ("aeroplaine", "aeroplane"),
        ("roket", "rocket"),
        ("missle", "missile"),
        ("zepelin", "zeppelin"),
        ("yelow", "yellow"),
        ("purpel", "purple"),
        ("turquise", "turquoise"),
        ("camoflage", "camouflage"),
        ("shutle", "shuttle"),
        ("quadcoptr", "quadcopter"),
        ("aluminum", "aluminium"),
        ("Messerschmidt", "messerschmitt"),
        ("smalest", "smallest"),
        ("leftmst", "leftmost"),
    ],
)
def test_a_word_near_to_a_known_one_is_read_as_that(speller, word, meant):
    assert speller.meant(word) == meant


@pytest.mark.parametrize("word", ENGLISH.split())
def test_an_english_word_is_left_alone(speller, word):
    assert speller.meant(word) is None
    assert speller.meant(word.upper()) is None


@pytest.mark.parametrize(
    "word",
    [
        "", "s", "dron", "drne", "plnae", "blak",  # short
        "elicopter", "hlcptr", "helipcoterz", "vehical",  # far from it, or with another beginning
        "airoplane",  # airplane or aeroplane
        "airbuses", "helicopters", "boeing's", "a320neo",
        "\u0432\u0435\u0440\u0442\u043e\u043b\u0451\u0442",
        "leftest", "militry",  # what it is near to says nothing alone
    ],
)  # fmt: skip
def test_what_is_not_certain_is_left_alone(speller, word):
    assert speller.meant(word) is None


def test_words_are_corrected_within_a_caption(speller):
    known = {"red", "jet"}.__contains__
    caption = "Red baloon, blak jet; the baloon's helikopter (747-8)"
    corrected, read = speller.correct(caption, known)
    assert corrected == "Red balloon, blak jet; the baloon's helicopter (747-8)"
    assert read == {"baloon": "balloon", "helikopter": "helicopter"}
    assert speller.correct("baloon", lambda _: True) == ("baloon", {})
    assert speller.correct("", known) == ("", {})


@pytest.mark.parametrize("unit", ["helicopte ", "fightexx planetari ", "a", "glidr's "])
def test_long_captions_are_read_quickly(speller, unit):
    start_s = time.perf_counter()
    speller.correct((unit * 2000)[:2000], {"jet"}.__contains__)
    assert time.perf_counter() - start_s < 2


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("ab", "ba", 1), ("abc", "abcd", 1), ("abcd", "bacdx", 2), ("abc", "xyz", None)],
)
def test_edits_are_letters_wrong_missing_too_many_or_swapped(one, other, edits):
    assert edits_between(one, other, 2) == edits_between(other, one, 2) == edits
