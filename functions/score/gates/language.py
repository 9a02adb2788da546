"""The language of a text."""

from collections.abc import Iterator

from functions.common.language import detect
from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.words import Text

ENOUGH = 40
"""Letters from which on a text is long enough to tell its language."""
SURE = 0.7
"""Probability from which on another language is believed."""


def language(text: Text, subject: Subject) -> Iterator[Finding]:
    """A text in another language than the product page. Short texts, and pages of unknown language, are not judged.

    https://support.google.com/adspolicy/answer/6021546 (unsupported language; style requirements)
    """
    letters = sum(1 for char in text.raw if char.isalpha())
    if subject.language == "und" or letters < ENOUGH or text.field in ("hashtag", "cta"):
        return
    found, sure = detect(text.raw)
    if found != subject.language and sure >= SURE and not _of_the_page(text, subject):
        yield gate(
            "language", text, text.raw[:60], f'reads as "{found}", but the product page is in "{subject.language}"'
        )


def _of_the_page(text: Text, subject: Subject) -> bool:
    """Whether most words stand on the page: a list of names has no language."""
    return sum(1 for token in text.tokens if token in subject.words) * 4 >= len(text.tokens) * 3
