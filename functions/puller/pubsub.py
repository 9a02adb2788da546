"""Pub/Sub's REST interface, as far as a subscriber needs it. https://cloud.google.com/pubsub/docs/reference/rest"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import msgspec

from functions.common.errors import InputError, PassingError
from functions.common.notification import Message
from functions.common.records import Record

_SCOPE = "https://www.googleapis.com/auth/pubsub"
_GOOGLE = "https://pubsub.googleapis.com"
_SUBSCRIPTION = re.compile(r"projects/[^/\s]+/subscriptions/[^/\s]+")
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")

LONGEST_POLL = 100.0
"""Seconds that a pull may take: Pub/Sub holds one that finds nothing for up to 90."""

Token = Callable[[], str]


class Received(Record, frozen=True, rename="camel"):
    """A message as it is delivered.

    Attributes:
        ack_id: names this delivery, when it is acknowledged or put off.
        delivery_attempt: counted by Pub/Sub, where the subscription has a dead-letter policy; else 0.
    """

    ack_id: str
    message: Message = Message()
    delivery_attempt: int = 0


class _Pulled(Record, frozen=True, rename="camel"):
    received_messages: list[Received] = []


class PubSub:
    """One subscription, and the topic for what cannot be delivered; may be used by several threads."""

    def __init__(self, root: str, subscription: str, dead_letters: str, token: Token | None = None) -> None:
        """A subscription behind an address.

        Args:
            subscription: ``projects/PROJECT/subscriptions/NAME``.
            dead_letters: ``projects/PROJECT/topics/NAME``.
            token: gives an access token; None for an emulator.

        Raises:
            InputError: a name has another form.
        """
        if not _SUBSCRIPTION.fullmatch(subscription):
            raise InputError(f"ADLOOM_SUBSCRIPTION {subscription!r}: write it as projects/PROJECT/subscriptions/NAME")
        if not _TOPIC.fullmatch(dead_letters):
            raise InputError(f"ADLOOM_DEAD_LETTER_TOPIC {dead_letters!r}: write it as projects/PROJECT/topics/NAME")
        self.subscription = subscription
        self.dead_letters = dead_letters
        self._token = token
        self._client = httpx.Client(base_url=root, timeout=httpx.Timeout(10.0, read=LONGEST_POLL), trust_env=False)

    @classmethod
    def from_environment(cls) -> "PubSub":
        """What the environment names, at ``PUBSUB_EMULATOR_HOST`` or at Google."""
        subscription = os.environ.get("ADLOOM_SUBSCRIPTION", "")
        dead_letters = os.environ.get("ADLOOM_DEAD_LETTER_TOPIC", "")
        if emulator := os.environ.get("PUBSUB_EMULATOR_HOST", ""):
            root = emulator if "://" in emulator else f"http://{emulator}"
            return cls(root, subscription, dead_letters)
        return cls(_GOOGLE, subscription, dead_letters, google_token())

    def pull(self, most: int) -> list[Received]:
        """Up to so many messages; waits for the first, and gives none where none comes."""
        answer = self._ask(f"{self.subscription}:pull", {"maxMessages": most})
        return msgspec.json.decode(answer, type=_Pulled).received_messages

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """Have done with deliveries: they do not come again."""
        self._ask(f"{self.subscription}:acknowledge", {"ackIds": list(ack_ids)})

    def put_off(self, ack_ids: Sequence[str], seconds: int) -> None:
        """Deliveries come again in so many seconds (0 to 600), unless they are acknowledged or put off before."""
        body = {"ackIds": list(ack_ids), "ackDeadlineSeconds": seconds}
        self._ask(f"{self.subscription}:modifyAckDeadline", body)

    def bury(self, message: Message, reason: str, attempts: int) -> None:
        """Publish a message to the dead-letter topic, with why it is there."""
        attributes = {
            **message.attributes,
            "adloomReason": reason[:1000],
            "adloomAttempts": str(attempts),
            "adloomMessageId": message.message_id,
            "adloomSubscription": self.subscription,
        }
        self._ask(f"{self.dead_letters}:publish", {"messages": [{"data": message.data, "attributes": attributes}]})

    def close(self) -> None:
        """Let go of the connections; a pull that waits fails."""
        self._client.close()

    def _ask(self, path: str, body: dict[str, Any]) -> bytes:
        headers = {"authorization": f"Bearer {self._token()}"} if self._token else {}
        try:
            answer = self._client.post(f"/v1/{path}", json=body, headers=headers)
        except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: the client was closed while asking.
            raise PassingError(f"{path}: Pub/Sub does not answer ({error or type(error).__name__})") from error
        if answer.status_code in (401, 403):
            raise PassingError(f"{path}: access refused; grant this identity Pub/Sub Subscriber and Publisher")
        if answer.status_code == 404:
            raise PassingError(f"{path}: not found; create it, or correct the name")
        if not answer.is_success:
            raise PassingError(f"{path}: Pub/Sub answered {answer.status_code}: {answer.text[:200]}")
        return answer.content


def google_token() -> Token:
    """Access tokens of the identity that this runs as: the metadata server's in a cluster."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise InputError(
            f"no Google Cloud credentials ({error}); run `gcloud auth application-default login`"
        ) from error
    lock = threading.Lock()

    def token() -> str:
        try:
            with lock:
                if not credentials.valid:
                    credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise PassingError(f"no access token from Google ({error})") from error
        return str(credentials.token)

    return token
