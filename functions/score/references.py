"""Texts that an ad must not copy, kept as their five-word runs."""

from collections.abc import Iterable
from functools import lru_cache

from functions.score.words import Text, tokens_of

GRAM = 5


def grams(tokens: list[str]) -> list[str]:
    """The runs of five words of a text, in order."""
    return [" ".join(tokens[at : at + GRAM]) for at in range(len(tokens) - GRAM + 1)]


class References:
    """The five-word runs of a set of texts: the examples in a prompt, the training corpus."""

    def __init__(self, texts: Iterable[str]) -> None:
        runs: set[tuple[str, ...]] = set()
        for text in texts:
            runs.update(_runs(tokens_of(text)))
        self._runs = frozenset(runs)

    def copied(self, text: Text) -> list[str]:
        """The runs of the text that stand in the references too."""
        return [" ".join(run) for run in _runs(text.tokens) if run in self._runs]


@lru_cache(maxsize=4)
def known_references(texts: tuple[str, ...]) -> References:
    """The references of these texts, worked out once: a corpus takes a tenth of a second."""
    return References(texts)


def _runs(tokens: list[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(tokens[at:] for at in range(GRAM)), strict=False)
