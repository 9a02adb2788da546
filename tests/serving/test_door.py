"""What every door answers to plain requests."""

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.serving.servers import TINY, Serve, Server


@pytest.fixture(scope="module")
def server(serve: Serve) -> Server:
    return serve(TINY, ADLOOM_AUTH="off", THREADS="16")


def test_health_and_readiness_answer_without_a_credential(server: Server) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ready"}
    assert server.client.head("/healthz").status_code == 200


def test_the_metrics_are_prometheus_text_with_the_names_of_the_design(server: Server) -> None:
    server.client.post("/v1/nap", json={})
    text = server.client.get("/metrics").text
    assert re.search(r'^adloom_requests_total\{code="200",function="tiny",route="/v1/nap"\} \d', text, re.M)
    assert 'adloom_request_seconds_bucket{function="tiny",le="0.01",route="/v1/nap"}' in text
    assert 'le="81.92"' in text
    assert re.search(r'^adloom_cold_start_seconds\{function="tiny"\} [0-9.]+$', text, re.M)


def test_paths_that_nobody_has_make_no_new_time_series(server: Server) -> None:
    for n in range(3):
        server.client.get(f"/nothing/{n}")
    assert not re.findall(r'route="/nothing', server.client.get("/metrics").text)


def test_the_description_is_openapi_of_the_types(server: Server) -> None:
    found = server.client.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert set(found["paths"]) == {"/v1/nap", "/", "/healthz", "/readyz"}
    assert found["components"]["schemas"]["Nap"]["properties"]["seconds"]["type"] == "number"
    assert set(found["paths"]["/v1/nap"]["post"]["responses"]) >= {
        "200",
        "400",
        "401",
        "403",
        "413",
        "422",
        "429",
        "503",
    }


def test_the_page_needs_nothing_from_elsewhere_and_may_run_nothing(server: Server) -> None:
    answer = server.client.get("/docs")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "POST /v1/nap" in answer.text


def test_every_error_is_a_problem_with_the_request_id(server: Server) -> None:
    answer = server.client.get("/nothing", headers={"X-Request-Id": "abc-1"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    detail = "nothing is here; /docs says what is where"
    assert answer.json() == {"title": "Not Found", "status": 404, "detail": detail, "request_id": "abc-1"}
    assert answer.headers["x-request-id"] == "abc-1"


def test_a_request_id_that_could_break_a_log_is_replaced(server: Server) -> None:
    answer = server.client.get("/healthz", headers={"X-Request-Id": 'x" y'})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_a_wrong_method_is_told_the_right_one(server: Server) -> None:
    answer = server.client.put("/v1/nap", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_fault_of_the_house_tells_the_caller_nothing_and_the_log_all(server: Server) -> None:
    answer = server.client.post("/v1/nap", json={"seconds": -1}, headers={"X-Request-Id": "fault-1"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    line = next(line for line in server.log.read_text().splitlines() if "fault-1" in line and "exception" in line)
    assert "ZeroDivisionError: a secret of the house" in json.loads(line)["exception"]


def test_where_all_places_are_taken_a_request_is_sent_away_at_once(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.client.post("/v1/nap", json={"seconds": 1.5}), range(8)))
    codes = [answer.status_code for answer in answers]
    assert sorted(set(codes)) == [200, 429]
    assert codes.count(200) == 2
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.elapsed.total_seconds() < 1.4
    assert 'adloom_refused_total{function="tiny",reason="full"} 6.0' in server.client.get("/metrics").text


def test_probes_get_through_while_all_places_are_taken(server: Server) -> None:
    with ThreadPoolExecutor(2) as pool:
        naps = [pool.submit(server.client.post, "/v1/nap", json={"seconds": 1.0}) for _ in range(2)]
        time.sleep(0.2)
        assert server.client.get("/healthz").elapsed.total_seconds() < 0.5
        assert [nap.result().status_code for nap in naps] == [200, 200]


def test_an_idle_connection_stays_open_for_the_next_request(server: Server) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(ask)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(3.5)


def test_work_ends_when_the_caller_goes_away(server: Server) -> None:
    body = b'{"seconds": 3.0, "mark": "gone"}'
    head = "POST /v1/nap HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.5)
    assert server.client.post("/v1/nap", json={"seconds": 3.0, "mark": "stayed"}).status_code == 200
    assert (server.store.root / "stayed.mark").exists()
    assert not (server.store.root / "gone.mark").exists()
    assert 'code="499"' in server.client.get("/metrics").text


def test_one_idempotency_key_is_done_once_and_answered_alike(server: Server) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = server.client.post("/v1/nap", json={"seconds": 0.1}, headers=key)
    again = server.client.post("/v1/nap", json={"seconds": 0.1}, headers=key)
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = server.client.post("/v1/nap", json={"seconds": 0.2}, headers=key)
    assert other.status_code == 422


def test_an_idempotency_key_that_is_under_way_is_not_begun_again(server: Server) -> None:
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(server.client.post("/v1/nap", json={"seconds": 1.0}, headers={"Idempotency-Key": "order-2"}))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


def test_a_failed_request_leaves_its_idempotency_key_free(server: Server) -> None:
    key = {"Idempotency-Key": "order-3"}
    assert server.client.post("/v1/nap", json={"seconds": -1}, headers=key).status_code == 500
    assert server.client.post("/v1/nap", json={"seconds": 0}, headers=key).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 129])
def test_a_malformed_idempotency_key_is_refused(server: Server, key: str) -> None:
    assert server.client.post("/v1/nap", json={}, headers={"Idempotency-Key": key}).status_code == 400


def test_a_server_that_is_told_to_end_does_not_wait_for_idle_connections(serve: Serve) -> None:
    server = serve(TINY, ADLOOM_AUTH="off")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in idle.recv(4096)
        server.process.terminate()
        # Gunicorn would wait its grace of 30 seconds for the connection, and Knative and podman kill it then.
        assert server.process.wait(timeout=20) == 0
