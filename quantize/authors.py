"""Who writes copy that is evaluated: a model, a template, or the people who wrote the corpus; all answer alike."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from functions.common.batches import Batch, Part, Settings
from functions.common.models import Models
from functions.common.platforms import Platform, columns
from functions.common.records import Creative, Field, Product, Voice
from functions.common.writer import Search
from functions.generate.prompt import PROMPTS, SLOTS
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


class ModelAuthor:
    """A model's likeliest answer to each slot, by beam search: one text, no choice among several."""

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
        tails = [self._prompt.tail(slot, self._voice) for slot in SLOTS]
        prefix, joining = self._prompt.prefix(product), self._prompt.joining(product, self._voice)
        answers = self._models.writer.likeliest(prefix, tails, _FIRST, joining)
        # An answer that did not end within the limit is none: an empty text, which the gates stop.
        return {slot.name: samples[0].text if samples else "" for slot, samples in zip(SLOTS, answers, strict=True)}


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
