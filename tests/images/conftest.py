"""Images that are built once, and their containers beside a bucket, a Pub/Sub, a broker and an issuer of tokens."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from functions.common.storage import BucketStore
from tests.conftest import make_bucket
from tests.images.podman import TARGETS, Container, base_image, build, image, running
from tests.puller.broker import Broker
from tests.puller.pubsub_server import DEAD, SUBSCRIPTION, PubSubServer, landing_server
from tests.serving.servers import Issuer, Keys, issuing

BUCKET = "adloom"
MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def base() -> str:
    """The image that ours start from; nothing is pulled in its place."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    name = base_image()
    if subprocess.run(["podman", "image", "exists", name], check=False, timeout=60).returncode:
        pytest.skip(f"the base image is not here: podman pull {name}")
    return name


@pytest.fixture(scope="session")
def images(base: str, pytestconfig: pytest.Config) -> dict[str, str]:
    """Target -> name of its image, each built; how large they are is told in the end."""
    names = {target: build(target) for target in TARGETS}
    below = image(base)["Size"]
    for target, name in names.items():
        megabytes = (image(name)["Size"] - below) / 1e6
        pytestconfig.stash.setdefault(MEASURED, []).append(f"{target:9} {megabytes:4.0f} MB beyond the base image")
    return names


@pytest.fixture(scope="session")
def pubsub() -> Iterator[PubSubServer]:
    """Where the bucket's notifications come from."""
    server = landing_server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """Where the puller and ingest post to."""
    found = Broker()
    yield found
    found.close()


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Whose tokens the doors believe."""
    with issuing() as found:
        yield found


@pytest.fixture(scope="session")
def key(keys: Keys) -> str:
    """A key of the public API."""
    return keys.add("shop", ["creatives", "score", "feedback"])


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The file that the key is in."""
    return Keys(tmp_path_factory.mktemp("keys") / "api-keys.json", [])


@pytest.fixture(scope="session")
def store(bucket_server: str) -> Iterator[BucketStore]:
    """The bucket of all records."""
    make_bucket(bucket_server, BUCKET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
        yield BucketStore.connect(f"gs://{BUCKET}")


@pytest.fixture(scope="session")
def settings(
    store: BucketStore, bucket_server: str, pubsub: PubSubServer, broker: Broker, issuer: Issuer
) -> dict[str, str]:
    """What all containers are told; each reads what is its own."""
    return {
        "ADLOOM_STORE": store.uri,
        "STORAGE_EMULATOR_HOST": bucket_server,
        "ADLOOM_BROKER_ISSUER": issuer.url,
        "ADLOOM_BROKER_SUBJECTS": "system:serviceaccount:adloom:*",
        "ADLOOM_PLATFORMS": "tiktok",
        "ADLOOM_CANDIDATES": "1",
        "ADLOOM_API_KEYS": "/run/secrets/adloom/api-keys.json",
        "K_SINK": broker.url,
        "PUBSUB_EMULATOR_HOST": pubsub.host,
        "ADLOOM_SUBSCRIPTION": SUBSCRIPTION,
        "ADLOOM_DEAD_LETTER_TOPIC": DEAD,
    }


@pytest.fixture(scope="session")
def containers(
    images: dict[str, str], settings: dict[str, str], keys: Keys, key: str, pytestconfig: pytest.Config
) -> Iterator[dict[str, Container]]:
    """Target -> a container that is ready; the time that it took and its memory are told in the end."""
    assert key
    with ExitStack() as stack:
        found: dict[str, Container] = {}
        for target, name in images.items():
            secret = [f"{keys.path}:{settings['ADLOOM_API_KEYS']}:ro"] if target in ("generate", "feedback") else []
            found[target] = started = stack.enter_context(running(target, name, settings, secret))
            line = f"{target:9} {started.memory:>8} in memory once ready, after {started.seconds:.1f} s"
            pytestconfig.stash.setdefault(MEASURED, []).append(line)
        yield found


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """The name of each target in turn."""
    return str(request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was measured of the images."""
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(line)
