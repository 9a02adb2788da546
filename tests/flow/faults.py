"""A proxy in front of a storage server that answers 503 to one call in ten, as a store does on a bad day."""

import http.client
import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_OWN = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Faults:
    """Passes calls on; of those that fail, half were carried out before the answer was lost."""

    def __init__(self, share: float) -> None:
        self.server = ""
        """Host and port of the server behind; set when it listens."""
        self.calls: Counter[str] = Counter()
        self.share = share
        self._dice = random.Random(9)
        self._lock = threading.Lock()
        self._proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._proxy.daemon_threads = True
        threading.Thread(target=self._proxy.serve_forever, args=(0.02,), daemon=True).start()
        self.host = f"127.0.0.1:{self._proxy.server_address[1]}"

    def close(self) -> None:
        """End the proxy."""
        self._proxy.shutdown()
        self._proxy.server_close()

    def fate(self) -> str:
        """What becomes of the next call: passed, refused, or lost after it was carried out."""
        with self._lock:
            drawn = self._dice.random()
            fate = "refused" if drawn < self.share / 2 else "lost" if drawn < self.share else "passed"
            self.calls[fate] += 1
            return fate


def _handler(faults: Faults) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fate = faults.fate()
            if fate == "refused":
                self._answer(503, {}, b"not now")
                return
            behind = http.client.HTTPConnection(faults.server, timeout=30)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
                behind.request(self.command, self.path, body, {**headers, "Host": faults.host})
                answer = behind.getresponse()
                data = answer.read()
            finally:
                behind.close()
            if fate == "lost":
                self._answer(503, {}, b"not now")
            else:
                self._answer(answer.status, dict(answer.getheaders()), data)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _pass  # noqa: N815

        def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler
