"""One answer of an author, held against every gate."""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass

from functions.common.platforms import columns, platforms
from functions.common.records import Field, Product
from functions.generate.prompt import Slot
from functions.score.facts import Subject
from functions.score.gates.copies import duplicate, relevance_floor
from functions.score.gates.registry import judge, judge_on
from functions.score.measures import Yardstick

_STRICT: dict[Field, str] = {
    "headline": "google_rsa",
    "long_headline": "google_pmax",
    "description": "google_rsa",
    "primary_text": "meta_feed",
    "hashtag": "meta_feed",
    "cta": "meta_feed",
}
"""Field -> the platform whose form is asked for: the strictest of those that have the field."""

_FORM = {"empty", "length", "markup", "template_residue", "cut_off", "unbalanced", "hashtag_form", "cta_form"}
_TAGS = range(3, 6)
"""Hashtags that the house style asks for."""


@dataclass(frozen=True)
class Judged:
    """One answer with what was found in it.

    Attributes:
        raw: as it came; ``texts``: what it stands for once tidied, hashtags one by one.
        rules: of the gates that have something against it, each once.
    """

    product: Product
    slot: Slot
    raw: str
    texts: list[str]
    rules: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def spoken(self) -> bool:
        """Whether it is prose: hashtags and buttons are held to their form only."""
        return self.slot.field not in ("hashtag", "cta") and bool(self.texts)

    @property
    def passed(self) -> bool:
        return not self.rules

    @property
    def supported(self) -> bool:
        """Whether it claims nothing that the product does not."""
        return not any(rule.startswith("claim_") for rule in self.rules)

    @property
    def formed(self) -> bool:
        """Whether it could be used as it came."""
        if self.slot.field == "hashtag" and len(self.texts) not in _TAGS:
            return False
        return self.raw == self.text and _FORM.isdisjoint(self.rules)

    @property
    def use(self) -> float:
        """Columns used of the slot's limit; above 1 where it is too long."""
        return columns(self.text, wide=2) / self.slot.limit


def broken(
    slot: Slot, texts: Sequence[str], subject: Subject, yardstick: Yardstick, taken: MutableMapping[str, str]
) -> Iterator[str]:
    """Every rule that an answer breaks, with the slot's own limit in place of the platform's.

    Args:
        taken: key of a text -> product that it was used for, of the products before.
    """
    if not texts:
        yield "empty"
    if columns(" ".join(texts), wide=2) > slot.limit:
        yield "length"
    for raw in texts:
        text = subject.read(raw, slot.field)
        yield from (f.rule for f in judge(raw, slot.field, subject))
        yield from (f.rule for f in judge_on(raw, slot.field, platforms()[_STRICT[slot.field]]) if f.rule != "length")
        yield from (f.rule for f in relevance_floor(text, yardstick.similarity(raw), subject))
        yield from (f.rule for f in duplicate(text, taken, subject))
