"""The puller as a process, between a Pub/Sub and a sink of the test's own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.common.notification import Message, to_event
from functions.common.wire import Event
from functions.puller.pubsub import PubSub
from functions.puller.puller import Puller
from tests.conftest import free_port
from tests.puller.broker import Broker
from tests.puller.pubsub_server import DEAD, SUBSCRIPTION, TOPIC, PubSubServer, landing_server, notify

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pubsub() -> Iterator[PubSubServer]:
    """A Pub/Sub with the topics and the subscription that the manifests name."""
    server = landing_server()
    yield server
    server.close()


@pytest.fixture
def broker() -> Iterator[Broker]:
    found = Broker()
    yield found
    found.close()


class Process:
    """`python -m functions.puller`."""

    def __init__(self, pubsub: PubSubServer, sink: str, **more: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        names = {"ADLOOM_SUBSCRIPTION": SUBSCRIPTION, "ADLOOM_DEAD_LETTER_TOPIC": DEAD, "K_SINK": sink}
        ours = {**names, "PUBSUB_EMULATOR_HOST": pubsub.host, "PORT": str(port), "PYTHONPATH": str(ROOT), **more}
        command = [sys.executable, "-m", "functions.puller"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **ours}, stderr=subprocess.PIPE, text=True
        )

    def ready(self, seconds: float = 60.0) -> "Process":
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz").is_success:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError("the puller did not become ready")

    def metric(self, outcome: str) -> int:
        text = httpx.get(f"{self.url}/metrics").text
        found = re.search(rf'adloom_puller_messages_total{{outcome="{outcome}"}} (\d+)', text)
        assert found
        return int(found[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def start_puller(pubsub: PubSubServer, broker: Broker) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(**more: str) -> Process:
        started.append(Process(pubsub, more.pop("sink", broker.url), **more))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.stop(signal.SIGKILL)


def settled(pubsub: PubSubServer, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while pubsub.unacknowledged(SUBSCRIPTION):
        assert time.monotonic() < deadline, "messages stay unacknowledged"
        time.sleep(0.02)


def in_process(pubsub: PubSubServer, post: Callable[[Event], None], **more: Any) -> Puller:
    """A puller whose waits are short; it runs in a thread of the test."""
    puller = Puller(PubSub(f"http://{pubsub.host}", SUBSCRIPTION, DEAD), post, **{"outstanding": 4, **more})
    threading.Thread(target=puller.run, daemon=True).start()
    return puller


def test_a_notification_becomes_the_event_that_the_trigger_waits_for(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    puller = start_puller().ready()
    number = notify(pubsub, "landing/a b/über.csv")
    (event,) = broker.wait_for(1)
    assert event.attributes == {
        "specversion": "1.0",
        "id": number,
        "source": "//storage.googleapis.com/projects/_/buckets/shop",
        "type": "google.cloud.storage.object.v1.finalized",
        "subject": "objects/landing/a b/über.csv",
        "time": "2026-03-01T10:00:00.000Z",
        "bucket": "shop",
        "datacontenttype": "application/json",
    }
    assert json.loads(event.data)["name"] == "landing/a b/über.csv"
    settled(pubsub)
    assert puller.metric("delivered") == 1
    assert httpx.get(f"{puller.url}/healthz").status_code == 200


def test_extensions_of_the_sink_binding_are_carried(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    start_puller(K_CE_OVERRIDES='{"extensions": {"tenant": "north"}}').ready()
    notify(pubsub, "landing/a.csv")
    assert broker.wait_for(1)[0].attributes["tenant"] == "north"


def test_nothing_is_acknowledged_before_the_sink_has_accepted(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    seen: list[int] = []

    def answer(_: Event) -> int:
        seen.append(pubsub.unacknowledged(SUBSCRIPTION))
        return 202

    broker.answer = answer
    start_puller().ready()
    notify(pubsub, "landing/a.csv")
    broker.wait_for(1)
    assert seen == [1]
    settled(pubsub)


def test_what_is_no_new_object_is_acknowledged_and_not_passed_on(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    puller = start_puller().ready()
    notify(pubsub, "landing/a.csv", kind="OBJECT_DELETE")
    settled(pubsub)
    assert puller.metric("ignored") == 1
    assert not broker.got


def test_what_is_no_notification_is_a_dead_letter_at_once(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    puller = start_puller().ready()
    pubsub.publish(TOPIC, b"hello", colour="red")
    settled(pubsub)
    (letter,) = pubsub.topics[DEAD]
    assert letter["attributes"]["colour"] == "red"
    assert "bucketId, objectId, eventType is missing" in letter["attributes"]["adloomReason"]
    assert puller.metric("dead_letter") == 1
    assert not broker.got


def test_a_message_that_is_refused_each_time_goes_to_the_dead_letters_after_n(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    broker.answer = lambda _: 500
    start_puller(ADLOOM_PULL_ATTEMPTS="1").ready()
    number = notify(pubsub, "landing/a.csv")
    settled(pubsub)
    (letter,) = pubsub.topics[DEAD]
    assert letter["attributes"]["adloomMessageId"] == number
    assert letter["attributes"]["adloomAttempts"] == "1"
    assert letter["attributes"]["objectId"] == "landing/a.csv"
    assert len(broker.got) == 1


def test_a_refused_message_comes_again_after_twice_as_long_each_time(pubsub: PubSubServer, broker: Broker) -> None:
    moments: list[float] = []

    def refuse(event: Event) -> None:
        from functions.common.sink import RefusedError

        moments.append(time.monotonic())
        raise RefusedError("no", 503)

    puller = in_process(pubsub, refuse, attempts=3, first_wait=1.0)
    notify(pubsub, "landing/a.csv")
    settled(pubsub)
    puller.stop()
    assert len(moments) == 3
    assert moments[1] - moments[0] >= 0.9
    assert moments[2] - moments[1] >= 1.9
    assert pubsub.topics[DEAD][0]["attributes"]["adloomAttempts"] == "3"


def test_a_sink_that_cannot_be_reached_makes_no_dead_letters(pubsub: PubSubServer, broker: Broker) -> None:
    from functions.common.errors import PassingError

    down = threading.Event()
    tries: list[float] = []

    def post(event: Event) -> None:
        tries.append(time.monotonic())
        if not down.is_set():
            raise PassingError("connection refused")

    puller = in_process(pubsub, post, attempts=1, first_wait=0.0)
    notify(pubsub, "landing/a.csv")
    while len(tries) < 5:
        time.sleep(0.02)
    assert not pubsub.topics[DEAD]
    down.set()
    settled(pubsub)
    puller.stop()
    assert puller.outcomes["delivered"] == 1


def test_no_more_is_under_way_than_asked_for(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    def slow(_: Event) -> int:
        time.sleep(0.05)
        return 202

    broker.answer = slow
    for number in range(12):
        notify(pubsub, f"landing/{number}.csv")
    start_puller(ADLOOM_PULL_OUTSTANDING="3").ready()
    broker.wait_for(12)
    settled(pubsub)
    assert broker.most == 3
    assert all(body["maxMessages"] <= 3 for verb, body in pubsub.calls if verb == "pull")


def test_a_killed_puller_loses_nothing(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    pubsub.subscriptions[SUBSCRIPTION].deadline = 1.0

    def slow(_: Event) -> int:
        time.sleep(0.1)
        return 202

    broker.answer = slow
    numbers = {notify(pubsub, f"landing/{number}.csv") for number in range(20)}
    for _ in range(3):
        puller = start_puller(ADLOOM_PULL_OUTSTANDING="4").ready()
        broker.wait_for(len(broker.got) + 2)
        puller.stop(signal.SIGKILL)
    start_puller(ADLOOM_PULL_OUTSTANDING="4").ready()
    settled(pubsub, 30)
    assert {event.id for event in broker.got} == numbers


def test_sigterm_sees_through_what_is_under_way(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    begun = threading.Event()

    def slow(_: Event) -> int:
        begun.set()
        time.sleep(1.0)
        return 202

    broker.answer = slow
    puller = start_puller().ready()
    notify(pubsub, "landing/a.csv")
    assert begun.wait(20)
    code, said = puller.stop()
    assert code == 0, said
    assert len(broker.got) == 1
    settled(pubsub)


def test_a_pubsub_that_fails_is_asked_again_and_the_puller_is_not_ready_meanwhile(
    pubsub: PubSubServer, broker: Broker, start_puller: Callable[..., Process]
) -> None:
    puller = start_puller().ready()
    pubsub.broken = 1
    deadline = time.monotonic() + 20
    while httpx.get(f"{puller.url}/readyz").status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    notify(pubsub, "landing/a.csv")
    broker.wait_for(1)
    puller.ready()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ADLOOM_SUBSCRIPTION", "landing", "projects/PROJECT/subscriptions/NAME"),
        ("ADLOOM_DEAD_LETTER_TOPIC", "", "projects/PROJECT/topics/NAME"),
        ("ADLOOM_PULL_OUTSTANDING", "many", "from 1 to 1000"),
        ("ADLOOM_PULL_ATTEMPTS", "0", "from 1 to 100"),
        ("K_SINK", "", "K_SINK is not set"),
    ],
)
def test_a_wrong_setting_is_one_line(pubsub: PubSubServer, broker: Broker, name: str, value: str, words: str) -> None:
    process = Process(pubsub, broker.url, **{name: value}).process
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert words in said
    assert len(said.strip().splitlines()) == 1


def test_the_time_of_publishing_stands_in_for_that_of_the_event() -> None:
    message = Message(
        "1", "e30=", {"bucketId": "b", "objectId": "o", "eventType": "OBJECT_FINALIZE"}, "2026-01-01T00:00:00Z"
    )
    event = to_event(message)
    assert event
    assert event.attributes["time"] == "2026-01-01T00:00:00Z"


METADATA = {
    "/computeMetadata/v1/instance/service-accounts/default/": {"email": "puller@p", "scopes": [], "aliases": []},
    "/computeMetadata/v1/instance/service-accounts/default/token": {
        "access_token": "from-metadata", "expires_in": 3600, "token_type": "Bearer",
    },
}  # fmt: skip


def test_in_the_cluster_the_token_is_the_metadata_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Google's client library asks a metadata server of the test's own."""
    from functions.puller.pubsub import google_token

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["metadata-flavor"] == "Google"
            path = self.path.partition("?")[0]
            body = b"p" if path.endswith("project-id") else json.dumps(METADATA.get(path, {})).encode()
            self.send_response(200)
            self.send_header("metadata-flavor", "Google")
            self.send_header("content-type", "text/plain" if path.endswith("project-id") else "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host = f"127.0.0.1:{server.server_address[1]}"
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, host)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    try:
        assert google_token()() == "from-metadata"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(not shutil.which("cloud-pubsub-emulator"), reason="cloud-pubsub-emulator is not installed")
def test_googles_own_emulator_takes_the_same_calls(broker: Broker) -> None:
    port = free_port()
    emulator = subprocess.Popen(["cloud-pubsub-emulator", f"--port={port}", "--host=127.0.0.1"])
    root = f"http://127.0.0.1:{port}/v1"
    try:
        client = httpx.Client(transport=httpx.HTTPTransport(retries=20), timeout=30)
        for topic in (TOPIC, DEAD):
            assert client.put(f"{root}/{topic}", json={}).is_success
        assert client.put(f"{root}/{SUBSCRIPTION}", json={"topic": TOPIC, "ackDeadlineSeconds": 10}).is_success
        attributes = {"bucketId": "shop", "objectId": "landing/a.csv", "eventType": "OBJECT_FINALIZE"}
        client.post(f"{root}/{TOPIC}:publish", json={"messages": [{"data": "e30=", "attributes": attributes}]})
        pubsub = PubSub(f"http://127.0.0.1:{port}", SUBSCRIPTION, DEAD)
        (received,) = pubsub.pull(5)
        event = to_event(received.message)
        assert event
        assert event.attributes["subject"] == "objects/landing/a.csv"
        pubsub.put_off([received.ack_id], 30)
        pubsub.bury(received.message, "tried", 1)
        pubsub.acknowledge([received.ack_id])
    finally:
        emulator.terminate()
        emulator.wait()
