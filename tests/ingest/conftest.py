import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.common.batches import Batch, Settings
from functions.common.records import Product, Quarantined
from functions.ingest.source import Catalogue
from functions.ingest.stage import run


@dataclass
class Read:
    """What ingest made of a catalogue."""

    products: list[Product] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    parts: list[int] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        return [product.title for product in self.products]

    @property
    def rules(self) -> list[str]:
        return [entry.rule for entry in self.quarantined]


def catalogue_of(data: str | bytes, name: str = "shop.csv") -> Catalogue:
    raw = data.encode() if isinstance(data, str) else data
    return Catalogue(name, lambda: io.BytesIO(raw))


def settings(**values: Any) -> Settings:
    return Settings(platforms=["meta_feed"], **values)


def read(data: str | bytes, *, name: str = "shop.csv", languages: bool = False, **values: Any) -> Read:
    """Ingest a catalogue, holding every part to the conservation law."""
    found = Read()
    chosen = settings(**values)
    for number, result in enumerate(run(catalogue_of(data, name), Batch.of(name, "", chosen), languages=languages)):
        assert result.number == number
        products, refused = result.outputs
        counts = result.counts
        assert counts["rows"] == counts["products"] + counts["merged"] + counts["quarantined"]
        assert counts["products"] == len(products.records) <= chosen.part_rows
        found.products += products.records
        found.quarantined += refused.records
        found.parts.append(len(products.records))
        for key, count in counts.items():
            found.counts[key] = found.counts.get(key, 0) + count
    return found


@pytest.fixture
def ingest() -> Callable[..., Read]:
    return read


@pytest.fixture
def catalogue() -> Callable[..., Catalogue]:
    return catalogue_of
