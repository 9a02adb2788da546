"""Fine-tuning the writer: LoRA (https://arxiv.org/abs/2106.09685) on the corpus, on a processor or a GPU."""

import json
import math
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import mlflow
import mlflow.data
import msgspec
import pandas as pd
import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.numpy import save_file

from functions.common.errors import InputError
from functions.common.records import Record
from quantize import corpus
from quantize.bases import Base, open_base
from quantize.corpus import Entry
from quantize.drafts import Drafts
from quantize.preference import preferred
from quantize.samples import samples
from quantize.sequences import Weighting, batches, targets
from quantize.trials import Training, training_of
from quantize.tuned import Tuned, device, precision
from quantize.tuned_llama import TunedLlama
from quantize.tuned_t5 import TunedT5

_SAVED_STEPS = 40
"""Steps between checkpoints: what a kill costs at most."""

_COMPILED_STEPS = 60
"""Runs of fewer steps are over before compiling pays."""


class Plan(Record, frozen=True, kw_only=True):
    """What decides the outcome of a training run.

    Attributes:
        rank, alpha, dropout: of the adapter.
        rate: peak learning rate; warmed up over a twentieth of the steps, then a cosine down to a tenth.
        epochs: passes over the training split.
        tokens: padded tokens in a batch.
        seed: of initialisation, order and dropout.
        share: the part of the training split that is used, for comparisons.
        weighting: what a token counts in the loss, see ``quantize.sequences.sequence``.
        accepted: version of the texts that a model wrote itself and that are learnt beside the corpus, if any.
        start: hash of the adapter that is trained on, where the run is a second stage.
        graded: version of the writer's own texts with their grades that it learns from instead of the corpus, if any;
            see ``quantize.preference``.
        beta: how closely the writer keeps to the adapter that it starts with, where it learns from grades.
    """

    rank: int = 32
    alpha: int = 64
    dropout: float = 0.0
    rate: float = 2e-3
    epochs: int = 2
    tokens: int = 2048
    seed: int = 0
    share: float = 1.0
    weighting: Weighting = "token"
    accepted: str = ""
    start: str = ""
    graded: str = ""
    beta: float = 0.0


Objective = Callable[[list[Any]], torch.Tensor]
"""The loss of a batch."""

Told = Callable[[int, int, float], None]


def train(
    plan: Plan,
    base: Path,
    folder: Path,
    told: Told = lambda *_: None,
    accepted: Sequence[Entry] = (),
    model: str = "",
    start: Path | None = None,
    graded: Sequence[Drafts] = (),
) -> dict[str, float]:
    """Train an adapter, or go on with a run that was stopped; the run's folder holds all of it.

    Args:
        base: GGUF file of a Llama, or folder of a T5 in Hugging Face's form.
        folder: of the run: checkpoint, adapter, figures.
        told: is called with step, steps and loss.
        accepted: entries that are learnt beside the corpus; the plan names their version.
        start: folder of the adapter that a second stage begins with; its rank is that of the plan.
        graded: what the writer that it starts with wrote for products of the corpus, and what readers thought of it:
            only that is learnt then.
        model: what the base model is called where it is published; its path where none is named.

    Returns:
        The figures of the run: losses and seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    opened = open_base(base)
    tuned = tuned_on(opened, plan)
    if start:
        tuned.load(start)
    entries = list(corpus.read())
    learnt = [*corpus.part([entry for entry in entries if entry.split == "train"], plan.share), *accepted]
    held = [entry for entry in entries if entry.split == "validation"]
    if graded:
        read = {each.id for each in graded}
        learnt = [entry for entry in learnt if entry.id in read]
        examples, objective = preferred(tuned, learnt, graded, plan.beta)
    else:
        examples, objective = plain(tuned, learnt, plan.weighting)
    run = Run(plan, folder, tuned, examples, plain(tuned, held)[0], objective)
    with mlflow.start_run(run_name=folder.name, run_id=run.tracked) as tracked:
        run.begin(tracked.info.run_id, corpus.version(entries), learnt, held)
        figures = run.loop(told)
        run.finish(figures, model or str(base), training_of(start) if start else None)
        mlflow.log_text(samples(opened, folder / "adapter", held), "samples.md")
    return figures


def tuned_on(base: Base, plan: Plan) -> Tuned[Any]:
    """A base model with the adapter that a plan asks for."""
    families: dict[str, Any] = {"llama": TunedLlama, "t5": TunedT5}
    tuned: Tuned[Any] = families[base.family](base, plan.rank, plan.alpha, plan.dropout)
    return tuned


def plain(tuned: Tuned[Any], entries: Sequence[Entry], weighting: Weighting = "token") -> tuple[list[Any], Objective]:
    """What is learnt from entries where their texts are simply imitated."""
    items = [item for entry in entries for item in tuned.items(entry.as_product(), targets(entry), weighting)]
    return items, tuned.loss


def _dataset(name: str, entries: Sequence[Entry]) -> Any:
    rows = [(e.id, slot.name, voice, text) for e in entries for slot, voice, text in targets(e)]
    frame = pd.DataFrame(rows, columns=["product", "slot", "voice", "text"])
    return mlflow.data.from_pandas(frame, source=str(corpus.FOLDER), name=name, digest=corpus.version(list(entries)))


class Run:
    """A training run with its state; what is on disk is enough to go on after a kill."""

    def __init__(
        self, plan: Plan, folder: Path, tuned: Tuned[Any], learnt: list[Any], held: list[Any], objective: Objective
    ) -> None:
        self.plan, self.folder, self.tuned, self.held, self.objective = plan, folder, tuned, held, objective
        self.schedule = [
            b for epoch in range(plan.epochs) for b in batches(learnt, plan.tokens, plan.seed * 1000 + epoch)
        ]
        self.optimiser = torch.optim.AdamW(tuned.parameters(), lr=plan.rate, weight_decay=0.0, betas=(0.9, 0.99))
        self.step, self.seconds = 0, 0.0
        self.tracked: str | None = None
        self.curve: list[dict[str, float]] = []
        self._restore()
        self.compiled = len(self.schedule) - self.step > _COMPILED_STEPS and tuned.compile()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _restore(self) -> None:
        if not self._checkpoint.exists():
            return
        state = torch.load(self._checkpoint, weights_only=True)
        if msgspec.json.decode(state["plan"], type=Plan) != self.plan:
            raise InputError(f"{self.folder}: holds a run with other settings; name another folder")
        set_peft_model_state_dict(self.tuned.peft, state["adapter"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.step, self.seconds, self.tracked = state["step"], state["seconds"], state["tracked"]
        self.curve = state["curve"]

    def save(self) -> None:
        """Write the checkpoint; a kill while it is written leaves the one before."""
        state = {
            "plan": msgspec.json.encode(self.plan).decode(),
            "adapter": get_peft_model_state_dict(self.tuned.peft),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "tracked": self.tracked,
            "curve": self.curve,
        }
        torch.save(state, self._checkpoint.with_suffix(".new"))
        self._checkpoint.with_suffix(".new").replace(self._checkpoint)

    def begin(self, tracked: str, corpus_version: str, learnt: Sequence[Entry], held: Sequence[Entry]) -> None:
        """Tell MLflow what is about to be done; once for a run, however often it is resumed."""
        if self.tracked:
            return
        self.tracked = tracked
        mlflow.log_params(msgspec.to_builtins(self.plan))
        mlflow.log_params(
            {
                "corpus": corpus_version,
                "steps": len(self.schedule),
                "torch": torch.__version__,
                "processor": platform.processor() or platform.machine(),
                "device": device().type,
                "precision": str(precision()).removeprefix("torch."),
                "compiled": self.compiled,
            }
        )
        mlflow.log_input(_dataset("corpus-train", learnt), context="training")
        mlflow.log_input(_dataset("corpus-validation", held), context="validation")
        packages = sorted({f"{found.name}=={found.version}" for found in distributions()})
        mlflow.log_text("\n".join(packages) + "\n", "environment.txt")

    def loop(self, told: Told) -> dict[str, float]:
        """All steps that are left."""
        every = math.ceil(len(self.schedule) / (self.plan.epochs * 2))
        while self.step < len(self.schedule):
            started = time.monotonic()
            loss = self._learn(self.schedule[self.step])
            self.step += 1
            self.seconds += time.monotonic() - started
            mlflow.log_metric("train_loss", loss, step=self.step)
            told(self.step, len(self.schedule), loss)
            if measured := self.step % every == 0 or self.step == len(self.schedule):
                point = {"step": float(self.step), "train_loss": loss, "validation_loss": self.validate()}
                self.curve.append(point)
                mlflow.log_metric("validation_loss", point["validation_loss"], step=self.step)
            if measured or self.step % _SAVED_STEPS == 0:
                self.save()
        last = self.curve[-1]["validation_loss"]
        return {"validation_loss": last, "seconds": self.seconds, "steps": float(self.step)}

    def _learn(self, batch: list[Any]) -> float:
        self.tuned.peft.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * _schedule(self.step, len(self.schedule))
        self.optimiser.zero_grad()
        loss = self.objective(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.tuned.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.item())

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def validate(self) -> float:
        """Mean loss a token on the validation split."""
        self.tuned.peft.eval()
        total = count = 0.0
        for batch in batches(self.held, self.plan.tokens, 0):
            size = sum(float(item.weights.sum()) for item in batch)
            total += float(self.tuned.loss(batch).item()) * size
            count += size
        return total / max(count, 1.0)

    def finish(self, figures: dict[str, float], model: str, before: Training | None) -> None:
        """Write the adapter in the form that peft and `quantize.build` read, and the record of the run beside it."""
        adapter = self.folder / "adapter"
        adapter.mkdir(exist_ok=True)
        state = {
            n: t.detach().to(torch.float16).cpu().numpy() for n, t in get_peft_model_state_dict(self.tuned.peft).items()
        }
        save_file(state, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
        config: dict[str, Any] = {
            "peft_type": "LORA",
            "task_type": self.tuned.task,
            "base_model_name_or_path": model,
            "r": self.plan.rank,
            "lora_alpha": self.plan.alpha,
            "lora_dropout": self.plan.dropout,
            "target_modules": self.tuned.matrices,
            "bias": "none",
        }
        (adapter / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        record = Training(plan=msgspec.to_builtins(self.plan), figures=figures, curve=self.curve, before=before)
        (self.folder / "train.json").write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        mlflow.log_metrics(figures)
        mlflow.log_artifacts(str(adapter), "adapter")
        mlflow.log_artifact(str(self.folder / "train.json"))


def _schedule(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
