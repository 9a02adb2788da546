"""Functions that answer as they are told, behind Triggers as small as can be."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from functions.common.wire import Event, from_http, to_http

Reaction = Callable[[str, Event], tuple[int, dict[str, str], bytes]]
"""Path and event to status, headers and body."""


@dataclass
class Function:
    """A function of the test's own: what it got, and how it answers."""

    address: str = ""
    react: Reaction = lambda *_: (204, {}, b"")
    got: list[tuple[str, Event]] = field(default_factory=list)
    come: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Event]:
        """The events that came, once there are so many."""
        with self.come:
            assert self.come.wait_for(lambda: len(self.got) >= count, seconds), f"{len(self.got)} of {count} came"
            return [event for _, event in self.got]


def answered(event: Event) -> tuple[int, dict[str, str], bytes]:
    """The answer that carries an event."""
    headers, body = to_http(event)
    return 200, headers, body


@pytest.fixture
def start_function() -> Iterator[Callable[[Reaction], Function]]:
    """Starts functions that answer in a given way."""
    servers = []

    def start(react: Reaction) -> Function:
        function = Function(react=react)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                event = from_http(dict(self.headers.items()), body)
                status, headers, answer = function.react(self.path, event)
                with function.come:
                    function.got.append((self.path, event))
                    function.come.notify_all()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        function.address = f"http://127.0.0.1:{server.server_address[1]}"
        return function

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


MANIFESTS = """
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {{name: house}}
spec:
  delivery:
    retry: {retry}
    backoffPolicy: exponential
    backoffDelay: {delay}
    deadLetterSink:
      ref: {{apiVersion: serving.knative.dev/v1, kind: Service, name: mourner}}
      uri: /dead-letter
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {{name: first}}
spec:
  broker: house
  filters: [{{exact: {{type: one}}}}]
  subscriber: {{ref: {{apiVersion: serving.knative.dev/v1, kind: Service, name: first}}}}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {{name: second}}
spec:
  broker: house
  filters: [{{exact: {{type: two}}}}]
  subscriber: {{ref: {{apiVersion: serving.knative.dev/v1, kind: Service, name: second}}, uri: /door}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: first}}
spec: {{template: {{spec: {{timeoutSeconds: 5, containers: [{{name: first}}]}}}}}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: second}}
spec: {{template: {{spec: {{containerConcurrency: 1, containers: [{{name: second}}]}}}}}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: mourner}}
spec: {{template: {{spec: {{containers: [{{name: mourner}}]}}}}}}
"""


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """A folder of manifests: two Triggers, two tries after the first, and somewhere for the dead."""
    return write_manifests(tmp_path / "manifests", retry=2, delay="PT0.05S")


def write_manifests(folder: Path, retry: int, delay: str) -> Path:
    """The manifests with their delivery as asked."""
    folder.mkdir()
    (folder / "all.yaml").write_text(MANIFESTS.format(retry=retry, delay=delay), encoding="utf-8")
    return folder
