"""From judged texts to creatives: for each platform the best passing texts of each field, varied, and never cut."""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field

from functions.common.platforms import FieldLimit, Platform, columns
from functions.common.records import Candidate, CandidateSet, Creative, Field, Finding, Measures, Status, digest
from functions.score.facts import Subject
from functions.score.gates.copies import duplicate
from functions.score.gates.registry import judge_on
from functions.score.measures import Yardstick
from functions.score.validity import validity
from functions.score.words import Text, meaning

VERSION = "9"
"""Raised when the same candidates would be judged or chosen differently, so that creatives get new identifiers."""

_SERVES: dict[Field, tuple[Field, ...]] = {
    "headline": ("headline", "long_headline"),
    "long_headline": ("long_headline", "headline"),
    "primary_text": ("primary_text", "description"),
    "description": ("description", "primary_text"),
    "hashtag": ("hashtag",),
    "cta": ("cta",),
}
"""Field of a platform -> what a text may have been written as to stand there, the best first."""
_LENT = 0.25
"""What it costs a text to stand in another field than it was written for."""
_SPARSE = 0.2
"""What it costs a headline to leave half of its room empty: "Dog bed"."""
_REPEATED = 0.15
"""What it costs a headline that it has no word which the ad has not."""
_VARIETY = 0.35
_SAME = 0.93
_ECHO = 0.75
"""Cosine from which a description says again what the ad says above it."""
_FRESH = 2
"""Words that a description which need not be there has to add."""
_SOUND = 0.25
"""Quality that it has to have: readers found four in five such sound, and two in five of those below."""
_SHOWN_FINDINGS = 12
_DEFAULT_CALL = "Shop now"


@dataclass(frozen=True)
class Judged:
    """A candidate with what the gates say of it, whatever the platform.

    Attributes:
        text: what was written.
        candidate: as it came.
        findings: of the gates; empty where it may be used.
        quality: what it is worth, see `Yardstick.quality`.
    """

    text: Text
    candidate: Candidate
    findings: list[Finding]
    quality: float


@dataclass
class Draft:
    """An ad in the making.

    Attributes:
        fields: field -> texts chosen.
        findings: why something is missing, or what a reader should know.
        short: fields that have too few passing texts.
        used: keys of the texts chosen.
        said: the texts chosen, but hashtags and the button.
    """

    fields: dict[Field, list[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    short: list[Field] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    said: list[Judged] = field(default_factory=list)


class Selection:
    """Choosing for one product, on one platform after the other.

    Args:
        source: the product and its candidates.
        judged: the candidates with their findings.
        taken: texts used for earlier products of the part; those chosen here are added.
    """

    def __init__(
        self,
        source: CandidateSet,
        subject: Subject,
        judged: Sequence[Judged],
        yardstick: Yardstick,
        taken: MutableMapping[str, str],
    ) -> None:
        self._source = source
        self._subject = subject
        self._judged = judged
        self._yardstick = yardstick
        self._taken = taken

    def creative(self, platform: Platform, basis: str) -> Creative:
        """The creative for a platform: ready, or with findings that say what is missing.

        Args:
            platform: the platform.
            basis: what else the choice rests on: versions of the embedding and the brand.
        """
        draft = Draft()
        for name, limit in platform.fields.items():
            self._fill(draft, platform, name, limit)
        spoken = [text for name, texts in draft.fields.items() if name not in ("hashtag", "cta") for text in texts]
        usable = any(not each.findings for each in self._judged if each.candidate.field not in ("hashtag", "cta"))
        status: Status = "ready" if not draft.short else "needs_review" if usable else "rejected"
        measurable = [text for text in spoken if self._yardstick.measurable(text)]
        measures = self._yardstick.measures(measurable) if measurable and status != "rejected" else None
        if status != "rejected":
            self._taken.update((Text(text).key, self._source.product.product_id) for text in spoken)
        return creative(self._source, platform, basis, status, draft, measures)

    def _fill(self, draft: Draft, platform: Platform, name: Field, limit: FieldLimit) -> None:
        pool = [(each, [*each.findings, *self._refusals(each, platform, name)]) for each in self._pool(name)]
        passing = [each for each, findings in pool if not any(f.severity == "gate" for f in findings)]
        passing = [each for each in passing if each.text.key not in draft.used]
        chosen = list(self._varied(passing, name, limit, draft))
        chosen = self._with_short_one(chosen, passing, platform, limit)
        if name == "cta" and limit.min and not chosen:
            draft.fields[name] = [_DEFAULT_CALL]
            return
        texts = [each.text.raw for each in chosen]
        draft.used.update(each.text.key for each in chosen)
        draft.said += chosen if name not in ("hashtag", "cta") else []
        draft.findings += [f for each, findings in pool if each in chosen for f in findings if f.severity == "advice"]
        missing_short = limit.one_within and texts and not any(platform.columns(t) <= limit.one_within for t in texts)
        if len(texts) < limit.min or (missing_short and limit.min):
            draft.short.append(name)
            failing = sorted(
                (each for each in pool if each[0] not in chosen), key=lambda each: (len(each[1]), -each[0].quality)
            )
            draft.findings += _missing(name, limit, texts, platform)
            # What was written for another field failed here as a stopgap only: of interest where nothing else is there.
            told = [each for each in failing if each[0].candidate.field == name] or failing
            draft.findings += [f for _, findings in told for f in findings][:_SHOWN_FINDINGS]
            # A person can edit what failed more easily than start from nothing.
            shown = [each.text.raw for each, _ in failing if each.text.key not in draft.used]
            texts += list(dict.fromkeys(shown))[: max(0, limit.min - len(texts))]
        if texts:
            draft.fields[name] = texts

    def _pool(self, name: Field) -> Iterator[Judged]:
        """The candidates that may stand in a field, each text once, those written for it first."""
        seen = set()
        for written_as in _SERVES[name]:
            for each in self._judged:
                if each.candidate.field == written_as and each.text.key not in seen:
                    seen.add(each.text.key)
                    yield each

    def _refusals(self, each: Judged, platform: Platform, name: Field) -> list[Finding]:
        return [*judge_on(each.text.raw, name, platform), *duplicate(each.text, self._taken, self._subject)]

    def _varied(self, passing: Sequence[Judged], name: Field, limit: FieldLimit, draft: Draft) -> Iterator[Judged]:
        """Greedy maximal marginal relevance: the best text, then each time the best that says something else.

        A headline that only says in short what the text beside it says at length is worth less than one with a word
        of its own. A description stands below the others and has to add to them; where it need not be there, only one
        that was written as one and adds a fact in the page's own words is.
        """
        left, said = list(passing), draft.said if name == "description" else []
        if name == "description":
            left = [each for each in left if not self._repeats(each, draft)]
            if not limit.min:
                left = [each for each in left if each.candidate.field == name and self._adds(each, said)]
        chosen: list[Judged] = []
        while left and len(chosen) < limit.max:
            best = max(left, key=lambda each: (self._worth(each, name, limit, [*said, *chosen], draft), each.text.raw))
            left.remove(best)
            if name not in ("hashtag", "cta") and any(self._alike(best, other) >= _SAME for other in chosen):
                continue
            chosen.append(best)
            yield best

    def _adds(self, each: Judged, said: Sequence[Judged]) -> bool:
        known = {word for other in said for word in meaning(other.text.tokens)}
        fresh = set(meaning(each.text.tokens)) - known
        echoes = any(self._alike(each, other) >= _ECHO for other in said)
        slips = self._yardstick.strangers(each.text.raw) or self._yardstick.slips(each.text.raw)
        return each.quality >= _SOUND and len(fresh) >= _FRESH and not echoes and not slips

    def _worth(self, each: Judged, name: Field, limit: FieldLimit, chosen: Sequence[Judged], draft: Draft) -> float:
        own = each.quality - (0 if each.candidate.field == name else _LENT)
        if name not in ("hashtag", "cta") and self._repeats(each, draft):
            own -= _REPEATED
        if name == "headline" and 2 * columns(each.text.raw, wide=2) <= limit.limit:
            own -= _SPARSE
        return round(own - _VARIETY * max((self._alike(each, other) for other in chosen), default=0.0), 4)

    def _alike(self, one: Judged, other: Judged) -> float:
        return 1.0 if one.text.key == other.text.key else self._yardstick.between(one.text.raw, other.text.raw)

    @staticmethod
    def _repeats(each: Judged, draft: Draft) -> bool:
        """Whether a text says no more than one that the ad has already."""
        words = set(each.text.tokens)
        return any(words <= set(key.split()) for key in draft.used if words)

    def _with_short_one(
        self, chosen: list[Judged], passing: Sequence[Judged], platform: Platform, limit: FieldLimit
    ) -> list[Judged]:
        """Put in a text that is within the platform's shorter limit, where one is asked for and none was chosen."""
        within = limit.one_within
        if not within or not chosen or any(platform.columns(each.text.raw) <= within for each in chosen):
            return chosen
        short = [each for each in passing if platform.columns(each.text.raw) <= within and each not in chosen]
        if not short:
            return chosen
        return [*chosen[: limit.max - 1], max(short, key=lambda each: (each.quality, each.text.raw))]


def _missing(name: Field, limit: FieldLimit, texts: Sequence[str], platform: Platform) -> Iterator[Finding]:
    spoken = name.replace("_", " ")
    if len(texts) < limit.min:
        message = f"{platform.label} needs {limit.min} of {spoken}; {len(texts)} passed"
        yield Finding(rule="count", severity="gate", field=name, found=str(len(texts)), message=message)
    else:
        message = f"{platform.label} needs one {spoken} of at most {limit.one_within} columns; none passed"
        yield Finding(rule="count", severity="gate", field=name, found="0", message=message)


def creative(
    source: CandidateSet, platform: Platform, basis: str, status: Status, draft: Draft, measures: Measures | None
) -> Creative:
    """The record of an ad; its identifier follows from everything that it was made from."""
    return Creative(
        creative_id=digest(source, platform.name, basis, VERSION),
        product_id=source.product.product_id,
        platform=platform.name,
        fields={} if status == "rejected" else draft.fields,
        status=status,
        score=validity(measures) if measures else None,
        measures=measures,
        findings=_once(draft.findings),
        language=source.product.language,
        model_version=source.model_version,
        prompt_version=source.prompt_version,
        brand_version=source.brand_version,
    )


def _once(findings: Sequence[Finding]) -> list[Finding]:
    unique: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        unique.setdefault((finding.rule, finding.field, finding.found), finding)
    return list(unique.values())
