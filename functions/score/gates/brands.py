"""Other companies' names, and the terms that the brand itself does not want."""

from collections.abc import Iterator
from functools import cache, lru_cache

from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.lexicon import Lexicon, uncovered
from functions.score.phrasebook import Phrase
from functions.score.wordlists import table
from functions.score.words import Text

_WINDOW = 6
_MESSAGE = '"{}" is the name of another company; an ad may use it only as the thing that the product fits'


def other_brands(text: Text, subject: Subject) -> Iterator[Finding]:
    """Another company's trade mark, unless the product carries it or fits it.

    https://support.google.com/adspolicy/answer/6118, docs/style-guide.md
    """
    for phrase in subject.phrases(text).of("other_brands", None, subject.names):
        if not _allowed(phrase.kind.partition("=")[0], phrase, text, subject):
            yield gate("other_brands", text, phrase.shown, _MESSAGE.format(phrase.shown))
    yield from _neighbours(text, subject)


def _allowed(kind: str, phrase: Phrase, text: Text, subject: Subject) -> bool:
    known, named, fitted = _on_page(subject)
    if kind == "ingredients":
        return phrase.kind in known
    if phrase.kind in named:
        return True
    return phrase.kind in fitted and (text.field == "hashtag" or _fits(text.tokens, phrase.first))


@lru_cache(maxsize=64)
def _on_page(subject: Subject) -> tuple[set[str], set[str], set[str]]:
    """The marks that the page has, that the title carries as its own, and that the page says the product fits."""
    source = subject.source.tokens
    found = subject.book.of("other_brands")
    title = subject.phrases(subject.title).of("other_brands")
    return (
        {phrase.kind for phrase in found},
        {phrase.kind for phrase in title if not _against(subject.title.tokens, phrase.first)},
        {phrase.kind for phrase in found if _fits(source, phrase.first)},
    )


def _fits(tokens: list[str], at: int) -> bool:
    """Whether the words before a mark make it what the product fits: ``for iPhone 15``, not ``better than iPhone``."""
    before = tokens[max(0, at - _WINDOW) : max(at, 0)]
    return bool(_marks("fits").intersection(before)) and not _marks("against").intersection(before)


def _against(tokens: list[str], at: int) -> bool:
    return bool(_marks("against").intersection(tokens[max(0, at - 3) : max(at, 0)]))


@cache
def _marks(name: str) -> frozenset[str]:
    return frozenset(table("brands.toml")[name])


def _neighbours(text: Text, subject: Subject) -> Iterator[Finding]:
    """Brands of the other products of the part, where they are written as names."""
    for brand in subject.others:
        if len(brand) < 4 or brand not in text.raw or brand[0] != brand[0].upper():
            continue
        words = tuple(Text(brand).tokens)
        if not words or any(set(words) <= set(name) for name in subject.names) or " ".join(words) in subject.source.key:
            continue
        at = text.raw.find(brand)
        whole = (
            not text.raw[max(0, at - 1) : at].isalnum()
            and not text.raw[at + len(brand) : at + len(brand) + 1].isalnum()
        )
        if whole and (len(words) > 1 or at > 0):
            yield gate("other_brands", text, brand, _MESSAGE.format(brand))


def banned_terms(text: Text, subject: Subject) -> Iterator[Finding]:
    """Words that the brand does not want said, from its own list.

    brand.yaml (banned_terms)
    """
    if not subject.brand.banned_terms:
        return
    lexicon = _banned(tuple(subject.brand.banned_terms))
    for tokens in (text.tokens, text.unmasked or []):
        for hit in uncovered(lexicon.find(tokens), ()):
            shown = " ".join(tokens[hit.first : hit.last])
            yield gate("banned_terms", text, shown, f'your brand does not want "{hit.name}" said')


@lru_cache(maxsize=64)
def _banned(terms: tuple[str, ...]) -> Lexicon:
    return Lexicon({term: [term] for term in terms if Text(term).tokens})
