"""One try to deliver an event, judged as Knative's broker judges it."""

import base64
from dataclasses import dataclass

import httpx

from functions.common.errors import InputError
from functions.common.wire import Event, from_http, is_event, to_http

_AGAIN = frozenset({404, 408, 409, 429})
"""Answers below 500 that Knative tries again; any other 4xx, and a 3xx, is final."""

_MOST_ERROR = 1024
"""Characters of an answer that travel with a dead letter."""


@dataclass(frozen=True)
class Outcome:
    """What a try came to.

    Attributes:
        ok: the event was taken.
        again: where it was not: whether a later try may succeed.
        reply: the event that was answered, where there was one.
        fault: what was met, in words, and ``code`` the HTTP status, 0 where there was none.
        retry_after: seconds that the function asked for.
    """

    ok: bool
    again: bool = False
    reply: Event | None = None
    fault: str = ""
    code: int = 0
    retry_after: float = 0.0


def deliver(client: httpx.Client, url: str, event: Event, timeout: float, *, reply: bool) -> Outcome:
    """Post an event to a function.

    Args:
        timeout: seconds that the answer may take.
        reply: whether the answer is read as an event; an answer with a body that is none is then a fault.
    """
    headers, body = to_http(event)
    if reply:
        headers["prefer"] = "reply"
    try:
        answer = client.post(url, content=body, headers=headers, timeout=httpx.Timeout(10.0, read=timeout))
    except httpx.HTTPError as error:
        return Outcome(ok=False, again=True, fault=f"{type(error).__name__}: {error}")
    if not answer.is_success:
        again = answer.status_code >= 500 or answer.status_code in _AGAIN
        after = answer.headers.get("retry-after", "")
        return Outcome(
            ok=False,
            again=again,
            fault=f"answered {answer.status_code}: {answer.text[:500]}",
            code=answer.status_code,
            retry_after=float(after) if after.isdecimal() else 0.0,
        )
    return _replied(answer) if reply else Outcome(ok=True)


def _replied(answer: httpx.Response) -> Outcome:
    if is_event(answer.headers):
        try:
            return Outcome(ok=True, reply=from_http(answer.headers, answer.content))
        except InputError as error:
            return Outcome(ok=False, again=True, fault=f"answered with a malformed event: {error}", code=502)
    if answer.content:
        return Outcome(
            ok=False,
            again=True,
            code=502,
            fault="answered with a body that is no event; answer with an event or nothing",
        )
    return Outcome(ok=True)


def mourned(event: Event, destination: str, fault: str, code: int) -> Event:
    """A dead letter: the event with what Knative says of its end."""
    data = base64.b64encode(fault.encode()).decode()[:_MOST_ERROR]
    return event.extended(knativeerrordest=destination, knativeerrorcode=str(code or 500), knativeerrordata=data)
