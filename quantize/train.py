"""Fine-tuning the writer: LoRA (https://arxiv.org/abs/2106.09685) on the corpus, on a processor or a GPU."""

import json
import math
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.numpy import save_file
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

from functions.common.errors import InputError
from functions.common.records import Record
from quantize import corpus
from quantize.llama import GgufModel
from quantize.sequences import Item, Padded, batches, pad, sequence

MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Plan(Record, frozen=True, kw_only=True):
    """What decides the outcome of a training run.

    Attributes:
        rank, alpha, dropout: of the adapter.
        rate: peak learning rate; warmed up over a twentieth of the steps, then a cosine down to a tenth.
        epochs: passes over the training split.
        tokens: padded tokens in a batch.
        seed: of initialisation, order and dropout.
        share: the part of the training split that is used, for comparisons.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    rate: float = 5e-4
    epochs: int = 3
    tokens: int = 3072
    seed: int = 0
    share: float = 1.0


Told = Callable[[int, int, float], None]


def train(plan: Plan, base: Path, folder: Path, told: Told = lambda *_: None) -> dict[str, float]:
    """Train an adapter, or go on with a run that was stopped; the run's folder holds all of it.

    Args:
        base: GGUF file of the base model.
        folder: of the run: checkpoint, adapter, figures.
        told: is called with step, steps and loss.

    Returns:
        The figures of the run: losses and seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    gguf = GgufModel(base)
    tokenizer = gguf.tokenizer()
    entries = list(corpus.read())
    learnt = [sequence(entry, tokenizer) for entry in entries if entry.split == "train"]
    learnt = learnt[: math.ceil(len(learnt) * plan.share)]
    held = [sequence(entry, tokenizer) for entry in entries if entry.split == "validation"]
    run = Run(plan, folder, model(gguf, plan), learnt, held)
    with mlflow.start_run(run_name=folder.name, run_id=run.tracked, log_system_metrics=False) as tracked:
        run.begin(tracked.info.run_id, corpus.version(entries))
        figures = run.loop(told)
        run.finish(figures)
    return figures


def model(gguf: GgufModel, plan: Plan) -> PeftModel:
    """The base model with a fresh adapter."""
    weights = {name: torch.from_numpy(matrix) for name, matrix in gguf.weights().items()}
    vocabulary, width = weights["model.embed_tokens.weight"].shape
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=weights["model.layers.0.mlp.up_proj.weight"].shape[0],
        num_hidden_layers=gguf.layers,
        num_attention_heads=gguf.heads,
        num_key_value_heads=gguf.heads_kv,
        rms_norm_eps=gguf.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": gguf.rope_base},
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        attn_implementation="sdpa",
    )
    base = LlamaForCausalLM(config)
    missing, unexpected = base.load_state_dict(weights, strict=False)
    if unexpected or missing != ["lm_head.weight"]:
        raise ValueError(f"the base weights do not fit: missing {missing}, unexpected {unexpected}")
    base.tie_weights()
    lora = LoraConfig(r=plan.rank, lora_alpha=plan.alpha, lora_dropout=plan.dropout, target_modules=MATRICES)
    return get_peft_model(base, lora)


class Run:
    """A training run with its state; what is on disk is enough to go on after a kill."""

    def __init__(self, plan: Plan, folder: Path, tuned: PeftModel, learnt: list[Item], held: list[Item]) -> None:
        self.plan, self.folder, self.held = plan, folder, held
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = tuned.to(self.device)
        self.schedule = [
            b for epoch in range(plan.epochs) for b in batches(learnt, plan.tokens, plan.seed * 1000 + epoch)
        ]
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(parameters, lr=plan.rate, weight_decay=0.0, betas=(0.9, 0.99))
        self.step, self.seconds = 0, 0.0
        self.tracked: str | None = None
        self.curve: list[dict[str, float]] = []
        self._restore()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _restore(self) -> None:
        if not self._checkpoint.exists():
            return
        state = torch.load(self._checkpoint, weights_only=True)
        if state["plan"] != msgspec.json.encode(self.plan).decode():
            raise InputError(f"{self.folder}: holds a run with other settings; name another folder")
        set_peft_model_state_dict(self.model, state["adapter"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.step, self.seconds, self.tracked = state["step"], state["seconds"], state["tracked"]
        self.curve = state["curve"]

    def save(self) -> None:
        """Write the checkpoint; a kill while it is written leaves the one before."""
        state = {
            "plan": msgspec.json.encode(self.plan).decode(),
            "adapter": get_peft_model_state_dict(self.model),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "tracked": self.tracked,
            "curve": self.curve,
        }
        torch.save(state, self._checkpoint.with_suffix(".new"))
        self._checkpoint.with_suffix(".new").replace(self._checkpoint)

    def begin(self, tracked: str, corpus_version: str) -> None:
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
                "device": self.device.type,
            }
        )

    def loop(self, told: Told) -> dict[str, float]:
        """All steps that are left."""
        every = max(1, len(self.schedule) // (self.plan.epochs * 2))
        while self.step < len(self.schedule):
            started = time.monotonic()
            loss = self._learn(self.schedule[self.step])
            self.step += 1
            self.seconds += time.monotonic() - started
            mlflow.log_metric("train_loss", loss, step=self.step)
            told(self.step, len(self.schedule), loss)
            if self.step % every == 0 or self.step == len(self.schedule):
                point = {"step": float(self.step), "train_loss": loss, "validation_loss": self.validate()}
                self.curve.append(point)
                mlflow.log_metric("validation_loss", point["validation_loss"], step=self.step)
                self.save()
        return {"validation_loss": self.validate(), "seconds": self.seconds, "steps": float(self.step)}

    def _learn(self, batch: list[Item]) -> float:
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * _schedule(self.step, len(self.schedule))
        self.optimiser.zero_grad()
        loss = self._loss(pad(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.item())

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def validate(self) -> float:
        """Mean loss a token on the validation split."""
        self.model.eval()
        total = count = 0.0
        for batch in batches(self.held, self.plan.tokens, 0):
            padded = pad(batch)
            size = float(padded.targets.sum())
            total += float(self._loss(padded).item()) * size
            count += size
        return total / max(count, 1.0)

    def _loss(self, batch: Padded) -> torch.Tensor:
        """Mean cross-entropy of the target tokens only; logits are computed for no other position."""
        visible = torch.from_numpy(batch.visible)[:, None].to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            states = self.model.base_model.model.model(
                input_ids=torch.from_numpy(batch.ids).to(self.device),
                position_ids=torch.from_numpy(batch.positions).to(self.device),
                attention_mask=visible,
                use_cache=False,
            ).last_hidden_state
            rows, columns = np.nonzero(batch.targets)
            # A target follows its own segment's token before it, which is the one to its left.
            logits = self.model.base_model.model.lm_head(states[rows, columns - 1])
        wanted = torch.from_numpy(batch.ids[rows, columns]).to(self.device)
        return cross_entropy(logits.float(), wanted)

    def finish(self, figures: dict[str, float]) -> None:
        """Write the adapter in the form that peft and `quantize.build` read, and the figures beside it."""
        adapter = self.folder / "adapter"
        adapter.mkdir(exist_ok=True)
        state = {
            n: t.detach().to(torch.float16).cpu().numpy() for n, t in get_peft_model_state_dict(self.model).items()
        }
        save_file(state, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
        config: dict[str, Any] = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
            "r": self.plan.rank,
            "lora_alpha": self.plan.alpha,
            "lora_dropout": self.plan.dropout,
            "target_modules": MATRICES,
            "bias": "none",
        }
        (adapter / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        report = {"plan": msgspec.to_builtins(self.plan), "figures": figures, "curve": self.curve}
        (self.folder / "train.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        mlflow.log_metrics(figures)
        mlflow.log_artifacts(str(adapter), "adapter")
        mlflow.log_artifact(str(self.folder / "train.json"))


def _schedule(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
