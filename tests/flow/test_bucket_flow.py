"""The flow over a bucket: notifications through Pub/Sub and the puller, and a store that fails one call in ten.

fake-gcs-server speaks gRPC to Google's emulator only, which is in no package: here the test publishes what the bucket
would, to the Pub/Sub of tests/puller. With the emulator on a cluster, `knative/overlays/local` joins the two.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from functions.common.audit import audit
from functions.common.batches import find_batch
from functions.common.storage import BucketStore, open_store
from functions.local.bucket import serve_bucket
from tests.conftest import free_port
from tests.flow.conftest import PATIENCE, ROOT, Machine, adloom
from tests.flow.faults import Faults
from tests.puller.pubsub_server import PubSubServer

pytestmark = pytest.mark.timeout(2 * PATIENCE)

TOPIC, DEAD = "projects/p/topics/landing", "projects/p/topics/landing-dead"
SUBSCRIPTION = "projects/p/subscriptions/landing"


@pytest.fixture
def faults() -> Iterator[Faults]:
    """The way to the bucket server; it fails no call unless told to."""
    found = Faults(0.0)
    yield found
    found.close()


@pytest.fixture
def store(faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketStore]:
    """An empty bucket behind the proxy, on a server of its own; this process reaches it without the proxy."""
    port = free_port()
    faults.server = f"127.0.0.1:{port}"
    with serve_bucket("shop", tmp_path, port, public=faults.host, backend=["-backend", "memory"]):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{faults.server}")
        opened = open_store("gs://shop")
        assert isinstance(opened, BucketStore)
        yield opened


@pytest.fixture
def there(faults: Faults, tmp_path: Path) -> dict[str, str]:
    """Where the processes of the flow find the bucket, and keep what they keep beside it."""
    return {"STORAGE_EMULATOR_HOST": f"http://{faults.host}", "XDG_STATE_HOME": str(tmp_path / "state")}


def objects(store: BucketStore) -> dict[str, bytes]:
    """What a run leaves in the bucket; not what was dropped into it."""
    names = [blob.name for blob in store.bucket.client.list_blobs(store.bucket)]
    return {name: store.read(name) for name in names if not re.match(r"landing/\d{8}T", name)}


def assert_whole(store: BucketStore, plain: dict[str, bytes]) -> None:
    books = audit(store, find_batch(store, ""))
    assert books.balanced, books.faults + books.unfinished
    found = objects(store)
    assert sorted(found) == sorted(plain)
    assert [name for name in plain if found[name] != plain[name]] == []


def test_a_store_that_fails_one_call_in_ten_changes_nothing(
    faults: Faults,
    store: BucketStore,
    start_machine: Callable[..., Machine],
    environment: dict[str, str],
    catalogue: Path,
    plain: dict[str, bytes],
    there: dict[str, str],
) -> None:
    machine = start_machine("gs://shop", **there).ready()
    faults.share = 0.1
    done = adloom({**environment, **there}, "upload", catalogue, "--store", "gs://shop")
    assert done.returncode == 0, f"{done.stderr}\n{machine.log()}"
    assert faults.calls["refused"] > 2
    assert faults.calls["lost"] > 2
    assert_whole(store, plain)


def test_a_notification_goes_by_pubsub_and_the_puller_to_the_end(
    faults: Faults,
    store: BucketStore,
    start_machine: Callable[..., Machine],
    environment: dict[str, str],
    catalogue: Path,
    plain: dict[str, bytes],
    there: dict[str, str],
) -> None:
    machine = start_machine("gs://shop", "--no-watch", **there).ready()
    (router,) = [line.split()[-1] for line in machine.lines if " router at " in line]
    pubsub = PubSubServer()
    for topic in (TOPIC, DEAD):
        httpx.put(f"http://{pubsub.host}/v1/{topic}", json={})
    httpx.put(f"http://{pubsub.host}/v1/{SUBSCRIPTION}", json={"topic": TOPIC, "ackDeadlineSeconds": 60})
    ours = {"ADLOOM_SUBSCRIPTION": SUBSCRIPTION, "ADLOOM_DEAD_LETTER_TOPIC": DEAD, "PORT": str(free_port())}
    ours |= {"PUBSUB_EMULATOR_HOST": pubsub.host, "K_SINK": router}
    stop = threading.Event()
    bucket = threading.Thread(target=notify, args=(store, pubsub, stop))
    bucket.start()
    command = [sys.executable, "-m", "functions.puller"]
    with subprocess.Popen(command, cwd=ROOT, env={**environment, **ours}, stderr=subprocess.DEVNULL) as puller:
        try:
            done = adloom({**environment, **there}, "upload", catalogue, "--store", "gs://shop")
        finally:
            stop.set()
            bucket.join()
            puller.terminate()
    assert done.returncode == 0, f"{done.stderr}\n{machine.log()}"
    assert puller.returncode == 0
    assert pubsub.unacknowledged(SUBSCRIPTION) == 0
    assert not pubsub.topics[DEAD]
    pubsub.close()
    assert_whole(store, plain)


def notify(store: BucketStore, pubsub: PubSubServer, stop: threading.Event) -> None:
    """Publish each object below landing/ once it is there, as the bucket's notification does."""
    told: set[str] = set()
    while not stop.wait(0.2):
        for name in set(store.names("landing")) - told:
            told.add(name)
            pubsub.publish(TOPIC, b'{"bucket": "shop", "name": "%s"}' % name.encode(),
                           bucketId="shop", objectId=name, eventType="OBJECT_FINALIZE")  # fmt: skip
    assert told


def test_the_bucket_that_up_starts_keeps_its_objects(
    start_machine: Callable[..., Machine], environment: dict[str, str], catalogue: Path, plain: dict[str, bytes]
) -> None:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        pytest.skip("STORAGE_EMULATOR_HOST names a server already")
    machine = start_machine("gs://kept", "--emulate").ready()
    done = adloom(environment, "upload", catalogue, "--store", "gs://kept")
    assert done.returncode == 0, f"{done.stderr}\n{machine.log()}"
    machine.stop()
    machine = start_machine("gs://kept", "--emulate").ready()
    (address,) = [line.split()[-1] for line in machine.lines if " bucket at " in line]
    listed = httpx.get(f"{address}/storage/v1/b/kept/o").json()["items"]
    assert set(plain) <= {each["name"] for each in listed}
