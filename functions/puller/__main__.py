"""`python -m functions.puller`: runs until SIGTERM or SIGINT, then sees through what is under way."""

import logging
import os
import signal
import sys
import threading

from functions.common.errors import AdloomError, InputError
from functions.common.sink import Sink
from functions.puller.pubsub import PubSub
from functions.puller.puller import Puller
from functions.puller.status import serving

_STOPPERS = (signal.SIGTERM, signal.SIGINT)


def number(name: str, text: str, most: int) -> int:
    """A whole number from 1 to `most`; InputError for anything else."""
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise InputError(f"{name} {text!r}: write a whole number from 1 to {most}")
    return int(text)


def main() -> None:
    """Read the settings, and carry messages until told to stop."""
    level = os.environ.get("ADLOOM_LOG", "info").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    sink = Sink.from_environment()
    puller = Puller(
        PubSub.from_environment(),
        sink.post,
        outstanding=number("ADLOOM_PULL_OUTSTANDING", os.environ.get("ADLOOM_PULL_OUTSTANDING", "16"), 1000),
        attempts=number("ADLOOM_PULL_ATTEMPTS", os.environ.get("ADLOOM_PULL_ATTEMPTS", "5"), 100),
    )
    port = number("PORT", os.environ.get("PORT", "8080"), 65535)
    # A thread waits for the signals: a handler would run amid whatever lock the main thread holds.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPERS)
    threading.Thread(target=_stop_when_told, args=(puller,), daemon=True).start()
    with serving(puller, "0.0.0.0", port):  # noqa: S104 the probes come from outside the pod
        puller.run()


def _stop_when_told(puller: Puller) -> None:
    signal.sigwait(_STOPPERS)
    puller.stop()


if __name__ == "__main__":
    try:
        main()
    except AdloomError as error:
        sys.exit(f"adloom puller: {error}")
