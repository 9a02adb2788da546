"""The router's door: events come in here, over HTTP on loopback."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from functions.common.errors import InputError
from functions.common.wire import Event, from_http

MOST_BYTES = 1 << 20
"""Of an event; it holds a reference and never rows."""


class Entrance(BaseHTTPRequestHandler):
    """Answers 202 to an event once it is on disk, and 4xx to what is none."""

    protocol_version = "HTTP/1.1"
    timeout = 30.0
    accept: Callable[[Event], int]
    status: Callable[[], bytes]

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self._answer(411, "say how long the event is: Content-Length")
        elif int(length) > MOST_BYTES:
            self._answer(413, f"the event is larger than {MOST_BYTES} bytes; send a reference")
        else:
            self._take(self.rfile.read(int(length)))

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200, "ok")
        elif self.path == "/status":
            self._answer(200, self.status().decode(), "application/json")
        else:
            self._answer(404, "post events to /; ask /healthz or /status")

    def log_message(self, format: str, *args: object) -> None:
        """The router says itself what came of an event."""

    def _take(self, body: bytes) -> None:
        try:
            event = from_http(dict(self.headers.items()), body)
        except (InputError, UnicodeError) as error:
            self._answer(400, str(error))
            return
        self.accept(event)
        self._answer(202)

    def _answer(self, status: int, text: str = "", kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        if status >= 400:
            self.close_connection = True  # The body may not have been read.
        self.send_response(status)
        if body:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def entrance(accept: Callable[[Event], int], status: Callable[[], bytes]) -> type[Entrance]:
    """A door that hands events to `accept`, and shows what `status` says."""
    members = {"accept": staticmethod(accept), "status": staticmethod(status)}
    return type("BoundEntrance", (Entrance,), members)
