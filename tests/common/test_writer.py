import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from functions.common import writer
from functions.common.models import Models
from functions.common.runtime import ctranslate2
from functions.common.writer import Sampling, Search

ROOT = Path(__file__).parents[2]
CAPITAL = "Italy: Rome\nSpain: Madrid\nGermany: Berlin\n"
PREFIX = "Rain boots keep your feet dry. Mittens keep your hands warm.\n"


def test_the_same_seed_gives_the_same_texts_whatever_was_written_before(models: Models) -> None:
    sampling = Sampling(samples=3, seed=7)
    first = models.writer.write(PREFIX, ["A hat keeps"], sampling)
    models.writer.write(PREFIX, ["Something else", "entirely"], Sampling(samples=2, seed=1))
    assert models.writer.write(PREFIX, ["A hat keeps"], sampling) == first
    assert models.writer.write(PREFIX, ["A hat keeps"], Sampling(samples=3, seed=8)) != first


def test_a_model_that_has_only_judged_writes_as_a_new_one_does(models: Models) -> None:
    """The first text is written by the model that was loaded, and not by one that is opened for it."""
    sampling = Sampling(samples=3, seed=7)
    ours = Models(models.folder).writer
    ours.logprobs(["A hat keeps your head warm."])
    first = ours.write(PREFIX, ["A hat keeps"], sampling)
    assert ours.write(PREFIX, ["A hat keeps"], sampling) == first
    assert Models(models.folder).writer.write(PREFIX, ["A hat keeps"], sampling) == first


def test_a_ctrl_c_waits_until_the_thread_beside_has_imported_its_library(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted import may keep the lock of the imports, and the other thread waits for it for ever."""
    imported = threading.Event()
    when = []

    def slow() -> ModuleType:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        library = ctranslate2()
        imported.set()
        return library

    monkeypatch.setattr(writer, "ctranslate2", slow)
    before = signal.signal(signal.SIGINT, lambda *_: when.append(imported.is_set()))
    try:
        assert Models(models.folder).writer
        assert when == [True]
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_memory_of_models_that_wrote_is_given_back(models: Models) -> None:
    """In a process of its own, because the C library is set up before the first model."""
    code = """
import sys
from pathlib import Path
from functions.common.models import Models
from functions.common.writer import Sampling, Search

def resident():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024

writer = Models(Path(sys.argv[1]), 2).writer
seen = []
for seed in range(8):
    writer.write("A mug.", ["It holds"] * 6, Sampling(samples=4, seed=seed, max_tokens=6))
    seen.append(resident())
print(seen[1], seen[-1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(models.folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    early, late = map(int, done.stdout.split())
    assert late < early + 150, done.stdout


def test_a_length_penalty_decides_what_is_found_and_not_how_likely_it_is(models: Models) -> None:
    tails = ["A hat keeps", "A scarf keeps your", "The wool", "It has"]
    found: list[dict[tuple[str, str], float]] = []
    for penalty in (2.0, 0.2):
        search = Search(texts=2, max_tokens=20, length_penalty=penalty)
        answers = models.writer.likeliest(PREFIX, tails, search)
        found.append({(tail, s.text): s.logprob for tail, each in zip(tails, answers, strict=True) for s in each})
    longer, shorter = found
    assert longer.keys() != shorter.keys()
    assert longer.keys() & shorter.keys()
    for key in longer.keys() & shorter.keys():
        assert longer[key] == pytest.approx(shorter[key], rel=1e-4)


def test_every_tail_gets_its_samples_and_each_ends_with_its_line(models: Models) -> None:
    answers = models.writer.write(PREFIX, ["A hat keeps", "A scarf keeps your"], Sampling(samples=4, seed=1))
    assert len(answers) == 2
    assert all(2 <= len(samples) <= 4 for samples in answers)
    assert all("\n" not in sample.text and "<|" not in sample.text for samples in answers for sample in samples)


def test_a_text_that_the_limit_would_cut_off_is_left_out(models: Models) -> None:
    tails = ["A hat keeps"]
    texts = [s.text for s in models.writer.write(PREFIX, tails, Sampling(samples=16, seed=1, max_tokens=40))[0]]
    fewer = [s.text for s in models.writer.write(PREFIX, tails, Sampling(samples=16, seed=1, max_tokens=5))[0]]
    assert len(fewer) < len(texts)
    assert all(len(text.split()) <= 5 for text in fewer)
    assert all(text.endswith((".", "!", "?")) or len(text.split()) < 30 for text in texts)


def test_a_bound_text_is_made_of_the_words_of_its_prefix_and_of_those_that_join_them(models: Models) -> None:
    prefix, tails, joining = "Boots, mitten, scarf: wool\n", ["They keep your"], frozenset({"keep", "and", "warm"})
    sampling = Sampling(samples=16, seed=1, temperature=1.2)
    known = {"boot", "boots", "mitten", "mittens", "scarf", "scarfs", "wool", "wools", *joining}

    def words(bound: frozenset[str] | None) -> set[str]:
        found = [*models.writer.write(prefix, tails, sampling, bound)[0]]
        found += models.writer.likeliest(prefix, tails, Search(texts=4, max_tokens=20), bound)[0]
        assert found
        return {word for sample in found for word in re.findall(r"[a-z]+", sample.text.lower())}

    strange = {len(words(bound) - known) for bound in (None, joining)}
    assert max(strange) > 10 > 4 * min(strange)


def test_english_is_more_probable_than_its_words_in_disorder(models: Models) -> None:
    english, disorder = models.writer.logprobs(
        ["Two deep pockets keep your tools at hand.", "at hand keep pockets two your tools deep."]
    )
    assert english > disorder


def test_the_model_has_learnt_the_worlds_facts_through_the_conversion(models: Models) -> None:
    """A wrongly converted matrix gives noise, not the capital of France."""
    sampling = Sampling(samples=1, seed=0, topk=1, max_tokens=8)
    assert "Paris" in models.writer.write(CAPITAL, ["France:"], sampling)[0][0].text


def test_likelier_samples_have_higher_logprobs(models: Models) -> None:
    greedy = models.writer.write(PREFIX, ["Gloves keep your"], Sampling(samples=1, seed=0, topk=1))[0][0]
    sampled = models.writer.write(PREFIX, ["Gloves keep your"], Sampling(samples=8, seed=0, temperature=1.5))[0]
    assert greedy.logprob > sum(sample.logprob for sample in sampled) / 8


def test_related_texts_lie_closer_than_unrelated_ones(models: Models) -> None:
    rows = models.embedder.embed(["a linen apron for cooks", "kitchen apron in linen", "brake pads for a van"])
    assert rows.shape == (3, 384)
    assert abs(float((rows[0] ** 2).sum()) - 1) < 1e-5
    assert rows[0] @ rows[1] > 0.6 > 0.3 > rows[0] @ rows[2]


def test_an_embedding_does_not_depend_on_its_neighbours(models: Models) -> None:
    alone = models.embedder.embed(["a linen apron"])[0]
    among = models.embedder.embed(["x", "a linen apron", "a much longer text about quite another thing " * 9])[1]
    assert float(alone @ among) > 0.999


def test_no_texts_are_no_rows(models: Models) -> None:
    assert models.embedder.embed([]).shape == (0, 384)
