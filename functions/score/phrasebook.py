"""All phrases that the gates look for, in one lexicon, so that a text is searched once for every rule together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from functions.score.lexicon import Hit, Lexicon, uncovered
from functions.score.wordlists import table
from functions.score.words import Text, fold

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
_ALLOW, _IF_NAMED = "!", "?"
_CLAIM, _SUPPORT = "~", "^"


class Phrase(NamedTuple):
    """A phrase found in a text.

    Attributes:
        kind: what the phrase is filed under within its rule: a claim, a material, a kind of goods; or empty.
        shown: as it stands in the text.
        first, last: the words that it covers; -1 where it was written in disguise.
    """

    kind: str
    shown: str
    first: int
    last: int


class Phrasebook:
    """What the lexicons have to say of one text: rule -> phrases."""

    def __init__(self, text: Text, languages: tuple[str, ...]) -> None:
        self._text = text
        self._hits: dict[str, list[Hit]] = {}
        lexicon = _lexicon(languages)
        for hit in lexicon.find(text.tokens):
            self._hits.setdefault(hit.name.partition(":")[0], []).append(hit)
        self._masked: dict[str, list[Hit]] = {}
        if text.unmasked:
            plain = {hit.name for hits in self._hits.values() for hit in hits}
            for hit in lexicon.find(text.unmasked):
                if hit.name not in plain:
                    self._masked.setdefault(hit.name.partition(":")[0], []).append(hit)

    def of(
        self, rule: str, heading: "Phrasebook | None" = None, names: Iterable[tuple[str, ...]] = ()
    ) -> Sequence[Phrase]:
        """The phrases filed under a rule, without those that mean something else here.

        Args:
            rule: the rule.
            heading: of title, category and attributes; a phrase that is fine where they have it is then passed over.
            names: brand names, as words, within which nothing is a phrase.
        """
        if rule not in self._hits and rule not in self._masked:
            return ()
        return [*self._plain(rule, heading, names), *self._in_disguise(rule)]

    def _plain(self, rule: str, heading: "Phrasebook | None", names: Iterable[tuple[str, ...]]) -> Iterator[Phrase]:
        allowed = self._hits.get(rule + _ALLOW, [])
        if heading and (conditional := self._hits.get(rule + _IF_NAMED)):
            known = {hit.name for hit in heading._hits.get(rule + _IF_NAMED, [])}
            allowed = allowed + [hit for hit in conditional if hit.name in known]
        allowed = allowed + list(_places(self._text.tokens, names))
        words = self._text.words
        for hit in uncovered(self._hits.get(rule, []), allowed):
            shown = self._text.shown(words[hit.first].start, words[hit.last - 1].end)
            yield Phrase(hit.name.partition(":")[2], shown, hit.first, hit.last)

    def _in_disguise(self, rule: str) -> Iterator[Phrase]:
        unmasked = self._text.unmasked or []
        for hit in uncovered(self._masked.get(rule, []), self._masked.get(rule + _ALLOW, [])):
            yield Phrase(hit.name.partition(":")[2], " ".join(unmasked[hit.first : hit.last]), -1, -1)


def _places(tokens: list[str], names: Iterable[tuple[str, ...]]) -> Iterator[Hit]:
    for name in names:
        for at in range(len(tokens) - len(name) + 1):
            if tuple(tokens[at : at + len(name)]) == name:
                yield Hit("", at, at + len(name))


def known_words() -> frozenset[str]:
    """Every word of the lexicons: what hashtags are cut into."""
    return _lexicon(LANGUAGES).words


@cache
def _lexicon(languages: tuple[str, ...]) -> Lexicon:
    phrases: dict[str, list[str]] = defaultdict(list)
    for rule, entries in table("never.toml").items():
        for language in languages:
            phrases[rule] += entries.get(language, [])
        _allowances(rule, entries, phrases)
    for rule, entries in table("phrases.toml").items():
        phrases[rule] += entries["phrases"]
        _allowances(rule, entries, phrases)
    _goods(languages, phrases)
    _facts(phrases)
    phrases["other_brands" + _ALLOW] += table("brands.toml")["allow"]
    for kind in ("rivals", "ingredients"):
        for mark in table("brands.toml")[kind]:
            phrases[f"other_brands:{kind}={fold(mark)}"].append(mark)
    return Lexicon(phrases)


def _goods(languages: tuple[str, ...], phrases: dict[str, list[str]]) -> None:
    for rule, kinds in table("goods.toml").items():
        for kind, words in kinds.items():
            if kind.startswith("allow_"):
                phrases[rule + _ALLOW] += words if kind[-2:] in languages else []
            else:
                phrases[rule + _ALLOW if kind == "allow" else f"{rule}:{kind}"] += words


def _facts(phrases: dict[str, list[str]]) -> None:
    """Claims and materials; a wording that begins with ``~`` supports a claim but makes none."""
    listed = [
        (rule, _CLAIM, str(number), wordings)
        for file in ("traced.toml", "origins.toml")
        for rule, entries in table(file).items()
        for number, wordings in enumerate(entries.get("claims", ()))
    ]
    materials = table("materials.toml")
    listed += [("claim_material", "", name, wordings) for name, wordings in materials["words"].items()]
    phrases["claim_material" + _ALLOW] += materials["allow"]["phrases"]
    for rule, mark, kind, wordings in listed:
        for wording in wordings:
            phrases[f"{rule}{_SUPPORT if wording[0] == '~' else mark}:{kind}"].append(wording.lstrip("~"))


def _allowances(rule: str, entries: dict[str, list[str]], phrases: dict[str, list[str]]) -> None:
    phrases[rule + _ALLOW] += entries.get("allow", [])
    for wording in entries.get("allow_if_named", []):
        phrases[f"{rule}{_IF_NAMED}:{wording}"].append(wording)
