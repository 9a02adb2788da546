"""Requests that wait: for a place, and for their turn at the model.

A model's call of many texts costs little more than one of a few, so calls that wait at the same time and can be one are
made one: embeddings, and log-probabilities. Writing is not: a product's slots share a prefix that is computed once,
and already fill the model; two products in one call would each lose that. Writing takes turns, a product's round at a
time, whoever came first going first.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from functions.common.models import Manifest, Models, Role
from functions.common.serving.metrics import Metrics
from functions.common.serving.problems import BUSY, Problem
from functions.common.writer import Joining, Sample, Sampling, Search

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TEXTS = 512
"""Texts of one joined call."""

BEHIND = 30.0
"""Seconds that a person may come later than an event and still go first: events have time, people have not."""

_GLANCE = 0.1
"""Seconds between looks at whether anyone still waits for the answer."""


class Gone(Exception):  # noqa: N818 - it is no error
    """Whoever asked no longer waits for the answer."""


class Ticket:
    """One request's place in the line, and how long it holds."""

    def __init__(self, seconds: float, gone: Callable[[], bool] = lambda: False) -> None:
        """A ticket from now on.

        Args:
            seconds: after which the answer is given up.
            gone: whether whoever asked has gone away.
        """
        now = time.monotonic()
        self.rank = now
        self.alone = False
        self._seconds = seconds
        self._ends = now + seconds
        self._gone = gone

    @classmethod
    def of_event(cls, seconds: float) -> "Ticket":
        """An event's ticket: a person who comes a little later goes first, and no call is shared.

        What a text measures depends in its last digits on the texts beside it in the call, and an event that is done
        again must come to the same bytes.
        """
        ticket = cls(seconds)
        ticket.rank += BEHIND
        ticket.alone = True
        return ticket

    def check(self) -> None:
        """Go on; Gone where nobody waits, Problem 504 where it has lasted too long."""
        if time.monotonic() > self._ends:
            detail = f"this took longer than {self._seconds:.0f} seconds; ask for less, or later"
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, detail)
        if self._gone():
            raise Gone


@dataclass(frozen=True)
class _Debt:
    """Work that was refused, and is expected again.

    Attributes:
        work: how much.
        since: when it was refused.
        until: when it is no longer expected.
    """

    work: int
    since: float
    until: float


class Places:
    """A bounded number of places: who finds none is told when to come again, and does not pile up.

    Who was refused first is let in first: while work is under way, others stand back for that caller's, until it has
    come again or has had twice the time that it was told.
    """

    def __init__(self, most: int, told: Callable[[int], None] = lambda _: None, seconds: float = math.inf) -> None:
        """Places for some work at once.

        Args:
            most: so much.
            told: learns how much there is whenever it changes.
            seconds: that the last to be let in may expect to take, unless nobody is before it.
        """
        self._most = most
        self._seconds = seconds
        self._told = told
        self._taken = 0
        self._each = 2.0
        self._owed: dict[str, _Debt] = {}
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, work: int, caller: str) -> Iterator[None]:
        """Hold places for some work; Problem 429 where there are too few."""
        with self._lock:
            self._enter(work, caller)
        started = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                # What one piece of work took, all that waited with it counted in.
                took = (time.monotonic() - started) / max(1, self._taken)
                self._each += 0.2 * (took - self._each)
                self._taken -= work
                self._told(self._taken)

    def _enter(self, work: int, caller: str) -> None:
        now = time.monotonic()
        self._owed = {name: debt for name, debt in self._owed.items() if debt.until > now}
        before = self._taken + self._kept_for_others(caller)
        if before + work > self._most or (before and self._each * (before + work) > self._seconds):
            wait = max(1, math.ceil(self._each * before / 2))
            first = self._owed.get(caller)
            self._owed[caller] = _Debt(work, first.since if first else now, now + 2 * wait)
            raise Problem(BUSY, f"as much is under way as can be; come again in {wait} s", Retry_After=str(wait))
        self._owed.pop(caller, None)
        self._taken += work
        self._told(self._taken)

    def _kept_for_others(self, caller: str) -> int:
        """Work of others that was refused before this caller was; none where a place would only stay empty for it."""
        own = self._owed.get(caller)
        refused = own.since if own else math.inf
        return sum(debt.work for debt in self._owed.values() if debt.since < refused) if self._taken else 0


_WRITING = ("write", "likeliest")
"""Calls that belong to one product: its prefix is shared by all their texts."""


@dataclass(eq=False)
class _Turn:
    """A call of the model that waits."""

    call: str
    ticket: Ticket
    payload: Any
    texts: int
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    error: Exception | None = None


class Line:
    """The line in front of the models, and the one thread that calls them; it starts with the first call."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self.models = models
        self._metrics = metrics
        self._waiting: list[_Turn] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def ask(self, call: str, ticket: Ticket, payload: Any, texts: int) -> Any:
        """Wait for a turn and its result; Gone or Problem where the ticket ends before it."""
        ticket.check()
        turn = _Turn(call, ticket, payload, texts)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="model", daemon=True)
                self._thread.start()
            self._waiting.append(turn)
            self._changed.notify()
        try:
            while not turn.done.wait(_GLANCE):
                ticket.check()
        except (Gone, Problem):
            with self._changed:
                if turn in self._waiting:
                    self._waiting.remove(turn)
            raise
        if turn.error is not None:
            raise turn.error
        return turn.result

    def _work(self) -> None:
        while True:
            turns = self._next()
            try:
                self._metrics.batch(turns[0].call, sum(turn.texts for turn in turns), len(turns))
                self._run(turns)
            except Exception as error:
                for turn in turns:
                    turn.error = error
            for turn in turns:
                turn.done.set()

    def _next(self) -> list[_Turn]:
        """The turn that comes first, with those that can be one call with it."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            self._waiting.sort(key=lambda turn: turn.ticket.rank)
            turns = [self._waiting[0]]
            texts = turns[0].texts
            if turns[0].call not in _WRITING and not turns[0].ticket.alone:
                for turn in self._waiting[1:]:
                    same = turn.call == turns[0].call and not turn.ticket.alone
                    if same and texts + turn.texts <= MOST_TEXTS:
                        turns.append(turn)
                        texts += turn.texts
            for turn in turns:
                self._waiting.remove(turn)
            return turns

    def _run(self, turns: list[_Turn]) -> None:
        if turns[0].call in _WRITING:
            turns[0].result = getattr(self.models.writer, turns[0].call)(*turns[0].payload)
            return
        texts = [text for turn in turns for text in turn.payload]
        answers: Any
        answers = self.models.embedder.embed(texts) if turns[0].call == "embed" else self.models.writer.logprobs(texts)
        at = 0
        for turn in turns:
            turn.result = answers[at : at + turn.texts]
            at += turn.texts


class Lent:
    """The models as one request has them: each call waits for its turn."""

    def __init__(self, line: Line, ticket: Ticket) -> None:
        self._line = line
        self._ticket = ticket

    @property
    def writer(self) -> "Lent":
        return self

    @property
    def embedder(self) -> "Lent":
        return self

    @property
    def references(self) -> list[str]:
        return self._line.models.references

    def manifest(self, role: Role) -> Manifest:
        return self._line.models.manifest(role)

    def write(
        self, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
    ) -> list[list[Sample]]:
        """As `Writer.write`."""
        texts = len(tails) * sampling.samples
        written: list[list[Sample]] = self._line.ask("write", self._ticket, (prefix, tails, sampling, joining), texts)
        return written

    def likeliest(
        self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
    ) -> list[list[Sample]]:
        """As `Writer.likeliest`."""
        texts = len(tails) * search.texts
        found: list[list[Sample]] = self._line.ask("likeliest", self._ticket, (prefix, tails, search, joining), texts)
        return found

    def logprobs(self, texts: Sequence[str]) -> list[float]:
        """As `Writer.logprobs`."""
        found: list[float] = self._line.ask("logprobs", self._ticket, texts, len(texts))
        return found

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """As `Embedder.embed`."""
        rows: NDArray[np.float32] = self._line.ask("embed", self._ticket, texts, len(texts))
        return rows
