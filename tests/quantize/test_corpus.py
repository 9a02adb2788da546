from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from functions.common.errors import InputError
from functions.common.models import Models
from functions.common.platforms import columns
from functions.score.facts import Subject
from functions.score.gates.registry import judge
from quantize.corpus import Entry, read, version
from quantize.sequences import targets

NEAR = 0.80
"""Cosine of two products' embeddings above which one tells too much of the other."""


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return list(read())


def test_the_corpus_is_as_large_and_as_wide_as_its_card_says(entries: list[Entry]) -> None:
    assert Counter(entry.split for entry in entries) == {"train": 2905, "test": 174, "validation": 171}
    assert len({entry.id.rsplit("-", 1)[0] for entry in entries}) == 43
    assert len({entry.id for entry in entries}) == len(entries)


def test_every_product_has_its_full_set_of_copy(entries: list[Entry]) -> None:
    for entry in entries:
        copy = entry.copy
        assert len(copy.headline) == 3, entry.id
        assert len(copy.short_headline) == 1, entry.id
        assert len(copy.long_headline) == 1, entry.id
        assert len(copy.primary_text) == 2, entry.id
        assert len(copy.description) == 1, entry.id
        assert 3 <= len(copy.hashtag) <= 5, entry.id
        assert copy.cta, entry.id


def test_every_text_keeps_the_limit_of_its_slot(entries: list[Entry]) -> None:
    for entry in entries:
        for slot, _, text in targets(entry):
            assert columns(text, wide=2) <= slot.limit, (entry.id, slot.name, text)


def test_no_gate_stops_a_text(entries: list[Entry]) -> None:
    for entry in entries:
        subject = Subject(entry.as_product())
        for slot, _, text in targets(entry):
            texts = text.split() if slot.field == "hashtag" else [text]
            found = [finding for each in texts for finding in judge(each, slot.field, subject)]
            assert [f.message for f in found if f.severity == "gate"] == [], (entry.id, slot.name, text)


def test_no_text_stands_twice_unless_it_only_names_a_kind_of_thing(entries: list[Entry]) -> None:
    texts = [
        text.casefold()
        for entry in entries
        for slot, _, text in targets(entry)
        if slot.field not in ("cta", "hashtag") and not slot.name.startswith("short ") and len(text.split()) > 3
    ]
    assert [text for text, count in Counter(texts).items() if count > 1] == []


def test_every_voice_is_taught(entries: list[Entry]) -> None:
    voices = Counter(voice for entry in entries if entry.split == "train" for _, voice, _ in targets(entry))
    assert min(voices.values()) > 900
    assert all(entry.voice == "plain" for entry in entries)


def test_no_near_duplicate_crosses_the_splits(models: Models, entries: list[Entry]) -> None:
    rows = models.embedder.embed([f"{entry.product.title}. {entry.product.description}" for entry in entries])
    splits = np.array([entry.split for entry in entries])
    close = np.argwhere(np.triu(rows @ rows.T, 1) > NEAR)
    crossing = [(entries[i].id, entries[j].id) for i, j in close if splits[i] != splits[j]]
    assert len(close) > 0
    assert crossing == []


def test_another_text_is_another_version(entries: list[Entry]) -> None:
    assert version(entries) == version(list(entries))
    assert version(entries[1:]) != version(entries)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "shard.jsonl").write_text('{"id": "x"}\n')
    with pytest.raises(InputError, match=r"shard\.jsonl line 1"):
        list(read(tmp_path))
