# ruff: noqa: E501 - a row of a catalogue is one line
"""Exports of shop systems, marketplaces and price comparisons beyond the best known, invented row by row."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from functions.common.batches import Settings
from functions.common.errors import InputError
from functions.ingest.source import Catalogue
from functions.ingest.stage import open_reader

Ingest = Callable[..., Any]

BIGCOMMERCE_2 = """Item Type,Product ID,Product Name,Product Type,Product Code/SKU,Brand Name,Option Set,Product Description,Price,Sale Price,Category,Product Image File - 1,Product Image Is Thumbnail - 1
Product,77,Fog linen towel,P,FLT,Fogwell,Towel sizes,<p>Soft linen.</p>,24.00,0.00,Home/Bath;Sale,towel.jpg,Y
  SKU,45,"[S]Size=Small,[CS]Colour=Fog:#cccccc",,FLT-S,,,,,,,,
  SKU,46,"[S]Size=Large,[CS]Colour=Ink:#000011",,FLT-L,,,,,,,,
  Rule,12,,,FLT-L,,,,[ADD]4,,,,
Product,80,Oak coat hook,P,OCH,Fogwell,,<p>Solid oak.</p>,12.50,9.95,Home/Hall,hook.jpg,Y
"""

BIGCOMMERCE_3 = """Item,ID,Name,Type,SKU,Options,Inventory Tracking,Price,Brand ID,Categories,Description,Custom Fields,Image URL (Import)
Product,111,Fog linen towel,physical,FLT,,variant,24,38,23;24,<p>Soft linen.</p>,Weave=Waffle;Care=Wash at 40,
Variant,1001,,,FLT-S,Type=Rectangles|Name=Size|Value=SmallType=Swatch|Name=Colour|Value=Fog[#cccccc],,24,,,,,
Variant,1002,,,FLT-L,Type=Rectangles|Name=Size|Value=LargeType=Swatch|Name=Colour|Value=Ink[#000011],,28,,,,,
Image,2001,,,,,,,,,,,https://cdn.example.com/towel.jpg
Product,112,Oak coat hook,physical,OCH,,none,12.5,38,25,<p>Solid oak.</p>,,
"""


def test_bigcommerce_variants_and_rules_belong_to_the_product_above_them(ingest: Ingest) -> None:
    found = ingest(BIGCOMMERCE_2)
    towel, hook = found.products
    assert found.counts == {"rows": 5, "products": 2, "merged": 3, "quarantined": 0}
    assert (towel.product_id, towel.price, towel.category) == ("77", Decimal("24.00"), "Home > Bath")
    assert towel.attributes == {"Size": "Small, Large", "Colour": "Fog, Ink"}
    assert (hook.product_id, hook.attributes) == ("80", {})


def test_bigcommerce_of_2023_has_variants_images_and_custom_fields(ingest: Ingest) -> None:
    found = ingest(BIGCOMMERCE_3)
    towel, hook = found.products
    assert found.counts == {"rows": 5, "products": 2, "merged": 3, "quarantined": 0}
    assert towel.attributes == {"Size": "Small, Large", "Colour": "Fog, Ink", "Weave": "Waffle", "Care": "Wash at 40"}
    assert towel.image_url == "https://cdn.example.com/towel.jpg"
    assert (towel.brand, towel.category, hook.brand) == ("", "", "")  # Both are numbers of something else.


ECWID = """type,product_internal_id,product_sku,product_name,product_description,product_price,product_category_1,product_option_name,product_option_type,product_option_value,product_variation_sku,product_variation_option_Size
product,10001,ECW1,Fog linen towel,<p>Soft linen.</p>,24,Home / Bath,,,,,
product_option,10001,ECW1,,,,,Size,DROPDOWN,Small,,
product_option,10001,ECW1,,,,,Size,DROPDOWN,Large,,
product_variation,10001,ECW1,,,22,,,,,ECW1-S,Small
product_variation,10001,ECW1,,,28,,,,,ECW1-L,Large
product,10002,ECW2,Oak coat hook,<p>Oak.</p>,12.5,Home / Hall,,,,,
"""


def test_ecwid_variations_give_options_and_the_lowest_price(ingest: Ingest) -> None:
    towel, hook = ingest(ECWID).products
    assert (towel.price, towel.category, towel.attributes) == (Decimal(22), "Home > Bath", {"Size": "Small, Large"})
    assert (hook.product_id, hook.category) == ("ECW2", "Home > Hall")


SHOPWARE_5 = """ordernumber;mainnumber;name;additionalText;supplier;price_EK;pseudoprice_EK;description;description_long;ean;configuratorOptions;categories;imageUrl
SW1;SW1;Leinenhandtuch;Klein;Fogwell;23,95;29,95;Weiches Tuch;"<p>Weiches Leinen, <b>zweimal</b> gewaschen.</p>";4006381333931;Größe:Klein|Farbe:Nebel;Heim|Bad;https://shop.example.de/1.jpg
SW1.1;SW1;Leinenhandtuch;Groß;Fogwell;1.027,95;;Weiches Tuch;<p>Weiches Leinen.</p>;4006381333932;Größe:Groß|Farbe:Nebel;Heim|Bad;
"""
SHOPWARE_6 = """id;parent_id;product_number;name;description;price_net;price_gross;cover_media_url;manufacturer_name;categories
0190aa01b2c3d4e5f60718293a4b5c6d;;SW1;Leinenhandtuch;<p>Weiches Leinen.</p>;20.126050420168;23.95;https://shop.example.de/1.jpg;Fogwell;0190aa01b2c3d4e5f60718293a4b5c60|0190aa01b2c3d4e5f60718293a4b5c61
0190aa01b2c3d4e5f60718293a4b5c6e;0190aa01b2c3d4e5f60718293a4b5c6d;SW1.1;;;;;;;
"""


def test_shopware_5_has_the_long_text_the_supplier_and_options(ingest: Ingest) -> None:
    (towel,) = ingest(SHOPWARE_5).products
    assert (towel.product_id, towel.brand, towel.category) == ("SW1", "Fogwell", "Heim > Bad")
    assert towel.description == "Weiches Leinen, zweimal gewaschen."
    assert (towel.price, towel.attributes) == (Decimal("23.95"), {"Größe": "Klein, Groß", "Farbe": "Nebel"})


def test_shopware_6_has_the_price_with_tax_and_no_ids_for_categories(ingest: Ingest) -> None:
    (towel,) = ingest(SHOPWARE_6).products
    assert (towel.price, towel.category, towel.source.rows) == (Decimal("23.95"), "", 2)


OXID = """"OXID";"OXPARENTID";"OXARTNUM";"OXTITLE";"OXSHORTDESC";"OXPRICE";"OXPIC1";"OXVARNAME";"OXVARSELECT";"OXMANUFACTURERID";"OXLONGDESC"
"aa01";"";"1001";"Leinenhandtuch";"Weiches Tuch";"27.95";"nebel.jpg";"Größe | Farbe";"";"bb";"<p>Weiches Leinen.</p>"
"aa02";"aa01";"1001-1";"";"";"23.95";"";"";"Klein | Nebel";"bb";""
"aa03";"aa01";"1001-2";"";"";"27.95";"";"";"Groß | Nebel";"bb";""
"""


def test_oxid_parents_name_the_options_and_variants_their_values(ingest: Ingest) -> None:
    (towel,) = ingest(OXID).products
    assert (towel.price, towel.description) == (Decimal("23.95"), "Weiches Leinen.")
    assert towel.attributes == {"Größe": "Klein, Groß", "Farbe": "Nebel"}


def test_gambio_columns_are_known(ingest: Ingest) -> None:
    (hook,) = ingest(
        "XTSOL|p_id|p_model|p_stock|p_tpl|p_manufacturer|p_priceNoTax|p_image|p_name.de|p_desc.de|p_shortdesc.de|p_cat.0|p_cat.1\n"
        "XTSOL|2|ABC-12|10|default|Fogwell|10.50|haken.jpg|Garderobenhaken|<p>Haken aus Eiche.</p>|Haken|Flur|Haken\n"
    ).products
    assert (hook.title, hook.description, hook.price) == ("Garderobenhaken", "Haken aus Eiche.", Decimal("10.50"))
    assert (hook.product_id, hook.category, hook.attributes) == ("ABC-12", "Flur", {})


def test_lightspeed_columns_of_any_language_give_options(ingest: Ingest) -> None:
    (towel,) = ingest(
        "Internal_ID;Internal_Variant_ID;Brand;NL_Title_Short;NL_Title_Long;NL_Description_Short;NL_Description_Long;NL_Category_1;NL_Category_2;NL_Variant_Title;Price\n"
        "1001;5001;Fogwell;Linnen handdoek;Linnen handdoek van Nevel;Zacht;<p>Zacht linnen.</p>;Bad;Doeken;Maat: Klein, Kleur: Grijs;23,95\n"
        "1001;5002;Fogwell;Linnen handdoek;Linnen handdoek van Nevel;Zacht;<p>Zacht linnen.</p>;Bad;Doeken;Maat: Groot, Kleur: Grijs;27,95\n"
    ).products
    assert (towel.product_id, towel.description, towel.category) == ("1001", "Zacht linnen.", "Bad")
    assert towel.attributes == {"Maat": "Klein, Groot", "Kleur": "Grijs"}


def test_options_are_paired_where_their_number_is_a_word(ingest: Ingest) -> None:
    (towel,) = ingest(
        "id,handle,name,description,product_category,variant_option_one_name,variant_option_one_value,supply_price,retail_price\n"
        "0a1,towel,Fog linen towel,Soft.,Bath,Size,Small,10,24\n"
        "0a2,towel,Fog linen towel,Soft.,Bath,Size,Large,10,28\n"
    ).products
    assert towel.attributes == {"Size": "Small, Large"}


def test_a_single_pair_of_option_columns_needs_no_number(ingest: Ingest) -> None:
    (towel,) = ingest("Handle,Title,Body,Option Name,Option Value\nt,Fog towel,Soft.,Size,Small\nt,,,,Large\n").products
    assert towel.attributes == {"Size": "Small, Large"}


def test_volusion_children_are_merged_into_their_product(ingest: Ingest) -> None:
    found = ingest(
        "productcode,productname,ischildofproductcode,productprice,productdescriptionshort,productdescription,productmanufacturer\n"
        "FLT,Fog linen towel,,24.00,Soft towel,<p>Soft linen.</p>,Fogwell\n"
        "FLT-1,Fog linen towel Small,FLT,22.00,,,\n"
    )
    (towel,) = found.products
    assert (towel.title, towel.price, towel.brand) == ("Fog linen towel", Decimal("22.00"), "Fogwell")
    assert towel.attributes == {}


def test_jtl_variants_name_their_parent(ingest: Ingest) -> None:
    (towel,) = ingest(
        "Artikelnummer;Artikelname;Beschreibung;Brutto-VK;Netto-VK;Warengruppe;Kategorie Ebene 1;Kategorie Ebene 2;Identifizierungsspalte Vaterartikel;Variationsname 1;Variationswert 1\n"
        "FLT1;Leinenhandtuch;Weiches Leinen;23,95;20,13;Heim;Bad;Handtücher;;Größe;\n"
        "FLT1-S;Leinenhandtuch klein;Weiches Leinen;23,95;20,13;Heim;Bad;Handtücher;FLT1;Größe;Klein\n"
    ).products
    assert (towel.price, towel.currency, towel.category) == (Decimal("23.95"), None, "Bad")
    assert towel.attributes == {"Größe": "Klein"}


def test_the_title_for_search_engines_is_not_the_products_in_shift4shop(ingest: Ingest) -> None:
    (towel,) = ingest(
        "catalogid,id,name,categories,extended_description,description,price,image1,title\n"
        "1,FLT,Fog linen towel,Home/Bath@Sale,<p>Soft linen.</p>,Soft,24.00,assets/t.jpg,Buy towels online | Shop\n"
    ).products
    assert (towel.title, towel.description, towel.category) == ("Fog linen towel", "Soft linen.", "Home > Bath")


def test_square_items_without_a_price_or_options_are_products(ingest: Ingest) -> None:
    towel, hook = ingest(
        "Token,Item Name,Variation Name,SKU,Description,Categories,Price\n"
        "A1,Fog linen towel,Small,F1,Soft.,Bath,24\n"
        "A2,Fog linen towel,Large,F2,,,28\n"
        "A3,Oak coat hook,Regular,O1,Oak.,Hall,variable\n"
    ).products
    assert (towel.attributes, towel.price) == ({"Option": "Small, Large"}, Decimal(24))
    assert (hook.attributes, hook.price) == ({}, None)


AMAZON = (
    "TemplateType=fptcustom\tVersion=2023.0411\tThe top 3 rows are for Amazon.com use only.\t\tImages\t\tVariation\t\t\t\n"
    "Product Type\tSeller SKU\tProduct Name\tStandard Price\tMain Image URL\tParent SKU\tVariation Theme\tBullet Point\tBullet Point\tSize\n"
    "feed_product_type\titem_sku\titem_name\tstandard_price\tmain_image_url\tparent_sku\tvariation_theme\tbullet_point1\tbullet_point2\tsize_name\n"
    "towel\tFLT\tFog linen towel\t\thttps://cdn.example.com/1.jpg\t\tsize\tWashed twice\tMade of flax\t\n"
    "towel\tFLT-S\tFog linen towel, Small\t24.00\thttps://cdn.example.com/1.jpg\tFLT\tsize\tWashed twice\tMade of flax\tSmall\n"
    "towel\tFLT-L\tFog linen towel, Large\t28.00\thttps://cdn.example.com/1.jpg\tFLT\tsize\tWashed twice\tMade of flax\tLarge\n"
)


def test_amazon_flat_files_have_their_header_in_the_third_row(ingest: Ingest) -> None:
    found = ingest(AMAZON, name="flat.txt")
    (towel,) = found.products
    assert found.counts == {"rows": 3, "products": 1, "merged": 2, "quarantined": 0}
    assert (towel.title, towel.price) == ("Fog linen towel", Decimal("24.00"))
    assert towel.attributes == {"Size": "Small, Large", "Features": "Washed twice"}


EBAY = """#INFO,Version=1.0.0,Template= eBay-draft-listings-template_DE,,,,,,,,
*Action(SiteID=Germany|Country=DE|Currency=EUR|Version=745),CustomLabel,*Category,*Title,Relationship,RelationshipDetails,*ConditionID,*C:Farbe,*Description,*Format,*StartPrice
Add,FLT,20444,Leinenhandtuch,,Größe=Klein;Groß;Riesig,1000,Grau,<p>Leinen.</p>,FixedPrice,
,FLT-S,,,Variation,Größe=Klein,,,,,"23,95"
,FLT-L,,,Variation,Größe=Groß,,,,,"27,95"
Add,OCH,20445,Garderobenhaken,,,1000,Braun,<p>Haken.</p>,FixedPrice,"12,50"
"""


def test_ebay_variations_belong_to_the_listing_above_and_the_header_holds_the_currency(ingest: Ingest) -> None:
    found = ingest(EBAY)
    towel, hook = found.products
    assert found.counts == {"rows": 4, "products": 2, "merged": 2, "quarantined": 0}
    assert (towel.price, towel.currency) == (Decimal("23.95"), "EUR")
    assert towel.attributes == {"Größe": "Klein, Groß", "Farbe": "Grau"}
    assert hook.attributes == {"Farbe": "Braun"}


def test_the_kind_of_an_ebay_auction_is_no_attribute(ingest: Ingest) -> None:
    (towel,) = ingest(
        "Item number,Title,Available quantity,Format,Currency,Current price\n1,Fog linen towel,10,FIXED_PRICE,USD,24.0\n"
    ).products
    assert towel.attributes == {}


def test_the_ids_of_affiliate_feeds_are_the_products(ingest: Ingest) -> None:
    (towel,) = ingest(
        "aw_deep_link,product_name,aw_product_id,merchant_product_id,description,merchant_category,search_price,merchant_name,category_name,currency,display_price,product_short_description,ean\n"
        "https://awin.example.com/p1,Fog linen towel,2201,FLT1,Soft linen.,Home > Bath,24.00,Fog Shop,Towels,GBP,GBP24.00,Soft,\n"
    ).products
    assert (towel.product_id, towel.price, towel.attributes) == ("FLT1", Decimal("24.00"), {})


WOO_NOISE = (
    "ID,Typ,Artikelnummer,Name,Sichtbarkeit im Katalog,Steuerstatus,Steuerklasse,Schlagwörter,Beschreibung,Regulärer Preis,Marken\n"
    '11,simple,FLT,Leinenhandtuch,visible,taxable,standard,leinen,"<p>Weiches Leinen.</p>\\n\\n<p>Gewaschen.</p>","23,95",Fogwell\n'
)


def test_woocommerces_written_line_breaks_are_line_breaks(ingest: Ingest) -> None:
    assert ingest(WOO_NOISE).products[0].description == "Weiches Leinen.\nGewaschen."


def test_the_shops_plumbing_is_no_attribute_in_german_either(ingest: Ingest) -> None:
    (towel,) = ingest(WOO_NOISE).products
    assert (towel.brand, towel.attributes) == ("Fogwell", {})


def test_prestashops_category_is_not_the_root_of_all(ingest: Ingest) -> None:
    (towel,) = ingest(
        "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax included\n1;1;Serviette;Accueil,Salle de bain;23,95\n"
    ).products
    assert towel.category == "Salle de bain"


@pytest.mark.parametrize(
    ("columns", "row", "price"),
    [
        ("Price (tax excl.),Price (tax incl.)", "19.96,23.95", "23.95"),
        ("Verkaufspreis,Regulärer Preis", "19.95,23.95", "23.95"),
        ("Price Cents,Currency", "1599,usd", "15.99"),
        ("Price Cents,Currency", "1599.0,usd", "15.99"),
    ],
)
def test_of_several_prices_the_regular_one_with_tax_is_read_in_whole_units(
    ingest: Ingest, columns: str, row: str, price: str
) -> None:
    assert ingest(f"Name,{columns}\nFog linen towel,{row}\n").products[0].price == Decimal(price)


def test_article_numbers_are_not_taken_for_prices(ingest: Ingest) -> None:
    found = ingest("Name,Vorgänger\nLeinenhandtuch,FLT1\nHaken,OCH2\n")
    assert [(product.price, product.currency) for product in found.products] == [(None, None), (None, None)]


def test_a_price_lists_item_description_is_its_title(ingest: Ingest) -> None:
    found = ingest("Fog Shop Ltd,,\nPrice list,,\n\nItem Code,Item Description,Unit Price\nF1,Fog linen towel,$24.00\n")
    assert [(product.title, product.description) for product in found.products] == [("Fog linen towel", "")]


def test_measures_that_nobody_filled_in_are_no_attributes(ingest: Ingest) -> None:
    (towel,) = ingest("SKU,Name,Length,Dimensions\nF1,Fog linen towel,0.0000,0\n").products
    assert towel.attributes == {}


def test_second_categories_and_prices_are_no_attributes(ingest: Ingest) -> None:
    text = "SKU,Name,Category,Second category,Price,Old shown price\nF1,Fog linen towel,Bath,Gifts,24,30 EUR\n"
    assert ingest(text).products[0].attributes == {}


def test_numbers_name_no_brand(ingest: Ingest) -> None:
    assert ingest("SKU,Name,Marca ID\nF1,Fog linen towel,38\n").products[0].brand == ""


def test_a_first_row_of_a_word_or_two_like_column_names_is_a_product(ingest: Ingest) -> None:
    assert ingest("Product,Kind,Maker\nPhoto,Product,Fogwell\n").titles == ["Photo"]


def test_a_header_repeated_for_machines_is_no_product(ingest: Ingest) -> None:
    found = ingest("Product name,Brand name,Price\ntitle,brand,price\nFog linen towel,Fogwell,24\n")
    assert (found.titles, found.rules) == (["Fog linen towel"], [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BIGCOMMERCE_3, "BigCommerce CSV"),
        (EBAY, "eBay CSV"),
        (SHOPWARE_5, "Shopware 5 CSV"),
        (SHOPWARE_6, "Shopware 6 CSV"),
        (OXID, "OXID CSV"),
        (ECWID, "Ecwid CSV"),
        (AMAZON, "Variants named by their parent"),
    ],
)
def test_a_systems_export_is_called_by_its_name(catalogue: Callable[..., Catalogue], text: str, name: str) -> None:
    assert open_reader(catalogue(text), Settings(platforms=["meta_feed"])).format == name


def test_a_variants_options_have_columns_of_their_own_in_shoptet(ingest: Ingest) -> None:
    hook, sheet = ingest(
        "code;pairCode;name;description;defaultCategory;price;currency;variant:Barva;variant:Velikost\n"
        "0001;;Háček;Z dubu.;Dům > Předsíň;99,00;CZK;;\n"
        "0002/S;FLT;Povlečení;Lněné.;Dům > Ložnice;1 299,00;CZK;šedá;S\n"
        "0002/L;FLT;Povlečení;Lněné.;Dům > Ložnice;1 499,00;CZK;šedá;L\n"
    ).products
    assert (hook.product_id, hook.attributes) == ("0001", {})
    assert (sheet.price, sheet.category, sheet.attributes) == (
        Decimal(1299),
        "Dům > Ložnice",
        {"Barva": "šedá", "Velikost": "S, L"},
    )


def test_a_variant_row_of_nuvemshop_belongs_to_its_address(ingest: Ingest) -> None:
    found = ingest(
        '"Identificador URL";"Nome";"Categorias";"Nome da variação 1";"Valor da variação 1";"Preço";"SKU";"Exibir na loja";"Descrição"\n'
        '"toalha";"Toalha de linho";"Casa > Banho";"Tamanho";"P";"149.90";"F1-P";"SIM";"Macia."\n'
        '"toalha";"";"";"Tamanho";"G";"139.90";"F1-G";"";""\n'
    )
    (towel,) = found.products
    assert (towel.product_id, towel.price, towel.attributes) == ("toalha", Decimal("139.90"), {"Tamanho": "P, G"})


def test_tiktoks_primary_and_secondary_variations_are_options(ingest: Ingest) -> None:
    (towel,) = ingest(
        "Category,Product Name,Product Description,Primary variation name (Theme),Primary variation value (option),Secondary variation name (Theme),Secondary variation value (option),Retail Price (Local Currency),Seller SKU\n"
        "Home/Towels,Fog towel,Soft.,Size,Small,Colour,Fog,24.00,F-S\n"
        "Home/Towels,Fog towel,Soft.,Size,Large,Colour,Ink,28.00,F-L\n"
    ).products
    assert (towel.price, towel.attributes) == (Decimal(24), {"Size": "Small, Large", "Colour": "Fog, Ink"})


def test_tildas_editions_are_merged_into_their_parent(ingest: Ingest) -> None:
    (towel,) = ingest(
        '"Tilda UID";"SKU";"Category";"Title";"Description";"Text";"Price";"Editions";"Parent UID"\n'
        '"123";"F1";"Дом;Ванная";"Льняное полотенце";"Мягкое";"<p>Мягкое полотенце.</p>";"1600";"";""\n'
        '"124";"F1-S";"";"Льняное полотенце - S";"";"";"1500";"Размер:S";"123"\n'
    ).products
    assert (towel.title, towel.price, towel.category) == ("Льняное полотенце", Decimal(1500), "Дом")
    assert (towel.description, towel.attributes) == ("Мягкое полотенце.", {"Размер": "S"})


def test_insales_variants_share_the_products_id(ingest: Ingest) -> None:
    (towel,) = ingest(
        "ID товара;Название товара или услуги;Полное описание;Размещение на сайте;Валюта склада;Свойство: Размер;ID варианта;Артикул;Цена продажи\n"
        "1;Льняное полотенце;Мягкое.;Каталог/Ванная;RUR;S;11;F1-S;1600,0\n"
        "1;Льняное полотенце;Мягкое.;Каталог/Ванная;RUR;L;12;F1-L;1800,0\n"
    ).products
    assert (towel.product_id, towel.price, towel.currency) == ("1", Decimal(1600), "RUB")
    assert towel.attributes == {"Размер": "S, L"}


def test_bitrix_columns_are_known(ingest: Ingest) -> None:
    (towel,) = ingest(
        "IE_XML_ID;IE_NAME;IE_PREVIEW_TEXT;IE_PREVIEW_TEXT_TYPE;IE_DETAIL_TEXT;IC_GROUP0;IC_GROUP1;CV_PRICE_1;CV_CURRENCY_1\n"
        "100;Льняное полотенце;Мягкое;text;<p>Мягкое полотенце.</p>;Дом;Ванная;1600;RUB\n"
    ).products
    assert (towel.product_id, towel.description, towel.currency) == ("100", "Мягкое полотенце.", "RUB")
    assert (towel.category, towel.attributes) == ("Дом", {})


def test_what_a_shop_pays_is_not_what_it_asks(ingest: Ingest) -> None:
    assert ingest("Name,Cost,Sales Price\nFog towel,10.00,24.00\n").products[0].price == Decimal(24)


def test_polish_columns_of_an_offer_are_known_by_a_word(ingest: Ingest) -> None:
    (towel,) = ingest(
        "ID oferty;Tytuł oferty;Cena;Kategoria główna;Opis oferty;Stan\n1;Ręcznik;99,90 zł;Dom;Miękki;Nowy\n"
    ).products
    assert (towel.title, towel.description, towel.category) == ("Ręcznik", "Miękki", "Dom")
    assert towel.attributes == {}


def test_columns_of_the_far_east_are_known(ingest: Ingest) -> None:
    (japan,) = ingest(
        "商品番号,商品名,販売価格,PC用商品説明文\nF1,リネンタオル,2400,やわらかい\n".encode("cp932")
    ).products
    (china,) = ingest("宝贝名称,宝贝价格,宝贝描述,商家编码\n亚麻毛巾,99.00,柔软,F1\n").products
    assert (japan.price, japan.description) == (Decimal(2400), "やわらかい")
    assert (china.product_id, china.title, china.price) == ("F1", "亚麻毛巾", Decimal(99))


def test_a_description_in_markup_is_no_title(ingest: Ingest) -> None:
    with pytest.raises(InputError, match="no column was recognised as the product's title"):
        ingest("Code,Description\nF1,<p>Soft</p>\n")


def test_markup_pasted_from_word_makes_no_sheet_of_a_table(ingest: Ingest) -> None:
    pasted = '"<p xmlns:o=""urn:schemas-microsoft-com:office:office"">Soft.<o:p></o:p></p>"'
    assert ingest(f"Name,Description\nFog towel,{pasted}\n").products[0].description == "Soft."


def test_the_first_of_several_categories_may_be_empty_or_hold_a_comma(ingest: Ingest) -> None:
    assert ingest("sku,name,category\n1,Towel,;Bath;Sale\n").products[0].category == "Bath"
    woo = 'ID,Type,SKU,Name,Published,Categories\n1,simple,T,Towel,1,"Bath\\, spa > Towels, Sale"\n'
    assert ingest(woo).products[0].category == "Bath, spa > Towels"


CSCART = """Product code,Language,Category,List price,Price,Weight,Quantity,Product name,Description,Features,Product id,Product URL,Vendor
T1,en,Home///Bath,0,24.00,0.3,10,Fog towel,<p>Soft.</p>,{1}Material: T[Oak: a blend]; {2}(Look) Colour: S[Red///Blue]; {3}Brand: E[Fogwell]; {4}New: C[Y],7,https://s.example.com/t,Marketplace
T2,en,Home///Hall,0,12.00,0.3,10,Oak hook,<p>Solid.</p>,Weave: M[Waffle],8,https://s.example.com/h,Marketplace
T3,en,Home///Hall,0,12.00,0.3,10,Ash hook,<p>Plain.</p>,,9,https://s.example.com/a,Marketplace
"""


def test_cscart_features_are_attributes_and_its_maker_the_brand(ingest: Ingest) -> None:
    towel, hook, plain = ingest(CSCART).products
    assert towel.attributes == {"Material": "Oak: a blend", "Colour": "Red, Blue"}
    assert (towel.brand, towel.category, towel.price) == ("Fogwell", "Home > Bath", Decimal(24))
    assert (hook.attributes, plain.attributes) == ({"Weave": "Waffle"}, {})
