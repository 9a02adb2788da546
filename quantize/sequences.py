"""Corpus entries as training sequences: all fields of a product in one sequence, hidden from each other.

The product is the prefix; each field is a segment that sees the prefix and itself, at the positions that it will have
when the fields are decoded in parallel. So the prefix is computed once for eleven or so targets.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from functions.common.platforms import columns
from functions.common.records import Product, Voice
from functions.generate.prompt import PROMPTS, SLOTS, Slot
from quantize.corpus import Copy, Entry

END = "<|im_end|>"
Weighting = Literal["token", "text"]
Target = tuple[Slot, Voice, str]
"""What is asked for, in which voice, and the text that answers it."""

N = TypeVar("N", np.int64, np.float32)
_SLOTS = {slot.name: slot for slot in SLOTS}


class Sized(Protocol):
    """What a batch is made of: its length is in tokens, its weights are those of what is learnt."""

    @property
    def weights(self) -> NDArray[np.float32]: ...

    def __len__(self) -> int: ...


S = TypeVar("S", bound=Sized)


@dataclass(frozen=True)
class Item:
    """One product, ready for the model; all arrays have its length in tokens.

    Attributes:
        ids: tokens.
        positions: as in decoding, where each segment follows the prefix directly.
        segments: 0 for the prefix, then 1, 2, … for the fields.
        weights: how much the token counts in the loss; 0 where it is not to be learnt.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    segments: NDArray[np.int64]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


def targets(entry: Entry) -> Iterator[Target]:
    """Every slot, voice and text that an entry teaches."""
    yield from _copy_targets(entry.copy, entry.voice)
    if entry.variant:
        yield from _copy_targets(entry.variant.copy, entry.variant.voice)


def _copy_targets(copy: Copy, voice: Voice) -> Iterator[Target]:
    shorter = [text for text in copy.description if columns(text) <= _SLOTS["short description"].limit]
    for name, texts in (
        ("headline", copy.headline),
        ("short headline", copy.short_headline),
        ("long headline", copy.long_headline),
        ("primary text", copy.primary_text),
        ("description", copy.description),
        ("short description", shorter),
        ("hashtags", [" ".join(copy.hashtag)] if copy.hashtag else []),
        ("call to action", [copy.cta] if copy.cta else []),
    ):
        for text in texts:
            yield _SLOTS[name], voice, text


def sequence(product: Product, texts: Iterable[Target], tokenizer: Tokenizer, weighting: Weighting = "token") -> Item:
    """A product and its texts as one training sequence.

    Args:
        texts: each becomes a segment, in their order.
        weighting: ``token`` counts every token of a text alike, so that long texts count most; ``text`` gives every
            text the same say, so that a headline is learnt as hard as a paragraph.
    """
    prompt = PROMPTS["house"]
    prefix = tokenizer.encode(prompt.prefix(product), add_special_tokens=False).ids
    ids, positions = list(prefix), list(range(len(prefix)))
    segments, weights = [0] * len(prefix), [0.0] * len(prefix)
    for number, (slot, voice, text) in enumerate(texts, start=1):
        tail = tokenizer.encode(prompt.tail(slot, voice), add_special_tokens=False).ids
        body = tokenizer.encode(text + END, add_special_tokens=False).ids
        ids += tail + body
        positions += range(len(prefix), len(prefix) + len(tail) + len(body))
        segments += [number] * (len(tail) + len(body))
        weights += [0.0] * len(tail) + [1.0 if weighting == "token" else 1 / len(body)] * len(body)
    return Item(np.array(ids), np.array(positions), np.array(segments), np.array(weights, np.float32))


@dataclass(frozen=True)
class Padded:
    """Sequences side by side, padded on the right.

    Attributes:
        ids, positions: (batch, tokens).
        segments: (batch, tokens), of the items; -1 for padding.
        visible: (batch, tokens, tokens), whether the row's token sees the column's.
        weights: (batch, tokens), how much the token counts, learnt from the one before it in its segment.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    segments: NDArray[np.int64]
    visible: NDArray[np.bool_]
    weights: NDArray[np.float32]


def pad(batch: Sequence[Item]) -> Padded:
    """A batch with its attention pattern: causal, prefix seen by all, segments hidden from each other."""
    segments = side_by_side([item.segments for item in batch], -1)
    same = segments[:, :, None] == segments[:, None, :]
    prefix = (segments == 0)[:, None, :]
    causal = np.tri(segments.shape[1], dtype=np.bool_)[None]
    return Padded(
        ids=side_by_side([item.ids for item in batch], 0),
        positions=side_by_side([item.positions for item in batch], 0),
        segments=segments,
        visible=(same | prefix) & causal,
        weights=side_by_side([item.weights for item in batch], 0),
    )


def side_by_side(rows: Sequence[NDArray[N]], fill: int) -> NDArray[N]:
    """Rows of different lengths as one array, padded on the right."""
    longest = max(map(len, rows))
    return np.stack([np.pad(row, (0, longest - len(row)), constant_values=fill) for row in rows])


def batches(items: list[S], tokens: int, seed: int) -> list[list[S]]:
    """Batches of at most so many padded tokens, neighbours in length together, in a shuffled order."""
    rng = np.random.default_rng(seed)
    order = sorted(range(len(items)), key=lambda i: (len(items[i]) // 32, rng.random()))
    found: list[list[S]] = [[]]
    for item in (items[i] for i in order):
        longest = max([len(item), *(len(other) for other in found[-1])])
        if found[-1] and longest * (len(found[-1]) + 1) > tokens:
            found.append([])
        found[-1].append(item)
    rng.shuffle(found)
    return found
