"""Real servers, as the framework runs them, and an issuer whose tokens they are to believe."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.servers import Issuer, Keys, Serve, Server, issuing, start, stop


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts functions: ``serve(source, NAME=value, …)``; what is not set is as it is by default."""
    running: list[Server] = []

    def started(source: Path, **settings: str) -> Server:
        running.append(start(source, tmp_path_factory.mktemp(source.parent.name), settings))
        return running[-1]

    yield started
    stop(running)


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An issuer on this machine."""
    with issuing() as found:
        yield found


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """An empty file of API keys."""
    return Keys(tmp_path_factory.mktemp("keys") / "api-keys.json", [])
