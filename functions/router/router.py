"""The broker: takes events in over HTTP, and brings each to the functions whose Triggers want it."""

import logging
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer

import httpx
import msgspec

from functions.common.wire import Event
from functions.router.delivery import Outcome, deliver, mourned
from functions.router.entrance import entrance
from functions.router.queue import Queue, Waiting
from functions.router.triggers import Manifests, Trigger

log = logging.getLogger("adloom.router")

_LONGEST_AFTER = 120.0
"""Seconds that a function may ask to be left alone for."""


class Router:
    """Delivers what lies in a queue; for each Trigger as many at once as its function takes, up to a limit.

    A death of this process, of a function, or of both leaves every event that was accepted in the queue. An event may
    come more than once, as it may in the cluster.
    """

    def __init__(self, queue: Queue, manifests: Manifests, addresses: Mapping[str, str], parallel: int) -> None:
        """A router that has not begun.

        Args:
            addresses: function -> its root address.
            parallel: most deliveries of one Trigger at once.
        """
        self.queue = queue
        self._manifests = manifests
        self._addresses = dict(addresses)
        self._parallel = parallel
        self._stop = threading.Event()
        self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._threads: list[threading.Thread] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self, port: int) -> str:
        """Listen on a port of loopback (0: a free one) and deliver; the address to post events to."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), entrance(self.accept, self.status))
        self._server.daemon_threads = True
        threads = [threading.Thread(target=self._server.serve_forever, args=(0.1,), name="router", daemon=True)]
        for trigger in self._manifests.triggers:
            most = self._manifests.functions[trigger.function].concurrency or self._parallel
            threads += [
                threading.Thread(target=self._work, args=(trigger,), name=f"{trigger.name}-{place}", daemon=True)
                for place in range(min(most, self._parallel))
            ]
        for thread in threads:
            thread.start()
        self._threads = threads
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def stop(self) -> None:
        """Begin nothing more. What is under way and fails from now on stays in the queue as it was."""
        self._stop.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        with self.queue.changed:
            self.queue.changed.notify_all()

    def close(self) -> None:
        """Wait for what is under way, after `stop`."""
        for thread in self._threads:
            thread.join()
        self._client.close()

    def accept(self, event: Event) -> int:
        """Keep an event for all that want it; how many do. When this returns, it is on disk."""
        woken = self.queue.put(event, self._manifests.triggers)
        if not woken:
            log.info("nobody waits for %s", _named(event))
        return woken

    def announce(self, name: str, stamp: str, event: Event) -> bool:
        """Keep an event of an object, once for each content of it; False where that was done before."""
        return self.queue.announce(name, stamp, event, self._manifests.triggers)

    def _work(self, trigger: Trigger) -> None:
        while not self._stop.is_set():
            waiting = self.queue.take(trigger.name)
            if waiting is not None:
                try:
                    self._try(trigger, waiting)
                except Exception:
                    log.exception("%s: event %s: a fault of the router's own", trigger.name, waiting.event.id)
                    self._stop.wait(1.0)
                continue
            with self.queue.changed:
                due = self.queue.next_due(trigger.name)
                if not self._stop.is_set() and due != 0.0:
                    self.queue.changed.wait(timeout=due)

    def _try(self, trigger: Trigger, waiting: Waiting) -> None:
        event = waiting.event
        function, path = trigger.delivery.dead_letter if waiting.dying else (trigger.function, trigger.path)
        url = self._addresses[function] + path
        if waiting.dying:
            event = mourned(event, self._addresses[trigger.function] + trigger.path, waiting.fault, waiting.code)
        timeout = self._manifests.functions[function].timeout
        outcome = deliver(self._client, url, event, timeout, reply=not waiting.dying)
        if self._stop.is_set() and not outcome.ok:
            return
        if outcome.ok:
            self.queue.settle(waiting, outcome.reply, self._manifests.triggers)
            log.info(
                "%s took %s%s", function, _named(event), f", and answered {outcome.reply.type}" if outcome.reply else ""
            )
        else:
            self._failed(trigger, waiting, function, outcome)

    def _failed(self, trigger: Trigger, waiting: Waiting, function: str, outcome: Outcome) -> None:
        named, failed = _named(waiting.event), waiting.failed + 1
        if outcome.again and failed <= trigger.delivery.retry:
            wait = max(trigger.delivery.wait(failed), min(outcome.retry_after, _LONGEST_AFTER))
            self.queue.postpone(waiting, wait, _fault(waiting, outcome), outcome.code)
            log.warning("%s did not take %s (%s); again in %.0f s", function, named, outcome.fault, wait)
        elif not waiting.dying and trigger.delivery.dead_letter[0]:
            self.queue.give_up(waiting, outcome.fault, outcome.code)
            log.error("%s is a dead letter of %s after %d tries: %s", named, function, failed, outcome.fault)
        else:
            self.queue.bury(waiting, _fault(waiting, outcome), outcome.code)
            log.error("%s: nobody took %s; it stays in the queue, dead: %s", function, named, outcome.fault)

    def status(self) -> bytes:
        """What waits for whom, and what was given up, as JSON."""
        dead = [
            {"trigger": letter.trigger, "fault": letter.fault, "event": letter.event.attributes}
            for letter in self.queue.dead()
        ]
        return msgspec.json.encode({"pending": self.queue.pending(), "dead": dead})


def _fault(waiting: Waiting, outcome: Outcome) -> str:
    """A dead letter keeps the fault that it died of, whatever its dead-letter sink says."""
    return waiting.fault if waiting.dying else outcome.fault


def _named(event: Event) -> str:
    kind = event.type.removeprefix("ai.adloom.").removeprefix("google.cloud.storage.")
    return f"{kind} {event.attributes.get('subject') or event.attributes['source']}"
