"""Currencies: ISO 4217 codes, and the signs that prices are written with, read from ``currencies.toml``."""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Currencies(NamedTuple):
    """What the table says.

    Attributes:
        codes: all codes in use.
        no_decimals: whose smallest unit is the currency itself.
        three_decimals: whose amounts are written with three decimals.
        comma_decimal: where a dot separates thousands.
        small_unit: whose everyday prices go into the millions.
        symbols: sign or word, in capitals -> code.
        ambiguous: sign -> the codes that share it, the likeliest first.
    """

    codes: frozenset[str]
    no_decimals: frozenset[str]
    three_decimals: frozenset[str]
    comma_decimal: frozenset[str]
    small_unit: frozenset[str]
    symbols: dict[str, str]
    ambiguous: dict[str, tuple[str, ...]]


@cache
def currencies() -> Currencies:
    """The table of currencies."""
    table = tomllib.loads(Path(__file__).with_name("currencies.toml").read_text(encoding="utf-8"))
    return Currencies(
        codes=frozenset(table["codes"].split()),
        no_decimals=frozenset(table["no_decimals"].split()),
        three_decimals=frozenset(table["three_decimals"].split()),
        comma_decimal=frozenset(table["comma_decimal"].split()),
        small_unit=frozenset(table["small_unit"].split()),
        symbols=table["symbols"],
        ambiguous={sign: tuple(codes.split()) for sign, codes in table["ambiguous"].items()},
    )
