"""What the language model is asked: the product as a shared prefix, and one tail for each slot.

A slot is a field at one of its lengths. The product text is untrusted: it is flattened to single lines and stripped
of the model's control tokens, so it cannot open a turn of its own or pose as a field.
"""

import re
from functools import cache
from pathlib import Path

import msgspec

from functions.common.grammar import JOINING, STOP_WORDS
from functions.common.platforms import CALLS, Platform
from functions.common.records import Field, Product, Record, Voice, digest
from functions.common.spelling import spellings
from functions.common.writer import Joining

_DETAILS = 900
"""Characters of the description that the model reads: about 200 tokens, an eighth of a second."""

_ATTRIBUTES = 10

_JOINING = STOP_WORDS | JOINING | {word for call in CALLS for word in re.findall(r"\w+", call.lower())}


class Slot(Record, frozen=True, kw_only=True):
    """A field at one of its lengths.

    Attributes:
        name: what the model is asked for.
        field: what its text becomes.
        limit: the longest useful text, in columns.
        share: texts sampled, as a multiple of the batch's setting.
        max_tokens: the longest text that is decoded.
        searched: whether the likeliest texts are searched for too, beside those that are drawn.
    """

    name: str
    field: Field
    limit: int
    share: int = 1
    max_tokens: int = 48
    searched: bool = False


SLOTS = (
    Slot(name="headline", field="headline", limit=30, share=3, max_tokens=20, searched=True),
    Slot(name="short headline", field="headline", limit=15, max_tokens=12),
    Slot(name="long headline", field="long_headline", limit=70, max_tokens=32),
    Slot(name="primary text", field="primary_text", limit=125, share=4, searched=True),
    Slot(name="description", field="description", limit=90, max_tokens=36, searched=True),
    Slot(name="short description", field="description", limit=60, max_tokens=28),
    Slot(name="hashtags", field="hashtag", limit=120, max_tokens=40),
    Slot(name="call to action", field="cta", limit=30, max_tokens=8),
)


def slots(platforms: list[Platform]) -> list[Slot]:
    """The slots that the platforms need; a length is asked for only where one of them demands it."""
    wanted = []
    for slot in SLOTS:
        limits = [platform.fields[slot.field] for platform in platforms if slot.field in platform.fields]
        if slot.name.startswith("short "):
            limits = [limit for limit in limits if limit.one_within]
        if slot.field == "long_headline" and not limits:
            # Platforms with room for a longer headline are served by the same slot.
            limits = [p.fields["headline"] for p in platforms if "headline" in p.fields]
            limits = [limit for limit in limits if limit.limit >= slot.limit]
        if limits:
            wanted.append(slot)
    return wanted


class Example(Record, frozen=True, kw_only=True):
    """A product and its copy, shown to a model that was not trained for the task."""

    product: Product
    copy: dict[str, str]


@cache
def examples() -> list[Example]:
    """The worked examples of the ``examples`` prompt, from ``examples.yaml``."""
    import yaml  # Only for models that were not trained for the task.

    text = Path(__file__).with_name("examples.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), list[Example])


class Prompt(Record, frozen=True, kw_only=True):
    """One way to ask; which one a model understands stands in its manifest.

    Attributes:
        name: of the way.
        temperature: at which the one text of a field is drawn.
        varied: at which several are, to choose among: they have to differ, or all fail where one does.
        bound: whether plain texts about an English page keep to its words and to those that join them.
    """

    name: str
    temperature: float
    varied: float
    bound: bool

    def prefix(self, product: Product) -> str:
        """The part that all slots of a product share."""
        if self.name == "house":
            return f"<|im_start|>user\n{facts(product)}<|im_end|>\n"
        shown = "\n\n".join(
            "\n".join([facts(e.product), *(f"{name}: {text}" for name, text in e.copy.items())]) for e in examples()
        )
        return f"{shown}\n\n{facts(product)}\n"

    def tail(self, slot: Slot, voice: Voice) -> str:
        """The part that asks for one slot."""
        if self.name == "house":
            return f"<|im_start|>{slot.name}, {voice}\n"
        return f"{slot.name}:"

    def joining(self, product: Product, voice: Voice) -> Joining:
        """The words that a text may use beside the page's; None where it may use any, as in voices that play."""
        bound = self.bound and voice == "plain" and product.language.startswith("en")
        return _JOINING if bound else None

    @property
    def version(self) -> str:
        """Hash of everything that decides the wording, 16 hexadecimal characters."""
        sample = Product(product_id="x", title="t", source={"file": "", "row": 1})  # type: ignore[arg-type]
        spelled = sorted(spellings(self.prefix(sample), _JOINING)) if self.bound else []
        return digest(self, SLOTS, _DETAILS, _ATTRIBUTES, self.prefix(sample), spelled)


PROMPTS = {
    "examples": Prompt(name="examples", temperature=0.5, varied=0.5, bound=False),
    "house": Prompt(name="house", temperature=0.3, varied=0.7, bound=True),
}


def facts(product: Product) -> str:
    """The product as lines of ``name: value``."""
    lines = [("Product", product.title), ("Brand", product.brand), ("Category", product.category)]
    lines += list(product.attributes.items())[:_ATTRIBUTES]
    lines += [("Details", shortened(product.description, _DETAILS))]
    if not product.language.startswith(("en", "und")):
        lines += [("Language", product.language)]
    return "\n".join(f"{_flat(name)}: {_flat(value)}" for name, value in lines if value.strip())


def shortened(text: str, limit: int) -> str:
    """The text's beginning, up to the last sentence or word that ends within the limit."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    sentence = max(head.rfind(mark) for mark in (". ", "! ", "? ", "\n"))
    return head[: sentence + 1] if sentence > limit // 2 else head[: head.rfind(" ")] if " " in head else head


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("<|", "< ")).strip()
