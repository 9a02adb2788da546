"""The network that is fine-tuned: the base weights, frozen, with a fresh adapter, laid out for this machine's speed."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from functions.common.errors import InputError
from quantize.corpus import Entry
from quantize.sequences import Sized, Weighting

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
            InputError: it is of another rank, or of another base model.
        """
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
        with torch.autocast(device().type, dtype=torch.bfloat16, enabled=precision() is torch.bfloat16):
            logits, wanted, weights = self._answers(batch)
        return (cross_entropy(logits.float(), wanted, reduction="none") * weights).sum() / weights.sum()

    @abstractmethod
    def items(self, entry: Entry, weighting: Weighting = "token") -> list[I]:
        """What the model learns from an entry."""

    @abstractmethod
    def _layers(self) -> Sequence[Any]:
        """Those that are compiled."""

    @abstractmethod
    def _answers(self, batch: Sequence[I]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For every token that is learnt: the logits at its place, its id, its weight."""


def on_device(array: Any) -> torch.Tensor:
    """A numpy array where the network is."""
    return torch.from_numpy(array).to(device())
