"""Prices as shops write them, read as an amount and a currency."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from functions.common.currencies import currencies

EMPTY = frozenset({"", "-", "–", "—", "n/a", "na", "nan", "null", "none", "undefined", "tba"})
MINOR = re.compile(r"\s*([0-9]{1,15})(?:\.0+)?\s*", re.ASCII)
PLAIN = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,4})?", re.ASCII)
SPACES = re.compile(r"[\s\u00a0\u2009\u202f\u2007]+")
NUMBER = re.compile(r"\d(?:[\d.,']| (?=\d{3}(?!\d)))*")
RANGE_WORDS = re.compile(
    r"\b(?:from|to|ab|bis|von|de|des|à partir de|desde|hasta|da|a partire da|od|do|vanaf|от|до|від|starting at)\b\.?",
    re.I,
)
TAIL = re.compile(
    r"(?:(?<=[\d.,\s€$£])|(?=/))(?:\s*(?:(?:incl?|inkl|excl?|zzgl|plus)\.?\s*(?:\d+\s*%\s*)?"
    r"(?:vat|tax|gst|mwst|ust|btw|iva|tva|moms)\b\.?"
    r"|(?:/\s*)?\b(?:ttc|ht|each|ea|brutto|netto|per (?:piece|item|unit)|(?:pro )?stück)\b\.?|\*))+\s*$",
    re.I,
)
"""What follows on a price and is none of it: its tax, or that it is for one piece."""
LARGEST = Decimal(10) ** 12
LONGEST = 200
NOT_A_NUMBER = "is not a number; write it as 19.99 or leave it empty"


class PriceError(ValueError):
    """The text is not a price; ``rule`` names which law it breaks."""

    def __init__(self, rule: str, advice: str) -> None:
        super().__init__(advice)
        self.rule = rule
        self.advice = advice


class Money(NamedTuple):
    """An amount in a currency's major unit; the currency is None where the text does not name one."""

    amount: Decimal
    currency: str | None


@lru_cache(maxsize=4096)
def read_currency(text: str, wanted: str | None = None) -> str | None:
    """The ISO 4217 code that a code, symbol or word stands for; None where it stands for none.

    Args:
        wanted: which of several currencies a shared sign (``$``, ``kr``) means, where it can mean it.
    """
    sign = SPACES.sub("", text).upper()
    known = currencies()
    if sign in known.codes:
        return sign
    if shared := known.ambiguous.get(sign):
        return wanted if wanted in shared else shared[0]
    return known.symbols.get(sign) or known.symbols.get(sign.rstrip("."))


def read_price(text: str, wanted: str | None = None) -> Money | None:
    """The amount and currency in ``1.234,56 €``, ``USD 19.99``, ``1 299 kr``, ``$5 - $8`` (the lowest); None if empty.

    Args:
        wanted: the currency of the catalogue, where it is known; decides what ``$`` means.

    Raises:
        PriceError: it is negative, or not a number.
    """
    if PLAIN.fullmatch(text):
        return Money(Decimal(text), None)
    text = SPACES.sub(" ", text).strip().lstrip("'")
    if len(text) > LONGEST:  # Too long for a price, and for the patterns that look back over their text.
        raise PriceError("price_number", NOT_A_NUMBER)
    return _read(text, wanted)


def from_minor(text: str, places: int) -> str:
    """An amount in cents or the like as one in the currency's unit; any other text as it is."""
    found = MINOR.fullmatch(text)
    return format(Decimal(found.group(1)).scaleb(-places), "f") if found else text


@lru_cache(maxsize=4096)
def _read(text: str, wanted: str | None) -> Money | None:
    if text.casefold() in EMPTY:
        return None
    plain = (
        TAIL.sub("", text)
        .strip()
        .replace("’", "'")
        .replace("٫", ".")
        .replace("٬", ",")
        .replace("/-", "")
        .replace(",-", "")
        .replace(",–", "")
        .replace(".-", "")
    )
    numbers = NUMBER.findall(plain)
    words = RANGE_WORDS.sub("~", NUMBER.sub("\0", plain))
    if not numbers:
        raise PriceError("price_number", NOT_A_NUMBER)
    if re.match(r"[^\w\0]*[-−(]\s*[^\w\0]{0,3}\0", words) or re.match(r"\s*\w{0,3}[^\w\0]?\s*[-−]\s*\0", words):
        raise PriceError("price_negative", "is negative; write a price of 0 or more, or leave it empty")
    currency = _currency(words, wanted)
    amounts = [_amount(number.rstrip(".,' "), currency) for number in numbers]
    if len(amounts) > 2 or re.search(r"\0\s*\0", words):
        raise PriceError("price_number", "holds more than one price or range; write one price such as 19.99")
    lowest = min(amounts)
    if lowest >= LARGEST:
        raise PriceError("price_number", "is too large to be a price; write it as 19.99 or leave it empty")
    return Money(lowest, currency)


def _currency(words: str, wanted: str | None) -> str | None:
    """The currency that the words around the numbers name."""
    found: set[str] = set()
    for word in re.split(r"[\0\s~–—−]+|(?<=\0)-|-(?=\0)", words):
        if not (mark := word.strip("()[]:;,/+-*=") or word.strip("()[]")).strip("-.,"):
            continue
        code = read_currency(mark, wanted)
        if code is None and re.fullmatch(r"[A-Z]{3}", mark):
            code = mark  # A code that no list knows: the contract refuses it by name.
        if code is None:
            raise PriceError("price_number", NOT_A_NUMBER)
        found.add(code)
    if len(found) > 1 and "USD" in found:
        found.discard("USD")  # "$19.99 CAD": the code says which dollar.
    if len(found) > 1:
        raise PriceError("price_number", "names two currencies; write one price such as 19.99 EUR")
    return found.pop() if found else None


def _amount(number: str, currency: str | None) -> Decimal:
    """A number with whatever separators: the last one is decimal unless it stands before a group of three."""
    text = number.replace(" ", "").replace("'", "")
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        decimal = max(text.rfind("."), text.rfind(","))
        whole, part = re.sub(r"[.,]", "", text[:decimal]), text[decimal + 1 :]
        groups_right = _grouped(text[:decimal])
        if not groups_right or text.count(text[decimal]) > 1:
            raise PriceError("price_number", NOT_A_NUMBER)
        return _decimal(whole, part)
    if not dots and not commas:
        return _decimal(text, "")
    separator = "." if dots else ","
    parts = text.split(separator)
    if len(parts) > 2:
        if not _grouped(text):
            raise PriceError("price_number", NOT_A_NUMBER)
        return _decimal("".join(parts), "")
    if len(parts[1]) == 3 and _thousands(parts[0], separator, currency):
        return _decimal("".join(parts), "")
    return _decimal(*parts)


def _thousands(whole: str, separator: str, currency: str | None) -> bool:
    """Whether one separator before exactly three digits groups thousands."""
    if whole in {"", "0"} or len(whole) > 3 or currency in currencies().three_decimals:
        return False
    return separator == "," or currency in currencies().comma_decimal


def _grouped(text: str) -> bool:
    """Whether separators group thousands: by three, or as in India by two before the last three."""
    first, *rest = re.split(r"[.,]", text)
    if not rest:
        return True
    middle = {2, 3} if "," in text else {3}
    return 1 <= len(first) <= 3 and len(rest[-1]) == 3 and {len(part) for part in rest[:-1]} <= middle


def _decimal(whole: str, part: str) -> Decimal:
    value = Decimal(f"{whole or '0'}.{part or '0'}")
    places = min(4, len(part))
    return value.quantize(Decimal(1).scaleb(-places)) if len(whole) < 20 else LARGEST
