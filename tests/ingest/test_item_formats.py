# ruff: noqa: E501 - a row of a catalogue is one line
"""JSON, JSON Lines, YAML and XML catalogues, invented."""

import io
import json
import socket
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.common.errors import InputError
from functions.ingest import xmlread
from functions.ingest.items import flatten
from functions.ingest.source import Catalogue

Ingest = Callable[..., Any]
STOOL = {"id": 7, "title": "Oak stool", "description": "<p>Three legs.</p>", "price": 89.5, "brand": "Fogwell"}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda items: items,
        lambda items: {"products": items},
        lambda items: {"count": 2, "categories": [{"id": 1, "name": "Stools"}], "data": {"products": items}},
        lambda items: {"results": items, "next": None},
        lambda items: {str(item["id"]): item for item in items},
        lambda items: {"data": {"products": {"edges": [{"cursor": "x", "node": item} for item in items]}}},
        lambda items: [{"category": "Stools", "products": items}],
    ],
)
def test_a_list_of_products_is_found_wherever_it_lies(ingest: Ingest, wrap: Callable[[list[Any]], Any]) -> None:
    bench = STOOL | {"id": 8, "title": "Ash bench", "description": "Long."}
    found = ingest(json.dumps(wrap([STOOL, bench]), indent=1), name="shop.json")
    assert found.titles == ["Oak stool", "Ash bench"]
    assert found.products[0].price == Decimal("89.5")
    assert found.products[0].description == "Three legs."


def test_one_object_is_one_product(ingest: Ingest) -> None:
    assert ingest(json.dumps(STOOL)).titles == ["Oak stool"]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"amount": "19.90", "currencyCode": "EUR"}, (Decimal("19.90"), "EUR")),
        ({"value": 19.9, "currency": "USD"}, (Decimal("19.9"), "USD")),
        ({"currencyCode": "USD", "units": 18, "nanos": 990000000}, (Decimal("18.99"), "USD")),
        ({"centAmount": 1990, "currencyCode": "EUR", "fractionDigits": 2}, (Decimal("19.90"), "EUR")),
        ({"minVariantPrice": {"amount": "5.0", "currencyCode": "GBP"}}, (Decimal("5.0"), "GBP")),
        ("19,90 €", (Decimal("19.90"), "EUR")),
        ({"id": "price_1", "unit_amount": 1990, "currency": "usd"}, (Decimal("19.90"), "USD")),
        ({"id": "price_1", "unit_amount": 1990, "currency": "jpy"}, (Decimal(1990), "JPY")),
        ({"id": "price_1", "unit_amount": 12500, "currency": "kwd"}, (Decimal("12.500"), "KWD")),
        ({"centAmount": 1990, "currencyCode": "EUR", "fractionDigits": "two"}, (Decimal("19.90"), "EUR")),
    ],
)
def test_prices_in_mappings_are_read(ingest: Ingest, price: Any, expected: tuple[Decimal, str]) -> None:
    (product,) = ingest(json.dumps([STOOL | {"price": price}])).products
    assert (product.price, product.currency) == expected


@pytest.mark.parametrize("price", [{"unit_amount": "²"}, {"units": "--5"}, {"price": "5", "currency_minor_unit": "³"}])
def test_a_price_in_odd_digits_harms_no_other_product(ingest: Ingest, price: Any) -> None:
    found = ingest(json.dumps([STOOL | {"id": 1, "title": "Ash bench", "price": price}, STOOL]))
    assert "Oak stool" in found.titles


@pytest.mark.parametrize(
    ("facts", "attributes"),
    [
        ({"Color": ["Red", "Blue"]}, [("Color", "Red, Blue")]),
        ({"Weight": {"value": "3", "unit": "kg"}}, []),
        ({"spec": [{"name": "Color", "value": "Red"}]}, [("Color", "Red")]),
        ({"spec": {"name": "Color", "value": "Red"}}, [("Color", "Red")]),
        ({"general": {"Color": "Red"}}, [("Color", "Red")]),
    ],
)
def test_facts_are_told_from_what_is_around_them(facts: dict[str, Any], attributes: list[tuple[str, str]]) -> None:
    assert flatten({"attributes": facts}).attributes == attributes


def test_a_fact_called_contents_is_no_description(ingest: Ingest) -> None:
    facts = [{"name": "Inhalt", "value": "100 g"}, {"name": "Description", "value": "Three legs."}]
    (cream, plain) = ingest(
        json.dumps([{"id": 1, "name": "Cream", "attributes": facts}, {"id": 2, "name": "Wax", "attributes": facts[:1]}])
    ).products
    assert (cream.description, cream.attributes) == ("Three legs.", {"Inhalt": "100 g"})
    assert (plain.description, plain.attributes) == ("", {"Inhalt": "100 g"})


def test_how_a_text_is_meant_is_no_text(ingest: Ingest) -> None:
    entry = '<entry><id>{}</id><title type="text">{}</title><summary type="html"/><brand xml:lang="en"/>{}</entry>'
    category = '<category scheme="https://s.example.com/c" term="Stools"/>'
    found = ingest(f"<feed>{entry.format(1, 'Oak stool', category)}{entry.format(2, '', '')}</feed>", name="a.xml")
    (stool,) = found.products
    assert (stool.description, stool.brand, stool.category) == ("", "", "Stools")
    assert found.rules == ["title_missing"]


def test_shopify_admin_json_gives_options_and_the_lowest_price(ingest: Ingest) -> None:
    item = {
        "id": 1, "title": "Cap", "body_html": "<p>Wool.</p>", "vendor": "Fogwell", "product_type": "Hats", "tags": "a, b",
        "variants": [{"id": 2, "title": "Grey", "price": "30.00", "option1": "Grey"}, {"id": 3, "title": "Moss", "price": "28.00", "option1": "Moss"}],
        "options": [{"name": "Color", "values": ["Grey", "Moss"]}],
        "images": [{"id": 1, "src": "https://c.example.com/1.jpg"}, {"src": "https://c.example.com/2.jpg"}],
    }  # fmt: skip
    (cap,) = ingest(json.dumps({"products": [item]})).products
    assert (cap.price, cap.brand, cap.category) == (Decimal(28), "Fogwell", "Hats")
    assert cap.attributes == {"Color": "Grey, Moss"}
    assert cap.image_url == "https://c.example.com/1.jpg"


def test_woocommerce_rest_items_are_read(ingest: Ingest) -> None:
    item = {
        "id": 5, "name": "Mug", "permalink": "https://s.example.com/mug", "description": "<p>Stoneware.</p>", "price": "12", "regular_price": "12",
        "categories": [{"id": 3, "name": "Cups"}], "images": [{"src": "https://s.example.com/m.jpg"}],
        "attributes": [{"id": 1, "name": "Glaze", "options": ["Moss", "Ink"]}], "meta_data": [{"key": "_x", "value": "y"}],
    }  # fmt: skip
    (mug,) = ingest(json.dumps([item])).products
    assert (mug.category, mug.link, mug.attributes) == ("Cups", "https://s.example.com/mug", {"Glaze": "Moss, Ink"})


def test_a_product_of_stripe_whose_price_is_a_reference_has_none(ingest: Ingest) -> None:
    item = {
        "id": "prod_1",
        "object": "product",
        "name": "Fog towel",
        "default_price": "price_1Mo",
        "description": "Soft.",
    }
    (towel,) = ingest(json.dumps({"object": "list", "data": [item]})).products
    assert (towel.price, towel.attributes) == (None, {})


def test_a_price_in_cents_by_its_key_is_read_in_whole_units(ingest: Ingest) -> None:
    assert ingest(json.dumps([{"name": "Fog towel", "price_cents": 1590}])).products[0].price == Decimal("15.90")


def test_a_price_of_woocommerces_store_interface_is_in_minor_units(ingest: Ingest) -> None:
    prices = {"price": "2400", "regular_price": "3000", "currency_code": "GBP", "currency_minor_unit": 2}
    (towel,) = ingest(json.dumps([{"id": 34, "name": "Fog towel", "description": "Soft.", "prices": prices}])).products
    assert (towel.price, towel.currency) == (Decimal(24), "GBP")


def test_texts_among_magentos_custom_attributes_are_the_products(ingest: Ingest) -> None:
    custom = {"description": "<p>Soft linen.</p>", "short_description": "Soft", "material": "Linen"}
    pairs = [{"attribute_code": name, "value": value} for name, value in custom.items()]
    items = [{"id": 1, "sku": "F1", "name": "Fog towel", "price": 24, "custom_attributes": pairs}]
    (towel,) = ingest(json.dumps({"items": items, "total_count": 1})).products
    assert (towel.description, towel.attributes) == ("Soft linen.", {"Material": "Linen"})


def test_option_values_and_custom_fields_of_bigcommerces_interface_are_attributes(ingest: Ingest) -> None:
    variants = [
        {"id": at, "option_values": [{"id": at, "label": label, "option_display_name": "Size"}]}
        for at, label in enumerate(["Small", "Large"])
    ]
    more = {
        "custom_fields": [{"name": "Weave", "value": "Waffle"}],
        "images": [{"url_standard": "https://c.example.com/1.jpg"}],
    }
    item = {"id": 77, "name": "Fog towel", "description": "Soft.", "price": 24, "variants": variants} | more
    (towel,) = ingest(json.dumps({"data": [item]})).products
    assert towel.attributes == {"Size": "Small, Large", "Weave": "Waffle"}
    assert towel.image_url == "https://c.example.com/1.jpg"


TOWEL = {"name": {"en": "Fog towel", "de": "Tuch"}, "description": {"en": "Soft."}, "slug": {"en": "fog-towel"}}
MASTER = {
    "id": 1,
    "sku": "F1",
    "prices": [{"value": {"type": "centPrecision", "currencyCode": "EUR", "centAmount": 2400, "fractionDigits": 2}}],
    "images": [{"url": "https://cdn.example.com/1.jpg"}],
    "attributes": [{"name": "color", "value": "fog"}],
}


@pytest.mark.parametrize("wrap", [lambda towel: towel, lambda towel: {"key": "k", "masterData": {"current": towel}}])
def test_commercetools_products_have_what_their_master_variant_has(ingest: Ingest, wrap: Callable[[Any], Any]) -> None:
    items = [wrap(TOWEL | {"id": "e7", "masterVariant": MASTER, "variants": []})]
    (towel,) = ingest(json.dumps({"limit": 20, "count": 1, "results": items})).products
    assert (towel.title, towel.description, towel.price, towel.currency) == ("Fog towel", "Soft.", Decimal(24), "EUR")
    assert (towel.image_url, towel.attributes) == ("https://cdn.example.com/1.jpg", {"Color": "fog"})


OFFERS = [
    {"@type": "Offer", "url": "https://s.example.com/1", "price": "24.00", "priceCurrency": "EUR"},
    {
        "@type": "AggregateOffer",
        "url": "https://s.example.com/1",
        "lowPrice": "24.00",
        "highPrice": "30",
        "priceCurrency": "EUR",
    },
    [{"@type": "Offer", "url": "https://s.example.com/1", "price": 24, "priceCurrency": "EUR"}],
]


@pytest.mark.parametrize("offers", OFFERS)
def test_a_list_of_linked_data_is_read_with_its_offers(ingest: Ingest, offers: Any) -> None:
    item = {"@type": "Product", "sku": "F1", "name": "Fog towel", "description": "Soft.", "offers": offers}
    entries = [
        {"@type": "ListItem", "position": at, "item": item | {"sku": f"F{at}", "name": f"Fog {at}"}} for at in (1, 2)
    ]
    found = ingest(json.dumps({"@context": "https://schema.org", "@type": "ItemList", "itemListElement": entries}))
    towel = found.products[0]
    assert (found.titles, found.rules) == (["Fog 1", "Fog 2"], [])
    assert (towel.price, towel.currency, towel.link) == (Decimal(24), "EUR", "https://s.example.com/1")
    assert (towel.category, towel.attributes) == ("", {})


@pytest.mark.parametrize(
    ("text", "told"), [("[]", "its list is empty"), ('{"count":0,"products":[]}', "the list 'products' is empty")]
)
def test_an_export_of_no_products_is_told_to_be_empty(ingest: Ingest, text: str, told: str) -> None:
    with pytest.raises(InputError, match=f"{told}, so there are no products; export"):
        ingest(text)


def test_a_saleor_fixture_is_put_together_from_its_records(ingest: Ingest) -> None:
    def record(model: str, pk: int, **fields: Any) -> dict[str, Any]:
        return {"model": model, "pk": pk, "fields": fields}

    text = {"blocks": [{"type": "paragraph", "data": {"text": "Made of <b>oak</b>."}}, {"data": {"items": ["Oiled"]}}]}
    fixture = [
        record("product.category", 1, name="Stools"),
        record("product.product", 9, name="Oak stool", slug="oak-stool", description=text, category=1),
        record("product.productvariant", 4, product=9),
        record("product.productvariantchannellisting", 1, variant=4, price_amount="99.000", currency="PLN"),
        record("product.productvariantchannellisting", 2, variant=4, price_amount="25.000", currency="USD"),
        record("product.productmedia", 3, product=9, image="products/stool.png"),
        record("attribute.attribute", 6, name="Wood"),
        record("attribute.attributevalue", 7, name="Oak", attribute=6),
        record("attribute.assignedproductattributevalue", 8, value=7, product=9),
    ]
    (stool,) = ingest(json.dumps(fixture)).products
    assert (stool.product_id, stool.category, stool.price, stool.currency) == (
        "oak-stool",
        "Stools",
        Decimal(25),
        "USD",
    )
    assert stool.description == "Made of oak.\nOiled" or stool.description == "Made of oak.\n- Oiled"
    assert stool.attributes == {"Wood": "Oak"}
    assert ingest(json.dumps(fixture), currency="PLN").products[0].price == Decimal(99)


def test_items_that_are_no_objects_are_quarantined(ingest: Ingest) -> None:
    found = ingest(json.dumps([STOOL, "stray", 5, None]))
    assert found.titles == ["Oak stool"]
    assert found.rules == ["item_form"] * 3


def test_numbers_that_are_none_stand_for_nothing(ingest: Ingest) -> None:
    text = '[{"title": "Mask", "description": "Is \\": NaN,\\" in text", "price": NaN, "tags": -Infinity}]'
    (mask,) = ingest(text).products
    assert mask.price is None
    assert mask.description == 'Is ": NaN," in text'


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[\n {"title": "A",}\n]', "line 2 column 1[56]"),
        ('{"products": [{"title": "A"}, {"title": "B"}', "line 1 column"),
        ("[{'title': 'A'}]", "line 1 column 3"),
        ('[{"title": "A"}] trailing', "line 1 column 18"),
    ],
)
def test_malformed_json_is_refused_whole_with_its_place(ingest: Ingest, text: str, where: str) -> None:
    with pytest.raises(InputError, match=rf"{where}.*not valid JSON.*nothing was read"):
        ingest(text)


def test_a_fault_at_the_end_of_a_long_file_is_found_before_the_first_part(ingest: Ingest) -> None:
    items = [{"title": f"Stool {number}", "description": "Oak."} for number in range(2000)]
    with pytest.raises(InputError, match="not valid JSON"):
        ingest(json.dumps(items)[:-1] + ", oops]")


def test_depth_without_end_is_refused(ingest: Ingest) -> None:
    with pytest.raises(InputError, match="nested more than 64 levels"):
        ingest('[{"title": "A", "x": ' + "[" * 5000 + "]" * 5000 + "}]")
    with pytest.raises(InputError, match="nested more than 64 levels"):
        ingest("<r>" + "<a>" * 200 + "</a>" * 200 + "</r>")
    with pytest.raises(InputError, match=r"nested more than 64 levels|deeply"):
        ingest("- title: A\n  x: " + "[" * 200 + "]" * 200 + "\n")


def test_plain_values_are_no_products(ingest: Ingest) -> None:
    with pytest.raises(InputError, match="3 plain values and no objects"):
        ingest('["a", "b", "c"]')
    with pytest.raises(InputError, match=r"keys found: .*'bibelot'.*--map title="):
        ingest('[{"bibelot": "Vase", "n": 1}]')
    assert ingest('[{"bibelot": "Vase", "n": 1}]', columns={"title": "bibelot"}).titles == ["Vase"]


def test_a_bad_line_of_json_lines_is_quarantined_alone(ingest: Ingest) -> None:
    lines = [
        json.dumps(STOOL),
        '{"title": "Bench", ',
        "",
        '["list"]',
        json.dumps(STOOL | {"id": 8, "title": "Shelf", "description": "Elm."}),
    ]
    found = ingest("\n".join(lines))
    assert found.titles == ["Oak stool", "Shelf"]
    assert [(entry.rule, entry.source.row) for entry in found.quarantined] == [("item_form", 2), ("item_form", 3)]
    assert found.quarantined[0].record == '{"title": "Bench",'


def test_json_lines_whose_first_line_is_bad_are_json_lines(ingest: Ingest) -> None:
    found = ingest('{"title": broken}\n' + "\n".join(json.dumps({"title": f"Stool {n}"}) for n in range(3)))
    assert len(found.products) == 3
    assert found.rules == ["item_form"]


def test_json_in_utf16_and_with_a_mark_is_read(ingest: Ingest) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert ingest(json.dumps([STOOL], ensure_ascii=False).encode(encoding)).titles == ["Oak stool"]


YAML = "- id: 1\n  name: Oak stool\n  price: 89.50\n  description: Three legs\n    of oak.\n  specs:\n    Wood: Oak\n"


def test_yaml_lists_are_read_at_the_top_and_under_a_key(ingest: Ingest) -> None:
    for text in (YAML, "---\n# export\n" + YAML, "shop: Fogwell\nproducts:\n" + YAML):
        (stool,) = ingest(text).products
        assert (stool.title, stool.price, stool.attributes) == ("Oak stool", Decimal("89.50"), {"Wood": "Oak"})
        assert stool.description == "Three legs of oak."


def test_yaml_aliases_are_refused(ingest: Ingest) -> None:
    bomb = "- &a {title: lol}\n" + "".join(
        f"- &{chr(98 + n)} {{title: [{', '.join(['*' + chr(97 + n)] * 9)}]}}\n" for n in range(8)
    )
    with pytest.raises(InputError, match=r"line 2 column .*aliases"):
        ingest(bomb)


def test_malformed_yaml_is_refused_with_its_place(ingest: Ingest) -> None:
    with pytest.raises(InputError, match=r"line \d+ column \d+: not valid YAML"):
        ingest(YAML + "- id: 2\n  name: [unclosed\n")


RSS = (
    '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>'
    "<link>https://s.example.com</link><description>All</description>{items}</channel></rss>"
)
ITEM = (
    "<item><g:id>{n}</g:id><title>Short {n}</title><g:title>Oak stool {n}</g:title><g:description><![CDATA[<p>Oak & ash {n}</p>]]>"
    "</g:description><g:link>https://s.example.com/{n}</g:link><g:image_link>https://s.example.com/{n}.jpg</g:image_link>"
    "<g:price>89.50 EUR</g:price><g:brand>Fogwell</g:brand><g:color>Oat</g:color><g:product_type>Home &gt; Stools</g:product_type></item>"
)


def test_a_merchant_rss_feed_is_read_by_its_own_names(ingest: Ingest) -> None:
    found = ingest(RSS.format(items=ITEM.format(n=1) + ITEM.format(n=2)), name="feed.xml")
    stool = found.products[0]
    assert found.titles == ["Oak stool 1", "Oak stool 2"]
    assert (stool.description, stool.price, stool.currency) == ("Oak & ash 1", Decimal("89.50"), "EUR")
    assert (stool.category, stool.attributes) == ("Home > Stools", {"Color": "Oat"})


def test_an_atom_feed_is_read(ingest: Ingest) -> None:
    entry = (
        "<entry><g:id>1</g:id><title>Oak stool</title><link href='https://s.example.com/1'/><summary>Three legs.</summary>"
        "<g:price>89 EUR</g:price></entry>"
    )
    text = f"<feed xmlns='http://www.w3.org/2005/Atom' xmlns:g='http://base.google.com/ns/1.0'><title>Shop</title>{entry}</feed>"
    (stool,) = ingest(text).products
    assert (stool.title, stool.link, stool.description) == ("Oak stool", "https://s.example.com/1", "Three legs.")


def test_any_list_of_elements_with_titles_is_read(ingest: Ingest) -> None:
    offer = '<offer id="5"><name>Стул</name><price>4990</price><currencyId>RUB</currencyId><param name="Цвет">дуб</param><param name="Высота">45 см</param></offer>'
    (stool,) = ingest(f"<yml_catalog><shop><name>S</name><offers>{offer}</offers></shop></yml_catalog>").products
    assert (stool.product_id, stool.title, stool.price) == ("5", "Стул", Decimal(4990))
    assert stool.attributes == {"Цвет": "дуб", "Высота": "45 см"}


def test_ceneo_offers_keep_text_brand_and_facts_in_short_names(ingest: Ingest) -> None:
    offer = (
        '<o id="F1" url="https://s.example.pl/1" price="99.90"><cat>Dom/Łazienka</cat><name>Ręcznik lniany</name><desc>Miękki.</desc>'
        '<attrs><a name="Producent">Fogwell</a><a name="Kolor">szary</a><a name="EAN">5901234123457</a></attrs></o>'
    )
    (towel,) = ingest(f'<offers version="1">{offer}</offers>').products
    assert (towel.description, towel.category, towel.brand) == ("Miękki.", "Dom > Łazienka", "Fogwell")
    assert towel.attributes == {"Kolor": "szary"}


def test_elements_that_say_all_in_attributes_or_are_marked_with_a_language_are_read(ingest: Ingest) -> None:
    product = (
        '<product id="1" currency="PLN"><producer id="9" name="Fogwell"/><category id="4" name="Dom/Łazienka"/>'
        '<description><name xml:lang="pol">Ręcznik lniany</name><long_desc xml:lang="pol">Miękki.</long_desc></description>'
        '<price gross="99.90" net="81.22"/></product>'
    )
    (towel,) = ingest(f'<offer version="3.0"><products>{product}</products></offer>').products
    assert (towel.title, towel.description, towel.brand) == ("Ręcznik lniany", "Miękki.", "Fogwell")
    assert (towel.price, towel.currency, towel.category) == (Decimal("99.90"), "PLN", "Dom > Łazienka")


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet/></Workbook>',
        '<html xmlns:x="urn:schemas-microsoft-com:office:excel"><body><table><tr><td>name</td></tr></table></body></html>',
    ],
)
def test_a_sheet_kept_as_xml_or_html_is_refused_with_how_to_save_it(ingest: Ingest, text: str) -> None:
    with pytest.raises(InputError, match=r"spreadsheet program keeps as XML or HTML.*save the sheet as CSV"):
        ingest(text, name="export.xls")


def test_heureka_parameters_are_attributes(ingest: Ingest) -> None:
    item = (
        "<SHOPITEM><ITEM_ID>F1</ITEM_ID><PRODUCTNAME>Lněný ručník</PRODUCTNAME><PRICE_VAT>599</PRICE_VAT>"
        "<CATEGORYTEXT>Dům | Koupelna</CATEGORYTEXT>{}</SHOPITEM>"
    )
    one = "<PARAM><PARAM_NAME>Barva</PARAM_NAME><VAL>šedá</VAL></PARAM>"
    two = one + "<PARAM><PARAM_NAME>Velikost</PARAM_NAME><VAL>50 cm</VAL></PARAM>"
    text = item.format(one) + item.format(two).replace("F1", "F2").replace("ručník", "ubrus")
    towel, cloth = ingest(f"<SHOP>{text}</SHOP>").products
    assert (towel.category, towel.price) == ("Dům > Koupelna", Decimal(599))
    assert (towel.attributes, cloth.attributes) == ({"Barva": "šedá"}, {"Barva": "šedá", "Velikost": "50 cm"})


def test_a_single_product_detail_of_a_merchant_feed_is_an_attribute(ingest: Ingest) -> None:
    detail = "<g:product_detail><g:section_name>General</g:section_name><g:attribute_name>Weave</g:attribute_name><g:attribute_value>Waffle</g:attribute_value></g:product_detail>"
    (stool,) = ingest(RSS.format(items=ITEM.format(n=1).replace("</item>", detail + "</item>"))).products
    assert stool.attributes == {"Color": "Oat", "Weave": "Waffle"}


@pytest.mark.parametrize("count", [1, 2])
def test_variants_in_a_shops_atom_feed_give_the_price(ingest: Ingest, count: int) -> None:
    variants = [
        f"<s:variant><title>V</title><s:price currency='USD'>2{n}.00</s:price></s:variant>" for n in range(4, 4 + count)
    ]
    entry = f"<entry><id>1</id><title>Fog towel</title><s:type>Towels</s:type><summary>Soft.</summary>{''.join(variants)}</entry>"
    text = f"<feed xmlns='http://www.w3.org/2005/Atom' xmlns:s='http://jadedpixel.com/-/spec/shopify'><title>S</title>{entry}</feed>"
    (towel,) = ingest(text).products
    assert (towel.price, towel.currency, towel.attributes) == (Decimal(24), "USD", {})


def test_an_offer_of_yandex_without_a_name_is_called_by_kind_maker_and_model(ingest: Ingest) -> None:
    offer = (
        '<offer id="7" type="vendor.model"><price>900</price><currencyId>RUR</currencyId><typePrefix>Крючок</typePrefix>'
        "<vendor>Fogwell</vendor><model>Дуб 5</model></offer><offer id='8'><name>Стул</name><price>5</price></offer>"
    )
    hook, _ = ingest(f"<yml_catalog><shop><offers>{offer}</offers></shop></yml_catalog>").products
    assert (hook.title, hook.category, hook.currency) == ("Крючок Fogwell Дуб 5", "", "RUB")


def test_xml_in_windows_1251_is_read_by_its_declaration(ingest: Ingest) -> None:
    text = (
        '<?xml version="1.0" encoding="windows-1251"?><list><product><name>Стул</name><price>5</price></product></list>'
    )
    assert ingest(text.encode("cp1251")).titles == ["Стул"]


def test_bare_ampersands_in_a_feed_are_taken_as_text(ingest: Ingest) -> None:
    text = RSS.format(
        items=ITEM.format(n=1).replace("/1.jpg", "/1.jpg?v=1&width=2&copy;").replace("Fogwell", "Fog & well&nbsp;Ltd")
    )
    (stool,) = ingest(text).products
    assert stool.image_url.startswith("https://s.example.com/1.jpg?v=1&width=2")
    assert stool.brand == "Fog & well Ltd"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<rss><channel><item><title>A</title></channel></rss>", r"line 1 column \d+: not valid XML"),
        (RSS.format(items=ITEM.format(n=1)) + "<more/>", "not valid XML"),
        ("<a><b>1</b><c>2</c></a>", "no element was recognised.*tags found: b, c"),
    ],
)
def test_xml_that_is_no_feed_is_refused_with_what_to_do(ingest: Ingest, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ingest(text, name="feed.xml")


TYPED = '<?xml version="1.0" encoding="UTF-8"?>{}<r><item id="7&amp;1&nbsp;B"><title>A&shop; &nbsp;B</title></item></r>'


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY shop "b">',
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY shop "&b;&b;&b;&b;">',
        '<!ENTITY shop SYSTEM "{file}">',
        '<!ENTITY shop PUBLIC "-//s" "{file}">',
        '<!ENTITY % shop SYSTEM "{file}"> %shop;',
        '<!ENTITY % shop "b">',
        "%shop;",
        '<!NOTATION gif SYSTEM "gif"><!ENTITY shop SYSTEM "{file}" NDATA gif>',
        '<!ATTLIST item price CDATA "5">',
    ],
)
@pytest.mark.parametrize("named", ["", 'SYSTEM "{file}"'])
def test_xml_that_declares_entities_is_refused(ingest: Ingest, tmp_path: Path, named: str, declared: str) -> None:
    file = tmp_path / "shops.dtd"
    file.write_text('<!ENTITY shop "loaded">')
    text = TYPED.format(f"<!DOCTYPE r {named} [{declared}]>".replace("{file}", file.as_uri()))
    with pytest.raises(InputError, match=r"DTD or entities.*remove"):
        ingest(text, name="feed.xml")


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE r SYSTEM "{file}">',
        '<!DOCTYPE r SYSTEM "{page}">',
        '<!DOCTYPE r PUBLIC "-//Shops" "{page}">',
        "<!DOCTYPE r>",
        '<!DOCTYPE r SYSTEM "{file}" [<!ELEMENT r ANY><!ATTLIST item price CDATA #IMPLIED>]>',
    ],
)
def test_a_document_type_is_passed_over_and_nothing_is_fetched(ingest: Ingest, tmp_path: Path, declared: str) -> None:
    file = tmp_path / "shops.dtd"
    file.write_text('<!ENTITY shop "loaded"><!ENTITY nbsp "loaded"><!ATTLIST item brand CDATA "loaded">')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        page = f"http://127.0.0.1:{server.getsockname()[1]}/shops.dtd"
        found = ingest(TYPED.format(declared.replace("{file}", file.as_uri()).replace("{page}", page)), name="feed.xml")
        with pytest.raises(BlockingIOError):
            server.accept()
    (product,) = found.products
    assert (product.title, product.product_id, product.brand) == ("A&shop; B", "7&1 B", "")


def yml(categories: str, offer: str) -> str:
    shop = f"<categories>{categories}</categories><offers><offer>{offer}</offer></offers>"
    return f'<!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog date="2025-01-01"><shop>{shop}</shop></yml_catalog>'


@pytest.mark.parametrize(
    ("given", "category"),
    [
        ("<categoryId>2</categoryId>", "Дом > Ванная"),
        ("<categoryId> 1 </categoryId><categoryId>2</categoryId>", "Дом"),
        ("<categoryId>2</categoryId><category>Полотенца</category>", "Полотенца"),
        ("<categoryId>9</categoryId>", ""),
        ("<categoryId>3</categoryId>", " > ".join(["Круг"] * 8)),
        ("", ""),
    ],
)
def test_categories_named_before_the_offers_are_written_out(ingest: Ingest, given: str, category: str) -> None:
    known = '<category id="1">Дом</category><category id="2" parentId="1">Ванная</category><category id="3" parentId="3">Круг</category>'
    (towel,) = ingest(yml(known, f"<name>Полотенце</name><price>900</price>{given}"), name="y.xml").products
    assert (towel.title, towel.category) == ("Полотенце", category)


def test_no_more_categories_are_kept_than_fit(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlread, "MOST_CATEGORIES", 1)
    known = '<category id="1">Дом</category><category id="2">Ванная</category>'
    (towel,) = ingest(yml(known, "<name>Полотенце</name><categoryId>2</categoryId>"), name="y.xml").products
    assert towel.category == ""


def test_memory_does_not_grow_with_an_xml_catalogue() -> None:
    def peak(count: int) -> int:
        raw = f"<rss><channel>{'<item><title>Oak stool</title></item>' * count}</channel></rss>".encode()
        catalogue = Catalogue("feed.xml", lambda: io.BytesIO(raw))
        tracemalloc.start()
        try:
            layout = xmlread.survey(catalogue, frozenset())
            assert sum(1 for _ in xmlread.items(catalogue, layout)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(3000)  # Tables of names are read once.
    assert peak(12_000) < 1.5 * peak(3000)


def wxr(*items: str) -> str:
    spaces = (
        'xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:wp="http://wordpress.org/export/1.2/"'
    )
    return f'<rss version="2.0" {spaces}><channel><title>Shop</title>{"".join(items)}</channel></rss>'


def post(number: int, kind: str, title: str, parent: int = 0, more: str = "", **meta: str) -> str:
    entries = "".join(
        f"<wp:postmeta><wp:meta_key>{k}</wp:meta_key><wp:meta_value><![CDATA[{v}]]></wp:meta_value></wp:postmeta>"
        for k, v in meta.items()
    )
    return (
        f"<item><title>{title}</title><link>https://s.example.com/{number}</link><content:encoded><![CDATA[Body of {title}.]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[]]></excerpt:encoded><wp:post_id>{number}</wp:post_id><wp:post_parent>{parent}</wp:post_parent>"
        f"<wp:post_type>{kind}</wp:post_type>{more}{entries}</item>"
    )  # fmt: skip


def test_a_wordpress_export_gives_products_with_their_variations_and_images(ingest: Ingest) -> None:
    terms = '<category domain="pa_color"><![CDATA[Blue]]></category><category domain="product_cat"><![CDATA[Shirts]]></category>'
    found = ingest(
        wxr(
            post(9, "page", "About us"),
            post(30, "attachment", "a.jpg", 1, "<wp:attachment_url>https://s.example.com/a.jpg</wp:attachment_url>"),
            post(1, "product", "Tee", 0, terms, _sku="TEE", _price="20"),
            post(2, "product_variation", "Tee - Red", 1, _price="18", attribute_pa_color="red"),
            post(3, "product_variation", "Lost - Red", 77, _price="18"),
        ),
        name="export.xml",
    )
    (tee,) = found.products
    assert found.counts == {"rows": 4, "products": 1, "merged": 2, "quarantined": 1}
    assert (tee.product_id, tee.category, tee.price, tee.image_url) == (
        "TEE",
        "Shirts",
        Decimal(18),
        "https://s.example.com/a.jpg",
    )
    assert tee.attributes == {"Color": "Blue, red"}
    assert found.rules == ["parent_missing"]
