"""Ingest: a catalogue becomes parts of products, and what cannot be read goes to quarantine.

Over the whole catalogue, rows == products + merged + quarantined: each row founds a product, is merged into one (a
variant, an image, a duplicate), or is quarantined. A row that is wholly blank is none. `Source.rows` counts a
product's variants and images, and duplicates within its part; a duplicate further down is counted in its own part.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import msgspec

from functions.common.batches import Batch, Output, Settings, StageResult
from functions.common.errors import InputError, PassingError
from functions.common.records import Product, Quarantined, Source
from functions.ingest.draft import Draft, Refusal, refused
from functions.ingest.index import Seen, Spool
from functions.ingest.language import Languages
from functions.ingest.objects import ItemReader
from functions.ingest.products import Group, Maker, cleaned
from functions.ingest.source import Catalogue, recognise
from functions.ingest.tables import TableReader
from functions.ingest.text import clean_line

MOST_REFUSED = 4096
"""Quarantine entries after which a part is closed, however few products it has."""

AT_ONCE = 64
"""Rows whose texts are cleaned together: so few that a text which needs work seldom has company that needs none."""

Reader = TableReader | ItemReader


def open_reader(catalogue: Catalogue, settings: Settings) -> Reader:
    """The reader for what a catalogue is.

    Raises:
        InputError: it is no catalogue, is malformed, or its title column is not recognised.
    """
    dialect = recognise(catalogue)
    if dialect.syntax == "table":
        return TableReader(catalogue, dialect, settings.columns)
    return ItemReader(catalogue, dialect, settings.columns, settings.currency)


def run(
    catalogue: Catalogue, batch: Batch, *, languages: bool = True, reader: Reader | None = None
) -> Iterator[StageResult]:
    """The parts of a catalogue, at least one.

    Args:
        languages: whether to tell each product's language; without, it is what the catalogue says.
        reader: what `open_reader` gave, where it was called before.

    Raises:
        InputError: nothing can be made of the catalogue; for JSON, XML and YAML before the first part.
        PassingError: there is no room for temporary files.
    """
    source = reader or open_reader(catalogue, batch.settings)
    maker = Maker(catalogue.name, batch.settings.currency, lambda cells: record_json(source, cells))
    try:
        parts = _Parts(batch.settings, Seen(), Languages() if languages else None)
        for found in (_grouped if source.grouped else _single)(source, maker, parts):
            if parts.complete_with(found):
                yield parts.part()
                if parts.full:
                    break
        if parts.left():
            yield parts.part()
    except sqlite3.Error as error:
        raise PassingError(
            f"{catalogue.name}: the temporary folder cannot be written ({error}); free space there, or set TMPDIR"
        ) from error
    if not parts.total_rows:
        raise InputError(
            f"{catalogue.name}: no products recognised: there are no rows below the header; export the catalogue again"
        )


def record_json(reader: Reader, cells: list[str]) -> str:
    """A row as JSON, so that nothing of it is lost."""
    if isinstance(reader, TableReader):
        names = reader.names
        named = {
            name or f"column {place + 1}": cell for place, (name, cell) in enumerate(zip(names, cells, strict=False))
        }
        if len(cells) > len(names):
            named["more cells"] = reader.delimiter.join(cells[len(names) :])
        return msgspec.json.encode(named).decode()
    return cells[0] if len(cells) == 1 else msgspec.json.encode(cells).decode()


Found = Product | Quarantined


def _refusal(maker: Maker, fault: Refusal) -> Quarantined:
    advice = f"{maker.file} row {fault.row}: {fault.advice}"
    return refused(maker.file, fault.row, fault.rule, fault.field, fault.found, advice, maker.record(fault.record))


def _single(reader: Reader, maker: Maker, parts: "_Parts") -> Iterator[Found]:
    """Rows that stand alone, in one pass."""
    drafts = reader.drafts()
    while some := list(islice(drafts, AT_ONCE)):
        texts = cleaned([draft for draft in some if isinstance(draft, Draft)])
        for draft in some:
            parts.rows += 1
            if isinstance(draft, Refusal):
                yield _refusal(maker, draft)
                continue
            found = maker.single(draft, next(texts))
            if isinstance(found, Quarantined) and found.rule == "title_missing" and parts.has(draft.product_id):
                parts.merged += 1  # A variant row of a product that there was.
            else:
                yield found


def _grouped(reader: Reader, maker: Maker, parts: "_Parts") -> Iterator[Found]:
    """Rows that belong together, wherever they stand: all are read before the first product is given."""
    with closing(Spool()) as spool:
        for draft in reader.drafts():
            if isinstance(draft, Refusal):
                parts.rows += 1
                yield _refusal(maker, draft)
            else:
                spool.put(draft)
        last = b""
        group: Group | None = None
        for key, draft in spool.groups():
            if key == last and group is not None:
                parts.rows += 1
                if (fault := group.add(draft)) is not None:
                    yield fault
                continue
            if group is not None:
                yield group.product()
            parts.rows += 1
            last, group = key, Group(maker, draft)
            if draft.child:  # Founders come first, so this product has none.
                yield group.product()
                group = None
        if group is not None:
            yield group.product()


class _Parts:
    """Collects what was found into parts."""

    def __init__(self, settings: Settings, seen: Seen, languages: Languages | None) -> None:
        self.size = settings.part_rows
        self.limit = settings.limit
        self.seen = seen
        self.languages = languages
        self.number = 0
        self.given = 0
        self.total_rows = 0
        self.products: list[Product] = []
        self.fresh = 0
        self.refused: list[Quarantined] = []
        self.rows = 0
        self.merged = 0

    @property
    def full(self) -> bool:
        """Whether the limit of products is reached."""
        return self.limit is not None and self.given + self.fresh >= self.limit

    @property
    def _wanted(self) -> int:
        return self.size if self.limit is None else min(self.size, self.limit - self.given)

    def has(self, product_id: str) -> bool:
        """Whether there was a product of this id."""
        own = clean_line(product_id)
        return bool(own) and (any(product.product_id == own for product in self.products) or self.seen.known(own))

    def complete_with(self, found: Found) -> bool:
        """Add a product or a refusal; tells whether there is a part now."""
        if isinstance(found, Quarantined):
            self.refused.append(found)
            if len(self.refused) < MOST_REFUSED:
                return False
        else:
            self.products.append(found)
            if len(self.products) < self._wanted:
                return False
        self._merge()
        return self.fresh >= self._wanted or len(self.refused) >= MOST_REFUSED

    def left(self) -> bool:
        """Whether rows are left over for a last part."""
        self._merge()
        return bool(self.rows)

    def _merge(self) -> None:
        """Remember the new products; duplicates are merged into the first."""
        new = self.products[self.fresh :]
        places = self.seen.remember(new)
        kept: list[Product] = []
        where: dict[int, int] = {}
        for place, (product, first) in enumerate(zip(new, places, strict=True)):
            self.merged += product.source.rows - 1
            if first == place:
                where[place] = len(kept)
                kept.append(product)
                continue
            self.merged += 1
            if first >= 0:
                kept[where[first]] = _joined(kept[where[first]], product)
        self.products[self.fresh :] = kept
        self.fresh = len(self.products)

    def part(self) -> StageResult:
        """What has been collected; the next part begins."""
        products = self.languages.name(self.products) if self.languages else self.products
        quarantined = sum(entry.source.rows for entry in self.refused)
        counts = {"rows": self.rows, "products": len(products), "merged": self.merged, "quarantined": quarantined}
        result = StageResult(
            self.number,
            [Output("products", Product, products), Output("quarantine/ingest", Quarantined, self.refused)],
            counts,
        )
        self.number += 1
        self.given += len(products)
        self.total_rows += self.rows
        self.products, self.refused, self.rows, self.merged, self.fresh = [], [], 0, 0, 0
        return result


def _joined(first: Product, duplicate: Product) -> Product:
    source = Source(file=first.source.file, row=first.source.row, rows=first.source.rows + duplicate.source.rows)
    return msgspec.structs.replace(first, source=source)
