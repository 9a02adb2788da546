"""Batches, parts, and how a stage's result is kept so that doing it twice changes nothing."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from functions.common.brand import Brand
from functions.common.errors import InputError, NotFoundError
from functions.common.platforms import Platform, chosen
from functions.common.records import PART_ROWS, Record, digest
from functions.common.storage import Store

R = TypeVar("R", bound=msgspec.Struct)

TOGETHER = 16
"""Parts whose tables are made at once: enough to share what each step costs by itself, few enough to hold."""


class Settings(Record, frozen=True, kw_only=True):
    """Everything besides the catalogue's bytes that decides what a batch comes to.

    Attributes:
        platforms: names of the platforms to write for.
        brand: the brand that the ads speak for.
        model: version of the language model; ``prompt``: version of its prompts.
        embedder: version of the sentence embedding.
        candidates: texts sampled for a field.
        seed: from which, with the product, the sampling seed follows.
        part_rows: products in a part.
        limit: only so many products of the catalogue, where set.
        columns: product field -> column name, where the catalogue's own names were not recognised.
        currency: ISO 4217 code for prices that come without one.
    """

    platforms: list[str]
    brand: Brand = Brand()
    model: str = ""
    prompt: str = ""
    embedder: str = ""
    candidates: int = 4
    seed: int = 0
    part_rows: int = PART_ROWS
    limit: int | None = None
    columns: dict[str, str] = {}
    currency: str | None = None


class Batch(Record, frozen=True, kw_only=True):
    """One catalogue, with the settings that it is worked through with.

    Attributes:
        batch_id: hash of the catalogue's bytes and the settings, 16 hexadecimal characters.
        file: the catalogue's name as the user knows it.
        sha256: of the catalogue's bytes.
    """

    batch_id: str
    file: str
    sha256: str
    settings: Settings

    @classmethod
    def of(cls, file: str, sha256: str, settings: Settings) -> "Batch":
        """The batch that a catalogue and settings make."""
        return cls(batch_id=digest(file, sha256, settings), file=file, sha256=sha256, settings=settings)

    @property
    def landing(self) -> str:
        """Object name of the catalogue."""
        return f"landing/{self.batch_id}/catalogue"

    @property
    def platforms(self) -> list[Platform]:
        return chosen(self.settings.platforms)


@dataclass(frozen=True)
class Part(Generic[R]):
    """At most `PART_ROWS` records of a batch that travel together."""

    batch: Batch
    number: int
    records: Sequence[R]


@dataclass(frozen=True)
class Output:
    """Records that a stage leaves in a folder: ``products``, ``validated``, ``quarantine/ingest``, …"""

    folder: str
    kind: type[msgspec.Struct]
    records: Sequence[Any]


@dataclass(frozen=True)
class StageResult:
    """What a stage made of a part.

    Attributes:
        number: of the part.
        outputs: what to keep; an empty output is kept too, so that an absence is never a question.
        counts: what became of the records, for the ledger; what they must add up to is in `ledger.LAWS`.
    """

    number: int
    outputs: list[Output]
    counts: dict[str, int] = field(default_factory=dict)


class ObjectRef(Record, frozen=True, kw_only=True):
    """An object and what it held when it was written."""

    name: str
    rows: int
    sha256: str


class Entry(Record, frozen=True, kw_only=True):
    """What the ledger says of one part in one stage; written after the objects that it names."""

    stage: str
    part: int
    counts: dict[str, int]
    outputs: list[ObjectRef]


def object_name(folder: str, batch_id: str, number: int) -> str:
    """``products/<batch_id>/part-00007.parquet``; ``quarantine/ingest`` gives ``quarantine/<batch_id>/ingest/…``."""
    top, _, rest = folder.partition("/")
    return "/".join(filter(None, [top, batch_id, rest, f"part-{number:05d}.parquet"]))


def entry_name(stage: str, batch_id: str, number: int) -> str:
    """Where the ledger keeps the entry of a part."""
    return f"ledger/{batch_id}/{stage}/part-{number:05d}.json"


def tabled(results: Iterable[StageResult]) -> Iterator[list[StageResult]]:
    """A stage's results, `TOGETHER` at a time, with the tables of their records made."""
    rest = iter(results)
    while some := list(islice(rest, TOGETHER)):
        outputs = zip(*(_tabled(same) for same in zip(*(result.outputs for result in some), strict=True)), strict=True)
        yield [replace(result, outputs=list(made)) for result, made in zip(some, outputs, strict=True)]


def _tabled(outputs: Sequence[Output]) -> list[Output]:
    """The same output of several parts."""
    from functions.common.tables import stored

    tables = stored([output.records for output in outputs], outputs[0].kind)
    return [replace(output, records=table) for output, table in zip(outputs, tables, strict=True)]


def keep(store: Store, batch: Batch, stage: str, result: StageResult) -> Entry:
    """Write a stage's outputs and then its ledger entry; what is there already is left as it is.

    The first output is what the next stage reads, and is written even where it holds nothing; of the others, which most
    parts have nothing for, an empty one gets no object.
    """
    # Imported here, and below: a door that answers a person writes no table, and polars takes long to load.
    from functions.common.tables import to_parquet

    refs = []
    for output in (each for place, each in enumerate(result.outputs) if each.records or not place):
        data = to_parquet(output.records, output.kind)
        name = object_name(output.folder, batch.batch_id, result.number)
        store.create(name, data)
        refs.append(ObjectRef(name=name, rows=len(output.records), sha256=hashlib.sha256(data).hexdigest()))
    entry = Entry(stage=stage, part=result.number, counts=result.counts, outputs=refs)
    store.create(entry_name(stage, batch.batch_id, result.number), encode(entry))
    return entry


def step(
    store: Store,
    batch: Batch,
    stage: str,
    number: int,
    source: tuple[str, type[R]],
    run: Callable[[Part[R]], StageResult],
) -> Entry:
    """One stage over one part: read, run, keep. A part whose entry is in the ledger is not done again.

    Args:
        source: folder and record type of the stage's input.
    """
    from functions.common.tables import from_parquet

    if done := entry(store, batch.batch_id, stage, number):
        return done
    folder, kind = source
    records = from_parquet(store.read(object_name(folder, batch.batch_id, number)), kind)
    return keep(store, batch, stage, run(Part(batch, number, records)))


def entry(store: Store, batch_id: str, stage: str, number: int) -> Entry | None:
    """The ledger's entry of a part, or None where the stage has not done it."""
    try:
        return msgspec.json.decode(store.read(entry_name(stage, batch_id, number)), type=Entry)
    except NotFoundError:
        return None


def records(store: Store, batch_id: str, folder: str, kind: type[R]) -> Iterator[R]:
    """All records of a batch in a folder, part by part: no more than one part is in memory."""
    from functions.common.tables import from_parquet

    top, _, rest = folder.partition("/")
    for name in store.names("/".join(filter(None, [top, batch_id, rest]))):
        yield from from_parquet(store.read(name), kind)


def open_batch(store: Store, batch: Batch) -> None:
    """Write down what the batch is, before any of its parts."""
    store.create(f"ledger/{batch.batch_id}/batch.json", encode(batch))


def find_batch(store: Store, prefix: str) -> Batch:
    """The batch whose id begins so; InputError where there is none, or more than one."""
    names = [n for n in store.names("ledger") if n.endswith("/batch.json") and n.startswith(f"ledger/{prefix}")]
    if len(names) != 1:
        known = "no batch" if not names else f"{len(names)} batches"
        raise InputError(f"{store.uri}: {known} whose id begins with {prefix!r}; see the folders below ledger/")
    return msgspec.json.decode(store.read(names[0]), type=Batch)


def encode(record: Record) -> bytes:
    """A record as JSON for people and programs: indented, in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(record, order="deterministic")) + b"\n"
