"""The commands of `adloom model` that better a trained writer: what it wrote itself, to learn from; averaging runs."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from functions import console
from functions.common.errors import InputError
from functions.common.models import Models
from quantize.jsonlines import read_lines
from quantize.options import ModelsFolder, need

if TYPE_CHECKING:
    from quantize.corpus import Entry
    from quantize.drafts import Drafts

Lines = Annotated[Path, typer.Argument(help="JSON Lines, one product a line; a run that was stopped goes on.")]
Share = Annotated[float, typer.Option(min=0.001, max=1, help="Part of the training split.")]
Sampled = Annotated[int, typer.Option(min=1, max=16, help="Texts sampled for each field.")]
Seed = Annotated[int, typer.Option(help="Of the sampling.")]


def sample(
    out: Lines,
    folder: ModelsFolder = None,
    share: Share = 1.0,
    candidates: Sampled = 4,
    seed: Seed = 0,
) -> None:
    """Let the writer write for the training products, and keep what the gates pass: for `train --accepted`."""
    need("ctranslate2", "tokenizers", extra="generate")
    from quantize import corpus
    from quantize.selftraining import accepted

    entries = corpus.part([entry for entry in corpus.read() if entry.split == "train"], share)
    known = _known(out, corpus.Entry)
    # A product that nothing was accepted for has no line: what stands before the last line is done.
    done = max((number for number, entry in enumerate(entries, 1) if entry.id in known), default=0)
    written = _kept(
        out, len(entries), done, lambda told: accepted(entries[done:], Models(folder), candidates, seed, told)
    )
    found = len(known) + written
    console.out.print(f"texts accepted for {found} of {len(entries)} products: {out}", soft_wrap=True)


def drafts(
    out: Lines,
    folder: ModelsFolder = None,
    share: Share = 1.0,
    texts: Sampled = 3,
    seed: Seed = 0,
) -> None:
    """Let the writer write for the training products, and keep all as it comes: for readers, then `train --graded`."""
    need("ctranslate2", "tokenizers", extra="generate")
    from quantize import corpus
    from quantize.drafts import Drafts
    from quantize.selftraining import drafted

    entries = corpus.part([entry for entry in corpus.read() if entry.split == "train"], share)
    known = _known(out, Drafts)
    left = [entry for entry in entries if entry.id not in known]
    done = len(entries) - len(left)
    written = _kept(out, len(entries), done, lambda told: drafted(left, Models(folder), texts, seed, told))
    console.out.print(f"drafts of {len(known) + written} products: {out}", soft_wrap=True)


def _known(out: Path, kind: "type[Entry] | type[Drafts]") -> set[str]:
    """The products that have a line; what a kill left of another line is cut off."""
    if not out.exists():
        return set()
    whole, _, rest = out.read_bytes().rpartition(b"\n")
    if rest:
        out.write_bytes(whole + b"\n" if whole else b"")
    return {each.id for each in read_lines(out, kind)}


def _kept(out: Path, total: int, done: int, write: Callable[[Callable[[int], None]], Iterable[msgspec.Struct]]) -> int:
    """Add what comes line by line, telling how far it is; how many lines came."""
    from quantize import show

    lines = 0
    with show.counting() as tell, out.open("ab") as stream:

        def told(_: int) -> None:
            nonlocal done
            done += 1
            tell("sampling", done, total, "")

        for each in write(told):
            stream.write(msgspec.json.encode(each) + b"\n")
            stream.flush()
            lines += 1
    return lines


def average(
    out: Annotated[Path, typer.Argument(help="Folder of the averaged adapter.")],
    adapters: Annotated[list[Path], typer.Argument(metavar="ADAPTERS...", help="Two or more, of one base model.")],
    rank: Annotated[int, typer.Option(min=1, help="Of the average.")] = 32,
) -> None:
    """Average adapters of several runs into one; the records of the runs, where they lie beside, become one too."""
    need("safetensors", extra="generate")
    from quantize.averaging import average as mean
    from quantize.trials import averaged, training_of

    if len(adapters) < 2:
        raise InputError(f"{adapters[0]}: one adapter has no average; name two or more")
    mean(adapters, out, rank)
    records = [found for adapter in adapters if (found := training_of(adapter))]
    record = out / "train.json"
    record.unlink(missing_ok=True)
    if len(records) == len(adapters):
        made = averaged(records, rank)
        record.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    console.out.print(f"adapter: {out}", soft_wrap=True)


def weigh(
    graded: Annotated[Path, typer.Argument(help="JSON Lines of texts that readers graded, by their traits.")],
) -> None:
    """Fit the weights by which texts are chosen to graded texts, and show them beside those in use."""
    need("sklearn")
    from functions.score.measures import WEIGHTS
    from quantize.weighing import GradedText, ordered, weights

    texts = list(read_lines(graded, GradedText))
    if unknown := {name for text in texts for name in text.traits} - WEIGHTS.keys():
        raise InputError(f"{graded}: {min(unknown)!r} is no trait; they are {', '.join(WEIGHTS)}")
    fitted = {name: weight / 8 for name, weight in weights(texts).items()}
    table = Table("trait", "fitted", "in use")
    for name, weight in fitted.items():
        table.add_row(name, f"{weight:.3f}", f"{WEIGHTS[name]:.3f}")
    console.out.print(table)
    shares = f"{ordered(texts, fitted):.1%} fitted, {ordered(texts, WEIGHTS):.1%} in use"
    console.out.print(f"pairs of {len(texts)} texts in the order of their grades: {shares}")
