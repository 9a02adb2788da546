"""CloudEvents 1.0 over HTTP, in both modes, made by the official SDK and by hand.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import base64
import json
from typing import Any

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http

from tests.serving.servers import TINY, Serve, Server

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "a1",
    "ce-source": "/tests",
    "ce-type": "tiny.event.v1",
    "content-type": "application/json",
}
STRUCTURED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a1",
    "source": "/tests",
    "type": "tiny.event.v1",
    "data": {"a": 1},
}
FORMAT = {"content-type": "application/cloudevents+json"}


@pytest.fixture(scope="module")
def server(serve: Serve) -> Server:
    return serve(TINY, ADLOOM_AUTH="off")


@pytest.mark.parametrize("mode", [to_binary, to_structured])
@pytest.mark.parametrize("data", [{"name": "Schürze", "n": [1, None]}, "text", 7], ids=["object", "text", "number"])
def test_an_event_of_the_sdk_comes_back_as_the_reply_with_its_data(server: Server, mode: Any, data: Any) -> None:
    sent = CloudEvent({"source": "/tests", "type": "tiny.event.v1", "datacontenttype": "application/json"}, data)
    headers, body = mode(sent)
    answer = server.client.post("/", headers=headers, content=body)
    assert answer.status_code == 200, answer.text
    got = from_http(dict(answer.headers), answer.content)
    assert (got["type"], got["source"], got["id"]) == ("tiny.echoed.v1", "/tests", f"{sent['id']}-echo")
    assert got.data == data


def test_optional_and_extension_attributes_survive_both_modes(server: Server) -> None:
    more = {"subject": "batches/1", "time": "2026-04-05T06:07:08.9Z", "traceparent": "00-1-2-01", "sequence": "12"}
    binary = server.client.post("/", headers={**BINARY, **{f"ce-{k}": v for k, v in more.items()}}, content=b"{}")
    structured = server.client.post("/", headers=FORMAT, content=json.dumps({**STRUCTURED, **more}))
    for answer in (binary, structured):
        assert {name: answer.headers[f"ce-{name}"] for name in more} == more


def test_header_values_are_percent_decoded_and_encoded_again(server: Server) -> None:
    answer = server.client.post(
        "/", headers={**BINARY, "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80%25"}, content=b"{}"
    )
    assert from_http({**answer.headers, "ce-subject": answer.headers["ce-subject"]}, b"{}")["subject"]
    assert answer.headers["ce-subject"].lower() == "euro%20%e2%82%ac%20%f0%9f%98%80%25"


def test_data_that_is_not_json_passes_untouched(server: Server) -> None:
    raw = bytes(range(256))
    answer = server.client.post("/", headers={**BINARY, "content-type": "application/octet-stream"}, content=raw)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (
        200,
        raw,
        "application/octet-stream",
    )
    coded = {**STRUCTURED, "datacontenttype": "application/octet-stream", "data_base64": base64.b64encode(raw).decode()}
    del coded["data"]
    assert server.client.post("/", headers=FORMAT, content=json.dumps(coded)).content == raw


def test_an_event_may_have_no_data_and_no_content_type(server: Server) -> None:
    headers = {name: value for name, value in BINARY.items() if name != "content-type"}
    assert server.client.post("/", headers=headers).status_code == 200


def test_attribute_names_in_headers_know_no_case(server: Server) -> None:
    headers = {name.upper(): value for name, value in BINARY.items()}
    assert server.client.post("/", headers=headers, content=b"{}").status_code == 200


@pytest.mark.parametrize("name", ["id", "source", "type"])
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_an_event_without_a_required_attribute_is_refused_by_name(server: Server, name: str, value: str | None) -> None:
    headers = {k: v for k, v in BINARY.items() if k != f"ce-{name}"} | (
        {f"ce-{name}": value} if value is not None else {}
    )
    binary = server.client.post("/", headers=headers, content=b"{}")
    whole = {k: v for k, v in STRUCTURED.items() if k != name} | ({name: value} if value is not None else {})
    structured = server.client.post("/", headers=FORMAT, content=json.dumps(whole))
    for answer in (binary, structured):
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        assert name in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({**BINARY, "ce-specversion": "0.3"}, b"{}", 400),
        ({**BINARY, "ce-specversion": ""}, b"{}", 400),
        ({**BINARY, "ce-a-b": "x"}, b"{}", 400),
        ({**BINARY, "ce-subject": "%FF%FE"}, b"{}", 400),
        ({**BINARY, "ce-subject": "line%0Abreak"}, b"{}", 400),
        (FORMAT, b"{", 400),
        (FORMAT, b"[]", 400),
        (FORMAT, b"\xff\xfe", 400),
        (FORMAT, b"", 400),
        (FORMAT, json.dumps({**STRUCTURED, "specversion": 1.0}).encode(), 400),
        (FORMAT, json.dumps({**STRUCTURED, "Upper": "x"}).encode(), 400),
        (FORMAT, json.dumps({**STRUCTURED, "extension": {"nested": 1}}).encode(), 400),
        (FORMAT, json.dumps({**STRUCTURED, "data": None, "data_base64": "?"}).encode(), 400),
        (FORMAT, b'{"specversion": "1.0", "a": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        ({"content-type": "application/cloudevents+avro"}, b"x", 415),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", 415),
        ({"content-type": "application/cloudevents-batch+json; charset=utf-8"}, json.dumps([STRUCTURED]).encode(), 415),
        ({**BINARY, "content-type": "application/cloudevents-batch+json"}, b"[]", 415),
    ],
)  # fmt: skip
def test_a_malformed_event_is_refused_for_good(server: Server, headers: dict[str, str], body: bytes, code: int) -> None:
    answer = server.client.post("/", headers=headers, content=body)
    assert answer.status_code == code, answer.text
    assert answer.json()["detail"]


def test_a_lasting_fault_is_written_down_once_and_not_asked_for_again(server: Server) -> None:
    for _ in range(3):
        answer = server.client.post(
            "/", headers={**BINARY, "ce-id": "bad-1", "content-type": "text/plain"}, content=b"bad"
        )
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["adloom-outcome"] == "refused"
    records = [json.loads(server.store.read(name)) for name in server.store.names("ledger/faults")]
    (record,) = [each for each in records if each["attributes"]["id"] == "bad-1"]
    assert record["fault"] == "event: its data is bad; send better data"
    assert record["data"] == "bad"


def test_a_type_that_is_not_taken_is_a_lasting_fault(server: Server) -> None:
    answer = server.client.post("/", headers={**BINARY, "ce-id": "odd-1", "ce-type": "other.v1"}, content=b"{}")
    assert answer.status_code == 204
    assert any(
        b"takes tiny.event.v1, not other.v1" in server.store.read(n) for n in server.store.names("ledger/faults")
    )


def test_a_passing_fault_comes_again_and_tells_nothing_of_the_inside(server: Server) -> None:
    answer = server.client.post("/", headers={**BINARY, "content-type": "text/plain"}, content=b"down")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "10.0.0.7" not in answer.text


def test_an_event_that_asks_for_nothing_gets_an_empty_answer(server: Server) -> None:
    answer = server.client.post("/", headers={**BINARY, "content-type": "text/plain"}, content=b"quiet")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_dead_letter_is_written_down_once(server: Server) -> None:
    headers = {**BINARY, "ce-id": "dead-1", "ce-knativeerrorcode": "500", "ce-knativeerrordest": "http://generate/"}
    for _ in range(2):
        assert server.client.post("/dead-letter", headers=headers, content=b'{"part": 3}').status_code == 204
    (name,) = server.store.names("ledger/dead-letters")
    record = json.loads(server.store.read(name))
    assert record["fault"] == "http://generate/ did not take it: 500"
    assert json.loads(record["data"]) == {"part": 3}
