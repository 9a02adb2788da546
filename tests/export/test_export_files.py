"""What the export files hold, and that nothing in them is lost, reordered or calculated."""

import csv
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.common.batches import Batch, Output, StageResult, keep
from functions.common.errors import InputError
from functions.common.records import Creative, Measures, Quarantined
from functions.common.storage import FolderStore
from functions.common.tables import to_parquet
from functions.export.exports import write_exports
from functions.export.sheets import ExportedCreative, cell, replacing

Make = Callable[..., Any]
Kept = Callable[..., tuple[FolderStore, Batch]]
NAMES = ["creatives.csv", "creatives.jsonl", "quarantine.csv", "report.html"]


@pytest.fixture
def mugs(tmp_path: Path, product: Make, creative: Make, refusal: Make, kept: Kept, finding: Any) -> Any:
    """Six mugs on two platforms, one ad of which needs a look, and one refused row."""
    products = [product(number) for number in range(6)]
    ads = [creative(mug, platform) for mug in products for platform in ("google_rsa", "meta_feed")]
    ads[3] = msgspec.structs.replace(ads[3], status="needs_review", findings=[finding])
    store, batch = kept(tmp_path / "store", products, ads, [refusal()])
    return store, batch, products, ads


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_json_lines_give_back_every_creative_with_its_product(mugs: Any, tmp_path: Path) -> None:
    store, batch, products, ads = mugs
    path = write_exports(store, batch, tmp_path / "out").jsonl
    lines = [msgspec.json.decode(line, type=ExportedCreative) for line in path.read_bytes().splitlines()]
    fields = Creative.__struct_fields__
    assert [Creative(**{name: getattr(line, name) for name in fields}) for line in lines] == ads
    titles = {mug.product_id: (mug.title, mug.image_url, mug.link) for mug in products}
    assert all((line.product_title, line.image_url, line.link) == titles[line.product_id] for line in lines)


def test_csv_has_a_row_a_creative_and_a_column_a_text(mugs: Any, tmp_path: Path) -> None:
    store, batch, _, ads = mugs
    rows = read_csv(write_exports(store, batch, tmp_path / "out").csv)
    assert len(rows) == len(ads)
    search = rows[0]
    assert [search[f"headline_{number}"] for number in (1, 2, 3)] == ads[0].fields["headline"]
    assert [search["description_1"], search["description_2"]] == ads[0].fields["description"]
    assert "headline_4" not in search
    assert rows[1]["headline_2"] == ""
    assert rows[1]["primary_text_1"] == ads[1].fields["primary_text"][0]
    assert [float(search[name]) for name in Measures.__struct_fields__] == [0.9, 0.8, 0.7, 0.6, 0.5]


def test_csv_tells_findings_in_words(mugs: Any, tmp_path: Path) -> None:
    store, batch, *_ = mugs
    row = read_csv(write_exports(store, batch, tmp_path / "out").csv)[3]
    assert row["status"] == "needs_review"
    assert row["findings"] == (
        'headline: The product does not say that it may go in the dishwasher. (found "dishwasher") [supported_claims]'
    )


def test_csv_opens_as_utf8_in_excel(mugs: Any, tmp_path: Path) -> None:
    store, batch, *_ = mugs
    data = write_exports(store, batch, tmp_path / "out").csv.read_bytes()
    assert data.startswith(b'\xef\xbb\xbf"product_id"')
    assert data.count(b"\xef\xbb\xbf") == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "  =", "\u00a0@"])
def test_a_cell_that_a_spreadsheet_would_calculate_is_quoted(start: str) -> None:
    assert cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "Mug", "'tis a mug", "3 - 2", "mug@home", "350 ml"])
def test_a_cell_of_plain_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_hostile_texts_stay_in_their_cells(tmp_path: Path, product: Make, creative: Make, kept: Kept) -> None:
    texts = ["=cmd|' /C calc'!A0", 'a","=1+1', "a\r\n=1+1", '"', "a\0b", "@SUM(1)", "-2+3", "a;=1;b"]
    mugs = [product(number, title=text) for number, text in enumerate(texts)]
    ads = [creative(mug, fields={"headline": [text]}) for mug, text in zip(mugs, texts, strict=True)]
    rows = read_csv(write_exports(*kept(tmp_path / "store", mugs, ads), tmp_path / "out").csv)
    assert [row["headline_1"].removeprefix("'") for row in rows] == texts
    assert [row["product_title"].removeprefix("'") for row in rows] == texts
    assert not [value for row in rows for value in row.values() if value and value[0] in "=+-@\t\r"]


def test_quarantine_of_both_stages_is_exported(mugs: Any, tmp_path: Path, refusal: Make) -> None:
    store, batch, *_ = mugs
    late = refusal(9, rule="duplicate", found="=1", advice="Keep one of the two.")
    keep(store, batch, "validate-late", StageResult(0, [Output("quarantine/validate", Quarantined, [late])]))
    exports = write_exports(store, batch, tmp_path / "out")
    rows = read_csv(exports.quarantine)
    assert [(row["row"], row["stage"], row["rule"], row["found"]) for row in rows] == [
        ("1", "ingest", "price_number", "abc"),
        ("9", "validate", "duplicate", "'=1"),
    ]
    assert exports.quarantined == 2


def test_counts_tell_what_was_written(mugs: Any, tmp_path: Path) -> None:
    exports = write_exports(mugs[0], mugs[1], tmp_path / "out")
    assert exports.counts == {
        "google_rsa": {"ready": 6, "needs_review": 0, "rejected": 0},
        "meta_feed": {"ready": 5, "needs_review": 1, "rejected": 0},
    }
    assert (exports.products, exports.creatives, exports.quarantined) == (6, 12, 1)


def test_the_same_records_give_the_same_bytes(mugs: Any, tmp_path: Path, kept: Kept, refusal: Make) -> None:
    store, batch, products, ads = mugs
    again: tuple[FolderStore, Batch] = kept(tmp_path / "other", products, ads, [refusal()])
    write_exports(store, batch, tmp_path / "one")
    write_exports(*again, tmp_path / "two")
    write_exports(store, batch, tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == NAMES
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "creatives.csv"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_told(mugs: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match=r"file/out: the exports cannot be written \(Not a directory\); name another"):
        write_exports(mugs[0], mugs[1], blocked / "out")


def test_an_ad_without_its_product_is_an_error(mugs: Any, tmp_path: Path, product: Make, creative: Make) -> None:
    store, batch, *_ = mugs
    stray = creative(product(99))
    store.replace(f"scored/{batch.batch_id}/part-00001.parquet", to_parquet([stray], Creative))
    with pytest.raises(InputError, match=r"part-00001\.parquet: has an ad for product 'mug-99', which .*adloom audit"):
        write_exports(store, batch, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_batch_that_is_not_scored_yet_is_exported_with_no_ads(tmp_path: Path, product: Make, kept: Kept) -> None:
    store, batch = kept(tmp_path / "store", [product()], [])
    (tmp_path / "store" / "scored" / batch.batch_id / "part-00000.parquet").unlink()
    exports = write_exports(store, batch, tmp_path / "out")
    assert (exports.products, exports.creatives, exports.jsonl.read_bytes()) == (1, 0, b"")


def test_memory_does_not_grow_with_the_batch(tmp_path: Path, product: Make, creative: Make, kept: Kept) -> None:
    def peak(parts: int) -> int:
        products = [product(number, description="A mug. " * 300) for number in range(parts * 16)]
        ads = [creative(mug, platform) for mug in products for platform in ("google_rsa", "meta_feed")]
        source = kept(tmp_path / f"store-{parts}", products, ads, part_rows=16)
        del products, ads
        tracemalloc.start()
        write_exports(*source, tmp_path / f"out-{parts}")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(24) < 1.5 * peak(3)
