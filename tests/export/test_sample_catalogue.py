"""The sample catalogue is what the README says of it: 24 good products in 8 shelves, and five rows with a fault."""

import csv
from pathlib import Path

import pytest

from functions.common.brand import read_brand

DATA = Path(__file__).parents[1] / "data"
SHELVES = {
    "kitchen": ["Aprons", "Cookware", "Coffee"],
    "apparel": ["Hats", "Jackets", "Socks"],
    "beauty": ["Hand care", "Soap", "Shaving"],
    "food": ["Crackers", "Tea", "Sauces"],
    "outdoor": ["Dry bags", "Flasks", "Tarps"],
    "toys": ["Wooden toys", "Science toys", "Marble runs"],
    "pets": ["Leads", "Treats", "Scratchers"],
    "stationery": ["Notebooks", "Desk", "Cards"],
}
FAULTY = {
    "untitled-enamel-mug",
    "bamboo-salad-servers",
    "lavender-pillow-mist",
    "copper-magnet-bracelet",
    "heron-merino-beanie-copy",
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (DATA / "sample-catalogue.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_every_row_has_every_column_of_the_export_of_2024(rows: list[dict[str, str]]) -> None:
    assert all(None not in row and None not in row.values() for row in rows)
    assert {"Handle", "Body (HTML)", "Product Category", "Option1 Linked To", "Unit Price Base Measure"} <= set(rows[0])


def test_good_products_fill_eight_shelves(rows: list[dict[str, str]]) -> None:
    types = [row["Type"] for row in rows if row["Title"] and row["Handle"] not in FAULTY]
    assert types == [name for names in SHELVES.values() for name in names]


def test_variants_and_images_follow_their_product(rows: list[dict[str, str]]) -> None:
    handles = [row["Handle"] for row in rows]
    firsts = [handle for number, handle in enumerate(handles) if number == 0 or handles[number - 1] != handle]
    assert len(firsts) == len(set(firsts)) == 24 + len(FAULTY)
    assert len(rows) > len(firsts)


def test_faults_are_the_ones_that_are_meant(rows: list[dict[str, str]]) -> None:
    faulty = {row["Handle"]: row for row in rows if row["Handle"] in FAULTY}
    good = [row for row in rows if row["Handle"] not in FAULTY]
    assert set(faulty) == FAULTY
    assert faulty["untitled-enamel-mug"]["Title"] == ""
    assert faulty["bamboo-salad-servers"]["Variant Price"] == "abc"
    assert "Ignore all previous instructions" in faulty["lavender-pillow-mist"]["Body (HTML)"]
    assert "cure arthritis" in faulty["copper-magnet-bracelet"]["Body (HTML)"]
    assert faulty["heron-merino-beanie-copy"]["Title"] in {row["Title"] for row in good}
    assert all(float(row["Variant Price"]) > 0 for row in good if row["Variant Price"])


def test_every_address_is_invented(rows: list[dict[str, str]]) -> None:
    addresses = [row["Image Src"] for row in rows if row["Image Src"]]
    assert addresses
    assert all(address.startswith("https://cdn.harrowandfinch.example/products/") for address in addresses)


def test_the_shops_brand_can_be_read() -> None:
    brand = read_brand(DATA / "brand.yaml")
    assert brand.name == "Harrow & Finch"
    assert brand.voice_examples
