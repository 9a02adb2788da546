"""Validate: products that keep the contract go on; the others go to quarantine with rule, value and advice."""

from collections.abc import Sequence

import msgspec
import polars as pl

from functions.common.batches import Output, Part, StageResult
from functions.common.records import Product, Quarantined
from functions.common.tables import to_frame
from functions.validate.contract import Rule, broken


def run(part: Part[Product]) -> StageResult:
    """Hold a part's products against the contract; what one of them breaks says nothing of the others.

    products == validated + quarantined; ``rows_quarantined`` are the catalogue's rows behind the quarantined products.
    """
    return run_all([part])[0]


def run_all(parts: Sequence[Part[Product]]) -> list[StageResult]:
    """`run` for several parts at once, which asks the contract's questions but once."""
    tables = [to_frame(part.records, Product) for part in parts if part.records]
    faults = broken(pl.concat(tables)) if tables else []
    results, start = [], 0
    for part in parts:
        end = start + len(part.records)
        results.append(_result(part, {place - start: rule for place, rule in faults if start <= place < end}))
        start = end
    return results


def _result(part: Part[Product], faults: dict[int, Rule]) -> StageResult:
    """What becomes of a part, from the broken rule of each product that breaks one."""
    refused = [_entry(part.records[place], rule) for place, rule in faults.items()]
    valid = [product for place, product in enumerate(part.records) if place not in faults] if faults else part.records
    counts = {
        "products": len(part.records),
        "validated": len(valid),
        "quarantined": len(refused),
        "rows_quarantined": sum(entry.source.rows for entry in refused),
    }
    return StageResult(
        part.number, [Output("validated", Product, valid), Output("quarantine/validate", Quarantined, refused)], counts
    )


def _entry(product: Product, rule: Rule) -> Quarantined:
    value = getattr(product, rule.field)
    found = "" if value is None else str(value)
    shown = found if len(found) <= 200 else found[:199] + "…"
    source = product.source
    place = f"{source.file} row {source.row}: {rule.field.replace('_', ' ')} "
    quoted = f'"{found[:60]}{"…" if len(found) > 60 else ""}" ' if found else ""
    return Quarantined(
        source=source, rule=rule.name, field=rule.field, found=shown, advice=f"{place}{quoted}{rule.advice}",
        record=msgspec.json.encode(product).decode(),
    )  # fmt: skip
