"""What the report page holds, and how it is put together."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.common.batches import Batch
from functions.common.storage import FolderStore
from functions.export import page
from functions.export.exports import write_exports

Make = Callable[..., Any]
Kept = Callable[..., tuple[FolderStore, Batch]]
BLOCK = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)


def held(path: Path) -> Any:
    """The data that the page carries."""
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    assert len(blocks) == 1
    return msgspec.json.decode(blocks[0])


def test_page_holds_every_product_ad_and_refused_row(
    tmp_path: Path, product: Make, creative: Make, refusal: Make, kept: Kept, finding: Any
) -> None:
    mugs = [product(number) for number in range(5)]
    ads = [creative(mug, findings=[finding], status="needs_review") for mug in mugs]
    data = held(write_exports(*kept(tmp_path / "store", mugs, ads, [refusal(7)]), tmp_path / "out").report)
    assert [item["title"] for item in data["products"]] == [mug.title for mug in mugs]
    ad = data["products"][0]["ads"][0]
    assert ad["findings"] == [msgspec.to_builtins(finding)]
    assert ad["measures"][0] == ["relevance", 0.9]
    assert ["headline", [["Mug for the dishwasher", 22]]] in ad["fields"]
    assert data["versions"] == [["Model", ["model-7"]], ["Prompt", ["prompt-3"]], ["Brand", ["brand-1"]]]
    assert [(row["row"], row["rule"], row["found"]) for row in data["quarantine"]] == [(7, "price_number", "abc")]


def test_attributes_keep_their_order_whatever_their_names(
    tmp_path: Path, product: Make, creative: Make, kept: Kept
) -> None:
    attributes = {"Size": "M", "2": "two", "1": "one", "__proto__": "x", "constructor": "y"}
    mug = product(attributes=attributes)
    data = held(write_exports(*kept(tmp_path / "store", [mug], [creative(mug)]), tmp_path / "out").report)
    assert data["products"][0]["attributes"] == [list(pair) for pair in attributes.items()]


@pytest.mark.parametrize(("shown", "titles"), [(3, [0, 4, 9]), (2, [4, 9]), (1, [4]), (10, list(range(10)))])
def test_products_that_need_a_look_are_on_the_page_before_others(
    shown: int, titles: list[int], tmp_path: Path, product: Make, creative: Make, kept: Kept
) -> None:
    mugs = [product(number) for number in range(10)]
    ads = [creative(mug, status="rejected" if number in (4, 9) else "ready") for number, mug in enumerate(mugs)]
    exports = write_exports(*kept(tmp_path / "store", mugs, ads), tmp_path / "out", products_shown=shown)
    data = held(exports.report)
    assert [item["id"] for item in data["products"]] == [f"mug-{number}" for number in titles]
    assert data["totals"] == {
        "products": 10, "shown": shown, "attention": 2, "waiting": 0, "creatives": 10, "quarantined": 0,
    }  # fmt: skip
    assert exports.shown == shown
    assert exports.jsonl.read_bytes().count(b"\n") == 10


def test_quarantine_beyond_the_page_is_counted(
    tmp_path: Path, product: Make, creative: Make, refusal: Make, kept: Kept
) -> None:
    rows = [refusal(row) for row in range(page.QUARANTINE_SHOWN + 5)]
    data = held(
        write_exports(*kept(tmp_path / "store", [product()], [creative(product())], rows), tmp_path / "o").report
    )
    assert len(data["quarantine"]) == page.QUARANTINE_SHOWN
    assert data["totals"]["quarantined"] == page.QUARANTINE_SHOWN + 5


def test_data_cannot_end_its_block() -> None:
    hostile = "</script><!--<script>&amp;\u2028\u2029"
    text = page.embedded({"title": hostile})
    assert not set("<>&\u2028\u2029") & set(text)
    assert msgspec.json.decode(text) == {"title": hostile}


def test_data_that_looks_like_a_slot_of_the_template_is_left_alone(
    tmp_path: Path, product: Make, creative: Make, kept: Kept
) -> None:
    mug = product(title="{{report.css}} {{data}} {{policy}}")
    report = write_exports(*kept(tmp_path / "store", [mug], [creative(mug)]), tmp_path / "out").report
    assert held(report)["products"][0]["title"] == mug.title


def test_policy_allows_the_pages_own_code_by_hash_and_nothing_else() -> None:
    head, tail = page.shell()
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', head)[0]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", head + tail, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", head + tail, re.DOTALL)
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [f"'sha256-{page.fingerprint(text)}'" for text in scripts]
    assert rules["style-src"].split() == [f"'sha256-{page.fingerprint(text)}'" for text in styles]
    assert len(scripts) == 4
    assert len(styles) == 2


def test_page_names_no_outside_asset_and_parses_no_html() -> None:
    text = "".join(page.shell())
    assert not re.findall(r"https?://|@import|url\(|\ssrc=", text)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", text)


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        (None, "GBP", ""),
        (Decimal("24.0000"), "GBP", "24.00 GBP"),
        (Decimal("24.5"), None, "24.50"),
        (Decimal("0.1250"), "EUR", "0.125 EUR"),
        (Decimal("1200000"), "JPY", "1200000.00 JPY"),
    ],
)
def test_price_is_written_with_its_currency(price: Decimal | None, currency: str | None, text: str) -> None:
    assert page.money(price, currency) == text


def test_a_long_description_is_cut_with_a_mark() -> None:
    text = page.shortened("mug " * 1000)
    assert text.endswith("mug […]")
    assert len(text) <= page.DESCRIPTION_SHOWN + 4
    assert page.shortened("mug") == "mug"
