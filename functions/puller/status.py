"""What the puller says of itself: /healthz, /readyz and /metrics."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from functions.puller.puller import Puller

OUTCOMES = ("delivered", "put_off", "dead_letter", "ignored")


@contextmanager
def serving(puller: Puller, host: str, port: int) -> Iterator[int]:
    """Answer on a port while the puller runs; gives the port, which 0 leaves to the system."""
    server = ThreadingHTTPServer((host, port), _handler(puller))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="status", daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def metrics(puller: Puller) -> str:
    """The Prometheus text format."""
    lines = [
        "# HELP adloom_puller_messages_total Deliveries from Pub/Sub, by what became of them.",
        "# TYPE adloom_puller_messages_total counter",
        *(f'adloom_puller_messages_total{{outcome="{name}"}} {puller.outcomes[name]}' for name in OUTCOMES),
        "# HELP adloom_puller_outstanding Messages under way.",
        "# TYPE adloom_puller_outstanding gauge",
        f"adloom_puller_outstanding {puller.outstanding}",
        "# HELP adloom_puller_connected Whether the last pull was answered.",
        "# TYPE adloom_puller_connected gauge",
        f"adloom_puller_connected {int(not puller.fault)}",
    ]
    return "\n".join(lines) + "\n"


def _handler(puller: Puller) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200 if puller.alive else 503, "ok\n" if puller.alive else "the loop stands still\n")
            elif self.path == "/readyz":
                self._answer(503 if puller.fault else 200, f"{puller.fault or 'ok'}\n")
            elif self.path == "/metrics":
                self._answer(200, metrics(puller), "text/plain; version=0.0.4; charset=utf-8")
            else:
                self._answer(404, "here are /healthz, /readyz and /metrics\n")

        def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are not worth a line."""

    return Handler
