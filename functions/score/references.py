"""Texts that an ad must not copy, kept as their five-word runs."""

from collections.abc import Iterable

from functions.score.words import Text

GRAM = 5


def grams(tokens: list[str]) -> list[str]:
    """The runs of five words of a text, in order."""
    return [" ".join(tokens[at : at + GRAM]) for at in range(len(tokens) - GRAM + 1)]


class References:
    """The five-word runs of a set of texts: the examples in a prompt, the training corpus."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._grams = frozenset(gram for text in texts for gram in grams(Text(text).tokens))

    def copied(self, text: Text) -> list[str]:
        """The runs of the text that stand in the references too."""
        return [gram for gram in grams(text.tokens) if gram in self._grams]
