"""The command, as a user meets it: in a process of its own."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from functions import console
from functions.common.models import Models
from functions.common.storage import open_store

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests" / "data" / "sample-catalogue.csv"
SMALL = ("--limit", "5", "--part-rows", "2", "--candidates", "2", "--platforms", "meta_stories,tiktok")


def adloom(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "functions.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **environment}
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def finished(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""
    assert models.manifest("writer")
    out = tmp_path_factory.mktemp("run") / "ads"
    done = adloom("run", SAMPLE, "--out", out, *SMALL)
    assert done.returncode == 0, done.stderr
    return out


def test_a_run_leaves_creatives_and_a_report_for_every_product_and_platform(finished: Path) -> None:
    lines = [json.loads(line) for line in (finished / "creatives.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 10
    assert {line["platform"] for line in lines} == {"meta_stories", "tiktok"}
    assert {line["status"] for line in lines} <= {"ready", "needs_review", "rejected"}
    assert (finished / "creatives.csv").stat().st_size > 0
    assert "<html" in (finished / "report.html").read_text(encoding="utf-8")


def test_the_books_of_a_finished_run_balance_and_those_of_a_damaged_one_do_not(finished: Path, tmp_path: Path) -> None:
    done = adloom("audit", finished, "--json")
    books = json.loads(done.stdout)
    assert done.returncode == 0
    assert books["counts"]["score"]["creatives"] == 10
    copy = tmp_path / "copy"
    for name, data in tree(finished).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(data)
    next(copy.glob("scored/*/*.parquet")).unlink()
    done = adloom("audit", books["batch_id"][:6], "--out", copy)
    assert done.returncode == 6
    assert "not in storage" in done.stdout


def test_a_run_killed_at_any_moment_ends_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    """SIGKILL again and again, each time a little later; the last process is left to finish."""
    out = tmp_path / "ads"
    moments = random.Random(4)
    command = [sys.executable, "-m", "functions.cli", "run", str(SAMPLE), "--out", str(out), *SMALL, "--resume"]
    kills = 0
    for attempt in range(60):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        try:
            code = process.wait(timeout=moments.uniform(0.5, 3.0) * (1 + attempt))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        else:
            assert code == 0
            break
    assert kills >= 2
    assert tree(out) == tree(finished)


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "ads"
    command = [sys.executable, "-m", "functions.cli", "run", str(SAMPLE), "--out", str(out)]
    # A shell starts what runs in the background deaf to the signal, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 120
    while not list(out.glob("validated/*/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume" in said
    assert "Traceback" not in said


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_that_python_drops_counts_at_the_next_step() -> None:
    class Dropping:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with console.progress() as watcher:
            watcher.written(1)
            Dropping()
            with pytest.raises(KeyboardInterrupt):
                watcher.written(1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_run_is_refused_without_resume_and_changes_nothing_with_it(finished: Path) -> None:
    before = tree(finished)
    done = adloom("run", SAMPLE, "--out", finished, *SMALL)
    assert done.returncode == 3
    assert "--resume" in done.stderr
    assert adloom("run", SAMPLE, "--out", finished, *SMALL, "--resume").returncode == 0
    assert tree(finished) == before


def test_a_dry_run_writes_nothing_and_names_what_it_would_replace(finished: Path) -> None:
    before = tree(finished)
    done = adloom("run", SAMPLE, "--out", finished, *SMALL, "--seed", "3", "--dry-run")
    assert done.returncode == 0
    assert "would replace" in done.stdout
    assert "10 creatives" in done.stdout
    assert tree(finished) == before


def test_a_bucket_ends_up_with_the_objects_of_a_folder(
    finished: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = adloom("run", SAMPLE, "--out", f"{bucket}/ads", *SMALL)
    assert done.returncode == 0, done.stderr
    store = open_store(f"{bucket}/ads")
    for name, data in tree(finished).items():
        if name != ".lock":
            assert store.read(name) == data, name
    assert adloom("audit", "", "--out", f"{bucket}/ads").returncode == 0


def test_inspect_tells_a_program_what_is_recognised() -> None:
    found = json.loads(adloom("inspect", SAMPLE, "--json").stdout)
    assert found["format"] == "Shopify CSV"
    assert found["rows"] == found["products"] + found["merged"] + found["quarantined"]
    assert {column["name"]: column["read_as"] for column in found["columns"]}["Title"] == "title"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("inspect", "no-such.csv"), 3, "no-such.csv: no such file"),
        (("run", SAMPLE, "--platforms", "myspace"), 3, "'myspace' is not known"),
        (("run", SAMPLE, "--brand", "no.yaml"), 3, "no.yaml"),
        (("run", SAMPLE, "--map", "title"), 3, "FIELD=COLUMN"),
        (("run", SAMPLE, "--candidates", "0"), 2, "--candidates"),
        (("run",), 2, "catalogue"),
        (("audit", "abc", "--out", "no-such-folder"), 3, "no such folder"),
        (("inspect", "http://127.0.0.1:9/products"), 3, "private"),
        (("nonsense",), 2, "nonsense"),
    ],
    ids=str,
)
def test_a_fault_is_one_line_with_its_exit_code(arguments: tuple[object, ...], code: int, words: str) -> None:
    done = adloom(*arguments)
    assert done.returncode == code, done.stderr
    assert words.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    if code != 2:
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_model_is_code_4_and_says_how_to_get_it(tmp_path: Path) -> None:
    done = adloom("run", SAMPLE, "--out", tmp_path / "ads", ADLOOM_MODELS=str(tmp_path / "none"))
    assert done.returncode == 4
    assert "adloom model build" in done.stderr
    assert adloom("doctor", ADLOOM_MODELS=str(tmp_path / "none")).returncode == 4


def test_debug_shows_where_a_fault_arose() -> None:
    assert "Traceback" in adloom("--debug", "inspect", "no-such.csv").stderr


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    import fcntl

    out = tmp_path / "ads"
    out.mkdir()
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = adloom("run", SAMPLE, "--out", out, *SMALL)
    assert done.returncode == 3
    assert "another run is at work" in done.stderr


def test_every_command_explains_itself_with_an_example() -> None:
    for command in ("run", "inspect", "audit"):
        assert "Example" in adloom(command, "--help").stdout
