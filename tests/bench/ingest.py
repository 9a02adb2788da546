"""How fast, and in how much memory, a plain CSV goes through ingest and validate, beside reading it and no more.

    python tests/bench/ingest.py [--rows 100000] [--runs 5] [--memory]

The yardstick is `csv.DictReader` over the same file. Each figure is the median of paired runs, each in a process of
its own; `--memory` compares the peak memory of 10,000 rows with that of 1,000,000. All files lie in memory (/dev/shm),
where there is such a folder: what a disk takes to make a file depends on what it had to do before.
"""

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.common.batches import Batch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
if os.access("/dev/shm", os.W_OK):
    os.environ.setdefault("TMPDIR", "/dev/shm")

VOCABULARY = """
soft warm linen cotton kettle jacket blue green steel lamp table garden light storage comfort design everyday durable
handmade simple oak wool bright travel kitchen folding quiet sturdy compact breathable woven glazed
"""
WORDS = VOCABULARY.split()
HEADER = ["id", "title", "description", "category", "brand", "price", "currency", "image_link", "link", "color"]


def write_catalogue(path: Path, rows: int) -> None:
    """A plain CSV of ten columns and some 300 bytes a row."""
    draw = random.Random(7)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(rows):
            title = f"{' '.join(draw.choices(WORDS, k=4)).title()} {number}"
            text = f"{' '.join(draw.choices(WORDS, k=11)).capitalize()}. {' '.join(draw.choices(WORDS, k=11))}."
            address = f"https://shop.example.com/{{}}/{number}"
            price = f"{draw.randint(1, 900)}.{draw.randint(10, 99)}"
            color = draw.choice(["Red", "Blue", "Oat", "Sage"])
            brand = f"Brand {number % 50}"
            cells = [f"SKU-{number:07d}", title, text, "Home > Kitchen", brand, price, "EUR"]
            writer.writerow([*cells, address.format("images"), address.format("products"), color])


def read_plain(path: Path) -> None:
    """The yardstick."""
    with path.open(newline="", encoding="utf-8") as stream:
        for _ in csv.DictReader(stream):
            pass


def batch_for(path: Path) -> "Batch":
    """The batch of a catalogue under plain settings."""
    from functions.common.batches import Batch, Settings

    return Batch.of(path.name, "bench", Settings(platforms=["meta_feed"]))


def in_one_process(path: Path, languages: bool) -> None:
    """Both stages over a catalogue, as `adloom run` begins: the parts and their ledger in a folder."""
    from functions import flow
    from functions.common.storage import FolderStore

    batch = batch_for(path)
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        store.create_from(batch.landing, path)
        landed = flow.read_catalogue(store, batch, lambda *_: None, languages=languages)
    if not landed.parts:
        raise SystemExit("nothing was read")


def in_two_processes(path: Path) -> None:
    """Each stage in a process of its own, as the functions are deployed; part numbers go through a pipe."""
    from functions.common.batches import keep, tabled
    from functions.common.storage import FolderStore
    from functions.ingest import stage as ingest
    from functions.ingest.source import Catalogue

    batch = batch_for(path)
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        command = [sys.executable, __file__, "--child", "validate", "--file", str(path), "--store", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as second:
            if second.stdin is None:
                raise SystemExit("no pipe")
            for results in tabled(ingest.run(Catalogue.of(path), batch, languages=False)):
                for result in results:
                    keep(store, batch, "ingest", result)
                    print(result.number, file=second.stdin, flush=True)
            second.stdin.close()
            if second.wait():
                raise SystemExit("validation failed")


def validate_from_pipe(path: Path, folder: Path) -> None:
    """The second of the two processes."""
    from functions.common.batches import step
    from functions.common.records import Product
    from functions.common.storage import FolderStore
    from functions.validate import stage as validate

    store, batch = FolderStore(folder), batch_for(path)
    for line in sys.stdin:
        step(store, batch, "validate", int(line), ("products", Product), validate.run)


def child(what: str, path: Path) -> None:
    """One measured run; prints seconds and peak memory as JSON."""
    import functions.flow  # noqa: F401 - what is loaded before the first row is no part of the rate

    start, busy = time.perf_counter(), time.process_time()
    if what == "plain":
        read_plain(path)
    elif what == "deployed":
        in_two_processes(path)
    else:
        in_one_process(path, languages=what == "languages")
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "busy": busy, "peak_mb": peak}))


def measured(what: str, path: Path) -> dict[str, float]:
    """A run in a process of its own."""
    command = [sys.executable, __file__, "--child", what, "--file", str(path)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def compare(rows: int, runs: int) -> None:
    """Print throughput, memory and ratio, paired run by run."""
    kinds = {
        "plain": "csv.DictReader",
        "deployed": "ingest and validate, a process each",
        "stages": "ingest and validate in one process",
        "languages": "the same, with languages told",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.csv"
        write_catalogue(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / rows:.0f} bytes a row, median of {runs} paired runs")
        found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
        for _ in range(runs):
            for kind in kinds:
                found[kind].append(measured(kind, path))
    print(f"{'':36} {'time':>9} {'rate':>17} {'peak':>10} {'ratio':>8} {'of processor time':>18}")
    for kind, label in kinds.items():
        seconds = median(run["seconds"] for run in found[kind])
        peak = median(run["peak_mb"] for run in found[kind])
        ratio, busy = (_ratio(found[kind], found["plain"], name) for name in ("seconds", "busy"))
        print(
            f"{label:36} {seconds:7.2f} s {rows / seconds:10,.0f} rows/s {peak:7.0f} MB {ratio:6.1f} x {busy:16.1f} x"
        )


def _ratio(runs: list[dict[str, float]], plain: list[dict[str, float]], name: str) -> float:
    """Median of the paired ratios."""
    return median(run[name] / yardstick[name] for run, yardstick in zip(runs, plain, strict=True))


def compare_memory() -> None:
    """Print the peak memory of a small and of a large catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        for rows in (10_000, 1_000_000):
            path = Path(folder) / "catalogue.csv"
            write_catalogue(path, rows)
            run = measured("stages", path)
            print(f"{rows:>9,} rows: peak {run['peak_mb']:.0f} MB, {rows / run['seconds']:,.0f} rows/s")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="compare 10,000 rows with 1,000,000")
    children = ["plain", "deployed", "stages", "languages", "validate"]
    parser.add_argument("--child", choices=children, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child == "validate":
        validate_from_pipe(asked.file, asked.store)
    elif asked.child:
        child(asked.child, asked.file)
    elif asked.memory:
        compare_memory()
    else:
        compare(asked.rows, asked.runs)


if __name__ == "__main__":
    main()
