"""A Pub/Sub for tests: the part of its REST interface that a subscriber uses, in memory.

Google's emulator comes in no package, so where it is not installed this stands in for it: topics and subscriptions,
publish, pull that waits, acknowledge, modifyAckDeadline, redelivery when a deadline is over. An ack id stands for one
delivery: used after its deadline it has no effect, as there. Ordering, filters and authentication are left out.
"""

import base64
import itertools
import json
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

TOPIC, DEAD = "projects/p/topics/landing", "projects/p/topics/landing-dead"
SUBSCRIPTION = "projects/p/subscriptions/landing"

LONGEST_PULL = 3.0
"""Seconds that a pull waits for a message; Google's waits up to 90."""


@dataclass
class Held:
    """A message in a subscription: when it may be delivered (again), and its delivery under way."""

    message: dict[str, Any]
    visible: float = 0.0
    ack_id: str = ""
    deliveries: int = 0


@dataclass
class Subscription:
    """Messages that are not acknowledged yet."""

    topic: str
    deadline: float
    held: list[Held] = field(default_factory=list)


class PubSubServer:
    """Topics and subscriptions behind an address."""

    def __init__(self) -> None:
        self.topics: dict[str, list[dict[str, Any]]] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.broken = 0
        """So many calls are still to be answered with 503."""
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()

    def publish(self, topic: str, data: bytes, **attributes: str) -> str:
        """A message to all subscriptions of a topic; its id."""
        encoded = base64.b64encode(data).decode()
        answer = self.take(topic, "publish", {"messages": [{"data": encoded, "attributes": attributes}]})
        return str(answer["messageIds"][0])

    def unacknowledged(self, subscription: str) -> int:
        """Messages that a subscription still has."""
        with self._changed:
            return len(self.subscriptions[subscription].held)

    def take(self, name: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call; KeyError for a topic or subscription that is not there."""
        with self._changed:
            self.calls.append((verb, body))
            answer: dict[str, Any] = getattr(self, f"_{verb}")(name, body)
            self._changed.notify_all()
            return answer

    def _create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if "/topics/" in name:
            self.topics[name] = []
        else:
            self.subscriptions[name] = Subscription(body["topic"], body.get("ackDeadlineSeconds", 10))
        return {"name": name, **body}

    def _publish(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self.topics[name] += body["messages"]
        numbers = []
        for message in body["messages"]:
            numbers.append(str(next(self._numbers)))
            stamped = {**message, "messageId": numbers[-1], "publishTime": datetime.now(UTC).isoformat()}
            for subscription in self.subscriptions.values():
                if subscription.topic == name:
                    subscription.held.append(Held(stamped))
        return {"messageIds": numbers}

    def _pull(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        subscription = self.subscriptions[name]
        ends = time.monotonic() + LONGEST_PULL
        while True:
            now = time.monotonic()
            ready = [held for held in subscription.held if held.visible <= now][: body["maxMessages"]]
            if ready or now >= ends:
                break
            self._changed.wait(timeout=min([held.visible for held in subscription.held] + [ends]) - now)
        for held in ready:
            held.deliveries += 1
            held.ack_id = f"{held.message['messageId']}-{held.deliveries}"
            held.visible = time.monotonic() + subscription.deadline
        return (
            {"receivedMessages": [{"ackId": held.ack_id, "message": held.message} for held in ready]} if ready else {}
        )

    def _acknowledge(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        subscription = self.subscriptions[name]
        done = self._current(subscription, body["ackIds"])
        subscription.held = [held for held in subscription.held if held not in done]
        return {}

    def _modifyAckDeadline(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        for held in self._current(self.subscriptions[name], body["ackIds"]):
            held.visible = time.monotonic() + body["ackDeadlineSeconds"]
        return {}

    def _current(self, subscription: Subscription, ack_ids: list[str]) -> list[Held]:
        """The messages whose delivery of that id still holds."""
        now = time.monotonic()
        return [held for held in subscription.held if held.ack_id in ack_ids and held.visible > now]


_PATH = re.compile(r"/v1/(projects/[^/]+/(?:topics|subscriptions)/[^/:]+)(?::(\w+))?")


def _handler(state: PubSubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._serve("create")

        def do_POST(self) -> None:
            self._serve("")

        def _serve(self, verb: str) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            found = _PATH.fullmatch(self.path)
            if state.broken:
                state.broken -= 1
                self._answer(503, {"error": {"code": 503, "status": "UNAVAILABLE"}})
                return
            try:
                assert found
                self._answer(200, state.take(found[1], verb or found[2], body))
            except KeyError:
                self._answer(404, {"error": {"code": 404, "status": "NOT_FOUND"}})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                return  # Whoever asked has gone; what was delivered comes again.

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler


def landing_server() -> PubSubServer:
    """A Pub/Sub with the topics and the subscription that the manifests name."""
    server = PubSubServer()
    for topic in (TOPIC, DEAD):
        httpx.put(f"http://{server.host}/v1/{topic}", json={})
    httpx.put(f"http://{server.host}/v1/{SUBSCRIPTION}", json={"topic": TOPIC, "ackDeadlineSeconds": 60})
    return server


def notify(pubsub: PubSubServer, name: str, kind: str = "OBJECT_FINALIZE", bucket: str = "shop") -> str:
    """What the bucket publishes when an object was written."""
    data = json.dumps({"kind": "storage#object", "bucket": bucket, "name": name}).encode()
    return pubsub.publish(
        TOPIC, data, bucketId=bucket, objectId=name, eventType=kind, payloadFormat="JSON_API_V1", objectGeneration="1",
        eventTime="2026-03-01T10:00:00.000Z",
    )  # fmt: skip
