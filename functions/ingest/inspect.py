"""What would become of a catalogue, before anything is generated from it."""

from collections import Counter
from collections.abc import Callable, Sequence

from functions.common.batches import Batch, Part, Settings, StageResult
from functions.common.records import Product, Quarantined, Record
from functions.ingest.columns import Column
from functions.ingest.source import Catalogue, recognise
from functions.ingest.stage import open_reader, run

EXAMPLES = 3
SAMPLES = 5


class Refused(Record, frozen=True, kw_only=True):
    """What one rule refused.

    Attributes:
        count: catalogue rows in quarantine by it.
        examples: advice of the first few.
    """

    rule: str
    count: int
    examples: list[str]

    @property
    def example(self) -> str:
        """The first of them."""
        return self.examples[0]


class Inspection(Record, frozen=True, kw_only=True):
    """How a catalogue is read; rows == products + merged + quarantined, in rows of the catalogue.

    Attributes:
        file: the catalogue's name.
        format: the shop's or feed's format.
        encoding: Python codec of the text.
        delimiter: between cells; empty where the catalogue is no table.
        evidence: in words, what the format and encoding were told by.
        rows: data rows or items, without header, comments and wholly blank rows.
        products: those that pass ingest and validate.
        merged: rows that are variants, images or duplicates of a product.
        quarantined: rows that were refused, or belong to a product that was.
        columns: how each column was read.
        refusals: by rule, the most frequent first.
        languages: language tag -> products.
        currencies: ISO 4217 code -> products; empty for those without a price or currency.
        samples: the first products.
    """

    file: str
    format: str
    encoding: str
    delimiter: str
    evidence: str
    rows: int
    products: int
    merged: int
    quarantined: int
    columns: list[Column]
    refusals: list[Refused]
    languages: dict[str, int]
    currencies: dict[str, int]
    samples: list[Product]


class _Tally:
    """Counts what the stages made of a catalogue."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.languages: Counter[str] = Counter()
        self.currencies: Counter[str] = Counter()
        self.samples: list[Product] = []

    def refuse(self, entries: Sequence[Quarantined]) -> None:
        """Count quarantine entries by rule."""
        for entry in entries:
            self.rules[entry.rule] += entry.source.rows
            shown = self.examples.setdefault(entry.rule, [])
            if len(shown) < EXAMPLES:
                shown.append(entry.advice)

    def accept(self, products: Sequence[Product]) -> None:
        """Count products that passed."""
        self.languages.update(product.language for product in products)
        self.currencies.update(product.currency or "" for product in products)
        self.samples += products[: SAMPLES - len(self.samples)]

    def refusals(self) -> list[Refused]:
        """The rules that refused anything, the most frequent first."""
        return [
            Refused(rule=rule, count=count, examples=self.examples[rule]) for rule, count in self.rules.most_common()
        ]


def inspect(
    catalogue: Catalogue,
    settings: Settings,
    validate: Callable[[Part[Product]], StageResult],
    *,
    languages: bool = True,
) -> Inspection:
    """Read a catalogue to its end and tell what was made of it; nothing is kept.

    Args:
        validate: the validate stage's `run`.
        languages: whether to tell languages.

    Raises:
        InputError: nothing can be made of the catalogue.
    """
    reader = open_reader(catalogue, settings)
    dialect = recognise(catalogue)
    batch = Batch.of(catalogue.name, "", settings)
    tally = _Tally()
    for result in run(catalogue, batch, languages=languages, reader=reader):
        products, refused = result.outputs[0].records, result.outputs[1].records
        verdict = validate(Part(batch, result.number, products))
        tally.counts.update(result.counts)
        tally.counts["refused"] += verdict.counts["rows_quarantined"]
        tally.counts["validated"] += verdict.counts["validated"]
        tally.refuse(refused)
        tally.refuse(verdict.outputs[1].records)
        tally.accept(verdict.outputs[0].records)
    counts = tally.counts
    quarantined = counts["quarantined"] + counts["refused"]
    return Inspection(
        file=catalogue.name,
        format=reader.format,
        encoding=dialect.encoding,
        delimiter=reader.delimiter,
        evidence=dialect.evidence,
        rows=counts["rows"],
        products=counts["validated"],
        merged=counts["rows"] - counts["validated"] - quarantined,
        quarantined=quarantined,
        columns=reader.columns,
        refusals=tally.refusals(),
        languages=dict(tally.languages.most_common()),
        currencies=dict(tally.currencies.most_common()),
        samples=tally.samples,
    )
