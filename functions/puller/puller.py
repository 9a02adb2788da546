"""The loop: pull, post, acknowledge; so many under way at once, and nothing acknowledged that was not taken."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from functions.common.errors import AdloomError, InputError, PassingError
from functions.common.notification import to_event
from functions.common.sink import RefusedError
from functions.common.wire import Event
from functions.puller.pubsub import LONGEST_POLL, PubSub, Received

log = logging.getLogger("adloom.puller")

LEASE = 60
"""Seconds for which a message under way is kept from coming again; renewed at a third of it."""

LONGEST_WAIT = 600
"""Seconds that Pub/Sub lets a message be put off."""

Post = Callable[[Event], None]


class Puller:
    """Carries messages from a subscription to a sink.

    A message is acknowledged once the sink has accepted it. Otherwise it comes again, each time after twice as long,
    and after `attempts` deliveries it goes to the dead-letter topic. An unreachable sink is no delivery. Deliveries
    are counted here, or by Pub/Sub where its subscription has a dead-letter policy; a restart begins to count anew.
    """

    def __init__(self, pubsub: PubSub, post: Post, outstanding: int, attempts: int, first_wait: float = 10.0) -> None:
        """A puller that has not begun.

        Args:
            post: hands an event to the sink, or raises.
            outstanding: most messages under way at once.
            attempts: deliveries after which a message is given up.
            first_wait: seconds until a message comes again the first time.
        """
        self._pubsub = pubsub
        self._post = post
        self._most = outstanding
        self._attempts = attempts
        self._first_wait = first_wait
        self._pool = ThreadPoolExecutor(outstanding, thread_name_prefix="deliver")
        self._stop = threading.Event()
        self._change = threading.Condition()
        self._underway: dict[str, str] = {}
        self._tried: dict[str, int] = {}
        self._fault = "has not pulled yet"
        self._alive = time.monotonic()
        self.outcomes: Counter[str] = Counter()
        """What became of messages: delivered, put_off, dead_letter, ignored."""

    @property
    def outstanding(self) -> int:
        """Messages under way."""
        return len(self._underway)

    @property
    def fault(self) -> str:
        """Why the last pull failed; empty where it did not."""
        return self._fault

    @property
    def alive(self) -> bool:
        """Whether the loop turns: it has begun a turn within the time of the longest pull and delivery."""
        return time.monotonic() - self._alive < LONGEST_POLL + LEASE

    def stop(self) -> None:
        """Pull no more; `run` returns when what is under way is delivered or handed back."""
        self._stop.set()
        with self._change:
            self._change.notify_all()

    def run(self) -> None:
        """Carry messages until `stop`, then see through what is under way.

        A pull that still waits then is left behind: what Pub/Sub gives it comes again when its deadline is over.
        """
        pulling = threading.Thread(target=self._pull, name="pull", daemon=True)
        leases = threading.Thread(target=self._renew, name="leases", daemon=True)
        pulling.start()
        leases.start()
        self._stop.wait()
        pulling.join(timeout=1.0)
        self._pool.shutdown(wait=True)
        leases.join()

    def _pull(self) -> None:
        wait = 1.0
        while not self._stop.is_set():
            self._alive = time.monotonic()
            free = self._free()
            if free and not self._stop.is_set():
                wait = self._turn(free, wait)

    def _free(self) -> int:
        """Waits until another message may be taken, and says how many."""
        with self._change:
            self._change.wait_for(lambda: self._stop.is_set() or len(self._underway) < self._most, timeout=LEASE)
            return self._most - len(self._underway)

    def _turn(self, free: int, wait: float) -> float:
        """One pull; the seconds to wait where the next one fails."""
        try:
            received = self._pubsub.pull(free)
        except AdloomError as error:
            if not self._stop.is_set():
                log.warning("%s; asked again in %.0f s", error, wait)
                self._fault = str(error)
                self._stop.wait(wait)
            return min(wait * 2, 60.0)
        self._fault = ""
        if self._stop.is_set():
            self._hand_back([one.ack_id for one in received])
            return wait
        for one in received:
            with self._change:
                self._underway[one.ack_id] = one.message.message_id
            self._pool.submit(self._carry, one).add_done_callback(_say)
        return 1.0

    def _carry(self, received: Received) -> None:
        try:
            if self._stop.is_set():
                self._hand_back([received.ack_id])
            else:
                self._deliver(received)
        finally:
            with self._change:
                self._underway.pop(received.ack_id, None)
                self._change.notify_all()

    def _deliver(self, received: Received) -> None:
        """One delivery, with what follows from it. A failed acknowledgement only means that the message comes again."""
        message = received.message
        try:
            event = to_event(message)
            if event is None:
                self._done(received, "ignored")
                return
            self._post(event)
        except InputError as error:
            self._give_up(received, str(error), 1)
        except RefusedError as error:
            tried = max(received.delivery_attempt, self._tried.get(message.message_id, 0) + 1)
            self._tried[message.message_id] = tried
            if tried >= self._attempts:
                self._give_up(received, str(error), tried)
            else:
                self._put_off(received, str(error), tried)
        except PassingError as error:
            self._put_off(received, str(error), self._tried.get(message.message_id, 0) + 1)
        else:
            self._done(received, "delivered")
            log.info("delivered %s as event %s", event.attributes["subject"], event.id)

    def _done(self, received: Received, outcome: str) -> None:
        self._pubsub.acknowledge([received.ack_id])
        self._tried.pop(received.message.message_id, None)
        self.outcomes[outcome] += 1

    def _give_up(self, received: Received, reason: str, tried: int) -> None:
        self._pubsub.bury(received.message, reason, tried)
        self._done(received, "dead_letter")
        log.error("message %s is a dead letter after %d deliveries: %s", received.message.message_id, tried, reason)

    def _put_off(self, received: Received, reason: str, tried: int) -> None:
        wait = round(min(self._first_wait * 2.0 ** (tried - 1), LONGEST_WAIT))
        self.outcomes["put_off"] += 1
        log.warning("message %s comes again in %d s: %s", received.message.message_id, wait, reason)
        self._pubsub.put_off([received.ack_id], wait)

    def _hand_back(self, ack_ids: list[str]) -> None:
        """Let others have the messages at once."""
        if ack_ids:
            self._pubsub.put_off(ack_ids, 0)

    def _renew(self) -> None:
        """Keep what is under way from coming again, until the last of it is done."""
        while not self._stop.wait(LEASE / 3) or self._underway:
            with self._change:
                held = list(self._underway)
            try:
                if held:
                    self._pubsub.put_off(held, LEASE)
            except AdloomError as error:
                log.warning("leases were not renewed: %s", error)
            if self._stop.is_set():
                time.sleep(0.1)


def _say(done: Future[None]) -> None:
    """A fault that nobody waits for is logged; the message comes again when its lease ends."""
    if error := done.exception():
        log.error("%s; the message comes again", error, exc_info=None if isinstance(error, AdloomError) else error)
