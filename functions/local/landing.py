"""What lands in the bucket is announced, as Cloud Storage announces it in the cluster."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from functions.common.errors import AdloomError
from functions.common.notification import landed
from functions.common.storage import BucketStore, FolderStore, Store, allowed
from functions.common.wire import Event

log = logging.getLogger("adloom.landing")

LANDING = "landing"

Announce = Callable[[str, str, Event], bool]
"""Name, stamp and event of an object; False where it was announced before."""


@dataclass(frozen=True)
class Landed:
    """An object below ``landing/``.

    Attributes:
        bucket, key: as Cloud Storage names it.
        name: within the store.
        stamp: changes with its content: the generation, or a file's time and size.
        size: bytes.
    """

    bucket: str
    key: str
    name: str
    stamp: str
    size: int

    def event(self) -> Event:
        """Its announcement; the same object and content have the same id."""
        identity = hashlib.sha256(f"{self.bucket}\n{self.key}\n{self.stamp}".encode()).hexdigest()[:32]
        data = {"kind": "storage#object", "bucket": self.bucket, "name": self.key, "size": str(self.size)}
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return landed(identity, self.bucket, self.key, moment, msgspec.json.encode({**data, "generation": self.stamp}))


class Landing:
    """Looks below ``landing/`` time and again.

    A file of a folder counts once two looks find it the same, so that one that is still being copied is left alone.
    """

    def __init__(self, store: Store, announce: Announce, interval: float = 0.5) -> None:
        """A watch that has not begun; `interval` is in seconds."""
        self._store = store
        self._announce = announce
        self._interval = interval
        self._stop = threading.Event()
        self._before: set[Landed] = set()
        self._odd: set[str] = set()
        self._done: set[Landed] = set()
        self._thread = threading.Thread(target=self._run, name="landing", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a look that waits for a store that is down is left behind."""
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except AdloomError as error:
                log.warning("%s; looked again soon", error)
            except Exception:
                log.exception("landing/ could not be looked at")
            self._stop.wait(self._interval)

    def _look(self) -> None:
        found = set(self._objects())
        settled = found & self._before if isinstance(self._store, FolderStore) else found
        for one in sorted(settled - self._done, key=lambda each: each.name):
            if self._announce(one.name, one.stamp, one.event()):
                log.info("%s landed, %d bytes", one.name, one.size)
            self._done.add(one)
        self._before = found

    def _objects(self) -> Iterator[Landed]:
        if isinstance(self._store, FolderStore):
            yield from self._files(self._store)
        elif isinstance(self._store, BucketStore):
            store = self._store
            for blob in store.bucket.client.list_blobs(
                store.bucket, prefix=f"{store.prefix}{LANDING}/", retry=store.retry
            ):
                name = blob.name.removeprefix(store.prefix)
                yield Landed(store.bucket.name, blob.name, name, str(blob.generation), int(blob.size or 0))

    def _files(self, store: FolderStore) -> Iterator[Landed]:
        for path in (store.root / LANDING).rglob("*"):
            name = path.relative_to(store.root).as_posix()
            if not path.is_file() or path.name.startswith("."):
                continue
            if not allowed(name):
                if name not in self._odd:
                    log.warning("%r is left alone: a bucket could not hold an object of that name; rename it", name)
                self._odd.add(name)
                continue
            about = path.stat()
            yield Landed(store.root.name, name, name, f"{about.st_mtime_ns}-{about.st_size}", about.st_size)
