"""The deployed flow as real processes, and what `adloom run` makes of the same catalogue.

The writer is a T5 of random weights, made here: its words are nonsense, and it is quick; nothing else of the flow is
less than real. ADLOOM_FLOW_WRITER=real takes the installed writer instead, and ADLOOM_FLOW_ROWS sets the size of the
catalogue.
"""

import csv
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import sentencepiece

from functions.common.models import MANIFEST, REFERENCES, Manifest, Models, file_sha256
from quantize.llama import Weights
from quantize.t5 import Shape, convert

ROOT = Path(__file__).parents[2]
ROWS = int(os.environ.get("ADLOOM_FLOW_ROWS", "60"))
PATIENCE = 240 + ROWS
"""Seconds that a catalogue may take to its end; a machine may be busy with other things."""
PART_ROWS = "8"
SMALL = ("--platforms", "meta_feed,tiktok", "--candidates", "2", "--part-rows", PART_ROWS)

WIDTH, HEADS, INNER = 32, 4, 64

THINGS = ("lantern", "kettle", "scarf", "notebook", "planter", "raincoat", "mug", "stool", "blanket", "whistle")
MADE = ("of oak", "of wool", "of steel", "of linen", "of clay")
WORDS = ("warm", "plain", "quiet", "bright", "sturdy", "light", "old", "small", "deep", "soft")


@pytest.fixture(scope="session")
def flow_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: the real embedding, and a writer that is quick."""
    if os.environ.get("ADLOOM_FLOW_WRITER") == "real":
        return Models().folder
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(Models().folder / "embedder", folder / "embedder")
    make_writer(folder / "writer")
    return folder


def make_writer(folder: Path) -> None:
    """A T5 with random weights and a vocabulary of a few plain words."""
    folder.mkdir()
    corpus = folder / "corpus.txt"
    dice = random.Random(7)
    lines = [" ".join(dice.choices([*WORDS, *THINGS], k=6)) for _ in range(400)]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=120, hard_vocab_limit=False,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    names = [pieces.id_to_piece(number) for number in range(pieces.vocab_size())]
    shape = Shape(num_layers=1, num_decoder_layers=1, num_heads=HEADS, d_model=WIDTH)
    convert(shape, random_weights(len(names) + 4), names, folder, "int8")
    (folder / REFERENCES).write_text("", encoding="utf-8")
    files = {path.name: file_sha256(path) for path in sorted(folder.iterdir())}
    manifest = Manifest(
        role="writer", family="t5", prompt="house", version="nonsense", recipe="nonsense", model="random T5",
        licence="none", quantization="int8", files=files,
    )  # fmt: skip
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def random_weights(vocabulary: int) -> Weights:
    """Weights of a T5 of one layer, under transformers' names."""
    dice = np.random.default_rng(0)
    found: Weights = {"shared.weight": dice.normal(size=(vocabulary, WIDTH)).astype(np.float32)}
    for stack, attentions in (("encoder", ["SelfAttention"]), ("decoder", ["SelfAttention", "EncDecAttention"])):
        block = f"{stack}.block.0.layer"
        shapes = {f"{block}.0.SelfAttention.relative_attention_bias": (32, HEADS)}
        for number, kind in enumerate(attentions):
            shapes |= {f"{block}.{number}.{kind}.{matrix}": (WIDTH, WIDTH) for matrix in "qkvo"}
        dense = f"{block}.{len(attentions)}.DenseReluDense"
        shapes |= {f"{dense}.wi": (INNER, WIDTH), f"{dense}.wo": (WIDTH, INNER)}
        for name, size in shapes.items():
            found[f"{name}.weight"] = (dice.normal(size=size) / np.sqrt(WIDTH)).astype(np.float32)
        norms = [f"{block}.{number}.layer_norm" for number in range(len(attentions) + 1)]
        found |= {f"{name}.weight": np.ones(WIDTH, np.float32) for name in [*norms, f"{stack}.final_layer_norm"]}
    return found


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented products, some of them twice, some without a title or with a price that cannot be."""
    dice = random.Random(11)
    path = tmp_path_factory.mktemp("catalogue") / "shop.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title", "description", "price", "currency", "category"])
        for number in range(ROWS):
            thing, made = dice.choice(THINGS), dice.choice(MADE)
            title = f"{dice.choice(WORDS).title()} {thing} {made} no. {number}"
            text = f"A {dice.choice(WORDS)} {thing} {made}, {dice.choice(WORDS)} and {dice.choice(WORDS)}."
            row = [f"p{number}", title, text, f"{dice.randint(3, 90)}.50", "EUR", f"Home > {thing.title()}s"]
            if number % 17 == 5:
                row[1] = ""
            if number % 23 == 7:
                row[3] = "-4"
            writer.writerow(row)
            if number % 19 == 3:
                writer.writerow(row)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """What a run leaves in a store: records, ledger and exports; not what was dropped into it."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = re.compile(r"\.lock$|\.adloom/|landing/\d{8}T")
    return {name: path.read_bytes() for name, path in found.items() if not kept.match(name)}


@pytest.fixture(scope="session")
def environment(flow_models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every process of the flow gets."""
    state = tmp_path_factory.mktemp("state")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADLOOM_P", "ADLOOM_C", "K_"))}
    ours = {"ADLOOM_MODELS": str(flow_models), "ADLOOM_THREADS": "1", "XDG_STATE_HOME": str(state)}
    return {**kept, **ours, "PYTHONPATH": str(ROOT)}


def adloom(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "functions.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=PATIENCE,
    )  # fmt: skip


@pytest.fixture(scope="session")
def plain(catalogue: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same catalogue through `adloom run`, in one process and undisturbed."""
    out = tmp_path_factory.mktemp("plain") / "store"
    done = adloom(environment, "run", catalogue, "--out", out, *SMALL)
    assert done.returncode == 0, done.stderr
    return tree(out)


class Machine:
    """An `adloom up` in a process of its own."""

    def __init__(self, store: str, environment: dict[str, str], *arguments: str, script: Path | None = None) -> None:
        """Start it; `script` runs in place of the command, with the same arguments."""
        self.store = store
        command = [str(script)] if script else ["-m", "functions.cli"]
        self.process = subprocess.Popen(
            [sys.executable, *command, "up", "--store", store, "--port", "0", *SMALL, *arguments],
            stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip
        self.lines: list[str] = []
        self.said = threading.Condition()
        self._listener = threading.Thread(target=self._hear, daemon=True)
        self._listener.start()

    def _hear(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            for line in lines:
                with self.said:
                    self.lines.append(line.rstrip())
                    self.said.notify_all()

    def ready(self) -> "Machine":
        """Wait until all functions answer."""
        with self.said:
            done = self.said.wait_for(lambda: any(" ready: " in line for line in self.lines), 120)
        assert done, self.log()
        return self

    def pid(self, name: str) -> int:
        """The process of a function at this moment, or 0."""
        started = [re.search(rf"{name} starts, process (\d+)$", line) for line in list(self.lines)]
        found = [int(match[1]) for match in started if match]
        return found[-1] if found else 0

    def log(self) -> str:
        """What it said."""
        return "\n".join(self.lines[-200:])

    def stop(self) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self._listener.join()


@pytest.fixture
def start_machine(environment: dict[str, str]) -> Iterator[Callable[..., Machine]]:
    """Starts machines, and stops them after the test."""
    started: list[Machine] = []

    def start(store: object, *arguments: str, script: Path | None = None, **more: str) -> Machine:
        machine = Machine(str(store), {**environment, **more}, *arguments, script=script)
        started.append(machine)
        return machine

    yield start
    for machine in started:
        machine.stop()


def gone(pid: int, seconds: float = 15.0) -> bool:
    """Whether a process ends within a time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
