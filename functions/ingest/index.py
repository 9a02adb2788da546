"""What the whole catalogue has to remember, on disk: memory stays flat however many rows there are."""

import hashlib
import sqlite3
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap

import msgspec
import polars as pl

from functions.common.errors import PassingError
from functions.common.records import Product
from functions.ingest.draft import Draft

CACHE_KIB = 4096
_FILTER_BYTES = 8 << 20
"""64 million bits: among two million keys, three new ones in a hundred have to be looked up on disk."""
_FILTER_MASK = _FILTER_BYTES * 8 - 1
_GATHERED = 1 << 16
"""Keys that are kept in memory before they are written together."""


def _scratch() -> sqlite3.Connection:
    """A private database in a temporary file, gone when it is closed; only its cache is in memory."""
    base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for setting in (
        "journal_mode=OFF",
        "synchronous=OFF",
        f"cache_size=-{CACHE_KIB}",
        "temp_store=FILE",
        "locking_mode=EXCLUSIVE",
    ):
        base.execute(f"PRAGMA {setting}")
    return base


def _digest(mark: str, text: str) -> bytes:
    return hashlib.blake2b(f"{mark}{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _numbers(texts: list[str], kind: int) -> list[int]:
    """64 bits for each text: of a million products, two share one with a chance of one in ten million.

    polars hashes a list of texts ten times as fast as hashlib does one by one. Its numbers may change with its
    version, and are not kept longer than a catalogue is read.
    """
    return pl.Series(texts, dtype=pl.String).hash(kind).to_list()


def id_keys(ids: list[str]) -> list[int]:
    """Hashes of product ids."""
    return _numbers(ids, kind=1)


def text_keys(products: list[Product]) -> list[int]:
    """Hashes of title and description without case and spacing; of all that is said where there is no description."""
    said = [f"{product.title}\n{product.description or product.text()}" for product in products]
    return _numbers([text.casefold().replace("\n", " ") for text in said], kind=2)


class Seen:
    """The products that there were, by id and by text.

    A filter of bits in memory tells nearly every new key at once; the keys
    themselves are gathered and laid on disk in sorted runs, to be searched for the few that the filter lets through.
    """

    def __init__(self) -> None:
        self._filter = bytearray(_FILTER_BYTES)
        self._recent: set[int] = set()
        self._runs: list[memoryview] = []

    def known(self, product_id: str) -> bool:
        """Whether a product of this id was remembered."""
        return bool(self._old(id_keys([product_id])))

    def remember(self, products: list[Product]) -> list[int]:
        """Take note of products, and tell duplicates.

        Returns:
            For each product, its own place where it is new, the place of the first of its kind in this list, or -1
            for one of a list before. Only a product that is new counts for those after it.
        """
        owns, texts = id_keys([product.product_id for product in products]), text_keys(products)
        flat = owns + texts
        old = self._old(flat)
        if not old and len(set(flat)) == len(flat):  # Nearly always: everything is new.
            self._note(flat)
            return list(range(len(products)))
        firsts: dict[int, int] = {}
        places: list[int] = []
        for place, (own, text) in enumerate(zip(owns, texts, strict=True)):
            first = -1 if own in old or text in old else firsts.get(own, firsts.get(text, place))
            places.append(first)
            if first == place:
                firsts[own] = firsts[text] = place
        self._note(list(firsts))
        return places

    def _note(self, keys: list[int]) -> None:
        bits = self._filter
        for key in keys:
            bits[(key & _FILTER_MASK) >> 3] |= 1 << (key & 7)
        self._recent.update(keys)
        if len(self._recent) >= _GATHERED:
            self._runs.append(_on_disk(array("Q", sorted(self._recent))))
            self._recent.clear()

    def _old(self, keys: list[int]) -> set[int]:
        """Those keys that were noted before."""
        bits = self._filter
        perhaps = [key for key in keys if bits[(key & _FILTER_MASK) >> 3] >> (key & 7) & 1]
        return {key for key in perhaps if key in self._recent or any(_holds(run, key) for run in self._runs)}


def _on_disk(keys: "array[int]") -> memoryview:
    """Numbers in a file without a name, read through the page cache; gone with the last reference."""
    try:
        with tempfile.TemporaryFile() as file:
            keys.tofile(file)
            file.flush()
            return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ)).cast("Q")
    except OSError as error:
        raise PassingError(
            f"the temporary folder cannot be written ({error.strerror}); free space there, or set TMPDIR"
        ) from error


def _holds(run: memoryview, key: int) -> bool:
    at = bisect_left(run, key)
    return at < len(run) and run[at] == key


class Spool:
    """All drafts of a catalogue whose rows belong together, given back product by product, by their first rows."""

    def __init__(self) -> None:
        self.base = _scratch()
        self.base.execute("CREATE TABLE draft (n INTEGER PRIMARY KEY, key BLOB, child INTEGER, data BLOB)")
        self.base.execute("CREATE TABLE alias (key BLOB PRIMARY KEY, other BLOB) WITHOUT ROWID")
        self.base.execute("BEGIN")
        self._rows: list[tuple[bytes, bool, bytes]] = []
        self._count = 0

    def close(self) -> None:
        self.base.close()

    def put(self, draft: Draft) -> None:
        """Keep a draft; one without a key stands alone."""
        self._count += 1
        key = _digest("k", draft.key) if draft.key else _digest("n", str(self._count))
        for one, other in draft.aliases:
            pair = (_digest("k", one), _digest("k", other))
            if pair[0] != pair[1]:
                self.base.execute("INSERT OR IGNORE INTO alias VALUES (?, ?)", pair)
        draft.aliases = []
        self._rows.append((key, draft.child, msgspec.msgpack.encode(draft)))
        if len(self._rows) >= 256:
            self._flush()

    def _flush(self) -> None:
        self.base.executemany("INSERT INTO draft (key, child, data) VALUES (?, ?, ?)", self._rows)
        self._rows.clear()

    def groups(self) -> Iterator[tuple[bytes, Draft]]:
        """Key and draft; the drafts of a key follow one another, those that can found a product first."""
        self._flush()
        self.base.execute(
            # What another row calls its variant stands behind that row; it may found the product where that is missing.
            "UPDATE draft SET child = child + 1, key = (SELECT other FROM alias WHERE alias.key = draft.key)"
            " WHERE key IN (SELECT key FROM alias)"
        )
        self.base.execute("CREATE TABLE first AS SELECT key, MIN(n) AS place FROM draft GROUP BY key")
        self.base.execute("CREATE UNIQUE INDEX by_key ON first (key)")
        order = self.base.execute(
            "SELECT draft.key, draft.n FROM draft JOIN first USING (key) ORDER BY first.place, draft.child, draft.n"
        )
        decoder = msgspec.msgpack.Decoder(Draft)
        for key, number in order:
            (data,) = self.base.execute("SELECT data FROM draft WHERE n = ?", (number,)).fetchone()
            yield key, decoder.decode(data)
