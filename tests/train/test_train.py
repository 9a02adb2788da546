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
    records = [json.loads((tmp_path / name / "train.json").read_text()) for name in ("first", "second")]
    assert records[1]["before"] == records[0]
    said = train(tmp_path / "third", base, "--rank", "3", "--alpha", "4", "--start", str(start), code=3)
    assert "give it the --rank and the --base that it was trained with" in said
    said = train(tmp_path / "third", base, "--rank", "2", "--alpha", "2", "--start", str(start), code=3)
    assert "was made with --alpha 4, not 2" in said
    assert "has no adapter_config.json" in train(tmp_path / "fourth", base, "--start", str(tmp_path), code=4)


@pytest.mark.usefixtures("books", "little")
def test_a_draft_becomes_likelier_than_those_with_lower_grades(base: Path, tmp_path: Path) -> None:
    from quantize import train as training
    from quantize.bases import open_base
    from quantize.drafts import Drafts
    from quantize.jsonlines import read_lines
    from quantize.sequences import targets
    from quantize.train import Plan, tuned_on

    train(tmp_path / "first", base, "--rank", "2", "--alpha", "4")
    start = tmp_path / "first" / "adapter"
    drafts = tmp_path / "drafts.jsonl"
    written = [
        {"slot": "primary text", "voice": "plain", "text": "A stool oak.", "grade": 0},
        {"slot": "primary text", "voice": "plain", "text": "An oak stool.", "grade": 2},
        {"slot": "primary text", "voice": "plain", "text": "Oaken stools."},
        {"slot": "headline", "voice": "plain", "text": "OAK STOOL", "grade": 0},
        {"slot": "headline", "voice": "plain", "text": "Stool oak", "grade": 1},
    ]
    drafts.write_text("".join(json.dumps({"id": f"stool-{n}", "texts": written}) + "\n" for n in range(2)))
    more = ["--start", str(start), "--graded", str(drafts), "--beta", "0.5", "--rate", "1e-2", "--epochs", "8"]
    small = ["--rank", "2", "--alpha", "4"]
    train(tmp_path / "second", base, *small, *more)

    def logprobs(adapter: Path) -> list[float]:
        tuned = tuned_on(open_base(base), Plan(rank=2, alpha=4))
        tuned.load(adapter)
        (entry, *_) = corpus.read()
        slot, voice = next((slot, voice) for slot, voice, _ in targets(entry) if slot.name == "primary text")
        asked = [(slot, voice, text) for text in ("An oak stool.", "A stool oak.")]
        found, sizes = tuned.logprobs(tuned.items(entry.as_product(), asked))
        assert sizes.tolist() == [len("An oak stool.") + 1, len("A stool oak.") + 1]
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
        training.train(plan, base, tmp_path / "again", stop, start=start, graded=list(read_lines(drafts, Drafts)))
    train(tmp_path / "again", base, *small, *more)
    whole, resumed = (load_file(tmp_path / n / "adapter" / "adapter_model.safetensors") for n in ("second", "again"))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    assert len(record["plan"]["graded"]) == 16
    said = train(tmp_path / "third", base, "--graded", str(drafts), code=3)
    assert "needs --start" in said
    drafts.write_text('{"id": "sofa-1", "texts": []}\n')
    assert "no product that is learnt has two drafts" in train(tmp_path / "fourth", base, *more[:4], *small, code=3)
    drafts.write_text('{"id": "stool-1", "texts": [{"slot": "slogan", "voice": "plain", "text": "Sit."}]}\n')
    assert "'slogan' is no slot" in train(tmp_path / "fourth", base, *more[:4], *small, code=3)
    drafts.write_text("")
    assert "holds no drafts" in train(tmp_path / "fifth", base, *more[:4], *small, code=3)


def test_too_long_a_draft_is_worth_nothing_however_well_it_reads_and_one_that_nobody_read_is_left_out() -> None:
    from quantize.drafts import Draft
    from quantize.preference import pairs

    def headline(text: str, grade: int | None) -> Draft:
        return Draft(slot="headline", voice="plain", text=text, grade=grade)

    sound, long, bad = headline("Oak stool", 2), headline("An oak stool with a round seat", 3), headline("Stool oak", 0)
    better = headline("Round oak stool", 3)
    found = pairs([sound, headline("An oak stool with a round seat, 45 cm", 3), bad, headline("Stool", None)])
    assert [(one.text, other.text) for one, other in found] == [
        ("Oak stool", "An oak stool with a round seat, 45 cm"),
        ("Oak stool", "Stool oak"),
    ]
    assert (better, sound) in pairs([sound, better, long])
    assert (better, long) not in pairs([sound, better, long])
    wide = headline("橡木凳子圆形座面高四十五厘米可叠放", 3)
    assert (better, wide) in pairs([better, wide]), "double-width letters take double the room"
