"""What is read off one row or item, before it is cleaned, grouped and judged."""

import msgspec

from functions.common.records import Quarantined, Source

GROUP = "group:"
"""Begins the key of items that a feed itself calls a group; each has a title of its own."""


class Draft(msgspec.Struct, array_like=True, gc=False):
    """The raw texts of one row.

    Attributes:
        row: data row or item number, from 1.
        key: what the rows of one product share (handle, parent id); empty where the row stands alone.
        child: a variant or image row, which adds to a product and never founds one.
        attributes: name and raw value, in the catalogue's order.
        options: slot, name (may be empty in a child) and value of what its variants differ in.
        prices: further prices of variants within the item; the lowest counts.
        split: what separates several values in an option.
        aliases: pairs of keys; rows under the first belong to the product under the second.
        record: the row's cells, or the item as JSON in one; kept for quarantine.
    """

    row: int
    key: str = ""
    child: bool = False
    product_id: str = ""
    title: str = ""
    description: str = ""
    short: str = ""
    category: str = ""
    brand: str = ""
    price: str = ""
    sale: str = ""
    currency: str = ""
    image: str = ""
    link: str = ""
    language: str = ""
    attributes: list[tuple[str, str]] = []
    options: list[tuple[int, str, str]] = []
    record: list[str] = []
    prices: list[str] = []
    split: str = ""
    aliases: list[tuple[str, str]] = []


class Refusal(msgspec.Struct, array_like=True, gc=False):
    """A row that could not be read as one."""

    row: int
    rule: str
    field: str
    found: str
    advice: str
    record: list[str]


def refused(
    file: str, row: int, rule: str, field: str, found: str, advice: str, record: str, rows: int = 1
) -> Quarantined:
    """A quarantine entry; ``advice`` follows on the place and value, so that it reads as one sentence."""
    shown = found if len(found) <= 200 else found[:199] + "…"
    return Quarantined(
        source=Source(file=file, row=row, rows=rows), rule=rule, field=field, found=shown, advice=advice, record=record
    )
