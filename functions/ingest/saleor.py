"""Saleor's fixtures: one list of database records, from which the products are put together.

Prices, pictures and attribute values are records of their own that may stand anywhere, so they are gathered in a first
pass; that takes memory with the size of the fixture, which holds a demonstration shop.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from functions.ingest.columns import Column
from functions.ingest.draft import Draft
from functions.ingest.items import scalar

KEYS = frozenset({"model", "pk", "fields"})
READ = {
    "product.product.name": "title", "product.product.description": "description", "product.product.slug": "product_id",
    "product.category.name": "category", "product.productvariantchannellisting.price_amount": "price",
    "product.productvariantchannellisting.currency": "currency", "product.productmedia.image": "image_url",
    "attribute.attributevalue.name": "attributes", "product.productvariant": "key",
}  # fmt: skip


def columns() -> list[Column]:
    """What is read of the records."""
    return [Column(name=name, read_as=what, filled=1.0) for name, what in READ.items()]


class _Shop:
    """What the first pass gathers, by primary key."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, Any], str] = {}
        self.product_of: dict[Any, Any] = {}
        self.prices: dict[Any, list[tuple[str, str]]] = {}
        self.images: dict[Any, str] = {}
        self.values: dict[Any, tuple[Any, str]] = {}
        self.chosen: dict[Any, list[Any]] = {}

    def take(self, model: str, pk: Any, fields: dict[str, Any]) -> None:
        """Keep what a record adds to a product."""
        name = scalar(fields.get("name"))
        if model in {"product.category", "attribute.attribute"}:
            self.names[model, pk] = name
        elif model == "product.productvariant":
            self.product_of[pk] = fields.get("product")
        elif model == "product.productvariantchannellisting":
            price = (scalar(fields.get("price_amount")), scalar(fields.get("currency")))
            self.prices.setdefault(fields.get("variant"), []).append(price)
        elif model == "product.productmedia":
            self.images.setdefault(
                fields.get("product"), scalar(fields.get("image")) or scalar(fields.get("external_url"))
            )
        elif model == "attribute.attributevalue":
            self.values[pk] = (fields.get("attribute"), name)
        elif model == "attribute.assignedproductattributevalue":
            self.chosen.setdefault(fields.get("product"), []).append(fields.get("value"))


def drafts(items: Callable[[], Iterator[Any]], currency: str | None) -> Iterator[Draft]:
    """A draft for each product record.

    Args:
        currency: which of several channels' prices is meant; the first where it is not set.
    """
    shop = _Shop()
    for model, pk, fields in _records(items()):
        shop.take(model, pk, fields)
    prices: dict[Any, list[tuple[str, str]]] = {}
    for variant, listed in shop.prices.items():
        prices.setdefault(shop.product_of.get(variant), []).extend(listed)
    row = 0
    for model, pk, fields in _records(items()):
        if model == "product.product":
            row += 1
            yield _draft(row, pk, fields, shop, prices.get(pk, []), currency)


def _records(items: Iterator[Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("fields"), dict):
            yield scalar(item.get("model")), item.get("pk"), item["fields"]


def _draft(
    row: int, pk: Any, fields: dict[str, Any], shop: _Shop, prices: list[tuple[str, str]], currency: str | None
) -> Draft:
    known = sorted({code for _, code in prices})
    usual = "USD" if "USD" in known else known[0] if known else ""
    code = currency if currency in known and currency is not None else usual
    chosen = [shop.values[value] for value in shop.chosen.get(pk, []) if value in shop.values]
    attributes = [(shop.names.get(("attribute.attribute", owner), ""), value) for owner, value in chosen]
    return Draft(
        row=row,
        product_id=scalar(fields.get("slug")) or scalar(pk),
        title=scalar(fields.get("name")),
        description=editor_text(fields.get("description")) or scalar(fields.get("description_plaintext")),
        category=shop.names.get(("product.category", fields.get("category")), ""),
        currency=code,
        image=shop.images.get(pk, ""),
        attributes=[pair for pair in attributes if pair[0]],
        record=[json.dumps(fields, ensure_ascii=False, default=str)],
        prices=[amount for amount, unit in prices if unit == code],
    )


def editor_text(value: Any) -> str:
    """The text of an EditorJS document, blocks on lines of their own; it may be kept as JSON in a string."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    blocks = value.get("blocks") if isinstance(value, dict) else None
    pieces: list[str] = []
    for block in blocks if isinstance(blocks, list) else []:
        data = block.get("data", {}) if isinstance(block, dict) else {}
        pieces.append(scalar(data.get("text")))
        pieces += [f"<li>{scalar(item)}</li>" for item in data.get("items", []) if scalar(item)]
    return "<br>".join(filter(None, pieces))
