"""Functions in processes of their own, and what they are tested with: an issuer of tokens, and a file of keys."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.common.serving.keys import ApiKey, KeyFile, Scope, make_key
from functions.common.storage import FolderStore

ROOT = Path(__file__).parents[2]
DOORS = ROOT / "functions"
TINY = Path(__file__).parent / "tiny_door.py"


@dataclass
class Server:
    """A function that runs in a process of its own."""

    url: str
    port: int
    store: FolderStore
    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client

    def raw(self, sent: bytes, seconds: float = 15.0) -> bytes:
        """What the server answers to these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(sent)
            answer = b""
            while block := connection.recv(65536):
                answer += block
                head, found, body = answer.partition(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if found and length and len(body) >= int(length[0].split(b":")[1]):
                    break
            return answer


Serve = Callable[..., Server]


KEPT = ("ADLOOM_MODELS", "ADLOOM_THREADS")


def start(source: Path, folder: Path, settings: dict[str, str]) -> Server:
    """A function's server, once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    named = {k: v for k, v in os.environ.items() if not k.startswith(("ADLOOM_", "K_")) or k in KEPT}
    environment = {**named, "ADLOOM_STORE": str(folder / "store"), "WORKERS": "1", "PYTHONPATH": str(ROOT), **settings}
    log = folder / "log"
    command = [sys.executable, "-m", "functions_framework", "--source", str(source), "--target", "handle"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], env=environment, stdout=stream, stderr=stream
        )
    store = FolderStore(Path(environment["ADLOOM_STORE"]))
    url = f"http://127.0.0.1:{port}"
    server = Server(url, port, store, process, log, httpx.Client(base_url=url, timeout=120.0, trust_env=False))
    _wait(server)
    return server


def stop(running: list[Server]) -> None:
    """End servers side by side."""
    for server in running:
        server.client.close()
        server.process.terminate()
    for server in running:
        server.process.wait(timeout=40)


def _wait(server: Server, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server does not get ready:\n{server.log.read_text()}")


@dataclass
class Issuer:
    """An OpenID issuer: an address that serves keys, and the private one."""

    url: str
    private: rsa.RSAPrivateKey
    asked: list[str]

    def token(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that holds, but for the claims and headers that are given."""
        now = int(time.time())
        said = {"iss": self.url, "aud": "adloom-events", "sub": "system:serviceaccount:adloom:broker", "exp": now + 300}
        said = {name: value for name, value in {**said, **claims}.items() if value is not None}
        return jwt.encode(said, self.private, "RS256", {"kid": "one", **(headers or {})})


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer on this machine."""
    private = rsa.generate_private_key(65537, 2048)
    key = {**jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True), "kid": "one", "use": "sig"}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            documents = {"/.well-known/openid-configuration": {"jwks_uri": f"{url}/keys"}, "/keys": {"keys": [key]}}
            body = json.dumps(documents.get(self.path, {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Issuer(url, private, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Keys:
    """A file of API keys."""

    path: Path
    entries: list[ApiKey]

    def add(self, name: str, scopes: list[Scope], **changes: Any) -> str:
        """A new key, in the file at once."""
        secret, entry = make_key(name, scopes, 1)
        self.entries.append(msgspec.structs.replace(entry, **changes))
        # As a mounted secret changes: a new file takes the old one's place.
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(KeyFile(keys=self.entries)))
        fresh.replace(self.path)
        return secret
