"""A JSON API fetched page by page into a file of JSON Lines, which is then read as any catalogue."""

import email.utils
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

import httpx
import msgspec
import tenacity

from functions.common.errors import InputError, NotFoundError, PassingError
from functions.common.records import Record
from functions.ingest.names import field_rank
from functions.ingest.network import GuardedTransport, check_url

Paging = Literal["auto", "none", "page", "offset", "cursor"]

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
LISTS = (
    "products",
    "items",
    "data",
    "results",
    "records",
    "entries",
    "content",
    "hits",
    "docs",
    "value",
    "list",
    "rows",
)
NEXT_LINKS = ("next", "next_url", "nextUrl", "next_page_url", "nextPageUrl", "nextLink", "@odata.nextLink", "next_page")
CURSORS = (
    "next_cursor",
    "nextCursor",
    "endCursor",
    "end_cursor",
    "cursor",
    "next_page_token",
    "nextPageToken",
    "continuation",
)
LAST_PAGES = ("total_pages", "totalPages", "last_page", "lastPage", "pages", "page_count")
THIS_PAGES = ("page", "current_page", "currentPage", "page_number")
HOLDERS = ("links", "_links", "paging", "pagination", "meta", "page_info", "pageInfo", "cursors", "info")
LONGEST_WAIT = 120.0


class ApiSource(Record, frozen=True, kw_only=True):
    """Where and how to fetch.

    Attributes:
        url: of the first page, with whatever parameters it needs.
        token: sent as a bearer token; ``headers`` are further ones. Both go to the url's own host alone.
        items: dotted path of the list in a page; found by itself where it is empty.
        paging: how pages follow; ``auto`` looks at headers and body (Link header, next links, skip and limit,
            page counts, cursors), the others count ``page_param``, ``offset_param`` or ``cursor_param`` on.
        hosts: allowed besides the url's own; redirects and next links count too.
        allow_private: whether private, loopback and link-local addresses may be connected to.
        max_pages: pages, ``max_bytes`` bytes over all pages, ``max_seconds`` seconds over all, before it is given up.
        attempts: tries for a page.
        timeout: seconds to connect, or to wait for more of an answer.
    """

    url: str
    token: str = ""
    headers: dict[str, str] = {}
    items: str = ""
    paging: Paging = "auto"
    page_param: str = "page"
    offset_param: str = "skip"
    cursor_param: str = "cursor"
    cursor_path: str = ""
    hosts: list[str] = []
    allow_private: bool = False
    max_pages: int = 1000
    max_bytes: int = 1 << 30
    max_seconds: float = 3600.0
    attempts: int = 5
    timeout: float = 30.0


class Fetched(Record, frozen=True, kw_only=True):
    """What was fetched: pages, items, and bytes of JSON after decompression."""

    pages: int
    items: int
    bytes: int


class _PassingFaultError(Exception):
    """A fault that may pass; ``after`` is how many seconds the host asks to wait."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


def fetch(source: ApiSource, target: Path, *, sleep: Callable[[float], None] = time.sleep) -> Fetched:
    """Fetch all pages into ``target``, one item a line.

    Args:
        sleep: waits between tries.

    Raises:
        InputError: the address or what it answers cannot be used, or a limit is passed.
        PassingError: the host did not answer in the tries allowed.
    """
    first = _url(source.url)
    hosts = frozenset({first.host.lower().rstrip("."), *(host.lower() for host in source.hosts)})
    secret = {**source.headers, **({"Authorization": f"Bearer {source.token}"} if source.token else {})}

    def guard(request: httpx.Request) -> None:
        check_url(request.url, hosts)
        if _origin(request.url) != _origin(first):  # A redirect or next link leads elsewhere: no secret goes along.
            for name in secret:
                request.headers.pop(name, None)

    with (
        httpx.Client(
            transport=GuardedTransport(source.allow_private),
            headers={"Accept": "application/json", "User-Agent": "adloom", **secret},
            timeout=source.timeout,
            follow_redirects=True,
            max_redirects=5,
            trust_env=False,
            event_hooks={"request": [guard]},
        ) as client,
        target.open("wb") as spool,
    ):
        return _Fetch(source, client, sleep).all(first, spool)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InputError(f"{text[:200]}: is no web address ({error}); give one with https://") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise InputError(f"{text[:200]}: is no web address; give one with https://")
    return url


class _Fetch:
    def __init__(self, source: ApiSource, client: httpx.Client, sleep: Callable[[float], None]) -> None:
        self.source = source
        self.client = client
        self.sleep = sleep
        self.bytes = 0
        self.deadline = time.monotonic() + source.max_seconds

    def all(self, url: httpx.URL, spool: IO[bytes]) -> Fetched:
        """Every page from a first one on."""
        pages = count = 0
        seen: set[bytes] = set()
        following: httpx.URL | None = url
        while following is not None:
            if pages >= self.source.max_pages:
                raise InputError(
                    f"{url.host}: has more than {pages} pages; raise the page limit, or ask for a part of the catalogue"
                )
            here = following
            body, headers = self._page(here)
            pages += 1
            mark = hashlib.blake2b(body, digest_size=16).digest()
            if mark in seen:
                break  # A host that knows no paging answers the same page for ever.
            seen.add(mark)
            value = _decoded(here, body)
            found = self._items(here, value)
            for item in found:
                spool.write(msgspec.json.encode(item) + b"\n")
            count += len(found)
            following = self._next(here, value, headers, len(found)) if found else None
        if not count:
            raise InputError(f"{url.host}{url.path}: answered no products; check the address and its parameters")
        return Fetched(pages=pages, items=count, bytes=self.bytes)

    def _page(self, url: httpx.URL) -> tuple[bytes, httpx.Headers]:
        """One page, tried again where the fault may pass."""
        retry = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingFaultError),
            stop=tenacity.stop_after_attempt(self.source.attempts),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retry(self._once, url)
        except _PassingFaultError as fault:
            raise PassingError(
                f"{url.host}{url.path}: {fault}; tried {self.source.attempts} times; try again later"
            ) from fault

    def _once(self, url: httpx.URL) -> tuple[bytes, httpx.Headers]:
        try:
            with self.client.stream("GET", url) as response:
                _check_status(url, response)
                return self._body(url, response), response.headers
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise _PassingFaultError(f"did not answer ({type(error).__name__})") from error
        except PassingError as error:
            raise _PassingFaultError(str(error)) from error
        except httpx.TooManyRedirects as error:
            raise InputError(
                f"{url.host}{url.path}: redirects more than 5 times; give the address it ends at"
            ) from error
        except (httpx.DecodingError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise InputError(f"{url.host}{url.path}: its answer cannot be read ({error}); check the address") from error

    def _body(self, url: httpx.URL, response: httpx.Response) -> bytes:
        blocks: list[bytes] = []
        size = 0
        for block in response.iter_bytes(1 << 16):
            blocks.append(block)
            size += len(block)
            if self.bytes + size > self.source.max_bytes:
                raise InputError(
                    f"{url.host}: answers more than {self.source.max_bytes:,} bytes;"
                    " raise the size limit, or ask for less"
                )
            if time.monotonic() > self.deadline:
                raise InputError(f"{url.host}: takes longer than {self.source.max_seconds:g} s; raise the time limit")
        self.bytes += size
        return b"".join(blocks)

    def _items(self, url: httpx.URL, value: Any) -> list[Any]:
        if self.source.items:
            found = _at(value, self.source.items)
            if not isinstance(found, list):
                raise InputError(
                    f"{url.host}{url.path}: there is no list at {self.source.items!r};"
                    " name its path, such as data.products"
                )
            return found
        listed = find_list(value)
        if listed is None:
            keys = ", ".join(list(value)[:20]) if isinstance(value, dict) else type(value).__name__
            raise InputError(
                f"{url.host}{url.path}: no list of products in its answer ({keys}); name the path of the list"
            )
        return listed

    def _next(self, url: httpx.URL, value: Any, headers: httpx.Headers, count: int) -> httpx.URL | None:
        match self.source.paging:
            case "none":
                return None
            case "page":
                return _stepped(url, self.source.page_param, 1, start=1)
            case "offset":
                return _stepped(url, self.source.offset_param, count, start=0)
            case "cursor":
                cursor = _at(value, self.source.cursor_path) if self.source.cursor_path else _first(value, CURSORS)
                return url.copy_set_param(self.source.cursor_param, str(cursor)) if cursor else None
        return self._found_next(url, value, headers, count)

    def _found_next(self, url: httpx.URL, value: Any, headers: httpx.Headers, count: int) -> httpx.URL | None:
        """The next page as headers and body tell it."""
        if link := _linked(headers):
            return url.join(link)
        if (pages := headers.get("x-wp-totalpages", "")).isdigit():
            return _stepped(url, "page", 1, start=1) if int(url.params.get("page", "1")) < int(pages) else None
        if not isinstance(value, dict):
            return _stepped(url, "page", 1, start=1) if "page" in url.params else None
        following = _first(value, NEXT_LINKS)
        if isinstance(following, dict):
            following = following.get("href") or following.get("url")
        if isinstance(following, str) and following.startswith(("http", "/", "?")):
            return url.join(following)
        if (total := _number(value.get("total"))) is not None and (
            skip := _number(value.get("skip", value.get("offset")))
        ) is not None:
            name = "skip" if "skip" in value else "offset"
            return url.copy_set_param(name, str(skip + count)) if skip + count < total else None
        last, page = _number(_first(value, LAST_PAGES)), _number(_first(value, THIS_PAGES))
        if last is not None and page is not None:
            return url.copy_set_param("page", str(page + 1)) if page < last else None
        for name in CURSORS:
            if cursor := _first(value, (name,)):
                return url.copy_set_param("page_token" if "token" in name.lower() else "cursor", str(cursor))
        return _stepped(url, "page", 1, start=1) if "page" in url.params else None


def _check_status(url: httpx.URL, response: httpx.Response) -> None:
    code, where = response.status_code, f"{url.host}{url.path}"
    if code in PASSING or code >= 500:
        raise _PassingFaultError(f"answered {code}", _retry_after(response.headers.get("retry-after", "")))
    if code in {401, 403}:
        raise InputError(f"{where}: answered {code}, access refused; give a valid token")
    if code in {404, 410}:
        raise NotFoundError(f"{where}: answered {code}, nothing is there; check the address")
    if code != 200:
        raise InputError(f"{where}: answered {code} and no page of products; check the address and its parameters")


def _retry_after(text: str) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or a date."""
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _wait(state: tenacity.RetryCallState) -> float:
    """What the host asks for, up to a limit; else twice as long each time, with jitter so that callers spread."""
    fault = state.outcome.exception() if state.outcome else None
    backoff = tenacity.wait_exponential_jitter(multiplier=0.5, max=30.0, jitter=0.5)(state)
    asked = fault.after if isinstance(fault, _PassingFaultError) else None
    return min(max(asked, backoff), LONGEST_WAIT) if asked is not None else backoff


def _decoded(url: httpx.URL, body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        start = body[:60].decode("utf-8", "replace").strip()
        raise InputError(
            f"{url.host}{url.path}: answered no valid JSON ({str(error)[:100]}; it begins {start!r});"
            " give the address of a JSON API"
        ) from error


def find_list(value: Any, depth: int = 0) -> list[Any] | None:
    """The list of objects with titles in an answer; an empty list only where its key says that it is the one."""
    if isinstance(value, list):
        objects = [item for item in value[:20] if isinstance(item, dict)]
        titled = any(field_rank("title", key) is not None for item in objects for key in item.get("node", item))
        return value if titled or not value else None
    if not isinstance(value, dict) or depth > 3:
        return None
    if isinstance(value.get("edges"), list):
        return [edge.get("node", edge) for edge in value["edges"] if isinstance(edge, dict)]
    for name in (*LISTS, *(name for name in value if name not in LISTS)):
        found = find_list(value[name], depth + 1) if isinstance(value.get(name), list | dict) else None
        if found or (found is not None and name in LISTS):
            return found
    return None


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _first(value: Any, names: tuple[str, ...]) -> Any:
    """The first of these keys that holds something, at the top or in what holds paging."""
    if not isinstance(value, dict):
        return None
    holders: Iterator[Any] = iter([value, *(value.get(name) for name in HOLDERS)])
    return next(
        (holder[name] for holder in holders if isinstance(holder, dict) for name in names if holder.get(name)), None
    )


def _linked(headers: httpx.Headers) -> str | None:
    """The address of rel="next" in a Link header."""
    for part in headers.get("link", "").split(","):
        address, _, rest = str(part).partition(";")
        if 'rel="next"' in rest.replace("'", '"') or "rel=next" in rest:
            return address.strip().strip("<>")
    return None


def _stepped(url: httpx.URL, name: str, step: int, start: int) -> httpx.URL:
    now = url.params.get(name, "")
    return url.copy_set_param(name, str((int(now) if now.isdigit() else start) + step))


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()) else None
