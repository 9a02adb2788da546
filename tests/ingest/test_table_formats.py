# ruff: noqa: E501 - a row of a catalogue is one line
"""Exports of the shops' systems, invented row by row."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from functions.common.errors import InputError

Ingest = Callable[..., Any]

SHOPIFY_HEADER = (
    "Handle,Title,Body (HTML),Vendor,{category}Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Position,SEO Title\n"
)


def shopify(category: str = "") -> str:
    cell = "Home & Garden > Kitchen," if category else ""
    none = "," if category else ""
    return SHOPIFY_HEADER.format(category=category) + (
        f"linen-apron,Linen apron,<p>Stonewashed.</p>,Fogwell,{cell}Aprons,kitchen,true,Colour,Oat,Size,S,A1,3,42.00,50.00,"
        "https://cdn.example.com/a.jpg,1,Buy aprons\n"
        f"linen-apron,,,,{none},,,,Oat,,M,A2,3,40.00,,https://cdn.example.com/b.jpg,2,\n"
        f"linen-apron,,,,{none},,,,Ink,,M,A3,3,44.00,,,,\n"
        f"linen-apron,,,,{none},,,,,,,,,,,https://cdn.example.com/c.jpg,3,\n"
        f"oak-stool,Oak stool,<p>Three legs.</p>,Fogwell,{cell}Stools,,true,Title,Default Title,,,S1,1,89,,,,\n"
    )


@pytest.mark.parametrize("category", ["", "Product Category,", "Standardized Product Type,"])
def test_shopify_rows_are_grouped_by_handle_in_each_column_set(ingest: Ingest, category: str) -> None:
    found = ingest(shopify(category))
    apron, stool = found.products
    assert found.counts == {"rows": 5, "products": 2, "merged": 3, "quarantined": 0}
    assert apron.attributes == {"Colour": "Oat, Ink", "Size": "S, M"}
    assert (apron.price, apron.image_url, apron.brand) == (Decimal(40), "https://cdn.example.com/a.jpg", "Fogwell")
    assert (apron.source.row, apron.source.rows) == (1, 4)
    assert apron.category == ("Home & Garden > Kitchen" if category else "Aprons")
    assert stool.attributes == {}


def test_shopify_columns_of_2025_are_read(ingest: Ingest) -> None:
    found = ingest(
        "Title,URL handle,Description,Vendor,Product category,Option1 name,Option1 value,SKU,Price,Product image URL\n"
        "Oak stool,oak-stool,<b>Three</b> legs.,Fogwell,Furniture > Stools,Height,45 cm,S1,89,https://c.example.com/s.jpg\n"
        ",oak-stool,,,,,65 cm,S2,99,\n"
    )
    (stool,) = found.products
    assert (stool.product_id, stool.description, stool.attributes) == (
        "oak-stool",
        "Three legs.",
        {"Height": "45 cm, 65 cm"},
    )


def test_a_variant_far_below_its_product_is_merged_into_it(ingest: Ingest) -> None:
    lines = shopify().splitlines()
    scattered = "\n".join([lines[0], lines[1], lines[5], lines[2], lines[3], lines[4]])
    assert ingest(scattered).products[0].attributes == ingest(shopify()).products[0].attributes


def test_a_variant_without_its_product_is_quarantined(ingest: Ingest) -> None:
    found = ingest(shopify() + "ghost,,,,,,,,Red,,,G1,1,5,,,,\n")
    assert found.rules == ["parent_missing"]
    assert "export the parent" in found.quarantined[0].advice


WOO = {
    "en": "ID,Type,SKU,Name,Published,Short description,Description,Regular price,Sale price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s)",
    "de": "ID,Typ,Artikelnummer,Name,Veröffentlicht,Kurzbeschreibung,Beschreibung,Regulärer Preis,Angebotspreis,Kategorien,Bilder,Übergeordnetes Produkt,Attribut 1 Name,Attribut 1 Wert(e)",
    "fr": "ID,Type,UGS,Nom,Publié,Description courte,Description,Tarif régulier,Tarif promo,Catégories,Images,Parent,Nom de l’attribut 1,Valeur(s) de l’attribut 1",
    "es": "ID,Tipo,SKU,Nombre,Publicado,Descripción corta,Descripción,Precio normal,Precio rebajado,Categorías,Imágenes,Superior,Nombre del atributo 1,Valor(es) del atributo 1",
    "ru": "ID,Тип,Артикул,Имя,Опубликован,Краткое описание,Описание,Базовая цена,Цена распродажи,Категории,Изображения,Родительский,Название атрибута 1,Значения атрибутов 1",
}  # fmt: skip


@pytest.mark.parametrize("language", WOO)
def test_woocommerce_is_read_with_headers_in_any_language(ingest: Ingest, language: str) -> None:
    found = ingest(
        WOO[language] + "\n"
        '7,variable,TEE,Oak tee,1,Soft,"Heavy cotton.",,,"Shirts, Shirts > Tees","https://c.example.com/1.jpg, https://c.example.com/2.jpg",,Colour,"Moss, Sand"\n'
        "8,variation,TEE-M,Oak tee - Moss,1,,,25,20,,,TEE,Colour,Moss\n"
        "9,variation,TEE-S,Oak tee - Sand,1,,,24,,,,id:7,Colour,Sand\n"
        '10,"simple, virtual",CARD,Gift card,1,,A card.,10,,Cards,,,,\n'
    )
    tee, card = found.products
    assert found.counts["merged"] == 2
    assert (tee.product_id, tee.price, tee.attributes) == ("TEE", Decimal(24), {"Colour": "Moss, Sand"})
    assert tee.image_url == "https://c.example.com/1.jpg"
    assert card.title == "Gift card"


def test_variations_before_their_parent_are_merged_too(ingest: Ingest) -> None:
    rows = ["8,variation,T-M,Tee - M,1,,,25,,,,TEE,Size,M", "7,variable,TEE,Tee,1,,Cotton.,,,Shirts,,,Size,M"]
    found = ingest("\n".join([WOO["en"], *rows]))
    assert found.titles == ["Tee"]
    assert found.products[0].price == Decimal(25)


def test_magento_children_are_merged_into_their_configurable_product(ingest: Ingest) -> None:
    found = ingest(
        "sku,attribute_set_code,product_type,categories,name,description,price,qty,additional_attributes,configurable_variations\n"
        'CUP-R,Top,simple,"Default Category/Home/Cups",Cup-Red,<p>A cup.</p>,9,5,"color=Red,has_options=0",\n'
        'CUP-B,Top,simple,"Default Category/Home/Cups",Cup-Blue,<p>A cup.</p>,8,5,"color=Blue,has_options=0",\n'
        'CUP,Top,configurable,"Default Category/Home/Cups",Cup,<p>A cup.</p>,9,0,"material=Stoneware|Cork","sku=CUP-R,color=Red|sku=CUP-B,color=Blue"\n'
        'JUG,Top,simple,"Default Category/Home",Jug,<p>A jug.</p>,19,2,"material=Glass",\n'
    )
    cup, jug = found.products
    assert (cup.product_id, cup.title, cup.price, cup.category) == ("CUP", "Cup", Decimal(8), "Home > Cups")
    assert cup.attributes == {"Color": "Red, Blue", "Material": "Stoneware, Cork"}
    assert jug.product_id == "JUG"


def test_wix_variants_add_their_choices_and_media_get_addresses(ingest: Ingest) -> None:
    found = ingest(
        "handleId,fieldType,name,description,productImageUrl,collection,sku,price,visible,productOptionName1,productOptionType1,productOptionDescription1,brand\n"
        "p1,Product,Tote,<p>Big.</p>,ab12_cd~mv2.png;ef~mv2.png,Bags,T,32,true,Color,COLOR,#000000:Black;#ffffff:White,Fogwell\n"
        "p1,Variant,,,,,T-B,,true,,,#000000:Black,\n"
        "p1,Variant,,,,,T-W,,true,,,#ffffff:White,\n"
    )
    (tote,) = found.products
    assert tote.attributes == {"Color": "Black, White"}
    assert tote.image_url == "https://static.wixstatic.com/media/ab12_cd~mv2.png"
    assert tote.source.rows == 3


def test_spree_variants_give_the_lowest_price_above_nothing(ingest: Ingest) -> None:
    found = ingest(
        "slug,sku,name,price,currency,status,description,tax_category,category1,option1_name,option1_value,custom_field.custom.wattage\n"
        "kettle,K,Kettle,0,USD,active,Boils.,Default,Kitchen -> Kettles,,,1400W\n"
        "kettle,K-R,,59.5,USD,,,,,Color,Red,\n"
        "kettle,K-B,,55,USD,,,,,Color,Blue,\n"
    )
    (kettle,) = found.products
    assert (kettle.price, kettle.currency, kettle.category) == (Decimal(55), "USD", "Kitchen > Kettles")
    assert kettle.attributes == {"Color": "Red, Blue", "Wattage": "1400W"}


def test_vendure_cells_padded_with_spaces_are_read(ingest: Ingest) -> None:
    found = ingest(
        "name    ,slug   ,description   ,assets ,facets                ,optionGroups   ,optionValues ,sku ,price\n"
        "Laptop  ,laptop ,Thin.         ,a.jpg  ,category:Electronics  ,screen size|RAM,13 inch|8GB  ,L1  ,1299.00\n"
        "        ,       ,              ,       ,                      ,               ,15 inch|16GB ,L2  ,1499.00\n"
    )
    (laptop,) = found.products
    assert laptop.attributes == {"Screen size": "13 inch, 15 inch", "Ram": "8GB, 16GB"}
    assert (laptop.price, laptop.category) == (Decimal(1299), "Electronics")


def test_translations_are_products_of_their_language(ingest: Ingest) -> None:
    found = ingest("slug,locale,name,description\nkettle,de,Kessel,Kocht.\nkettle,fr,Bouilloire,Bout.\n")
    assert [(p.product_id, p.language) for p in found.products] == [("kettle:de", "de"), ("kettle:fr", "fr")]


FEED = "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\titem_group_id\tcolor\tsize\n"


def test_items_of_a_merchant_group_become_one_product(ingest: Ingest) -> None:
    found = ingest(
        FEED + "1\tRidge jacket — Black, Size M\tWarm.\thttps://s.example.com/1\thttps://s.example.com/1.jpg\tin stock\t99.00 EUR\tridge\tBlack\tM\n"
        "2\tTent\tDry.\thttps://s.example.com/2\thttps://s.example.com/2.jpg\tin stock\t199.00 EUR\t\t\t\n"
        "3\tRidge jacket — Red, Size L\tWarm.\thttps://s.example.com/3\thttps://s.example.com/3.jpg\tin stock\t89.00 EUR\tridge\tRed\tL\n"
    )  # fmt: skip
    jacket, tent = found.products
    assert (jacket.product_id, jacket.title, jacket.price) == ("1", "Ridge jacket", Decimal(89))
    assert jacket.attributes == {"Color": "Black, Red", "Size": "M, L"}
    assert (tent.title, tent.currency) == ("Tent", "EUR")


def test_quotes_in_a_merchant_tsv_are_text(ingest: Ingest) -> None:
    row = '1\t"Deluxe" 7" pan\tCast iron, 7".\thttps://s.example.com/1\thttps://s.example.com/1.jpg\tin stock\t9 EUR\t\t\t\n'
    assert ingest(FEED + row + row.replace("1\t", "2\t", 1).replace("pan", "pot")).titles == [
        '"Deluxe" 7" pan',
        '"Deluxe" 7" pot',
    ]


def test_the_comment_row_above_a_meta_header_is_no_data(ingest: Ingest) -> None:
    found = ingest(
        "\ufeff# Required | A unique content ID,# Required | A title; be specific,# Required,# Required,# Optional\r\n"
        "id,title,description,availability,fb_product_category\r\n"
        "9,Toy cat,A cat of felt.,in stock,Toys\r\n"
    )
    assert found.counts["rows"] == 1
    assert found.products[0].source.row == 1


def test_etsy_materials_and_variations_are_attributes(ingest: Ingest) -> None:
    found = ingest(
        "TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,QUANTITY,TAGS,MATERIALS,IMAGE1,VARIATION 1 TYPE,VARIATION 1 NAME,VARIATION 1 VALUES,SKU\n"
        '"Felt cat","Made by hand.\nSmall.",18,GBP,3,"cat,felt","wool,felt",https://i.example.com/1.jpg,,Colour,"Grey,Black",\n'
    )
    (cat,) = found.products
    assert (cat.price, cat.currency, cat.description) == (Decimal(18), "GBP", "Made by hand.\nSmall.")
    assert cat.attributes == {"Colour": "Grey, Black", "Material": "wool,felt"}
    assert len(cat.product_id) == 16


def test_prestashop_features_are_attributes(ingest: Ingest) -> None:
    found = ingest(
        "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax included;Manufacturer;Short description;Description;Feature(Name:Value:Position)\n"
        "1;1;Oak stool;Home,Stools;89,50;Fogwell;<p>Three legs</p>;<p>Oiled oak.</p>;Height:45 cm:1,Wood:Oak:2\n"
    )
    (stool,) = found.products
    assert (stool.price, stool.brand, stool.description) == (Decimal("89.50"), "Fogwell", "Oiled oak.")
    assert stool.attributes == {"Height": "45 cm", "Wood": "Oak"}


@pytest.mark.parametrize(
    ("text", "title", "price"),
    [
        ("Artikelnummer;Bezeichnung;Langtext;Preis\n1;Stuhl;Aus Eiche;49,90\n", "Stuhl", "49.90"),
        ("Référence;Désignation;Description;Prix TTC\n1;Chaise;En chêne;49,90 €\n", "Chaise", "49.90"),
        ("Código;Nombre;Descripción;PVP\n1;Silla;De roble;49,90\n", "Silla", "49.90"),
        ("Codice|Nome prodotto|Descrizione|Prezzo\n1|Sedia|Di rovere|49,90\n", "Sedia", "49.90"),
        ("артикул\tназвание\tописание\tцена\n1\tСтул\tИз дуба\t4 990 руб.\n", "Стул", "4990"),
        ("Артикул;Назва;Опис (html);Ціна\n1;Стілець;<p>З дуба</p>;499 грн\n", "Стілець", "499"),
        ("商品番号,商品名,商品説明,価格\n1,椅子,オーク材の椅子です。,4990円\n", "椅子", "4990"),
        ("Kod,Nazwa,Opis,Cena\n1,Krzesło,Z dębu,\"499,00 zł\"\n", "Krzesło", "499"),
        ("Ürün kodu;Ürün adı;Açıklama;Fiyat\n1;Sandalye;Meşe;499,00 TL\n", "Sandalye", "499"),
        ("item_no,item_name_en,long_text,retail\n1,Chair,\"A chair of oak, oiled by hand, for kitchens and halls of all sizes.\",$49.90\n", "Chair", "49.90"),
    ],
)  # fmt: skip
def test_tables_with_names_in_many_languages_are_read(ingest: Ingest, text: str, title: str, price: str) -> None:
    (product,) = ingest(text).products
    assert (product.title, product.price) == (title, Decimal(price))
    assert product.description


def test_a_title_column_of_no_known_name_is_asked_for(ingest: Ingest) -> None:
    text = "ref,bibelot,tarif_x\n1,Vase,9\n"
    with pytest.raises(InputError, match=r"columns found: 'ref', 'bibelot', 'tarif_x'.*--map title="):
        ingest(text)
    assert ingest(text, columns={"title": "bibelot", "price": "tarif_x"}).products[0].price == Decimal(9)


def test_a_mapped_column_that_is_not_there_is_told(ingest: Ingest) -> None:
    with pytest.raises(InputError, match="there is no column 'Nom'"):
        ingest("a,b\n1,2\n", columns={"title": "Nom"})
    with pytest.raises(InputError, match="no product field"):
        ingest("a,b\n1,2\n", columns={"headline": "a"})


def test_plumbing_columns_are_no_attributes(ingest: Ingest) -> None:
    found = ingest(
        "id,title,material,Stock Qty,SEO Title,Tax class,Created at,Finish type\n"
        "1,Stool,Oak,4,Buy stools,standard,2024-01-01,Oiled\n2,Bench,Ash,1,Buy,standard,2024-01-01,Waxed\n"
    )
    assert found.products[0].attributes == {"Material": "Oak", "Finish type": "Oiled"}


def test_no_more_than_24_attributes_of_200_characters_are_kept(ingest: Ingest) -> None:
    names = [f"Trait {chr(97 + number)}{chr(97 + number)}" for number in range(26)]
    words = ", ".join(["warm wool"] * 7)
    found = ingest(
        f'title,material,{",".join(names)}\nRug,"{", ".join(["wool"] * 99)}",' + ",".join([f'"{words}"'] * 26) + "\n"
    )
    attributes = found.products[0].attributes
    assert len(attributes) == 24
    assert len(attributes["Material"]) <= 200
    assert attributes["Material"].endswith("wool")


@pytest.mark.parametrize(
    "text",
    [
        "Item Type,Product ID,Product Name,Product Code/SKU,Product Description,Price\nProduct,1,Oak stool,S1,<p>Three.</p>,9\n  SKU,,[S]Size=M,S1-M,,\n",
        "Product ID [Non Editable],Variant ID [Non Editable],Title,Description,SKU,Option Name 1,Option Value 1,Price\n1,a,Oak stool,<p>Three.</p>,S1,Size,S,9\n,b,,,S2,Size,M,10\n",
        "handle,sku,name,description,product_category,supply_price,retail_price\n1,S1,Oak stool,Three.,Home,4,9\n1,S2,,,,4,10\n",
    ],
)
def test_variant_rows_of_other_shops_are_merged_by_their_key(ingest: Ingest, text: str) -> None:
    (stool,) = ingest(text).products
    assert (stool.product_id, stool.title, stool.description, stool.price) == ("1", "Oak stool", "Three.", Decimal(9))
    assert stool.source.rows == 2
