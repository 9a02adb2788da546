"""A BERT sentence encoder in safetensors to CTranslate2, by numpy alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from safetensors.numpy import load_file


def convert(source: Path, target: Path, quantization: str) -> None:
    """Write a CTranslate2 encoder folder from a transformers BERT folder (``config.json``, ``model.safetensors``)."""
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    weights = load_file(source / "model.safetensors")
    spec = transformer_spec.TransformerEncoderModelSpec(
        transformer_spec.TransformerEncoderSpec(
            config["num_hidden_layers"],
            config["num_attention_heads"],
            pre_norm=False,
            activation=common_spec.Activation.GELU,
            layernorm_embedding=True,
            num_source_embeddings=2,
            embeddings_merge=common_spec.EmbeddingsMerge.ADD,
        )
    )
    encoder = spec.encoder
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"]
    _norm(encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        _fill_layer(layer, weights, f"encoder.layer.{number}")
    vocabulary = (source / "vocab.txt").read_text(encoding="utf-8").split("\n")
    spec.register_vocabulary(vocabulary[: config["vocab_size"]])
    spec.config.unk_token = "[UNK]"
    spec.config.layer_norm_epsilon = config["layer_norm_eps"]
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    spec.save(str(target))


def _fill_layer(layer: Any, weights: dict[str, NDArray[np.float32]], prefix: str) -> None:
    joined = [f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")]
    layer.self_attention.linear[0].weight = np.concatenate([weights[f"{name}.weight"] for name in joined])
    layer.self_attention.linear[0].bias = np.concatenate([weights[f"{name}.bias"] for name in joined])
    _linear(layer.self_attention.linear[1], weights, f"{prefix}.attention.output.dense")
    _norm(layer.self_attention.layer_norm, weights, f"{prefix}.attention.output.LayerNorm")
    _linear(layer.ffn.linear_0, weights, f"{prefix}.intermediate.dense")
    _linear(layer.ffn.linear_1, weights, f"{prefix}.output.dense")
    _norm(layer.ffn.layer_norm, weights, f"{prefix}.output.LayerNorm")


def _linear(spec: Any, weights: dict[str, NDArray[np.float32]], name: str) -> None:
    spec.weight = weights[f"{name}.weight"]
    spec.bias = weights[f"{name}.bias"]


def _norm(spec: Any, weights: dict[str, NDArray[np.float32]], name: str) -> None:
    spec.gamma = weights[f"{name}.weight"]
    spec.beta = weights[f"{name}.bias"]
