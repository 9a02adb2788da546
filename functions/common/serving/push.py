"""Pushed bodies that are no CloudEvents yet: Pub/Sub's push of a bucket's notification, and the older function form.

https://cloud.google.com/pubsub/docs/push#receive_push, https://cloud.google.com/storage/docs/pubsub-notifications,
https://cloud.google.com/functions/1stgendocs/calling/storage
"""

from typing import Any

import msgspec

from functions.common.errors import InputError
from functions.common.notification import Message, landed, to_event
from functions.common.records import Record
from functions.common.wire import Event

_FINALIZED = ("google.storage.object.finalize", "providers/cloud.storage/eventTypes/object.change")


class _Push(Record, frozen=True):
    message: Message
    subscription: str


class _Context(Record, frozen=True, rename="camel"):
    event_id: str
    event_type: str
    timestamp: str = ""


class _Legacy(Record, frozen=True):
    context: _Context
    data: dict[str, Any]


def pushed(body: bytes) -> Event | None:
    """The event that a pushed body stands for; None where the body is no push.

    Raises:
        InputError: it is one, and not about a new object in a bucket.
    """
    for kind, convert in ((_Push, _notification), (_Legacy, _legacy)):
        try:
            found = msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError:
            continue
        return convert(found)  # type: ignore[arg-type]
    return None


def _notification(push: _Push) -> Event:
    event = to_event(push.message)
    if event is None:
        raise InputError(f"message {push.message.message_id!r}: is not about a new object; push only those here")
    return event


def _legacy(event: _Legacy) -> Event:
    bucket, name = event.data.get("bucket"), event.data.get("name")
    if event.context.event_type not in _FINALIZED or not isinstance(bucket, str) or not isinstance(name, str):
        raise InputError(
            f"event {event.context.event_id!r}: is not about a new object in a bucket; push only those here"
        )
    return landed(event.context.event_id, bucket, name, event.context.timestamp, msgspec.json.encode(event.data))
