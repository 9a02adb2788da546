"""The functions in their containers: on a read-only root, within the memory of their manifests, with access checked."""

import json
from collections.abc import Callable

import httpx
import pytest

from functions.common.audit import audit
from functions.common.batches import find_batch
from functions.common.events import CATALOGUE_LANDED, PART_INGESTED, PART_SCORED
from functions.common.storage import BucketStore
from functions.common.wire import Event, from_http, to_http
from tests.images.conftest import BUCKET
from tests.images.podman import TARGETS, Container, logs, podman, running
from tests.puller.broker import Broker
from tests.puller.pubsub_server import PubSubServer, notify
from tests.serving.servers import Issuer

pytestmark = pytest.mark.timeout(1200)

CATALOGUE = b"""id,title,description,price,currency,material
a1,Linen apron,"A cross-back apron in washed linen with two deep pockets.",39.90,EUR,linen
a2,Oak board,"A cutting board of solid oak, oiled by hand.",24.00,EUR,oak
a3,,no title here,1,EUR,
"""
PRODUCT = {"title": "Linen apron", "description": "A cross-back apron in washed linen."}

Deliver = Callable[[str, Event], httpx.Response]


@pytest.fixture
def deliver(containers: dict[str, Container], issuer: Issuer) -> Deliver:
    """Delivers an event to a function, as the broker does."""

    def delivered(target: str, event: Event) -> httpx.Response:
        headers, body = to_http(event)
        token = issuer.token(sub="system:serviceaccount:adloom:broker")
        return containers[target].client.post(
            "/", content=body, headers={**headers, "authorization": f"Bearer {token}"}
        )

    return delivered


def test_a_container_is_alive_and_ready(target: str, containers: dict[str, Container]) -> None:
    for path in ("/healthz", "/readyz"):
        assert containers[target].client.get(path).status_code == 200


@pytest.mark.parametrize("function", [target for target in TARGETS if target != "puller"])
def test_a_container_refuses_whoever_has_no_key_and_no_token(function: str, containers: dict[str, Container]) -> None:
    headers, body = to_http(Event({"specversion": "1.0", "id": "1", "source": "/here", "type": CATALOGUE_LANDED}))
    assert containers[function].client.post("/", content=body, headers=headers).status_code == 401


def test_a_catalogue_goes_from_the_buckets_notification_through_all_stages(
    store: BucketStore, pubsub: PubSubServer, broker: Broker, deliver: Deliver
) -> None:
    store.create("landing/shop.csv", CATALOGUE)
    notify(pubsub, "landing/shop.csv", bucket=BUCKET)
    (landed,) = broker.wait_for(1, 60)
    assert landed.type == CATALOGUE_LANDED
    assert deliver("ingest", landed).status_code == 204
    _, part = broker.wait_for(2)
    assert part.type == PART_INGESTED
    for stage in ("validate", "generate", "score"):
        answer = deliver(stage, part)
        assert answer.status_code == 200, answer.text
        part = from_http(answer.headers, answer.content)
    assert part.type == PART_SCORED
    found = audit(store, find_batch(store, json.loads(part.data)["batch_id"]))
    assert found.balanced, (found.faults, found.unfinished)
    assert list(store.names("scored"))


def test_the_api_writes_scores_and_takes_verdicts(containers: dict[str, Container], key: str) -> None:
    client = containers["generate"].client
    headers = {"authorization": f"Bearer {key}"}
    written = client.post("/v1/creatives", json={"product": PRODUCT, "platforms": ["tiktok"]}, headers=headers)
    assert written.status_code == 200, written.text
    (creative,) = written.json()["creatives"]
    assert creative["fields"]["primary_text"]
    verdict = {"creative_id": creative["creative_id"], "verdict": "approved"}
    for door in ("generate", "feedback"):
        answer = containers[door].client.post("/v1/feedback", json=verdict, headers=headers)
        assert answer.status_code == 201, answer.text
    texts = [{"field": "primary_text", "text": "A cross-back apron in washed linen, made for long days."}]
    scored = client.post(
        "/v1/score", json={"product": PRODUCT, "platforms": ["tiktok"], "texts": texts}, headers=headers
    )
    assert scored.status_code == 200, scored.text
    assert 0 < scored.json()["creatives"][0]["score"] <= 1


def test_no_container_ran_out_of_memory_or_ended(target: str, containers: dict[str, Container]) -> None:
    state = json.loads(podman("inspect", "--format={{json .State}}", containers[target].name))
    assert (state["Status"], state["OOMKilled"]) == ("running", False), logs(containers[target].name)


@pytest.mark.parametrize("target", ["validate", "puller"])
def test_what_is_told_to_stop_ends_by_itself(target: str, images: dict[str, str], settings: dict[str, str]) -> None:
    with running(target, images[target], settings, []) as container:
        podman("stop", "--time=30", container.name)
        state = json.loads(podman("inspect", "--format={{json .State}}", container.name))
        assert state["ExitCode"] == 0, logs(container.name)
