"""The whole flow in one process: a catalogue goes in, scored creatives and their exports come out.

Every step writes what it made before the next one begins, and what is there already is not made again. So a run that
was killed goes on where it stopped, and ends with the bytes that it would have had.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from functions.common.audit import Landed, landed_name, read_landed
from functions.common.batches import Batch, Entry, Part, Settings, encode, entry, keep, open_batch, step, tabled
from functions.common.errors import InputError
from functions.common.models import Models
from functions.common.records import CandidateSet, Product
from functions.common.storage import FolderStore, Store
from functions.export.exports import Exports, write_exports
from functions.generate import stage as generate
from functions.generate.versions import settings_for as settings_for
from functions.ingest import stage as ingest
from functions.ingest.api import ApiSource, fetch
from functions.ingest.inspect import Inspection, inspect
from functions.ingest.source import Catalogue
from functions.score import stage as score
from functions.validate import stage as validate


class Watcher(Protocol):
    """Who is told how far a run has come."""

    def read(self, rows: int, products: int) -> None:
        """So many rows of the catalogue have been read in all, and so many products found."""

    def begun(self, products: int) -> None:
        """So many products are to be written for in all."""

    def written(self, products: int) -> None:
        """So many more products have been written for, or had been already."""


def obtain(catalogue: str, spool: Path, allow_hosts: list[str], headers: list[str], allow_private: bool) -> Path:
    """The catalogue as a local file: itself, or what a JSON API answers, spooled as JSON Lines.

    Args:
        spool: an empty folder for what is fetched.
        allow_hosts: hosts besides the address's own that pages and redirects may lead to.
        headers: each ``Name: value``.
    """
    if not catalogue.startswith(("http://", "https://")):
        return Path(catalogue)
    if wrong := [header for header in headers if ":" not in header]:
        raise InputError(f"--header {wrong[0]!r}: write it as 'Name: value'")
    named = {name.strip(): value.strip() for name, _, value in (header.partition(":") for header in headers)}
    host = urlsplit(catalogue).hostname or "api"
    target = spool / f"{host}.jsonl"
    fetch(ApiSource(url=catalogue, headers=named, hosts=allow_hosts, allow_private=allow_private), target)
    return target


def look(path: Path, settings: Settings) -> Inspection:
    """What is recognised in a catalogue file."""
    return inspect(Catalogue.of(path), settings, validate.run)


def batch_of(path: Path, settings: Settings) -> Batch:
    """The batch that a catalogue file and settings make; InputError where the file cannot be read."""
    sha256 = hashlib.sha256()
    with Catalogue.of(path).open() as stream:
        while block := stream.read(1 << 20):
            sha256.update(block)
    return Batch.of(path.name, sha256.hexdigest(), settings)


@contextmanager
def only_run(store: Store) -> Iterator[None]:
    """Hold a local output folder for one run at a time, and clear what a killed one left half-written."""
    if not isinstance(store, FolderStore):
        yield
        return
    descriptor = os.open(store.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{store.root}: another run is at work here; wait for it, or name another folder"
            raise InputError(message) from error
        store.sweep()
        yield
        store.sweep()
    finally:
        os.close(descriptor)


def begun(store: Store, batch: Batch) -> bool:
    """Whether a run of this batch has been here before, and got as far as to read the catalogue."""
    return read_landed(store, batch.batch_id) is not None


def run(store: Store, batch: Batch, path: Path, models: Models, watcher: Watcher) -> None:
    """Take a batch from its catalogue to scored creatives, doing only what has not been done."""
    open_batch(store, batch)
    store.create_from(batch.landing, path)
    landed = read_landed(store, batch.batch_id) or read_catalogue(store, batch, watcher.read)
    watcher.begun(_products(store, batch, landed))
    for number in range(landed.parts):
        _part(store, batch, number, models, watcher)


def export(store: Store, batch: Batch) -> Exports:
    """Write the batch's files: into the folder of a local store, or beside the records in a bucket."""
    if isinstance(store, FolderStore):
        return write_exports(store, batch, store.root)
    with tempfile.TemporaryDirectory(prefix="adloom-") as folder:
        exports = write_exports(store, batch, Path(folder))
        for path in sorted(Path(folder).iterdir()):
            store.replace(path.name, path.read_bytes())
    return exports


def read_catalogue(store: Store, batch: Batch, told: Callable[[int, int], None], *, languages: bool = True) -> Landed:
    """Ingest a landed catalogue, and validate its parts while they are at hand.

    Args:
        told: is called with the rows read and the products found so far.
        languages: whether to tell each product's language.
    """
    rows = parts = products = 0
    catalogue = Catalogue(batch.file, lambda: store.open(batch.landing))
    for results in tabled(ingest.run(catalogue, batch, languages=languages)):
        for result in results:
            keep(store, batch, "ingest", result)
            parts += 1
            rows += result.counts["rows"]
            products += result.counts["products"]
        for result in validate.run_all([Part(batch, each.number, each.outputs[0].records) for each in results]):
            keep(store, batch, "validate", result)
        told(rows, products)
    landed = Landed(rows=rows, parts=parts)
    store.create(landed_name(batch.batch_id), encode(landed))
    return landed


def _validate(store: Store, batch: Batch, number: int) -> Entry:
    return step(store, batch, "validate", number, ("products", Product), validate.run)


def _products(store: Store, batch: Batch, landed: Landed) -> int:
    entries = (entry(store, batch.batch_id, "ingest", number) for number in range(landed.parts))
    return sum(done.counts["products"] for done in entries if done)


def _part(store: Store, batch: Batch, number: int, models: Models, watcher: Watcher) -> None:
    valid = _validate(store, batch, number)
    watcher.written(valid.counts["quarantined"])
    told = 0

    def tell(products: int) -> None:
        nonlocal told
        told += products
        watcher.written(products)

    step(
        store,
        batch,
        "generate",
        number,
        ("validated", Product),
        lambda part: generate.run(part, models.writer, tell),
    )
    watcher.written(valid.counts["validated"] - told)
    step(
        store,
        batch,
        "score",
        number,
        ("creatives", CandidateSet),
        lambda part: score.run(part, models, models.references),
    )
