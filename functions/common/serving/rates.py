"""How often one caller may ask."""

import math
import time
from http import HTTPStatus

import flask
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded

from functions.common.serving.gatekeeper import Caller
from functions.common.serving.problems import Problem

FAILURES = "60/minute"
"""Attempts with a wrong key or token that one address may make; keys that are right are not counted among them."""


class Rates:
    """Counts requests by caller, in this process or where all pods count.

    Made while the framework imports the door's module, when its application can still be extended. Where the shared
    counter does not answer, each pod counts for itself.
    """

    def __init__(self, counter: str) -> None:
        self._limiter = Limiter(
            key_func=lambda: str(flask.g.counted[0]),
            storage_uri=counter,
            strategy="moving-window",
            in_memory_fallback_enabled=True,
            key_prefix="adloom",
        )
        self._hit = self._limiter.limit(lambda: str(flask.g.counted[1]))(_nothing)
        if flask.has_app_context():
            self._limiter.init_app(flask.current_app)

    def count(self, caller: Caller) -> dict[str, str]:
        """Count a request; the headers that tell how many are left. Problem 429 where it was one too many."""
        return self._count(caller.name, caller.rate) if caller.rate else {}

    def count_failure(self, address: str) -> None:
        """Count an attempt to get in that failed; Problem 429 where it was one too many."""
        self._count(f"failed:{address}", FAILURES)

    def _count(self, name: str, rate: str) -> dict[str, str]:
        flask.g.counted = (name, rate)
        try:
            self._hit()
        except RateLimitExceeded as error:
            headers = self._headers()
            wait = headers.get("RateLimit-Reset", "60")
            problem = Problem(HTTPStatus.TOO_MANY_REQUESTS, f"more than {rate}; come again in {wait} seconds")
            problem.headers = {**headers, "Retry-After": wait}
            raise problem from error
        return self._headers()

    def _headers(self) -> dict[str, str]:
        state = self._limiter.current_limit
        if state is None:
            return {}
        return {
            "RateLimit-Limit": str(state.limit.amount),
            "RateLimit-Remaining": str(max(0, state.remaining)),
            "RateLimit-Reset": str(max(1, math.ceil(state.reset_at - time.time()))),
        }


def _nothing() -> None:
    """What is counted; the work comes after."""
