"""The word lists of this stage, kept as data beside it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("data")


@cache
def table(file: str) -> dict[str, Any]:
    """A word list file, as TOML says it."""
    return tomllib.loads((_FOLDER / file).read_text(encoding="utf-8"))


@cache
def word_set(name: str) -> frozenset[str]:
    """A set of words of ``words.toml``."""
    return frozenset(table("words.toml")[name].split())
