from decimal import Decimal

import msgspec
import pytest

from functions.common.batches import Batch, Part, Settings
from functions.common.records import Product, Source
from functions.validate.stage import run, run_all

BATCH = Batch.of("shop.csv", "", Settings(platforms=["meta_feed"]))


def product(number: int, **values: object) -> Product:
    source = Source(file="shop.csv", row=number, rows=number)
    kept = {"product_id": str(number), "title": f"Stool {number}", "source": source}
    return Product(**(kept | values))  # type: ignore[arg-type]


def test_one_bad_product_does_not_drop_the_others() -> None:
    part = Part(BATCH, 4, [product(1), product(2, title="Test"), product(3)])
    result = run(part)
    valid, refused = result.outputs
    assert result.number == 4
    assert [item.product_id for item in valid.records] == ["1", "3"]
    assert result.counts == {"products": 3, "validated": 2, "quarantined": 1, "rows_quarantined": 2}
    assert (valid.folder, refused.folder) == ("validated", "quarantine/validate")


def test_a_refused_product_says_where_what_and_what_to_do() -> None:
    bad = product(17, price=Decimal("-5.00"), currency="EUR")
    (entry,) = run(Part(BATCH, 0, [bad])).outputs[1].records
    assert (entry.rule, entry.field, entry.found, entry.source) == ("price_negative", "price", "-5.00", bad.source)
    assert entry.advice == 'shop.csv row 17: price "-5.00" is negative; write a price of 0 or more, or leave it empty'
    assert msgspec.json.decode(entry.record, type=Product) == bad


def test_long_values_are_shown_short_and_kept_whole() -> None:
    (entry,) = run(Part(BATCH, 0, [product(1, title="x" * 5000)])).outputs[1].records
    assert len(entry.found) == 200
    assert len(entry.advice) < 250
    assert "x" * 5000 in entry.record


@pytest.mark.parametrize("count", [0, 1, 256])
def test_a_part_of_any_size_balances(count: int) -> None:
    result = run(Part(BATCH, 0, [product(number, title="" if number % 3 else "Stool") for number in range(count)]))
    counts = result.counts
    assert counts["products"] == counts["validated"] + counts["quarantined"] == count


def test_parts_validated_together_come_to_what_each_comes_to_alone() -> None:
    bad = product(2, title="Test")
    parts = [Part(BATCH, 0, [product(1), bad]), Part(BATCH, 1, []), Part(BATCH, 2, [bad, bad, product(3)])]
    assert run_all(parts) == [run(part) for part in parts]
    assert [result.counts["quarantined"] for result in run_all(parts)] == [1, 0, 2]
