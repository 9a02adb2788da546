"""The corpus that the house style is learnt from: invented products and the copy written for each."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from functions.common.records import Product, Record, Source, Voice, digest
from quantize.jsonlines import read_lines

Split = Literal["train", "validation", "test"]

FOLDER = Path(__file__).parent


class Copy(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was written for a product in one voice; in a variant, only some of it."""

    headline: list[str] = []
    short_headline: list[str] = []
    long_headline: list[str] = []
    primary_text: list[str] = []
    description: list[str] = []
    hashtag: list[str] = []
    cta: str = ""


class Variant(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same product in another voice."""

    voice: Voice
    copy: Copy


class Goods(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product as a catalogue would have it, mess included."""

    title: str
    description: str = ""
    category: str = ""
    brand: str | None = None
    price: str | None = None
    currency: str | None = None
    attributes: dict[str, str] = {}
    language: str = "en"


class Entry(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the corpus.

    Attributes:
        id: shard and number, ``kitchen-017``.
        split: by product; no near-duplicate crosses it.
        source_style: what is difficult about the source (``terse``, ``bloated``, ``trap:health``, …).
        voice: of ``copy``.
    """

    id: str
    split: Split
    product: Goods
    source_style: str
    voice: Voice
    copy: Copy
    variant: Variant | None = None

    def as_product(self) -> Product:
        """The product as the generate stage would meet it, its text cleaned as ingest cleans it."""
        from functions.ingest.text import clean_line, clean_text

        goods = self.product
        return Product(
            product_id=self.id,
            title=clean_line(goods.title),
            description=clean_text(goods.description),
            category=goods.category,
            brand=goods.brand or "",
            attributes=goods.attributes,
            language=goods.language,
            source=Source(file="corpus", row=1),
        )


def read(folder: Path = FOLDER) -> Iterator[Entry]:
    """Every entry, shard by shard; InputError names the line that is not one."""
    for path in sorted(folder.glob("*.jsonl")):
        yield from read_lines(path, Entry)


def part(entries: list[Entry], share: float) -> list[Entry]:
    """A share of the entries, of every shard, in their order; always the same ones."""
    drawn = np.random.default_rng(0).permutation(len(entries))[: math.ceil(len(entries) * share)]
    return [entries[number] for number in sorted(drawn)]


def version(entries: list[Entry]) -> str:
    """Hash of a corpus, 16 hexadecimal characters."""
    return digest(entries)
