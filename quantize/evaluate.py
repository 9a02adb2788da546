"""Evaluation: what an author writes for products that it has not seen, held against every gate and measured."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from functions.common.batches import Batch, Part, Settings
from functions.common.errors import InputError, NotFoundError
from functions.common.models import Models
from functions.common.records import PART_ROWS, CandidateSet, Creative, Product
from functions.common.version import __version__
from functions.generate.prompt import SLOTS
from functions.generate.stage import tidy, write_product
from functions.score import stage as score
from functions.score.facts import Subject
from functions.score.measures import Yardstick, embedded, gist, voice_sentences
from functions.score.references import References, grams
from functions.score.validity import scaled
from functions.score.words import Text
from quantize import corpus
from quantize.authors import Author, Copy
from quantize.figures import (
    Evaluation,
    Latency,
    Output,
    PipelineFigures,
    ProductFigures,
    Report,
    Sample,
    Section,
    SlotFigures,
)
from quantize.held import key
from quantize.judging import Judged, broken
from quantize.sequences import targets

Told = Callable[[int], None]
Row = list[Judged]
"""What was written for one product."""

_DIGITS = 4


def training_texts() -> list[str]:
    """Every text that the corpus teaches."""
    entries = (entry for entry in corpus.read() if entry.split == "train")
    return [text for entry in entries for _, _, text in targets(entry)]


def read_report(path: Path) -> Report:
    """An ``evaluation.json``; InputError where it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file; run `adloom model evaluate`") from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: is no evaluation ({error})") from error


def kept_report(path: Path) -> Report:
    """The report to which another sample is added, or a new one where there is none.

    Raises:
        InputError: it was made with another corpus, so that its figures do not compare.
    """
    version = corpus.version(list(corpus.read()))
    if not path.exists():
        return Report(adloom=__version__, corpus=version, sections={})
    report = read_report(path)
    if report.corpus != version:
        raise InputError(f"{path}: was made with corpus {report.corpus}, here is {version}; name another --out")
    return report


class Bench:
    """A sample of products with what judging texts about them needs, worked out once for several authors.

    Args:
        products: at least one.
        models: for the sentence embedding.
        training: texts that must not be copied.
    """

    def __init__(self, products: Sequence[Product], models: Models, training: Sequence[str]) -> None:
        self.products = list(products)
        self._embedder = models.embedder
        self._training = training
        self._corpus = References(training)
        self._brands = frozenset(product.brand for product in products if product.brand)

    def evaluate(self, author: Author, told: Told = lambda _: None) -> tuple[Evaluation, list[Row]]:
        """The figures of an author, and every text with its findings, product by product.

        Args:
            told: is called with 1 after each product.
        """
        copies, seconds = [], []
        for product in self.products:
            started = time.perf_counter()
            copies.append(author.write(product))
            seconds.append(time.perf_counter() - started)
            told(1)
        rows, yardsticks = self._judge(author, copies)
        return self._figures(author, rows, yardsticks, seconds), rows

    def pipeline(
        self, models: Models, settings: Settings, told: Told = lambda _: None
    ) -> tuple[PipelineFigures, list[Creative]]:
        """The whole flow over the same products: candidates, gates, selection.

        Args:
            settings: platforms, number of candidates and the models' versions.
            told: is called with 1 after each product.
        """
        batch = Batch.of("evaluation", "", settings)
        creatives: list[Creative] = []
        seconds: list[float] = []
        for start in range(0, len(self.products), PART_ROWS):
            sets: list[CandidateSet] = []
            for product in self.products[start : start + PART_ROWS]:
                started = time.perf_counter()
                sets.append(write_product(product, batch, models.writer))
                seconds.append(time.perf_counter() - started)
                told(1)
            result = score.run(Part(batch, start // PART_ROWS, sets), models, models.references)
            creatives += result.outputs[0].records
        return _pipeline(creatives, settings, seconds), creatives

    def _judge(self, author: Author, copies: Sequence[Copy]) -> tuple[list[Row], list[Yardstick]]:
        shown = References([*self._training, *author.shown]) if author.shown else self._corpus
        answers = [
            [(slot, copy[slot.name], tidy(slot.field, copy[slot.name])) for slot in SLOTS if slot.name in copy]
            for copy in copies
        ]
        own, others = voice_sentences(Subject(self.products[0]).brand)
        texts = [text for row in answers for _, _, found in row for text in found]
        vectors = embedded([*own, *others, *map(gist, self.products), *texts], self._embedder)
        rows, yardsticks = [], []
        taken: dict[str, str] = {}
        for product, answered in zip(self.products, answers, strict=True):
            subject = Subject(product, others=self._brands, references=shown)
            yardstick = Yardstick(subject, vectors, {})
            rows.append(
                [
                    Judged(
                        product, slot, raw, found, list(dict.fromkeys(broken(slot, found, subject, yardstick, taken)))
                    )
                    for slot, raw, found in answered
                ]
            )
            yardsticks.append(yardstick)
            taken.update((Text(text).key, product.product_id) for _, _, found in answered for text in found)
        return rows, yardsticks

    def _figures(
        self, author: Author, rows: Sequence[Row], yardsticks: Sequence[Yardstick], seconds: Sequence[float]
    ) -> Evaluation:
        judged = [each for row in rows for each in row]
        pairs = list(zip(rows, yardsticks, strict=True))
        rules = Counter(rule for each in judged for rule in each.rules)
        per_product = [
            _product(product, row, yardstick) for product, (row, yardstick) in zip(self.products, pairs, strict=True)
        ]
        spoken = [(each, yardstick) for row, yardstick in pairs for each in row if each.spoken]
        return Evaluation(
            author=author.name,
            version=author.version,
            quantization=author.quantization,
            texts=len(judged),
            passed=_mean(each.passed for each in judged),
            supported=_mean(each.supported for each in judged),
            formed=_mean(each.formed for each in judged),
            coverage=_mean(each.coverage for each in per_product),
            relevance=_mean(scaled("relevance", yardstick.similarity(each.text)) for each, yardstick in spoken),
            distinct_2=distinct_2(each.text for each, _ in spoken),
            copied_5grams=self._copied([each for each, _ in spoken]),
            length_use=_mean(each.use for each in judged if 0 < each.use <= 1),
            slots={
                slot.name: _slot(asked) for slot in SLOTS if (asked := [e for e in judged if e.slot.name == slot.name])
            },
            rules={
                rule: round(count / len(judged), _DIGITS)
                for rule, count in sorted(rules.items(), key=lambda item: (-item[1], item[0]))
            },
            latency=latency(seconds),
            per_product=per_product,
        )

    def _copied(self, spoken: Sequence[Judged]) -> float:
        """Share of five-word runs that stand in the training texts; what the product page says itself is no copy."""
        copied = total = 0
        for each in spoken:
            text, page = Text(each.text), Text(each.product.text()).key
            total += len(grams(text.tokens))
            copied += sum(1 for run in self._corpus.copied(text) if run not in page)
        return round(copied / total, _DIGITS) if total else 0.0


def section(
    sample: Sample,
    bench: Bench,
    authors: Sequence[Author],
    flow: tuple[Models, Settings] | None = None,
    told: Callable[[str], Told] = lambda _: lambda _: None,
) -> tuple[Section, list[list[Row]]]:
    """Everything about one sample: each author measured, and the whole flow of the first one's models.

    Args:
        flow: models and settings of the whole flow, where it is wanted.
        told: is called with the name of what begins; what it gives is called with 1 after each product.

    Returns:
        The section, without outputs, and what each author wrote.
    """
    evaluations, written = [], []
    for number, author in enumerate(authors):
        evaluation, rows = bench.evaluate(author, told(author.name))
        if flow and number == 0:
            figures, _ = bench.pipeline(*flow, told(f"{author.name}, whole flow"))
            evaluation = msgspec.structs.replace(evaluation, pipeline=figures)
        evaluations.append(evaluation)
        written.append(rows)
    return Section(sample=sample, evaluations=evaluations), written


def outputs(rows: Sequence[Row]) -> list[Output]:
    """The texts of some products as they fell, with the rules that they break."""
    return [
        Output(
            title=row[0].product.title,
            copy={each.slot.name: each.text for each in row},
            findings={each.slot.name: each.rules for each in row if each.rules},
        )
        for row in rows
    ]


def distinct_2(texts: Iterable[str]) -> float:
    """Distinct word pairs in all word pairs (https://aclanthology.org/N16-1014/), 0 to 1; 0 where there are none."""
    pairs = [pair for text in texts for pair in pairwise(Text(text).tokens)]
    return round(len(set(pairs)) / len(pairs), _DIGITS) if pairs else 0.0


def latency(seconds: Sequence[float]) -> Latency:
    """Median and 95th percentile, in seconds."""
    median, p95 = np.quantile(seconds, [0.5, 0.95])
    return Latency(median=round(float(median), 3), p95=round(float(p95), 3))


def _product(product: Product, row: Row, yardstick: Yardstick) -> ProductFigures:
    return ProductFigures(
        key=key(product),
        passed=_mean(each.passed for each in row),
        coverage=yardstick.coverage([each.text for each in row if each.spoken]),
    )


def _slot(judged: Sequence[Judged]) -> SlotFigures:
    return SlotFigures(
        texts=len(judged),
        passed=_mean(each.passed for each in judged),
        supported=_mean(each.supported for each in judged),
        formed=_mean(each.formed for each in judged),
        length_use=_mean(each.use for each in judged if 0 < each.use <= 1),
    )


def _pipeline(creatives: Sequence[Creative], settings: Settings, seconds: Sequence[float]) -> PipelineFigures:
    missing = Counter(
        rule
        for each in creatives
        if each.status != "ready"
        for rule in {finding.rule for finding in each.findings if finding.severity == "gate"}
    )
    return PipelineFigures(
        candidates=settings.candidates,
        creatives=len(creatives),
        ready=_mean(each.status == "ready" for each in creatives),
        platforms={
            name: _mean(each.status == "ready" for each in creatives if each.platform == name)
            for name in settings.platforms
        },
        statuses={status: sum(1 for each in creatives if each.status == status) for status in score.STATUSES},
        missing=dict(sorted(missing.items(), key=lambda item: (-item[1], item[0]))),
        latency=latency(seconds),
    )


def _mean(values: Iterable[float]) -> float:
    """The mean to four places, of shares too; 0 of nothing."""
    found = list(values)
    return round(sum(found) / len(found), _DIGITS) if found else 0.0
