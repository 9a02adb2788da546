"""Who writes copy that is evaluated: a model, a template, or the people who wrote the corpus; all answer alike."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from functions.common.batches import Batch, Part, Settings
from functions.common.models import Models
from functions.common.platforms import Platform, columns
from functions.common.records import Creative, Field, Product, Voice
from functions.common.writer import Search
from functions.generate.prompt import PROMPTS, SLOTS, Slot
from functions.generate.stage import write_product
from functions.score import stage as score
from quantize.corpus import Entry
from quantize.sequences import targets

Copy = dict[str, str]
"""Name of a slot -> the one text written for it, as it came; a slot without a text is left out."""

LIMITS = {slot.name: slot.limit for slot in SLOTS}
"""Name of a slot -> columns that its text may have."""

NAMES = {"house": "Adloom", "examples": "base model"}
"""Prompt of a model -> what the model is called in a comparison."""


def limits_on(platform: Platform) -> dict[str, int]:
    """The same for what can be posted on a platform, where that is less; hashtags have a limit for each tag there."""
    taken: dict[Field, int] = {field: limit.limit for field, limit in platform.fields.items() if field != "hashtag"}
    return {slot.name: min(slot.limit, taken.get(slot.field, slot.limit)) for slot in SLOTS}


class Author(Protocol):
    """Somebody who writes one text for each slot of a product.

    Attributes:
        name: for people; ``version`` and ``quantization`` are empty but for a model.
        shown: texts that the author had before it while writing, and must not repeat.
    """

    name: str
    version: str
    quantization: str
    shown: list[str]

    def write(self, product: Product) -> Copy: ...


_FIRST = Search(texts=1, max_tokens=max(slot.max_tokens for slot in SLOTS), length_penalty=0.2)
"""Near the likeliest text as a whole: what is likeliest by the token on average runs on beyond its limit."""

_NEXT = msgspec.structs.replace(_FIRST, texts=4)
"""Where the likeliest is too long for its slot, it is no answer; one of the next likeliest may be."""


class ModelAuthor:
    """A model's likeliest answer to each slot that has room for it, by beam search: one text, and no gate or measure
    has a say in it.
    """

    def __init__(self, models: Models, voice: Voice = "plain") -> None:
        manifest = models.manifest("writer")
        self.name = NAMES[manifest.prompt]
        self.version = manifest.version
        self.quantization = manifest.quantization
        self.shown = models.references
        self._models = models
        self._prompt = PROMPTS[manifest.prompt]
        self._voice = voice

    def write(self, product: Product) -> Copy:
        # An answer that did not end within the search is none: an empty text, which the gates stop.
        copy = {slot.name: texts[0] if texts else "" for slot, texts in self._likeliest(product, SLOTS, _FIRST)}
        long = [slot for slot in SLOTS if columns(copy[slot.name], wide=2) > slot.limit]
        for slot, texts in self._likeliest(product, long, _NEXT) if long else ():
            copy[slot.name] = next((text for text in texts if columns(text, wide=2) <= slot.limit), copy[slot.name])
        return copy

    def _likeliest(self, product: Product, asked: Sequence[Slot], search: Search) -> Iterator[tuple[Slot, list[str]]]:
        tails = [self._prompt.tail(slot, self._voice) for slot in asked]
        prefix, joining = self._prompt.prefix(product), self._prompt.joining(product, self._voice)
        found = self._models.writer.likeliest(prefix, tails, search, joining)
        return zip(asked, ([sample.text for sample in samples] for samples in found), strict=True)


class SelectedAuthor:
    """What the whole flow would post on one platform: candidates, gates, selection; slots by the plain name."""

    def __init__(self, models: Models, settings: Settings) -> None:
        manifest = models.manifest("writer")
        self.name = NAMES[manifest.prompt]
        self.version = manifest.version
        self.quantization = manifest.quantization
        self.shown = models.references
        self._models = models
        self._batch = Batch.of("reading", "", settings)

    def write(self, product: Product) -> Copy:
        written = write_product(product, self._batch, self._models.writer)
        result = score.run(Part(self._batch, 0, [written]), self._models, self.shown)
        creative: Creative = result.outputs[0].records[0]
        return {name.replace("_", " "): texts[0] for name, texts in creative.fields.items() if texts}


class CorpusAuthor:
    """The copy that was written by hand for the products of the corpus: of each slot the first text that fits.

    Args:
        limits: name of a slot -> columns that its text may have.
    """

    name = "written by hand"
    version = quantization = ""

    def __init__(self, entries: Iterable[Entry], limits: Mapping[str, int] = LIMITS) -> None:
        self.shown: list[str] = []
        self._entries = {entry.id: entry for entry in entries}
        self._limits = limits

    def write(self, product: Product) -> Copy:
        entry = self._entries[product.product_id]
        found: Copy = {}
        for slot, voice, text in targets(entry):
            if voice == entry.voice and columns(text, wide=2) <= self._limits[slot.name]:
                found.setdefault(slot.name, text)
        return found
