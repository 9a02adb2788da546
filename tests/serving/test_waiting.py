"""Requests in line for the model, and for a place."""

import threading
import time

import numpy as np
import pytest

from functions.common.models import Models
from functions.common.serving.gatekeeper import Caller
from functions.common.serving.metrics import Metrics
from functions.common.serving.problems import Problem
from functions.common.serving.rates import Rates
from functions.common.serving.waiting import Gone, Lent, Line, Places, Ticket


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


def test_requests_that_wait_together_share_a_call_and_get_what_they_would_alone(models: Models) -> None:
    metrics = Metrics("line")
    line = Line(models, metrics)
    texts = [[f"A mug of stoneware, number {n}", "Dishwasher safe"][: 1 + n % 2] for n in range(12)]
    alone = [models.embedder.embed(each) for each in texts]
    got: dict[int, object] = {}
    held = threading.Event()
    turn = threading.Thread(target=lambda: Lent(line, Ticket(30.0)).embed(["warm"] * 400))
    turn.start()

    def ask(n: int) -> None:
        held.wait()
        got[n] = Lent(line, Ticket(30.0)).embed(texts[n])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    held.set()
    for thread in [turn, *threads]:
        thread.join()
    for n, rows in enumerate(alone):
        np.testing.assert_allclose(np.asarray(got[n]), rows, atol=0.02)
    calls = sample(metrics, "adloom_batch_requests_count", call="embed")
    assert sample(metrics, "adloom_batch_requests_sum", call="embed") == 13
    assert calls < 13


def test_an_event_shares_no_call_so_that_it_comes_to_the_same_bytes_again(models: Models) -> None:
    metrics = Metrics("line")
    line = Line(models, metrics)
    threads = [
        threading.Thread(target=lambda: Lent(line, Ticket.of_event(30.0)).embed(["A mug of stoneware"]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sample(metrics, "adloom_batch_requests_count", call="embed") == 6


def test_whoever_has_gone_or_waited_too_long_leaves_the_line(models: Models) -> None:
    line = Line(models, Metrics("line"))
    with pytest.raises(Gone):
        Lent(line, Ticket(30.0, gone=lambda: True)).embed(["a"])
    ticket = Ticket(0.0)
    time.sleep(0.01)
    with pytest.raises(Problem) as caught:
        Lent(line, ticket).embed(["a"])
    assert caught.value.status == 504
    assert line._waiting == []


def test_a_fault_of_the_model_reaches_whoever_asked_and_the_line_goes_on(models: Models) -> None:
    lent = Lent(Line(models, Metrics("line")), Ticket(30.0))
    with pytest.raises(TypeError):
        lent.embed([None])  # type: ignore[list-item]
    assert lent.embed(["a"]).shape == (1, 384)


def test_an_event_lets_a_person_go_first_and_is_not_passed_for_ever() -> None:
    event = Ticket.of_event(600.0)
    assert Ticket(60.0).rank < event.rank < time.monotonic() + 31


def test_places_are_given_back_whatever_happens() -> None:
    told: list[int] = []
    places = Places(2, told.append)
    for _ in range(5):
        with pytest.raises(ValueError, match="x"), places.taken(2, "shop"):
            raise ValueError("x")
    with places.taken(2, "shop"), pytest.raises(Problem) as caught, places.taken(1, "shop"):
        pass
    assert caught.value.status == 429
    assert int(caught.value.headers["Retry-After"]) >= 1
    assert (max(told), told[-1]) == (2, 0)


def test_who_would_wait_too_long_is_told_to_come_again_and_who_comes_first_never_is() -> None:
    places = Places(16, seconds=5.0)  # A piece of work is thought to take 2 seconds until one has been seen.
    with places.taken(8, "shop"), pytest.raises(Problem) as caught, places.taken(1, "shop"):
        pass
    assert caught.value.status == 429
    for _ in range(20):
        with places.taken(1, "shop"):
            pass
    with places.taken(8, "shop"), places.taken(8, "shop"):
        pass


def test_who_was_refused_first_is_let_in_first() -> None:
    places = Places(2)

    def asks(caller: str) -> bool:
        try:
            with places.taken(1, caller):
                return True
        except Problem:
            return False

    with places.taken(1, "long"):
        with places.taken(1, "one"):
            assert not asks("two")
            assert not asks("three")
        assert not asks("one")
        assert not asks("three")
        assert asks("two")
        assert not asks("one")
        assert asks("three")
        assert asks("one")
        assert asks("two")


def test_a_place_is_kept_for_twice_the_time_that_a_caller_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    places = Places(2)
    with places.taken(1, "long"):
        with places.taken(1, "one"), pytest.raises(Problem) as told, places.taken(1, "two"):
            pass
        clock[0] += 2 * int(told.value.headers["Retry-After"]) - 0.1
        with pytest.raises(Problem), places.taken(1, "one"):
            pass
        clock[0] += 0.2
        with places.taken(1, "one"):
            pass


def test_no_place_stays_empty_for_a_caller_who_was_refused() -> None:
    places = Places(1)
    with places.taken(1, "one"), pytest.raises(Problem), places.taken(1, "two"):
        pass
    with places.taken(1, "one"):
        pass


def test_where_the_shared_counter_is_away_each_process_counts_for_itself() -> None:
    rates = Rates("redis://127.0.0.1:1/0")
    caller = Caller(name="key:shop", scopes=frozenset(), rate="2/minute")
    assert [rates.count(caller)["RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    with pytest.raises(Problem) as caught:
        rates.count(caller)
    assert caught.value.status == 429
    assert 0 < int(caught.value.headers["Retry-After"]) <= 60
