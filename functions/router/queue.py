"""Events that wait to be delivered, in a SQLite file: what is in it survives any death of the process."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from functions.common.errors import InputError
from functions.common.wire import Event
from functions.router.triggers import Trigger

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY, attributes BLOB NOT NULL, data BLOB NOT NULL, accepted REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
  number INTEGER PRIMARY KEY, event INTEGER NOT NULL REFERENCES events, trigger TEXT NOT NULL,
  failed INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, dead INTEGER NOT NULL DEFAULT 0,
  taken INTEGER NOT NULL DEFAULT 0, fault TEXT NOT NULL DEFAULT '', code INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS due ON deliveries (trigger, dead, due);
CREATE TABLE IF NOT EXISTS announced (name TEXT NOT NULL, stamp TEXT NOT NULL, PRIMARY KEY (name, stamp));
"""

ALIVE, DYING, DEAD = 0, 1, 2
"""A delivery is tried; goes to its dead-letter sink; lies where it is, recorded, because that failed too."""


@dataclass(frozen=True)
class Waiting:
    """A delivery that is due.

    Attributes:
        failed: tries that failed in its present state.
        dying: whether it goes to the dead-letter sink.
        fault, code: what the last try met, and the HTTP status with it, 0 where there was none.
    """

    number: int
    event: Event
    trigger: str
    failed: int
    dying: bool
    fault: str
    code: int


@dataclass(frozen=True)
class Dead:
    """An event that was given up."""

    trigger: str
    event: Event
    fault: str


class Queue:
    """The waiting deliveries; may be used by several threads of one process."""

    def __init__(self, path: Path) -> None:
        """The queue in a file, made where it is missing; what a former process had under way is due again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        try:
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_TABLES)
            self._base.execute("UPDATE deliveries SET taken = 0")
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{path}: is no queue of events ({error}); move it away and drop the catalogue again"
            ) from error
        self.changed = threading.Condition(threading.RLock())
        """Notified when something is put in or is due anew."""

    def put(self, event: Event, triggers: Iterable[Trigger]) -> int:
        """Keep an event for each of its triggers; when this returns it is on disk. Gives how many there are."""
        with self._written():
            return self._put(event, triggers)

    def announce(self, name: str, stamp: str, event: Event, triggers: Iterable[Trigger]) -> bool:
        """`put`, once for an object and the stamp of its content; False where that was done before."""
        with self._written():
            known = self._base.execute("INSERT OR IGNORE INTO announced VALUES (?, ?)", (name, stamp)).rowcount == 0
            if not known:
                self._put(event, triggers)
            return not known

    def take(self, trigger: str) -> Waiting | None:
        """The delivery that has been due longest, which nobody else gets until it is settled."""
        with self.changed:
            row = self._base.execute(
                "SELECT d.number, attributes, data, failed, dead, fault, code FROM deliveries d "
                "JOIN events e ON e.number = event "
                "WHERE trigger = ? AND dead < ? AND taken = 0 AND due <= ? ORDER BY due, d.number LIMIT 1",
                (trigger, DEAD, time.time()),
            ).fetchone()
            if row is None:
                return None
            self._base.execute("UPDATE deliveries SET taken = 1 WHERE number = ?", row[:1])
        number, attributes, data, failed, dead, fault, code = row
        return Waiting(number, _event(attributes, data), trigger, failed, dead == DYING, fault, code)

    def next_due(self, trigger: str) -> float | None:
        """Seconds until the next delivery of a trigger is due, or None where none waits."""
        with self.changed:
            (due,) = self._base.execute(
                "SELECT min(due) FROM deliveries WHERE trigger = ? AND dead < ? AND taken = 0", (trigger, DEAD)
            ).fetchone()
        return None if due is None else max(0.0, due - time.time())

    def settle(self, waiting: Waiting, reply: Event | None = None, triggers: Iterable[Trigger] = ()) -> None:
        """Done: the delivery goes and the reply comes in, both or neither."""
        with self._written():
            if reply is not None:
                self._put(reply, triggers)
            self._forget(waiting.number)

    def postpone(self, waiting: Waiting, wait: float, fault: str, code: int) -> None:
        """It failed, and is due again in so many seconds."""
        self._update(waiting, waiting.failed + 1, DYING if waiting.dying else ALIVE, wait, fault, code)

    def give_up(self, waiting: Waiting, fault: str, code: int) -> None:
        """It failed for good, and goes to its dead-letter sink next."""
        self._update(waiting, 0, DYING, 0.0, fault, code)

    def bury(self, waiting: Waiting, fault: str, code: int) -> None:
        """Not even the dead-letter sink took it: it stays, and is tried no more."""
        self._update(waiting, waiting.failed + 1, DEAD, 0.0, fault, code)

    def pending(self) -> dict[str, int]:
        """Trigger -> deliveries that wait or are under way."""
        with self.changed:
            rows = self._base.execute("SELECT trigger, count(*) FROM deliveries WHERE dead < ? GROUP BY 1", (DEAD,))
            return dict(rows.fetchall())

    def dead(self) -> list[Dead]:
        """What was given up and no dead-letter sink took."""
        with self.changed:
            rows = self._base.execute(
                "SELECT trigger, attributes, data, fault FROM deliveries d "
                "JOIN events e ON e.number = event WHERE dead = ? ORDER BY d.number",
                (DEAD,),
            ).fetchall()
        return [Dead(trigger, _event(attributes, data), fault) for trigger, attributes, data, fault in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self.changed:
            self._base.close()

    def _put(self, event: Event, triggers: Iterable[Trigger]) -> int:
        woken = [trigger.name for trigger in triggers if trigger.wants(event.attributes)]
        if woken:
            row = (msgspec.json.encode(event.attributes), event.data, time.time())
            number = self._base.execute(
                "INSERT INTO events (attributes, data, accepted) VALUES (?, ?, ?)", row
            ).lastrowid
            for trigger in woken:
                self._deliver(int(number or 0), trigger)
        return len(woken)

    def _deliver(self, event: int, trigger: str) -> None:
        self._base.execute(
            "INSERT INTO deliveries (event, trigger, due) VALUES (?, ?, ?)", (event, trigger, time.time())
        )

    def _forget(self, number: int) -> None:
        (event,) = self._base.execute("DELETE FROM deliveries WHERE number = ? RETURNING event", (number,)).fetchone()
        self._base.execute(
            "DELETE FROM events WHERE number = ? AND number NOT IN (SELECT event FROM deliveries)", (event,)
        )

    def _update(self, waiting: Waiting, failed: int, dead: int, wait: float, fault: str, code: int) -> None:
        with self._written():
            self._base.execute(
                "UPDATE deliveries SET taken = 0, failed = ?, dead = ?, due = ?, fault = ?, code = ? WHERE number = ?",
                (failed, dead, time.time() + wait, fault[:2000], code, waiting.number),
            )

    @contextmanager
    def _written(self) -> Iterator[None]:
        """A transaction that is on disk at its end, whereupon those who wait are told."""
        with self.changed:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")
            self.changed.notify_all()


def _event(attributes: bytes, data: bytes) -> Event:
    return Event(msgspec.json.decode(attributes, type=dict[str, str]), data)
