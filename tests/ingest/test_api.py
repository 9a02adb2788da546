"""The API source against a real server on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.common.errors import InputError, NotFoundError, PassingError
from functions.ingest.api import ApiSource, Fetched, fetch

Answer = tuple[int, dict[str, str], bytes]
Route = Callable[["Shop", dict[str, str]], Answer]
STOOLS = [{"id": n, "title": f"Stool {n}", "price": n} for n in range(25)]


class Shop:
    """A shop's API: routes by path, and what it was asked."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                shop.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                code, headers, body = shop.routes[parts.path](shop, query)
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def json(self, path: str, make: Callable[[dict[str, str]], Any], **headers: str) -> None:
        self.routes[path] = lambda _, query: (200, headers, json.dumps(make(query)).encode())


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def get(shop: Shop, target: Path, path: str = "/products", **values: Any) -> tuple[Fetched, list[Any], list[float]]:
    waits: list[float] = []
    values = {"allow_private": True, **values}
    found = fetch(ApiSource(url=shop.url + path, **values), target / "spool.jsonl", sleep=waits.append)
    return found, [json.loads(line) for line in (target / "spool.jsonl").read_text().splitlines()], waits


def test_pages_by_skip_and_limit_are_followed_to_the_total(shop: Shop, tmp_path: Path) -> None:
    def page(query: dict[str, str]) -> Any:
        skip = int(query.get("skip", 0))
        return {"products": STOOLS[skip : skip + 10], "total": 25, "skip": skip, "limit": 10}

    shop.json("/products", page)
    found, items, _ = get(shop, tmp_path)
    assert items == STOOLS
    assert (found.pages, found.items) == (3, 25)


def test_a_link_header_is_followed(shop: Shop, tmp_path: Path) -> None:
    def answer(_: Shop, query: dict[str, str]) -> Answer:
        page = int(query.get("page_info", 0))
        link = (
            f'<{shop.url}/products?page_info=0>; rel="previous", <{shop.url}/products?page_info={page + 1}>; rel="next"'
        )
        return (
            200,
            {"Link": link} if page < 2 else {},
            json.dumps({"products": STOOLS[page * 10 : page * 10 + 10]}).encode(),
        )

    shop.routes["/products"] = answer
    assert get(shop, tmp_path)[1] == STOOLS


def test_a_next_address_in_the_body_is_followed(shop: Shop, tmp_path: Path) -> None:
    def page(query: dict[str, str]) -> Any:
        number = int(query.get("p", 0))
        return {
            "results": STOOLS[number * 13 : number * 13 + 13],
            "next": f"/products?p={number + 1}" if number < 1 else None,
        }

    shop.json("/products", page)
    assert get(shop, tmp_path)[1] == STOOLS


def test_page_counts_of_woocommerce_are_followed(shop: Shop, tmp_path: Path) -> None:
    shop.json(
        "/products",
        lambda query: STOOLS[int(query.get("page", 1)) * 9 - 9 : int(query.get("page", 1)) * 9],
        **{"X-WP-TotalPages": "3"},
    )
    assert get(shop, tmp_path)[1] == STOOLS


def test_a_cursor_is_followed(shop: Shop, tmp_path: Path) -> None:
    def page(query: dict[str, str]) -> Any:
        start = int(query.get("cursor", 0))
        return {"data": STOOLS[start : start + 20], "meta": {"next_cursor": str(start + 20) if start == 0 else None}}

    shop.json("/products", page)
    assert get(shop, tmp_path)[1] == STOOLS


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"paging": "page", "page_param": "seite"}, 10),
        ({"paging": "offset", "offset_param": "ab"}, 10),
        ({"paging": "none"}, 10),
    ],
)
def test_paging_can_be_laid_down(shop: Shop, tmp_path: Path, values: dict[str, Any], size: int) -> None:
    def page(query: dict[str, str]) -> Any:
        start = int(query.get("ab", 0)) or size * (int(query.get("seite", 1)) - 1)
        return {"shop": {"wares": STOOLS[start : start + size]}}

    shop.json("/products", page)
    expected = STOOLS[:10] if values["paging"] == "none" else STOOLS
    assert get(shop, tmp_path, items="shop.wares", **values)[1] == expected


def test_a_host_that_gives_the_same_page_for_ever_ends(shop: Shop, tmp_path: Path) -> None:
    shop.json("/products", lambda _: {"products": STOOLS, "next": "/products?again=1"})
    assert len(get(shop, tmp_path)[1]) == 25


def test_the_token_goes_with_each_request(shop: Shop, tmp_path: Path) -> None:
    shop.json("/products", lambda _: STOOLS)
    get(shop, tmp_path, token="sesame", headers={"X-Shop": "a"})
    assert shop.asked[0][1]["authorization"] == "Bearer sesame"
    assert shop.asked[0][1]["x-shop"] == "a"


def failing(times: int, code: int, headers: dict[str, str]) -> Route:
    left = [times]

    def answer(_: Shop, query: dict[str, str]) -> Answer:
        left[0] -= 1
        return (code, headers, b"") if left[0] >= 0 else (200, {}, json.dumps(STOOLS).encode())

    return answer


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again_with_growing_waits(shop: Shop, tmp_path: Path, code: int) -> None:
    shop.routes["/products"] = failing(3, code, {})
    _, items, waits = get(shop, tmp_path)
    assert items == STOOLS
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2]


def test_what_the_host_asks_to_wait_is_waited(shop: Shop, tmp_path: Path) -> None:
    shop.routes["/products"] = failing(1, 429, {"Retry-After": "7"})
    assert get(shop, tmp_path)[2] == [7.0]
    shop.routes["/products"] = failing(1, 503, {"Retry-After": "Wed, 21 Oct 2199 07:28:00 GMT"})
    assert get(shop, tmp_path)[2] == [120.0]


def test_a_fault_that_does_not_pass_is_told_as_passing(shop: Shop, tmp_path: Path) -> None:
    shop.routes["/products"] = failing(99, 503, {})
    with pytest.raises(PassingError, match=r"answered 503; tried 3 times"):
        get(shop, tmp_path, attempts=3)


@pytest.mark.parametrize(
    ("code", "error"), [(401, InputError), (403, InputError), (404, NotFoundError), (418, InputError)]
)
def test_a_permanent_fault_is_not_tried_again(shop: Shop, tmp_path: Path, code: int, error: type[Exception]) -> None:
    shop.routes["/products"] = failing(1, code, {})
    with pytest.raises(error, match=str(code)):
        get(shop, tmp_path)
    assert len(shop.asked) == 1


def test_a_host_that_does_not_answer_is_a_passing_fault(tmp_path: Path) -> None:
    with pytest.raises(PassingError, match="did not answer"):
        fetch(
            ApiSource(url="http://127.0.0.1:9/x", allow_private=True, attempts=2), tmp_path / "a", sleep=lambda _: None
        )


def test_the_size_of_all_pages_is_limited(shop: Shop, tmp_path: Path) -> None:
    shop.json(
        "/products",
        lambda query: {"products": [{"title": "x" * 5000, "n": query}], "next": f"/products?n={len(shop.asked)}"},
    )
    with pytest.raises(InputError, match="more than 20,000 bytes"):
        get(shop, tmp_path, max_bytes=20_000)
    with pytest.raises(InputError, match="more than 3 pages"):
        get(shop, tmp_path, max_pages=3)


@pytest.mark.parametrize(
    "body", [b"<html>log in</html>", b'{"message": "hi"}', b"[" * 5000, b'["a", "b"]', b'{"products": []}']
)
def test_an_answer_without_products_is_told(shop: Shop, tmp_path: Path, body: bytes) -> None:
    shop.routes["/products"] = lambda *_: (200, {}, body)
    with pytest.raises(InputError, match=r"no valid JSON|no list of products|answered no products"):
        get(shop, tmp_path)


def test_private_addresses_are_not_connected_to(shop: Shop, tmp_path: Path) -> None:
    shop.json("/products", lambda _: STOOLS)
    with pytest.raises(InputError, match="no public address"):
        get(shop, tmp_path, allow_private=False)
    with pytest.raises(InputError, match="no public address"):
        fetch(ApiSource(url=shop.url.replace("127.0.0.1", "localhost") + "/products"), tmp_path / "a")
    assert shop.asked == []


def test_a_redirect_to_a_host_that_is_not_allowed_is_refused(shop: Shop, tmp_path: Path) -> None:
    port = shop.server.server_port
    shop.json("/there", lambda _: STOOLS)
    shop.routes["/products"] = lambda *_: (302, {"Location": f"http://localhost:{port}/there"}, b"")
    with pytest.raises(InputError, match="localhost: is not among the allowed hosts"):
        get(shop, tmp_path, token="sesame")
    assert len(shop.asked) == 1
    assert get(shop, tmp_path, token="sesame", headers={"X-Key": "k"}, hosts=["localhost"])[1] == STOOLS
    assert not {"authorization", "x-key"} & shop.asked[-1][1].keys()
    assert {"authorization", "x-key"} <= shop.asked[-2][1].keys()


def test_a_next_link_to_another_host_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.json("/products", lambda _: {"products": STOOLS, "next": "http://169.254.169.254/latest/meta-data"})
    with pytest.raises(InputError, match="not among the allowed hosts"):
        get(shop, tmp_path)


def test_a_next_link_to_another_allowed_host_goes_without_secrets(shop: Shop, tmp_path: Path) -> None:
    other = shop.url.replace("127.0.0.1", "localhost") + "/more"
    shop.json("/products", lambda _: {"products": STOOLS[:5], "next": other})
    shop.json("/more", lambda _: {"products": STOOLS[5:], "next": None})
    assert get(shop, tmp_path, token="sesame", headers={"X-Key": "k"}, hosts=["localhost"])[1] == STOOLS
    assert not {"authorization", "x-key"} & shop.asked[-1][1].keys()


def test_redirects_without_end_are_refused(shop: Shop, tmp_path: Path) -> None:
    shop.routes["/products"] = lambda *_: (302, {"Location": f"/products?n={len(shop.asked)}"}, b"")
    with pytest.raises(InputError, match="redirects more than 5 times"):
        get(shop, tmp_path)


@pytest.mark.parametrize(
    "url", ["ftp://a.example.com/x", "file:///etc/passwd", "products.json", "http://", "http://user:pw@a.example.com/"]
)
def test_an_address_that_is_no_plain_one_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError):
        fetch(ApiSource(url=url), tmp_path / "a")


def test_what_was_fetched_is_read_as_a_catalogue(shop: Shop, tmp_path: Path) -> None:
    from functions.common.batches import Batch, Settings
    from functions.ingest.source import Catalogue
    from functions.ingest.stage import run

    shop.json("/products", lambda _: {"products": STOOLS})
    get(shop, tmp_path)
    batch = Batch.of("api", "", Settings(platforms=["meta_feed"]))
    (part,) = run(Catalogue.of(tmp_path / "spool.jsonl"), batch, languages=False)
    assert part.counts["products"] == 25
