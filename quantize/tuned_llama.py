"""A Llama with an adapter."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from functions.common.records import Product
from quantize.llama import GgufModel
from quantize.sequences import Item, Target, Weighting, pad, sequence
from quantize.tuned import Answers, Tuned, on_device


class TunedLlama(Tuned[Item]):
    """A decoder that learns all fields of a product in one sequence."""

    task = "CAUSAL_LM"
    matrices = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

    def __init__(self, base: GgufModel, rank: int, alpha: int, dropout: float) -> None:
        super().__init__(_network(base), rank, alpha, dropout)
        self._tokenizer = base.tokenizer()

    def items(self, product: Product, texts: Iterable[Target], weighting: Weighting = "token") -> list[Item]:
        return [sequence(product, texts, self._tokenizer, weighting)]

    def _layers(self) -> Sequence[Any]:
        return list(self._network.model.layers)

    def _answers(self, batch: Sequence[Item]) -> Answers:
        padded = pad(batch)
        rows, columns = np.nonzero(padded.weights)
        states = self._network.model(
            input_ids=on_device(padded.ids),
            position_ids=on_device(padded.positions),
            attention_mask=on_device(padded.visible)[:, None],
            use_cache=False,
        ).last_hidden_state
        # A target follows its own segment's token before it, which is the one to its left; logits are computed for
        # no other position.
        logits = self._network.lm_head(states[rows, columns - 1])
        _, texts = np.unique(padded.segments[rows, columns] + rows * padded.ids.shape[1], return_inverse=True)
        return Answers(
            logits,
            on_device(padded.ids[rows, columns]),
            on_device(padded.weights[rows, columns]),
            on_device(texts),
        )


def _network(gguf: GgufModel) -> LlamaForCausalLM:
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
