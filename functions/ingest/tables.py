"""Tables (CSV, TSV and their kin) read as drafts: the format is told by the columns, and each row extracted by them."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from functions.ingest.columns import Column, map_columns
from functions.ingest.draft import Draft, Refusal
from functions.ingest.families import FAMILIES, Complete, hundredths
from functions.ingest.names import bare, norm
from functions.ingest.rows import Rows, UnclosedError, find_shape
from functions.ingest.source import Catalogue, Dialect

DRAFT_FIELDS = (
    "product_id",
    "title",
    "description",
    "short",
    "category",
    "brand",
    "price",
    "sale",
    "currency",
    "image",
    "link",
    "language",
)


class Format(msgspec.Struct, frozen=True):
    """A table format of `formats.toml`."""

    name: str
    all: list[str] = []
    any: list[str] = []
    values: list[str] = []
    key: str = ""
    carry: bool = False
    below: bool = False
    ignored: list[str] = []
    child: dict[str, Any] = {}
    fields: dict[str, list[str]] = {}
    split: str = ""
    family: str = ""


@cache
def formats() -> list[Format]:
    """The formats, in the order in which they are tried."""
    data = tomllib.loads((Path(__file__).parent / "formats.toml").read_text(encoding="utf-8"))
    return msgspec.convert(data["format"], list[Format])


def find_format(names: list[str], sample: Sequence[Sequence[str]]) -> tuple[Format, int | None]:
    """The first format that fits, with the column that holds the kinds of rows."""
    have = {norm(name) for name in names} | {bare(name) for name in names}
    for form in formats():
        kind = _kind_column(form, names, sample)
        if form.values and kind is None:
            continue
        if all(have & set(name.split("|")) for name in form.all) and (not form.any or have & set(form.any)):
            return form, kind
    raise AssertionError("the last format fits everything")


def _kind_column(form: Format, names: list[str], sample: Sequence[Sequence[str]]) -> int | None:
    """The column whose values are all of the format's words, or the one that it names."""
    if form.values:
        words = set(form.values)
        for place in range(len(names)):
            seen = {part.strip().lower().replace("-", "") for row in sample for part in row[place].split(",")} - {""}
            if seen <= words and seen - {*form.child.get("values", ())}:  # Variants alone are any shop's.
                return place
        return None
    named = form.child.get("column", "").split("|")
    return next((place for place, name in enumerate(names) if name and norm(name) in named), None)


class TableReader:
    """A table as drafts.

    Attributes:
        format: name of what was recognised.
        grouped: whether rows may belong together, so that all must be read before the first product is whole.
    """

    def __init__(self, catalogue: Catalogue, dialect: Dialect, wanted: dict[str, str]) -> None:
        self.shape, sample = find_shape(catalogue, dialect, wanted)
        self.rows = Rows(catalogue, dialect, self.shape)
        self.names = self.shape.header
        self.form, kind = find_format(self.names, sample)
        self.kind = kind
        self.mapping = map_columns(catalogue.name, self.names, sample, wanted, self.form.fields)
        self.key = self.mapping.place(*self.form.key.split("|")) if self.form.key else None
        self.complete: Complete | None = FAMILIES[self.form.family](self.mapping) if self.form.family else None
        if self.mapping.in_cents:
            self.complete = hundredths(self.complete)
        if self.key is not None and self.key not in self.mapping.fields.values():
            self.mapping.other[self.key] = "key"
        if kind is not None:
            self.mapping.other[kind] = "kind"
        dropped = {place for place, name in enumerate(self.names) if {norm(name), bare(name)} & {*self.form.ignored}}
        self.mapping.attributes = [
            pair for pair in self.mapping.attributes if pair[0] not in self.mapping.other and pair[0] not in dropped
        ]
        tabbed = self.shape.delimiter == "\t"
        self.format = self.form.name.replace("CSV", "TSV") if tabbed else self.form.name
        belong = self.key is not None or bool(self.form.child) or self.form.family in {"feed", "parented"}
        self.grouped = (belong and not self._plain()) or self._has_children(sample)

    @property
    def delimiter(self) -> str:
        return self.shape.delimiter

    @property
    def columns(self) -> list[Column]:
        return self.mapping.report()

    def _plain(self) -> bool:
        """A feed in which nothing is grouped, as far as can be seen, is read row by row."""
        if self.form.family != "feed":
            return False
        return "group" not in self.mapping.fields or self.mapping.filled[self.mapping.fields["group"]] == 0

    def _has_children(self, sample: Sequence[Sequence[str]]) -> bool:
        """Whether a row without a title follows one with its id: the mark of variants in any export."""
        place, title = self.mapping.fields.get("product_id"), self.mapping.fields["title"]
        if place is None:
            return False
        return any(
            row[place].strip() and row[place] == above[place] and not row[title].strip()
            for above, row in pairwise(sample)
        )

    def drafts(self) -> Iterator[Draft | Refusal]:
        """A draft, or the reason for none, for each row that is not blank."""
        width = len(self.names)
        make = self._maker()
        complete = self.complete
        try:
            for number, cells in self.rows:
                if len(cells) != width:
                    if len(cells) > width and any(map(str.strip, cells[width:])):
                        yield self._too_long(number, cells)
                        continue
                    cells = cells[:width] + [""] * (width - len(cells))
                draft = make(number, cells)
                if complete is not None and (aliases := complete(draft, cells)):
                    draft.aliases = list(aliases)
                yield draft
        except UnclosedError as fault:
            advice = f"the quotation mark opened at line {fault.line} is never closed; close it, or export again"
            yield Refusal(fault.row, "quote_unclosed", "", fault.record[-1][:200], advice, fault.record)

    def _too_long(self, number: int, cells: list[str]) -> Refusal:
        advice = (
            f"the row has {len(cells)} cells and the header {len(self.names)};"
            " put quotation marks around cells that hold the separator"
        )
        return Refusal(number, "row_too_long", "", self.delimiter.join(cells[len(self.names) :]), advice, cells)

    def _maker(self) -> Callable[[int, list[str]], Draft]:
        """A function from row number and cells to a draft, its column places looked up once."""
        fields = self.mapping.fields
        # One empty cell behind the row's own stands for every field that the catalogue has not.
        pick: Callable[[list[str]], Any] = itemgetter(*(fields.get(name, -1) for name in DRAFT_FIELDS))
        attributes, pairs, split = self.mapping.attributes, self.mapping.pairs, self.form.split
        key, carry, below, title_place, kind = self.key, self.form.carry, self.form.below, fields["title"], self.kind
        kinds = frozenset(self.form.child.get("values", ()))
        id_place = fields.get("product_id", -1)
        keyed = self.grouped and key is None
        draft: Callable[..., Draft] = Draft  # By place, which is faster than by name.
        above = ""

        def make(number: int, cells: list[str]) -> Draft:
            nonlocal above
            full = [*cells, ""]
            found = [(name, full[place]) for place, name in attributes if full[place]] if attributes else []
            options = _options(full, pairs) if pairs else []
            own = full[key].strip() if key is not None else full[id_place].strip() if keyed else ""
            if carry:
                own = above = own or above
            child = _is_kind(full[kind], kinds) if kind is not None else bool(own) and not full[title_place].strip()
            if below:
                own = above = above if child else own or f"row {number}"
            return draft(number, own, child, *pick(full), found, options, cells, [], split)

        return make


def _options(cells: list[str], pairs: list[tuple[int, int, int]]) -> list[tuple[int, str, str]]:
    return [(slot, cells[name].strip(), cells[value].strip()) for slot, name, value in pairs if cells[value].strip()]


def _is_kind(cell: str, kinds: frozenset[str]) -> bool:
    return any(part.strip().lower().replace("-", "") in kinds for part in cell.split(","))
