"""WooCommerce products in a WordPress export: products, their variations and their images are items of one list."""

from collections.abc import Iterator
from typing import Any

from functions.ingest.columns import Column
from functions.ingest.draft import Draft
from functions.ingest.items import scalar

KINDS = frozenset({"product", "product_variation", "attachment"})
"""Post types that are rows of the catalogue; pages, orders and menus are none."""

READ = {
    "title": "title",
    "content:encoded": "description",
    "excerpt:encoded": "short description",
    "link": "link",
    "category": "category and attributes",
    "wp:post_id": "key",
    "wp:post_parent": "key",
    "wp:post_type": "kind",
    "wp:attachment_url": "image_url",
    "_sku": "product_id",
    "_price": "price",
}


def columns() -> list[Column]:
    """What is read of an item."""
    return [Column(name=name, read_as=what, filled=1.0) for name, what in READ.items()]


def drafts(items: Iterator[dict[str, Any]]) -> Iterator[Draft]:
    """A draft for each product, variation and image."""
    row = 0
    for item in items:
        kind = _text(item.get("post_type"))
        if kind in KINDS:
            row += 1
            yield _draft(row, kind, item)


def _draft(row: int, kind: str, item: dict[str, Any]) -> Draft:
    meta = {
        _text(entry.get("meta_key")): _text(entry.get("meta_value"))
        for entry in _list(item.get("postmeta"))
        if isinstance(entry, dict)
    }
    number, parent = _text(item.get("post_id")), _text(item.get("post_parent"))
    encoded = [_text(part) for part in _list(item.get("encoded"))]  # content:encoded, then excerpt:encoded
    main = kind == "product"
    terms = [entry for entry in _list(item.get("category")) if isinstance(entry, dict)]
    names = [_text(term) for term in terms if term.get("@domain") == "product_cat"]
    options = [
        (_slot(term["@domain"]), _label(term["@domain"]), _text(term))
        for term in terms
        if str(term.get("@domain", "")).startswith("pa_")
    ]
    options += [
        (_slot(key), _label(key.removeprefix("attribute_")), value)
        for key, value in meta.items()
        if key.startswith("attribute_") and value
    ]
    draft = Draft(
        row=row,
        key=number if main else parent if parent not in {"", "0"} else f"{kind}:{number}",
        child=not main,
        image=_text(item.get("attachment_url")),
        record=[_text(item.get("title")), number, kind, *encoded[:1]],
    )
    if kind == "attachment":
        return draft
    draft.options = options
    draft.price = meta.get("_regular_price") or meta.get("_price", "")
    draft.sale = meta.get("_sale_price", "")
    if main:
        draft.product_id = meta.get("_sku") or number
        draft.title = _text(item.get("title"))
        draft.description, draft.short = [*encoded, "", ""][:2]
        draft.category = next(iter(names), "")
        draft.link = _text(item.get("link"))
    return draft


def _slot(domain: str) -> int:
    """A place of its own for each attribute, the same in product and variation."""
    return sum(ord(char) * (index + 1) for index, char in enumerate(domain.removeprefix("attribute_"))) % 9973


def _label(domain: str) -> str:
    return domain.removeprefix("pa_").replace("-", " ").replace("_", " ").capitalize()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("#text", "")
    return scalar(value).strip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]
