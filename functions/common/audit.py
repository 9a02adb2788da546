"""Whether a batch is whole: every row and every creative accounted for, every object what the ledger says it is."""

import hashlib

import msgspec

from functions.common.batches import Batch, Entry, entry
from functions.common.errors import NotFoundError
from functions.common.records import Record
from functions.common.storage import Store
from functions.common.tables import parquet_rows

STAGES = ("ingest", "validate", "generate", "score")


class Landed(Record, frozen=True, kw_only=True):
    """What reading the whole catalogue came to; written when its last part is.

    Attributes:
        rows: data rows of the catalogue, as counted by the reader.
        parts: how many parts they made.
    """

    rows: int
    parts: int


class Audit(Record, frozen=True, kw_only=True):
    """The books of a batch.

    Attributes:
        counts: stage -> what became of its records, summed over the parts.
        faults: what does not add up, in words; empty where the batch is balanced.
        unfinished: work that has not been done yet, in words.
    """

    batch_id: str
    counts: dict[str, dict[str, int]]
    faults: list[str]
    unfinished: list[str]

    @property
    def balanced(self) -> bool:
        """Everything is done, and everything adds up."""
        return not self.faults and not self.unfinished


def landed_name(batch_id: str) -> str:
    """Where the outcome of ingest is written."""
    return f"ledger/{batch_id}/landed.json"


def read_landed(store: Store, batch_id: str) -> Landed | None:
    """The outcome of ingest, or None where the catalogue has not been read to its end."""
    try:
        return msgspec.json.decode(store.read(landed_name(batch_id)), type=Landed)
    except NotFoundError:
        return None


def audit(store: Store, batch: Batch) -> Audit:
    """Check a batch against the conservation laws, reading every object that its ledger names."""
    faults: list[str] = []
    unfinished: list[str] = []
    counts: dict[str, dict[str, int]] = {stage: {} for stage in STAGES}
    landed = read_landed(store, batch.batch_id)
    if landed is None:
        unfinished.append("ingest has not read the catalogue to its end")
    for number in range(landed.parts if landed else 0):
        entries = {stage: entry(store, batch.batch_id, stage, number) for stage in STAGES}
        for stage, done in entries.items():
            if done is None:
                unfinished.append(f"{stage} has not done part {number}")
                continue
            for name, count in done.counts.items():
                counts[stage][name] = counts[stage].get(name, 0) + count
            faults += _object_faults(store, done)
        faults += _part_faults({s: e.counts for s, e in entries.items() if e}, number, len(batch.settings.platforms))
    if landed and counts["ingest"].get("rows") != landed.rows:
        faults.append(f"the catalogue has {landed.rows} rows, its parts {counts['ingest'].get('rows', 0)}")
    return Audit(batch_id=batch.batch_id, counts=counts, faults=faults, unfinished=unfinished)


def _object_faults(store: Store, done: Entry) -> list[str]:
    faults = []
    for ref in done.outputs:
        try:
            data = store.read(ref.name)
        except NotFoundError:
            faults.append(f"{ref.name}: is in the ledger, but not in storage")
            continue
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            faults.append(f"{ref.name}: its bytes are not those that {done.stage} wrote")
        elif (rows := parquet_rows(data)) != ref.rows:
            faults.append(f"{ref.name}: holds {rows} records, the ledger says {ref.rows}")
    return faults


Terms = tuple[str, tuple[str, ...]]

_LAWS: tuple[tuple[Terms, Terms], ...] = (
    (("ingest", ("rows",)), ("ingest", ("products", "merged", "quarantined"))),
    (("ingest", ("products",)), ("validate", ("validated", "quarantined"))),
    (("validate", ("validated",)), ("generate", ("products",))),
    (("generate", ("creatives",)), ("score", ("ready", "needs_review", "rejected"))),
)
"""What goes into a stage comes out of it, under one name or another."""


def _part_faults(counts: dict[str, dict[str, int]], number: int, platforms: int) -> list[str]:
    """The conservation laws over one part."""
    if "generate" in counts:
        wanted = counts["generate"].get("products", 0) * platforms
        counts = {**counts, "generate": {**counts["generate"], "creatives": wanted}}
    faults = []
    for (stage, names), (after, outcomes) in _LAWS:
        if stage not in counts or after not in counts:
            continue
        before = sum(counts[stage].get(name, 0) for name in names)
        accounted = sum(counts[after].get(name, 0) for name in outcomes)
        if before != accounted:
            faults.append(f"part {number}: {before} {names[0]} went into {after}, {accounted} are accounted for")
    return faults
