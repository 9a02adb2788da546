"""Rejection sampling: what a tuned model wrote and every gate passed, as entries to learn from beside the corpus.

The model learns its own best texts (https://arxiv.org/abs/2308.01825): those of the whole flow, gated, ranked and
varied, and never a text of the corpus again, since the gate against copied texts stops those.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from functions.common.batches import Batch, Part, Settings
from functions.common.models import Models
from functions.common.platforms import columns
from functions.common.records import Creative, Voice
from functions.generate.prompt import SLOTS
from functions.generate.stage import write_product
from functions.generate.versions import settings_for
from functions.score import stage as score
from quantize.corpus import Copy, Entry

_PLATFORMS = ["google_pmax", "meta_feed"]
"""Between them they ask for every field."""

_KEPT = {"headline": 3, "short_headline": 1, "long_headline": 1, "primary_text": 2, "description": 1}
"""As many texts as the corpus has for a product."""

_SHORT = next(slot.limit for slot in SLOTS if slot.name == "short headline")


def accepted(
    entries: Iterable[Entry], models: Models, candidates: int, seed: int, told: Callable[[int], None] = lambda _: None
) -> Iterator[Entry]:
    """For each entry the copy that the flow would post, where it would post any.

    Args:
        entries: products with the voice that is asked for.
        models: the tuned writer, and the embedding.
        candidates: texts sampled for a field.
        seed: of the sampling.
        told: is called with 1 after each product.
    """
    for entry in entries:
        copy = _written(entry, models, _batch(models, entry.voice, candidates, seed))
        told(1)
        if copy:
            yield msgspec.structs.replace(entry, copy=copy, variant=None)


def _batch(models: Models, voice: Voice, candidates: int, seed: int) -> Batch:
    settings = settings_for(models, Settings(platforms=_PLATFORMS, candidates=candidates, seed=seed))
    brand = msgspec.structs.replace(settings.brand, voice=voice)
    return Batch.of("accepted", "", msgspec.structs.replace(settings, brand=brand))


def _written(entry: Entry, models: Models, batch: Batch) -> Copy | None:
    written = write_product(entry.as_product(), batch, models.writer)
    found: Sequence[Creative] = score.run(Part(batch, 0, [written]), models, models.references).outputs[0].records
    texts: dict[str, list[str]] = {}
    for creative in (each for each in found if each.status == "ready"):
        for field, chosen in creative.fields.items():
            texts[field] = list(dict.fromkeys([*texts.get(field, []), *chosen]))
    if not texts:
        return None
    headlines = texts.get("headline", [])
    texts["short_headline"] = [text for text in headlines if columns(text) <= _SHORT]
    texts["headline"] = [text for text in headlines if columns(text) > _SHORT]
    kept = {field: texts.get(field, [])[:count] for field, count in _KEPT.items()}
    tags = texts.get("hashtag", [])[:5]
    return Copy(**kept, hashtag=tags if len(tags) >= 3 else [], cta=entry.copy.cta)
