import threading
from pathlib import Path

import pytest

from functions.common.errors import InputError, NotFoundError, PassingError
from functions.common.storage import BucketStore, FolderStore, Store, open_store


def test_what_is_created_can_be_read(store: Store) -> None:
    assert store.create("products/abc/part-00000.parquet", b"\x00bytes")
    assert store.read("products/abc/part-00000.parquet") == b"\x00bytes"


def test_a_second_creation_leaves_the_first_bytes(store: Store) -> None:
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    assert store.read("a/b") == b"first"


def test_of_many_writers_exactly_one_wins(store: Store) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        if store.create("contested", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("contested") == str(won[0]).encode()


def test_a_file_is_created_from_disk_once(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "catalogue.csv"
    source.write_bytes(b"x" * 3_000_000)
    assert store.create_from("landing/b/catalogue", source)
    source.write_bytes(b"other")
    assert not store.create_from("landing/b/catalogue", source)
    with store.open("landing/b/catalogue") as stream:
        assert sum(len(block) for block in iter(lambda: stream.read(65536), b"")) == 3_000_000


def test_replace_overwrites(store: Store) -> None:
    store.replace("report.html", b"one")
    store.replace("report.html", b"two")
    assert store.read("report.html") == b"two"


def test_names_come_in_order_and_only_from_below_the_prefix(store: Store) -> None:
    for name in ("ledger/b/2", "ledger/b/1", "ledger/bb/1", "ledger/b/x/3", "other"):
        store.create(name, b"")
    assert list(store.names("ledger/b/")) == ["ledger/b/1", "ledger/b/2", "ledger/b/x/3"]
    assert list(store.names("nothing")) == []


def test_a_missing_object_says_where_it_was_looked_for(store: Store) -> None:
    assert not store.exists("no/such")
    for call in (store.read, store.open):
        with pytest.raises(NotFoundError, match="no/such"):
            call("no/such")


BAD_NAMES = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "",
    "a\nb",
    "a\x7f",
    "\udcff",
    "a" * 300,
    "a/" * 600,
    "..",
    "a/",
]
ODD_NAMES = ["landing/My shop (1).csv", "landing/Prix : été.csv", "landing/каталог & 商品#2?.csv", "landing/100%25.csv"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_leave_the_store_is_refused(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="not allowed"):
        store.create(name, b"")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_keeps_the_name_that_its_shop_gave_it(store: Store, name: str) -> None:
    assert store.create(name, b"title\nMug\n")
    assert store.read(name) == b"title\nMug\n"
    assert list(store.names("landing")) == [name]


def test_a_bucket_that_does_not_exist_is_named(bucket_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
    with pytest.raises(NotFoundError, match="gs://nobody-made-this"):
        open_store("gs://nobody-made-this").read("x")


def test_a_store_that_is_down_is_a_passing_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    connected = BucketStore.connect("gs://some-bucket")
    store = BucketStore(connected.bucket, connected.prefix, patience=0.5)
    with pytest.raises(PassingError, match="try again"):
        store.read("x")


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="s3://bucket"):
        open_store("s3://bucket")


def test_a_file_where_the_folder_should_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be used as an output folder"):
        open_store(tmp_path / "file")


def test_sweeping_removes_what_a_killed_writer_left(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.create("a", b"kept")
    (tmp_path / ".staging" / "half").write_bytes(b"ha")
    store.sweep()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]
