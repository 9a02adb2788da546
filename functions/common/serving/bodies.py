"""Request bodies: read within limits of size and time, and decoded within limits of depth."""

import io
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Request

from functions.common.serving.problems import Problem

LARGEST = 1 << 20
"""Bytes. A request holds a few products, an event a reference."""

SLOWEST = 10.0
"""Seconds within which a body must be there."""

DEEPEST = 16
"""Levels of nesting; the API's own types need five."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BLOCK = 1 << 16


def read_body(request: Request) -> bytes:
    """The whole body.

    Whatever happens, nothing of it is left to read: the framework would else wait for the rest of a body that was
    refused.

    Raises:
        Problem: it is too large, or too slow.
    """
    stream = request.stream
    request.stream = io.BytesIO()
    announced = request.content_length
    if announced is not None and announced > LARGEST:
        raise _too_large()
    body = bytearray()
    with _clock(request.environ.get("gunicorn.socket")) as late:
        try:
            while block := stream.read(_BLOCK):
                body += block
                if len(body) > LARGEST:
                    raise _too_large()
        except OSError as error:
            if not late.is_set():
                raise Problem(HTTPStatus.BAD_REQUEST, "the body breaks off, or is not framed as HTTP says") from error
        if late.is_set():
            detail = f"the body was not there within {SLOWEST:.0f} seconds"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail, Connection="close")
    if announced is not None and len(body) < announced:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body ends after {len(body)} of {announced} bytes")
    return bytes(body)


def decoded(body: bytes, kind: Any) -> Any:
    """A JSON body as a record.

    Raises:
        Problem: 400 where it is no JSON, or nested too deep; 422 where it is not what is asked for, with the place.
    """
    if _depth(body) > DEEPEST:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is nested more than {DEEPEST} levels deep")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error}; /openapi.json says what is taken") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON in UTF-8: {error}") from error


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for sign in re.findall(rb"[\[\]{}]", _STRING.sub(b"", body)):
        depth += 1 if sign in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


@contextmanager
def _clock(connection: socket.socket | None) -> Iterator[threading.Event]:
    """Stop reading when the time is over: a client may send a byte now and then for ever, and gunicorn would wait."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    timer = threading.Timer(SLOWEST, stop)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _too_large() -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {LARGEST} bytes", Connection="close")
