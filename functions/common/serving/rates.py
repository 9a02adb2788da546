"""How often one caller may ask.

Counted by `limits`, the engine of flask-limiter. The extension itself counts by Flask's routes and before the door is
asked; here all is one route, and who asks is known only once their key has been checked.
"""

import logging
import math
import time
from http import HTTPStatus

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from functions.common.serving.gatekeeper import Caller
from functions.common.serving.problems import Problem

log = logging.getLogger("adloom")

FAILURES = "60/minute"
"""Attempts with a wrong key or token that one address may make; keys that are right are not counted among them."""

_AWAY = 30.0
"""Seconds for which a counter that did not answer is not asked again."""


class Rates:
    """Counts requests by caller, in this process or where all pods count.

    Where the shared counter does not answer, each pod counts for itself.
    """

    def __init__(self, counter: str) -> None:
        waits = {"socket_timeout": 1, "socket_connect_timeout": 1} if counter.startswith("redis") else {}
        self._shared = MovingWindowRateLimiter(storage_from_string(counter, wrap_exceptions=True, **waits))
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._back = 0.0

    def count(self, caller: Caller) -> dict[str, str]:
        """Count a request; the headers that tell how many are left. Problem 429 where it was one too many."""
        return self._count(caller.name, caller.rate) if caller.rate else {}

    def count_failure(self, address: str) -> None:
        """Count an attempt to get in that failed; Problem 429 where it was one too many."""
        self._count(f"failed:{address}", FAILURES)

    def _count(self, name: str, rate: str) -> dict[str, str]:
        item = parse(rate)
        if time.monotonic() >= self._back:
            try:
                return _hit(self._shared, item, name)
            except StorageError as error:
                self._back = time.monotonic() + _AWAY
                log.warning("requests are counted in this process alone for now: %s", error)
        return _hit(self._own, item, name)


def _hit(counter: MovingWindowRateLimiter, item: RateLimitItem, name: str) -> dict[str, str]:
    allowed = counter.hit(item, "adloom", name)
    state = counter.get_window_stats(item, "adloom", name)
    wait = str(max(1, math.ceil(state.reset_time - time.time())))
    headers = {
        "RateLimit-Limit": str(item.amount),
        "RateLimit-Remaining": str(max(0, state.remaining)),
        "RateLimit-Reset": wait,
    }
    if not allowed:
        problem = Problem(HTTPStatus.TOO_MANY_REQUESTS, f"that is more than {item}; come again in {wait} seconds")
        problem.headers = {**headers, "Retry-After": wait}
        raise problem
    return headers
