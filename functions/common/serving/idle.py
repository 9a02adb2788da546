"""Idle connections: kept longer than the proxies in front keep theirs, and closed at once when the server is to end."""

import signal
from typing import Any

from gunicorn.config import Keepalive, PostWorkerInit

IDLE = 120
"""Seconds that an idle connection is kept. Knative's proxies keep theirs for 90; whoever closes first, as gunicorn
would after 2, breaks a request that is just being sent."""


def settle() -> None:
    """Have gunicorn do so. The framework passes no setting on, so its defaults are changed before it reads them."""
    Keepalive.default = IDLE
    PostWorkerInit.default = staticmethod(_leave_at_once)


def _leave_at_once(worker: Any) -> None:
    """Let idle connections expire when the worker is told to end: gunicorn waits for them as it does for requests."""
    leave = worker.handle_exit

    def end(signum: int, frame: Any) -> None:
        for connection in tuple(worker.keepalived_conns):
            connection.timeout = 0.0
        leave(signum, frame)

    signal.signal(signal.SIGTERM, end)
