"""Tests that need the extra `train`; MLflow keeps its books in an SQLite file of the test's own."""

import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

# MLflow warns of itself while it is imported; what a test does is held to the house rule that warnings are errors.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow
    import mlflow.pyfunc


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    """No telemetry, no job runner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
        yield


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh tracking store; its folder."""
    from quantize.tracking import connect

    folder = tmp_path_factory.mktemp("books")
    before = mlflow.get_tracking_uri()
    connect(f"sqlite:///{folder}/mlflow.db")
    yield folder
    mlflow.set_tracking_uri(before)


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
