import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.numpy import load_file
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from transformers import T5Config, T5ForConditionalGeneration
from typer.testing import CliRunner

from functions.cli import app
from functions.common.models import Models, read_manifest
from functions.common.writer import Sample, Sampling, open_writer
from functions.generate.prompt import PROMPTS, SLOTS
from quantize import corpus
from quantize.figures import Report
from quantize.llama import merge
from quantize.t5 import T5Model

pytestmark = [
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are not ours to mend.
    pytest.mark.usefixtures("books", "little"),
]

LAYERS = 2
MATRICES = LAYERS * (4 + 2) + LAYERS * (8 + 2)
"""Of attention and feed-forward, in encoder and decoder."""

SPLITS: tuple[corpus.Split, ...] = ("train", "train", "validation", "test")
ENTRIES = [
    corpus.Entry(
        id=f"stool-{number}",
        split=split,
        product=corpus.Goods(title=f"Oak stool {number}"),
        source_style="title-only",
        voice="plain",
        copy=corpus.Copy(headline=["Oak stool"], primary_text=["A stool of oak."]),
    )
    for number, split in enumerate(SPLITS)
]


@pytest.fixture(scope="module")
def little() -> Iterator[None]:
    """A corpus of four products."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "read", lambda *_: iter(ENTRIES))
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 of random weights with a vocabulary of its own, as Hugging Face's form has it."""
    folder = tmp_path_factory.mktemp("base")
    prompt = PROMPTS["house"]
    asked = [prompt.prefix(entry.as_product()) + prompt.tail(slot, "plain") for entry in ENTRIES for slot in SLOTS]
    SentencePieceTrainer.train(
        sentence_iterator=iter([*asked, "Oak stool", "A stool of oak."] * 5),
        model_prefix=str(folder / "spiece"),
        vocab_size=90,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=128,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=LAYERS,
        num_heads=4,
        decoder_start_token_id=0,
    )
    network = T5ForConditionalGeneration(config)
    # With a gain of 1 so narrow a network cannot be sure of a token, whatever it learns.
    torch.nn.init.constant_(network.decoder.final_layer_norm.weight, 4.0)
    network.save_pretrained(folder)
    return folder


def run(*words: str | Path) -> str:
    done = CliRunner().invoke(app, ["model", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def trained(base: Path, books: Path, little: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt the little corpus by heart."""
    folder = tmp_path_factory.mktemp("runs") / "trained"
    run("train", folder, "--base", base, "--rank", "8", "--alpha", "16", "--rate", "0.02", "--epochs", "40")
    return folder


@pytest.fixture(scope="module")
def merged(base: Path, trained: Path) -> T5ForConditionalGeneration:
    """Base and adapter, merged by peft."""
    network = T5ForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
    return PeftModel.from_pretrained(network, trained / "adapter").merge_and_unload().eval()


def test_a_t5_learns_the_texts_by_an_adapter_of_all_its_matrices(trained: Path, base: Path) -> None:
    record = json.loads((trained / "train.json").read_text())
    losses = [point["validation_loss"] for point in record["curve"]]
    assert losses[-1] < 0.1 < 1 < losses[0], losses
    adapter = load_file(trained / "adapter" / "adapter_model.safetensors")
    assert len(adapter) == 2 * MATRICES
    config = json.loads((trained / "adapter" / "adapter_config.json").read_text())
    assert config["task_type"] == "SEQ_2_SEQ_LM"
    assert config["base_model_name_or_path"] == str(base)


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(base: Path, tmp_path: Path) -> None:
    from quantize import train as training

    def stop(step: int, _steps: int, _loss: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    plan = training.Plan(tokens=256, epochs=2)
    training.train(plan, base, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        training.train(plan, base, tmp_path / "run", stop)
    training.train(plan, base, tmp_path / "run")
    whole, resumed = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "run"))
    assert whole.keys() == resumed.keys()
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_the_adapter_is_merged_as_peft_merges_it(base: Path, trained: Path, merged: T5ForConditionalGeneration) -> None:
    before, after = T5Model(base).weights(), T5Model(base).weights()
    merge(after, trained / "adapter")
    assert sum(not np.array_equal(before[name], after[name]) for name in before) == MATRICES
    theirs = merged.state_dict()
    for name, matrix in after.items():
        np.testing.assert_allclose(matrix, theirs[name].numpy(), atol=1e-5)


def test_a_build_in_float32_writes_what_transformers_writes(
    base: Path, trained: Path, models: Models, merged: T5ForConditionalGeneration, tmp_path: Path
) -> None:
    shutil.copytree(models.folder / "embedder", tmp_path / "embedder")
    words = ("build", "--base", base, "--adapter", trained / "adapter", "--models", tmp_path)
    run(*words, "--quantization", "float32")
    prompt, product = PROMPTS["house"], ENTRIES[-1].as_product()
    tails = [prompt.tail(slot, "plain") for slot in SLOTS]
    greedy = Sampling(samples=1, seed=0, topk=1, temperature=1.0)
    answers = open_writer(tmp_path / "writer", "t5", threads=1).write(prompt.prefix(product), tails, greedy)
    pieces = SentencePieceProcessor(model_file=str(base / "spiece.model"))
    for slot, tail, samples in zip(SLOTS, tails, answers, strict=True):
        wanted = likeliest(merged, pieces, prompt.prefix(product) + tail, greedy.max_tokens)
        assert [sample.text for sample in samples] == [wanted.text], slot.name
        assert samples[0].logprob == pytest.approx(wanted.logprob, abs=1e-3)
    assert answers[0][0].text == "Oak stool"


def likeliest(
    network: T5ForConditionalGeneration, pieces: SentencePieceProcessor, source: str, max_tokens: int
) -> Sample:
    """The text that transformers decodes greedily."""
    made = network.generate(
        torch.tensor([pieces.encode(source, add_eos=True)]),
        do_sample=False,
        max_new_tokens=max_tokens,
        return_dict_in_generate=True,
        output_scores=True,
    )
    scores = network.compute_transition_scores(made.sequences, made.scores, normalize_logits=True)
    return Sample(text=pieces.decode(made.sequences[0].tolist()), logprob=float(scores.mean()))


def test_a_build_in_int8_is_evaluated_as_any_writer(base: Path, trained: Path, models: Models, tmp_path: Path) -> None:
    shutil.copytree(models.folder / "embedder", tmp_path / "embedder")
    words = ("build", "--base", base, "--adapter", trained / "adapter", "--models", tmp_path)
    assert "writer built" in run(*words)
    assert "writer is there already" in run(*words)
    manifest = read_manifest(tmp_path / "writer")
    assert (manifest.family, manifest.prompt, manifest.quantization) == ("t5", "house", "int8")
    report = tmp_path / "evaluation.json"
    run("evaluate", "--models", tmp_path, "--platforms", "meta_feed", "--no-track", "--out", report)
    found = msgspec.json.decode(report.read_bytes(), type=Report).sections["test"]
    assert found.evaluations[0].version == manifest.version
    assert found.outputs[0].copy["headline"] == "Oak stool"
    assert found.evaluations[0].pipeline is not None
    assert found.evaluations[0].pipeline.creatives == 1
