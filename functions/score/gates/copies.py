"""Texts that say what was said already, or nothing of the product."""

from collections.abc import Iterator, Mapping

from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.references import grams
from functions.score.words import Text, stems

COPIED = 0.5
"""Share of a text's five-word runs from which on it counts as copied."""
FLOOR = 0.1
"""Cosine similarity to the product below which a text that shares no word with it is about something else."""
_GENERIC = 3
_FILLING = 3
"""Letters of words that stand in many others by chance."""


def copied_text(text: Text, subject: Subject) -> Iterator[Finding]:
    """A text out of the prompt's examples or the training corpus; runs that stand on the product page are none.

    docs/style-guide.md
    """
    runs = grams(text.tokens)
    if not subject.references or not runs or text.field == "hashtag":
        return
    copied = [run for run in subject.references.copied(text) if run not in subject.source.key]
    if len(copied) >= COPIED * len(runs):
        yield gate("copied_text", text, copied[0], f'"{copied[0]}" is copied from another ad')


def duplicate(text: Text, taken: Mapping[str, str], subject: Subject) -> Iterator[Finding]:
    """The same text for two products. Headlines of three words name a kind of thing, and may come twice.

    https://support.google.com/google-ads/answer/7684791 (redundant assets)

    Args:
        taken: key of a text (`Text.key`) -> product that it was used for.
    """
    if text.field in ("hashtag", "cta") or (text.is_headline and len(text.tokens) <= _GENERIC):
        return
    owner = taken.get(text.key)
    if owner is not None and owner != subject.product.product_id:
        yield gate("duplicate", text, text.raw[:60], f"the same text was used for product {owner}")


def relevance_floor(text: Text, similarity: float, subject: Subject) -> Iterator[Finding]:
    """A text that is about something else: it shares no word with the page, and is far from it in meaning.

    https://support.google.com/adspolicy/answer/6021546 (unclear relevance)

    Args:
        similarity: cosine of the embeddings of text and product.
    """
    if text.field == "cta" or stems(text.tokens) & subject.stems:
        return
    if text.field == "hashtag" and _stands_in(text, subject):
        return
    if similarity < FLOOR:
        yield gate("relevance_floor", text, text.raw[:60], "has nothing to do with the product")


def _stands_in(tag: Text, subject: Subject) -> bool:
    """Whether the page has what a hashtag runs together (``clip-on``), or one of its words is in it (``light``)."""
    letters = "".join(tag.tokens)
    return letters in subject.unspaced or any(word in letters for word in subject.words if len(word) > _FILLING)
