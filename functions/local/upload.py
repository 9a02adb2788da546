"""A catalogue dropped into a bucket, and followed through the ledger until its batch is whole."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from functions.common.audit import Landed, landed_name
from functions.common.batches import Batch, Entry
from functions.common.errors import AdloomError, InputError
from functions.common.records import Record
from functions.common.storage import FolderStore, Store
from functions.flow import Watcher
from functions.local.machine import Standing

GRACE = 15.0
"""Seconds in which a batch that was there before may turn out to be another one."""


def drop(store: Store, path: Path) -> str:
    """Write a catalogue below ``landing/`` in a folder of its own; the object's name.

    The file keeps its name, which products refer to.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    landed = f"landing/{moment}-{sha256(path)[:8]}/{path.name}"
    store.create_from(landed, path)
    return landed


def sha256(path: Path) -> str:
    """Of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def batches_of(store: Store, digest: str) -> dict[str, Batch]:
    """The batches that were made of a catalogue's bytes, by their ids."""
    found = {}
    for name in store.names("ledger"):
        if name.endswith("/batch.json") and name.count("/") == 2:
            batch = msgspec.json.decode(store.read(name), type=Batch)
            if batch.sha256 == digest:
                found[batch.batch_id] = batch
    return found


class Mourned(Record, frozen=True):
    """What the ledger keeps of an event that came to nothing: why, and the event's attributes."""

    fault: str
    attributes: dict[str, str]


class Follower:
    """Watches one uploaded catalogue."""

    def __init__(
        self, store: Store, landed: str, machine: Standing | None, watcher: Watcher, interval: float = 0.0
    ) -> None:
        """A follower of what the machine, or a cluster where it is None, does in a store.

        Args:
            landed: the catalogue's name below ``landing/``.
            interval: seconds between looks; by default half a second for a folder, two for a bucket.
        """
        self._store = store
        self._landed = landed
        self._machine = machine
        self._watcher = watcher
        self._mourned = set(self._losses())
        self._interval = interval or (0.5 if isinstance(store, FolderStore) else 2.0)

    def batch(self, digest: str, before: set[str]) -> Batch:
        """The batch that the catalogue becomes.

        Args:
            digest: its SHA-256.
            before: batches of the same bytes that were there before it was dropped.
        """
        began = time.monotonic()
        while True:
            found = batches_of(self._store, digest)
            if new := set(found) - before:
                return found[min(new)]
            if found and time.monotonic() - began > GRACE:
                if len(found) == 1:
                    return next(iter(found.values()))
                raise InputError(
                    f"{self._landed}: was worked through before with {len(found)} different settings "
                    f"({', '.join(sorted(found))}); see each with `adloom audit`"
                )
            self._alarm(self._landed)
            time.sleep(self._interval)

    def follow(self, batch: Batch) -> None:
        """Return when every part of a batch is scored; tells the watcher how far it is."""
        seen: set[str] = set()
        read: dict[int, dict[str, int]] = {}
        scored: set[int] = set()
        landed: Landed | None = None
        while True:
            names = list(self._store.names(f"ledger/{batch.batch_id}"))
            for entry in self._entries(name for name in names if name not in seen):
                if entry.stage == "ingest":
                    read[entry.part] = entry.counts
                elif entry.stage == "score":
                    scored.add(entry.part)
                    if landed is not None:
                        self._watcher.written(read[entry.part]["products"])
            seen.update(names)
            if landed is None:
                products = sum(counts["products"] for counts in read.values())
                self._watcher.read(sum(counts["rows"] for counts in read.values()), products)
                if landed_name(batch.batch_id) in seen:
                    landed = msgspec.json.decode(self._store.read(landed_name(batch.batch_id)), type=Landed)
                    self._watcher.begun(products)
                    self._watcher.written(sum(read[part]["products"] for part in scored))
            if landed is not None and len(scored) == landed.parts:
                return
            self._alarm(f"batches/{batch.batch_id}/")
            time.sleep(self._interval)

    def _entries(self, names: Iterable[str]) -> Iterator[Entry]:
        """The ledger's entries among names of objects; ingest's before the others of their part."""
        for name in sorted(names):
            if "/part-" in name:
                yield msgspec.json.decode(self._store.read(name), type=Entry)

    def _alarm(self, subject: str) -> None:
        """Say so where it will not come to an end.

        Args:
            subject: what the subject of the events holds that count beside the catalogue's own.

        Raises:
            InputError: an event came to nothing, as the ledger says.
            AdloomError: the machine is gone, or has given up an event that nobody recorded.
        """
        for name in self._losses():
            if name not in self._mourned:
                self._mourned.add(name)
                loss = msgspec.json.decode(self._store.read(name), type=Mourned)
                told = loss.attributes.get("subject", "")
                if subject in told or self._landed in told:
                    raise InputError(loss.fault)
        if self._machine is not None:
            self._ask(self._machine)

    def _losses(self) -> Iterator[str]:
        for folder in ("faults", "dead-letters"):
            yield from self._store.names(f"ledger/{folder}")

    def _ask(self, machine: Standing) -> None:
        try:
            answer = httpx.get(f"{machine.router}status", timeout=10.0, trust_env=False)
        except httpx.HTTPError as error:
            message = f"{self._landed}: `adloom up` has stopped; start it again, and it goes on from there ({error})"
            raise AdloomError(message) from error
        for letter in answer.json()["dead"]:
            raise AdloomError(f"{self._landed}: an event for {letter['trigger']} was given up: {letter['fault']}")
