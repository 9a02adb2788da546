"""Preference tuning: the writer learns which of its own texts for a product readers gave the better grade.

The loss is that of direct preference optimisation (https://arxiv.org/abs/2305.18290) on pairs of texts that the writer
wrote itself, and a share of the plain loss, so that the better texts do not become less likely with the worse ones
(https://arxiv.org/abs/2404.19733).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import logsigmoid

from functions.common.errors import InputError
from functions.common.platforms import columns
from functions.common.records import Voice
from functions.generate.prompt import SLOTS
from quantize.corpus import Entry
from quantize.drafts import Draft, Drafts
from quantize.tuned import Tuned, on_device

_ANCHOR = 0.2
"""Share of the plain loss."""

_SOUND = 2
"""The least grade of a text that is to become likelier."""

_SLOTS = {slot.name: slot for slot in SLOTS}


@dataclass(frozen=True)
class Contrast:
    """Texts of one product, and which of them is better than which.

    Attributes:
        items: what the model reads.
        texts: how many texts that is.
        better, worse: (pairs,), numbers of texts.
        reference: (pairs,), how much likelier the better text was for the writer at the start, as a logarithm.
    """

    items: list[Any]
    texts: int
    better: NDArray[np.int64]
    worse: NDArray[np.int64]
    reference: NDArray[np.float32]

    @property
    def weights(self) -> NDArray[np.float32]:
        return np.concatenate([item.weights for item in self.items])

    def __len__(self) -> int:
        return sum(map(len, self.items))


def pairs(drafts: Iterable[Draft]) -> list[tuple[Draft, Draft]]:
    """Sound texts, each with those for the same slot and voice that have a lower grade.

    A reader sees what a text says and not the room that there is for it: too long a text is worth nothing.
    """
    graded: dict[tuple[str, Voice], dict[str, tuple[int, Draft]]] = defaultdict(dict)
    for draft in drafts:
        if draft.text and draft.grade is not None:
            grade = draft.grade if columns(draft.text, wide=2) <= _SLOTS[draft.slot].limit else 0
            graded[draft.slot, draft.voice].setdefault(draft.text.casefold(), (grade, draft))
    return [
        (one, other)
        for found in graded.values()
        for (better, one), (worse, other) in permutations(found.values(), 2)
        if better >= _SOUND and better > worse
    ]


def preferred(
    tuned: Tuned[Any], entries: Sequence[Entry], drafts: Sequence[Drafts], beta: float
) -> tuple[list[Contrast], Callable[[list[Contrast]], torch.Tensor]]:
    """What is learnt from graded drafts of entries, and its loss.

    Args:
        tuned: as the writer was that wrote the drafts.
        beta: how dear it is to move away from that writer.

    Raises:
        InputError: none of the drafts of the entries is better than another.
    """
    tuned.peft.eval()
    known = {entry.id: entry for entry in entries}
    contrasts = [
        _contrast(tuned, known[each.id], found) for each in drafts if each.id in known and (found := pairs(each.texts))
    ]
    if not contrasts:
        raise InputError("no product that is learnt has two drafts for a slot, one graded 2 or 3 and the other less")

    def loss(batch: list[Contrast]) -> torch.Tensor:
        logprobs, sizes = tuned.logprobs([item for contrast in batch for item in contrast.items])
        starts = np.cumsum([0, *(contrast.texts for contrast in batch)])
        better = on_device(np.concatenate([c.better + start for c, start in zip(batch, starts, strict=False)]))
        worse = on_device(np.concatenate([c.worse + start for c, start in zip(batch, starts, strict=False)]))
        reference = on_device(np.concatenate([contrast.reference for contrast in batch]))
        margin = logprobs[better] - logprobs[worse] - reference
        good = better.unique()
        return -logsigmoid(beta * margin).mean() - _ANCHOR * logprobs[good].sum() / sizes[good].sum()

    return contrasts, loss


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def _contrast(tuned: Tuned[Any], entry: Entry, found: Sequence[tuple[Draft, Draft]]) -> Contrast:
    texts = list(dict.fromkeys(draft for pair in found for draft in pair))
    number = {draft: n for n, draft in enumerate(texts)}
    better, worse = (np.array([number[pair[side]] for pair in found]) for side in (0, 1))
    items = tuned.items(entry.as_product(), [(_SLOTS[draft.slot], draft.voice, draft.text) for draft in texts])
    logprobs = tuned.logprobs(items)[0].float().cpu().numpy()
    return Contrast(items, len(texts), better, worse, logprobs[better] - logprobs[worse])
