"""What a tuned model wrote itself, to learn from: its best texts to imitate, or its plain drafts to do better than.

Rejection sampling (https://arxiv.org/abs/2308.01825) keeps what every gate passed, as entries beside the corpus: texts
of the whole flow, gated, ranked and varied, and never a text of the corpus again, since the gate against copied texts
stops those. Drafts are all that it wrote; ``quantize.preference`` learns from them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from functions.common.batches import Batch, Part, Settings
from functions.common.models import Models
from functions.common.platforms import columns
from functions.common.records import Candidate, Creative, Field, Product, Voice, digest
from functions.common.writer import Sample, Sampling
from functions.generate.prompt import PROMPTS, SLOTS, Slot
from functions.generate.stage import tidy, write_product
from functions.generate.versions import settings_for
from functions.score import stage as score
from functions.score.facts import Subject
from functions.score.gates.registry import judge
from functions.score.measures import Yardstick, embedded, gist, voice_sentences
from quantize.corpus import Copy, Entry
from quantize.drafts import Draft, Drafts
from quantize.sequences import targets

_PLATFORMS = ["google_pmax", "meta_feed"]
"""Between them they ask for every field."""

_KEPT = {"headline": 3, "short_headline": 1, "long_headline": 1, "primary_text": 2, "description": 1}
"""As many texts as the corpus has for a product."""

_DRAFTED = 0.8
"""Temperature of drafts: the faults that are to be unlearnt have to show."""

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


def drafted(
    entries: Iterable[Entry], models: Models, texts: int, seed: int, told: Callable[[int], None] = lambda _: None
) -> Iterator[Drafts]:
    """For each entry what the writer writes for its fields and voices, the worst first.

    Args:
        entries: products with the fields and voices that are asked for.
        models: the tuned writer, and the embedding.
        texts: sampled for a field.
        seed: of the sampling.
        told: is called with 1 after each product.
    """
    for entry in entries:
        product = entry.as_product()
        # The button has a few wordings, all good.
        asked = list(dict.fromkeys((slot, voice) for slot, voice, _ in targets(entry) if slot.field != "cta"))
        sampling = Sampling(
            samples=texts,
            seed=int(digest(seed, entry.id, size=4), 16),
            temperature=_DRAFTED,
            max_tokens=max(slot.max_tokens for slot in SLOTS),
        )
        drafts = [
            (Draft(slot=slot.name, voice=voice, text=sample.text), slot.field, sample.logprob)
            for voice in dict.fromkeys(voice for _, voice in asked)
            for slot, sample in _drawn(
                product, [slot for slot, other in asked if other == voice], voice, sampling, models
            )
        ]
        yield Drafts(id=entry.id, texts=worst_first(product, drafts, models))
        told(1)


def _drawn(
    product: Product, slots: Sequence[Slot], voice: Voice, sampling: Sampling, models: Models
) -> list[tuple[Slot, Sample]]:
    """Texts for each slot in one voice, bound to the page where the flow binds them."""
    prompt = PROMPTS["house"]
    tails = [prompt.tail(slot, voice) for slot in slots]
    answers = models.writer.write(prompt.prefix(product), tails, sampling, prompt.joining(product, voice))
    return [(slot, sample) for slot, found in zip(slots, answers, strict=True) for sample in found]


def worst_first(product: Product, drafts: Sequence[tuple[Draft, Field, float]], models: Models) -> list[Draft]:
    """What breaks a gate, then what is worth little where texts are chosen."""
    subject = Subject(product)
    own, others = voice_sentences(subject.brand)
    vectors = embedded([*own, *others, gist(product), *(draft.text for draft, _, _ in drafts)], models.embedder)
    yardstick = Yardstick(subject, vectors, {})

    def worth(each: tuple[Draft, Field, float]) -> tuple[bool, float]:
        draft, field, logprob = each
        good = not any(judge(text, field, subject) for text in tidy(field, draft.text))
        return good, yardstick.quality(Candidate(field=field, text=draft.text, logprob=logprob))

    return [draft for draft, _, _ in sorted(drafts, key=worth)]


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
