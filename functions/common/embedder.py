"""Sentence embeddings by a small BERT encoder on CTranslate2."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from functions.common.errors import ModelError
from functions.common.runtime import ctranslate2

_WINDOW = 128
"""Tokens read of a text; the model was trained on so many."""

_BATCH = 64


class Embedder:
    """all-MiniLM-L6-v2 (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), mean pooling."""

    def __init__(self, folder: Path, threads: int) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._encoder = ctranslate2().Encoder(str(folder), compute_type="int8", intra_threads=threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"{folder}: cannot be loaded ({error}); run `adloom model build --force`") from error
        self._tokenizer.enable_truncation(_WINDOW)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings of shape (texts, 384), each row of length one."""
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        rows = np.zeros((len(encoded), 384), dtype=np.float32)
        # Neighbours in length share a batch, so that little is spent on padding.
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            hidden = self._encoder.forward_batch([encoded[i] for i in chosen]).last_hidden_state
            for states, i in zip(np.array(hidden), chosen, strict=True):
                mean = states[: len(encoded[i])].mean(axis=0)
                rows[i] = mean / np.linalg.norm(mean)
        return rows
