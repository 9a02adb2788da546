"""The files that a batch is handed over as."""

from dataclasses import dataclass
from pathlib import Path

from functions.common.batches import Batch
from functions.common.errors import InputError
from functions.common.records import Status
from functions.common.storage import Store
from functions.export.page import write_report
from functions.export.reading import tally
from functions.export.sheets import write_csv, write_jsonl, write_quarantine

NAMES = ("creatives.jsonl", "creatives.csv", "quarantine.csv", "report.html")

PRODUCTS_SHOWN = 2000
"""Products that the report holds: about 16,000 creatives, which a browser still filters at once."""


@dataclass(frozen=True)
class Exports:
    """What was written.

    Attributes:
        jsonl, csv: every creative, one a line or row.
        quarantine: every refused row, with what to do about it.
        report: the page to open.
        products: products that passed validation; ``shown``: how many of them the report holds.
        creatives: ads in all.
        quarantined: rows and products that were refused.
        counts: platform -> status -> ads, platforms in the order of ``platforms.toml``.
    """

    jsonl: Path
    csv: Path
    quarantine: Path
    report: Path
    products: int
    shown: int
    creatives: int
    quarantined: int
    counts: dict[str, dict[Status, int]]


def write_exports(store: Store, batch: Batch, out: Path, *, products_shown: int = PRODUCTS_SHOWN) -> Exports:
    """Write a batch's creatives, quarantine and report into a folder; files of these names are replaced.

    The same records give the same bytes. One part is in memory at a time, whatever the batch's size.

    Args:
        store: where the batch is kept.
        batch: the batch, scored or not.
        out: the folder, made where it is missing.
        products_shown: products that the report holds; the other files hold all.

    Raises:
        InputError: the folder cannot be written to, or the batch's parts do not fit together.
    """
    jsonl, csv, quarantine, report = (out / name for name in NAMES)
    totals = tally(store, batch)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_jsonl(store, batch, jsonl)
        write_csv(store, batch, totals, csv)
        write_quarantine(store, batch, quarantine)
        shown = write_report(store, batch, totals, report, products_shown)
    except OSError as error:
        where = error.filename or out
        raise InputError(f"{where}: the exports cannot be written ({error.strerror}); name another folder") from error
    return Exports(
        jsonl=jsonl,
        csv=csv,
        quarantine=quarantine,
        report=report,
        products=totals.products,
        shown=shown,
        creatives=totals.creatives,
        quarantined=totals.quarantined,
        counts=totals.counts,
    )
