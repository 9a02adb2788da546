"""Slips of grammar that a small writer makes and readers see at once: an article that does not fit what follows it."""

import re

_AFTER = "with|in|and|or|of|that|which|for|to|from|by|on|made|per|plus|so|without"
_ENDS = f"{_AFTER}|at|has|have|is|are|as|it|its|the|an?|over|under|up|when|who|you|but|than|inside|into|via|your|about"
_VERBS = (
    "adjusts|carries|closes|folds|frees|holds|keeps|lasts|lets|locks|opens|screws|shows|stops|supports|ties|turns|zips|"
    "comes|goes|fits|sits|takes|rises|hangs|clips|leaves|making|holding|two|three|four|five|six|hundred|half|few|"
    "dozen|couple|many"
)
_A = r"(?:\ba|(?:^|(?<=[.!?] ))A)"
"""An article, and not the letter of a name: side A."""
_ONE = re.compile(
    rf"{_A}n?((?: (?!(?:{_ENDS}|{_VERBS})\b)[\w'’%/-]+)+)(?=[,.;:!]|$| (?:{_AFTER})\b)"
)  # fmt: skip
_SOUNDS = r"(?:8\d*|11|18)(?!\d)|[aeio](?!ne\b|nce\b|u|-)"
"""What begins with a vowel in speech; ``u`` may or may not."""
_WRONG = re.compile(rf"{_A} (?={_SOUNDS})|{_A}n (?=[bcdgjkpqtvwyz]|[02-79])")
_COUNTED = re.compile(
    rf"{_A}n? (?:two|three|four|five|six|seven|eight|nine|ten)((?: [\w'’]+){{1,2}}?)(?=[,.;:!]|$| (?:{_AFTER})\b)"
)
"""A number of things, and an article before it."""
_SINGULAR = frozenset(
    {"atlas", "bias", "canvas", "chaos", "christmas", "lens", "news", "plus", "series", "species", "thermos"}
)
_SINGULAR_ENDINGS = ("ss", "us", "is")
_SHORTEST = 4


def mismatched(text: str) -> int:
    """How often an English text has ``a`` or ``an`` before a plural ("a sealed seams", "a 2 drainage eyelets", "a three
    bulbs"), or the wrong one of the two ("a 80 ml tank", "an brass hook").
    """
    wrong = sum(1 for _ in _WRONG.finditer(text))
    nouns = [match.group(1).split()[-1] for pattern in (_ONE, _COUNTED) for match in pattern.finditer(text)]
    return wrong + sum(map(_is_plural, nouns))


def _is_plural(word: str) -> bool:
    plural = len(word) >= _SHORTEST and word.islower() and word.endswith("s")
    return plural and not word.endswith(_SINGULAR_ENDINGS) and word not in _SINGULAR
