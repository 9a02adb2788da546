"""The cases notice when a gate's condition is changed: each mutation here makes at least one of them disagree."""

import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from functions.common.records import Finding
from functions.score import phrasebook
from functions.score.facts import Subject
from functions.score.gates import brands, claims, contact, copies, editorial, goods, length, quantities, residue
from functions.score.gates import language as language_gate
from functions.score.gates.finding import gate
from functions.score.gates.registry import GATES, TextGate
from functions.score.words import Text
from tests.score.cases import CASES
from tests.score.test_gates import found

MODULES = (brands, claims, contact, editorial, goods, length, quantities, residue)
# What only the gates of a platform look at is tried in test_platform_gates.py.
ELSEWHERE = {"_FINE_SYMBOLS"}
NEVER = re.compile(r"(?!)")


def silent(text: Text, subject: Subject) -> Iterator[Finding]:
    del text, subject
    yield from ()


def loud(text: Text, subject: Subject) -> Iterator[Finding]:
    del subject
    yield gate("any", text, text.raw, "always")


def noticed(rules: list[str]) -> bool:
    """Whether a case of one of the rules disagrees with what its gate now says."""
    return any(
        bool(found(rule, case)) != stop for rule in rules for stop in (False, True) for case in CASES[rule][stop]
    )


def of_module(module: ModuleType) -> list[str]:
    return [rule for rule, each in GATES.items() if each.__module__ == module.__name__]


def constants(kind: type) -> list[tuple[ModuleType, str]]:
    own = [
        (module, name, value) for module in MODULES for name, value in vars(module).items() if name.strip("_").isupper()
    ]
    return [(module, name) for module, name, value in own if isinstance(value, kind) and name not in ELSEWHERE]


def alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that stand outside every group."""
    parts, depth, at, start, bracket = [], 0, 0, 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif bracket:
            bracket = char != "]" or pattern[at - 1] == "["
        elif char == "[":
            bracket = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]


def without_one() -> Iterator[tuple[ModuleType, str, int]]:
    for module, name in constants(re.Pattern):
        parts = alternatives(getattr(module, name).pattern)
        yield from ((module, name, at) for at in range(len(parts)) if len(parts) > 1)


@pytest.mark.parametrize("rule", GATES)
@pytest.mark.parametrize("mutant", [silent, loud])
def test_a_gate_that_says_nothing_or_everything_is_noticed(
    rule: str, mutant: TextGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GATES, rule, mutant)
    assert noticed([rule])


@pytest.mark.parametrize(("module", "name"), constants(re.Pattern), ids=lambda each: getattr(each, "__name__", each))
def test_a_pattern_that_never_matches_is_noticed(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap(module, name, NEVER, monkeypatch)
    assert noticed(of_module(module))


@pytest.mark.parametrize(
    ("module", "name", "at"), list(without_one()), ids=lambda each: str(getattr(each, "__name__", each))
)
def test_a_pattern_that_lacks_an_alternative_is_noticed(
    module: ModuleType, name: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = getattr(module, name)
    kept = [part for place, part in enumerate(alternatives(pattern.pattern)) if place != at]
    swap(module, name, re.compile("|".join(kept), pattern.flags), monkeypatch)
    assert noticed(of_module(module))


def swap(module: ModuleType, name: str, mutant: re.Pattern[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a pattern in another's place, also in the table of a module that lists its patterns."""
    if module is contact:
        table = tuple((mutant if old is getattr(contact, name) else old, signs) for old, signs in contact._LINKS)
        monkeypatch.setattr(contact, "_LINKS", table)
    monkeypatch.setattr(module, name, mutant)


@pytest.mark.parametrize(("module", "name"), constants(frozenset), ids=lambda each: getattr(each, "__name__", each))
def test_a_word_set_that_is_empty_is_noticed(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, name, frozenset())
    assert noticed(of_module(module))


@pytest.mark.parametrize(
    ("module", "name", "value", "rules"),
    [
        (language_gate, "ENOUGH", 0, ["language"]),
        (language_gate, "ENOUGH", 1000, ["language"]),
        (language_gate, "SURE", 1.1, ["language"]),
        (copies, "COPIED", 1.01, ["copied_text"]),
        (copies, "COPIED", 0.1, ["copied_text"]),
        (brands, "_WINDOW", 0, ["other_brands"]),
    ],
)
def test_a_changed_limit_is_noticed(
    module: ModuleType, name: str, value: object, rules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    assert noticed(rules)


def kinds() -> list[str]:
    """Every kind of goods, claim and mark that the lexicon files phrases under a rule for."""
    return sorted({name.partition(":")[0] for name in phrasebook._lexicon(phrasebook.LANGUAGES).names})


@pytest.mark.parametrize("rule", kinds())
def test_a_lexicon_without_the_phrases_of_a_rule_is_noticed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = phrasebook.Phrasebook.__init__

    def poorer(self: phrasebook.Phrasebook, text: Text, languages: tuple[str, ...]) -> None:
        of(self, text, languages)
        self._hits.pop(rule, None)
        self._masked.pop(rule, None)

    monkeypatch.setattr(phrasebook.Phrasebook, "__init__", poorer)
    name = rule.rstrip("!?~^")
    assert noticed([name])
