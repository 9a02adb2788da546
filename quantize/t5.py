"""A T5 model in Hugging Face's form to CTranslate2, by numpy alone: no torch, no transformers."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from safetensors import SafetensorError
from safetensors.numpy import load_file
from sentencepiece import SentencePieceProcessor

from functions.common.errors import ModelError
from functions.common.records import Record
from quantize.llama import Weights

_FILES = ("config.json", "model.safetensors", "spiece.model")


class Shape(Record, frozen=True, kw_only=True):
    """The sizes of a T5 model; the names are those of transformers' ``config.json``, where all of them stand.

    `gated` is T5 1.1's feed-forward (``feed_forward_proj: gated-gelu``); `tied` scales the output by the width, as
    goes with an output matrix that is the embedding.
    """

    num_layers: int
    num_decoder_layers: int
    num_heads: int
    d_model: int
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6
    gated: bool = False
    tied: bool = True


class T5Model:
    """A T5 in a folder of Hugging Face's form: ``config.json``, ``model.safetensors``, ``spiece.model``."""

    family = "t5"

    def __init__(self, folder: Path) -> None:
        if missing := [name for name in _FILES if not (folder / name).is_file()]:
            raise ModelError(f"{folder}: has no {missing[0]}; a T5 needs {', '.join(_FILES)}")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if (kind := config.get("model_type")) != "t5":
            raise ModelError(f"{folder}: model type {kind!r} is not supported; a T5 is wanted")
        sizes = {name: config[name] for name in Shape.__struct_fields__ if name in config}
        sizes.setdefault("num_decoder_layers", config["num_layers"])
        # transformers 5 writes the scale under a name of its own, and calls every T5 tied.
        tied = config.get("scale_decoder_outputs", config.get("tie_word_embeddings", True))
        gated = config.get("feed_forward_proj", "relu").startswith("gated-")
        self.shape = Shape(**{**sizes, "gated": gated, "tied": tied})
        self.folder = folder

    def weights(self) -> Weights:
        """All matrices in float32 under transformers' names."""
        try:
            found = load_file(self.folder / "model.safetensors")
        except (SafetensorError, TypeError, KeyError) as error:  # numpy knows no bfloat16.
            raise ModelError(f"{self.folder / 'model.safetensors'}: {error}; float32 or float16 is wanted") from error
        return {name: matrix.astype(np.float32) for name, matrix in found.items()}

    def tokenizer(self) -> SentencePieceProcessor:
        """The sentencepiece vocabulary."""
        return SentencePieceProcessor(model_file=str(self.folder / "spiece.model"))

    def save(self, weights: Weights, target: Path, quantization: str) -> None:
        """Write the model with these weights, and its tokenizer."""
        tokenizer = self.tokenizer()
        pieces = [tokenizer.id_to_piece(number) for number in range(tokenizer.vocab_size())]
        convert(self.shape, weights, pieces, target, quantization)
        shutil.copyfile(self.folder / "spiece.model", target / "spiece.model")


def convert(shape: Shape, weights: Weights, pieces: list[str], target: Path, quantization: str) -> None:
    """Write a CTranslate2 model folder.

    Args:
        weights: matrices by transformers' names (``encoder.block.0.layer.0.SelfAttention.q.weight``, …).
        pieces: the sentencepiece vocabulary by id: pad, eos and unk first, as T5 has them.
        quantization: ``int8`` or ``float32``.
    """
    spec = transformer_spec.TransformerSpec.from_config(
        (shape.num_layers, shape.num_decoder_layers),
        shape.num_heads,
        pre_norm=True,
        activation=common_spec.Activation.GELUTanh if shape.gated else common_spec.Activation.RELU,
        ffn_glu=shape.gated,
        relative_attention_bias=True,
        rms_norm=True,
    )
    _fill_stack(spec.encoder, weights, "encoder", shape)
    _fill_stack(spec.decoder, weights, "decoder", shape)
    spec.encoder.embeddings[0].weight = weights["shared.weight"]
    spec.decoder.embeddings.weight = weights["shared.weight"]
    spec.decoder.projection.weight = weights.get("lm_head.weight", weights["shared.weight"])
    if shape.tied:
        spec.decoder.scale_outputs = np.dtype("float32").type(shape.d_model**-0.5)
    vocabulary = pieces + [f"<extra_id_{n}>" for n in range(len(weights["shared.weight"]) - len(pieces))]
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.config.bos_token = spec.config.decoder_start_token = pieces[0]
    spec.config.eos_token, spec.config.unk_token = pieces[1], pieces[2]
    spec.config.layer_norm_epsilon = shape.layer_norm_epsilon
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    spec.save(str(target))


def _fill_stack(stack: Any, weights: Weights, name: str, shape: Shape) -> None:
    stack.scale_embeddings = False
    stack.layer_norm.gamma = weights[f"{name}.final_layer_norm.weight"]
    # The first layer's relative positions serve all layers of the stack.
    bias = weights[f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    distance = np.dtype("int32").type(shape.relative_attention_max_distance)
    for number, layer in enumerate(stack.layer):
        block = f"{name}.block.{number}.layer"
        _fill_attention(layer.self_attention, weights, f"{block}.0", "SelfAttention")
        layer.self_attention.relative_attention_bias = bias
        layer.self_attention.relative_attention_max_distance = distance
        if name == "decoder":
            _fill_attention(layer.attention, weights, f"{block}.1", "EncDecAttention")
        _fill_feed_forward(layer.ffn, weights, f"{block}.{2 if name == 'decoder' else 1}", shape.gated)


def _fill_attention(attention: Any, weights: Weights, layer: str, kind: str) -> None:
    query, key, value, out = (weights[f"{layer}.{kind}.{matrix}.weight"] for matrix in "qkvo")
    joined = [[query, key, value]] if kind == "SelfAttention" else [[query], [key, value]]
    for linear, matrices in zip(attention.linear, [*joined, [out]], strict=True):
        linear.weight = np.concatenate(matrices)
    attention.queries_scale = np.dtype("float32").type(1.0)  # T5 folds the scale into its weights.
    attention.layer_norm.gamma = weights[f"{layer}.layer_norm.weight"]


def _fill_feed_forward(feed_forward: Any, weights: Weights, layer: str, gated: bool) -> None:
    dense = f"{layer}.DenseReluDense"
    feed_forward.linear_0.weight = weights[f"{dense}.{'wi_0' if gated else 'wi'}.weight"]
    if gated:
        feed_forward.linear_0_noact.weight = weights[f"{dense}.wi_1.weight"]
    feed_forward.linear_1.weight = weights[f"{dense}.wo.weight"]
    feed_forward.layer_norm.gamma = weights[f"{layer}.layer_norm.weight"]
