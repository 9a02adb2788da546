"""Answers that are kept for a day, so that a request made twice with one idempotency key is done once."""

import datetime
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import msgspec

from functions.common.errors import NotFoundError
from functions.common.records import Record, digest
from functions.common.serving.problems import Problem
from functions.common.storage import Store

KEPT = datetime.timedelta(days=1)
HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class Answer(Record, frozen=True, kw_only=True):
    """An answer that was given.

    Attributes:
        asked: hash of the request that it answers.
        body: JSON text.
    """

    asked: str
    at: datetime.datetime
    body: str


class Answers:
    """Answers by caller, path and key, under ``answers/``."""

    def __init__(self) -> None:
        self._underway: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def once(self, store: Store, caller: str, path: str, key: str) -> Iterator["Slot"]:
        """The place of one key's answer, held while the answer is made.

        Raises:
            Problem: the key is malformed, or its request is under way.
        """
        if not _KEY.fullmatch(key):
            raise Problem(HTTPStatus.BAD_REQUEST, f"{HEADER}: use 1 to 128 visible ASCII characters")
        name = f"answers/{digest(caller, path, key, size=16)}.json"
        with self._lock:
            if name in self._underway:
                detail = f"a request with this {HEADER} is under way; wait for its answer"
                raise Problem(HTTPStatus.CONFLICT, detail, Retry_After="2")
            self._underway.add(name)
        try:
            yield Slot(store, name)
        finally:
            with self._lock:
                self._underway.discard(name)


class Slot:
    """Where one answer is kept."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def found(self, body: bytes) -> bytes | None:
        """The answer that this request got before; Problem 422 where the key was used for another one."""
        kept = self._kept()
        if kept is None:
            return None
        if kept.asked != _hash(body):
            detail = f"this {HEADER} was used for another request; use a new one"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        return kept.body.encode()

    def keep(self, body: bytes, answer: bytes) -> bytes:
        """Keep an answer; the one to give: where another pod was quicker, its own."""
        made = Answer(asked=_hash(body), at=datetime.datetime.now(datetime.UTC), body=answer.decode())
        data = msgspec.json.encode(made)
        if not self._store.create(self._name, data):
            if (first := self.found(body)) is not None:
                return first
            self._store.replace(self._name, data)
        return answer

    def _kept(self) -> Answer | None:
        try:
            kept = msgspec.json.decode(self._store.read(self._name), type=Answer)
        except NotFoundError:
            return None
        return kept if datetime.datetime.now(datetime.UTC) - kept.at < KEPT else None


def _hash(body: bytes) -> str:
    return digest(body.decode("utf-8", "replace"), size=16)
