from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from functions.common.errors import ModelError
from functions.common.spelling import spellings
from functions.common.writer import Sampling, Search, Writer, open_writer
from quantize.llama import Weights
from quantize.t5 import Shape, convert

WIDTH, HEADS, INNER, LAYERS = 32, 4, 64, 2

SENTENCES = [
    "a warm scarf for cold mornings",
    "the kettle boils a litre of water",
    "two deep pockets keep tools at hand",
    "headline : warm scarf",
]


def weights(vocabulary: int, gated: bool) -> Weights:
    """A T5 of random weights under transformers' names."""
    random = np.random.default_rng(0)
    found: Weights = {"shared.weight": random.normal(size=(vocabulary, WIDTH)).astype(np.float32)}

    def add(name: str, *shape: int) -> None:
        found[name] = (random.normal(size=shape) / np.sqrt(WIDTH)).astype(np.float32)

    for stack in ("encoder", "decoder"):
        found[f"{stack}.final_layer_norm.weight"] = np.ones(WIDTH, np.float32)
        add(f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 32, HEADS)
        for block in range(LAYERS):
            layers = ["SelfAttention", "EncDecAttention"] if stack == "decoder" else ["SelfAttention"]
            for number, kind in enumerate(layers):
                for matrix in "qkvo":
                    add(f"{stack}.block.{block}.layer.{number}.{kind}.{matrix}.weight", WIDTH, WIDTH)
            for number in range(len(layers) + 1):
                found[f"{stack}.block.{block}.layer.{number}.layer_norm.weight"] = np.ones(WIDTH, np.float32)
            dense = f"{stack}.block.{block}.layer.{len(layers)}.DenseReluDense"
            for name in ("wi_0", "wi_1") if gated else ("wi",):
                add(f"{dense}.{name}.weight", INNER, WIDTH)
            add(f"{dense}.wo.weight", WIDTH, INNER)
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["t5", "t5-1.1"])
def writer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Writer:
    """A tiny T5 of each generation with a sentencepiece vocabulary of its own, converted to int8."""
    folder: Path = tmp_path_factory.mktemp("t5")
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(SENTENCES * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "spiece"),
        vocab_size=60,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    names = [pieces.id_to_piece(number) for number in range(pieces.vocab_size())]
    shape = Shape(num_layers=LAYERS, num_decoder_layers=LAYERS, num_heads=HEADS, d_model=WIDTH, gated=request.param)
    convert(shape, weights(64, request.param), names, folder, "int8")
    return open_writer(folder, "t5", threads=1)


def test_a_t5_writes_through_the_same_interface(writer: Writer) -> None:
    sampling = Sampling(samples=3, seed=5, max_tokens=400)
    answers = writer.write("a warm scarf ", ["headline :", "the kettle"], sampling)
    assert len(answers) == 2
    assert all(1 <= len(samples) <= 3 for samples in answers)
    assert any(sample.text for samples in answers for sample in samples)
    assert all(sample.logprob < 0 for samples in answers for sample in samples)


def test_a_t5_repeats_itself_with_the_same_seed(writer: Writer) -> None:
    sampling = Sampling(samples=3, seed=5, max_tokens=400)
    first = writer.write("a warm scarf ", ["headline :"], sampling)
    writer.write("the kettle ", ["headline :"], Sampling(samples=2, seed=9))
    assert writer.write("a warm scarf ", ["headline :"], sampling) == first


def test_a_t5_reads_the_product(writer: Writer) -> None:
    sampling = Sampling(samples=4, seed=0, max_tokens=400)
    answers = [writer.write(product, ["headline :"], sampling)[0] for product in SENTENCES]
    assert len({tuple(sample.text for sample in samples) for samples in answers}) > 1


def test_a_bound_t5_spells_with_the_pieces_of_its_prefix(writer: Writer) -> None:
    sampling = Sampling(samples=8, seed=5, max_tokens=100)

    def letters(joining: frozenset[str] | None) -> set[str]:
        found = writer.write("a warm scarf ", ["the kettle"], sampling, joining)[0]
        found += writer.likeliest("a warm scarf ", ["the kettle"], Search(texts=2, max_tokens=100), joining)[0]
        assert found
        return {letter for sample in found for letter in sample.text if letter.isalpha()}

    may = set("".join(spellings("a warm scarf ", [])))
    assert letters(frozenset()) <= may
    assert not letters(None) <= may


def test_a_t5_judges_texts(writer: Writer) -> None:
    scores = writer.logprobs(["a warm scarf", "the kettle boils"])
    assert len(scores) == 2
    assert all(score < 0 for score in scores)


def test_a_family_that_cannot_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="family 'bert' cannot write"):
        open_writer(tmp_path, "bert", threads=1)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_writer(tmp_path, "t5", threads=1)
