"""A catalogue that landed in the bucket: read into parts, each of which is told of."""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from functions.common.audit import Landed, landed_name, read_landed
from functions.common.batches import Batch, Entry, Settings, encode, entry, keep, open_batch, tabled
from functions.common.storage import Store
from functions.ingest import stage
from functions.ingest.source import Catalogue

_OWN_COPY = re.compile(r"landing/[0-9a-f]{16}/catalogue")


def uploaded(name: str) -> bool:
    """Whether an object is a catalogue that somebody uploaded, and not the copy that ingest keeps of it."""
    return name.startswith("landing/") and not name.endswith("/") and not _OWN_COPY.fullmatch(name)


def land(store: Store, name: str, settings: Settings) -> Iterator[tuple[Batch, Entry]]:
    """The parts of a catalogue, as they are done; those that are done already come again.

    Raises:
        InputError: nothing can be made of the catalogue, or it is not there.
        PassingError: storage did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="adloom-") as folder:
        path = Path(folder) / "catalogue"
        sha256 = _fetched(store, name, path)
        batch = Batch.of(name.rpartition("/")[2], sha256, settings)
        if (landed := read_landed(store, batch.batch_id)) is not None:
            entries = (entry(store, batch.batch_id, "ingest", number) for number in range(landed.parts))
            yield from ((batch, done) for done in entries if done)
            return
        open_batch(store, batch)
        store.create_from(batch.landing, path)
        rows = parts = 0
        for results in tabled(stage.run(Catalogue(batch.file, lambda: path.open("rb")), batch)):
            for result in results:
                yield batch, keep(store, batch, "ingest", result)
                rows += result.counts["rows"]
                parts += 1
        store.create(landed_name(batch.batch_id), encode(Landed(rows=rows, parts=parts)))


def _fetched(store: Store, name: str, path: Path) -> str:
    """An object as a local file; the hash of its bytes."""
    found = hashlib.sha256()
    with store.open(name) as source, path.open("wb") as target:
        while block := source.read(1 << 20):
            found.update(block)
            target.write(block)
    return found.hexdigest()
