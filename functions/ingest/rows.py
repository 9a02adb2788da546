"""Rows of a separated table, whatever its delimiter, with its header found among what may stand above it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from functions.common.errors import InputError
from functions.ingest.money import PLAIN
from functions.ingest.names import field_rank, norm, table
from functions.ingest.source import Catalogue, Dialect

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_CHARS = 1 << 18
SAMPLE_ROWS = 200
BLOCK_CHARS = 1 << 16
FIELD_LIMIT = 2_000_000
"""The most characters in one cell; a longer one is a quotation mark that is never closed."""


class Records(Protocol):
    """What `csv.reader` gives; ``line_num`` is how many lines the records so far took."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


@dataclass(frozen=True)
class Shape:
    """How a table is written.

    Attributes:
        quoting: whether quotation marks group cells; Merchant TSV has none.
        skip: records above the header: blank ones, comments, ``sep=``.
        header: names of the columns.
    """

    delimiter: str
    quoting: bool
    skip: int
    header: list[str]

    def reader(self, lines: Iterable[str]) -> Records:
        """The records in some lines."""
        return _reader(lines, self.delimiter, self.quoting)


class UnclosedError(Exception):
    """The file ends inside a quoted cell; holds the record as far as it went."""

    def __init__(self, row: int, record: list[str], line: int) -> None:
        super().__init__(line)
        self.row = row
        self.record = record
        self.line = line


@contextmanager
def lines(catalogue: Catalogue, dialect: Dialect) -> Iterator[io.TextIOWrapper]:
    """The catalogue's text, line ends untouched."""
    with (
        catalogue.open() as raw,
        io.TextIOWrapper(raw, encoding=dialect.encoding, errors=dialect.errors, newline="") as text,
    ):
        yield text


def find_shape(catalogue: Catalogue, dialect: Dialect, wanted: dict[str, str]) -> tuple[Shape, list[list[str]]]:
    """The table's shape, with some of its rows.

    Raises:
        InputError: there is no row with column names.
    """
    with lines(catalogue, dialect) as text:
        sample = text.read(SAMPLE_CHARS)
    if len(sample) == SAMPLE_CHARS:
        sample = sample[: sample.rfind("\n") + 1] or sample
    told = re.match(r"\ufeff?\s*\"?sep=(.)\"?\s*\r?\n", sample, re.I)
    best: tuple[float, Shape, list[list[str]]] | None = None
    for delimiter in [told.group(1)] if told else DELIMITERS:
        quoting = _quotes(sample, delimiter)
        records = _records(sample, delimiter, quoting)
        place = _header_place(records, wanted)
        if place is None:
            continue
        header = [name.strip().strip("\ufeff").strip() for name in records[place]]
        body = [record for record in records[place + 1 :] if any(cell.strip() for cell in record)]
        even = sum(1 for record in body if len(record) == len(header)) / max(len(body), 1)
        score = _recognised(header, wanted) * 3 + (2 * even if len(header) > 1 else 0) + min(len(header), 20) / 20
        if best is None or score > best[0]:
            best = (score, Shape(delimiter, quoting, place, _trimmed(header)), body[:SAMPLE_ROWS])
    if best is None:
        raise InputError(f"{catalogue.name}: there is no row with column names; give a catalogue with a header row")
    return best[1], [fitted(record, len(best[1].header)) for record in best[2]]


def _trimmed(header: list[str]) -> list[str]:
    """Without the unnamed columns at its end that trailing separators make."""
    while len(header) > 1 and not header[-1]:
        header = header[:-1]
    return header


def _quotes(sample: str, delimiter: str) -> bool:
    """Whether the file quotes cells: always, except a tab-separated one in which no cell is quoted from end to end."""
    if delimiter != "\t":
        return True
    return bool(re.search(r'(?:^|\t)"(?:[^"\t]|"")*"(?:\t|\r?$)', sample, re.M))


def _records(sample: str, delimiter: str, quoting: bool) -> list[list[str]]:
    found: list[list[str]] = []
    try:
        for record in _reader(io.StringIO(sample, newline=""), delimiter, quoting):
            found.append(record)
            if len(found) > SAMPLE_ROWS + 40:
                break
    except csv.Error:
        pass  # Told with its row when the rows are read.
    return found


def _reader(lines: Iterable[str], delimiter: str, quoting: bool) -> Records:
    csv.field_size_limit(FIELD_LIMIT)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE)


def _recognised(cells: list[str], wanted: dict[str, str]) -> int:
    """How many cells are names of columns."""
    known = table()
    asked = {norm(name) for name in wanted.values()}
    count = 0
    for cell in cells:
        if len(cell) > 100:
            continue
        normal = norm(cell)
        if normal and (
            normal in asked
            or normal in known.attributes
            or any(field_rank(name, cell) is not None for name in known.fields)
        ):
            count += 3 if normal in asked else 1
    return count


def _header_place(records: list[list[str]], wanted: dict[str, str]) -> int | None:
    """The record with the most column names among the first that hold anything."""
    candidates: list[tuple[int, int]] = []
    for place, record in enumerate(records[:40]):
        filled = [cell for cell in record if cell.strip()]
        if (
            not filled
            or record[0].lstrip("\ufeff \t").startswith("#")
            or re.fullmatch(r"\ufeff?\"?sep=.?\"?", record[0].strip(), re.I)
        ):
            continue
        candidates.append((_recognised(record, wanted), place))
        if len(candidates) == 6:
            break
    if not candidates:
        return None
    most = max(count for count, _ in candidates)
    first = candidates[0]
    # A row further down is the header only where what stands above it is none: data may hold a word or two like names.
    place = first[1] if first[0] >= 2 or most < 2 else next(place for count, place in candidates if count == most)
    return _lowest(records, place, wanted)


def _lowest(records: list[list[str]], place: int, wanted: dict[str, str]) -> int:
    """The last of several headers: Amazon's templates have names for people, and below them names for machines."""
    while place + 1 < len(records):
        filled = [cell for cell in records[place + 1] if cell.strip()]
        known = _recognised(filled, wanted)
        if known < 3 or known * 2 < len(filled) or any(map(PLAIN.fullmatch, filled)):
            break
        place += 1
    return place


def fitted(record: list[str], width: int) -> list[str]:
    """A record as long as the header: empty cells added, or empty ones at its end dropped."""
    if len(record) < width:
        return record + [""] * (width - len(record))
    return record[:width]


class Rows:
    """The data rows of a table with their numbers; wholly blank rows keep their number and are passed over."""

    def __init__(self, catalogue: Catalogue, dialect: Dialect, shape: Shape) -> None:
        self.catalogue = catalogue
        self.dialect = dialect
        self.shape = shape

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Row number and cells.

        Raises:
            UnclosedError: in place of the last row, where its quotation mark is never closed.
            InputError: a cell is longer than `FIELD_LIMIT`.
        """
        with lines(self.catalogue, self.dialect) as text:
            guard = _Guard(text)
            yield from self._numbered(self.shape.reader(chain.from_iterable(guard.blocks())), guard)

    def _numbered(self, reader: Records, guard: "_Guard") -> Iterator[tuple[int, list[str]]]:
        number = -self.shape.skip - 1
        last: list[str] = []
        try:
            for record in reader:
                if guard.ended and self.shape.quoting and guard.open_quotes():
                    last = record
                    break
                guard.done = reader.line_num
                number += 1
                if number > 0 and record and (record[0].strip() or any(map(str.strip, record))):
                    yield number, record
        except csv.Error as error:
            raise InputError(
                f"{self.catalogue.name} row {max(number + 1, 1)}: a cell is longer than {FIELD_LIMIT:,} characters"
                f" ({error}); a quotation mark near line {guard.done + 1} is probably not closed:"
                " close it, or export again"
            ) from error
        if last:
            raise UnclosedError(number + 1, last, guard.done + 1)


class _Guard:
    """Passes lines on, keeping those of the record at hand, so that an end inside quotation marks is noticed.

    Attributes:
        done: lines of the records that are whole.
        ended: whether more lines were asked for than there are.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.done = 0
        self.ended = False
        self._kept: list[str] = []
        self._first = 0

    def blocks(self) -> Iterator[list[str]]:
        """The lines, many at a time: a step of Python for each line would take as long as to split it into cells."""
        while block := self.text.readlines(BLOCK_CHARS):
            self._kept = self._at_hand() + block
            self._first = self.done
            yield block
        self.ended = True

    def open_quotes(self) -> bool:
        """Whether the record at hand has a quotation mark too many, or one too few."""
        return sum(line.count('"') for line in self._at_hand()) % 2 == 1

    def _at_hand(self) -> list[str]:
        return self._kept[self.done - self._first :]
