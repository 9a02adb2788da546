"""Claims in numbers: every number, unit and percentage traces to the product page; no ad names a price."""

import re
from collections.abc import Iterator

from functions.common.grammar import STOP_WORDS
from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.gates.materials import also
from functions.score.numbers import Quantity
from functions.score.phrasebook import Phrasebook
from functions.score.wordlists import word_set
from functions.score.words import Text

_SIGN = r"[$£€¥₹₩₽₺฿₫₴₱₪¢]"
_CODE = r"(?:usd|eur|gbp|cad|aud|nzd|chf|sek|nok|dkk|pln|czk|huf|jpy|cny|inr|rs|zar|brl|mxn|us\$)"
_MONEY = (
    r"(?:usd|eur|euros?|gbp|cad|aud|chf|sek|nok|dkk|pln|dollars?|bucks|quid|pence|cents?|rupees?|yen|zl|kr|kronor|"
    r"kroner|francs?|pesos?)"
)
_SPOKEN = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|hundred|thousand)"
)
# Bounded in length, so that a page of digits costs no more than a page of words.
_AMOUNT = r"\d(?:[\d.,]{0,9}\d)?"
_PRICE = re.compile(
    rf"{_SIGN} ?{_AMOUNT}|{_AMOUNT} ?{_SIGN}|(?<![a-z]){_CODE} ?{_AMOUNT}"
    rf"|(?<![a-z0-9]){_AMOUNT} ?{_MONEY}(?![a-z])(?! coins?)|(?<![a-z]){_SPOKEN}[ -]{_MONEY}(?![a-z])"
    rf"|(?<![a-z0-9])(?!480p|720p|1080p|1440p|2160p|4320p){_AMOUNT}p(?![a-z0-9])|\d ?,- "
)
_OFF = re.compile(
    rf"(?:{_AMOUNT} ?(?:%|percent|per cent|prozent|pour cent)|half|half-price) ?-?"
    r"(?:off|rabatt|de remise|de descuento|di sconto|korting|discount|less|reduction)(?![a-z])|(?<![\w])-\d{1,3} ?%"
)
_DEGREES = frozenset(["degree", "celsius", "fahrenheit"])
_NEAR = 40
_POINTING = word_set("pointing")
_PAIRED = word_set("paired")


def claim_number(text: Text, subject: Subject) -> Iterator[Finding]:
    """A number that the page does not have.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    for quantity in subject.amounts(text):
        if quantity.unit != "percent" and not _known(quantity, text, subject):
            shown = text.shown(quantity.start, quantity.end)
            yield gate("claim_number", text, shown, f'the number in "{shown}" is not on the product page')


def claim_unit(text: Text, subject: Subject) -> Iterator[Finding]:
    """A number that the page has, but with another unit.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    for quantity in subject.amounts(text):
        if quantity.unit in (None, "percent") or quantity.loose or not _known(quantity, text, subject):
            continue
        units = _DEGREES if quantity.unit in _DEGREES else {quantity.unit}
        measured = any((value, unit) in subject.measures for value in quantity.readings for unit in units)
        if not measured and not (quantity.code and quantity.code in subject.codes):
            shown = text.shown(quantity.start, quantity.end)
            yield gate(
                "claim_unit", text, shown, f'the product page has the number of "{shown}", but not with this unit'
            )


def claim_percent(text: Text, subject: Subject) -> Iterator[Finding]:
    """A percentage that the page does not give, or gives of something else.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    for quantity in subject.amounts(text):
        if quantity.unit != "percent":
            continue
        shown = text.shown(quantity.start, quantity.end)
        if not any((value, "percent") in subject.measures for value in quantity.readings):
            yield gate("claim_percent", text, shown, f'"{shown}" is not on the product page')
        elif (of := _material_of(quantity, text, subject)) and of not in _materials_at(quantity.readings, subject):
            said = f"{shown} {of}"
            yield gate(
                "claim_percent",
                text,
                said,
                f'"{said}" is not on the product page: there the share is of something else',
            )


def claim_price(text: Text, subject: Subject) -> Iterator[Finding]:
    """An amount of money or a rate of discount, even where the page has it: it changes faster than the ad.

    https://support.google.com/adspolicy/answer/6020955 (unavailable offers), docs/style-guide.md
    """
    del subject
    for pattern in (_PRICE, _OFF):
        for match in pattern.finditer(text.folded):
            shown = text.shown(*match.span())
            yield gate(
                "claim_price", text, shown, f'"{shown}" names a price or discount; prices change and the ad does not'
            )


def _known(quantity: Quantity, text: Text, subject: Subject) -> bool:
    if quantity.code and text.field == "hashtag":
        return bool(quantity.readings & subject.numbers) or any(code in quantity.code for code in subject.codes)
    if quantity.code and (quantity.code in subject.codes or _stands(quantity.code, subject.source.folded)):
        return True
    if quantity.code and quantity.unit is None:
        return False
    if quantity.readings & subject.numbers or (quantity.spoken and _idiom(quantity, text, subject)):
        return True
    # "IP 67" for a page that says "IP67": the number with its neighbour is a word of the page.
    number = text.folded[quantity.start : quantity.end].split(" ")[0]
    before = Text(text.folded[max(0, quantity.start - 16) : quantity.start]).tokens[-1:]
    after = Text(text.folded[quantity.end : quantity.end + 16]).tokens[:1]
    return bool(subject.codes & {"".join([*before, number]), "".join([number, *after])} - {number})


def _stands(code: str, source: str) -> bool:
    """Whether a code with a point or sign in it, such as ``2.7k`` or ``m14x1.5``, is on the page as a word."""
    at = source.find(code) if not code.isalnum() else -1
    return (
        at >= 0
        and not source[max(0, at - 1) : at].isalnum()
        and not source[at + len(code) : at + len(code) + 1].isalnum()
    )


def _idiom(quantity: Quantity, text: Text, subject: Subject) -> bool:
    """Whether a number in words counts nothing of the product: ``at six``, ``no two``, ``all three``, ``both ears``."""
    before = text.folded[: quantity.start].split()[-1:]
    rest = text.folded[quantity.end :]
    following = rest.split()[:1]
    ends = not rest.strip() or not rest[:1].isspace() or following[0] in STOP_WORDS
    if before in (["no"], ["any"]) or following == ["o'clock"]:
        return True
    if before and before[0] in _POINTING and ends:
        return True
    if quantity.readings == {"2"} and following and following[0].strip(".,:;!?") in _PAIRED:
        return True
    return any(
        code.startswith(value) and code[len(value) :].isalpha() for code in subject.codes for value in quantity.readings
    )


def _material_of(quantity: Quantity, text: Text, subject: Subject) -> str:
    """The material that directly follows a percentage, or nothing."""
    for phrase in subject.phrases(text).of("claim_material"):
        if phrase.first >= 0 and 0 <= text.words[phrase.first].start - quantity.end <= 14:
            return phrase.kind
    return ""


def _materials_at(shares: frozenset[str], subject: Subject) -> set[str]:
    """The materials of which the page gives one of the shares, with what else they may be called."""
    book: Phrasebook = subject.book
    placed = [(subject.source.words[p.first].start, p.kind) for p in book.of("claim_material") if p.first >= 0]
    found = set()
    for quantity in subject.quantities:
        if quantity.unit == "percent" and quantity.readings & shares:
            found |= {kind for start, kind in placed if -_NEAR <= start - quantity.end <= _NEAR}
    return found | {other for kind in found for other in also(kind)}
