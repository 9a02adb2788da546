import pytest

from functions.common.language import detect
from functions.common.records import Product, Source
from functions.ingest.language import Languages

TEXTS = {
    "en": "A low stool of solid oak, oiled by hand and made to last for years in any kitchen.",
    "de": "Ein niedriger Hocker aus massiver Eiche, von Hand geölt und für viele Jahre gemacht.",
    "fr": "Un tabouret bas en chêne massif, huilé à la main et fait pour durer des années.",
    "es": "Un taburete bajo de roble macizo, aceitado a mano y hecho para durar muchos años.",
    "ru": "Низкий табурет из массива дуба, покрытый маслом вручную, прослужит много лет.",
    "uk": "Низький табурет із масиву дуба, вкритий олією вручну, прослужить багато років.",
    "ja": "無垢のオーク材で作られた低いスツールです。手作業でオイル仕上げをしています。",
}


def product(title: str, text: str = "", language: str = "und") -> Product:
    return Product(product_id=title, title=title, description=text, language=language, source=Source(file="a", row=1))


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_a_description_is_told(language: str) -> None:
    assert detect(TEXTS[language])[0] == language
    assert Languages().name([product("X", TEXTS[language])])[0].language == language


def test_a_short_title_takes_the_language_of_the_catalogue() -> None:
    german = [product(f"Hocker {number}", TEXTS["de"]) for number in range(5)]
    found = Languages().name([*german, product("Mini Box XL"), product("Stuhl")])
    assert {item.language for item in found} == {"de"}


def test_a_clear_text_keeps_its_own_language_among_others() -> None:
    found = Languages().name([product("A", TEXTS["de"]), product("B", TEXTS["de"]), product("C", TEXTS["fr"])])
    assert [item.language for item in found] == ["de", "de", "fr"]


def test_what_the_catalogue_says_is_kept() -> None:
    assert Languages().name([product("Oak stool", TEXTS["en"], "pt-BR")])[0].language == "pt-BR"


@pytest.mark.parametrize("text", ["", "1234 5678", "!!! ???", "A1"])
def test_what_holds_no_words_has_no_language(text: str) -> None:
    assert Languages().name([product("00", text)])[0].language == "und"
