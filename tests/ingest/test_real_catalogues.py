"""Real exports, read from a folder that is no part of the project (`ADLOOM_CATALOGUES`).

The numbers beside each file are rows, and products that pass both stages. Where they differ from a plain count of
rows or titles, a comment says why.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.common.batches import Settings
from functions.common.errors import InputError
from functions.ingest.inspect import Inspection, inspect
from functions.ingest.source import Catalogue
from functions.validate import stage as validate

EXPECTED = {
    "shopify-official-samples/apparel.csv": (22, 20),
    "shopify-official-samples/home-and-garden.csv": (21, 20),
    "shopify-official-samples/jewelery.csv": (41, 20),
    "shopify-packt-homegarden/Product-data.csv": (21, 19),  # one description is filler text
    "shopify-sneaker-demo/products_export.csv": (173, 30),
    "shopify-greatoutdoor/products_export_1.csv": (354, 56),
    "shopify-pet-dropship/products_export.csv": (27, 3),
    "shopify-patak-textiles/products_export_1.csv": (548, 86),
    "shopify-aislerunner-jewellery/products_export_1.csv": (867, 171),  # two handles with one title and text
    "shopify-jazzup-homeware/products_export.csv": (875, 50),
    "shopify-pond-dropship/products_export_1.csv": (259, 34),
    "shopify-vietjewelers/products_export_1.csv": (
        2307,
        1219,
    ),  # 17 with one title and text, 6 filler texts, a title "."
    "shopify-balancedbites/products_export_1.csv": (79, 64),  # two handles with one title and text
    "shopify-defaults-snowboards/products_export_1.csv": (29, 20),
    "shopify-course-bakery/products_export_1.csv": (24, 24),  # the 25th row is spaces alone
    "shopify-transition-columns/products_export_1.csv": (4, 0),  # the one description is filler text
    "shopify-lavie-hair/products_export_1.csv": (7, 7),
    "shopify-lavie-hair/lavie_products.json": (6, 6),  # NaN for missing values, which JSON does not have
    "shopify-mustache-wax/products_export_1.csv": (61, 7),  # two handles with one title and text
    "shopify-json-demo-unitedbyblue/shopify_products.json": (25, 25),
    "woo-classic-commerce-sample/sample_products.csv": (24, 0),  # every description is filler text
    "woo-classic-commerce-sample/sample.csv": (7, 0),  # every description is filler text
    "woo-wxr-official/sample_products.xml": (47, 0),  # 18 products, their 7 variations and 22 images; all filler text
    "woo-ru-broken-export/wc-product-export.csv": (9, 8),  # two ids with one title and text
    "prestashop-import-sample/products_import.csv": (7, 7),
    "magento2-sample/products.csv": (1994, 147),  # simple products are variants of a configurable one
    "spree-sample/products.csv": (211, 37),
    "spree-sample/product_translations.csv": (74, 74),
    "vendure-sample/products.csv": (88, 54),
    "saleor-sample/populatedb_data.json": (32, 32),
    "dummyjson/products.json": (194, 194),
    "google-online-boutique/products.json": (9, 9),
    "contoso-outdoor/products.csv": (20, 20),
    "aws-retail-demo-store/products.yaml": (2465, 2465),
    "gmc-xml-milliontcg/google-feed.xml": (38, 38),
    "gmc-xml-airfeel/product_feed.xml": (5, 5),  # bare ampersands in addresses
    "gmc-tsv-ski/feed.tsv": (22, 6),  # items of six item groups
    "gmc-tsv-webpets/merchant-feed.tsv": (381, 376),  # 4 ids with one title and text, one damaged description
    "meta-template-comment-row/catalog_products.csv": (1, 1),
    "meta-catalogue-jollyes/catalog_products.csv": (3, 3),
    "pinterest-catalogue-beehive/catalog_products.csv": (9184, 434),  # two ids with one title and text
    "wix-kates-essentials/catalog_products_1.csv": (260, 19),
    "etsy-petiole/EtsyListingsDownload.csv": (14, 14),
    "abt-buy/AbtBuy_Abt.csv": (1081, 1076),  # 5 ids with one title and text
    "abt-buy/AbtBuy_Buy.csv": (1092, 1080),  # 12 ids with one title and text
    "petfood-ua/petfood.csv": (291, 291),
    "amazon-promptcloud-10/marketing_sample_for_amazon_com-ecommerce__20200101_20200131__10k_data.csv": (10, 10),
    "attack-strings/prompt_injections.csv": (35, 32),  # texts named alike; three with one text
}

REFUSED = {
    "malformed-json-perfumes/fakestoreapi.json": r"line 56 column \d+: not valid JSON",
    "attack-strings/blns.json": "515 plain values and no objects",
}


def look(path: Path) -> Inspection:
    return inspect(Catalogue.of(path), Settings(platforms=["meta_feed"]), validate.run)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_catalogue_gives_its_products_and_balances(catalogues: Path, name: str) -> None:
    found = look(catalogues / name)
    assert (found.rows, found.products) == EXPECTED[name]
    assert found.rows == found.products + found.merged + found.quarantined
    assert sum(refused.count for refused in found.refusals) == found.quarantined


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_catalogue_is_refused_in_words(catalogues: Path, name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        look(catalogues / name)


def test_every_file_of_the_folder_is_accounted_for(catalogues: Path) -> None:
    files = {
        path.relative_to(catalogues).as_posix()
        for path in catalogues.rglob("*")
        if path.is_file() and path.parent != catalogues
    }
    assert files == EXPECTED.keys() | REFUSED.keys()


def test_attack_strings_in_every_field_are_read_or_refused(catalogues: Path, ingest: Callable[..., Any]) -> None:
    import csv
    import io
    import json

    strings = json.loads((catalogues / "attack-strings/blns.json").read_text(encoding="utf-8"))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "title", "description", "brand", "price", "image", "material"])
    for number, text in enumerate(strings):
        writer.writerow([number, f"Stool {number} {text}", text, text, "", text, text])
        writer.writerow([f"p{number}", f"Bench {number}", "", "", text, "", ""])
    found = ingest(out.getvalue().encode("utf-8", "surrogatepass"))
    assert found.counts["rows"] == 2 * len(strings)
    assert {product.product_id for product in found.products} >= {str(number) for number in range(len(strings))}
    assert {entry.rule for entry in found.quarantined} <= {"price_number", "price_negative"}
