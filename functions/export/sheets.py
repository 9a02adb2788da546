"""Creatives and quarantine as JSON Lines and CSV."""

import csv
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, get_args

import msgspec

from functions.common.batches import Batch
from functions.common.platforms import Platform
from functions.common.records import Creative, Field, Finding, Measures
from functions.common.storage import Store
from functions.export.reading import STAGES, Tally, products, refused

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""First characters that make a spreadsheet calculate a cell: https://owasp.org/www-community/attacks/CSV_Injection."""


class ExportedCreative(Creative, frozen=True, kw_only=True):
    """A creative with what a reader needs of its product.

    Attributes:
        product_title: the product's title.
        image_url: address of the product's main image, or empty.
        link: address of the product's page, or empty.
    """

    product_title: str
    image_url: str
    link: str


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes become the file once all of them are on disk; after a fault the old file stands."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with staged.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def write_jsonl(store: Store, batch: Batch, path: Path) -> None:
    """Every creative as a line of JSON, with all its fields: the export that loses nothing."""
    encoder = msgspec.json.Encoder()
    with replacing(path) as stream:
        for creative in exported(store, batch):
            stream.write(encoder.encode(creative) + b"\n")


def exported(store: Store, batch: Batch) -> Iterator[ExportedCreative]:
    """Every creative with its product's title and addresses, in the catalogue's order."""
    for product, ads in products(store, batch):
        for ad in ads:
            fields = {name: getattr(ad, name) for name in Creative.__struct_fields__}
            yield ExportedCreative(
                **fields, product_title=product.title, image_url=product.image_url, link=product.link
            )


def write_csv(store: Store, batch: Batch, totals: Tally, path: Path) -> None:
    """Every creative as a row: its status first, then its texts, its score and where it comes from."""
    columns = text_columns(batch.platforms, totals)
    texts = [f"{name}_{number}" for name, width in columns.items() for number in range(1, width + 1)]
    before = ["product_id", "product_title", "platform", "status", "score"]
    after = ["findings", *Measures.__struct_fields__, "language", "link", "image_url", "creative_id"]
    versions = ["model_version", "prompt_version", "brand_version"]
    rows = (
        [getattr(ad, name) for name in before]
        + [text for name, width in columns.items() for text in padded(ad.fields.get(name, []), width)]
        + ["\n".join(map(told, ad.findings))]
        + [getattr(ad.measures, name, None) for name in Measures.__struct_fields__]
        + [getattr(ad, name) for name in (*after[-4:], *versions)]
        for ad in exported(store, batch)
    )
    write_table(path, before + texts + after + versions, rows)


def write_quarantine(store: Store, batch: Batch, path: Path) -> None:
    """Every refused row with the rule that it broke, what was found, and what to do."""
    rows = (
        [row.source.file, row.source.row, stage, row.rule, row.field, row.found, row.advice, row.record]
        for stage in STAGES
        for row in refused(store, batch, stage)
    )
    write_table(path, ["file", "row", "stage", "rule", "field", "found", "advice", "record"], rows)


def text_columns(among: list[Platform], totals: Tally) -> dict[Field, int]:
    """Field -> columns: as many as the platforms ask for at least, or as any ad has."""
    needed = {
        name: max([totals.widths.get(name, 0), *(p.fields[name].min for p in among if name in p.fields)])
        for name in get_args(Field)
    }
    return {name: width for name, width in needed.items() if width}


def write_table(path: Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    """A CSV that Excel opens rightly: UTF-8 with a byte order mark, every cell quoted, none of them a formula."""
    with replacing(path) as stream:
        stream.write(b"\xef\xbb\xbf")
        writer = csv.writer(_Encoded(stream), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows([cell(value) for value in row] for row in rows)


class _Encoded:
    """The text side of a binary stream, as far as `csv.writer` needs it; `io.TextIOWrapper` would close the stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode())


def cell(value: object) -> str:
    """A value as a spreadsheet shows it, with ``'`` before what it would otherwise calculate."""
    text = "" if value is None else str(value)
    # Spaces before the sign do not stop every spreadsheet.
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


def told(finding: Finding) -> str:
    """A finding in one line: ``headline: names a price (found "9.99") [price_claim]``."""
    field = f"{finding.field}: " if finding.field else ""
    found = f' (found "{finding.found}")' if finding.found else ""
    return f"{field}{finding.message}{found} [{finding.rule}]"


def padded(texts: list[str], width: int) -> list[str]:
    """The texts, filled up with empty ones."""
    return texts + [""] * (width - len(texts))
