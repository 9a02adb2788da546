"""What the doors share that have the models: the line in front of them, and being ready once they answer."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from functions.common.batches import Batch
from functions.common.errors import PassingError
from functions.common.models import Models
from functions.common.serving.metrics import Metrics
from functions.common.serving.waiting import Lent, Line, Places, Ticket

MOST_WORK = 16
"""Products of plain requests under way at once: two of the largest requests."""

MOST_WAIT = 15.0
"""Seconds that the last of them may expect to take: whoever would wait longer is better told to come again."""

MOST_PARTS = 2
"""Parts of events under way at once, one of them waiting; the broker brings the others again."""


class Modelled:
    """The models of a door.

    Args:
        prepare: what else the door gets ready, given the texts that an ad must not copy.
    """

    def __init__(self, metrics: Metrics, function: str, prepare: Callable[[Sequence[str]], None]) -> None:
        self._prepare = prepare
        self.models = Models()
        self.line = Line(self.models, metrics)
        self.places = Places(MOST_WORK, metrics.queue.labels(function).set, MOST_WAIT)
        self.parts = Places(MOST_PARTS)

    def lent(self, ticket: Ticket) -> Lent:
        """The models, for whoever holds the ticket."""
        return Lent(self.line, ticket)

    def warm(self) -> dict[str, str]:
        """Load the models and have each answer once; role -> version.

        The models load side by side. A person who waits already is served as soon as the writer is there: the trial
        calls have an event's rank.
        """
        with ThreadPoolExecutor(1) as beside:
            beside.submit(lambda: self.models.writer)
            lent = self.lent(Ticket.of_event(300.0))
            lent.embed(["ready"])
            self._prepare(self.models.references)
        lent.logprobs(["ready"])
        return {"writer": self.models.manifest("writer").version, "embedder": self.models.manifest("embedder").version}

    def check(self, batch: Batch) -> None:
        """Go on where the models are those that a batch is to be done with.

        Raises:
            PassingError: they are not: the event has met an older or newer revision, and comes again.
        """
        settings = batch.settings
        ours = self.models.manifest("writer").version, self.models.manifest("embedder").version
        if (settings.model, settings.embedder) != ours:
            message = f"batch {batch.batch_id} is for the models {settings.model} and {settings.embedder}"
            raise PassingError(f"{message}, here are {ours[0]} and {ours[1]}; drop its catalogue again")
