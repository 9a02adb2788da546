"""The base models that can be fine-tuned and built: one interface, the Llama family and the T5 family behind it."""

from pathlib import Path
from typing import Protocol

from quantize.llama import GgufModel, Weights
from quantize.t5 import T5Model


class Base(Protocol):
    """A base model as it lies on disk.

    Attributes:
        family: as the manifest of a built model names it.
    """

    family: str

    def weights(self) -> Weights:
        """All matrices in float32 under transformers' names, where an adapter finds them."""

    def save(self, weights: Weights, target: Path, quantization: str) -> None:
        """Write the model and its tokenizer, with these weights, as `functions.common.writer` opens them."""


def open_base(path: Path) -> Base:
    """A T5 in a folder of Hugging Face's form, or a Llama in a GGUF file; ModelError where it is neither."""
    return T5Model(path) if path.is_dir() else GgufModel(path)
