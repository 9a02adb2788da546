"""What the product is said to be made of."""

from collections.abc import Iterator
from functools import cache, lru_cache

from functions.common.records import Finding
from functions.score.facts import Subject, denied
from functions.score.gates.finding import gate
from functions.score.phrasebook import Phrase
from functions.score.wordlists import table
from functions.score.words import Text


def also(material: str) -> list[str]:
    """What a thing of this material may also be said to be made of: oak is wood."""
    return list(table("materials.toml")["also"].get(material, []))


@cache
def _imitations(side: str) -> frozenset[str]:
    return frozenset(table("materials.toml")["imitation"][side])


def claim_material(text: Text, subject: Subject) -> Iterator[Finding]:
    """A material that the page does not name, or names only as an imitation: faux leather is not leather.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    for phrase in subject.phrases(text).of("claim_material", None, subject.names):
        at_fault = ""
        if denied(text, phrase.first) or text.tokens[phrase.last : phrase.last + 1] in (["free"], ["frei"]):
            continue  # what is not in it is the business of `claim_free_from`
        real, imitated = _named(subject)
        if phrase.kind not in real | imitated:
            at_fault = "the product page does not name this material"
        elif phrase.kind in imitated - real and not _imitated(text, phrase, 2):
            at_fault = "the product page names it only as an imitation or a coating"
        if at_fault:
            yield gate("claim_material", text, phrase.shown, f'"{phrase.shown}": {at_fault}')


@lru_cache(maxsize=64)
def _named(subject: Subject) -> tuple[set[str], set[str]]:
    """The materials that the page names as such, and those that it names as an imitation."""
    real: set[str] = set()
    imitated: set[str] = set()
    for phrase in [*subject.book.of("claim_material"), *subject.book.of("claim_material^")]:
        if denied(subject.source, phrase.first):
            continue
        kinds = imitated if _imitated(subject.source, phrase, 1) else real
        kinds |= {phrase.kind, *also(phrase.kind)}
    return real, imitated


def _imitated(text: Text, phrase: Phrase, reach: int) -> bool:
    """Whether a word right before or after a material says that it is not the thing itself."""
    if phrase.first < 0:
        return False
    before = text.tokens[max(0, phrase.first - reach) : phrase.first]
    after = text.tokens[phrase.last : phrase.last + reach]
    return bool(_imitations("before").intersection(before) or _imitations("after").intersection(after))
