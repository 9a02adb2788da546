"""A small door for tests: it naps, and takes one kind of event."""

import os
import time
from pathlib import Path

from flask import Request, Response

from functions.common.errors import InputError, PassingError
from functions.common.records import Record
from functions.common.serving.door import Door
from functions.common.serving.metrics import Metrics
from functions.common.serving.openapi import Call, Operation
from functions.common.serving.waiting import Places, Ticket
from functions.common.wire import Event

metrics = Metrics("tiny")
places = Places(2, metrics.queue.labels("tiny").set)


class Nap(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long, and what is left behind when it is over."""

    seconds: float = 0.0
    mark: str = ""


class Rested(Record, frozen=True, kw_only=True):
    """The process that napped, and when."""

    process: int
    at: float


def nap(asked: Nap, call: Call) -> Rested:
    with places.taken(1, call.caller.name):
        ends = time.monotonic() + asked.seconds
        while time.monotonic() < ends:
            call.ticket.check()
            time.sleep(0.02)
    if asked.mark:
        Path(os.environ["ADLOOM_STORE"], f"{asked.mark}.mark").touch()
    if asked.seconds < 0:
        raise ZeroDivisionError("a secret of the house")
    return Rested(process=os.getpid(), at=time.time())


def echo(event: Event, ticket: Ticket) -> Event | None:
    if event.data == b"bad":
        raise InputError("event: its data is bad; send better data")
    if event.data == b"down":
        raise PassingError("the store at 10.0.0.7 is down")
    if event.data == b"quiet":
        return None
    return event.extended(type="tiny.echoed.v1", id=f"{event.id}-echo")


door = Door(
    "tiny",
    [Operation(("/v1/nap", "/"), "Nap.", Nap, Rested, "creatives", nap)],
    metrics,
    events={"tiny.event.v1": echo},
    dead_letters=True,
)


def handle(request: Request) -> Response:
    return door(request)
