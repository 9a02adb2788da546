"""Which tokens a text may be made of that keeps to the words of its prefix."""

import re
from collections.abc import Iterable, Iterator, Sequence, Set

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_MARKS = ".,;:-'’\"&/()#%°\n"


def spellings(prefix: str, joining: Iterable[str]) -> list[str]:
    """Texts whose tokens together spell what may be written: to be cut into tokens one by one.

    Args:
        prefix: its words may be used in singular and plural, within a line or at its beginning, and in hashtags; its
            numbers and codes as they are.
        joining: further words that may be used.
    """
    words = {form for word in _WORD.findall(prefix) for form in _forms(word)}
    tags = {f"#{word.lower()}" for word in words}
    words.update(form for word in joining for form in (word, word.capitalize()))
    # A mark is one token at a word's end, and may be another after a space.
    marks = [text for mark in _MARKS for text in (mark, f" {mark}", f"a{mark}")]
    return [prefix, *words, *(f" {word}" for word in words), *tags, *marks]


def unspelled(vocabulary: Sequence[str], allowed: Set[int]) -> list[list[str]]:
    """The tokens that must not be written, each as a sequence of its own, as CTranslate2 wants them.

    Args:
        vocabulary: every token, in the order of its number.
        allowed: numbers of those that may be.
    """
    return [[token] for number, token in enumerate(vocabulary) if number not in allowed]


def _forms(word: str) -> Iterator[str]:
    lower = word.lower()
    yield word
    for form in {lower, *_numbers(lower)}:
        yield from (form, form.capitalize(), form.upper() if word.isupper() else form)


def _numbers(word: str) -> Iterator[str]:
    """What may be the singular or the plural of an English word; the right one is among them."""
    yield from (f"{word}s", f"{word}es")
    for ending, other in (("ies", "y"), ("es", ""), ("s", ""), ("y", "ies")):
        if word.endswith(ending):
            yield word.removesuffix(ending) + other
