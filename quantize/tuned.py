"""The network that is fine-tuned: the base weights, frozen, with a fresh adapter, laid out for this machine's speed."""

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from functions.common.errors import InputError
from functions.common.records import Product
from quantize.sequences import Sized, Target, Weighting

I = TypeVar("I", bound=Sized)  # noqa: E741


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision() -> torch.dtype:
    """bfloat16 where the processor multiplies it in hardware; elsewhere it would be slower than float32."""
    if torch.cuda.is_available():
        return torch.bfloat16
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return torch.float32
    return torch.bfloat16 if {"avx512_bf16", "amx_bf16", "bf16"} & set(flags.split()) else torch.float32


class Answers(NamedTuple):
    """What a network says where a text is learnt; all have a row for each token of the texts.

    Attributes:
        logits: (tokens, vocabulary).
        wanted: id of the token.
        weights: how much it counts.
        texts: number of the text of the batch that it belongs to, from 0, never falling.
    """

    logits: torch.Tensor
    wanted: torch.Tensor
    weights: torch.Tensor
    texts: torch.Tensor


class Tuned(ABC, Generic[I]):
    """A base model with an adapter; what the families differ in is for their own classes to say.

    Attributes:
        task: what peft calls the family's task.
        matrices: the names of those that are adapted.
        peft: the model; only its adapter learns. The frozen weights are in ``precision()``, the adapter in float32.
    """

    task: ClassVar[str]
    matrices: ClassVar[list[str]]

    def __init__(self, network: Any, rank: int, alpha: int, dropout: float) -> None:
        lora = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=self.matrices)
        self.peft: PeftModel = get_peft_model(network, lora).to(device())
        self._network = self.peft.base_model.model
        for parameter in self.parameters(learnt=False):
            parameter.data = parameter.data.to(precision())
        for layer in self.peft.modules():
            if isinstance(layer, BaseTunerLayer):
                # autocast rounds the adapter to the weights' precision; peft would raise its input to float32 first.
                layer.cast_input_dtype_enabled = False

    def parameters(self, learnt: bool = True) -> list[torch.nn.Parameter]:
        """Those that learn, or those that are frozen."""
        return [parameter for parameter in self.peft.parameters() if parameter.requires_grad == learnt]

    def load(self, adapter: Path) -> None:
        """Take over a trained adapter.

        Raises:
            InputError: it is of another rank, of another scale, or of another base model.
        """
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        wanted = self.peft.peft_config["default"].lora_alpha
        if config["lora_alpha"] != wanted:
            raise InputError(f"{adapter}: was made with --alpha {config['lora_alpha']}, not {wanted}; give it that one")
        state = load_file(adapter / "adapter_model.safetensors")
        own = {name: value.shape for name, value in get_peft_model_state_dict(self.peft).items()}
        if own != {name: value.shape for name, value in state.items()}:
            raise InputError(f"{adapter}: does not fit; give it the --rank and the --base that it was trained with")
        set_peft_model_state_dict(self.peft, {name: value.float() for name, value in state.items()})

    def compile(self) -> bool:
        """Fuse each layer's operations (a fifth to a quarter faster after half a minute), where a C++ compiler is."""
        if shutil.which("g++") is None:
            return False
        for layer in self._layers():
            layer.compile(dynamic=True)
        return True

    def loss(self, batch: Sequence[I]) -> torch.Tensor:
        """Weighted mean cross-entropy of the target tokens."""
        losses, answers = self._losses(batch)
        return (losses * answers.weights).sum() / answers.weights.sum()

    def logprobs(self, batch: Sequence[I]) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each text of the batch, in their order, the log-probability and the number of tokens that it sums."""
        losses, answers = self._losses(batch)
        sizes = answers.texts.bincount()
        return losses.new_zeros(len(sizes)).index_add(0, answers.texts, -losses), sizes

    def _losses(self, batch: Sequence[I]) -> tuple[torch.Tensor, Answers]:
        """Cross-entropy of every token that is learnt."""
        with torch.autocast(device().type, dtype=torch.bfloat16, enabled=precision() is torch.bfloat16):
            answers = self._answers(batch)
        return cross_entropy(answers.logits.float(), answers.wanted, reduction="none"), answers

    @abstractmethod
    def items(self, product: Product, texts: Iterable[Target], weighting: Weighting = "token") -> list[I]:
        """What the model learns from the texts of a product, in their order."""

    @abstractmethod
    def _layers(self) -> Sequence[Any]:
        """Those that are compiled."""

    @abstractmethod
    def _answers(self, batch: Sequence[I]) -> Answers:
        """What the network says at the place of every token that is learnt."""


def on_device(array: Any) -> torch.Tensor:
    """A numpy array where the network is."""
    return torch.from_numpy(array).to(device())
