"""A broker for tests: it keeps the events that are posted to it, and answers as told."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from functions.common.wire import Event, from_http

Answer = Callable[[Event], int]


class Broker:
    """A sink that answers as told."""

    def __init__(self) -> None:
        self.got: list[Event] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = lambda _: 202
        self.inside = self.most = 0
        self.come = threading.Condition()
        broker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = from_http(dict(self.headers.items()), self.rfile.read(int(self.headers["content-length"])))
                with broker.come:
                    broker.inside += 1
                    broker.most = max(broker.most, broker.inside)
                status = broker.answer(event)
                with broker.come:
                    broker.inside -= 1
                    broker.got.append(event)
                    broker.headers.append(dict(self.headers.items()))
                    broker.come.notify_all()
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Event]:
        with self.come:
            assert self.come.wait_for(lambda: len(self.got) >= count, seconds), f"{len(self.got)} of {count} came"
            return list(self.got)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
