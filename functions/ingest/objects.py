"""Catalogues of items (JSON, JSON Lines, YAML, XML) read as drafts, with keys mapped as columns are."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from functions.common.errors import InputError
from functions.ingest import jsonread, saleor, wxr, xmlread, yamlread
from functions.ingest.columns import Column, Mapping, map_columns
from functions.ingest.draft import Draft, Refusal
from functions.ingest.families import Complete, feed, hundredths
from functions.ingest.items import Flat, flatten
from functions.ingest.names import field_near, field_rank, norm
from functions.ingest.source import Catalogue, Dialect

SAMPLE = 200
NAMED = (
    ("Shopify Admin JSON", {"bodyhtml", "variants"}),
    ("Shopify GraphQL JSON", {"descriptionhtml", "variants"}),
    ("WooCommerce REST JSON", {"permalink", "regularprice"}),
    ("DummyJSON", {"thumbnail", "discountpercentage"}),
    ("Fake Store JSON", {"title", "price", "category", "image", "rating"}),
)
Numbered = tuple[int, Any, str]


class ItemReader:
    """Items as drafts.

    Attributes:
        format: name of what was recognised.
        grouped: whether items may belong together.
    """

    delimiter = ""

    def __init__(self, catalogue: Catalogue, dialect: Dialect, wanted: dict[str, str], currency: str | None) -> None:
        self.catalogue = catalogue
        self.dialect = dialect
        self.currency = currency
        self.special = ""
        self.format, self.items = self._open(frozenset(wanted.values()))
        sample = [value for _, value, fault in islice(self.items(), SAMPLE) if not fault]
        if sample and dialect.syntax == "json" and set(sample[0]) >= saleor.KEYS:
            self.special, self.format = "saleor", "Saleor fixture JSON"
        self.grouped = self.special == "wxr"
        self.mapping = Mapping([])
        self.keys: list[str] = []
        self.complete: Complete | None = None
        if not self.special:
            self._map(sample, wanted)

    def _open(self, wanted: frozenset[str]) -> tuple[str, Callable[[], Iterator[Numbered]]]:
        """Check the whole file, find its items, and say what it is."""
        catalogue, dialect = self.catalogue, self.dialect
        if dialect.syntax == "xml":
            layout = xmlread.survey(catalogue, wanted)
            self.special = "wxr" if layout.wordpress else ""
            return layout.format, lambda: _numbered(xmlread.items(catalogue, layout))
        if dialect.syntax == "yaml":
            for _ in yamlread.items(catalogue, dialect):
                pass
            return "YAML list", lambda: _numbered(yamlread.items(catalogue, dialect))
        if dialect.syntax == "jsonl":
            return "JSON Lines", lambda: jsonread.line_items(catalogue, dialect)
        dialect = jsonread.check(catalogue, dialect)
        place = jsonread.find_items(catalogue, dialect, wanted)
        return "JSON list of products", lambda: _numbered(jsonread.items(catalogue, dialect, place))

    def _map(self, sample: list[Any], wanted: dict[str, str]) -> None:
        flats = [flatten(item) for item in sample]
        names = list(dict.fromkeys(name for flat in flats for name in flat.cells))
        rows = [[flat.cells.get(name, "") for name in names] for flat in flats]
        if not flats:
            raise InputError(f"{self.catalogue.name}: holds no items, so no products; export the catalogue again")
        self.mapping = map_columns(self.catalogue.name, names, rows, wanted, {})
        self.keys = names
        have = {norm(name) for item in sample for name in item}
        if self.dialect.syntax in {"json", "jsonl"}:
            self.format = next((name for name, keys in NAMED if keys <= have), self.format)
        group = self.mapping.fields.get("group")
        if group is not None and self.mapping.filled[group] > 0:
            self.complete = feed(self.mapping)
            self.grouped = True
        if self.mapping.in_cents:
            self.complete = hundredths(self.complete)

    @property
    def columns(self) -> list[Column]:
        special = {"wxr": wxr.columns, "saleor": saleor.columns}
        return special[self.special]() if self.special else self.mapping.report()

    def drafts(self) -> Iterator[Draft | Refusal]:
        """A draft, or the reason for none, for each item."""
        if self.special == "wxr":
            yield from wxr.drafts(value for _, value, _ in self.items())
        elif self.special == "saleor":
            yield from saleor.drafts(lambda: (value for _, value, _ in self.items()), self.currency)
        else:
            yield from (
                self._draft(number, value) if not fault else _fault(number, value, fault)
                for number, value, fault in self.items()
            )

    def _draft(self, number: int, item: dict[str, Any]) -> Draft:
        flat = flatten(item)
        cells = [flat.cells.get(name, "") for name in self.keys]
        full = [*cells, ""]
        draft = Draft(number, options=flat.options, prices=flat.prices, split=",")
        for name, place in self.mapping.fields.items():
            if name != "group":
                setattr(draft, name, full[place])
        if not draft.currency:  # It may stand within a price, where no key of its own holds it.
            inner = (text for name, text in flat.cells.items() if name.endswith(".currency"))
            draft.currency = next(filter(None, inner), "")
        if not draft.title.strip():
            _compound_title(draft, flat.cells)
        if flat.attributes:
            _fields_from_attributes(draft, flat)
        own = [(name, full[place]) for place, name in self.mapping.attributes if full[place]]
        draft.attributes = own + flat.attributes
        draft.record = [msgspec.json.encode(item, enc_hook=str).decode()]
        if self.complete is not None:
            draft.aliases = list(self.complete(draft, cells))
            draft.options = draft.options or flat.options
        return draft


def _compound_title(draft: Draft, cells: dict[str, str]) -> None:
    """Name an offer that has no name in the way of Yandex Market: by its kind, its maker and its model."""
    if model := cells.get("model", "").strip():
        draft.title = " ".join(filter(None, (cells.get("typePrefix"), cells.get("vendor"), model)))
        draft.category = "" if draft.category == "vendor.model" else draft.category


@lru_cache(maxsize=4096)
def _names(what: str, attribute: str) -> bool:
    """Whether an attribute is a field; one called contents says what is in the box, and describes nothing."""
    return field_rank(what, attribute) is not None and (what != "description" or field_near(what, attribute))


def _fields_from_attributes(draft: Draft, flat: Flat) -> None:
    """Take brand and texts from where Ceneo and Magento keep them, among the attributes."""
    for what in ("brand", "description", "short"):
        if getattr(draft, what).strip():
            continue
        found = next((pair for pair in flat.attributes if _names(what, pair[0])), None)
        if found is not None:
            setattr(draft, what, found[1])
            flat.attributes.remove(found)


def _numbered(values: Iterator[Any]) -> Iterator[Numbered]:
    for number, value in enumerate(values, 1):
        yield number, value, "" if isinstance(value, dict) else "is not an object"


def _fault(number: int, value: Any, fault: str) -> Refusal:
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    advice = f"the item {fault}; write it as an object with a title"
    return Refusal(number, "item_form", "", text, advice, [text[:100_000]])
