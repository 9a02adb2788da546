"""A batch read back part by part, and counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from functions.common.batches import Batch, object_name, records
from functions.common.errors import InputError
from functions.common.platforms import platforms
from functions.common.records import Creative, Product, Quarantined, Status
from functions.common.records import Field as FieldName
from functions.common.storage import Store
from functions.common.tables import from_parquet

STATUSES: tuple[Status, ...] = ("ready", "needs_review", "rejected")
STAGES = ("ingest", "validate")
"""The stages that refuse rows, in the order that they run."""


@dataclass
class Tally:
    """What a batch adds up to.

    Attributes:
        counts: platform -> status -> ads; every platform of the batch is there, with zeros where it has no ads.
        widths: field -> the most texts that any ad has in it.
        products: products that passed validation; ``waiting``: those of them that no ad was written for yet.
        attention: products with at least one ad that is not ready.
        models, prompts, brands: the versions that the ads were made with; one each, but for a mixed batch.
        refused: stage -> rows that it refused.
    """

    counts: dict[str, dict[Status, int]]
    widths: dict[FieldName, int] = field(default_factory=dict)
    products: int = 0
    waiting: int = 0
    attention: int = 0
    models: set[str] = field(default_factory=set)
    prompts: set[str] = field(default_factory=set)
    brands: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def creatives(self) -> int:
        return sum(sum(row.values()) for row in self.counts.values())

    @property
    def quarantined(self) -> int:
        return sum(self.refused.values())

    def status(self, status: Status) -> int:
        """Ads of that status on all platforms."""
        return sum(row[status] for row in self.counts.values())

    def add(self, ads: list[Creative]) -> None:
        """Count one product with its ads."""
        self.products += 1
        self.waiting += not ads
        self.attention += wants_attention(ads)
        for ad in ads:
            self.counts.setdefault(ad.platform, dict.fromkeys(STATUSES, 0))[ad.status] += 1
            self.models.add(ad.model_version)
            self.prompts.add(ad.prompt_version)
            self.brands.add(ad.brand_version)
            for name, texts in ad.fields.items():
                self.widths[name] = max(self.widths.get(name, 0), len(texts))


def tally(store: Store, batch: Batch) -> Tally:
    """Count a batch, holding one part at a time."""
    totals = Tally({platform.name: dict.fromkeys(STATUSES, 0) for platform in batch.platforms})
    for _, ads in products(store, batch):
        totals.add(ads)
    known = list(platforms())
    order = sorted(totals.counts, key=lambda name: (known.index(name) if name in known else len(known), name))
    totals.counts = {name: totals.counts[name] for name in order}
    totals.refused = {stage: sum(1 for _ in refused(store, batch, stage)) for stage in STAGES}
    return totals


def products(store: Store, batch: Batch) -> Iterator[tuple[Product, list[Creative]]]:
    """Every valid product with its ads, in the catalogue's order; a product whose part is not scored yet has none.

    Raises:
        InputError: a scored part has an ad for a product that the validated part of its number does not hold.
    """
    for name in store.names(f"validated/{batch.batch_id}"):
        scored = object_name("scored", batch.batch_id, int(name.removesuffix(".parquet").rpartition("-")[2]))
        ads: dict[str, list[Creative]] = {}
        if store.exists(scored):
            for ad in from_parquet(store.read(scored), Creative):
                ads.setdefault(ad.product_id, []).append(ad)
        for product in from_parquet(store.read(name), Product):
            yield product, ads.pop(product.product_id, [])
        if ads:
            stray = f"has an ad for product {next(iter(ads))!r}, which {name} does not hold"
            raise InputError(f"{scored}: {stray}; run `adloom audit {batch.batch_id}`")


def refused(store: Store, batch: Batch, stage: str) -> Iterator[Quarantined]:
    """The rows that a stage refused, in the catalogue's order."""
    return records(store, batch.batch_id, f"quarantine/{stage}", Quarantined)


def wants_attention(ads: list[Creative]) -> bool:
    """Whether a person should look at one of these ads."""
    return any(ad.status != "ready" for ad in ads)
