"""The contract on the product table: what every product keeps to before anything is written for it.

Each rule is one polars expression, true where a product keeps it. The pandera schema is built from the same
expressions, once; where it refuses a table, they tell which product broke which rule.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import pandera.polars as pa
import polars as pl

from functions.common.currencies import currencies
from functions.common.records import Product
from functions.common.tables import frame_schema

OPTIONAL = frozenset({"price", "currency"})
LONGEST_ID = 255
"""Shopify's limit on a handle, the longest identifier among the shops that are read."""
LONGEST_TITLE = 300
LONGEST_DESCRIPTION = 50_000
LONGEST_URL = 2048
"""Meta and Google refuse longer ones (https://support.google.com/merchants/answer/6324416)."""

HIGHEST_PRICE = 10_000_000
HIGHEST_SMALL_UNIT = 100_000_000_000

PLACEHOLDER = (
    r"(?i)^\W*(?:test|testing|test product|tests?\W?\d+|sample|sample product|example|example product|dummy|"
    r"dummy product|placeholder|untitled|untitled product|no title|no name|unnamed|new product|my product|product|"
    r"product name|product title|title|name|item|n/?a|nan|nil|null|\(null\)|none|undefined|undef|true|false|tbd|tba|"
    r"todo|to do|x{2,9}|asdf+|qwerty|foo|bar|foobar|abc|delete|do not use|"
    r"\#(?:n/a|ref!?|name\??|value!?|null!?|div/0!?))\W*$"
)
# Words of the texts that designers fill gaps with, none of which means anything in a living language's shop text.
FILLER = (
    "lorem ipsum consectetur consectetuer adipiscing eiusmod incididunt pellentesque habitant senectus netus malesuada "
    "vestibulum feugiat ultricies egestas eleifend placerat aenean curabitur suspendisse phasellus praesent vivamus "
    "maecenas fusce etiam tincidunt scelerisque sollicitudin condimentum hendrerit iuvaret civibus appetere liberavisse"
)
FILLERS = f"(?i-u:{'|'.join(FILLER.split())})"
CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]"
ADDRESS = r"^https?://[^\s/?#@\\<>\"]+(?:[/?#][^\s\\<>\"]*)?$"
LANGUAGE = r"^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?$"
MARKUP = r"<(?:[a-zA-Z/!][^<>]*)>"


class Rule(NamedTuple):
    """One law of the contract.

    Attributes:
        name: as it stands in quarantine and in metrics.
        field: of the product, whose value is shown.
        keeps: true where a product keeps it.
        advice: follows on "file row N: field "value" ".
    """

    name: str
    field: str
    keeps: pl.Expr
    advice: str


@cache
def rules() -> tuple[Rule, ...]:
    """The laws, in the order in which the first broken one is named."""
    return (*_title_rules(), *_text_rules(), *_price_rules(), *_form_rules())


def _title_rules() -> Iterator[Rule]:
    title, own = pl.col("title"), pl.col("product_id")
    named = ~title.str.contains(PLACEHOLDER) & title.str.contains(r"\p{L}")
    yield Rule(
        "id_length",
        "product_id",
        own.str.len_chars().is_between(1, LONGEST_ID),
        f"has to be 1 to {LONGEST_ID} characters long; shorten it",
    )
    yield Rule(
        "title_missing",
        "title",
        title.str.contains(r"\S"),
        "is empty, so there is nothing to advertise; give the product a title",
    )
    yield Rule("title_placeholder", "title", named, "names no product; write the product's name")
    yield Rule(
        "title_filler",
        "title",
        ~title.str.contains(r"(?i)lorem\s+ipsum"),
        "is filler text; write what the product is, or delete the product",
    )
    yield Rule(
        "title_length",
        "title",
        title.str.len_chars() <= LONGEST_TITLE,
        f"is longer than {LONGEST_TITLE} characters; move the rest to the description",
    )
    yield Rule(
        "title_line",
        "title",
        ~title.str.contains("\n", literal=True),
        "holds a line break; write the title on one line",
    )


def _text_rules() -> Iterator[Rule]:
    title, description = pl.col("title"), pl.col("description")
    said = pl.concat_str(["product_id", "title", "description", "category", "brand"], separator="\n")
    yield Rule(
        "description_filler",
        "description",
        ~description.str.contains(r"(?i)lorem\s+ips[ue]m") & (description.str.count_matches(FILLERS) < 4),
        "is filler text in Latin, and an ad would rest on it;"
        " write what the product is, or leave the description empty",
    )
    yield Rule(
        "description_length",
        "description",
        description.str.len_chars() <= LONGEST_DESCRIPTION,
        f"is longer than {LONGEST_DESCRIPTION} characters; shorten it",
    )
    yield Rule(
        "control_characters",
        "description",
        ~said.str.contains(CONTROL),
        "stands in a product with control characters; delete them, or export again as UTF-8",
    )
    yield Rule(
        "text_damaged",
        "description",
        ~said.str.contains("\ufffd", literal=True),
        "stands in a product with damaged characters (\ufffd); export again as UTF-8",
    )
    yield Rule(
        "markup",
        "description",
        ~title.str.contains(MARKUP) & ~description.str.contains(MARKUP),
        "stands in a product with HTML tags; give plain text",
    )


def _price_rules() -> Iterator[Rule]:
    price, currency = pl.col("price"), pl.col("currency")
    small = currency.is_null() | currency.is_in(sorted(currencies().small_unit))
    highest = pl.when(small).then(HIGHEST_SMALL_UNIT).otherwise(HIGHEST_PRICE)
    yield Rule(
        "price_negative",
        "price",
        price.is_null() | (price >= 0),
        "is negative; write a price of 0 or more, or leave it empty",
    )
    yield Rule(
        "price_plausible",
        "price",
        price.is_null() | (price <= highest),
        "is higher than any price that is likely in its currency; check the decimal point",
    )
    yield Rule(
        "currency_iso",
        "currency",
        currency.is_null() | currency.is_in(sorted(currencies().codes)),
        "is no ISO 4217 code; write one such as EUR, or set the currency for the whole catalogue",
    )


def _form_rules() -> Iterator[Rule]:
    for name in ("image_url", "link"):
        url = pl.col(name)
        yield Rule(
            f"{name}_address",
            name,
            (url == "") | (url.str.contains(ADDRESS) & (url.str.len_bytes() <= LONGEST_URL)),
            "is no web address that can be given on; write http:// or https:// with a host and no user name or"
            " password, or leave it empty",
        )
    yield Rule(
        "language_tag",
        "language",
        pl.col("language").str.contains(LANGUAGE),
        "is no language tag; write one such as en, pt-BR or und",
    )


@cache
def schema() -> pa.DataFrameSchema:
    """The contract as a pandera schema: the record's columns and types, and each rule as a check of the table."""
    columns = {name: pa.Column(kind, nullable=name in OPTIONAL) for name, kind in frame_schema(Product).items()}
    return pa.DataFrameSchema(
        columns,
        checks=[pa.Check(_asked(rule), name=rule.name, error=rule.advice) for rule in rules()],
        strict=True,
        ordered=True,
        name="products",
    )


def _asked(rule: Rule) -> Callable[[pa.PolarsData], pl.LazyFrame]:
    return lambda data: data.lazyframe.select(rule.keeps.fill_null(False))


def broken(frame: pl.DataFrame) -> list[tuple[int, Rule]]:
    """Which products break the contract, by row of the table, each with the first rule that it breaks.

    pandera takes a hundred times as long to ask the rules one by one as polars takes for all of them at once, so
    polars asks first, and pandera has the last word on a table that does not keep them all.

    Raises:
        pandera.errors.SchemaErrors: the table itself is not one of products.
    """
    verdicts = frame.select(_verdicts()) if frame.schema == _types() else None
    if verdicts is not None and all(verdicts.row(0)):
        return []
    try:
        schema().validate(frame, lazy=True)
    except pa.errors.SchemaErrors:
        if verdicts is None:
            raise
    kept = frame.select(rule.keeps.fill_null(False).alias(rule.name) for rule in rules())
    return [
        (place, next(rule for rule, keeps in zip(rules(), row, strict=True) if not keeps))
        for place, row in enumerate(kept.iter_rows())
        if not all(row)
    ]


@cache
def _verdicts() -> list[pl.Expr]:
    """For each rule, whether all products of a table keep it."""
    return [rule.keeps.fill_null(False).all().alias(rule.name) for rule in rules()]


@cache
def _types() -> pl.Schema:
    return pl.Schema(frame_schema(Product))
