import pytest

from functions.common.audit import Landed, audit, landed_name
from functions.common.batches import (
    Batch,
    Entry,
    Output,
    Part,
    Settings,
    StageResult,
    encode,
    entry,
    entry_name,
    find_batch,
    keep,
    open_batch,
    step,
)
from functions.common.batches import records as read_records
from functions.common.errors import InputError
from functions.common.records import CandidateSet, Creative, Product, Quarantined, Source
from functions.common.storage import Store

BATCH = Batch.of("shop.csv", "0" * 64, Settings(platforms=["meta_feed", "x"]))


def product(number: int) -> Product:
    return Product(product_id=f"p{number}", title=f"Mug {number}", source=Source(file="shop.csv", row=number))


def ad(item: Product, platform: str) -> Creative:
    return Creative(
        creative_id=f"{item.product_id}-{platform}",
        product_id=item.product_id,
        platform=platform,
        fields={},
        status="ready",
        score=None,
        measures=None,
        findings=[],
        language="en",
        model_version="m",
        prompt_version="p",
        brand_version="b",
    )


def validate(part: Part[Product]) -> StageResult:
    counts = {"products": len(part.records), "validated": len(part.records), "quarantined": 0}
    return StageResult(part.number, [Output("validated", Product, part.records)], counts)


def work_through(store: Store) -> None:
    """A batch of two parts, all stages done, by stages that are as small as can be."""
    open_batch(store, BATCH)
    for number in range(2):
        items = [product(number * 2 + i) for i in range(2)]
        outputs = [Output("products", Product, items), Output("quarantine/ingest", Quarantined, [])]
        counts = {"rows": 3, "products": 2, "merged": 1, "quarantined": 0}
        keep(store, BATCH, "ingest", StageResult(number, outputs, counts))
    store.create(landed_name(BATCH.batch_id), encode(Landed(rows=6, parts=2)))
    for number in range(2):
        step(store, BATCH, "validate", number, ("products", Product), validate)
        step(store, BATCH, "generate", number, ("validated", Product), generate)
        step(store, BATCH, "score", number, ("creatives", CandidateSet), score)


def generate(part: Part[Product]) -> StageResult:
    sets = [
        CandidateSet(product=p, candidates=[], model_version="m", prompt_version="p", brand_version="b")
        for p in part.records
    ]
    return StageResult(part.number, [Output("creatives", CandidateSet, sets)], {"products": len(sets)})


def score(part: Part[CandidateSet]) -> StageResult:
    ads = [ad(s.product, platform) for s in part.records for platform in BATCH.settings.platforms]
    counts = {"creatives": len(ads), "ready": len(ads), "needs_review": 0, "rejected": 0}
    return StageResult(part.number, [Output("scored", Creative, ads)], counts)


def test_a_finished_batch_balances(store: Store) -> None:
    work_through(store)
    books = audit(store, BATCH)
    assert books.balanced, books.faults + books.unfinished
    assert books.counts["ingest"]["rows"] == 6
    assert books.counts["score"]["ready"] == 8


def test_a_part_that_is_done_is_not_done_again(store: Store) -> None:
    work_through(store)

    def explode(part: Part[Product]) -> StageResult:
        raise AssertionError(part.number)

    before = {name: store.read(name) for name in store.names("validated")}
    step(store, BATCH, "validate", 1, ("products", Product), explode)
    assert {name: store.read(name) for name in store.names("validated")} == before


def test_records_come_back_part_by_part_in_order(store: Store) -> None:
    work_through(store)
    assert [p.product_id for p in read_records(store, BATCH.batch_id, "validated", Product)] == ["p0", "p1", "p2", "p3"]


def test_an_unfinished_stage_is_named(store: Store) -> None:
    open_batch(store, BATCH)
    assert audit(store, BATCH).unfinished == ["ingest has not read the catalogue to its end"]
    keep(store, BATCH, "ingest", StageResult(0, [], {"rows": 0, "products": 0, "merged": 0, "quarantined": 0}))
    store.create(landed_name(BATCH.batch_id), encode(Landed(rows=0, parts=1)))
    books = audit(store, BATCH)
    assert "score has not done part 0" in books.unfinished
    assert not books.balanced


def test_a_changed_object_is_found(store: Store) -> None:
    work_through(store)
    name = next(store.names("scored"))
    store.replace(name, store.read(name)[:-1] + b"?")
    assert any(name in fault and "bytes" in fault for fault in audit(store, BATCH).faults)


@pytest.mark.parametrize(
    ("stage", "counts", "fault"),
    [
        ("ingest", {"rows": 3, "products": 2, "merged": 0, "quarantined": 0}, "3 rows went into ingest, 2 are"),
        ("validate", {"products": 2, "validated": 1, "quarantined": 0}, "2 products went into validate, 1 are"),
        ("generate", {"products": 1}, "2 validated went into generate, 1 are"),
        ("score", {"creatives": 4, "ready": 3, "needs_review": 0, "rejected": 0}, "4 creatives went into score, 3 are"),
    ],
)
def test_a_record_that_is_lost_in_a_stage_is_found(
    store: Store, stage: str, counts: dict[str, int], fault: str
) -> None:
    work_through(store)
    done = entry(store, BATCH.batch_id, stage, 0)
    assert done
    altered = Entry(stage=stage, part=0, counts=counts, outputs=done.outputs)
    store.replace(entry_name(stage, BATCH.batch_id, 0), encode(altered))
    assert any(fault in line for line in audit(store, BATCH).faults)


def test_rows_that_no_part_has_are_found(store: Store) -> None:
    store.create(landed_name(BATCH.batch_id), encode(Landed(rows=7, parts=2)))
    work_through(store)
    assert "the catalogue has 7 rows, its parts 6" in audit(store, BATCH).faults


def test_another_setting_is_another_batch() -> None:
    assert Batch.of("shop.csv", "0" * 64, Settings(platforms=["x"])).batch_id != BATCH.batch_id
    assert Batch.of("shop.csv", "1" * 64, BATCH.settings).batch_id != BATCH.batch_id
    assert Batch.of("shop.csv", "0" * 64, BATCH.settings).batch_id == BATCH.batch_id


def test_a_batch_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    open_batch(store, BATCH)
    assert find_batch(store, BATCH.batch_id[:4]) == BATCH
    with pytest.raises(InputError, match="no batch whose id begins with 'zzz'"):
        find_batch(store, "zzz")
    open_batch(store, Batch.of("other.csv", "1" * 64, BATCH.settings))
    with pytest.raises(InputError, match="2 batches"):
        find_batch(store, "")
