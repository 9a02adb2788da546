"""The machine that `adloom up` starts: functions, router, bucket and watch, and the file that says where they are."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
from platformdirs import user_state_path

from functions.common.errors import InputError
from functions.common.records import Record, digest
from functions.common.storage import FolderStore, open_store
from functions.flow import only_run
from functions.local.bucket import bucket_server
from functions.local.landing import Landing
from functions.local.processes import Child, end_all
from functions.router.queue import Queue
from functions.router.router import Router
from functions.router.triggers import FOLDER, Function, read_manifests

log = logging.getLogger("adloom.up")

ROOT = Path(__file__).parents[2]

PARALLEL = 2
"""Events that one function is given at once."""

STANDING = "up.json"


class Standing(Record, frozen=True, kw_only=True):
    """Where a machine's parts are, for those who look for it.

    Attributes:
        pid: of the process that runs it.
        router: address to post events to.
        functions: name -> address.
        emulator: address of the bucket server, where there is one.
    """

    pid: int
    router: str
    functions: dict[str, str]
    emulator: str = ""


@dataclass(frozen=True)
class Plan:
    """What to start.

    Attributes:
        store: folder or ``gs://`` address of all records.
        port: of the router; the functions take those after it. 0: any free ones.
        settings: environment of the functions, beside what the machine itself says.
        emulate: whether to start a server for the bucket.
        watch: whether to announce what lands in it; without, a puller has to.
        manifests: folder of the Triggers and Services.
    """

    store: str
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    emulate: bool = False
    watch: bool = True
    manifests: Path = FOLDER


def state_folder(store: str) -> Path:
    """Where a machine over a store keeps its queue and its standing: in a local store itself."""
    if store.startswith("gs://"):
        return user_state_path("adloom") / digest(store)
    return Path(store) / ".adloom"


def standing(store: str) -> Standing | None:
    """Where the machine over a store is, or None where none runs."""
    try:
        found = msgspec.json.decode((state_folder(store) / STANDING).read_bytes(), type=Standing)
        return found if httpx.get(f"{found.router}healthz", timeout=5.0, trust_env=False).is_success else None
    except (OSError, msgspec.DecodeError, httpx.HTTPError):
        return None


def run(plan: Plan, stop: threading.Event) -> None:
    """Start everything, keep it running until told to stop, and end it all.

    Raises:
        InputError: something that is asked for is not there, or another machine is at work on the store.
    """
    manifests = read_manifests(plan.manifests)
    state = state_folder(plan.store)
    with ExitStack() as stack:
        lock = FolderStore(state if plan.store.startswith("gs://") else Path(plan.store))
        stack.enter_context(only_run(lock))
        emulator = stack.enter_context(bucket_server(plan.store, state)) if plan.emulate else ""
        store = open_store(plan.store)
        addresses = _addresses(list(manifests.functions), plan.port)
        queue = Queue(state / "queue.db")
        stack.callback(queue.close)
        router = Router(queue, manifests, addresses, PARALLEL)
        sink = router.start(plan.port)
        stack.callback(router.close)
        ours = {**plan.settings, "ADLOOM_STORE": _absolute(plan.store), "ADLOOM_AUTH": "off", "K_SINK": sink}
        children = [_child(f, addresses[f.name], ours) for f in manifests.functions.values()]
        stack.callback(end_all, children)
        stack.callback(router.stop)
        where = Standing(pid=os.getpid(), router=sink, functions=addresses, emulator=emulator)
        stack.enter_context(_said(state / STANDING, where))
        if plan.watch:
            landing = Landing(store, router.announce)
            landing.start()
            stack.callback(landing.stop)
        _tend(children, where, stop)


def _tend(children: list[Child], where: Standing, stop: threading.Event) -> None:
    """Keep the processes running, and say once that all of them answer."""
    waiting = dict(where.functions)
    asked = 0.0
    log.info("router at %s", where.router)
    if where.emulator:
        log.info("bucket at %s", where.emulator)
    while not stop.wait(0.1):
        for child in children:
            child.tend()
        if waiting and time.monotonic() - asked > 0.5:
            asked = time.monotonic()
            for name in [name for name, address in waiting.items() if _ready(address)]:
                log.info("%s answers at %s", name, waiting.pop(name))
            if not waiting:
                log.info("ready: drop a catalogue into landing/, or use `adloom upload FILE`; Ctrl-C stops all")


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=1.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _child(function: Function, address: str, ours: dict[str, str]) -> Child:
    source = ROOT / "functions" / function.name / "main.py"
    if not source.is_file():
        raise InputError(f"{source}: no such function, and the manifests name it; name other manifests")
    port = address.rpartition(":")[2]
    command = [sys.executable, "-m", "functions_framework", "--source", str(source), "--target", "handle"]
    command += ["--signature-type", "http", "--host", "127.0.0.1", "--port", port]
    inherited = dict(os.environ)
    path = os.pathsep.join(filter(None, [str(ROOT), inherited.get("PYTHONPATH")]))
    own = {"WORKERS": "1", **function.environment, **inherited, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    return Child(function.name, command, {**own, **ours, "HOST": "127.0.0.1", "PORT": port})


def _addresses(names: list[str], port: int) -> dict[str, str]:
    """A port for each function: those after the router's, or free ones."""
    found = {}
    with ExitStack() as held:
        for place, name in enumerate(names):
            probe = held.enter_context(socket.socket())
            wanted = port + 1 + place if port else 0
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError as error:
                raise InputError(f"port {wanted}: {error.strerror}; name another with --port, or 0 for any") from error
            found[name] = f"http://127.0.0.1:{probe.getsockname()[1]}"
    return found


def _absolute(store: str) -> str:
    return store if store.startswith("gs://") else str(Path(store).absolute())


@contextmanager
def _said(path: Path, where: Standing) -> Iterator[None]:
    """The standing as a file, while it holds."""
    path.write_bytes(msgspec.json.encode(where))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
