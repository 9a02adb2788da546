"""A Llama model in GGUF to CTranslate2, by numpy alone: no torch, no transformers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from gguf import GGUFReader, Keys, dequantize
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from functions.common.errors import ModelError

Weights = dict[str, NDArray[np.float32]]

# Names of llama.cpp to those of transformers, so that an adapter trained there finds its matrices here.
_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTER_NAMES = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


class GgufModel:
    """The tensors, sizes and vocabulary of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""

    family = "llama"

    def __init__(self, path: Path) -> None:
        self._reader = GGUFReader(path)
        if (architecture := self._value("general.architecture")) != "llama":
            raise ModelError(f"{path.name}: architecture {architecture!r} is not supported; a Llama model is wanted")
        self.layers = int(self._value("llama.block_count"))
        self.heads = int(self._value("llama.attention.head_count"))
        self.heads_kv = int(self._value("llama.attention.head_count_kv"))
        self.rope_base = float(self._value("llama.rope.freq_base"))
        self.epsilon = float(self._value("llama.attention.layer_norm_rms_epsilon"))

    def weights(self) -> Weights:
        """All tensors in float32 under transformers' names; query and key rows in its rotary order."""
        found: Weights = {}
        for tensor in self._reader.tensors:
            matrix = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            name = _transformers_name(tensor.name)
            if name.endswith("q_proj.weight"):
                matrix = _unpermute(matrix, self.heads)
            elif name.endswith("k_proj.weight"):
                matrix = _unpermute(matrix, self.heads_kv)
            found[name] = matrix
        return found

    def vocabulary(self) -> list[str]:
        """Every token, by id."""
        tokens: list[str] = self._value(Keys.Tokenizer.LIST)
        return tokens

    def tokenizer(self) -> Tokenizer:
        """The byte-level BPE tokenizer, with digits split one by one as llama.cpp's ``smollm`` pre-tokenizer does."""
        vocabulary = {token: number for number, token in enumerate(self.vocabulary())}
        merges = [tuple(merge.split(" ", 1)) for merge in self._value(Keys.Tokenizer.MERGES)]
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        tokenizer.decoder = decoders.ByteLevel()
        control = [t for t, kind in zip(vocabulary, self._value(Keys.Tokenizer.TOKEN_TYPE), strict=True) if kind == 3]
        tokenizer.add_special_tokens([AddedToken(token, special=True) for token in control])
        return tokenizer

    def save(self, weights: Weights, target: Path, quantization: str) -> None:
        """Write the model with these weights, and its tokenizer."""
        convert(self, weights, target, quantization)
        self.tokenizer().save(str(target / "tokenizer.json"))

    def special(self, name: str) -> str:
        """The token that plays a part: ``bos``, ``eos``, ``unknown``."""
        return self.vocabulary()[int(self._value(f"tokenizer.ggml.{name}_token_id"))]

    def _value(self, key: str) -> Any:
        field = self._reader.get_field(key)
        if field is None:
            raise ModelError(f"the GGUF file has no {key}")
        return field.contents()


def merge(weights: Weights, adapter: Path) -> None:
    """Add a LoRA adapter into the weights, in place: ``W + alpha / rank * B @ A``, as peft's own merge does.

    Args:
        adapter: folder with peft's ``adapter_config.json`` and ``adapter_model.safetensors`` (float16 or float32).
    """
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    scale = config["lora_alpha"] / config["r"]
    matrices = load_file(adapter / "adapter_model.safetensors")
    for name, down in matrices.items():
        if not name.endswith(".lora_A.weight"):
            continue
        stem = name.removesuffix(".lora_A.weight")
        target = f"{stem.removeprefix('base_model.model.')}.weight"
        if target not in weights:
            raise ModelError(f"{adapter}: adapts {target}, which the base model does not have")
        up = matrices[f"{stem}.lora_B.weight"]
        # In float64, whose rounding is too small to tell one processor's order of sums from another's: the merged
        # weights, and so the model's version, are the same on every machine.
        weights[target] += (scale * (up.astype(np.float64) @ down.astype(np.float64))).astype(np.float32)


def convert(source: GgufModel, weights: Weights, target: Path, quantization: str) -> None:
    """Write a CTranslate2 model folder from weights under transformers' names.

    Args:
        quantization: ``int8``, ``int8_float32`` or ``float32``.
    """
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        source.layers,
        source.heads,
        activation=common_spec.Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        rotary_interleave=False,
        rotary_base=source.rope_base,
        num_heads_kv=source.heads_kv,
    )
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights["model.embed_tokens.weight"]
    decoder.projection.weight = weights["model.embed_tokens.weight"]
    decoder.layer_norm.gamma = weights["model.norm.weight"]
    for number, layer in enumerate(decoder.layer):
        _fill_layer(layer, weights, f"model.layers.{number}")
    spec.register_vocabulary(source.vocabulary())
    spec.config.bos_token = source.special("bos")
    spec.config.eos_token = source.special("eos")
    spec.config.unk_token = source.special("unknown")
    spec.config.layer_norm_epsilon = source.epsilon
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    spec.save(str(target))


def _fill_layer(layer: Any, weights: Weights, prefix: str) -> None:
    attention, feed_forward = layer.self_attention, layer.ffn
    attention.layer_norm.gamma = weights[f"{prefix}.input_layernorm.weight"]
    feed_forward.layer_norm.gamma = weights[f"{prefix}.post_attention_layernorm.weight"]
    attention.linear[0].weight = np.concatenate([weights[f"{prefix}.self_attn.{n}_proj.weight"] for n in "qkv"])
    attention.linear[1].weight = weights[f"{prefix}.self_attn.o_proj.weight"]
    feed_forward.linear_0.weight = weights[f"{prefix}.mlp.gate_proj.weight"]
    feed_forward.linear_0_noact.weight = weights[f"{prefix}.mlp.up_proj.weight"]
    feed_forward.linear_1.weight = weights[f"{prefix}.mlp.down_proj.weight"]


def _transformers_name(name: str) -> str:
    if name in _OUTER_NAMES:
        return _OUTER_NAMES[name]
    _, number, part, kind = name.split(".")
    return f"model.layers.{number}.{_LAYER_NAMES[part]}.{kind}"


def _unpermute(matrix: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undo llama.cpp's interleaving of each head's rotary pairs, which transformers and CTranslate2 keep in halves."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
