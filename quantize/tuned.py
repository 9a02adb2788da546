"""The network that is fine-tuned: the base weights, frozen, with a fresh adapter, laid out for this machine's speed."""

import shutil
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

from quantize.llama import GgufModel
from quantize.sequences import Padded

MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


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


class Tuned:
    """The base model with an adapter.

    Attributes:
        peft: the model; only its adapter learns. The frozen weights are in ``precision()``, the adapter in float32.
    """

    def __init__(self, gguf: GgufModel, rank: int, alpha: int, dropout: float) -> None:
        lora = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=MATRICES)
        self.peft: PeftModel = get_peft_model(_base(gguf), lora).to(device())
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

    def compile(self) -> bool:
        """Fuse each layer's operations (a fifth to a quarter faster after half a minute), where a C++ compiler is."""
        if shutil.which("g++") is None:
            return False
        for layer in self._network.model.layers:
            layer.compile(dynamic=True)
        return True

    def loss(self, batch: Padded) -> torch.Tensor:
        """Weighted mean cross-entropy of the target tokens; logits are computed for no other position."""
        rows, columns = np.nonzero(batch.weights)
        place = device()
        with torch.autocast(place.type, dtype=torch.bfloat16, enabled=precision() is torch.bfloat16):
            states = self._network.model(
                input_ids=torch.from_numpy(batch.ids).to(place),
                position_ids=torch.from_numpy(batch.positions).to(place),
                attention_mask=torch.from_numpy(batch.visible)[:, None].to(place),
                use_cache=False,
            ).last_hidden_state
            # A target follows its own segment's token before it, which is the one to its left.
            logits = self._network.lm_head(states[rows, columns - 1])
        wanted = torch.from_numpy(batch.ids[rows, columns]).to(place)
        weights = torch.from_numpy(batch.weights[rows, columns]).to(place)
        return (cross_entropy(logits.float(), wanted, reduction="none") * weights).sum() / weights.sum()


def _base(gguf: GgufModel) -> LlamaForCausalLM:
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
    return base
