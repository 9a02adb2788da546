"""A bucket's notification, as Pub/Sub carries it, and the CloudEvent that it becomes.

Attributes of a notification: https://cloud.google.com/storage/docs/pubsub-notifications#attributes
Form of the event: https://cloud.google.com/eventarc/docs/reference/supported-events
"""

import base64
import binascii

from functions.common.errors import InputError
from functions.common.events import CATALOGUE_LANDED
from functions.common.records import Record
from functions.common.wire import Event

_FINALIZED = "OBJECT_FINALIZE"


class Message(Record, frozen=True, rename="camel"):
    """A Pub/Sub message; ``data`` is base64."""

    message_id: str = ""
    data: str = ""
    attributes: dict[str, str] = {}
    publish_time: str = ""
    ordering_key: str = ""


class Received(Record, frozen=True, rename="camel"):
    """A message as it is delivered.

    Attributes:
        ack_id: names this delivery, when it is acknowledged or put off.
        delivery_attempt: counted by Pub/Sub, where the subscription has a dead-letter policy; else 0.
    """

    ack_id: str
    message: Message = Message()
    delivery_attempt: int = 0


def to_event(message: Message) -> Event | None:
    """The event that a notification becomes; None for what is no new object (deleted, archived, new metadata).

    Raises:
        InputError: it is no notification of a bucket.
    """
    attributes = message.attributes
    lacking = [name for name in ("bucketId", "objectId", "eventType") if not attributes.get(name)]
    if lacking:
        raise InputError(
            f"message {message.message_id}: {', '.join(lacking)} is missing; the topic is for a bucket's notifications"
        )
    if attributes["eventType"] != _FINALIZED:
        return None
    try:
        data = base64.b64decode(message.data, validate=True)
    except binascii.Error as error:
        raise InputError(f"message {message.message_id}: its data is not base64 ({error})") from error
    found = {
        "specversion": "1.0",
        "id": message.message_id,
        "source": f"//storage.googleapis.com/projects/_/buckets/{attributes['bucketId']}",
        "type": CATALOGUE_LANDED,
        "subject": f"objects/{attributes['objectId']}",
        "time": attributes.get("eventTime") or message.publish_time,
        "bucket": attributes["bucketId"],
        "datacontenttype": "application/json",
    }
    return Event({name: value for name, value in found.items() if value}, data)
