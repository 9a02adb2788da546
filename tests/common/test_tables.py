from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from functions.common.records import Candidate, CandidateSet, Creative, Finding, Measures, Product, Source
from functions.common.tables import from_parquet, parquet_rows, stored, to_parquet

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
PRODUCTS = st.builds(
    Product,
    product_id=TEXT,
    title=TEXT,
    description=TEXT,
    category=TEXT,
    brand=TEXT,
    price=st.none() | st.decimals(0, 99_999_999, places=4),
    currency=st.none() | st.sampled_from(["EUR", "JPY"]),
    attributes=st.dictionaries(TEXT, TEXT, max_size=4),
    image_url=TEXT,
    link=TEXT,
    language=TEXT,
    source=st.builds(Source, file=TEXT, row=st.integers(1, 2**40), rows=st.integers(1, 2**40)),
)


@given(st.lists(PRODUCTS, max_size=5))
def test_products_survive_parquet_unchanged(products: list[Product]) -> None:
    assert from_parquet(to_parquet(products, Product), Product) == products


@given(st.lists(PRODUCTS, max_size=3))
def test_records_at_hand_and_records_read_back_have_the_same_bytes(products: list[Product]) -> None:
    data = to_parquet(products, Product)
    (at_hand,) = stored([products], Product)
    assert at_hand == products
    assert to_parquet(at_hand, Product) == data
    assert to_parquet(list(from_parquet(data, Product)), Product) == data


def test_the_same_records_give_the_same_bytes() -> None:
    product = Product(product_id="1", title="Kettle", attributes={"Size": "1 l"}, source=Source(file="a", row=1))
    assert to_parquet([product] * 3, Product) == to_parquet([product] * 3, Product)


def test_records_within_records_survive_with_their_mappings() -> None:
    product = Product(product_id="1", title="Kettle", attributes={"Size": "1 l"}, source=Source(file="a", row=1))
    written = CandidateSet(
        product=product,
        candidates=[
            Candidate(field="headline", text="A kettle", logprob=-1.5),
            Candidate(field="cta", text="Shop now"),
        ],
        model_version="m",
        prompt_version="p",
        brand_version="b",
    )
    assert from_parquet(to_parquet([written], CandidateSet), CandidateSet) == [written]


def test_a_creative_without_measures_survives() -> None:
    finding = Finding(rule="length", severity="gate", field="headline", found="x", message="too long")
    creative = Creative(
        creative_id="c",
        product_id="1",
        platform="meta_feed",
        fields={"headline": ["A kettle", "Boils a litre"], "hashtag": []},
        status="needs_review",
        score=None,
        measures=None,
        findings=[finding],
        language="en",
        model_version="m",
        prompt_version="p",
        brand_version="b",
    )
    measures = Measures(relevance=0.5, coverage=1.0, fluency=0.25, voice=0.0, diversity=1.0)
    scored = msgspec.structs.replace(creative, measures=measures, score=0.5)
    assert from_parquet(to_parquet([creative, scored], Creative), Creative) == [creative, scored]


def test_rows_are_counted_without_reading_them() -> None:
    product = Product(product_id="1", title="Kettle", price=Decimal("1.5"), source=Source(file="a", row=1))
    assert parquet_rows(to_parquet([product] * 7, Product)) == 7
    assert parquet_rows(to_parquet([], Product)) == 0


def test_tables_made_together_have_the_bytes_of_tables_made_one_by_one() -> None:
    source = Source(file="a", row=1)
    lamp = Product(product_id="1", title="Lamp", attributes={"Size": "1 l", "Colour": "Oat"}, source=source)
    groups = [[lamp], [], [lamp, Product(product_id="2", title="Stool", price=Decimal("1.5"), source=source)]]
    assert [table.data for table in stored(groups, Product)] == [to_parquet(group, Product) for group in groups]
