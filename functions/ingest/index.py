"""What the whole catalogue has to remember, on disk: memory stays flat however many rows there are."""

import hashlib
import sqlite3
from collections.abc import Iterator

import msgspec

from functions.common.records import Product
from functions.ingest.draft import Draft

CACHE_KIB = 4096


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


def _number(mark: str, text: str) -> int:
    """64 bits, SQLite's own kind of key: of a million products, two share one with a chance of one in ten million.

    Python's own hash would be faster by a microsecond, but differs from process to process.
    """
    digest = hashlib.blake2b(f"{mark}{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def text_key(product: Product) -> int:
    """Hash of title and description without case and spacing; of all that is said where there is no description."""
    said = product.description or product.text()
    return _number("t", f"{product.title}\n{said}".casefold().replace("\n", " "))


def id_key(product_id: str) -> int:
    """Hash of a product id."""
    return _number("i", product_id)


class Seen:
    """The products that there were, by id and by text."""

    def __init__(self) -> None:
        self.base = _scratch()
        self.base.execute("CREATE TABLE seen (digest INTEGER PRIMARY KEY, part INTEGER)")
        self.base.execute("BEGIN")  # Never committed: what is forgotten at the end needs no transaction for each row.
        self._part = 0

    def close(self) -> None:
        self.base.close()

    def known(self, product_id: str) -> bool:
        """Whether a product of this id was remembered."""
        return bool(self.base.execute("SELECT 1 FROM seen WHERE digest = ?", (id_key(product_id),)).fetchone())

    def remember(self, products: list[Product]) -> list[int]:
        """Take note of products, and tell duplicates.

        Returns:
            For each product, its own place where it is new, the place of the first of its kind in this list, or -1
            for one of a list before. Only a product that is new counts for those after it.
        """
        self._part += 1
        keys = [(id_key(product.product_id), text_key(product)) for product in products]
        flat = sorted({key for pair in keys for key in pair})
        before = self.base.total_changes
        self._insert(flat)
        if self.base.total_changes - before == 2 * len(keys):
            return list(range(len(keys)))  # Nearly always: everything is new.
        self.base.execute("DELETE FROM seen WHERE part = ?", (self._part,))
        old = self._old(flat)
        firsts: dict[int, int] = {}
        places: list[int] = []
        for place, (own, text) in enumerate(keys):
            first = -1 if own in old or text in old else firsts.get(own, firsts.get(text, place))
            places.append(first)
            if first == place:
                firsts[own] = firsts[text] = place
        self._insert(sorted(firsts))
        return places

    def _insert(self, keys: list[int]) -> None:
        self.base.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", [(key, self._part) for key in keys])

    def _old(self, keys: list[int]) -> set[int]:
        found: set[int] = set()
        for start in range(0, len(keys), 512):
            some = keys[start : start + 512]
            marks = ",".join("?" * len(some))
            query = f"SELECT digest FROM seen WHERE digest IN ({marks})"  # noqa: S608 - question marks alone
            found.update(key for (key,) in self.base.execute(query, some))
        return found


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
