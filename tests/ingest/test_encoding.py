import io

import pytest

from functions.ingest.encoding import find_encoding

RUSSIAN = "артикул;название;описание\n1;Чайник;Стальной чайник со свистком\n2;Лампа;Тёплый свет для дома\n"
UKRAINIAN = "артикул;назва;опис\n1;Чайник;Сталевий чайник зі свистком для їдальні та кухні\n"
GERMAN = "nr;name;beschreibung\n1;Tischläufer;Für große Tische, schön gewebt\n"
FRENCH = "id;nom;description\n1;Théière;Émaillée, pour l’été – 5 €\n"
POLISH = "id;nazwa;opis\n1;Łyżka;Drewniana łyżka do żurku, świetna jakość\n"
GREEK = "id;όνομα;περιγραφή\n1;Καρέκλα;Ξύλινη καρέκλα για την κουζίνα\n"
JAPANESE = "id,商品名,商品説明\n1,急須,常滑焼の急須です。お茶の時間に使います。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp866"),
        (UKRAINIAN, "cp1251"),
        (GERMAN, "cp1252"),
        (FRENCH, "cp1252"),
        (POLISH, "cp1250"),
        (GREEK, "cp1253"),
        (JAPANESE, "cp932"),
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "utf-8-sig"),
        (RUSSIAN, "utf-16"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-32"),
    ],
)
def test_short_files_in_many_encodings_decode_to_their_text(text: str, encoding: str) -> None:
    found = find_encoding(io.BytesIO(text.encode(encoding)))
    assert text.encode(encoding).decode(found.name).lstrip("\ufeff") == text


def test_a_few_broken_bytes_leave_utf8_what_it_is() -> None:
    data = (RUSSIAN * 20).encode() + b"3;\xff;\n"
    assert find_encoding(io.BytesIO(data)).name == "utf-8"
    assert find_encoding(io.BytesIO(data)).errors == "replace"


def test_what_comes_after_the_first_megabyte_counts_too() -> None:
    data = b"id;name\n" + b"1;Kettle\n" * 200_000 + "2;Théière émaillée\n".encode("cp1252")
    assert find_encoding(io.BytesIO(data)).name == "cp1252"


def test_a_character_split_by_a_block_is_not_damage() -> None:
    data = b"x" * ((1 << 20) - 1) + "é".encode()
    assert find_encoding(io.BytesIO(data)).name == "utf-8"
