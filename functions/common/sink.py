"""Where events are posted to: the broker, as a SinkBinding names it."""

import os
import ssl
from pathlib import Path

import httpx
import msgspec

from functions.common.errors import PassingError
from functions.common.records import Record
from functions.common.wire import Event, to_http

TOKEN = Path("/oidc/token")
"""The token that a SinkBinding mounts where the broker asks who posts."""


class Overrides(Record, frozen=True):
    """``K_CE_OVERRIDES``."""

    extensions: dict[str, str] = {}


class RefusedError(PassingError):
    """The sink was reached, and did not accept the event.

    Attributes:
        status: what it answered; 0 where it was reached and did not answer in time.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Sink:
    """Posts events one at a time; may be used by several threads."""

    def __init__(self, url: str, extensions: dict[str, str], certificates: str = "", timeout: float = 30.0) -> None:
        """A sink at an address.

        Args:
            extensions: attributes that every event gets.
            certificates: PEM text of what its certificate is trusted by, besides the public authorities.
            timeout: seconds after which an answer no longer counts.
        """
        self.url = url
        self._extensions = extensions
        context = ssl.create_default_context()
        if certificates:
            context.load_verify_locations(cadata=certificates)
        self._client = httpx.Client(verify=context, timeout=timeout, trust_env=False)

    @classmethod
    def from_environment(cls) -> "Sink":
        """What the SinkBinding set; PassingError where it has not yet, for a new revision brings it."""
        url = os.environ.get("K_SINK", "")
        if not url:
            raise PassingError("K_SINK is not set: this revision is older than its SinkBinding; a newer one has it")
        overrides = msgspec.json.decode(os.environ.get("K_CE_OVERRIDES", "") or "{}", type=Overrides)
        return cls(url, overrides.extensions, os.environ.get("K_CA_CERTS", ""))

    def post(self, event: Event) -> None:
        """Hand an event over; returns when the sink has accepted it.

        Raises:
            RefusedError: it answered something else than 2xx, or not in time.
            PassingError: it cannot be reached.
        """
        headers, body = to_http(event.extended(**self._extensions))
        if TOKEN.is_file():
            headers["authorization"] = f"Bearer {TOKEN.read_text().strip()}"
        try:
            answer = self._client.post(self.url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise PassingError(f"{self.url}: cannot be reached ({error or type(error).__name__}); try again") from error
        except httpx.HTTPError as error:
            raise RefusedError(f"{self.url}: no answer ({error or type(error).__name__}); try again", 0) from error
        if not answer.is_success:
            raise RefusedError(
                f"{self.url}: answered {answer.status_code} to event {event.id}; try again", answer.status_code
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
