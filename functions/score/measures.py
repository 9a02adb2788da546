"""The measures: how relevant, complete, fluent, in voice and varied the texts of an ad are."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from heapq import nlargest
from itertools import dropwhile, pairwise, takewhile
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from functions.common.brand import Brand
from functions.common.grammar import JOINING, STOP_WORDS
from functions.common.records import Candidate, CandidateSet, Field, Measures, Product
from functions.score.facts import Subject
from functions.score.slips import slips
from functions.score.validity import scaled
from functions.score.wordlists import table
from functions.score.words import Text, meaning, stem, stems

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

_CHUNK = 1024
_SOURCE_CHARS = 600
WEIGHTS = MappingProxyType(
    {
        "sure": 0.09,
        "likely": 0.02,
        "wording": 0.19,
        "near": 0.31,
        "named": 0.06,
        "kind": 0.16,
        "voice": 0.05,
        "strangers": -0.25,
        "again": -0.05,
        "slips": -0.45,
    }
)
"""What each trait of a text counts when texts are chosen.

An eighth of the weights that `quantize.weighing` fits to texts that readers graded; strangers count more than there, as
earlier readings ask for, and voice, which the graded texts do not differ in, is set by hand.
"""
_SURE = -0.2
"""Log-probability a token from which a text is as sure as can be: beyond it are those that hardly say anything."""
_NAMING = 3
"""Words that name a thing: "cast iron skillet"."""
_NAMING_FIELDS: tuple[Field, ...] = ("headline", "long_headline", "primary_text")
"""Fields whose texts begin with what the thing is."""
_GRAMMAR = STOP_WORDS | JOINING
_BREAK = re.compile(r"[,;:(|]| [-–—] ")
"""What ends the words that name a thing, beside those of grammar."""
_ENOUGH = 6
"""Salient words that an ad can bring; a page with more is covered by so many."""


class Embedder(Protocol):
    """A sentence embedding."""

    def embed(self, texts: Sequence[str]) -> "Vector":
        """One row for each text, each of length one."""


class Fluency(Protocol):
    """A language model that judges texts."""

    def logprobs(self, texts: Sequence[str]) -> list[float]:
        """Mean log-probability a token of each text."""


class Models(Protocol):
    """The models that measuring needs; each is loaded when it is first asked for."""

    @property
    def embedder(self) -> Embedder: ...

    @property
    def writer(self) -> Fluency: ...


def gist(product: Product) -> str:
    """What the embedding reads of a product: title, attributes and the beginning of the description."""
    attributes = ", ".join(f"{name} {value}" for name, value in product.attributes.items())
    return f"{product.title}. {attributes[:200]}. {product.description}"[:_SOURCE_CHARS]


def embedded(texts: Sequence[str], embedder: Embedder) -> "dict[str, Vector]":
    """Text -> embedding, each text once, in calls of bounded size."""
    wanted = list(dict.fromkeys(texts))
    rows: dict[str, Vector] = {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        rows.update(zip(chunk, embedder.embed(chunk), strict=True))
    return rows


def fluencies(sets: Sequence[CandidateSet], models: Models) -> dict[str, float]:
    """Text -> mean log-probability; the language model is asked only for texts that came without one."""
    known = {c.text: c.logprob for s in sets for c in s.candidates if c.logprob is not None}
    unknown = list(
        dict.fromkeys(c.text for s in sets for c in s.candidates if c.logprob is None and c.text not in known)
    )
    if unknown:
        known.update(zip(unknown, models.writer.logprobs(unknown), strict=True))
    return known


def voice_sentences(brand: Brand) -> tuple[list[str], list[str]]:
    """Sentences in the wanted voice, and sentences in the others."""
    own = brand.voice_examples or _voices()[brand.voice]
    return own, [sentence for voice, sentences in _voices().items() if voice != brand.voice for sentence in sentences]


@cache
def _voices() -> dict[str, list[str]]:
    return dict(table("voices.toml"))


def agreement(candidates: Iterable[Candidate]) -> dict[str, float]:
    """Stem of a word -> share of the candidates of a product that have it, hashtags and buttons left out.

    What most of a writer's texts say of a product is what it is; what one says alone is more often a slip
    (self-consistency, https://arxiv.org/abs/2203.11171).
    """
    said = [stems(Text(each.text).tokens) for each in candidates if each.field not in ("hashtag", "cta")]
    counts = Counter(word for words in said for word in words)
    return {word: count / len(said) for word, count in counts.items()}


def kinds(candidates: Iterable[Candidate]) -> dict[str, float]:
    """Stem of a noun -> share of a product's headlines and texts that say the thing is one: see `kind`."""
    named = Counter(kind(each.text) for each in candidates if each.field in _NAMING_FIELDS)
    return {noun: count / named.total() for noun, count in named.items() if noun}


def kind(text: str) -> str:
    """Stem of the noun that says what the thing is: the last word before a comma or a word that joins; or nothing.

    "A smart lock with a keypad, in black" is of a lock; "Black smart lock keypad" of a keypad.
    """
    first = _BREAK.split(text, maxsplit=1)[0]
    words = takewhile(lambda word: word not in _GRAMMAR, dropwhile(_GRAMMAR.__contains__, Text(first).tokens))
    nouns = [word for word in words if not word[0].isdigit()]
    return stem(nouns[-1]) if nouns else ""


class Yardstick:
    """What the texts of one product are measured by.

    Args:
        subject: the product.
        vectors: embeddings of its gist, its texts and the voice sentences.
        logprobs: mean log-probability of its texts.
        agreed: stems of words that its texts agree on, with their shares.
        kinds: stems of the nouns that its texts name it by, with their shares.
    """

    def __init__(
        self,
        subject: Subject,
        vectors: "Mapping[str, Vector]",
        logprobs: Mapping[str, float],
        agreed: Mapping[str, float] = MappingProxyType({}),
        kinds: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        import numpy as np  # Not with the module: in a function that wakes, it loads beside the weights.

        self._subject = subject
        self._vectors = vectors
        self._logprobs = logprobs
        self._kinds = kinds
        title = stems(Text(subject.product.title).tokens)
        self._names = {word: share for word, share in agreed.items() if word in title and not word.isdigit()}
        self._product = vectors[gist(subject.product)]
        own, others = voice_sentences(subject.brand)
        self._own = np.stack([vectors[sentence] for sentence in own])
        self._others = np.stack([vectors[sentence] for sentence in others])

    def similarity(self, text: str) -> float:
        """Cosine of a text and the product; 0 for a text that was not embedded."""
        vector = self._vectors.get(text)
        return 0.0 if vector is None else round(float(vector @ self._product), 4)

    def measurable(self, text: str) -> bool:
        """Whether a text was embedded: those that fail a gate are not."""
        return text in self._vectors

    def between(self, one: str, other: str) -> float:
        """Cosine of two texts."""
        return round(float(self._vectors[one] @ self._vectors[other]), 4)

    def fluency(self, text: str) -> float:
        """How fluent a text is, 0 to 1."""
        return scaled("fluency", self._logprobs[text])

    def voice(self, text: str) -> float:
        """How close a text is to the wanted voice, 0 to 1; by the two nearest sentences of each side."""
        vector = self._vectors[text]
        own, others = (fmean(nlargest(2, (side @ vector).tolist())) for side in (self._own, self._others))
        return scaled("voice", own - others)

    def coverage(self, texts: Sequence[str], enough: int = _ENOUGH) -> float:
        """Share of the product's salient words that the texts bring, 0 to 1."""
        salient = self._subject.salient
        if not salient:
            return 1.0
        said = stems(token for text in texts for token in Text(text).tokens)
        return round(min(1.0, len(said.intersection(salient)) / min(len(salient), enough)), 4)

    def diversity(self, texts: Sequence[str]) -> float:
        """How different the texts are among themselves, 0 to 1; one text alone is as varied as can be."""
        pairs = [self.between(a, b) for at, a in enumerate(texts) for b in texts[at + 1 :]]
        return scaled("diversity", 1 - sum(pairs) / len(pairs)) if pairs else 1.0

    def wording(self, text: str) -> float:
        """Share of a text's neighbouring words that follow each other on the page too, 0 to 1.

        A text that ties a fact to the wrong thing brings words of the page in a company that they do not keep there.
        A single word tells nothing either way.
        """
        pairs = list(pairwise(Text(text).tokens))
        return sum(pair in self._subject.pairs for pair in pairs) / len(pairs) if pairs else 0.5

    def strangers(self, text: str) -> int:
        """How many words of a text are neither on the page nor only join what is: ``comes``, ``weighs``, ``three``.

        A small writer makes them up: of the texts of the house corpus in the plain voice, 98 % have none.
        """
        return sum(
            word not in JOINING and not self._subject.has(stem(word))
            for word in Text(text).tokens
            if word not in STOP_WORDS
        )

    def slips(self, text: str) -> int:
        """How many slips an English text has, see `functions.score.slips`; 0 in other languages."""
        return slips(text) if self._subject.product.language.startswith("en") else 0

    def again(self, text: str) -> int:
        """How many words of a text, mere grammar left out, stand in it before: "a 3.4 kg juicer that weighs 3.4 kg".

        A small writer comes back to a fact where it has lost the thread.
        """
        words = meaning(Text(text).tokens)
        return len(words) - len(set(words))

    def names(self, text: str) -> float:
        """How far a text says what the thing is, 0 to 1: with the words of the title that the texts agree on."""
        if not self._names:
            return 1.0
        said = stems(Text(text).tokens)
        most = sum(nlargest(_NAMING, self._names.values()))
        return min(1.0, sum(share for word, share in self._names.items() if word in said) / most)

    def traits(self, candidate: Candidate) -> dict[str, float]:
        """What tells a good text from a bad one: the names of `WEIGHTS` -> how far a text has it.

        How sure the writer was counts by the word and for the whole text, since each word may go astray. What it says
        that the thing is counts in a headline, which has little else. Of voice, nothing is asked of a plain one.
        """
        text, logprob = candidate.text, candidate.logprob
        capped = min(logprob or 0.0, _SURE)
        return {
            "sure": self.fluency(text) if logprob is None else 1 + capped,
            "likely": 0.0 if logprob is None else capped * len(Text(text).tokens),
            "wording": self.wording(text),
            "near": self.similarity(text),
            "named": self.names(text),
            "kind": self._kinds.get(kind(text), 0.0) if candidate.field == "headline" else 0.0,
            "voice": self.voice(text) if self._subject.brand.voice != "plain" else 0.0,
            "strangers": self.strangers(text),
            "again": self.again(text),
            "slips": self.slips(text),
        }

    def quality(self, candidate: Candidate) -> float:
        """What a single text is worth when texts are chosen: near 1 for the best, below 0 for the worst."""
        return round(sum(WEIGHTS[name] * value for name, value in self.traits(candidate).items()), 4)

    def measures(self, texts: Sequence[str]) -> Measures:
        """The measures of an ad, each text counted alike."""
        count = len(texts)
        return Measures(
            relevance=round(sum(scaled("relevance", self.similarity(text)) for text in texts) / count, 4),
            coverage=self.coverage(texts),
            fluency=round(sum(self.fluency(text) for text in texts) / count, 4),
            voice=round(sum(self.voice(text) for text in texts) / count, 4),
            diversity=self.diversity(texts),
        )
