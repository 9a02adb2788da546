"""Word lists kept as data, and the search for their phrases in a text: one pass, whatever the size of the lists.

A phrase is written in words: ``click here``; a star stands for the rest of a word: ``sustainab*``; a plus joins words
that are also written as one: ``eco+friendly``. All is folded as the texts are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from functions.score.words import fold

_STEM = 3
_REMEMBERED = 50_000


class Hit(NamedTuple):
    """A phrase found: the name that it is filed under and the words that it covers (first, one past the last)."""

    name: str
    first: int
    last: int


class Lexicon:
    """Phrases, each filed under a name.

    Args:
        phrases: name -> phrases.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._begun: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for name, wordings in phrases.items():
            for wording in wordings:
                self._add(name, wording)
        # Shops say the same words again and again.
        self._beginning = lru_cache(maxsize=_REMEMBERED)(self._begins)

    def _add(self, name: str, wording: str) -> None:
        forms = {wording.replace("+", " "), wording.replace("+", "")}
        for form in forms:
            words = tuple(fold(word).replace("'", "") for word in form.replace("-", " ").split())
            head = words[0]
            if head.endswith("*"):
                self._begun[head[:-1][:_STEM]].append((words, name))
            else:
                self._whole[head].append((words, name))

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of four letters and more that stand in the phrases whole."""
        lists = [*self._whole.values(), *self._begun.values()]
        return frozenset(
            w for phrases in lists for words, _ in phrases for w in words if len(w) > 3 and not w.endswith("*")
        )

    @property
    def names(self) -> frozenset[str]:
        """All names under which phrases are filed."""
        lists = [*self._whole.values(), *self._begun.values()]
        return frozenset(name for phrases in lists for _, name in phrases)

    def find(self, tokens: Sequence[str]) -> list[Hit]:
        """Every phrase that stands in a row of folded words, overlapping ones too."""
        hits = []
        for at, token in enumerate(tokens):
            for words, name in self._beginning(token):
                last = at + len(words)
                if len(words) == 1 or (last <= len(tokens) and all(map(_matches, words, tokens[at:last]))):
                    hits.append(Hit(name, at, last))
        return hits

    def _begins(self, token: str) -> tuple[tuple[tuple[str, ...], str], ...]:
        """The phrases whose first word a token is."""
        begun = [phrase for phrase in self._begun.get(token[:_STEM], ()) if _matches(phrase[0][0], token)]
        return (*self._whole.get(token, ()), *begun)


def _matches(pattern: str, token: str) -> bool:
    return token.startswith(pattern[:-1]) if pattern.endswith("*") else token == pattern


def uncovered(hits: list[Hit], allowed: Iterable[Hit]) -> list[Hit]:
    """The hits that no allowed phrase overlaps."""
    spans = [(hit.first, hit.last) for hit in allowed]
    return [hit for hit in hits if not any(first < hit.last and hit.first < last for first, last in spans)]
