"""A bucket's notification of a new object, in each form that it comes in, and the CloudEvent that it becomes.

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


def landed(identity: str, bucket: str, name: str, moment: str, data: bytes) -> Event:
    """The event of an object that is there.

    Args:
        identity: of the event: the same for the same object and content.
        moment: RFC 3339; left out where it is empty.
        data: the object's resource, as JSON.
    """
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
    moment = attributes.get("eventTime") or message.publish_time
    return landed(message.message_id, attributes["bucketId"], attributes["objectId"], moment, data)
