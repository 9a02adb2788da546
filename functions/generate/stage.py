"""Generation: for each valid product, candidate texts for every slot that the batch's platforms need."""

import math
import re
from collections.abc import Callable, Iterable

import msgspec

from functions.common.batches import Batch, Output, Part, StageResult
from functions.common.grammar import STOP_WORDS
from functions.common.platforms import columns
from functions.common.records import Candidate, CandidateSet, Field, Product, digest
from functions.common.writer import Sample, Sampling, Search, Writer
from functions.generate.prompt import PROMPTS, Prompt, Slot, slots

_ROUNDS = 3
"""How often a slot is sampled before what has come is passed on as it is."""

_LIKELIEST = 2
"""Texts of a slot that a beam search adds to those drawn, where a slot asks for them."""

_HASTY = 2
"""The most that a slot's share is where a person waits."""

_WANTED: dict[Field, int] = {"headline": 4, "hashtag": 3, "cta": 1}
"""Texts within the limit, each with other words, that end the sampling of a field; 2 where not named."""

_WARMER = 0.3
"""What each further round adds to the temperature: the texts of the one before were too long, or too much alike."""


def run(part: Part[Product], writer: Writer, told: Callable[[int], None] = lambda _: None) -> StageResult:
    """Candidate texts for the products of a part.

    Args:
        part: valid products.
        writer: the language model; the batch's settings name its version and prompt.
        told: is called with 1 after each product, for progress.
    """
    sets = []
    for product in part.records:
        sets.append(write_product(product, part.batch, writer))
        told(1)
    return StageResult(part.number, [Output("creatives", CandidateSet, sets)], {"products": len(sets)})


def draft_product(product: Product, batch: Batch, writer: Writer) -> CandidateSet:
    """The fewest candidates that can fill every field, from one round: for a person, who waits for the first ad."""
    fewest = max(
        math.ceil(platform.fields[slot.field].min / _drawn(slot, thorough=False))
        for slot in slots(batch.platforms)
        for platform in batch.platforms
        if slot.field in platform.fields
    )
    fewest = min(max(fewest, 1), batch.settings.candidates)
    few = msgspec.structs.replace(batch, settings=msgspec.structs.replace(batch.settings, candidates=fewest))
    return write_product(product, few, writer, thorough=False)


def write_product(product: Product, batch: Batch, writer: Writer, thorough: bool = True) -> CandidateSet:
    """All candidates for one product; the sampling seed follows from the product and the settings.

    Args:
        thorough: search for the likeliest texts of long fields too, and sample again what has too few; or one round.
    """
    settings = batch.settings
    prompt = PROMPTS[settings.prompt.partition("-")[0]]
    open_slots = slots(batch.platforms)
    found: dict[Slot, dict[str, Candidate]] = {slot: {} for slot in open_slots}
    if thorough:
        _search(product, batch, prompt, [slot for slot in open_slots if slot.searched], writer, found)
    for attempt in range(_ROUNDS if thorough else 1):
        if not open_slots:
            break
        seed = int(digest(settings.seed, product.product_id, product.text(), attempt, size=4), 16)
        asked = [slot for slot in open_slots for _ in range(_drawn(slot, thorough))]
        _sample(product, batch, prompt, asked, seed, attempt * _WARMER, writer, found)
        open_slots = [slot for slot in open_slots if _varied(slot, found[slot].values()) < _WANTED.get(slot.field, 2)]
    return CandidateSet(
        product=product,
        candidates=[candidate for texts in found.values() for candidate in texts.values()],
        model_version=settings.model,
        prompt_version=settings.prompt,
        brand_version=settings.brand.version,
    )


def _sample(
    product: Product,
    batch: Batch,
    prompt: Prompt,
    asked: list[Slot],
    seed: int,
    warmer: float,
    writer: Writer,
    found: dict[Slot, dict[str, Candidate]],
) -> None:
    """One round: all that is asked for in one batch of the model; texts already found are not kept twice."""
    samples = batch.settings.candidates
    sampling = Sampling(
        samples=samples,
        seed=seed,
        temperature=(prompt.varied if samples > 1 else prompt.temperature) + warmer,
        max_tokens=max(slot.max_tokens for slot in asked),
    )
    tails = [prompt.tail(slot, batch.settings.brand.voice) for slot in asked]
    _keep(
        asked,
        writer.write(prompt.prefix(product), tails, sampling, prompt.joining(product, batch.settings.brand.voice)),
        found,
    )


def _drawn(slot: Slot, thorough: bool) -> int:
    """Texts of a slot in a round, as a multiple of the batch's setting."""
    return slot.share if thorough else min(slot.share, _HASTY)


def _search(
    product: Product,
    batch: Batch,
    prompt: Prompt,
    wanted: list[Slot],
    writer: Writer,
    found: dict[Slot, dict[str, Candidate]],
) -> None:
    """What the writer holds to be likeliest: a text that is drawn has many places to go astray."""
    if wanted:
        voice = batch.settings.brand.voice
        tails = [prompt.tail(slot, voice) for slot in wanted]
        search = Search(texts=_LIKELIEST, max_tokens=max(slot.max_tokens for slot in wanted))
        joining = prompt.joining(product, voice)
        _keep(wanted, writer.likeliest(prompt.prefix(product), tails, search, joining), found)


def _keep(asked: list[Slot], answers: list[list[Sample]], found: dict[Slot, dict[str, Candidate]]) -> None:
    """The answers as candidates; a text that is already there is not kept twice."""
    for slot, answered in zip(asked, answers, strict=True):
        for sample in answered:
            for text in tidy(slot.field, sample.text):
                found[slot].setdefault(
                    text.casefold(), Candidate(field=slot.field, text=text, logprob=round(sample.logprob, 4))
                )


def _varied(slot: Slot, candidates: Iterable[Candidate]) -> int:
    """How many of the texts that have room differ in their words, and not only in their order or in mere grammar."""
    fitting = (candidate.text for candidate in candidates if columns(candidate.text, wide=2) <= slot.limit)
    return len({frozenset(re.findall(r"\w+", text.casefold())) - STOP_WORDS for text in fitting})


def tidy(field: Field, text: str) -> list[str]:
    """A sample as the texts it stands for: quotation marks and stray form removed, hashtags one by one.

    Nothing is cut: a text that is too long stays too long, and the gates say so.
    """
    text = re.sub(r"\s+", " ", text).strip().strip('"“”').strip()
    if field == "hashtag":
        return list(dict.fromkeys(re.findall(r"#\w+", text.lower())))[:5]
    if field in ("headline", "long_headline"):
        text = text.removesuffix(".")
    return [text] if text else []
