from collections.abc import Callable
from typing import Any

import msgspec

from functions.common.batches import Settings
from functions.ingest.inspect import Inspection, inspect
from functions.validate import stage as validate

Make = Callable[..., Any]
TEXT = (
    "id,title,description,price,image_link,Stock\n"
    "1,Oak stool,Three legs of oak.,9 EUR,https://s.example.com/1.jpg,5\n"
    "1,Oak stool again,,,,5\n"
    "2,Ash bench,Lorem ipsum dolor sit amet,8 EUR,,5\n"
    "3,,Nothing,8 EUR,,5\n"
    "4,Shelf,Of elm.,oops,,5\n"
    "5,Hook,Of iron.,,,5\n"
)


def look(make: Make, data: str, **values: Any) -> Inspection:
    return inspect(make(data), Settings(platforms=["meta_feed"], **values), validate.run, languages=False)


def test_an_inspection_balances_over_both_stages(catalogue: Make) -> None:
    found = look(catalogue, TEXT)
    assert (found.rows, found.products, found.merged, found.quarantined) == (6, 2, 1, 3)
    assert [product.title for product in found.samples] == ["Oak stool", "Hook"]


def test_an_inspection_tells_how_each_column_was_read(catalogue: Make) -> None:
    found = look(catalogue, TEXT)
    read = {column.name: column.read_as for column in found.columns}
    assert read == {
        "id": "product_id",
        "title": "title",
        "description": "description",
        "price": "price",
        "image_link": "image_url",
        "Stock": "ignored",
    }
    assert {column.name: column.filled for column in found.columns}["image_link"] == round(1 / 6, 3)
    assert (found.encoding, found.delimiter) == ("utf-8", ",")


def test_an_inspection_counts_refusals_by_rule_with_examples(catalogue: Make) -> None:
    refused = {entry.rule: entry for entry in look(catalogue, TEXT).refusals}
    assert {rule: entry.count for rule, entry in refused.items()} == {
        "price_number": 1, "title_missing": 1, "description_filler": 1,
    }  # fmt: skip
    assert refused["price_number"].example == (
        'shop.csv row 5: price "oops" is not a number; write it as 19.99 or leave it empty'
    )


def test_rows_of_a_refused_product_are_quarantined_rows(catalogue: Make) -> None:
    found = look(catalogue, "Handle,Title,Body (HTML),Option1 Value\na,Test,,S\na,,,M\na,,,L\nb,Oak stool,,S\n")
    assert (found.rows, found.products, found.merged, found.quarantined) == (4, 1, 0, 3)


def test_an_inspection_is_json(catalogue: Make) -> None:
    found = look(catalogue, TEXT, currency="GBP")
    again = msgspec.json.decode(msgspec.json.encode(found), type=Inspection)
    assert again.currencies == {"EUR": 1, "": 1}
    assert set(msgspec.to_builtins(found)) >= {
        "format",
        "encoding",
        "rows",
        "products",
        "merged",
        "quarantined",
        "columns",
    }
