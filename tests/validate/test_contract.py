from decimal import Decimal
from typing import Any

import msgspec
import pandera.errors
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.records import Product, Source
from functions.common.tables import to_frame
from functions.validate.contract import broken, rules

PLACEHOLDERS = ["Test", "test product", "NULL", "undefined", "-", "...", "123", "#REF!", "Untitled", "xxx", "N/A"]
NO_ADDRESSES = [
    "ftp://a.example.com/x",
    "https://",
    "https://u:p@a.example.com/",
    "x.jpg",
    "https://a.example.com/ b",
    "javascript:alert(1)",
    "https://a.example.com/" + "x" * 2048,
]
LOREM = "Pellentesque habitant morbi tristique senectus et netus et malesuada fames ac turpis egestas."


def product(**values: Any) -> Product:
    plain = Product(product_id="1", title="Oak stool", description="Three legs.", source=Source(file="shop.csv", row=1))
    return msgspec.structs.replace(plain, **values)


def broken_by(*products: Product) -> list[tuple[int, str]]:
    return [(place, rule.name) for place, rule in broken(to_frame(list(products), Product))]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"product_id": ""}, "id_length"),
        ({"product_id": "x" * 256}, "id_length"),
        ({"title": ""}, "title_missing"),
        ({"title": "  "}, "title_missing"),
        *(({"title": title}, "title_placeholder") for title in PLACEHOLDERS),
        ({"title": "Lorem ipsum dolor"}, "title_filler"),
        ({"title": "Oak " * 75 + "x"}, "title_length"),
        ({"title": "Oak\nstool"}, "title_line"),
        ({"description": "Lorem ipsum dolor sit amet"}, "description_filler"),
        ({"description": LOREM}, "description_filler"),
        ({"description": "x" * 50_001}, "description_length"),
        ({"description": "a\x07b"}, "control_characters"),
        ({"brand": "a\x9fb"}, "control_characters"),
        ({"description": "caf\ufffd"}, "text_damaged"),
        ({"title": "Oak <b>stool</b>"}, "markup"),
        ({"description": "Oak <b>x"}, "markup"),
        ({"description": "Oak <script>x</script>"}, "markup"),
        ({"price": Decimal("-0.01"), "currency": "EUR"}, "price_negative"),
        ({"price": Decimal(10_000_001), "currency": "EUR"}, "price_plausible"),
        ({"price": Decimal(1), "currency": "EURO"}, "currency_iso"),
        ({"price": Decimal(1), "currency": "eur"}, "currency_iso"),
        *(({"image_url": url}, "image_url_address") for url in NO_ADDRESSES),
        ({"link": "http:///x"}, "link_address"),
        ({"language": "English"}, "language_tag"),
        ({"language": ""}, "language_tag"),
    ],
)
def test_each_rule_refuses_what_breaks_it(values: dict[str, Any], rule: str) -> None:
    assert broken_by(product(), product(**values), product()) == [(1, rule)]


@pytest.mark.parametrize(
    "values",
    [
        {"product_id": "x" * 255},
        {"title": "Oak " * 75},
        {"title": "Testosterone booster test kit"},
        {"title": "Item 7 desk"},
        {"title": "椅子"},
        {"description": ""},
        {"description": "Dolor is Spanish for pain; the tempor of a labore amet."},
        {"description": "x" * 50_000},
        {"description": "one\ntwo"},
        {"description": "5 < 6 and 7 > 3"},
        {"price": Decimal(0), "currency": "EUR"},
        {"price": Decimal(10_000_000), "currency": "EUR"},
        {"price": Decimal(14_000_000), "currency": "VND"},
        {"price": Decimal(14_000_000)},
        {"price": None, "currency": None},
        {"image_url": "http://localhost:8080/a.jpg?x=1#y"},
        {"image_url": "https://bücher.example/ä.jpg"},
        {"language": "pt-BR"},
        {"language": "zh-Hant-TW"},
        {"language": "und"},
    ],
)
def test_what_keeps_every_rule_passes(values: dict[str, Any]) -> None:
    assert broken_by(product(**values)) == []


def test_each_broken_product_is_named_with_its_first_rule() -> None:
    found = broken_by(product(title="", language="?"), product(), product(language="?"))
    assert found == [(0, "title_missing"), (2, "language_tag")]


def test_every_rule_has_a_name_of_its_own_and_advice() -> None:
    names = [rule.name for rule in rules()]
    assert len(set(names)) == len(names)
    assert all(rule.advice and rule.field in Product.__struct_fields__ for rule in rules())


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.drop("brand"),
        lambda frame: frame.with_columns(more=pl.lit(1)),
        lambda frame: frame.with_columns(pl.col("price").cast(pl.Float64)),
        lambda frame: frame.select(reversed(frame.columns)),
    ],
)
def test_a_table_of_another_form_is_a_fault_and_no_finding(change: Any) -> None:
    with pytest.raises(pandera.errors.SchemaErrors):
        broken(change(to_frame([product()], Product)))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_judged_without_a_crash(title: str, description: str) -> None:
    try:
        title.encode()
        description.encode()
    except UnicodeEncodeError:
        return
    assert len(broken_by(product(title=title, description=description))) <= 1
