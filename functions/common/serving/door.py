"""A function's door: plain requests, events, health, metrics and its own description, at one address."""

import io
import logging
import os
import re
import secrets
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from flask import Request, Response

from functions.common.errors import AdloomError, InputError
from functions.common.events import CATALOGUE_LANDED
from functions.common.serving import idle, problems, settings
from functions.common.serving.answers import HEADER, Answers
from functions.common.serving.api import Health
from functions.common.serving.bodies import decoded, read_body
from functions.common.serving.gatekeeper import Gatekeeper
from functions.common.serving.metrics import MEDIA_TYPE, Metrics
from functions.common.serving.openapi import Call, Operation, document, page
from functions.common.serving.parts import record_dead_letter, record_fault
from functions.common.serving.problems import Problem, problem_of
from functions.common.serving.push import pushed
from functions.common.serving.rates import Rates
from functions.common.serving.waiting import Gone, Ticket
from functions.common.wire import BATCH, Event, from_http, is_event, media_type, to_http

PATIENCE = 120.0
"""Seconds that a person's request may take."""

EVENT_PATIENCE = 570.0
"""Seconds that an event may take: less than the 600 that Knative gives it."""

_SOON = 4.0
"""Seconds that a probe waits for the function to be ready: less than it waits for an answer."""

_CLOSED = 499
"""nginx's code for a client that went away; nobody gets to see it but the log."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger("adloom")

Taker = Callable[[Event, Ticket], Event | None]


class Door:
    """Serves one function; made once in its module, and called with each request."""

    def __init__(
        self,
        function: str,
        operations: Sequence[Operation],
        metrics: Metrics,
        *,
        events: Mapping[str, Taker] | None = None,
        dead_letters: bool = False,
        warm: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """A door.

        Args:
            operations: what can be asked for by a plain request.
            events: type -> what takes such events and gives the next one.
            dead_letters: whether the broker's dead letters are taken.
            warm: makes the function ready, once and in the process that serves; role -> version of its models.

        Raises:
            InputError: the environment does not say what it must.
        """
        _log_to_stderr()
        idle.settle()
        access = settings.access()
        self.function = function
        self._metrics = metrics
        self._events = dict(events or {})
        self._gatekeeper = Gatekeeper(access)
        self._rates = Rates(access.counter)
        self._answers = Answers()
        self._warm = warm
        self._warming: threading.Thread | None = None
        self._ready = threading.Event()
        self._lock = threading.Lock()
        described = document(function, operations)
        self._described = msgspec.json.encode(described)
        self._page = page(described)
        self._routes: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/healthz": {"GET": self._healthz},
            "/readyz": {"GET": self._readyz},
            "/metrics": {"GET": self._metrics_text},
            "/openapi.json": {"GET": self._openapi},
            "/docs": {"GET": self._docs},
        }
        for each in operations:
            for path in each.paths:
                self._routes[path] = {"POST": partial(self._rest, each)}
        self._plain = self._routes.get("/", {}).get("POST")
        if self._events:
            self._routes["/"] = {"POST": self._root}
        if dead_letters:
            self._routes["/dead-letter"] = {"POST": self._dead_letter}
        # A server's parent forks the process that serves: only there may models and connections be opened.
        os.register_at_fork(after_in_child=self._start_warming)

    def __call__(self, request: Request) -> Response:
        """The answer to a request, whatever comes."""
        started = time.monotonic()
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        try:
            answer = self._routed(request)(request)
        except Gone:
            answer = Response(status=_CLOSED)
        except Exception as error:
            answer = self._failed(error, request_id)
        answer.headers["X-Request-Id"] = request_id
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers.setdefault("Cache-Control", "no-store")
        took = time.monotonic() - started
        route = request.path if request.path in self._routes else "other"
        self._metrics.answered(route, answer.status_code, took)
        if route not in ("/healthz", "/readyz", "/metrics"):
            log.info("%s %s %d %.3f s", request.method, route, answer.status_code, took, extra={"request": request_id})
        return answer

    def _routed(self, request: Request) -> Callable[[Request], Response]:
        methods = self._routes.get(request.path)
        if methods is None:
            raise Problem(HTTPStatus.NOT_FOUND, "nothing is here; /docs says what is where")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = ", ".join(methods)
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} takes {allowed}", Allow=allowed)
        return methods[method]

    def _failed(self, error: Exception, request_id: str) -> Response:
        problem = problem_of(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            foreseen = isinstance(error, AdloomError | Problem)
            log.error("%s", error, exc_info=None if foreseen else error, extra={"request": request_id})
        reasons = {401: "unknown", 403: "forbidden", 429: "rate" if "RateLimit-Limit" in problem.headers else "full"}
        if reason := reasons.get(problem.status):
            self._metrics.refused(reason)
        return Response(problem.body(request_id), problem.status, problem.headers, content_type=problems.MEDIA_TYPE)

    # What can be asked for

    def _rest(self, operation: Operation, request: Request) -> Response:
        try:
            caller = self._gatekeeper.admit(request, operation.scope)
        except Problem as error:
            if error.status == HTTPStatus.UNAUTHORIZED and ("X-API-Key" in request.headers or request.authorization):
                self._rates.count_failure(request.remote_addr or "nowhere")
            raise
        counted = self._rates.count(caller)
        kind = media_type(_headers(request))
        if kind != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send application/json, not {kind[:80] or 'nothing'}")
        body = read_body(request)
        call = Call(caller, Ticket(PATIENCE, partial(_gone, request)))

        def work() -> bytes:
            return msgspec.json.encode(operation.run(decoded(body, operation.takes), call))

        key = request.headers.get(HEADER) if operation.public else None
        again = False
        if key is None:
            answer = work()
        else:
            with self._answers.once(settings.store(), caller.name, operation.paths[0], key) as slot:
                found = slot.found(body)
                again = found is not None
                answer = found if found is not None else slot.keep(body, work())
        headers = counted | ({"Idempotency-Replayed": "true"} if again else {})
        return Response(answer, operation.status, headers, content_type="application/json")

    def _root(self, request: Request) -> Response:
        """Events and plain requests at one address."""
        if is_event(_headers(request)):
            self._gatekeeper.admit(request, "events")
            return self._take(_event(request))
        if CATALOGUE_LANDED in self._events and media_type(_headers(request)) == "application/json":
            self._gatekeeper.admit(request, "events")
            body = read_body(request)
            if (event := _pushed(body)) is not None:
                return self._take(event)
            request.stream = _replayed(request, body)
        if self._plain is None:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "only events are taken here")
        return self._plain(request)

    def _take(self, event: Event) -> Response:
        """An event's answer: the next event, or nothing. A fault that lasts is written down and not asked for again."""
        try:
            taker = self._events.get(event.type)
            if taker is None:
                raise InputError(
                    f"event {event.id!r}: {self.function} takes {', '.join(self._events)}, not {event.type}"
                )
            reply = taker(event, Ticket.of_event(EVENT_PATIENCE))
        except InputError as error:
            record_fault(settings.store(), self.function, event, error)
            log.warning("%s", error)
            self._metrics.event("refused")
            return Response(status=HTTPStatus.NO_CONTENT, headers={"Adloom-Outcome": "refused"})
        except Exception:
            self._metrics.event("failed")
            raise
        self._metrics.event("done" if reply else "ignored")
        if reply is None:
            return Response(status=HTTPStatus.NO_CONTENT)
        headers, body = to_http(reply)
        return Response(body, HTTPStatus.OK, headers)

    def _dead_letter(self, request: Request) -> Response:
        self._gatekeeper.admit(request, "events")
        if not is_event(_headers(request)):
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "only events are taken here")
        record_dead_letter(settings.store(), self.function, _event(request))
        self._metrics.event("dead")
        return Response(status=HTTPStatus.NO_CONTENT)

    # How it is, and what it is

    def _healthz(self, _: Request) -> Response:
        return _health("ok")

    def _readyz(self, _: Request) -> Response:
        self._start_warming()
        if not self._ready.wait(_SOON):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "it is starting", Retry_After="1")
        return _health("ready")

    def _metrics_text(self, request: Request) -> Response:
        self._gatekeeper.admit(request, "metrics")
        return Response(self._metrics.text(), content_type=MEDIA_TYPE)

    def _openapi(self, _: Request) -> Response:
        return Response(self._described, content_type="application/json")

    def _docs(self, _: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        return Response(
            self._page, headers={"Content-Security-Policy": policy}, content_type="text/html; charset=utf-8"
        )

    def _start_warming(self) -> None:
        """Make ready in the background; once, and anew after a failure when somebody asks."""
        with self._lock:
            if self._ready.is_set() or (self._warming is not None and self._warming.is_alive()):
                return
            self._warming = threading.Thread(target=self._make_ready, name="warming", daemon=True)
            self._warming.start()

    def _make_ready(self) -> None:
        try:
            settings.store()
            self._metrics.ready(self._warm())
        except Exception as error:
            log.error("not ready: %s", error, exc_info=None if isinstance(error, AdloomError) else error)
        else:
            self._ready.set()


def _headers(request: Request) -> dict[str, str]:
    return dict(request.headers.items())


def _event(request: Request) -> Event:
    """The event of a request; Problem 415 for a batch or an unknown form, 400 where it is malformed."""
    kind = media_type(_headers(request))
    if kind.startswith(BATCH):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a batch of events is not taken; send them one by one")
    if kind.startswith("application/cloudevents") and kind != "application/cloudevents+json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"format {kind!r} is not known; send application/cloudevents+json"
        )
    body = read_body(request)
    try:
        return from_http(_headers(request), body)
    except (InputError, UnicodeDecodeError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from error


def _pushed(body: bytes) -> Event | None:
    try:
        return pushed(body)
    except InputError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from error


def _replayed(request: Request, body: bytes) -> Any:
    """The body once more, for whoever reads it next."""
    request.environ["CONTENT_LENGTH"] = str(len(body))
    return io.BytesIO(body)


def _gone(request: Request) -> bool:
    """Whether the client has closed its end, as far as the server lets us see it."""
    connection = request.environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    with suppress(OSError, ValueError):
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    return True


def _health(status: Literal["ok", "ready", "starting"]) -> Response:
    return Response(msgspec.json.encode(Health(status=status)), content_type="application/json")


class _Lines(logging.Formatter):
    """Log records as JSON, a line each, by the names that Google Cloud's logging reads."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        if request := getattr(record, "request", None):
            entry["request_id"] = request
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


def _log_to_stderr() -> None:
    log.setLevel(settings.log_level())
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Lines())
        log.addHandler(handler)
        log.propagate = False
