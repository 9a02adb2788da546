"""The validity score: a logistic combination of the measures, with its constants in ``validity.toml``."""

import math
import tomllib
from functools import cache
from pathlib import Path

from functions.common.records import Measures, Record

DIGITS = 4
"""Decimal places kept: few enough that the same creative has the same bytes on every machine."""


class Span(Record, frozen=True, kw_only=True):
    """The raw values that count as 0 and as 1."""

    low: float
    high: float


@cache
def _constants() -> tuple[dict[str, Span], dict[str, float]]:
    data = tomllib.loads(Path(__file__).with_name("validity.toml").read_text(encoding="utf-8"))
    return {name: Span(**span) for name, span in data["scale"].items()}, data["weights"]


def scaled(name: str, raw: float) -> float:
    """A raw value as a measure from 0 to 1."""
    span = _constants()[0][name]
    return round(min(1.0, max(0.0, (raw - span.low) / (span.high - span.low))), DIGITS)


def validity(measures: Measures) -> float:
    """The score of a creative, 0 to 1, from its measures."""
    weights = _constants()[1]
    total = weights["bias"] + sum(weights[name] * getattr(measures, name) for name in Measures.__struct_fields__)
    return round(1 / (1 + math.exp(-total)), DIGITS)
