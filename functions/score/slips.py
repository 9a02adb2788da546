"""Slips that a small writer makes and readers see at once: an article that does not fit, a weight in centimetres."""

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
_SOUNDS = r"(?:8\d*|11|18)(?!\d)|[aio](?!ne\b|nce\b|-)|e(?!u|-)"
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


_WEIGHS = re.compile(
    r"\bweigh(?:s|ing)?(?: (?:only|just|about|around|approximately|under|over|up to))?"
    r" (?P<number>[\d.,/½¼¾]+(?: ?(?:-|–|to) ?[\d.,/]+)?)[ -]?(?P<unit>[^\W\d]+)?",
    re.IGNORECASE,
)
_WEIGHTS = frozenset({"g", "gr", "kg", "kgs", "mg", "t", "oz", "lb", "lbs", "gsm", "ct", "st", "stone"})
_WEIGHT_ENDINGS = re.compile(r"gram(?:me)?s?|kilos?|ounces?|pounds?|tonn?e?s?|carats?")


def slips(text: str) -> int:
    """How many slips an English text has: articles that do not fit, and weights that are no weights."""
    return mismatched(text) + misweighed(text)


def misweighed(text: str) -> int:
    """How often a thing weighs what is no weight: "weighs 38 cm", "weighs 66 x 38 mm"."""
    units = [(match["unit"] or "").lower() for match in _WEIGHS.finditer(text)]
    return sum(unit not in _WEIGHTS and not _WEIGHT_ENDINGS.search(unit) for unit in units)


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
