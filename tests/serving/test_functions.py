"""The five functions behind their doors, each in a real server with a forked worker."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent, from_http

from functions.common.audit import audit
from functions.common.batches import find_batch
from functions.common.models import Models
from functions.common.records import Creative
from tests.serving.servers import DOORS, Serve, Server

CATALOGUE = b"""id,title,description,price,currency,material
a1,Linen apron,"A cross-back apron in washed linen with two deep pockets.",39.90,EUR,linen
a2,Oak board,"A cutting board of solid oak, oiled by hand.",24.00,EUR,oak
a3,,no title here,1,EUR,
"""
PRODUCT = {
    "title": "Linen apron",
    "description": "A cross-back apron in washed linen.",
    "attributes": {"Material": "linen"},
}


@dataclass
class Broker:
    """Where ingest posts to; it may be told to fail for a while."""

    url: str
    events: list[CloudEvent] = field(default_factory=list)
    failures: int = 0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    found = Broker("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = 202
            if found.failures:
                found.failures -= 1
                code = 503
            else:
                found.events.append(from_http(dict(self.headers.items()), body))
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> dict[str, str]:
    return {
        "ADLOOM_AUTH": "off",
        "ADLOOM_STORE": str(tmp_path_factory.mktemp("records") / "store"),
        "ADLOOM_PLATFORMS": "tiktok",
        "ADLOOM_CANDIDATES": "1",
        "ADLOOM_PART_ROWS": "1",
        "K_SINK": broker.url,
        "THREADS": "8",
    }


@pytest.fixture(scope="module")
def ingest(serve: Serve, settings: dict[str, str], models: Models) -> Server:
    assert models.manifest("writer")
    return serve(DOORS / "ingest" / "main.py", **settings)


@pytest.fixture(scope="module")
def validate(serve: Serve, settings: dict[str, str]) -> Server:
    return serve(DOORS / "validate" / "main.py", **settings)


@pytest.fixture(scope="module")
def generate(serve: Serve, settings: dict[str, str], models: Models) -> Server:
    assert models.manifest("writer")
    return serve(DOORS / "generate" / "main.py", **settings)


@pytest.fixture(scope="module")
def score(serve: Serve, settings: dict[str, str], models: Models) -> Server:
    assert models.manifest("embedder")
    return serve(DOORS / "score" / "main.py", **settings)


def landed(name: str, identity: str = "1") -> CloudEvent:
    attributes = {
        "id": identity,
        "source": "//storage.googleapis.com/projects/_/buckets/store",
        "type": "google.cloud.storage.object.v1.finalized",
        "subject": f"objects/{name}",
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, {"bucket": "store", "name": name, "size": "1"})


def post(server: Server, event: CloudEvent) -> httpx.Response:
    headers, body = to_structured(event)
    return server.client.post("/", headers=headers, content=body)


def said(event: CloudEvent) -> dict[str, Any]:
    """All that an event says; the SDK makes up a time where there is none."""
    return {**event.get_attributes(), "time": None, "data": event.data}


def parts(broker: Broker) -> list[CloudEvent]:
    return [event for event in broker.events if event["type"] == "ai.adloom.part.ingested.v1"]


@pytest.fixture(scope="module")
def catalogue(ingest: Server, broker: Broker) -> list[CloudEvent]:
    """A catalogue that was read, after the sink failed at first: the events of its parts."""
    ingest.store.create("landing/shop.csv", CATALOGUE)
    broker.failures = 1
    assert post(ingest, landed("landing/shop.csv")).status_code == 503
    assert post(ingest, landed("landing/shop.csv")).status_code == 204
    return parts(broker)[:]


def test_a_catalogue_makes_an_event_for_each_part(catalogue: list[CloudEvent], ingest: Server) -> None:
    assert [(event.data["part"], event.data["rows"]) for event in catalogue] == [(0, 1), (1, 1), (2, 0)]
    for event in catalogue:
        assert (
            event.data["uri"]
            == f"{ingest.store.uri}/products/{event.data['batch_id']}/part-0000{event.data['part']}.parquet"
        )


def test_a_catalogue_told_of_again_makes_the_same_events_and_nothing_new(
    ingest: Server, broker: Broker, catalogue: list[CloudEvent]
) -> None:
    before = sorted(ingest.store.names("products"))
    broker.events.clear()
    assert post(ingest, landed("landing/shop.csv", "another-id")).status_code == 204
    assert [said(event) for event in parts(broker)] == [said(event) for event in catalogue]
    assert sorted(ingest.store.names("products")) == before


def test_objects_that_are_no_upload_are_passed_over(
    ingest: Server, broker: Broker, catalogue: list[CloudEvent]
) -> None:
    broker.events.clear()
    batch = catalogue[0].data["batch_id"]
    for name in (f"landing/{batch}/catalogue", f"products/{batch}/part-00000.parquet"):
        assert post(ingest, landed(name)).status_code == 204
    assert broker.events == []


def test_a_catalogue_that_nothing_can_be_made_of_is_written_down(ingest: Server) -> None:
    ingest.store.create("landing/picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(64))
    answer = post(ingest, landed("landing/picture.csv", "png-1"))
    assert (answer.status_code, answer.headers["adloom-outcome"]) == (204, "refused")
    faults = [json.loads(ingest.store.read(name)) for name in ingest.store.names("ledger/faults")]
    assert [fault["fault"] for fault in faults if fault["attributes"]["id"] == "png-1"] == [
        "picture.csv: is a PNG image, not a text catalogue; give the catalogue exported as CSV, TSV, JSON, YAML or XML"
    ]


def test_pushed_notifications_of_a_bucket_are_read_as_events(
    ingest: Server, broker: Broker, catalogue: list[CloudEvent]
) -> None:
    data = base64.b64encode(b'{"bucket": "store", "name": "landing/shop.csv"}').decode()
    about = {"bucketId": "store", "objectId": "landing/shop.csv", "eventType": "OBJECT_FINALIZE"}
    push = {
        "message": {"messageId": "7", "data": data, "attributes": about},
        "subscription": "projects/p/subscriptions/s",
    }
    context = {"eventId": "8", "eventType": "google.storage.object.finalize", "timestamp": "2026-01-01T00:00:00Z"}
    legacy = {"context": context, "data": {"bucket": "store", "name": "landing/shop.csv"}}
    for body in (push, legacy):
        broker.events.clear()
        assert ingest.client.post("/", json=body).status_code == 204
        assert len(parts(broker)) == len(catalogue)
    deleted = {**push, "message": {**push["message"], "attributes": {**about, "eventType": "OBJECT_DELETE"}}}  # type: ignore[dict-item]
    assert ingest.client.post("/", json=deleted).status_code == 400


def test_a_plain_request_reads_a_catalogue_too(ingest: Server, catalogue: list[CloudEvent]) -> None:
    answer = ingest.client.post("/", json={"name": "landing/shop.csv"})
    assert answer.json() == {"batch_id": catalogue[0].data["batch_id"], "parts": 3}
    assert ingest.client.post("/", json={"name": "ledger/../landing/shop.csv"}).status_code == 422
    assert ingest.client.post("/", json={"name": "landing/none.csv"}).status_code == 404


def reply(server: Server, event: CloudEvent) -> CloudEvent:
    answer = post(server, event)
    assert answer.status_code == 200, answer.text
    return from_http(dict(answer.headers), answer.content)


def test_events_go_through_all_stages_to_a_balanced_ledger_and_twice_is_once(
    catalogue: list[CloudEvent], validate: Server, generate: Server, score: Server
) -> None:
    for event in catalogue:
        validated = reply(validate, event)
        assert validated["type"] == "ai.adloom.part.validated.v1"
        generated = reply(generate, validated)
        scored = reply(score, generated)
        assert (scored["type"], scored.data["rows"]) == ("ai.adloom.part.scored.v1", event.data["rows"])
        before = {name: validate.store.read(name) for name in validate.store.names("ledger")}
        for server, sent, got in (
            (validate, event, validated),
            (generate, validated, generated),
            (score, generated, scored),
        ):
            assert said(reply(server, sent)) == said(got)
        assert {name: validate.store.read(name) for name in validate.store.names("ledger")} == before
    found = audit(validate.store, find_batch(validate.store, catalogue[0].data["batch_id"]))
    assert found.balanced, (found.faults, found.unfinished)


@pytest.mark.parametrize(
    "change",
    [
        {"uri": "gs://elsewhere/products/x/part-00000.parquet"},
        {"uri": "http://169.254.169.254/latest"},
        {"batch_id": "../../etc"},
        {"batch_id": "0123456789abcdef"},
        {"part": -1},
        {"part": 99999},
        {"part": "0"},
        {"rows": None},
    ],
)
def test_an_event_that_names_no_part_of_ours_is_a_lasting_fault(
    catalogue: list[CloudEvent], validate: Server, change: dict[str, Any]
) -> None:
    event = CloudEvent(catalogue[0].get_attributes(), {**catalogue[0].data, **change})
    answer = post(validate, event)
    assert (answer.status_code, answer.headers.get("adloom-outcome")) == (204, "refused"), answer.text


def test_one_part_asked_for_many_times_at_once_is_answered_alike(catalogue: list[CloudEvent], validate: Server) -> None:
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(post(validate, catalogue[1]).content)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1


def test_products_are_held_against_the_contract_by_a_plain_request(validate: Server) -> None:
    answer = validate.client.post("/", json={"products": [PRODUCT, {"title": "test"}]}).json()
    assert [product["title"] for product in answer["valid"]] == ["Linen apron"]
    assert [entry["rule"] for entry in answer["quarantined"]] == ["title_placeholder"]


def test_nothing_is_fetched_from_the_addresses_of_a_product(validate: Server, generate: Server) -> None:
    """An image's address may lead into our own network: it is kept, and nobody connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0.5)
        address = f"http://127.0.0.1:{inside.getsockname()[1]}/latest/meta-data"
        product = {**PRODUCT, "image_url": address, "link": address}
        (valid,) = validate.client.post("/", json={"products": [product]}).json()["valid"]
        assert valid["image_url"] == address
        assert generate.client.post("/v1/creatives", json={"product": product, "platforms": ["tiktok"]}).is_success
        with pytest.raises(TimeoutError):
            inside.accept()


@pytest.fixture(scope="module")
def written(generate: Server) -> dict[str, Any]:
    """What the API wrote for one product."""
    asked = {"product": PRODUCT, "platforms": ["tiktok"]}
    answer = generate.client.post("/v1/creatives", json=asked, headers={"Idempotency-Key": "first"})
    assert answer.status_code == 200, answer.text
    again = generate.client.post("/v1/creatives", json=asked, headers={"Idempotency-Key": "first"})
    assert again.content == answer.content
    (creative,) = answer.json()["creatives"]
    found: dict[str, Any] = creative
    return found


def test_the_model_answers_in_a_forked_worker(written: dict[str, Any], models: Models) -> None:
    assert written["platform"] == "tiktok"
    assert written["status"] in ("ready", "needs_review")
    assert written["model_version"] == models.manifest("writer").version


def test_a_verdict_is_kept_once_beside_the_creative_that_was_shown(generate: Server, written: dict[str, Any]) -> None:
    fields = {"primary_text": ["Washed linen, made to work in."]}
    verdict = {"creative_id": written["creative_id"], "verdict": "edited", "fields": fields, "reason": "shorter"}
    answers = [generate.client.post("/v1/feedback", json=verdict) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    names = sorted(generate.store.names(f"feedback/{written['creative_id']}"))
    assert [name.rpartition("/")[2] for name in names] == [f"{answers[0].json()['feedback_id']}.json", "shown.json"]


def test_texts_of_others_are_scored(score: Server, generate: Server) -> None:
    texts = [
        {"field": "primary_text", "text": "A cross-back apron in washed linen, made for long days."},
        {"field": "primary_text", "text": "Call 555-0134 now, 100% guaranteed!!!"},
    ]
    for server, path in ((score, "/"), (generate, "/v1/score")):
        answer = server.client.post(path, json={"product": PRODUCT, "platforms": ["tiktok"], "texts": texts})
        assert answer.status_code == 200, answer.text
        (creative,) = answer.json()["creatives"]
        assert creative["fields"]["primary_text"] == [texts[0]["text"]]
        assert 0 < creative["score"] <= 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"product": PRODUCT, "products": [PRODUCT]},
        {"products": [PRODUCT] * 9},
        {"products": [PRODUCT], "n": 2},
        {"products": []},
        {"product": PRODUCT, "platforms": ["myspace"]},
        {"product": PRODUCT, "n": 0},
        {"product": {**PRODUCT, "title": " "}},
        {"product": {**PRODUCT, "title": "x" * 301}},
        {"product": {**PRODUCT, "image_url": "file:///etc/passwd"}},
        {"product": {**PRODUCT, "image_url": "gopher://169.254.169.254/"}},
        {"product": {**PRODUCT, "attributes": {str(n): "x" for n in range(51)}}},
        {"product": {**PRODUCT, "price": -1}},
        {"product": {**PRODUCT, "source": {"file": "x", "row": 1}}},
        {"product": PRODUCT, "seed": 1},
    ],
)
def test_what_the_api_does_not_take_is_refused_with_the_place(generate: Server, asked: dict[str, Any]) -> None:
    answer = generate.client.post("/v1/creatives", json=asked)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_the_api_describes_its_types(generate: Server) -> None:
    schemas = generate.client.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["Creative"]["properties"]) == set(Creative.__struct_fields__)
    assert "tiktok" in json.dumps(schemas["CreativesRequest"])


def test_metrics_count_what_was_made(generate: Server, written: dict[str, Any]) -> None:
    text = generate.client.get("/metrics").text
    assert f'outcome="{written["status"]}",platform="tiktok"' in text
    assert 'adloom_batch_texts_bucket{call="write"' in text
    assert f'adloom_model_info{{role="writer",version="{written["model_version"]}"}} 1.0' in text
