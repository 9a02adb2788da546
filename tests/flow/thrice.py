"""`adloom`, but its router delivers every event three times, in no order: a broker at its worst."""

import random
import time

from functions import cli
from functions.local import machine
from functions.router.queue import Queue

SPREAD = 3.0
"""Seconds over which the deliveries of an event are strewn."""


class Thrice(Queue):
    """Keeps three deliveries of an event where a queue keeps one, each due at a moment of its own."""

    dice = random.Random(5)

    def _deliver(self, event: int, trigger: str) -> None:
        for _ in range(3):
            due = time.time() + self.dice.uniform(0.0, SPREAD)
            row = (event, trigger, due)
            self._base.execute("INSERT INTO deliveries (event, trigger, due) VALUES (?, ?, ?)", row)


if __name__ == "__main__":
    setattr(machine, "Queue", Thrice)  # noqa: B010 - what a module imports is not its own to set
    cli.main()
