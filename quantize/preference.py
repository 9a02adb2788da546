"""Preference tuning: the writer learns to prefer the text of the corpus to what it wrote for the same product itself.

The loss is that of direct preference optimisation (https://arxiv.org/abs/2305.18290) with the corpus as the better text
and the writer's own as the worse, as in self-play fine-tuning (https://arxiv.org/abs/2401.01335), and with a share of
the plain loss, so that the better texts do not become less likely with the worse ones
(https://arxiv.org/abs/2404.19733).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import logsigmoid

from functions.common.errors import InputError
from functions.common.records import Voice
from quantize.corpus import Entry
from quantize.drafts import Draft, Drafts
from quantize.sequences import Target, targets
from quantize.tuned import Tuned, on_device

_ANCHOR = 0.2
"""Share of the plain loss."""


@dataclass(frozen=True)
class Contrast:
    """Pairs of texts of one product.

    Attributes:
        items: what the model reads: of each pair the better text, then the worse.
        reference: (pairs,), how much likelier the better text was for the writer at the start, as a logarithm.
    """

    items: list[Any]
    reference: NDArray[np.float32]

    @property
    def weights(self) -> NDArray[np.float32]:
        return np.concatenate([item.weights for item in self.items])

    def __len__(self) -> int:
        return sum(map(len, self.items))


def pairs(entry: Entry, drafts: Iterable[Draft]) -> Iterator[tuple[Target, Target]]:
    """Each text of an entry with a draft for the same field and voice, where there is one that says something else."""
    learnt = {text.casefold() for _, _, text in targets(entry)}
    left: dict[tuple[str, Voice], dict[str, str]] = defaultdict(dict)
    for draft in drafts:
        if draft.text and draft.text.casefold() not in learnt:
            left[draft.slot, draft.voice].setdefault(draft.text.casefold(), draft.text)
    for slot, voice, text in targets(entry):
        if others := left[slot.name, voice]:
            yield (slot, voice, text), (slot, voice, others.pop(next(iter(others))))


def preferred(
    tuned: Tuned[Any], entries: Sequence[Entry], drafts: Sequence[Drafts], beta: float
) -> tuple[list[Contrast], Callable[[list[Contrast]], torch.Tensor]]:
    """What is learnt where the texts of entries are to be preferred to drafts, and its loss.

    Args:
        tuned: as the writer was that wrote the drafts.
        beta: how dear it is to move away from that writer.

    Raises:
        InputError: no draft is one of the entries'.
    """
    tuned.peft.eval()
    known = {entry.id: entry for entry in entries}
    contrasts = [
        _contrast(tuned, known[each.id], found)
        for each in drafts
        if each.id in known and (found := list(pairs(known[each.id], each.texts)))
    ]
    if not contrasts:
        raise InputError("none of the drafts belongs to a product that is learnt; were they made for another corpus?")

    def loss(batch: list[Contrast]) -> torch.Tensor:
        better, worse, tokens = _logprobs(tuned, [item for contrast in batch for item in contrast.items])
        reference = on_device(np.concatenate([contrast.reference for contrast in batch]))
        plain = -better.sum() / tokens
        return -logsigmoid(beta * (better - worse - reference)).mean() + _ANCHOR * plain

    return contrasts, loss


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def _contrast(tuned: Tuned[Any], entry: Entry, found: Sequence[tuple[Target, Target]]) -> Contrast:
    items = tuned.items(entry.as_product(), [text for pair in found for text in pair])
    better, worse, _ = _logprobs(tuned, items)
    return Contrast(items, (better - worse).float().cpu().numpy())


def _logprobs(tuned: Tuned[Any], items: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of the better texts and of the worse, and how many tokens the better ones have."""
    found, sizes = tuned.logprobs(items)
    better, worse = found.view(-1, 2).unbind(1)
    return better, worse, sizes[::2].sum()
