"""Names of columns: how they are compared, and what the tables in ``columns.toml`` say of them."""

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

FIELDS = (
    "product_id", "title", "description", "short", "category", "brand", "price", "sale", "currency", "image", "link",
    "language", "group",
)  # fmt: skip
SETTABLE = frozenset(
    {"product_id", "title", "description", "category", "brand", "price", "currency", "image_url", "link", "language"}
)
"""Names that `Settings.columns` may map, those of `Product`."""

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NOT_WORD = re.compile(r"[^\w]+|_+")


@lru_cache(maxsize=4096)
def norm(name: str) -> str:
    """Letters and digits alone, without case: ``g:Image_Link *`` gives ``imagelink``."""
    name = unicodedata.normalize("NFKC", name).strip().strip("\ufeff")
    return NOT_WORD.sub("", re.sub(r"^g:", "", name, flags=re.I).casefold())


@lru_cache(maxsize=4096)
def bare(name: str) -> str:
    """`norm` without what stands in brackets: ``Опис (html)``."""
    return norm(re.sub(r"[(\[（【][^)\]）】]{0,80}[)\]）】]", " ", name))


def words(name: str) -> list[str]:
    """The words of a name, without case; camel case is split."""
    return [word for word in NOT_WORD.split(CAMEL.sub(" ", unicodedata.normalize("NFKC", name)).casefold()) if word]


class Table(NamedTuple):
    """``columns.toml``, with its names in the form of `norm`.

    Attributes:
        fields: field -> name -> rank, 0 the best.
        words: field -> words that suggest it; ``never`` are words that speak against all of them.
        attributes: name -> the attribute's name in a product.
        plumbing: words of columns that no ad is made from; ``phrases`` are several words, in the form of `norm`.
    """

    fields: dict[str, dict[str, int]]
    words: dict[str, frozenset[str]]
    attributes: dict[str, str]
    plumbing: frozenset[str]
    phrases: frozenset[str]


@cache
def table() -> Table:
    """The table of column names."""
    data = tomllib.loads((Path(__file__).parent / "columns.toml").read_text(encoding="utf-8"))
    fields = {
        field: {norm(name): rank for rank, name in reversed(list(enumerate(names)))}
        for field, names in data["fields"].items()
    }
    attributes = {norm(name): title for title, names in data["attributes"].items() for name in [title, *names]}
    near = {field: frozenset(w for name in names for w in words(name)) for field, names in data["words"].items()}
    plumbing = data["plumbing"]["words"]
    phrases = frozenset(norm(word) for word in plumbing if " " in word)
    return Table(fields, near, attributes, frozenset(norm(word) for word in plumbing), phrases)


def is_plumbing(name: str) -> bool:
    """Whether a column serves the shop and says nothing of the product."""
    known, normal = table(), norm(name)
    return (
        normal in known.plumbing
        or any(word in known.plumbing for word in words(name))
        or any(phrase in normal for phrase in known.phrases)
    )


def field_rank(field: str, name: str) -> int | None:
    """How good a column name is for a field, 0 the best; None where it does not name it."""
    ranks = table().fields[field]
    rank = ranks.get(norm(name))
    return rank if rank is not None else ranks.get(bare(name))


def field_near(field: str, name: str) -> bool:
    """Whether a column name holds a word of the field, and none that speaks against it."""
    near = table().words
    parts = set(words(name))
    return field in near and bool(parts & near[field]) and not parts & (near["never"] - near[field])
