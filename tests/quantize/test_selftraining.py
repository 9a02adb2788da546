from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.cli import app
from functions.common.models import Models
from functions.score.facts import Subject
from functions.score.gates.registry import judge
from quantize import corpus
from quantize.corpus import Entry
from quantize.selftraining import accepted


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    plain = [e for e in corpus.read() if e.split == "train" and e.source_style == "plain"]
    return plain[:: len(plain) // 4][:4]


@pytest.fixture(scope="module")
def learnt(models: Models, entries: list[Entry]) -> list[Entry]:
    return list(accepted(entries, models, candidates=4, seed=0))


def test_what_is_learnt_passes_every_gate_and_is_not_the_corpus_again(learnt: list[Entry]) -> None:
    assert learnt, "the writer had nothing accepted for four plain products"
    known = {entry.id: entry for entry in corpus.read()}
    for entry in learnt:
        assert entry.product == known[entry.id].product
        assert entry.voice == known[entry.id].voice
        subject = Subject(entry.as_product())
        for headline in entry.copy.headline:
            assert not list(judge(headline, "headline", subject))
        for text in entry.copy.primary_text:
            assert text not in known[entry.id].copy.primary_text
            assert not list(judge(text, "primary_text", subject))


def test_the_same_seed_accepts_the_same_texts(models: Models, entries: list[Entry], learnt: list[Entry]) -> None:
    again = accepted(entries[:1], models, candidates=4, seed=0)
    assert list(again) == [entry for entry in learnt if entry.id == entries[0].id]


def test_sampling_that_was_stopped_goes_on_behind_the_last_product(
    models: Models, learnt: list[Entry], entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "read", lambda: iter(entries[:2]))
    out = tmp_path / "own.jsonl"

    def sampled() -> list[Entry]:
        done = CliRunner().invoke(app, ["model", "sample", str(out), "--models", str(models.folder)])
        assert done.exit_code == 0, done.output
        return list(corpus.read_shard(out))

    whole = sampled()
    assert whole == [entry for entry in learnt if entry.id in {e.id for e in entries[:2]}]
    out.write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:1]))
    assert sampled() == whole
