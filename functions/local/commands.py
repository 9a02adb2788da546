"""`adloom up` and `adloom upload`."""

import os
import signal
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from functions import console, flow
from functions.common.audit import audit
from functions.common.brand import read_brand
from functions.common.errors import InputError
from functions.common.platforms import chosen
from functions.common.storage import open_store
from functions.local.machine import Plan, run, standing
from functions.local.upload import Follower, batches_of, drop, sha256
from functions.local.voices import speak
from functions.router.triggers import FOLDER

STORE = "adloom-store"
PORT = 8700
UNBALANCED = 6

Where = Annotated[str, typer.Option("--store", help="Folder, or gs://bucket/prefix, of all records.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `adloom`."""
    app.command(epilog="Examples:  adloom up   ·   adloom up --port 0 --store gs://shop --emulate")(up)
    app.command(epilog="Examples:  adloom upload shop.csv   ·   adloom upload feed.xml --store gs://shop")(upload)


def up(
    store: Where = STORE,
    port: Annotated[
        int, typer.Option(help="Of the router; the functions take the next ones. 0: any free ones.")
    ] = PORT,
    platforms: Annotated[str | None, typer.Option(help="Comma-separated; see `adloom platforms`.")] = None,
    brand: Annotated[Path | None, typer.Option(help="YAML file: name, voice, banned_terms …")] = None,
    candidates: Annotated[int | None, typer.Option(min=1, max=16, help="Texts sampled for each field.")] = None,
    part_rows: Annotated[int | None, typer.Option(min=1, max=256, help="Products in a part.")] = None,
    emulate: Annotated[bool, typer.Option("--emulate", help="Start a server for the gs:// bucket here.")] = False,
    watch: Annotated[bool, typer.Option(help="Announce what lands; without, a puller has to.")] = True,
    manifests: Annotated[Path, typer.Option(help="Folder of the Triggers and Services.")] = FOLDER,
) -> None:
    """Run the functions on this machine, as they are deployed: behind a router, woken by what lands in a bucket."""
    if find_spec("functions_framework") is None:
        raise InputError("functions-framework is not installed; get it with: pip install 'adloom[serve]'")
    settings = {
        "ADLOOM_PLATFORMS": platforms and ",".join(p.name for p in chosen([n.strip() for n in platforms.split(",")])),
        "ADLOOM_BRAND": str(brand.absolute()) if brand and read_brand(brand) else None,
        "ADLOOM_CANDIDATES": str(candidates) if candidates else None,
        "ADLOOM_PART_ROWS": str(part_rows) if part_rows else None,
    }
    speak()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Set by a thread: a handler that takes the event's lock amid its own wait would never get it.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    given = {name: value for name, value in settings.items() if value}
    run(Plan(store, port, given, emulate=emulate, watch=watch, manifests=manifests), stop)


def upload(
    file: Annotated[Path, typer.Argument(help="A catalogue in any known format.")],
    store: Where = STORE,
) -> None:
    """Drop a catalogue into the bucket's landing/, follow it to the end, and write its creatives and report."""
    machine = standing(store)
    if machine is None and not store.startswith("gs://"):
        raise InputError(f"{store}: nobody works here; run `adloom up --store {store}` in another terminal")
    if machine is not None and machine.emulator:
        os.environ["STORAGE_EMULATOR_HOST"] = machine.emulator
    opened = open_store(store)
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    digest = sha256(file)
    before = set(batches_of(opened, digest))
    landed = drop(opened, file)
    console.out.print(f"dropped as {landed}", soft_wrap=True)
    with console.progress() as watcher:
        follower = Follower(opened, landed, machine, watcher)
        batch = follower.batch(digest, before)
        follower.follow(batch)
    exports = flow.export(opened, batch)
    console.summary(batch, exports, store)
    books = audit(opened, batch)
    if not books.balanced:
        console.books(books)
        raise typer.Exit(UNBALANCED)
