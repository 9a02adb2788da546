import json
from pathlib import Path

import mlflow
import msgspec
import numpy as np
import pytest
from gguf import GGUFWriter
from safetensors.numpy import load_file
from tokenizers.pre_tokenizers import ByteLevel
from typer.testing import CliRunner

from functions.cli import app
from quantize import corpus
from quantize.llama import GgufModel, merge

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are not ours to mend.

WIDTH, HEADS, HEADS_KV, INNER, LAYERS = 32, 4, 2, 48, 2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of random weights that reads letter by letter, as a GGUF file."""
    path = tmp_path_factory.mktemp("base") / "tiny.gguf"
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = [*control, *sorted(ByteLevel.alphabet()), "Ġt"]
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS_KV)
    writer.add_rope_freq_base(1e4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_token_list(tokens)
    writer.add_token_merges(["Ġ t"])
    writer.add_token_types([3 if token in control else 1 for token in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    random = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (random.normal(size=shape) / np.sqrt(WIDTH)).astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    key_width = WIDTH // HEADS * HEADS_KV
    for number in range(LAYERS):
        block = f"blk.{number}"
        for name, rows in (("q", WIDTH), ("k", key_width), ("v", key_width), ("output", WIDTH)):
            add(f"{block}.attn_{name}.weight", rows, WIDTH)
        add(f"{block}.ffn_gate.weight", INNER, WIDTH)
        add(f"{block}.ffn_up.weight", INNER, WIDTH)
        add(f"{block}.ffn_down.weight", WIDTH, INNER)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}.{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus of three products."""
    splits: tuple[corpus.Split, ...] = ("train", "train", "validation")
    entries = [
        corpus.Entry(
            id=f"stool-{number}",
            split=split,
            product=corpus.Goods(title=f"Oak stool {number}"),
            source_style="title-only",
            voice="plain",
            copy=corpus.Copy(headline=["Oak stool"], primary_text=["A stool of oak."]),
        )
        for number, split in enumerate(splits)
    ]
    monkeypatch.setattr(corpus, "read", lambda: iter(entries))


def train(folder: Path, base: Path, *words: str, code: int = 0) -> str:
    words = ("model", "train", str(folder), "--base", str(base), "--tokens", "256", "--epochs", "2", *words)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.usefixtures("books", "little")
def test_a_run_leaves_an_adapter_that_fits_its_figures_and_a_checkpoint(base: Path, tmp_path: Path) -> None:
    said = train(tmp_path / "run", base, "--rank", "2", "--alpha", "4")
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert record["figures"]["steps"] == len({point["step"] for point in record["curve"]}) == 2
    assert f"validation loss {record['figures']['validation_loss']:.4f} after 2 steps" in said
    weights = GgufModel(base).weights()
    before = {name: matrix.copy() for name, matrix in weights.items()}
    merge(weights, tmp_path / "run" / "adapter")
    changed = {name for name in weights if not np.array_equal(weights[name], before[name])}
    assert len(changed) == 7 * LAYERS
    run = mlflow.search_runs(order_by=["start_time DESC"], max_results=1, output_format="list")[0]
    assert run.data.params["rank"] == "2"
    assert run.data.metrics["validation_loss"] == record["figures"]["validation_loss"]


@pytest.mark.usefixtures("books", "little")
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been_and_other_settings_are_refused(
    base: Path, tmp_path: Path
) -> None:
    from quantize import train as training

    def stop(step: int, _steps: int, _loss: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    train(tmp_path / "whole", base)
    with pytest.raises(KeyboardInterrupt):
        training.train(training.Plan(tokens=256, epochs=2), base, tmp_path / "run", stop)
    train(tmp_path / "run", base)
    whole, resumed = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "run"))
    assert whole.keys() == resumed.keys()
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    assert "holds a run with other settings" in train(tmp_path / "run", base, "--rank", "3", code=3)


@pytest.mark.usefixtures("books", "little")
def test_a_second_stage_begins_with_the_weights_of_the_first(base: Path, tmp_path: Path) -> None:
    train(tmp_path / "first", base, "--rank", "2", "--alpha", "4")
    start = tmp_path / "first" / "adapter"
    train(tmp_path / "second", base, "--rank", "2", "--alpha", "4", "--rate", "0", "--start", str(start))
    first, second = (load_file(tmp_path / n / "adapter" / "adapter_model.safetensors") for n in ("first", "second"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    said = train(tmp_path / "third", base, "--rank", "3", "--start", str(start), code=3)
    assert "give it the --rank and the --base that it was trained with" in said
    assert "has no adapter_config.json" in train(tmp_path / "fourth", base, "--start", str(tmp_path), code=4)


@pytest.mark.usefixtures("books", "little")
def test_the_corpus_becomes_likelier_than_the_drafts_that_it_is_preferred_to(base: Path, tmp_path: Path) -> None:
    from quantize import train as training
    from quantize.bases import open_base
    from quantize.drafts import Drafts
    from quantize.jsonlines import read_lines
    from quantize.preference import pairs
    from quantize.train import Plan, tuned_on

    train(tmp_path / "first", base, "--rank", "2", "--alpha", "4")
    start = tmp_path / "first" / "adapter"
    drafts = tmp_path / "drafts.jsonl"
    written = [
        {"slot": "primary text", "voice": "plain", "text": "A stool oak."},
        {"slot": "primary text", "voice": "playful", "text": "Nobody asked for this voice."},
        {"slot": "headline", "voice": "plain", "text": "OAK STOOL"},
    ]
    drafts.write_text("".join(json.dumps({"id": f"stool-{n}", "texts": written}) + "\n" for n in range(2)))
    more = ["--start", str(start), "--against", str(drafts), "--beta", "0.5", "--rate", "1e-2", "--epochs", "8"]
    small = ["--rank", "2", "--alpha", "4"]
    train(tmp_path / "second", base, *small, *more)

    def logprobs(adapter: Path) -> list[float]:
        tuned = tuned_on(open_base(base), Plan(rank=2, alpha=4))
        tuned.load(adapter)
        (entry, *_) = corpus.read()
        ((good, bad),) = pairs(entry, next(read_lines(drafts, Drafts)).texts)
        assert (good[2], bad[2]) == ("A stool of oak.", "A stool oak.")
        found, sizes = tuned.logprobs(tuned.items(entry.as_product(), [good, bad]))
        assert sizes.tolist() == [len(good[2]) + 1, len(bad[2]) + 1]
        likely: list[float] = found.detach().tolist()
        return likely

    (good, bad), (better, worse) = logprobs(start), logprobs(tmp_path / "second" / "adapter")
    assert better - worse > good - bad + 1
    assert better > good
    record = json.loads((tmp_path / "second" / "train.json").read_text())
    assert record["plan"]["beta"] == 0.5

    def stop(step: int, _steps: int, _loss: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    plan = msgspec.convert(record["plan"], Plan)
    with pytest.raises(KeyboardInterrupt):
        training.train(plan, base, tmp_path / "again", stop, start=start, against=list(read_lines(drafts, Drafts)))
    train(tmp_path / "again", base, *small, *more)
    whole, resumed = (load_file(tmp_path / n / "adapter" / "adapter_model.safetensors") for n in ("second", "again"))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    assert len(record["plan"]["against"]) == 16
    said = train(tmp_path / "third", base, "--against", str(drafts), code=3)
    assert "needs --start" in said
    drafts.write_text('{"id": "sofa-1", "texts": []}\n')
    assert "none of the drafts belongs to a product" in train(tmp_path / "fourth", base, *more[:4], *small, code=3)
    drafts.write_text("")
    assert "holds no drafts" in train(tmp_path / "fifth", base, *more[:4], *small, code=3)
