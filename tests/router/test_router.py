"""The router with functions of the test's own: who gets what, how often, and what is left after a crash."""

import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.common.wire import Event, to_http
from functions.router.queue import Queue
from functions.router.router import Router
from functions.router.triggers import read_manifests
from tests.router.conftest import Function, Reaction, answered

Start = Callable[[Reaction], Function]


def event(kind: str, identity: str = "1", **more: str) -> Event:
    attributes = {"specversion": "1.0", "id": identity, "source": "/test", "type": kind, **more}
    return Event({**attributes, "datacontenttype": "application/json"}, b'{"part": 1}')


def post(url: str, sent: Event) -> httpx.Response:
    headers, body = to_http(sent)
    return httpx.post(url, headers=headers, content=body)


class House:
    """A running router with its three functions."""

    def __init__(self, router: Router, url: str, functions: dict[str, Function]) -> None:
        self.router, self.url, self.functions = router, url, functions

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}status").json()
        return found

    def quiet(self, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while self.router.queue.pending():
            assert time.monotonic() < deadline, self.router.queue.pending()
            time.sleep(0.02)


@pytest.fixture
def open_house(manifests: Path, tmp_path: Path, start_function: Start) -> Iterator[Callable[..., House]]:
    """Starts a router; each function answers as given, or takes everything."""
    opened = []

    def start(**reactions: Reaction) -> House:
        functions = {
            name: start_function(reactions.get(name, lambda *_: (204, {}, b"")))
            for name in ("first", "second", "mourner")
        }
        addresses = {name: function.address for name, function in functions.items()}
        queue = Queue(tmp_path / "queue.db")
        router = Router(queue, read_manifests(manifests), addresses, parallel=2)
        opened.append((router, queue))
        return House(router, router.start(0), functions)

    yield start
    for router, queue in opened:
        router.stop()
        router.close()
        queue.close()


def test_an_answered_event_wakes_the_next_function(open_house: Callable[..., House]) -> None:
    house = open_house(first=lambda _, got: answered(event("two", f"reply to {got.id}")))
    assert post(house.url, event("one", "a 1")).status_code == 202
    (came,) = house.functions["second"].wait_for(1)
    assert came.attributes["id"] == "reply to a 1"
    assert came.data == b'{"part": 1}'
    assert house.functions["second"].got[0][0] == "/door"
    house.quiet()
    assert house.status() == {"pending": {}, "dead": []}


def test_an_event_that_nobody_waits_for_is_accepted_and_forgotten(open_house: Callable[..., House]) -> None:
    house = open_house()
    assert post(house.url, event("other")).status_code == 202
    assert house.router.queue.pending() == {}


def test_attributes_arrive_as_they_were_sent(open_house: Callable[..., House]) -> None:
    house = open_house()
    sent = event("one", subject='objects/landing/über "50%" off/日本.csv', traceparent="00-abc-01")
    post(house.url, sent)
    (came,) = house.functions["first"].wait_for(1)
    assert came == sent


@pytest.mark.parametrize("status", [500, 503, 404, 408, 409, 429])
def test_a_passing_fault_is_tried_again(open_house: Callable[..., House], status: int) -> None:
    tries = itertools.count()
    house = open_house(first=lambda *_: (status if next(tries) < 2 else 204, {}, b""))
    post(house.url, event("one"))
    house.functions["first"].wait_for(3)
    house.quiet()
    assert not house.functions["mourner"].got


@pytest.mark.parametrize("status", [400, 403, 413, 301])
def test_a_final_answer_makes_a_dead_letter_at_once(open_house: Callable[..., House], status: int) -> None:
    house = open_house(first=lambda *_: (status, {}, b"no good"))
    post(house.url, event("one", "x"))
    (letter,) = house.functions["mourner"].wait_for(1)
    house.quiet()
    assert len(house.functions["first"].got) == 1
    assert house.functions["mourner"].got[0][0] == "/dead-letter"
    assert letter.id == "x"
    assert letter.attributes["knativeerrorcode"] == str(status)
    assert letter.attributes["knativeerrordest"] == f"{house.functions['first'].address}/"
    assert b"no good" in base64.b64decode(letter.attributes["knativeerrordata"])


def test_what_fails_each_time_is_a_dead_letter_after_the_triggers_retries(open_house: Callable[..., House]) -> None:
    house = open_house(first=lambda *_: (503, {}, b""))
    post(house.url, event("one"))
    house.functions["mourner"].wait_for(1)
    assert len(house.functions["first"].got) == 3


def test_each_wait_is_twice_the_last(open_house: Callable[..., House]) -> None:
    moments: list[float] = []

    def react(path: str, got: Event) -> tuple[int, dict[str, str], bytes]:
        moments.append(time.monotonic())
        return 503, {}, b""

    house = open_house(first=react)
    post(house.url, event("one"))
    house.functions["mourner"].wait_for(1)
    waits = [after - before for before, after in itertools.pairwise(moments)]
    assert waits[0] >= 0.05
    assert waits[1] >= 0.1


def test_a_function_that_asks_for_time_gets_it(open_house: Callable[..., House]) -> None:
    tries = itertools.count()
    house = open_house(first=lambda *_: (429, {"retry-after": "1"}, b"") if not next(tries) else (204, {}, b""))
    began = time.monotonic()
    post(house.url, event("one"))
    house.functions["first"].wait_for(2)
    assert time.monotonic() - began >= 1.0


def test_an_answer_that_is_no_event_is_a_fault_as_in_knative(open_house: Callable[..., House]) -> None:
    tries = itertools.count()
    house = open_house(first=lambda *_: (200, {}, b"OK") if not next(tries) else (204, {}, b""))
    post(house.url, event("one"))
    house.functions["first"].wait_for(2)
    house.quiet()


def test_a_dead_letter_that_nobody_takes_is_recorded(open_house: Callable[..., House]) -> None:
    house = open_house(first=lambda *_: (400, {}, b"wrong"), mourner=lambda *_: (500, {}, b""))
    post(house.url, event("one", "lost"))
    house.functions["mourner"].wait_for(3)
    house.quiet()
    (dead,) = house.status()["dead"]
    assert dead["event"]["id"] == "lost"
    assert "answered 400: wrong" in dead["fault"]


def test_a_function_is_given_no_more_at_once_than_its_manifest_allows(open_house: Callable[..., House]) -> None:
    inside: list[int] = []
    most: list[int] = []

    def slow(path: str, got: Event) -> tuple[int, dict[str, str], bytes]:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return 204, {}, b""

    house = open_house(second=slow)
    for number in range(6):
        post(house.url, event("two", str(number)))
    house.functions["second"].wait_for(6)
    assert max(most) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 400),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x"}, b"", 400),
        ({"ce-specversion": "0.3", "ce-id": "1", "ce-source": "/x", "ce-type": "one"}, b"", 400),
        ({"ce-specversion": "1.0", "ce-id": "%FF", "ce-source": "/x", "ce-type": "one"}, b"", 400),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", 400),
        ({"content-type": "application/cloudevents+json"}, b"{", 400),
        ({"content-type": "application/cloudevents+json"}, b'{"specversion":"1.0","id":"1"}', 400),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "one"}, b"x" * (1 << 21), 413),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_event_is_refused(
    open_house: Callable[..., House], headers: dict[str, str], body: bytes, status: int
) -> None:
    house = open_house()
    with httpx.Client() as client:
        try:
            assert client.post(house.url, headers=headers, content=body).status_code == status
        except httpx.WriteError:
            assert status == 413  # The answer came before the whole body had gone.
    assert not house.functions["first"].got


def test_a_structured_event_is_delivered_as_a_binary_one(open_house: Callable[..., House]) -> None:
    house = open_house()
    sent = {"specversion": "1.0", "id": "s", "source": "/x", "type": "one", "data": {"part": 1}}
    answer = httpx.post(house.url, json=sent, headers={"content-type": "application/cloudevents+json"})
    assert answer.status_code == 202
    (came,) = house.functions["first"].wait_for(1)
    assert json.loads(came.data) == {"part": 1}


ROUTER = """
import sys, time
from pathlib import Path
from functions.router.queue import Queue
from functions.router.router import Router
from functions.router.triggers import read_manifests
manifests, queue, first = sys.argv[1:]
addresses = {"first": first, "second": first, "mourner": first}
router = Router(Queue(Path(queue)), read_manifests(Path(manifests)), addresses, parallel=2)
print(router.start(0), flush=True)
time.sleep(600)
"""


def start_router(manifests: Path, queue: Path, function: str) -> tuple[subprocess.Popen[str], str]:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", ROUTER, str(manifests), str(queue), function],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_a_killed_router_loses_nothing(manifests: Path, tmp_path: Path, start_function: Start) -> None:
    """SIGKILL while it delivers, three times; every event that was accepted arrives."""

    def slow(path: str, got: Event) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.03)
        return 204, {}, b""

    function = start_function(slow)
    accepted = []
    for round_ in range(4):
        process, url = start_router(manifests, tmp_path / "queue.db", function.address)
        for number in range(10 if round_ < 3 else 0):
            identity = f"{round_}-{number}"
            if post(url, event("one", identity)).status_code == 202:
                accepted.append(identity)
        if round_ < 3:
            process.send_signal(signal.SIGKILL)
        else:
            deadline = time.monotonic() + 20
            while {got.id for _, got in function.got} < set(accepted) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.terminate()
        process.communicate()
    assert len(accepted) == 30
    assert {got.id for _, got in function.got} == set(accepted)
