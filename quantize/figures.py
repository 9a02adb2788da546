"""What an evaluation comes to, as records; ``evaluation.json`` is a `Report`."""

from functions.common.records import Record


class Sample(Record, frozen=True, kw_only=True):
    """The products that were written for.

    Attributes:
        name: ``test`` for the corpus's test split, else as the user called it.
        files: the catalogues, or empty for the corpus.
        seed: of the draw.
        products: how many were drawn.
        fingerprint: hash of the products in their order; figures compare only where it is the same.
    """

    name: str
    files: list[str] = []
    seed: int = 0
    products: int
    fingerprint: str


class Latency(Record, frozen=True, kw_only=True):
    """Seconds a product."""

    median: float
    p95: float


class SlotFigures(Record, frozen=True, kw_only=True):
    """One slot over all products; all but ``texts`` are shares from 0 to 1.

    Attributes:
        texts: products that were asked for; an answer that holds nothing counts as one that fails.
        passed: texts that no gate has anything against.
        supported: texts without any claim that the product does not make.
        formed: answers that could be used as they came: one text in the form and length of its slot.
        length_use: columns used of the slot's limit, among texts within it.
    """

    texts: int
    passed: float
    supported: float
    formed: float
    length_use: float


class ProductFigures(Record, frozen=True, kw_only=True):
    """One product, for comparisons product by product.

    Attributes:
        key: hash of the product.
        passed: share of its texts that pass all gates.
        coverage: share of its salient words that its texts bring.
    """

    key: str
    passed: float
    coverage: float


class PipelineFigures(Record, frozen=True, kw_only=True):
    """The whole flow: several candidates, gates, selection.

    Attributes:
        candidates: texts sampled for each slot.
        creatives: products x platforms.
        ready: share of creatives that end ``ready``.
        platforms: platform -> the same.
        missing: rule -> creatives not ready in whose findings it stands.
    """

    candidates: int
    creatives: int
    ready: float
    platforms: dict[str, float]
    statuses: dict[str, int]
    missing: dict[str, int]
    latency: Latency


class Evaluation(Record, frozen=True, kw_only=True):
    """One author on one sample: one text for each slot, no choice among several. Shares run from 0 to 1.

    Attributes:
        author: model and version, or what else wrote.
        version: of the model; empty for a template or people.
        quantization: numeric type of the model's matrices.
        texts: texts judged.
        passed: share that pass all gates.
        supported: share without any claim that the product does not make.
        formed: share usable as they came.
        coverage: share of salient words of the product that its texts bring, mean over products.
        relevance: closeness to the product in meaning, as the measure of the score stage, mean over texts.
        distinct_2: distinct word pairs in all word pairs, over all texts; falls as a sample grows.
        copied_5grams: runs of five words that stand in the corpus's training texts and not on the product's page.
        length_use: columns used of the slot's limit.
        slots: the same by slot.
        rules: rule -> share of texts that it was found in.
        latency: of writing one text for each slot, all at once.
        pipeline: the whole flow, where it was run.
        per_product: in the order of the sample.
    """

    author: str
    version: str = ""
    quantization: str = ""
    texts: int
    passed: float
    supported: float
    formed: float
    coverage: float
    relevance: float
    distinct_2: float
    copied_5grams: float
    length_use: float
    slots: dict[str, SlotFigures]
    rules: dict[str, float]
    latency: Latency
    pipeline: PipelineFigures | None = None
    per_product: list[ProductFigures]


class Output(Record, frozen=True, kw_only=True):
    """What was written for one product, as it fell.

    Attributes:
        copy: slot -> text.
        findings: slot -> rules that have something against it.
    """

    title: str
    copy: dict[str, str]
    findings: dict[str, list[str]]


class Section(Record, frozen=True, kw_only=True):
    """Everything about one sample: the first evaluation is that of the model at hand, the others stand beside it.

    Attributes:
        outputs: of the first author for the first products of the sample; empty where they must not be kept.
    """

    sample: Sample
    evaluations: list[Evaluation]
    outputs: list[Output] = []


class Report(Record, frozen=True, kw_only=True):
    """``evaluation.json``: a section for each sample, by its name."""

    adloom: str
    corpus: str
    sections: dict[str, Section]
