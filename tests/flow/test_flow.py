"""One upload through real processes, disturbed or not: the same bytes as `adloom run`, and books that balance."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.common.audit import audit
from functions.common.batches import find_batch
from functions.common.storage import open_store
from tests.flow.conftest import PATIENCE, ROOT, ROWS, Machine, adloom, gone, tree

FLOW = ("ingest", "validate", "generate", "score")

pytestmark = pytest.mark.timeout(2 * PATIENCE)

Start = Callable[..., Machine]


def upload(environment: dict[str, str], catalogue: Path, machine: Machine) -> None:
    """Upload the catalogue, and see that it comes to a good end."""
    done = adloom(environment, "upload", catalogue, "--store", machine.store)
    assert done.returncode == 0, f"{done.stderr}\n{machine.log()}"


def assert_whole(store: Path, plain: dict[str, bytes]) -> None:
    """The store holds what an undisturbed run leaves, to the byte, nothing besides, and the books balance."""
    opened = open_store(store)
    books = audit(opened, find_batch(opened, ""))
    assert books.balanced, books.faults + books.unfinished
    found = tree(store)
    assert sorted(found) == sorted(plain)
    assert [name for name in plain if found[name] != plain[name]] == []


def test_an_upload_ends_with_the_bytes_of_a_plain_run(
    start_machine: Start, environment: dict[str, str], catalogue: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    machine = start_machine(tmp_path / "store").ready()
    upload(environment, catalogue, machine)
    assert_whole(tmp_path / "store", plain)
    assert sum("dead" in line for line in machine.lines) == 0


def test_events_that_come_three_times_in_any_order_change_nothing(
    start_machine: Start, environment: dict[str, str], catalogue: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    machine = start_machine(tmp_path / "store", script=Path(__file__).parent / "thrice.py").ready()
    upload(environment, catalogue, machine)
    taken = [line.partition("validate took ")[2] for line in machine.lines if "validate took " in line]
    assert len(taken) > 2 * len(set(taken))
    assert taken != sorted(taken)
    assert_whole(tmp_path / "store", plain)


def test_functions_that_are_killed_at_any_moment_lose_and_double_nothing(
    start_machine: Start, environment: dict[str, str], catalogue: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    machine = start_machine(tmp_path / "store").ready()
    dice = random.Random(3)
    victims = [*FLOW] * max(3, ROWS // 100)
    dice.shuffle(victims)
    killed: list[str] = []

    def kill() -> None:
        for name in victims:
            time.sleep(dice.uniform(0.1, 1.2))
            pid = machine.pid(name)
            try:
                os.killpg(pid, signal.SIGKILL)
                killed.append(name)
            except ProcessLookupError:
                continue  # It is down already, and waits to be started again.

    killer = threading.Thread(target=kill)
    killer.start()
    upload(environment, catalogue, machine)
    killer.join()
    assert len(killed) >= 6, killed
    assert any("was ended by SIGKILL; it starts again" in line for line in machine.lines)
    assert_whole(tmp_path / "store", plain)


def test_a_machine_that_is_killed_as_a_whole_goes_on_where_it_was(
    start_machine: Start, environment: dict[str, str], catalogue: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    """Router, queue and all functions at once, twice, amid the work."""
    store = tmp_path / "store"
    machine = start_machine(store).ready()
    command = [sys.executable, "-m", "functions.cli", "upload", str(catalogue), "--store", str(store)]
    following = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    with following:
        for folder in ("products", "creatives"):
            deadline = time.monotonic() + 60
            while not list(store.glob(f"{folder}/*/*")) and time.monotonic() < deadline:
                time.sleep(0.02)
            functions = [machine.pid(name) for name in FLOW]
            machine.process.send_signal(signal.SIGKILL)
            machine.process.wait()
            assert all(gone(pid) for pid in functions), "a function outlived its machine"
            machine = start_machine(store).ready()
        following.kill()
    done = adloom(environment, "upload", catalogue, "--store", str(store))
    assert done.returncode == 0, f"{done.stderr}\n{machine.log()}"
    assert_whole(store, plain)


def test_ctrl_c_ends_every_process(start_machine: Start, tmp_path: Path) -> None:
    machine = start_machine(tmp_path / "store").ready()
    functions = [machine.pid(name) for name in (*FLOW, "feedback")]
    machine.process.send_signal(signal.SIGINT)
    assert machine.process.wait(30) == 0, machine.log()
    assert all(gone(pid) for pid in functions)
    assert not (tmp_path / "store" / ".adloom" / "up.json").exists()


def test_a_catalogue_that_cannot_be_read_is_said_to_be_so(
    start_machine: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    machine = start_machine(tmp_path / "store").ready()
    (tmp_path / "bad.json").write_text('[{"title": "Kettle", ', encoding="utf-8")
    done = adloom(environment, "upload", tmp_path / "bad.json", "--store", machine.store)
    assert done.returncode == 3, done.stderr
    assert "bad.json" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_upload_where_nobody_works_says_what_to_start(
    environment: dict[str, str], catalogue: Path, tmp_path: Path
) -> None:
    done = adloom(environment, "upload", catalogue, "--store", tmp_path / "nothing")
    assert done.returncode == 3
    assert "adloom up" in done.stderr


def test_two_machines_do_not_share_a_store(start_machine: Start, environment: dict[str, str], tmp_path: Path) -> None:
    start_machine(tmp_path / "store").ready()
    done = adloom(environment, "up", "--store", tmp_path / "store", "--port", "0")
    assert done.returncode == 3
    assert "at work here" in done.stderr
