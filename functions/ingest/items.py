"""Items of JSON, YAML and XML catalogues, however nested, laid flat as cells under column names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from functions.common.currencies import currencies
from functions.ingest.money import from_minor
from functions.ingest.names import field_rank, norm

VARIANTS = frozenset(
    {"variants", "variant", "productvariants", "variations", "skus", "offers", "childproducts", "mastervariant"}
)
IMAGES = frozenset(
    {
        "images",
        "image",
        "media",
        "pictures",
        "photos",
        "gallery",
        "featuredimage",
        "mainimage",
        "thumbnail",
        "productimages",
        "img",
        "imagelink",
    }
)
FACTS = frozenset(
    [
        "attributes",
        "attribute",
        "specs",
        "specifications",
        "specification",
        "properties",
        "features",
        "characteristics",
        "productattributes",
        "customattributes",
        "details",
        "technicaldetails",
        "params",
        "param",
        "additionalattributes",
        "attrs",
        "productdetail",
        "customfields",
        "options",
        "productoptions",
        "facts",
        "metafields",
    ]
)
NAME_KEYS = (
    "option_display_name",
    "name",
    "title",
    "label",
    "key",
    "attribute",
    "attributeName",
    "attribute_name",
    "attribute_code",
    "displayName",
    "@name",
    "PARAM_NAME",
)
VALUE_KEYS = (
    "value",
    "values",
    "options",
    "option",
    "text",
    "displayValue",
    "description",
    "#text",
    "optionValues",
    "VAL",
    "attribute_value",
    "label",
)
ADDRESS_KEYS = (
    "src",
    "url",
    "href",
    "originalSrc",
    "original_src",
    "image",
    "link",
    "transformedSrc",
    "source",
    "path",
    "large",
    "medium",
    "src_url",
    "previewImage",
    "url_standard",
    "node",
)
CHOSEN_KEYS = ("selectedOptions", "attributes", "options", "option_values")
"""Where a variant says what it is."""
AMOUNT_KEYS = (
    "amount",
    "value",
    "price",
    "current",
    "regular",
    "gross",
    "net",
    "min",
    "minVariantPrice",
    "lowPrice",
    "centAmount",
    "units",
    "#text",
)
MINOR_KEYS = {"unit_amount": "", "price": "currency_minor_unit", "centAmount": "fractionDigits"}
"""Amounts in the smallest unit (Stripe, WooCommerce, commercetools), with the key of how many decimals they have."""
MINOR_PLACES = frozenset("01234")
WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
DEEPEST = 3
CURRENCY_KEYS = frozenset({"currency", "currencycode", "pricecurrency"})
CONTEXT = frozenset({"@type", "@context"})
"""What JSON-LD says of its own form."""


@dataclass
class Flat:
    """An item laid flat.

    Attributes:
        cells: path of a value (``price.amount``) -> its text.
        prices: of the variants within.
        options: slot, name and value of what its variants differ in.
    """

    cells: dict[str, str] = field(default_factory=dict)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    options: list[tuple[int, str, str]] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)


def flatten(item: dict[str, Any]) -> Flat:
    """Lay an item flat; what lies deeper than `DEEPEST` is left out."""
    flat = Flat()
    if isinstance(item.get("node"), dict) and len(item) <= 2:
        item = item["node"]
    for name, value in item.items():
        _take(flat, str(name), value, 1)
    return flat


def scalar(value: Any) -> str:
    """A plain value as text; empty for what is none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if -30 < value.adjusted() < 30 else ""
    if isinstance(value, float):
        return repr(value)
    return str(value) if isinstance(value, int) else ""


def _take(flat: Flat, name: str, value: Any, depth: int) -> None:
    if name in CONTEXT:
        return
    if not isinstance(value, dict | list):
        text = scalar(value)
        flat.cells[name] = "" if name == "default_price" and text.startswith("price_") else text  # Stripe's reference.
        return
    normal = norm(name)
    if isinstance(value, dict) and isinstance(value.get("edges"), list):
        value = [edge.get("node", edge) if isinstance(edge, dict) else edge for edge in value["edges"]]
    elif isinstance(value, dict) and isinstance(value.get("nodes"), list):
        value = value["nodes"]
    if normal in IMAGES:
        flat.cells[name] = _address(value)
    elif normal in VARIANTS and (variants := _listed(value)):
        _variants(flat, name, variants)
    elif normal in FACTS and _facts(flat, value, normal in {"options", "productoptions"}):
        pass
    elif isinstance(value, list):
        _list(flat, name, value)
    elif "#text" in value and field_rank("price", name) is None:  # Its attributes say how it is meant: xml:lang.
        flat.cells[name] = scalar(value["#text"])
    else:
        _mapping(flat, name, value, depth)


def _listed(value: Any) -> list[Any]:
    """Variants however they are written: a list, one alone, a mapping of them, or a list within an element."""
    if isinstance(value, list):
        return value
    inner = list(value.values())
    if len(inner) == 1 and isinstance(inner[0], list):
        return inner[0]
    return inner if inner and all(isinstance(part, dict) for part in inner) else [value]


def _list(flat: Flat, name: str, value: list[Any]) -> None:
    texts = [scalar(part) for part in value if not isinstance(part, dict | list)]
    if texts:
        flat.cells[name] = (
            texts[0]
            if field_rank("category", name) is not None and len(texts) > 1
            else ", ".join(filter(None, texts[:40]))
        )
        return
    named = [
        str(part[key])
        for part in value
        if isinstance(part, dict)
        for key in NAME_KEYS
        if isinstance(part.get(key), str)
    ]
    if field_rank("category", name) is not None or field_rank("brand", name) is not None:
        flat.cells[name] = named[0] if named else ""
    elif field_rank("price", name) is not None and value and isinstance(value[0], dict):
        _mapping(flat, name, value[0], 1)


def _mapping(flat: Flat, name: str, value: dict[str, Any], depth: int) -> None:
    if field_rank("price", name) is not None or norm(name) in {
        "prices",
        "priceusd",
        "pricing",
        "pricerange",
        "pricerangev2",
    }:
        amount, currency = _money(value)
        flat.cells[name] = amount
        if currency:
            flat.cells[f"{name}.currency"] = currency
        return
    if any(field_rank(what, name) is not None for what in ("category", "brand", "title", "description")):
        text = next(
            (
                value[key]
                for key in (*NAME_KEYS, "en", "en_US", "en-US", "default", "html", "#text")
                if isinstance(value.get(key), str)
            ),
            None,
        )
        if text is None and value and all(isinstance(part, str) for part in value.values()):
            text = next(iter(value.values()))
        if text is not None:
            flat.cells[name] = text
            return
    if depth < DEEPEST:
        for key, part in value.items():
            _take(flat, f"{name}.{key}", part, depth + 1)


def _currency(value: dict[str, Any]) -> str:
    """The currency that a mapping names."""
    return next((scalar(part) for key, part in value.items() if norm(key) in CURRENCY_KEYS), "")


def _money(value: dict[str, Any]) -> tuple[str, str]:
    """Amount and currency of a price written as a mapping; units and nanos as Google's Money has them."""
    for key in AMOUNT_KEYS:
        if isinstance(value.get(key), dict):
            return _money(value[key])
    currency = _currency(value)
    if "units" in value or "nanos" in value:
        units, nanos = scalar(value.get("units")) or "0", scalar(value.get("nanos")) or "0"
        if WHOLE.fullmatch(units) and WHOLE.fullmatch(nanos):
            return format((Decimal(units) + Decimal(nanos) / Decimal(10**9)).normalize(), "f"), currency
    for key, places in MINOR_KEYS.items():
        if text := scalar(value.get(key)):
            said = scalar(value.get(places))
            if said or key != "price":
                return from_minor(text, int(said) if said in MINOR_PLACES else _places(currency)), currency
    return next(
        (scalar(value[key]) for key in AMOUNT_KEYS if not isinstance(value.get(key), dict | list | None.__class__)), ""
    ), currency


def _places(currency: str) -> int:
    """How many decimals a currency has."""
    code = currency.upper()
    return 0 if code in currencies().no_decimals else 3 if code in currencies().three_decimals else 2


def _address(value: Any, depth: int = 0) -> str:
    """The first address in an image, a list of them, or a mapping that holds one."""
    if isinstance(value, list):
        return (
            next((found for part in value[:20] if (found := _address(part, depth + 1))), "") if depth < DEEPEST else ""
        )
    if isinstance(value, dict):
        return (
            next((found for key in ADDRESS_KEYS if (found := _address(value.get(key), depth + 1))), "")
            if depth < DEEPEST
            else ""
        )
    return scalar(value)


@lru_cache(maxsize=4096)
def _shared(key: str) -> str:
    """Whether a variant's key is that of a ``currency``, or the ``place`` of an image or page; empty for any other."""
    normal = norm(key)
    if normal in CURRENCY_KEYS:
        return "currency"
    return "place" if normal in IMAGES or field_rank("link", key) is not None else ""


def _lead(flat: Flat, name: str, variant: dict[str, Any]) -> None:
    """Take from the first variant what all share and the product itself may lack: currency, image and page."""
    for key, part in variant.items():
        what = _shared(key)
        if what == "currency":
            flat.cells.setdefault("variant.currency", scalar(part))
        elif what:
            flat.cells.setdefault(f"{name}.{key}", _address(part))


def _variants(flat: Flat, name: str, variants: list[Any]) -> None:
    for place, variant in enumerate(variants):
        if not isinstance(variant, dict):
            continue
        variant = variant.get("node", variant) if isinstance(variant.get("node"), dict) else variant
        amount, currency = _variant_price(variant)
        if amount:
            flat.prices.append(amount)
        if currency:
            flat.cells.setdefault("variant.currency", currency)
        if place == 0:
            _lead(flat, name, variant)
        for slot in range(1, 4):
            if text := scalar(variant.get(f"option{slot}")):
                flat.options.append((slot, "", text))
        chosen = next(filter(None, (variant.get(key) for key in CHOSEN_KEYS)), None)
        flat.options += [(10 + slot, *pair) for slot, pair in enumerate(_pairs(chosen))]


def _variant_price(variant: dict[str, Any]) -> tuple[str, str]:
    """Amount and currency of a variant; of several prices, for countries or customers, the first."""
    price = next(
        (
            part
            for key, part in variant.items()
            if (field_rank("price", key) is not None and norm(key) != "cost") or norm(key) == "lowprice"
        ),
        None,
    )
    amount, currency = _money(price) if isinstance(price, dict) else (scalar(price), "")
    listed = variant.get("prices")
    if not amount and isinstance(listed, list) and listed and isinstance(listed[0], dict):
        return _money(listed[0])
    return amount, currency


def _facts(flat: Flat, value: Any, varying: bool) -> bool:
    """Take names and values, however written; false where it holds none."""
    pairs = list(_pairs(_unwrapped(value)))
    for slot, (name, text) in enumerate(pairs, 1):
        if varying:
            flat.options.append((slot, name, text))
        else:
            flat.attributes.append((name, text))
    return bool(pairs)


def _unwrapped(value: Any) -> Any:
    """Facts without the element around them: ``<attrs><a name="Colour">…</a></attrs>``, or a name for them all."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    (inner,) = value.values()
    if isinstance(inner, dict):  # A value with its unit is one fact, not several.
        return inner if _is_pair(inner) or inner.keys().isdisjoint(VALUE_KEYS) else value
    return inner if isinstance(inner, list) and any(isinstance(part, dict) for part in inner) else value


def _is_pair(value: dict[str, Any]) -> bool:
    """Whether a mapping is one name with its value, as XML has it where there is no second."""
    return any(scalar(value.get(key)) for key in NAME_KEYS) and any(value.get(key) for key in VALUE_KEYS)


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and _is_pair(value):
        value = [value]
    if isinstance(value, dict):
        for name, part in value.items():
            text = ", ".join(scalar(one) for one in part if scalar(one)) if isinstance(part, list) else scalar(part)
            if text and not re.fullmatch(r"[-\d.]+", text):
                yield str(name), text
        return
    for part in value if isinstance(value, list) else []:
        if not isinstance(part, dict):
            continue
        name = next((scalar(part[key]) for key in NAME_KEYS if scalar(part.get(key))), "")
        found = next((part[key] for key in VALUE_KEYS if part.get(key) not in (None, "", [])), None)
        parts = found if isinstance(found, list) else [found]
        texts = [scalar(one.get("name") or one.get("value")) if isinstance(one, dict) else scalar(one) for one in parts]
        if name and any(texts):
            yield name, ", ".join(filter(None, texts))
