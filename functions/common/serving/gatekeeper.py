"""Who asks, and whether they may: API keys and tokens at the public doors, the broker's identity for events."""

import ipaddress
import socket
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Request

from functions.common.errors import InputError
from functions.common.records import Record
from functions.common.serving import settings
from functions.common.serving.keys import PREFIX, Keyring
from functions.common.serving.problems import Problem
from functions.common.serving.tokens import Verifier

PUBLIC = ("creatives", "score", "feedback")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via")


class Caller(Record, frozen=True, kw_only=True):
    """Whoever made a request.

    Attributes:
        name: of the key, or the token's subject.
        scopes: what they may do.
        rate: requests that they may make; empty: as many as they like.
    """

    name: str
    scopes: frozenset[str]
    rate: str = ""


ANYONE = Caller(name="anyone", scopes=frozenset({*PUBLIC, "inner", "metrics", "events"}))
"""Whoever asks where nothing is checked."""

BROKER = Caller(name="broker", scopes=frozenset({"inner", "events"}))


class Gatekeeper:
    """The rules of access at one door."""

    def __init__(self, access: settings.Access) -> None:
        """The rules as they are set; InputError where nothing is checked and others than this machine could ask."""
        self._access = access
        self._keyring = Keyring(access.keys)
        self._people = Verifier(access.people)
        self._broker = Verifier(access.broker)
        if not access.checked and not _loopback(host := _host()):
            raise InputError(
                f"ADLOOM_AUTH=off allows everything, so it listens on loopback only, not on {host}; set HOST=127.0.0.1"
            )

    def admit(self, request: Request, scope: str) -> Caller:
        """Whoever made a request, where they may do what the scope names.

        Args:
            scope: of the public API, ``metrics``, or ``inner`` and ``events``, which the broker's identity has.

        Raises:
            Problem: 401 where it is not said who asks, or wrongly; 403 where they may not.
            PassingError: it cannot be found out now.
        """
        if not self._access.checked:
            _only_here(request)
            return ANYONE
        if scope == "metrics" and not any(name in request.headers for name in _FORWARDED):
            # Whoever reads them stands in the cluster; what comes from outside comes through Knative's proxies.
            return Caller(name="scraper", scopes=frozenset({"metrics"}))
        caller = self._broker_of(request) if scope in BROKER.scopes else self._person_of(request)
        if scope not in caller.scopes:
            raise Problem(HTTPStatus.FORBIDDEN, f"{caller.name} may not do this; it takes the scope {scope}")
        return caller

    def _broker_of(self, request: Request) -> Caller:
        self._broker.claims(_bearer(request))
        return BROKER

    def _person_of(self, request: Request) -> Caller:
        key = request.headers.get("X-API-Key")
        if key is not None and "Authorization" in request.headers:
            raise _unknown("send X-API-Key or Authorization, not both")
        secret = _bearer(request) if key is None else key
        if key is not None or secret.startswith(PREFIX):
            return self._holder(secret)
        claims = self._people.claims(secret)
        return Caller(name=f"token:{claims['sub']}", scopes=_scopes(claims), rate=self._access.rate)

    def _holder(self, secret: str) -> Caller:
        found = self._keyring.find(secret)
        if found is None:
            raise _unknown("the API key is not known, or has ended")
        return Caller(name=f"key:{found.id}", scopes=frozenset(found.scopes), rate=found.rate or self._access.rate)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """The scopes that a token is limited to; all of the API where its issuer knows none."""
    given = claims.get("scope")
    if not isinstance(given, str):
        return frozenset(PUBLIC)
    return frozenset(given.split()).intersection(PUBLIC)


def _bearer(request: Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise _unknown("say who asks: an API key as X-API-Key, or a token as Authorization: Bearer")
    return credentials.strip()


def _unknown(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, detail, WWW_Authenticate='Bearer realm="adloom"')


def _host() -> str:
    """Where the framework is about to listen: as its command line says, which reads HOST itself."""
    import click

    context = click.get_current_context(silent=True)
    named = context.params.get("host") if context else None
    return str(named or settings.host())


def _loopback(host: str) -> bool:
    name = host.strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _only_here(request: Request) -> None:
    """Refuse what did not come over loopback, or was made to by a page of another site.

    A web page can have its own name lead to 127.0.0.1, and then ask with that name as the host.
    """
    connection = request.environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket) and not _loopback(str(connection.getsockname()[0])):
        raise Problem(HTTPStatus.FORBIDDEN, "nothing is checked here, so only this machine may ask")
    if not _loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise Problem(HTTPStatus.FORBIDDEN, "nothing is checked here, so only localhost may be asked for")
    origin = request.headers.get("Origin")
    if origin is not None and not _loopback(urlsplit(origin).hostname or ""):
        raise Problem(HTTPStatus.FORBIDDEN, "nothing is checked here, so no other site's page may ask")
