"""Invented batches to export."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.common.batches import Batch, Output, Settings, StageResult, keep, open_batch
from functions.common.brand import Brand
from functions.common.platforms import platforms
from functions.common.records import Creative, Finding, Measures, Product, Quarantined, Source, digest
from functions.common.storage import FolderStore

FINDING = Finding(
    rule="supported_claims",
    severity="gate",
    field="headline",
    found="dishwasher",
    message="The product does not say that it may go in the dishwasher.",
)
WORDS = {"headline": "Mug for the dishwasher", "cta": "Shop now", "hashtag": "mugs"}


def make_product(number: int = 0, **changes: Any) -> Product:
    """A mug."""
    fields = {
        "product_id": f"mug-{number}",
        "title": f"Stoneware mug {number}",
        "description": "A 350 ml mug in speckled stoneware.",
        "category": "Home > Kitchen",
        "brand": "Kettlewick",
        "price": Decimal("14.5"),
        "currency": "GBP",
        "attributes": {"Material": "Stoneware"},
        "image_url": "https://cdn.kettlewick.example/mug.jpg",
        "link": "https://www.kettlewick.example/mug",
        "language": "en",
        "source": Source(file="mugs.csv", row=number + 1),
    }
    return Product(**{**fields, **changes})


def make_creative(product: Product, platform: str = "meta_feed", **changes: Any) -> Creative:
    """An ad with as many texts as the platform asks for at least."""
    limits = platforms()[platform].fields if platform in platforms() else {}
    default = f"A speckled stoneware mug for {product.product_id}"
    texts = {name: [WORDS.get(name, default)] * max(limit.min, 1) for name, limit in limits.items()}
    fields = {
        "creative_id": digest(product.product_id, platform),
        "product_id": product.product_id,
        "platform": platform,
        "fields": texts,
        "status": "ready",
        "score": 0.75,
        "measures": Measures(relevance=0.9, coverage=0.8, fluency=0.7, voice=0.6, diversity=0.5),
        "findings": [],
        "language": product.language,
        "model_version": "model-7",
        "prompt_version": "prompt-3",
        "brand_version": "brand-1",
    }
    return Creative(**{**fields, **changes})


def make_quarantined(row: int = 1, **changes: Any) -> Quarantined:
    """A row with no usable price."""
    fields = {
        "source": Source(file="mugs.csv", row=row),
        "rule": "price_number",
        "field": "Variant Price",
        "found": "abc",
        "advice": "Write it as 19.99 or leave it empty.",
        "record": '{"Title":"Mug"}',
    }
    return Quarantined(**{**fields, **changes})


def make_batch(
    root: Path,
    products: list[Product],
    creatives: list[Creative],
    quarantined: list[Quarantined] | None = None,
    *,
    part_rows: int = 4,
    file: str = "mugs.csv",
    brand: str = "Kettlewick",
) -> tuple[FolderStore, Batch]:
    """A store that holds a batch as the stages leave it."""
    store = FolderStore(root)
    batch = Batch.of(file, "0" * 64, Settings(platforms=["google_rsa", "meta_feed"], brand=Brand(name=brand)))
    open_batch(store, batch)
    keep(store, batch, "ingest", StageResult(0, [Output("quarantine/ingest", Quarantined, quarantined or [])]))
    for number, start in enumerate(range(0, len(products), part_rows)):
        part = products[start : start + part_rows]
        held = {product.product_id for product in part}
        ads = [ad for ad in creatives if ad.product_id in held]
        keep(store, batch, "validate", StageResult(number, [Output("validated", Product, part)]))
        keep(store, batch, "score", StageResult(number, [Output("scored", Creative, ads)]))
    return store, batch


@pytest.fixture
def product() -> Callable[..., Product]:
    return make_product


@pytest.fixture
def creative() -> Callable[..., Creative]:
    return make_creative


@pytest.fixture
def refusal() -> Callable[..., Quarantined]:
    return make_quarantined


@pytest.fixture
def kept() -> Callable[..., tuple[FolderStore, Batch]]:
    return make_batch


@pytest.fixture
def finding() -> Finding:
    return FINDING
