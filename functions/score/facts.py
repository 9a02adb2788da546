"""What a product page says, worked out once: the ground that every claim of an ad has to stand on."""

import re
from collections.abc import Container, Iterable, Set
from functools import cached_property
from itertools import pairwise

from functions.common.brand import Brand
from functions.common.grammar import STOP_WORDS
from functions.common.records import Field, Product
from functions.score.numbers import Quantity, implied, joined, quantities
from functions.score.phrasebook import LANGUAGES, Phrasebook, known_words
from functions.score.references import References
from functions.score.wordlists import table, word_set
from functions.score.words import Text, meaning, stem, stems

_STOP = re.compile(r"[.!?;:\n]")
NEGATIONS = word_set("negations")
_WITHOUT = word_set("without")
_SALIENT = 24


class _Either(Container[object]):
    """The words of two sets, without the cost of uniting them."""

    def __init__(self, one: Set[str], other: Set[str]) -> None:
        self._sets = one, other

    def __contains__(self, word: object) -> bool:
        return word in self._sets[0] or word in self._sets[1]


class Subject:
    """A product as the gates see it.

    Attributes:
        product: the product.
        brand: the brand that the ads speak for.
        others: brands of the other products of the part, as they write them.
        references: texts that must not be copied.
    """

    def __init__(
        self,
        product: Product,
        brand: Brand | None = None,
        others: Iterable[str] = (),
        references: References | None = None,
    ) -> None:
        self.product = product
        self.brand = brand or Brand()
        self.others = frozenset(others)
        self.references = references
        self._read: dict[tuple[str, Field], tuple[Text, Phrasebook]] = {}
        self._amounts: dict[tuple[str, Field], list[Quantity]] = {}

    @cached_property
    def language(self) -> str:
        """The product's language without its region; ``und`` where it is not known."""
        return self.product.language.split("-")[0].lower()

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages whose lexicons are used: English in any case."""
        return LANGUAGES if self.language == "und" else tuple(dict.fromkeys(("en", self.language)))

    @cached_property
    def source(self) -> Text:
        """Everything that the catalogue says."""
        return Text(self.product.text())

    @cached_property
    def title(self) -> Text:
        """Title and brand."""
        return Text(f"{self.product.title}\n{self.product.brand}")

    @cached_property
    def book(self) -> Phrasebook:
        """The lexicons' phrases in the source; in every language, since shops mix them."""
        return Phrasebook(self.source, LANGUAGES)

    @cached_property
    def heading(self) -> Phrasebook:
        """The lexicons' phrases in what names the thing: title, category, attributes."""
        return Phrasebook(self._named, LANGUAGES)

    @cached_property
    def _named(self) -> Text:
        product = self.product
        return Text("\n".join([product.title, product.category, *product.attributes, *product.attributes.values()]))

    def harmless(self, rule: str, word: str) -> bool:
        """Whether a word of a rule's list means something else for this kind of thing: a gun on a hose."""
        return not self.heads.isdisjoint(table("context.toml").get(rule, {}).get(word.casefold(), ()))

    def read(self, raw: str, field: Field) -> Text:
        """A text to be judged against this product; hashtags are read as the words that make them up."""
        return self._judged(raw, field)[0]

    def phrases(self, text: Text) -> Phrasebook:
        """The lexicons' phrases in a text."""
        known, book = self._judged(text.raw, text.field)
        return book if known is text else Phrasebook(text, self.languages)

    def amounts(self, text: Text) -> list[Quantity]:
        """The numbers in a text."""
        if (text.raw, text.field) not in self._amounts:
            self._amounts[text.raw, text.field] = quantities(text, self.languages)
        return self._amounts[text.raw, text.field]

    @cached_property
    def heads(self) -> frozenset[str]:
        """The words of title, category and attributes: what the thing is, apart from what is told of it."""
        return frozenset(self._named.tokens)

    def _judged(self, raw: str, field: Field) -> tuple[Text, Phrasebook]:
        if (raw, field) not in self._read:
            text = Text(raw, field, self._vocabulary if field == "hashtag" else frozenset())
            self._read[raw, field] = text, Phrasebook(text, self.languages)
        return self._read[raw, field]

    @cached_property
    def _vocabulary(self) -> "_Either":
        own = {form for word in self.words if len(word) > 2 for form in (word, word.removesuffix("s"))}
        return _Either(own, known_words())

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(self.source.tokens)

    @cached_property
    def unspaced(self) -> str:
        """The words of the source run together."""
        return "".join(self.source.tokens)

    @cached_property
    def stems(self) -> frozenset[str]:
        return stems(self.words)

    def has(self, word: str) -> bool:
        """Whether a stem stands on the page, be it as short as a number or a unit."""
        return word in self._meaning

    @cached_property
    def _meaning(self) -> frozenset[str]:
        return frozenset(meaning(self.source.tokens))

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Words of the source that follow each other."""
        return frozenset(pairwise(self.source.tokens))

    @cached_property
    def quantities(self) -> list[Quantity]:
        return quantities(self.source, self.languages, lists=True)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Every number of the source that stands by itself, and the counts that words such as ``pair`` imply."""
        plain = {value for quantity in self.quantities if not quantity.code for value in quantity.readings}
        return frozenset(plain) | implied(self.source.tokens)

    @cached_property
    def measures(self) -> frozenset[tuple[str, str]]:
        """Every number of the source with its unit."""
        return frozenset((value, q.unit) for q in self.quantities if q.unit for value in q.readings)

    @cached_property
    def codes(self) -> frozenset[str]:
        """Words of the source with digits in them, and neighbours written as one: ``ipx4``, ``5w30``."""
        return joined(self.source.tokens)

    @cached_property
    def absences(self) -> frozenset[str]:
        """What the source says the product is free of, as stems."""
        return frozenset(stem(word) for word in absences(self.source.tokens) if word)

    def lacks(self, thing: str) -> bool:
        """Whether the source says that a thing is not in the product; ``non-alcoholic`` says it of alcohol."""
        wanted = stem(thing)
        return wanted in self.absences or (
            len(wanted) > 3
            and any(len(said) > 3 and (said.startswith(wanted) or wanted.startswith(said)) for said in self.absences)
        )

    @cached_property
    def names(self) -> list[tuple[str, ...]]:
        """The brand names that the ad may carry, as words; only short ones, a sentence is no name."""
        texts = [self.product.brand, self.brand.name, *self.brand.own_brands]
        names = [tuple(Text(name).tokens) for name in texts if name]
        return [name for name in names if 1 <= len(name) <= 4]

    @cached_property
    def claims(self) -> dict[str, frozenset[str]]:
        """Rule -> the claims of that rule's list that the source makes; what it denies is not one."""
        rules = (
            "claim_property",
            "claim_certification",
            "claim_warranty",
            "claim_award",
            "claim_superlative",
            "claim_origin",
        )
        return {rule: frozenset([*self._claimed(f"{rule}~"), *self._claimed(f"{rule}^")]) for rule in rules}

    def _claimed(self, rule: str) -> Iterable[str]:
        yield from (phrase.kind for phrase in self.book.of(rule) if not denied(self.source, phrase.first))

    @cached_property
    def salient(self) -> list[str]:
        """Stems of the words that the ad should bring: of the title and of short attribute values, each once."""
        attributes = [value for value in self.product.attributes.values() if len(value) <= 40]
        tokens = Text("\n".join([self.product.title, *attributes])).tokens
        own = {word for name in self.names for word in name}
        kept = [stem(t) for t in tokens if len(t) > 2 and t not in STOP_WORDS and t not in own and not t.isdigit()]
        return list(dict.fromkeys(kept))[:_SALIENT]


def denied(text: Text, at: int) -> bool:
    """Whether one of the two words before a place denies it, in the same sentence: ``not waterproof``."""
    for before in range(max(0, at - 2), at):
        between = text.folded[text.words[before].end : text.words[at].start]
        far = before < at - 1 and text.tokens[before] == "non"  # "non-nano zinc" is zinc
        if text.tokens[before] in NEGATIONS and not far and not _STOP.search(between):
            return True
    return False


def absences(tokens: list[str]) -> list[str]:
    """The things that a text says are not in the product: sugar, of ``sugar-free``, ``free of sugar``, ``no sugar``."""
    found = []
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        after = tokens[at + 1 : at + 4]
        if token in ("free", "frei", "less"):
            found += [before] if before not in STOP_WORDS else []
            if after[:1] in (["of"], ["from"]):
                found += after[1:]
        elif token.startswith("un") and len(token) > 6:
            found.append(token[2:])
        elif token.endswith(("free", "frei", "less")) and len(token) > 6:
            found.append(token[:-4])
        elif token in _WITHOUT:
            found += [" ".join(after[:2])] if after[:1] == ["added"] else after[:2]
    return found
