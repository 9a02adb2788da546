"""Ingest's door: a catalogue that landed makes many events, so they are posted, and not answered with."""

from functools import cache

import msgspec
from flask import Request, Response

from functions.common.errors import InputError
from functions.common.events import CATALOGUE_LANDED, PART_INGESTED
from functions.common.models import Models
from functions.common.records import Record
from functions.common.serving import settings
from functions.common.serving.door import Door
from functions.common.serving.metrics import Metrics
from functions.common.serving.openapi import Call, Operation
from functions.common.serving.parts import Locks, part_event
from functions.common.serving.waiting import Ticket
from functions.common.sink import Sink
from functions.common.storage import BucketStore, Store
from functions.common.wire import Event
from functions.generate.versions import settings_for
from functions.ingest.landing import land, uploaded

locks = Locks()
sink = cache(Sink.from_environment)


class IngestRequest(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalogue to read, by the name of its object: ``landing/shop.csv``."""

    name: str


class IngestAnswer(Record, frozen=True, kw_only=True):
    """The batch that the catalogue makes, and how many parts were told of."""

    batch_id: str
    parts: int


class _Object(Record, frozen=True):
    bucket: str
    name: str


def landed(event: Event, ticket: Ticket) -> None:
    """Read the catalogue that an event tells of."""
    try:
        found = msgspec.json.decode(event.data, type=_Object)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"event {event.id!r}: its data names no object ({error})") from error
    if (name := _own(settings.store(), found)) is not None and uploaded(name):
        _ingest(name, event, ticket)


def ingest(asked: IngestRequest, call: Call) -> IngestAnswer:
    """Read a catalogue."""
    if not uploaded(asked.name):
        raise InputError(f"{asked.name[:200]!r}: is no upload; name an object below landing/")
    return _ingest(asked.name, Event({}), call.ticket)


def _ingest(name: str, cause: Event, ticket: Ticket) -> IngestAnswer:
    store = settings.store()
    posts = sink()  # First of all: without it the work would be done for nothing.
    batch_id, parts = "", 0
    with locks.holding(name):
        for batch, done in land(store, name, settings_for(Models(), settings.batch_settings())):
            ticket.check()
            posts.post(part_event(store, PART_INGESTED, batch, done, cause))
            batch_id = batch.batch_id
            parts += 1
    return IngestAnswer(batch_id=batch_id, parts=parts)


def _own(store: Store, found: _Object) -> str | None:
    """The object's name in our store; None where it lies elsewhere in the bucket, or in another one."""
    if not isinstance(store, BucketStore):
        return found.name
    if found.bucket != store.bucket.name or not found.name.startswith(store.prefix):
        return None
    return found.name.removeprefix(store.prefix)


door = Door(
    "ingest",
    [Operation(("/",), "Read a catalogue that landed.", IngestRequest, IngestAnswer, "inner", ingest)],
    Metrics("ingest"),
    events={CATALOGUE_LANDED: landed},
)


def handle(request: Request) -> Response:
    """The function."""
    return door(request)
