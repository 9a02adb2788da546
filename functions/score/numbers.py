"""The numbers of a text with their units, read so that ``5kg``, ``5 kg`` and ``five kilos`` are the same claim."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from functions.score.wordlists import table, word_set
from functions.score.words import Text

_NUMBER = re.compile(
    r"(?P<mixed>(?<![\d.,/])\d{1,4} \d{1,2}/(?:2|3|4|5|6|8|10|16|32|64)(?![\d/]))"
    r"|(?P<fraction>(?<![\d.,/])\d{1,2}/(?:2|3|4|5|6|8|10|16|32|64)(?![\d/]))"
    r"|(?P<spaced>(?<![\d.,])\d{1,3}(?: \d{3}){1,3}(?![\d]))"
    r"|(?P<plain>\d+(?:[.,]\d+){0,6}|(?<![\w.])\.\d+)"
)
_BEGIN = re.compile(r"\d|\.(?=\d)")
_UNIT = re.compile(
    r"[ -]?(?:(?P<sign>%|\"|''|'(?![a-z])|° ?[cf]?(?![a-z]))|(?P<one>[a-z]{1,16}(?:/(?:m2|qm|h)|2)?)(?![a-z])"
    r"(?:[ -](?P<two>[a-z]{1,16}|1)(?![a-z0-9]))?)"
)
_BEFORE = re.compile(r"(?<![a-z])([a-z]{2,12})(?: ?\)?: ?|\)? |-|)$")
_CHAIN = re.compile(r"[\s\-/,;:+&x*.()→>]*(?:[a-z]{1,7})?[\s\-/,;:+&x*.()→>]*")
_BETWEEN = word_set("between")
# "60W x 25D x 100H cm", "165 x 104 cm": letters that name a side, and the sign between.
_SIDES = frozenset("whdlbtx")
_TIMES = re.compile(r" ?x? ?\d| ?x ")
_SIDE = re.compile(r"[hwdlbtxo]|[0-9a-z]*\dx")
_LETTERS = re.compile(r"[a-z]+")

TENS = range(20, 100, 10)


class Quantity(NamedTuple):
    """A number as it stands in a text.

    Attributes:
        readings: its values in plain decimal; more than one where ``1,500`` may be read both ways.
        unit: canonical name of the unit, or None.
        loose: whether the unit only counts things.
        code: the word that it is part of, such as ``ipx4``; empty where it stands by itself.
        spoken: whether it is written in words.
        start, end: where it stands in the folded text, with its unit.
    """

    readings: frozenset[str]
    unit: str | None
    loose: bool
    code: str
    spoken: bool
    start: int
    end: int


@cache
def _units() -> dict[str, tuple[str, bool]]:
    return {
        wording: (name, kind == "loose")
        for kind, units in table("units.toml").items()
        for name, wordings in units.items()
        for wording in wordings
    }


def readings(number: str) -> frozenset[str]:
    """The values that a number may have: ``1,5`` is 1.5; ``1,500`` is 1500 or 1.5; fractions stay as they are."""
    if "/" in number:
        return frozenset([number])
    number = number.replace(" ", "")
    signs = {sign for sign in number if sign in ".,"}
    if not signs:
        return frozenset([_plain(number)])
    last = max(number.rfind("."), number.rfind(","))
    whole, rest = re.sub(r"[.,]", "", number[:last]), number[last + 1 :]
    decimal, thousands = _plain(f"{whole or 0}.{rest}"), _plain(whole + rest)
    if len(signs) == 2:
        return frozenset([decimal])
    if number.count(next(iter(signs))) > 1:
        return frozenset([thousands if all(len(g) == 3 for g in re.split("[.,]", number)[1:]) else number])
    return frozenset([decimal, thousands]) if len(rest) == 3 and whole not in ("", "0") else frozenset([decimal])


def _plain(number: str) -> str:
    if len(number) > 30:
        return number
    text = format(Decimal(number), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def quantities(text: Text, languages: Iterable[str], lists: bool = False) -> list[Quantity]:
    """Every number of a text, in digits or in words, with its unit; in ``6 x 330 ml`` both have the unit.

    Args:
        lists: whether numbers in a row with commas share a unit too: ``38, 40 and 42 mm``.
    """
    found = sorted([*_in_digits(text.folded), *_in_words(text, languages)], key=lambda quantity: quantity.start)
    for at in range(len(found) - 2, -1, -1):
        this, following = found[at], found[at + 1]
        if this.unit is None and following.unit and not following.loose and not this.code:
            gap = text.folded[this.end : following.start]
            if len(gap) <= 12 and gap.strip() and (lists or "," not in gap) and _links(gap):
                found[at] = this._replace(unit=following.unit)
    if not lists:
        return found
    before = [(quantity, _unit_before(text.folded, quantity.start)) for quantity in found if quantity.unit is None]
    return found + [quantity._replace(unit=unit) for quantity, unit in before if unit]


def _links(gap: str) -> bool:
    """Whether what stands between two numbers makes them share a unit: ``x``, ``to``, a dash, a size letter."""
    words = _LETTERS.findall(gap.replace("x", " "))
    return bool(_CHAIN.fullmatch(gap)) and all(word in _BETWEEN for word in words)


def _in_digits(folded: str) -> Iterator[Quantity]:
    end = 0
    while begin := _BEGIN.search(folded, end):
        match = _NUMBER.match(folded, begin.start())
        if not match:
            end = begin.end()
            continue
        start, end = match.span()
        # A hostile run of digits would cost quadratic time as a number, and is none.
        number = match.group()[:40]
        unit, loose, after = _unit_after(folded, end)
        first, last = _run(folded, start, end)
        head, tail = folded[first:start], folded[end:last]
        named = bool(head) and not _SIDE.fullmatch(head)
        # What is left of the word after its unit, its side letter or the sign between two numbers makes it a code.
        odd = bool(tail) and after < last and not (tail[0] == "x" and tail[1:2].isdigit())
        code = folded[first:last] if named or odd else ""
        yield Quantity(
            readings(number), unit, loose, code, False, first if named else start, max(after, last if odd else end)
        )
        if match["spaced"]:  # "EU 36-46 890 g" is no forty-six thousand
            at = start
            for group in match.group().split(" "):
                last = at + len(group) == end
                yield Quantity(
                    readings(group), unit if last else None, loose, "", False, at, after if last else at + len(group)
                )
                at += len(group) + 1


def _run(folded: str, start: int, end: int) -> tuple[int, int]:
    """Where the word of letters and digits begins and ends in which a number stands."""
    first = start
    while first > 0 and start - first < 16 and folded[first - 1].isalnum():
        first -= 1
    last = end
    while last < len(folded) and last - end < 16 and folded[last].isalnum():
        last += 1
    return first, last


def _unit_after(folded: str, end: int) -> tuple[str | None, bool, int]:
    match = _UNIT.match(folded, end)
    if not match:
        return None, False, end
    units = _units()
    if sign := match["sign"]:
        name, loose = units['"' if sign == "''" else sign.replace(" ", "")]
        return name, loose, match.end()
    if match["two"] and (known := units.get(f"{match['one']} {match['two']}")):
        return *known, match.end("two")
    side = match["one"] in _SIDES and match.start("one") == end
    if side and match["two"] and (known := units.get(match["two"])) and not known[1]:
        return *known, match.end("two")
    if match["one"] in _SIDES and _TIMES.match(folded, match.end("one")):
        return None, False, match.end("one") if match["one"] != "x" else end
    if known := units.get(match["one"]):
        # "10 a" and "4 in" are words more often than units where a space stands between.
        if match["one"] in ("in", "a", "an", "c", "f", "l", "m", "h", "v", "w") and _runs_on(folded, match):
            return None, False, end
        return *known, match.end("one")
    return None, False, end


def _runs_on(folded: str, match: re.Match[str]) -> bool:
    """Whether a one-letter unit is rather the next word of a sentence: ``6 in the set``, ``12 a day``."""
    apart = folded[match.start() : match.start() + 1] in " -"
    return apart and match["one"] in ("in", "a", "an") and match["two"] is not None


def _unit_before(folded: str, start: int) -> str | None:
    """The unit of ``Length (cm): 150`` or ``SPF 30``."""
    match = _BEFORE.search(folded[max(0, start - 16) : start])
    if not match:
        return None
    if match[1] in ("spf", "upf"):
        return match[1]
    name, loose = _units().get(match[1], (None, True))
    return None if loose or match[1] in ("in", "a", "an", "as", "or") else name


@cache
def _names(languages: tuple[str, ...]) -> dict[str, int]:
    words = table("numbers.toml")["words"]
    return {"one": 1} | {name: value for language in languages for name, value in words.get(language, {}).items()}


def _in_words(text: Text, languages: Iterable[str]) -> Iterator[Quantity]:
    names = _names(tuple(languages))
    values = [names.get(token) for token in text.tokens]
    if not any(values):
        return
    skip = False
    for at, value in enumerate(values):
        if value in (None, 1) or skip:
            skip = False
            continue
        following = values[at + 1] if at + 1 < len(values) else None
        last = at
        if following is not None and ((value in TENS and following < 10) or (value < 100 and following in (100, 1000))):
            value, last, skip = (value + following if following < 10 else value * following), at + 1, True
        start, end = text.words[at].start, text.words[last].end
        unit, loose, after = _unit_after(text.folded, end)
        if unit in ("ft", "bar") or (unit and len(text.folded[end:after].strip(" -")) < 3):
            unit, after = None, end  # "two feet" walk, "six L-shaped pins" are no litres
        yield Quantity(frozenset([str(value)]), unit, loose, "", True, start, after)


def implied(tokens: Iterable[str]) -> frozenset[str]:
    """The counts that words such as ``pair`` stand for."""
    counts = table("numbers.toml")["implied"]
    return frozenset(str(counts[token]) for token in tokens if token in counts)


def joined(tokens: list[str]) -> frozenset[str]:
    """Neighbouring words written as one where a digit is in them: ``IP 67`` is ``ip67``, ``5W-30`` is ``5w30``."""
    pairs = {a + b for a, b in pairwise(tokens) if any(c.isdigit() for c in a + b)}
    triples = {
        a + b + c
        for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if any(x.isdigit() for x in a + b + c)
    }
    return frozenset(pairs | triples | {token for token in tokens if any(char.isdigit() for char in token)})
