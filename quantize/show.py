"""What the commands of `adloom model` show in a terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import msgspec
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from functions.console import out
from quantize.figures import Evaluation, Output, Section
from quantize.pairwise import Result

if TYPE_CHECKING:
    from quantize.registry import Registered

_EVERY = 15.0
"""Seconds between lines where there is no terminal."""

_FIGURES = {
    "passed": "pass all gates",
    "supported": "claim nothing unsupported",
    "formed": "usable as they came",
    "coverage": "attribute coverage",
    "relevance": "relevance",
    "distinct_2": "distinct-2",
    "copied_5grams": "copied 5-grams",
    "length_use": "length used",
}


class Tell(Protocol):
    """Who is told how far something has come."""

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None: ...


@contextmanager
def counting() -> Iterator[Tell]:
    """Progress with the time left: as bars, or as a line now and then where there is no terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out, disable=not out.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}
        begun: dict[str, tuple[float, int]] = {}
        said = time.monotonic()

        def tell(what: str, done: int, total: int, note: str = "") -> None:
            nonlocal said
            now = time.monotonic()
            if what not in tasks:
                tasks[what], begun[what] = progress.add_task(what, total=total), (now, done)
            progress.update(tasks[what], description=f"{what} {note}".strip(), completed=done)
            start, first = begun[what]
            if not out.is_terminal and now - said > _EVERY and done > first:
                said = now
                left = (total - done) * (now - start) / (done - first)
                out.print(f"{what}: {done} of {total}, {left:.0f} s left" + (f", {note}" if note else ""))

        yield tell


def evaluation(section: Section, shown: Sequence[Output]) -> None:
    """The figures of a sample, the authors side by side, and outputs as they fell."""
    authors = section.evaluations
    table = Table(f"{section.sample.name}: {section.sample.products} products", *(e.author for e in authors))
    for name, label in _FIGURES.items():
        table.add_row(label, *(f"{getattr(each, name):.1%}" for each in authors))
    for slot in authors[0].slots:
        table.add_row(f"  {slot} passes", *(f"{e.slots[slot].passed:.1%}" if slot in e.slots else "-" for e in authors))
    table.add_row("seconds a product", *(f"{e.latency.median:.2f} (p95 {e.latency.p95:.2f})" for e in authors))
    table.add_row("ready, whole flow", *(f"{e.pipeline.ready:.1%}" if e.pipeline else "-" for e in authors))
    out.print(table)
    out.print(_rules(authors))
    for output in shown:
        out.print(Text(f"\n{output.title}", style="bold"))
        for slot, text in output.copy.items():
            line = Text(f"  {slot}: ", style="cyan") + Text(text, style="default")
            if rules := output.findings.get(slot):
                line += Text(f"  ({', '.join(rules)})", style="yellow")
            out.print(line)


def _rules(authors: Sequence[Evaluation]) -> Table:
    table = Table("rule", *(e.author for e in authors), title="texts with a finding")
    for rule in sorted(authors[0].rules, key=lambda rule: (-authors[0].rules[rule], rule))[:15]:
        table.add_row(rule, *(f"{e.rules.get(rule, 0.0):.1%}" for e in authors))
    return table


def result(found: Result) -> None:
    """What votes came to."""
    out.print(
        f"{found.author} against {found.against}: {found.pairs} pairs, {found.votes} votes, {found.unread} unread"
    )
    out.print(f"  wins        {found.win:.1%}  (95 % interval {found.win_low:.1%} to {found.win_high:.1%})")
    out.print(f"  ties        {found.tie:.1%}")
    spread = f"{found.win_or_tie_low:.1%} to {found.win_or_tie_high:.1%}"
    out.print(f"  win or tie  {found.win_or_tie:.1%}  (95 % interval {spread})")


def versions(found: Sequence["Registered"]) -> None:
    """The registered versions."""
    table = Table("version", "model", "alias", "type", "commit", "corpus", "gates")
    for each in found:
        report = each.tags.get("gate_report")
        verdict = msgspec.json.decode(report)["verdict"] if report else ""
        forced = ", forced" if each.tags.get("forced") else ""
        table.add_row(
            str(each.number),
            each.model,
            ", ".join(each.aliases),
            each.tags.get("quantization", ""),
            each.tags.get("git_sha", "")[:12],
            each.tags.get("data_hash", ""),
            f"{verdict}{forced}",
        )
    out.print(table)
