"""API keys: kept as hashes in a file, each with scopes and an end.

A key is 256 bits of chance, so a plain hash keeps it: there is nothing to guess from. `python -m
functions.common.serving.keys NAME` makes one and prints it once, with the entry for the file.
"""

import datetime
import hashlib
import hmac
import os
import secrets
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from functions.common.errors import InputError, PassingError
from functions.common.records import Record

Scope = Literal["creatives", "score", "feedback", "metrics"]

PREFIX = "adl_"


class ApiKey(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the file.

    Attributes:
        id: by which the log and the rate limits know it.
        sha256: of the key, hexadecimal.
        scopes: what it may be used for.
        expires: when it ends.
        rate: requests that it may make, where that is not the usual.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    scopes: list[Scope]
    expires: Annotated[datetime.datetime, msgspec.Meta(tz=True)]
    rate: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]*/(second|minute|hour|day)$")] | None = None


class KeyFile(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    keys: list[ApiKey]


class Keyring:
    """The keys of a file, read anew when it changes."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._stamp: tuple[int, int, int] | None = None
        self._keys: list[ApiKey] = []
        self._lock = threading.Lock()

    def find(self, secret: str) -> ApiKey | None:
        """The entry of a key that has not ended; PassingError where the file is damaged."""
        wanted = hashlib.sha256(secret.encode()).hexdigest()
        # All are compared, so that the time does not tell how far the search got.
        matches = [key for key in self._current() if hmac.compare_digest(key.sha256, wanted)]
        now = datetime.datetime.now(datetime.UTC)
        return next((key for key in matches if key.expires > now), None)

    def _current(self) -> list[ApiKey]:
        if self._path is None:
            return []
        with self._lock:
            try:
                status = os.stat(self._path)  # noqa: PTH116 - follows the links that a mounted secret is made of
                stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
                if stamp != self._stamp:
                    self._keys = msgspec.json.decode(self._path.read_bytes(), type=KeyFile).keys
                    self._stamp = stamp
            except FileNotFoundError:
                self._keys, self._stamp = [], None
            except (OSError, msgspec.DecodeError) as error:
                raise PassingError(f"{self._path}: cannot be read as API keys ({error})") from error
            return self._keys


def make_key(name: str, scopes: list[Scope], days: int) -> tuple[str, ApiKey]:
    """A new key and its entry."""
    secret = PREFIX + secrets.token_urlsafe(32)
    expires = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=days)
    entry = {"id": name, "sha256": hashlib.sha256(secret.encode()).hexdigest(), "scopes": scopes, "expires": expires}
    try:
        return secret, msgspec.convert(entry, ApiKey)
    except msgspec.ValidationError as error:
        raise InputError(f"key {name!r}: {error}; a name is small letters, digits and hyphens") from error


def main() -> None:
    """Make a key for the name given, good for a year and for all of the API."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m functions.common.serving.keys NAME")
    try:
        secret, entry = make_key(sys.argv[1], ["creatives", "score", "feedback"], 365)
    except InputError as error:
        raise SystemExit(str(error)) from error
    sys.stderr.write("the key, shown only now; below it the entry for the file's list of keys\n")
    sys.stdout.write(f"{secret}\n{msgspec.json.encode(entry).decode()}\n")


if __name__ == "__main__":
    main()
