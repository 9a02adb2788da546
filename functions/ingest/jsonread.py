"""JSON and JSON Lines, one item at a time."""

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import ijson
import msgspec

from functions.common.errors import InputError
from functions.ingest.names import field_rank
from functions.ingest.source import Catalogue, Dialect

PREFIX_EVENTS = 400_000
DEEPEST = 64
LOCATE_BYTES = 256 << 20
LINE_LIMIT = 16 << 20
NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\b(?:NaN|Infinity)\b)')
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]')
CORE = ("title", "description", "short", "price", "image", "brand", "category", "link", "product_id")


class Recoded:
    """A binary stream in another encoding, read as UTF-8."""

    def __init__(self, stream: IO[bytes], dialect: Dialect) -> None:
        self.stream = stream
        self.decoder = codecs.getincrementaldecoder(dialect.encoding)(dialect.errors)
        self.first = True

    def read(self, size: int = -1) -> bytes:
        """The next bytes; as many as came of ``size`` source bytes."""
        while True:
            block = self.stream.read(size)
            text = self.decoder.decode(block, final=not block)
            if self.first and text:
                text, self.first = text.lstrip("\ufeff"), False
            if text or not block:
                return text.encode("utf-8", "replace")


class Mended:
    """A stream of JSON with the words that pandas and JavaScript leave for "no number" turned into null."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.rest = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes, cut between tokens."""
        while True:
            block = self.stream.read(size)
            data = self.rest + block
            text = NO_NUMBER.sub(lambda found: found.group() if found.group(1) is None else b"null", data)
            cut = len(text) if not block else _token_end(text)
            self.rest = text[cut:]
            if cut or not block:
                return text[:cut]


def _token_end(data: bytes) -> int:
    """Where the last whole string or word of JSON ends; what follows waits for more."""
    end = 0
    for found in TOKEN.finditer(data):
        end = found.end()
    return end


@contextmanager
def utf8(catalogue: Catalogue, dialect: Dialect) -> Iterator[Any]:
    """The catalogue's bytes as UTF-8 without a mark."""
    with catalogue.open() as stream:
        plain = stream if dialect.encoding == "utf-8" and dialect.errors == "strict" else Recoded(stream, dialect)
        yield Mended(plain) if dialect.mended else plain


def check(catalogue: Catalogue, dialect: Dialect) -> Dialect:
    """Read the whole file once for its form alone, so that nothing is made of a file that breaks further down.

    Returns:
        The dialect, marked as mended where NaN or Infinity, which JSON does not have, stand for missing numbers.

    Raises:
        InputError: it is not JSON (with line and column), or is nested too deeply.
    """
    try:
        _walk(catalogue, dialect)
    except (ijson.JSONError, UnicodeDecodeError, ValueError, ArithmeticError) as error:
        if not dialect.mended and _has_no_number(catalogue, dialect):
            return check(catalogue, msgspec.structs.replace(dialect, mended=True))
        raise _malformed(catalogue, msgspec.structs.replace(dialect, mended=False), error) from error
    return dialect


def _has_no_number(catalogue: Catalogue, dialect: Dialect) -> bool:
    with utf8(catalogue, dialect) as stream:
        rest = b""
        while block := stream.read(1 << 20):
            if re.search(rb"[:,\[]\s*-?(?:NaN|Infinity)\b", rest + block):
                return True
            rest = block[-32:]
    return False


def _walk(catalogue: Catalogue, dialect: Dialect) -> None:
    depth = 0
    with utf8(catalogue, dialect) as stream:
        for event, _ in ijson.basic_parse(stream, use_float=False):
            if event == "start_map" or event == "start_array":
                depth += 1
                if depth > DEEPEST:
                    raise InputError(
                        f"{catalogue.name}: JSON is nested more than {DEEPEST} levels deep;"
                        " give a flat list of products"
                    )
            elif event == "end_map" or event == "end_array":
                depth -= 1


def _malformed(catalogue: Catalogue, dialect: Dialect, error: Exception) -> InputError:
    """The fault with line and column, found by the standard library's parser."""
    where = what = ""
    with utf8(catalogue, dialect) as stream:
        data = (
            stream.read(LOCATE_BYTES)
            if dialect.encoding == "utf-8"
            else b"".join(iter(lambda: stream.read(1 << 20), b""))
        )
    try:
        text = data.decode("utf-8", "replace")
        json.loads(text)
    except json.JSONDecodeError as fault:
        where, what = f" line {fault.lineno} column {fault.colno}", fault.msg[:1].lower() + fault.msg[1:]
    except RecursionError:
        what = "it is nested too deeply"
    what = what or str(error).split("\n")[0][:120]
    return InputError(
        f"{catalogue.name}{where}: not valid JSON ({what});"
        " correct it there, or export the catalogue again; nothing was read"
    )


class Place:
    """Where the items lie: below ``prefix``, in an array, as the values of a mapping, or the one object itself."""

    def __init__(self, prefix: str, kind: str) -> None:
        self.prefix = prefix
        self.kind = kind


def find_items(catalogue: Catalogue, dialect: Dialect, wanted: frozenset[str] = frozenset()) -> Place:
    """The array (or mapping) of objects that look most like products.

    Raises:
        InputError: none of them has a title.
    """
    census = _Census(wanted)
    try:
        with utf8(catalogue, dialect) as stream:
            for count, (prefix, event, value) in enumerate(ijson.parse(stream)):
                if count > PREFIX_EVENTS:
                    break
                census.see(prefix, event, value)
    except (ijson.JSONError, ValueError, ArithmeticError):
        pass  # `check` has the word on what is malformed.
    best = max(census.keys, key=census.score, default=None)
    if best is None or census.score(best) <= 0:
        raise InputError(_nothing_like(catalogue.name, census))
    return Place(best[1], best[0])


def _nothing_like(name: str, census: "_Census") -> str:
    if census.empty is not None and not any(kind == "array" for kind, _ in census.keys):
        where = f"the list {census.empty!r}" if census.empty else "its list"
        return f"{name}: {where} is empty, so there are no products; export the catalogue again"
    if not census.keys:
        return (
            f"{name}: holds {census.scalars} plain values and no objects, so no products;"
            " give a list of objects with a title each"
        )
    shown = ", ".join(repr(key) for keys in census.keys.values() for key in sorted(keys)[:12])
    return (
        f"{name}: no key was recognised as the product's title; keys found: {shown[:600]};"
        ' say which one it is with --map title="KEY"'
    )


class _Census:
    """Counts objects and their keys by where they lie, and notes the first list that is empty."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted
        self.keys: dict[tuple[str, str], set[str]] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.scalars = 0
        self.empty: str | None = None
        self._opened = False
        self._stack: list[tuple[str, tuple[str, str]]] = []

    def see(self, prefix: str, event: str, value: Any) -> None:
        """Take one event of `ijson.parse`."""
        if event == "end_array" and self._opened and self.empty is None:
            self.empty = prefix
        self._opened = event == "start_array"
        if event == "start_map":
            place = self._place(prefix)
            self.counts[place] = self.counts.get(place, 0) + 1
            self.keys.setdefault(place, set())
            self._stack.append(("map", place))
        elif event == "start_array":
            self._stack.append(("array", ("", prefix)))
        elif event in {"end_map", "end_array"}:
            self._stack.pop()
        elif event == "map_key":
            keys = self.keys[self._stack[-1][1]]
            if len(keys) < 300:
                keys.add(value)
        else:
            self.scalars += 1

    def _place(self, prefix: str) -> tuple[str, str]:
        if not self._stack:
            return "one", ""
        kind, (around, _) = self._stack[-1]
        if kind == "array" or around == "array":  # What wraps each item of a list has the same keys in each.
            return "array", prefix
        return "map", prefix.rpartition(".")[0]

    def score(self, place: tuple[str, str]) -> float:
        """How much the objects at a place look like products; at most 0 where they have no title."""
        keys = self.keys[place]
        if place[0] != "one" and place[0] == "map" and self.counts[place] < 2:
            return 0
        if keys == {"model", "pk", "fields"}:
            return 20  # Records of a Saleor fixture.
        if keys <= {"node", "cursor"} and "node" in keys:
            return 6  # GraphQL wraps each item; what is in it is looked at when it is read.
        named = keys & self.wanted or {key for key in keys if field_rank("title", key) is not None}
        if not named:
            return 0
        fields = sum(any(field_rank(what, key) is not None for key in keys) for what in CORE)
        depth = place[1].count(".") + (place[0] == "array")
        return max(0.1, fields + 1 - 1.5 * depth * 0.5 - (1 if fields < 2 else 0))


def items(catalogue: Catalogue, dialect: Dialect, place: Place) -> Iterator[Any]:
    """The items at a place, one in memory at a time."""
    with utf8(catalogue, dialect) as stream:
        if place.kind == "map":
            yield from (value for _, value in ijson.kvitems(stream, place.prefix))
        else:
            yield from ijson.items(stream, place.prefix)


def line_items(catalogue: Catalogue, dialect: Dialect) -> Iterator[tuple[int, Any, str]]:
    """Line number among the filled lines, the object on it, and what is wrong where it is none."""
    number = 0
    with utf8(catalogue, dialect) as stream:
        for line in _lines(stream):
            if not line.strip():
                continue
            number += 1
            if len(line) > LINE_LIMIT:
                yield number, line[:500].decode("utf-8", "replace"), f"is longer than {LINE_LIMIT} bytes"
                continue
            try:
                value = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                yield (
                    number,
                    line.decode("utf-8", "replace").strip(),
                    f"is not valid JSON ({str(error)[:100] or 'nested too deeply'})",
                )
                continue
            yield number, value, "" if isinstance(value, dict) else "is not a JSON object"


def _lines(stream: Any) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(1 << 20):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    yield rest
