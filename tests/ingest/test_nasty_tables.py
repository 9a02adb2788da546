# ruff: noqa: E501 - a row of a catalogue is one line
"""Tables as they come: odd separators, ragged rows, leftovers above the header, files that are none."""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from functions.common.errors import InputError
from functions.ingest import rows

Ingest = Callable[..., Any]
PLAIN = "id,title,description,price\n"


def test_blank_rows_are_no_rows_but_keep_their_number(ingest: Ingest) -> None:
    found = ingest(PLAIN + "1,Stool,Oak,9\n\n , ,,\n2,Bench,Ash,8\n\n")
    assert found.counts["rows"] == 2
    assert [product.source.row for product in found.products] == [1, 4]


def test_blank_lines_and_a_title_above_the_header_are_passed_over(ingest: Ingest) -> None:
    found = ingest("\n\n,,,\nProduct export of May,,,\nid,title,description,price\n1,Stool,Oak,9\n")
    assert found.titles == ["Stool"]
    assert found.products[0].source.row == 1


def test_a_separator_line_for_excel_is_obeyed(ingest: Ingest) -> None:
    assert ingest("sep=;\nid;title;price\n1;Stool, low;9,50\n").titles == ["Stool, low"]
    assert ingest('"sep=^"\nid^title\n1^Stool\n').titles == ["Stool"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_separators_are_told_by_the_columns_that_they_make(ingest: Ingest, delimiter: str) -> None:
    header = delimiter.join(["id", "title", "description"])
    rest = "".join(c for c in ",;|" if c != delimiter)
    found = ingest(f'{header}\n1{delimiter}Stool{delimiter}"Oak{rest} oiled{rest} low"\n')
    assert found.products[0].description == f"Oak{rest} oiled{rest} low"


def test_line_breaks_in_cells_belong_to_the_cell(ingest: Ingest) -> None:
    found = ingest(PLAIN.replace("\n", "\r\n") + '1,Stool,"Oak,\r\noiled.\r\n""Low""",9\r\n2,Bench,Ash,8\r\n')
    assert found.products[0].description == 'Oak,\noiled.\n"Low"'
    assert found.counts["rows"] == 2


def test_old_mac_line_ends_are_line_ends(ingest: Ingest) -> None:
    assert ingest(PLAIN.replace("\n", "\r") + "1,Stool,Oak,9\r2,Bench,Ash,8\r").titles == ["Stool", "Bench"]


def test_a_row_with_too_many_cells_is_quarantined_alone(ingest: Ingest) -> None:
    found = ingest(PLAIN + "1,Stool,Oak,9\n2,Bench,Ash, oiled,8,9\n3,Shelf,Elm,7\n")
    assert found.titles == ["Stool", "Shelf"]
    (entry,) = found.quarantined
    assert (entry.rule, entry.source.row) == ("row_too_long", 2)
    assert entry.advice.startswith("shop.csv row 2: the row has 6 cells and the header 4; put quotation marks")
    assert "oiled" in entry.record


def test_empty_cells_too_many_or_too_few_do_no_harm(ingest: Ingest) -> None:
    found = ingest(PLAIN + "1,Stool,Oak,9,,,\n2,Bench\n")
    assert found.titles == ["Stool", "Bench"]


def test_a_quotation_mark_that_is_never_closed_costs_one_row(ingest: Ingest) -> None:
    found = ingest(PLAIN + '1,Stool,Oak,9\n2,"Bench,Ash,8\n3,Shelf,Elm,7\n')
    assert found.titles == ["Stool"]
    assert found.rules == ["quote_unclosed"]
    assert "line 3" in found.quarantined[0].advice
    assert "Shelf" in found.quarantined[0].record


def test_a_cell_beyond_any_measure_is_a_clear_error(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "FIELD_LIMIT", 1000)
    with pytest.raises(InputError, match=r"row 2: a cell is longer than 1,000 characters.*quotation mark near line 3"):
        ingest(PLAIN + '1,Stool,Oak,9\n2,"' + "x\n" * 600 + "\n" + "3,a,b,c\n")


def test_a_long_cell_within_the_measure_is_read(ingest: Ingest) -> None:
    assert len(ingest(PLAIN + "1,Stool," + "oak " * 60_000 + ",9\n").products[0].description) == 239_999


def test_zero_bytes_and_controls_are_dropped(ingest: Ingest) -> None:
    found = ingest(PLAIN + "1,St\x00ool\x07,O\x00ak,9\n" + "2,Bench,Ash,8\n" * 30)
    assert found.products[0].title == "Stool"
    assert found.products[0].description == "Oak"


def test_header_names_that_repeat_do_not_hide_each_other(ingest: Ingest) -> None:
    found = ingest("title,title,price,price,material,material\nStool,Low stool,9,10,Oak,Ash\n")
    assert found.titles == ["Stool"]
    assert found.products[0].attributes == {"Material": "Oak"}


def test_a_mark_within_the_first_name_is_dropped(ingest: Ingest) -> None:
    assert ingest("\n\t\ufeffid,Имя,Описание\n1,Стул,Дуб\n").titles == ["Стул"]


def test_a_utf16_tsv_without_a_mark_is_read(ingest: Ingest) -> None:
    text = "id\ttitle\tprice\n1\tСтул\t9,50 €\n2\tЛавка\t8,00 €\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert ingest(text.encode(encoding)).titles == ["Стул", "Лавка"]


def test_a_cyrillic_windows_table_is_read(ingest: Ingest) -> None:
    data = "Артикул;Название;Описание;Цена\n1;Стул;Дубовый стул;4 990 руб.\n".encode("cp1251")
    assert ingest(data).titles == ["Стул"]


@pytest.mark.parametrize("data", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_an_error(ingest: Ingest, data: bytes) -> None:
    with pytest.raises(InputError, match="empty"):
        ingest(data)


def test_a_header_without_rows_is_an_error(ingest: Ingest) -> None:
    with pytest.raises(InputError, match="no products recognised"):
        ingest("id,title,price\n")


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "PNG image.*exported as CSV"),
        (_zip(), "XLSX.*save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "XLS.*save the sheet as CSV"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x1f\x8b\x08\x00abc", "gunzip"),
        (bytes(range(256)) * 8, "binary file"),
        (b"<!DOCTYPE html><html><head></head><body>Log in</body></html>", "HTML page"),
        (b"\n<html lang=en><body><table><tr><td>title</td></tr></table></body></html>", "HTML page"),
        (b"just some words\nand more of them\n", "no column was recognised"),
    ],
)
def test_what_is_no_catalogue_is_told_with_what_to_do(ingest: Ingest, data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ingest(data)


def test_links_that_only_the_shop_resolves_are_left_out(ingest: Ingest) -> None:
    found = ingest(
        "title,image,link\nA,/media/a.jpg,shop.example.com/a\nB,//cdn.example.com/b c.jpg,https://x.example.com/b?x=1&copy=2\n"
        "C,\"https://i.example.com/1,2.jpg, https://i.example.com/2.jpg\",www.example.com/c\nD,https://i.example.com/my pic.jpg,\n"
        "E,javascript:alert(1),\n"
    )  # fmt: skip
    assert [product.image_url for product in found.products] == [
        "", "https://cdn.example.com/b", "https://i.example.com/1,2.jpg", "https://i.example.com/my%20pic.jpg", "javascript:alert(1)",
    ]  # fmt: skip
    assert found.products[1].link == "https://x.example.com/b?x=1&copy=2"
    assert found.products[2].link == "https://www.example.com/c"


CSCART = "Product code,Language,Product name,Features\nT,en,Towel,"
BIGCOMMERCE = (
    "Item,ID,Name,Type,SKU,Options,Inventory Tracking,Price,Category\nProduct,1,Towel,physical,T,,variant,24,Bath\n"
)


@pytest.mark.parametrize(
    "text",
    [
        CSCART + "; {1} (a) b" * 20_000 + "\n",
        "id,title,category\n1,Towel," + "1" * 60 + "x\n",
        "id,title,category\n1,Towel," + ("1" * 32 + " ") * 40 + "x\n",
        "id,title,price\n1,Towel,5 " + "ht " * 10_000 + "x\n",
        BIGCOMMERCE + "Variant,2,,,S," + "[A]" * 40_000 + ",,24,\n",
        BIGCOMMERCE + "Variant,2,,,S," + "Name=" * 25_000 + ",,24,\n",
        BIGCOMMERCE + "Variant,2,,,S,Name=Size|Value=" + " " * 40_000 + "x,,24,\n",
        PLAIN + "1,Towel,[a " + "= " * 40_000 + "x,9\n",
        '[{"title": "Towel", "' + "(" * 40_000 + '": "x"}]',
        "id,title,weight\n1,Towel," + "0" * 40_000 + "x\n",
    ],
    ids=["features", "digits", "numbers", "price", "options", "names", "spaces", "shortcode", "key", "zeros"],
)
def test_no_cell_takes_long_to_read(ingest: Ingest, text: str) -> None:
    start = time.process_time()
    assert ingest(text).counts["rows"] in {1, 2}
    assert time.process_time() - start < 5
