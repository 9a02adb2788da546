from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.cli import app
from functions.common.models import Models
from functions.common.writer import Joining, Sample, Sampling, Writer
from functions.score.facts import Subject
from functions.score.gates.registry import judge
from quantize import corpus
from quantize.corpus import Entry
from quantize.drafts import Draft, Drafts
from quantize.jsonlines import read_lines
from quantize.selftraining import accepted, drafted, worst_first
from quantize.sequences import targets


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
        return list(read_lines(out, Entry))

    whole = sampled()
    assert whole == [entry for entry in learnt if entry.id in {e.id for e in entries[:2]}]
    out.write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:1]))
    assert sampled() == whole


def test_drafts_are_written_for_every_field_and_voice_of_the_corpus_and_go_on_where_they_stopped(
    models: Models, entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "read", lambda: iter(entries[:2]))
    out = tmp_path / "drafts.jsonl"

    def written() -> list[Drafts]:
        done = CliRunner().invoke(app, ["model", "drafts", str(out), "--texts", "2", "--models", str(models.folder)])
        assert done.exit_code == 0, done.output
        return list(read_lines(out, Drafts))

    whole = written()
    for entry, drafts in zip(entries[:2], whole, strict=True):
        asked = {(slot.name, voice) for slot, voice, _ in targets(entry) if slot.field != "cta"}
        assert {(draft.slot, draft.voice) for draft in drafts.texts} == asked
    first, second = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(first + second[:40])
    assert written() == whole
    out.write_bytes(second)
    assert sorted(written(), key=lambda each: each.id) == sorted(whole, key=lambda each: each.id)


def test_drafts_are_bound_to_the_page_as_the_texts_of_the_flow_are(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(e for e in corpus.read() if e.variant and e.split == "train" and e.product.language == "en")
    own = type(models.writer).write
    bound: list[tuple[Sequence[str], Joining]] = []

    def write(
        self: Writer, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
    ) -> list[list[Sample]]:
        bound.append((tails, joining))
        return own(self, prefix, tails, sampling, joining)

    monkeypatch.setattr(type(models.writer), "write", write)
    assert list(drafted([entry], models, texts=1, seed=0))
    for tails, joining in bound:
        assert {"plain" in tail for tail in tails} == {joining is not None}
    assert len(bound) == 2


def test_drafts_that_break_a_gate_come_first(models: Models, entries: list[Entry]) -> None:
    product = entries[0].as_product()
    good = Draft(slot="headline", voice="plain", text=entries[0].copy.headline[0])
    bad = Draft(slot="headline", voice="plain", text="Best gift of 2031, 99% off!")
    found = worst_first(product, [(good, "headline", -0.1), (bad, "headline", -0.01)], models)
    assert found == [bad, good]
    doubted = Draft(slot="headline", voice="plain", text=entries[0].copy.headline[1])
    assert worst_first(product, [(good, "headline", -0.1), (doubted, "headline", -3.0)], models) == [doubted, good]
