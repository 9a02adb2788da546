"""An honest template: what a shop gets by putting its own product data into fixed sentences.

It is the yardstick that a language model has to be worth its cost against, so it is made as well as a template can be:
facts only, whole words only, the shop's own first sentence where there is one.
"""

import re
from collections.abc import Mapping

from functions.common.platforms import columns
from functions.common.records import Product
from quantize.authors import LIMITS, Copy

_SHOWN = ("colour", "color", "material", "fabric", "size", "flavour", "flavor", "capacity", "weight", "finish", "scent")
"""Attributes that a shopper looks for, by the name that shops give them."""
_TAGS = 4


class TemplateAuthor:
    """Fixed sentences around title, brand and attributes.

    Args:
        limits: name of a slot -> columns that its text may have.
    """

    name = "template"
    version = quantization = ""

    def __init__(self, limits: Mapping[str, int] = LIMITS) -> None:
        self.shown: list[str] = []
        self._limits = limits

    def write(self, product: Product) -> Copy:
        title = _line(product.title)
        by = f" by {product.brand}" if product.brand and product.brand.casefold() not in title.casefold() else ""
        facts = _facts(product)
        said = _first_sentence(product.description)
        written = {
            "headline": [f"{title}{by}", title],
            "short headline": [title, product.brand],
            "long headline": [f"{title}{by}, {facts}" if facts else "", f"{title}{by}", title],
            "primary text": [f"{title}{by}. {said}", f"{title}{by}. {_sentence(facts)}", f"{title}{by}.", f"{title}."],
            "description": [said, _sentence(facts), f"{title}{by}."],
            "short description": [_sentence(facts), said, f"{title}."],
        }
        texts = {name: fitted(choices, self._limits[name]) for name, choices in written.items()}
        # An ad can do without a description, and is better without one that was cut.
        kept = {name: text for name, text in texts.items() if "description" not in name or text in written[name]}
        return {**kept, "hashtags": " ".join(_tags(product)), "call to action": "Shop now"}


def fitted(choices: list[str], limit: int) -> str:
    """The first choice that fits; else the last one cut after a whole word."""
    present = [choice.strip() for choice in choices if choice.strip(" .")]
    for choice in present:
        if columns(choice, wide=2) <= limit:
            return choice
    if not present:
        return ""
    words, kept = present[-1].split(), ""
    for word in words:
        longer = f"{kept} {word}".strip()
        if columns(longer, wide=2) > limit:
            break
        kept = longer
    return kept.rstrip(" ,;:&/-–—.(")


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _facts(product: Product) -> str:
    """The attributes that a shopper looks for: ``oat linen``, or what else there is, three at most."""
    named = {name.casefold(): value for name, value in product.attributes.items() if len(value) <= 40}
    values = [named[name] for name in _SHOWN if name in named] or list(named.values())
    title = product.title.casefold()
    return ", ".join([value for value in values if value.casefold() not in title][:3])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def _first_sentence(text: str) -> str:
    match = re.match(r".+?[.!?](?=\s|$)", _line(text))
    return match.group() if match else ""


def _tags(product: Product) -> list[str]:
    leaf = re.split(r"[>/|]", product.category)[-1]
    words = [*re.findall(r"[^\W\d_]{4,}", leaf), *re.findall(r"[^\W\d_]{4,}", product.title)]
    return list(dict.fromkeys(f"#{word.lower()}" for word in words))[:_TAGS]
