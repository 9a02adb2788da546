"""What the command shows in a terminal: progress, tables, one-line faults."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from functions.common.audit import Audit
from functions.common.batches import Batch
from functions.common.models import Manifest
from functions.common.platforms import platforms as all_platforms
from functions.common.records import Status
from functions.common.storage import Store
from functions.doctor import Finding
from functions.export.exports import NAMES, Exports
from functions.ingest.inspect import Inspection

if TYPE_CHECKING:
    from functions.flow import Watcher

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

STATUS_STYLES: dict[Status, str] = {"ready": "green", "needs_review": "yellow", "rejected": "red"}


def fault(message: str) -> None:
    """One line on standard error, whatever the message held."""
    err.print(Text("adloom: ", style="bold red") + Text(" ".join(message.split())), soft_wrap=True)


class _Rate(ProgressColumn):
    """Products a second, or seconds a product where that reads better."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each", style="cyan")


class _Bars:
    """A run's progress as bars, or as a line now and then where there is no terminal.

    Args:
        check: is called at each step; raises where the run is to stop.
    """

    def __init__(self, progress: Progress, check: Callable[[], None]) -> None:
        self._progress = progress
        self._check = check
        self._reading = progress.add_task("reading", total=None)
        self._writing = progress.add_task("writing", total=None, visible=False)
        self._said = time.monotonic()

    def read(self, rows: int, products: int) -> None:
        self._check()
        self._progress.update(self._reading, description=f"reading: {rows} rows, {products} products")

    def begun(self, products: int) -> None:
        self._progress.update(self._reading, visible=False)
        self._progress.update(self._writing, total=products, visible=True)
        self._progress.reset(self._writing, total=products)

    def written(self, products: int) -> None:
        self._check()
        self._progress.advance(self._writing, products)
        if not out.is_terminal and time.monotonic() - self._said > 15:
            self._said = time.monotonic()
            task = self._progress.tasks[1]
            left = f", {task.time_remaining:.0f} s left" if task.time_remaining is not None else ""
            out.print(f"written for {task.completed:.0f} of {task.total:.0f} products{left}")


@contextmanager
def progress() -> Iterator["Watcher"]:
    """Progress of a run, with rate and time left."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate())
    with (
        _heeding() as check,
        Progress(*columns, TimeRemainingColumn(), console=out, disable=not out.is_terminal) as bars,
    ):
        yield _Bars(bars, check)


@contextmanager
def _heeding() -> Iterator[Callable[[], None]]:
    """Heed a Ctrl-C even where it arrives in a callback whose exceptions Python drops: it counts at the next step."""
    pressed: list[bool] = []  # And no event: its lock is not free where a second Ctrl-C meets the first in its handler.

    def press(*_: object) -> None:
        pressed.append(True)
        raise KeyboardInterrupt

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    # Elsewhere the signal is somebody else's, or ignored on purpose, as in a shell's background.
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check
        return
    signal.signal(signal.SIGINT, press)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def working(role: str) -> Iterator[Callable[[str], None]]:
    """A spinner that says what is being done."""
    with out.status(role) as status:
        yield lambda step: status.update(f"{role}: {step}")


def plan(batch: Batch, store: Store, found: Inspection, done: bool) -> None:
    """What a run would do."""
    creatives = found.products * len(batch.platforms)
    out.print(Text(batch.file, style="bold") + Text(f": {found.format}, {found.rows} rows, {found.products} products"))
    out.print(f"{creatives} creatives for {', '.join(p.name for p in batch.platforms)}, as batch {batch.batch_id}")
    out.print(f"{found.merged} rows merged, {found.quarantined} quarantined; `adloom inspect` says why")
    state = "begun here already: --resume goes on" if done else "not begun here"
    out.print(f"into {store.uri}: {state}")
    for name in NAMES:
        if store.exists(name):
            out.print(f"[yellow]would replace[/] {store.uri}/{name}")


def summary(batch: Batch, exports: Exports, where: str) -> None:
    """What a run came to."""
    table = Table("platform")
    for status, style in STATUS_STYLES.items():
        table.add_column(status.replace("_", " "), style=style, justify="right")
    for platform in batch.platforms:
        counts = exports.counts.get(platform.name, {})
        table.add_row(platform.label, *(str(counts.get(status, 0)) for status in STATUS_STYLES))
    out.print(table)
    out.print(f"{exports.creatives} creatives for {exports.products} products; {exports.quarantined} refused")
    out.print(f"report: {where}/report.html", soft_wrap=True)
    out.print(f"batch {batch.batch_id}; check it with: adloom audit {batch.batch_id} --out {where}", soft_wrap=True)


def inspection(found: Inspection) -> None:
    """What was recognised in a catalogue."""
    out.print(Text(found.format, style="bold") + Text(f", {found.encoding}: {found.rows} rows"))
    out.print(f"{found.products} products, {found.merged} rows merged, {found.quarantined} rows quarantined")
    out.print(f"languages: {_shares(found.languages)}; currencies: {_shares(found.currencies)}")
    table = Table("column", "read as", "filled")
    for column in found.columns:
        if column.read_as != "ignored":
            table.add_row(Text(column.name), column.read_as, f"{column.filled:.0%}")
    out.print(table)
    if ignored := [column.name for column in found.columns if column.read_as == "ignored"]:
        out.print(Text(f"not needed: {', '.join(ignored)}", style="dim"))
    for refusal in found.refusals:
        out.print(Text(f"{refusal.count} quarantined by {refusal.rule}, e.g. {refusal.example}", style="yellow"))


def _shares(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or 'none'} {count}" for name, count in counts.items()) or "none"


def books(found: Audit) -> None:
    """What an audit came to."""
    table = Table("stage", "what became of it")
    for stage, counts in found.counts.items():
        table.add_row(stage, ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) or "-")
    out.print(table)
    for line in found.unfinished[:20]:
        out.print(Text(f"unfinished: {line}", style="yellow"), soft_wrap=True)
    for line in found.faults[:20]:
        out.print(Text(f"fault: {line}", style="red"), soft_wrap=True)
    verdict = "balances" if found.balanced else "does not balance"
    out.print(f"batch {found.batch_id} {verdict}", style="green" if found.balanced else "red")


def platforms() -> None:
    """Every platform, with its limits."""
    table = Table("name", "platform", "takes")
    for platform in all_platforms().values():
        takes = (f"{limit.min}-{limit.max} {field} of {limit.limit}" for field, limit in platform.fields.items())
        table.add_row(platform.name, platform.label, ", ".join(takes))
    out.print(table)


def findings(found: list[Finding]) -> None:
    """What a look at the machine came to."""
    table = Table("", "what", "found", "what to do")
    for finding in found:
        mark = Text("missing", style="red") if finding.missing else Text("ok", style="green")
        table.add_row(mark, finding.what, Text(finding.found), Text(finding.advice))
    out.print(table)


def built(manifest: Manifest, folder: Path, new: bool) -> None:
    """What `model build` did for one model."""
    did = "built" if new else "is there already:"
    out.print(f"{manifest.role} {did} {manifest.model} {manifest.quantization}, version {manifest.version}")
    out.print(f"  {folder}", soft_wrap=True)


def models(manifests: list[Manifest], folder: Path) -> None:
    """The models of a folder."""
    table = Table("role", "version", "made from", "family", "type", "licence")
    for m in manifests:
        table.add_row(m.role, m.version, m.model, m.family, m.quantization, m.licence)
    out.print(table)
    out.print(str(folder), soft_wrap=True)
