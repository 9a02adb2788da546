"""What is sent to harm: each attack with its answer."""

import json
import re
import socket
import time

import pytest

from tests.serving.servers import TINY, Keys, Serve, Server

LARGEST = 1 << 20


@pytest.fixture(scope="module")
def server(serve: Serve, keys: Keys) -> Server:
    return serve(TINY, ADLOOM_API_KEYS=str(keys.path), ADLOOM_RATE="100000/minute", THREADS="8")


@pytest.fixture(scope="module")
def key(keys: Keys) -> str:
    return keys.add("shop", ["creatives"])


def head(key: str, *more: str, path: str = "/v1/nap") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"X-API-Key: {key}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def code(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    assert found, answer
    return int(found[1])


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe{}", "application/json", 400),
        (b'{"seconds": NaN}', "application/json", 400),
        (b'{"mark": "\\ud800"}', "application/json", 400),
        (b"{} {}", "application/json", 400),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"seconds": "1"}', "application/json", 422),
        (b'{"seconds": true}', "application/json", 422),
        (b'{"seconds": 1e999}', "application/json", 422),
        (b'{"unknown": 1}', "application/json", 422),
        (b'{"seconds": {"$gt": 0}}', "application/json", 422),
        (b"[" * 17 + b"]" * 17, "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "application/json", 400),
        (b'{"unknown": "' + b"[" * 1000 + b'\\""}', "application/json", 422),
        (b" " * (LARGEST + 1), "application/json", 413),
    ],
)
def test_bodies_that_are_not_what_is_asked_for(server: Server, key: str, body: bytes, kind: str, expected: int) -> None:
    answer = server.client.post("/v1/nap", content=body, headers={"X-API-Key": key, "Content-Type": kind})
    assert answer.status_code == expected, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.content)["status"] == expected


def test_an_oversize_body_is_refused_before_it_is_read(server: Server, key: str) -> None:
    started = time.monotonic()
    answer = server.raw(head(key, f"Content-Length: {1 << 40}") + b"x" * 1000)
    assert code(answer) == 413
    assert time.monotonic() - started < 3


def test_a_chunked_body_without_an_end_is_refused_at_the_limit(server: Server, key: str) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert code(server.raw(head(key, "Transfer-Encoding: chunked") + chunk * 20)) == 413


def test_a_body_that_comes_byte_by_byte_is_given_up(server: Server, key: str) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head(key, "Content-Length: 1000"))
        answer = b""
        connection.settimeout(0.5)
        while time.monotonic() - started < 25 and not answer:
            try:
                connection.sendall(b" ")
                answer = connection.recv(4096)
            except TimeoutError:
                continue
    assert code(answer) == 408
    assert 9 < time.monotonic() - started < 14


def test_slow_bodies_leave_threads_for_others(server: Server, key: str) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
    try:
        for connection in slow:
            connection.sendall(head(key, "Content-Length: 1000") + b" ")
        time.sleep(0.3)
        assert server.client.get("/healthz").elapsed.total_seconds() < 1
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Content-Length: 2", "Content-Length: 5"],
        ["Content-Length: 2, 2"],
        ["Content-Length: +2"],
        ["Content-Length: -1"],
        ["Content-Length: 2x"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length: 2", " folded: 1"],
    ],
)
def test_bodies_whose_length_can_be_read_two_ways_are_refused(server: Server, key: str, sent: list[str]) -> None:
    answer = server.raw(head(key, *sent) + b"{}")
    assert code(answer) in (400, 501)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_second_request_hidden_in_a_body_is_not_answered(server: Server, key: str) -> None:
    hidden = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = server.raw(head(key, f"Content-Length: {len(hidden)}", "Connection: close") + hidden)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert code(answer) == 400


def test_underscores_do_not_pass_for_hyphens_in_headers(server: Server, key: str) -> None:
    sent = head("", "X_API_Key: " + key, "Content-Length: 2").replace(b"X-API-Key: \r\n", b"")
    assert code(server.raw(sent + b"{}")) == 401


def test_a_header_that_comes_twice_opens_nothing(server: Server, key: str) -> None:
    assert code(server.raw(head(key, f"X-API-Key: {key}", "Content-Length: 2") + b"{}")) == 401


def test_no_header_of_a_request_breaks_out_of_an_answer(server: Server) -> None:
    answer = server.client.get("/healthz", headers={"X-Request-Id": "a%0d%0aSet-Cookie:%20x=1"})
    assert "set-cookie" not in answer.headers
    assert "%0d" not in answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nap/", "//v1//nap", "/v1/../v1/nap", "/./v1/nap", "/v1/nap%00", "/V1/NAP", "/v1/nap;x=1", "/v1%2Fnap/",
        "/..%2f..%2fetc/passwd", "/static/../main.py", "/%2e%2e/%2e%2e/etc/passwd", "/v1/nap\\", "/healthz/../v1/nap",
        "/" + "a" * 60_000,
    ],
)  # fmt: skip
def test_paths_that_are_nearly_right_lead_nowhere(server: Server, key: str, path: str) -> None:
    answer = server.raw(head(key, "Content-Length: 2", path=path) + b"{}")
    assert code(answer) in (308, 400, 404, 414), answer[:200]
    if code(answer) == 308:
        assert re.search(rb"\r\nLocation: (http://localhost)?/v1/nap", answer)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO"])
def test_other_methods_are_refused(server: Server, key: str, method: str) -> None:
    sent = head(key, "Content-Length: 2").replace(b"POST", method.encode(), 1) + b"{}"
    assert code(server.raw(sent)) in (400, 404, 405)


def test_the_server_lives_on(server: Server, key: str) -> None:
    assert server.client.post("/v1/nap", json={}, headers={"X-API-Key": key}).status_code == 200
    assert server.process.poll() is None
    assert "Traceback" not in server.log.read_text().replace("exception", "")
