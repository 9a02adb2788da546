import csv
import io
import itertools
import random
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.batches import keep, step
from functions.common.errors import PassingError
from functions.common.records import Product
from functions.common.storage import FolderStore
from functions.ingest import index, stage
from functions.validate import stage as validate
from tests.ingest.conftest import read

Ingest = Callable[..., Any]


def table(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([["id", "title", "description", "price"], *rows])
    return out.getvalue()


def test_products_come_in_parts_of_the_size_asked_for(ingest: Ingest) -> None:
    found = ingest(table([[str(n), f"Stool {n}", "", "9"] for n in range(700)]))
    assert found.parts == [256, 256, 188]
    assert ingest(table([["1", "a", "", ""]] * 3), part_rows=2).parts == [1]


def test_a_part_is_filled_although_duplicates_are_merged(ingest: Ingest) -> None:
    rows = [[str(n // 2), f"Stool {n // 2}", "", "9"] for n in range(40)]
    assert ingest(table(rows), part_rows=8).parts == [8, 8, 4]


def test_duplicates_by_id_or_by_title_and_text_are_merged_and_counted(ingest: Ingest) -> None:
    found = ingest(
        table(
            [
                ["1", "Oak stool", "Three legs.", "9"],
                ["2", "OAK  STOOL", "three  legs.", "8"],
                ["3", "Oak stool", "Four legs.", "9"],
                ["1", "Other name", "Other text.", "7"],
                ["4", "Other name", "Other text.", "6"],
            ]
        )
    )
    assert [p.product_id for p in found.products] == ["1", "3", "4"]
    assert found.counts == {"rows": 5, "products": 3, "merged": 2, "quarantined": 0}
    assert found.products[0].source.rows == 3


def test_products_without_text_that_differ_in_traits_are_not_duplicates(ingest: Ingest) -> None:
    found = ingest("id,title,color\n1,Bead,Red\n2,Bead,Blue\n3,Bead,Red\n")
    assert [p.product_id for p in found.products] == ["1", "2"]


def test_a_duplicate_many_parts_later_is_merged(ingest: Ingest) -> None:
    rows = [[str(n), f"Stool {n}", "", "9"] for n in range(600)] + [
        ["5", "", "", ""],
        ["x", "Stool 6", "", ""],
        ["6", "Again", "", ""],
    ]
    found = ingest(table(rows))
    assert found.counts == {"rows": 603, "products": 600, "merged": 3, "quarantined": 0}


def test_a_row_without_title_is_quarantined_with_what_to_do(ingest: Ingest) -> None:
    (entry,) = ingest(table([["1", "A", "", ""], ["2", " ", "Text", "5"]])).quarantined
    assert (entry.rule, entry.field, entry.source.row) == ("title_missing", "title", 2)
    assert entry.advice.startswith("shop.csv row 2: has no title")
    assert '"description":"Text"' in entry.record


@pytest.mark.parametrize(("price", "rule"), [("abc", "price_number"), ("-5", "price_negative")])
def test_a_price_that_cannot_be_read_quarantines_its_row_alone(ingest: Ingest, price: str, rule: str) -> None:
    found = ingest(table([["1", "A", "", "9"], ["2", "B", "", price], ["3", "C", "", ""]]))
    assert found.titles == ["A", "C"]
    (entry,) = found.quarantined
    assert (entry.rule, entry.found) == (rule, price)
    assert entry.advice.startswith(f'shop.csv row 2: price "{price}" is')


def test_a_variant_with_a_bad_price_is_refused_without_its_product(ingest: Ingest) -> None:
    found = ingest(
        "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price\n"
        "mug,Mug,Clay.,Size,S,9\nmug,,,,M,oops\nmug,,,,L,8\ncup,Cup,Clay too.,Size,S,free\ncup,,,,M,7\n"
    )
    (mug,) = found.products
    assert (mug.price, mug.attributes, mug.source.rows) == (Decimal(8), {"Size": "S, L"}, 2)
    assert [(entry.rule, entry.source.rows) for entry in found.quarantined] == [
        ("price_number", 1),
        ("price_number", 2),
    ]


def test_nothing_is_no_price(ingest: Ingest) -> None:
    assert ingest(table([["1", "A", "", "0.00"]])).products[0].price is None


def test_the_setting_gives_prices_a_currency_where_the_catalogue_has_none(ingest: Ingest) -> None:
    text = "title,price\nA,9\nB,$9\nC,9 GBP\nD,\n"
    assert [p.currency for p in ingest(text, currency="CAD").products] == ["CAD", "CAD", "GBP", None]
    assert [p.currency for p in ingest(text).products] == [None, "USD", "GBP", None]
    assert ingest("title,price,currency\nA,$9,NZD\n").products[0].currency == "NZD"


def test_a_limit_of_products_ends_the_reading(ingest: Ingest) -> None:
    rows = [[str(n), f"Stool {n}", "", "9"] for n in range(900)]
    found = ingest(table(rows), limit=300)
    assert found.parts == [256, 44]
    assert found.counts["rows"] == 300
    shop = "Handle,Title,Variant Price\n" + "".join(f"h{n},T{n},5\nh{n},,6\n" for n in range(50))
    assert ingest(shop, limit=7).counts == {"rows": 14, "products": 7, "merged": 7, "quarantined": 0}


def test_a_limit_counts_products_and_not_duplicates(ingest: Ingest) -> None:
    rows = [["1", "Stool", "", "9"]] * 20 + [["2", "Bench", "", "9"], ["3", "Shelf", "", "9"]]
    assert ingest(table(rows), limit=2).titles == ["Stool", "Bench"]


def test_a_catalogue_of_refusals_still_gives_a_part(ingest: Ingest) -> None:
    found = ingest(table([["1", "", "", "5"], ["2", "", "", "5"]]))
    assert found.parts == [0]
    assert found.counts["quarantined"] == 2


def test_many_refusals_do_not_pile_up_in_one_part(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MOST_REFUSED", 10)
    found = ingest(table([["", "", "", "5"]] * 35 + [["1", "A", "", ""]]))
    assert len(found.parts) == 4
    assert found.counts == {"rows": 36, "products": 1, "merged": 0, "quarantined": 35}


def test_a_full_temporary_folder_is_a_passing_fault(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(index.Seen, "remember", full)
    with pytest.raises(PassingError, match=r"disk is full.*set TMPDIR"):
        ingest(table([["1", "A", "", ""]]))


def test_reading_twice_gives_the_same(ingest: Ingest) -> None:
    rows = [[str(n % 50), f"Stool {n % 37}", "x" * (n % 5), "9"] for n in range(300)]
    assert ingest(table(rows)) == ingest(table(rows))


HANDLES = st.sampled_from(["mug", "cup", "jug", "", "bowl"])
TITLES = st.sampled_from(["", "Mug", "Cup", "Jug"])
ROWS = st.lists(
    st.tuples(HANDLES, TITLES, st.sampled_from(["", "S", "M"]), st.sampled_from(["", "5", "oops", "-1", "7"])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(
    ROWS,
    st.sampled_from(
        ["Handle,Title,Option1 Value,Variant Price", "id,title,size,price", "id,title,color,price,item_group_id"]
    ),
)
def test_no_row_is_lost_however_rows_are_mixed(rows: list[tuple[str, ...]], header: str) -> None:
    rows = [*rows, ("last", "Last", "", "1")]
    lines = [",".join(row) for row in rows]
    found = read(header + "\n" + "\n".join(lines) + "\n", part_rows=3)
    assert found.counts["rows"] == sum(1 for row in rows if any(row))
    assert sum(p.source.rows for p in found.products) + found.counts["quarantined"] <= found.counts["rows"]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_variant_rows_does_not_change_a_product(draw: random.Random) -> None:
    rows = [f"h{n},,{size},{5 + n}" for n, size in itertools.product(range(4), "SM")]
    rows += [f"h{n},Title {n},L,{9 + n}" for n in range(4)]
    draw.shuffle(rows)
    found = read("Handle,Title,Option1 Value,Variant Price\n" + "\n".join(rows) + "\n")
    assert {p.product_id: (p.title, p.price, p.source.rows) for p in found.products} == {
        f"h{n}": (f"Title {n}", Decimal(5 + n), 3) for n in range(4)
    }


def test_what_is_kept_is_read_back_by_the_next_stage(catalogue: Callable[..., Any], tmp_path: Any) -> None:
    from functions.common.batches import Batch, Settings

    store, batch = FolderStore(tmp_path), Batch.of("shop.csv", "", Settings(platforms=["meta_feed"]))
    source = catalogue(
        table([[str(n), f"Stool {n}", "Lorem ipsum dolor" if n == 3 else "Oak.", f"{n}.50"] for n in range(1, 400)])
    )
    for result in stage.run(source, batch, languages=False):
        keep(store, batch, "ingest", result)
        step(store, batch, "validate", result.number, ("products", Product), validate.run)
    names = list(store.names(f"ledger/{batch.batch_id}/validate"))
    assert len(names) == 2
