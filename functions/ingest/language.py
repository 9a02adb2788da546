"""Which language a product is written in."""

from collections import Counter

import msgspec

from functions.common.language import NOT_LETTERS, detect
from functions.common.records import Product

SURE = 0.5
OTHERWISE = 0.75
SHORT_SURE = 0.9
SHORT = 40
"""Letters below which the model errs often (https://fasttext.cc/docs/en/language-identification.html)."""
LONGEST = 400


class Languages:
    """Gives products their language; where the text is too short to tell, that of most of the catalogue so far."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def name(self, products: list[Product]) -> list[Product]:
        """The products with their language set; one that the catalogue itself names is kept."""
        found = [
            _guess(product) if product.language == "und" else (product.language, 1.0, LONGEST) for product in products
        ]
        self.counts.update(code for code, score, letters in found if score >= SURE and letters >= SHORT)
        most = self.majority()
        tags = [_decided(*guess, most) for guess in found]
        return [
            product if tag == product.language else msgspec.structs.replace(product, language=tag)
            for product, tag in zip(products, tags, strict=True)
        ]

    def majority(self) -> str:
        """The language of most products so far, ``und`` where none stands out."""
        if not self.counts:
            return "und"
        (tag, count), total = self.counts.most_common(1)[0], sum(self.counts.values())
        return tag if count * 2 > total else "und"


def _guess(product: Product) -> tuple[str, float, int]:
    """Language, how sure that is, and how many letters it rests on."""
    text = f"{product.title} {product.description}"[:LONGEST]
    code, score = detect(text)
    return code, score, len(NOT_LETTERS.sub("", text))


def _decided(code: str, score: float, letters: int, most: str) -> str:
    """A language that differs from the catalogue's has to be the surer the shorter the text is."""
    if code == most:
        return code
    needed = SURE if most == "und" else OTHERWISE
    if letters < SHORT:
        needed = SHORT_SURE
    return code if score >= needed and letters >= 8 else most
