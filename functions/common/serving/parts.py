"""What an event asks of a stage: its part read, worked on and kept, and the next event as the answer."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from functions.common.batches import Batch, Entry, Part, StageResult, encode, object_name, step
from functions.common.errors import AdloomError, InputError
from functions.common.events import PartRef
from functions.common.records import Record, digest
from functions.common.serving import settings
from functions.common.serving.waiting import Ticket
from functions.common.storage import Store
from functions.common.wire import Event

_BATCH = re.compile(r"[0-9a-f]{16}")
_MOST_PARTS = 1_000_000
_KEPT_DATA = 1 << 16


class Locks:
    """One holder at a time for each name: a part that is asked for twice at once is worked on once."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[threading.Lock, int]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Hold a name; waits while another does."""
        with self._lock:
            own, count = self._held.get(name, (threading.Lock(), 0))
            self._held[name] = (own, count + 1)
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, count = self._held[name]
                if count == 1:
                    del self._held[name]
                else:
                    self._held[name] = (own, count - 1)


@dataclass(frozen=True)
class PartStage:
    """A stage that makes one part of one part.

    Attributes:
        name: of the stage.
        source: folder and record type of what it reads.
        gives: type of the event that says it is done.
        run: the stage over a part, for whoever holds the ticket.
    """

    name: str
    source: tuple[str, type[msgspec.Struct]]
    gives: str
    run: Callable[[Part[Any], Ticket], StageResult]
    locks: Locks = field(default_factory=Locks)

    def take(self, event: Event, ticket: Ticket) -> Event:
        """Do what an event asks, or find it done; the next event.

        Raises:
            InputError: the event names no part of this store; doing it again changes nothing.
            PassingError: storage did not answer, or the models here are not those of the batch.
        """
        store = settings.store()
        ref = part_of(event)
        batch = read_batch(store, ref.batch_id)
        expected = object_name(self.source[0], batch.batch_id, ref.part)
        if ref.uri != f"{store.uri}/{expected}":
            raise InputError(f"event {event.id!r}: its data names {ref.uri[:200]!r}, and not {store.uri}/{expected}")
        with self.locks.holding(f"{batch.batch_id}/{ref.part}"):
            done = step(store, batch, self.name, ref.part, self.source, lambda part: self.run(part, ticket))
        return part_event(store, self.gives, batch, done, event)


def part_of(event: Event) -> PartRef:
    """The part that an event is about; InputError where its data says none."""
    kind = event.attributes.get("datacontenttype", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InputError(f"event {event.id!r}: its data is {kind[:80]}; a part is named in application/json")
    try:
        ref = msgspec.json.decode(event.data, type=PartRef)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"event {event.id!r}: its data names no part ({error})") from error
    if not _BATCH.fullmatch(ref.batch_id) or not 0 <= ref.part < _MOST_PARTS:
        raise InputError(f"event {event.id!r}: batch {ref.batch_id[:40]!r}, part {ref.part} cannot be")
    return ref


def read_batch(store: Store, batch_id: str) -> Batch:
    """The batch of that id; NotFoundError where there is none."""
    return msgspec.json.decode(store.read(f"ledger/{batch_id}/batch.json"), type=Batch)


def part_event(store: Store, kind: str, batch: Batch, done: Entry, cause: Event) -> Event:
    """The event that says that a stage has done a part; the same each time, so that it can be told twice."""
    made = done.outputs[0]
    ref = PartRef(
        uri=f"{store.uri}/{made.name}", batch_id=batch.batch_id, part=done.part, rows=made.rows, sha256=made.sha256
    )
    attributes = {
        "specversion": "1.0",
        "id": f"{batch.batch_id}-{done.part:05d}",
        "source": f"/adloom/{done.stage}",
        "type": kind,
        "subject": f"batches/{batch.batch_id}/parts/{done.part}",
        "datacontenttype": "application/json",
    }
    carried = {name: text for name, text in cause.attributes.items() if name in ("traceparent", "tracestate")}
    return Event({**attributes, **carried}, msgspec.json.encode(ref, order="deterministic"))


class Mourned(Record, frozen=True, kw_only=True):
    """An event that came to nothing.

    Attributes:
        function: that could not take it; of a dead letter, that was told of it.
        fault: why, in words.
        attributes: of the event.
        data: of the event, its beginning, as text.
    """

    function: str
    fault: str
    attributes: dict[str, str]
    data: str


def record_fault(store: Store, function: str, event: Event, error: AdloomError) -> None:
    """Write down in the ledger that an event cannot be taken, once however often it comes."""
    _mourn(store, "faults", function, event, str(error))


def record_dead_letter(store: Store, function: str, event: Event) -> None:
    """Write down an event that the broker gave up."""
    told = event.attributes.get("knativeerrordest", "a function")
    code = event.attributes.get("knativeerrorcode", "no answer")
    _mourn(store, "dead-letters", function, event, f"{told} did not take it: {code}")


def _mourn(store: Store, folder: str, function: str, event: Event, fault: str) -> None:
    identity = digest(function, event.attributes["source"], event.id, event.type)
    record = Mourned(
        function=function,
        fault=fault,
        attributes=dict(sorted(event.attributes.items())),
        data=event.data[:_KEPT_DATA].decode("utf-8", "replace"),
    )
    store.create(f"ledger/{folder}/{identity}.json", encode(record))
