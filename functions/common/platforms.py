"""The ad platforms and their limits, read from ``platforms.toml``."""

import datetime
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from functions.common.errors import InputError
from functions.common.records import Field, Record

CALLS = (
    "Shop now",
    "Learn more",
    "Order now",
    "View product",
    "See menu",
    "Pre-order",
    "Download",
    "Sign up",
    "Book now",
)
"""The calls to action of the house style, which all platforms have as buttons."""


class FieldLimit(Record, frozen=True, kw_only=True):
    """What a platform takes in one field.

    Attributes:
        min: the fewest texts; 0 where the field may stay empty.
        max: the most texts.
        limit: the longest text, in display columns.
        kind: ``hard``: the platform refuses more; ``advice``: the platform shows it cut off.
        one_within: at least one of the texts must be this short, where set.
    """

    min: int
    max: int
    limit: int
    kind: Literal["hard", "advice"]
    one_within: int | None = None


class Platform(Record, frozen=True, kw_only=True):
    """A place where ads are posted.

    Attributes:
        name: ``google_rsa``, ``meta_feed``, …
        fields: field -> what the platform takes there, in the order of display.
        wide: columns that a double-width character counts.
        emoji, exclamation_in_headline, links: whether the platform's editorial rules allow them.
        images: width and height in pixels of the layouts it takes.
        source: the page that states the limits; ``checked``: the day it was read.
    """

    name: str
    label: str
    source: str
    checked: datetime.date
    fields: dict[Field, FieldLimit]
    wide: int = 1
    emoji: bool = True
    exclamation_in_headline: bool = True
    links: bool = True
    images: list[tuple[int, int]] = []

    def columns(self, text: str) -> int:
        """Length of a text as the platform counts it, in display columns."""
        return columns(text, self.wide)


def columns(text: str, wide: int = 1) -> int:
    """Display columns of a text: a double-width character counts ``wide``, a combining mark nothing.

    Widths are those of Unicode Standard Annex 11.
    """
    if text.isascii():
        return len(text)
    composed = unicodedata.normalize("NFC", text)
    marks = sum(1 for char in composed if unicodedata.combining(char))
    doubles = sum(1 for char in composed if unicodedata.east_asian_width(char) in "WF")
    return len(composed) - marks + doubles * (wide - 1)


@cache
def platforms() -> dict[str, Platform]:
    """Every platform that Adloom writes for, by name."""
    text = Path(__file__).with_name("platforms.toml").read_text(encoding="utf-8")
    tables = {name: {"name": name, **table} for name, table in tomllib.loads(text).items()}
    return msgspec.convert(tables, dict[str, Platform])


def chosen(names: list[str]) -> list[Platform]:
    """The platforms named, each once, in the order of ``platforms.toml``; InputError for a name that is not one."""
    known = platforms()
    if not names:
        raise InputError(f"no platform is named; choose among {', '.join(known)}")
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"platform {unknown[0]!r} is not known; choose among {', '.join(known)}")
    return [platform for name, platform in known.items() if name in names]


def widest(field: Field, among: list[Platform]) -> int:
    """The longest text of a field that any of the platforms takes, in columns; 0 where none has the field."""
    return max((p.fields[field].limit for p in among if field in p.fields), default=0)
