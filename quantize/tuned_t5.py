"""A T5 with an adapter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import T5ForConditionalGeneration
from transformers.utils import logging

from functions.common.records import Product
from functions.generate.prompt import PROMPTS
from quantize.sequences import Target, Weighting, side_by_side
from quantize.t5 import T5Model
from quantize.tuned import Answers, Tuned, on_device


@dataclass(frozen=True)
class Pair:
    """One field of a product: what is read and what is to be written, both with the closing token.

    Attributes:
        source, target: tokens.
        weights: how much each token of the target counts in the loss.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.source) + len(self.target)


class TunedT5(Tuned[Pair]):
    """An encoder that reads the prompt and a decoder that learns the text."""

    task = "SEQ_2_SEQ_LM"
    matrices = ["q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"]

    def __init__(self, base: T5Model, rank: int, alpha: int, dropout: float) -> None:
        logging.disable_progress_bar()
        # Its own dropout is off: the plan's is the only one, as in a Llama.
        network = T5ForConditionalGeneration.from_pretrained(base.folder, dropout_rate=0.0, dtype=torch.float32)
        super().__init__(network, rank, alpha, dropout)
        self._tokenizer = base.tokenizer()

    def items(self, product: Product, texts: Iterable[Target], weighting: Weighting = "token") -> list[Pair]:
        prompt = PROMPTS["house"]
        prefix = prompt.prefix(product)
        pairs = []
        for slot, voice, text in texts:
            target = self._ids(text)
            weight = 1.0 if weighting == "token" else 1 / len(target)
            source = self._ids(prefix + prompt.tail(slot, voice))
            pairs.append(Pair(source, target, np.full(len(target), weight, np.float32)))
        return pairs

    def _ids(self, text: str) -> NDArray[np.int64]:
        return np.array(self._tokenizer.encode(text, add_eos=True))

    def _layers(self) -> Sequence[Any]:
        return [*self._network.encoder.block, *self._network.decoder.block]

    def _answers(self, batch: Sequence[Pair]) -> Answers:
        padding = self._tokenizer.pad_id()
        source = side_by_side([pair.source for pair in batch], padding)
        target = side_by_side([pair.target for pair in batch], padding)
        weights = side_by_side([pair.weights for pair in batch], 0)
        rows, columns = np.nonzero(weights)
        # Every text begins after the padding token, as T5 was taught.
        before = np.pad(target, ((0, 0), (1, 0)), constant_values=padding)[:, :-1]
        logits = self._network(
            input_ids=on_device(source),
            attention_mask=on_device(source != padding),
            decoder_input_ids=on_device(before),
            use_cache=False,
        ).logits[rows, columns]
        return Answers(logits, on_device(target[rows, columns]), on_device(weights[rows, columns]), on_device(rows))
