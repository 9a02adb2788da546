"""Pushed bodies that are no CloudEvents yet: Pub/Sub's push of a bucket's notification, and the older function form.

https://cloud.google.com/pubsub/docs/push#receive_push, https://cloud.google.com/storage/docs/pubsub-notifications,
https://cloud.google.com/functions/1stgendocs/calling/storage
"""

import base64
import binascii
from typing import Any

import msgspec

from functions.common.errors import InputError
from functions.common.events import CATALOGUE_LANDED
from functions.common.records import Record
from functions.common.wire import Event

_FINALIZED = ("google.storage.object.finalize", "providers/cloud.storage/eventTypes/object.change")


class _Message(Record, frozen=True, rename="camel"):
    message_id: str
    data: str = ""
    attributes: dict[str, str] = {}
    publish_time: str = ""


class _Push(Record, frozen=True):
    message: _Message
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
    message = push.message
    bucket, name = message.attributes.get("bucketId", ""), message.attributes.get("objectId", "")
    if not bucket or not name or message.attributes.get("eventType") != "OBJECT_FINALIZE":
        raise InputError(f"message {message.message_id!r}: is no notification of a new object; push only those here")
    try:
        data = base64.b64decode(message.data, validate=True)
    except binascii.Error as error:
        raise InputError(f"message {message.message_id!r}: its data is not base64 ({error})") from error
    return _landed(message.message_id, bucket, name, message.publish_time, data)


def _legacy(event: _Legacy) -> Event:
    bucket, name = event.data.get("bucket"), event.data.get("name")
    if event.context.event_type not in _FINALIZED or not isinstance(bucket, str) or not isinstance(name, str):
        raise InputError(
            f"event {event.context.event_id!r}: is not about a new object in a bucket; push only those here"
        )
    return _landed(event.context.event_id, bucket, name, event.context.timestamp, msgspec.json.encode(event.data))


def _landed(identity: str, bucket: str, name: str, moment: str, data: bytes) -> Event:
    attributes = {
        "specversion": "1.0",
        "id": identity,
        "source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
        "type": CATALOGUE_LANDED,
        "subject": f"objects/{name}",
        "time": moment,
        "bucket": bucket,
        "datacontenttype": "application/json",
    }
    return Event({name: value for name, value in attributes.items() if value}, data)
