"""CloudEvents 1.0 over HTTP, one at a time: what an event is, and how a request or an answer carries it.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from functions.common.errors import InputError
from functions.common.records import Record

STRUCTURED = "application/cloudevents"
BATCH = "application/cloudevents-batch"
REQUIRED = ("specversion", "id", "source", "type")

_NAME = re.compile(r"[a-z0-9]+")
_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""Characters that the binding leaves alone in a header; the rest is percent-encoded."""


class Event(Record, frozen=True):
    """An event: its attributes as text, and its data as it came.

    Attributes:
        attributes: context attributes and extensions; ``datacontenttype`` among them where it is known.
        data: the body; empty where there is none.
    """

    attributes: dict[str, str]
    data: bytes = b""

    @property
    def id(self) -> str:
        return self.attributes["id"]

    @property
    def type(self) -> str:
        return self.attributes["type"]

    def extended(self, **extensions: str) -> "Event":
        """The event with more attributes; values that are there already are replaced."""
        return Event({**self.attributes, **extensions}, self.data)


def is_event(headers: Mapping[str, str]) -> bool:
    """Whether a request or an answer carries an event, well-formed or not."""
    named = {name.lower() for name in headers}
    return "ce-specversion" in named or media_type(headers).startswith(STRUCTURED)


def media_type(headers: Mapping[str, str]) -> str:
    """The content type in lower case, without its parameters."""
    found = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return found.partition(";")[0].strip().lower()


def from_http(headers: Mapping[str, str], body: bytes) -> Event:
    """The event that headers and a body carry, in binary or structured mode.

    Raises:
        InputError: it is none, several, or malformed.
    """
    kind = media_type(headers)
    if kind.startswith(BATCH):
        raise InputError("event: a batch of events is not taken; send them one by one")
    if kind.startswith(STRUCTURED):
        return _structured(kind, body)
    attributes = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith("ce-"):
            attributes[lower.removeprefix("ce-")] = unquote(value.strip().strip('"'), errors="strict")
        elif lower == "content-type":
            attributes["datacontenttype"] = value
    return checked(Event(attributes, body))


def to_http(event: Event) -> tuple[dict[str, str], bytes]:
    """Headers and body that carry an event in binary mode."""
    headers = {}
    for name, value in event.attributes.items():
        if name == "datacontenttype":
            headers["content-type"] = value
        else:
            headers[f"ce-{name}"] = quote(value, safe=_AS_IT_IS)
    return headers, event.data


def checked(event: Event) -> Event:
    """The event itself; InputError where an attribute is missing, empty or misnamed."""
    for name in REQUIRED:
        if not event.attributes.get(name):
            raise InputError(f"event: {name} is missing; a CloudEvent needs {', '.join(REQUIRED)}")
    if (version := event.attributes["specversion"]) != "1.0":
        raise InputError(f"event {event.id!r}: specversion {version!r} is not known; send 1.0")
    for name, value in event.attributes.items():
        if not _NAME.fullmatch(name):
            raise InputError(f"event {event.id!r}: attribute {name!r}: use lower-case letters and digits")
        if any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in value):
            raise InputError(f"event {event.id!r}: attribute {name} holds a control character")
    return event


def _structured(kind: str, body: bytes) -> Event:
    if not kind.endswith("+json"):
        raise InputError(f"event: format {kind!r} is not known; send application/cloudevents+json")
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        encoded = found.pop("data_base64", None)
        data = found.pop("data", None)
        raw = base64.b64decode(encoded, validate=True) if encoded is not None else _raw(data, found)
    except (msgspec.DecodeError, binascii.Error, TypeError, UnicodeError, RecursionError) as error:
        raise InputError(f"event: cannot be read as application/cloudevents+json ({error})") from error
    return checked(Event({name: _text(value) for name, value in found.items() if value is not None}, raw))


def _raw(data: Any, attributes: dict[str, Any]) -> bytes:
    if data is None:
        return b""
    kind = str(attributes.setdefault("datacontenttype", "application/json")).partition(";")[0].strip()
    if isinstance(data, str) and not (kind.endswith(("/json", "+json"))):
        return data.encode()
    return msgspec.json.encode(data)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise InputError(
        f"event: an attribute holds {type(value).__name__}; attributes are text, numbers or true and false"
    )
