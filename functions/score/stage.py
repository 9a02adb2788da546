"""Scoring: candidates become creatives, exactly one for each product and platform."""

from collections import Counter
from collections.abc import Callable, Sequence

from functions.common.batches import Output, Part, StageResult
from functions.common.platforms import Platform
from functions.common.records import CandidateSet, Creative, Finding, Product, Source, Status
from functions.score.facts import Subject
from functions.score.gates.copies import relevance_floor
from functions.score.gates.goods import refused
from functions.score.gates.registry import judge
from functions.score.measures import Models, Yardstick, agreement, embedded, fluencies, gist, kinds, voice_sentences
from functions.score.references import known_references
from functions.score.select import Draft, Judged, Selection, creative

STATUSES: tuple[Status, ...] = ("ready", "needs_review", "rejected")


def run(
    part: Part[CandidateSet],
    models: Models,
    references: Sequence[str] = (),
    told: Callable[[int], None] = lambda _: None,
) -> StageResult:
    """Gate, measure and select.

    Args:
        part: products with their candidates.
        models: the sentence embedding, and the language model for texts that came without a log-probability.
        references: texts that an ad must not copy: those that the language model was shown.
        told: is called with 1 after each product, for progress.
    """
    settings = part.batch.settings
    copied = known_references(tuple(references)) if references else None
    brands = frozenset(each.product.brand for each in part.records if each.product.brand)
    subjects = [Subject(each.product, settings.brand, brands, copied) for each in part.records]
    found = [
        [judge(c.text, c.field, subject) for c in each.candidates]
        for each, subject in zip(part.records, subjects, strict=True)
    ]
    passing = [
        candidate.text
        for each, findings in zip(part.records, found, strict=True)
        for candidate, said in zip(each.candidates, findings, strict=True)
        if not said
    ]
    own, others = voice_sentences(settings.brand)
    gists = [gist(each.product) for each in part.records]
    vectors = embedded([*own, *others, *gists, *passing], models.embedder)
    logprobs = fluencies(part.records, models)
    creatives: list[Creative] = []
    taken: dict[str, str] = {}
    for each, subject, findings in zip(part.records, subjects, found, strict=True):
        yardstick = Yardstick(subject, vectors, logprobs, agreement(each.candidates), kinds(each.candidates))
        judged = _judged(each, subject, findings, yardstick)
        creatives += _creatives(
            each,
            subject,
            judged,
            yardstick,
            taken,
            part.batch.platforms,
            f"{settings.embedder} {settings.brand.version}",
        )
        told(1)
    counts = Counter(each.status for each in creatives)
    return StageResult(
        part.number,
        [Output("scored", Creative, creatives)],
        {"creatives": len(creatives), **{status: counts[status] for status in STATUSES}},
    )


def prepare(references: Sequence[str]) -> None:
    """Read the word lists and the texts that must not be copied, before there is anything to judge."""
    product = Product(product_id="", title="ready", source=Source(file="", row=1))
    known = known_references(tuple(references)) if references else None
    judge("Ready for 2 days.", "primary_text", Subject(product, references=known))


def _judged(
    source: CandidateSet, subject: Subject, findings: Sequence[list[Finding]], yardstick: Yardstick
) -> list[Judged]:
    judged = []
    for candidate, said in zip(source.candidates, findings, strict=True):
        text = subject.read(candidate.text, candidate.field)
        if not said:
            said = list(relevance_floor(text, yardstick.similarity(candidate.text), subject))
        quality = yardstick.quality(candidate) if yardstick.measurable(candidate.text) else 0.0
        judged.append(Judged(text, candidate, said, quality))
    return judged


def _creatives(
    source: CandidateSet,
    subject: Subject,
    judged: Sequence[Judged],
    yardstick: Yardstick,
    taken: dict[str, str],
    platforms: Sequence[Platform],
    basis: str,
) -> list[Creative]:
    if refusal := refused(subject):
        return [creative(source, platform, basis, "rejected", Draft(findings=refusal), None) for platform in platforms]
    selection = Selection(source, subject, judged, yardstick, taken)
    return [selection.creative(platform, basis) for platform in platforms]
