import pytest

from functions.common.spelling import spellings, unspelled


@pytest.mark.parametrize(
    "text",
    [
        "berries",
        " berry",
        " Berries",
        "#berry",
        " NAVY",
        "glass",
        " glasses",
        " with",
        "With",
        "a.",
        " (",
        " linen",
        "l'eau",
    ],
)
def test_a_word_may_be_written_in_its_usual_forms(text: str) -> None:
    assert text in spellings("Berries in a NAVY glass, Linen l'eau", ["with"])


@pytest.mark.parametrize("text", [" GLASS", "#with", " oat", " WITH"])
def test_no_other_word_or_form_may(text: str) -> None:
    assert text not in spellings("Berries in a NAVY glass", ["with"])


def test_what_is_not_spelled_is_barred() -> None:
    assert unspelled(["a", "b", "c"], {0, 2}) == [["b"]]
