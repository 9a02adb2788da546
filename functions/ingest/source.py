"""A catalogue's bytes, and by looking at them what it is."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import IO

import msgspec

from functions.common.errors import InputError, NotFoundError
from functions.common.records import Record
from functions.ingest.encoding import find_encoding

# First bytes of files that are no text: what they are, and what to do instead.
BINARY = (
    (
        b"PK\x03\x04",
        "a spreadsheet (XLSX, ODS) or ZIP archive",
        "save the sheet as CSV (UTF-8), or unpack the archive, and give that file",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (XLS)", "save the sheet as CSV (UTF-8) and give that file"),
    (b"\x89PNG", "a PNG image", "give the catalogue exported as CSV, TSV, JSON, YAML or XML"),
    (b"\xff\xd8\xff", "a JPEG image", "give the catalogue exported as CSV, TSV, JSON, YAML or XML"),
    (b"GIF8", "a GIF image", "give the catalogue exported as CSV, TSV, JSON, YAML or XML"),
    (b"%PDF", "a PDF document", "export the catalogue as CSV from where the PDF was made"),
    (b"\x1f\x8b", "a gzip archive", "unpack it with gunzip and give the file inside"),
    (b"BZh", "a bzip2 archive", "unpack it and give the file inside"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it and give the file inside"),
    (b"Rar!", "a RAR archive", "unpack it and give the file inside"),
    (b"PAR1", "a Parquet file", "export the catalogue as CSV or JSON Lines"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
)
SHEET = re.compile(
    r"(?:<[?!][^>]*>\s*)*<(?:\w+:)?(?:html|workbook)\b[^>]*urn:schemas-microsoft-com:office",
)
"""The root of a sheet kept as XML or HTML; the same address within a text is only what was pasted from Word."""
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
ENTRY = re.compile(r"\s*-\s+(?:&\w+\s+)?(?:\{|(?:[\w .'\"-]{1,80}|[^\W\d][\w .]*)\s*:(?:\s|$))")
PAIR = re.compile(r"[\w'\"][\w .'\"-]{0,60}:(?:\s|$)")
INNER = re.compile(r"\s+[\w'\"][\w .'\"-]*:\s")
KEY = re.compile(r"[\w'\"][\w .'\"-]{0,60}:\s*(?:$|#)")


class Catalogue:
    """A catalogue that can be read from its beginning as often as needed.

    Args:
        name: as the user knows it; shown in messages and kept in `Source.file`.
        opener: gives a new binary stream over the same bytes at each call.
    """

    def __init__(self, name: str, opener: Callable[[], IO[bytes]]) -> None:
        self.name = name
        self.opener = opener
        self.dialect: Dialect | None = None

    @classmethod
    def of(cls, path: Path) -> "Catalogue":
        """The catalogue in a local file.

        Raises:
            NotFoundError: no file is there.
            InputError: it is a folder, or may not be read.
        """
        if not path.exists():
            raise NotFoundError(f"{path}: no such file; name the catalogue to read")
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name the catalogue file in it")
        return cls(path.name, lambda: path.open("rb"))

    def open(self) -> IO[bytes]:
        """A new stream over the bytes."""
        try:
            return self.opener()
        except OSError as error:
            raise InputError(
                f"{self.name}: cannot be read ({error.strerror}); check the file and its permissions"
            ) from error


class Dialect(Record, frozen=True, kw_only=True):
    """What the bytes of a catalogue are.

    Attributes:
        syntax: ``table``, ``json``, ``jsonl``, ``yaml`` or ``xml``; the shop's format is told by the columns.
        encoding: Python codec, as it is shown; ``errors`` is how it decodes.
        evidence: in words, what it was told by.
        mended: whether faults that have one meaning are read by it (NaN in JSON).
    """

    syntax: str
    encoding: str
    errors: str
    evidence: str
    mended: bool = False


def recognise(catalogue: Catalogue) -> Dialect:
    """Look at a catalogue's bytes; one pass over the file, the answer kept with the catalogue.

    Raises:
        InputError: it is empty, no text, or an HTML page.
    """
    if catalogue.dialect is None:
        catalogue.dialect = _look(catalogue)
    return catalogue.dialect


def _look(catalogue: Catalogue) -> Dialect:
    with catalogue.open() as stream:
        found = find_encoding(stream)
    if not found.size or not found.start.strip(b"\x00\t\r\n \xef\xbb\xbf\xff\xfe"):
        raise InputError(f"{catalogue.name}: the file is empty; export the catalogue again")
    _refuse_binary(catalogue.name, found.start, found.name)
    text = found.start.decode(found.name, "replace").lstrip("\ufeff \t\r\n")
    lower = text[:2000].lower()
    if SHEET.match(lower):
        raise InputError(
            f"{catalogue.name}: is a table that a spreadsheet program keeps as XML or HTML, not a text catalogue;"
            " open it there, save the sheet as CSV (UTF-8), and give that file"
        )
    if lower.startswith(("<!doctype html", "<html")) or ("<html" in lower and "<body" in text.lower()):
        raise InputError(
            f"{catalogue.name}: is an HTML page, not a catalogue (perhaps a log-in page was saved);"
            " download the feed or export itself"
        )
    syntax, seen = _syntax(text)
    return Dialect(syntax=syntax, encoding=found.name, errors=found.errors, evidence=f"{seen}; {found.evidence}")


def _refuse_binary(name: str, start: bytes, encoding: str) -> None:
    for mark, what, advice in BINARY:
        if start.startswith(mark):
            raise InputError(f"{name}: is {what}, not a text catalogue; {advice}")
    if start[:4096].startswith((b"RIFF", b"\x00\x00\x00")) or (
        not encoding.startswith(("utf-16", "utf-32")) and len(CONTROL.findall(start[:4096])) * 20 > len(start[:4096])
    ):
        raise InputError(
            f"{name}: is a binary file, not a text catalogue; give it exported as CSV, TSV, JSON, YAML or XML"
        )


def _syntax(text: str) -> tuple[str, str]:
    """The syntax and what shows it, from a text without leading white space."""
    if text.startswith("<"):
        return "xml", "begins with an XML tag"
    if _is_lines(text):
        return "jsonl", "a JSON object on each line"
    if text.startswith("{") or re.match(r"\[\s*(?:[\[{\"\]]|-?\d|null|true|false|$)", text):
        return "json", f"begins with {text[0]}"
    lines = [line for line in text.splitlines()[:60] if line.strip() and not line.lstrip().startswith("#")]
    body = [line for line in lines if line.strip() != "---" and not line.startswith("%YAML")]
    if body and ENTRY.match(body[0]) and ("{" in body[0] or not _comma_header(body[0])):
        return "yaml", "a list of keyed entries, each behind a dash"
    nested = any(KEY.match(line) and (ENTRY.match(below) or INNER.match(below)) for line, below in pairwise(body))
    if body and PAIR.match(body[0]) and nested:
        return "yaml", "keys with nested entries"
    return "table", "rows of separated cells"


def _comma_header(line: str) -> bool:
    return any(line.count(sign) >= 3 for sign in ",;\t|")


def _is_lines(text: str) -> bool:
    """Whether a text is JSON Lines: most of its first lines are objects by themselves."""
    if not text.startswith("{"):
        return False
    lines = [line for line in text.split("\n")[:6] if line.strip()]
    if len(lines) < 2:
        return False
    whole = sum(_is_object(line) for line in lines)
    return whole >= 2 or (whole == 1 and len(lines) == 2 and lines[1].lstrip().startswith("{"))


def _is_object(line: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(line.encode("utf-8", "replace")), dict)
    except (msgspec.DecodeError, RecursionError):
        return False
