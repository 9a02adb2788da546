"""The commands of `adloom model` that better a trained writer: learning from its own best texts, averaging runs."""

from pathlib import Path
from typing import Annotated

import typer

from functions import console
from functions.common.errors import InputError
from functions.common.models import Models
from quantize.options import ModelsFolder, need


def sample(
    out: Annotated[Path, typer.Argument(help="JSON Lines, one product a line; a run that was stopped goes on.")],
    folder: ModelsFolder = None,
    share: Annotated[float, typer.Option(min=0.001, max=1, help="Part of the training split.")] = 1.0,
    candidates: Annotated[int, typer.Option(min=1, max=16, help="Texts sampled for each field.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
) -> None:
    """Let the writer write for the training products, and keep what the gates pass: for `train --accepted`."""
    need("ctranslate2", "tokenizers", extra="generate")
    import msgspec

    from quantize import corpus, show
    from quantize.selftraining import accepted

    entries = corpus.part([entry for entry in corpus.read() if entry.split == "train"], share)
    known = {entry.id for entry in corpus.read_shard(out)} if out.exists() else set()
    # A product that nothing was accepted for is tried again; it has no line that would say so.
    left = entries[max((number for number, e in enumerate(entries, 1) if e.id in known), default=0) :]
    done = len(entries) - len(left)
    with show.counting() as tell, out.open("ab") as stream:

        def told(_: int) -> None:
            nonlocal done
            done += 1
            tell("sampling", done, len(entries), "")

        for entry in accepted(left, Models(folder), candidates, seed, told):
            stream.write(msgspec.json.encode(entry) + b"\n")
            stream.flush()
            known.add(entry.id)
    console.out.print(f"texts accepted for {len(known)} of {len(entries)} products: {out}", soft_wrap=True)


def average(
    out: Annotated[Path, typer.Argument(help="Folder of the averaged adapter.")],
    adapters: Annotated[list[Path], typer.Argument(metavar="ADAPTERS...", help="Two or more, of one base model.")],
    rank: Annotated[int, typer.Option(min=1, help="Of the average.")] = 32,
) -> None:
    """Average adapters of several runs into one."""
    need("safetensors", extra="generate")
    from quantize.averaging import average as averaged

    if len(adapters) < 2:
        raise InputError(f"{adapters[0]}: one adapter has no average; name two or more")
    averaged(adapters, out, rank)
    console.out.print(f"adapter: {out}", soft_wrap=True)
