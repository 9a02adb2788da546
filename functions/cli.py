"""The command `adloom`.

Exit codes: 0 done · 1 a fault of Adloom's own · 2 wrong usage · 3 the input is at fault · 4 a model is missing ·
5 storage or a remote host did not answer · 6 the books of a batch do not balance · 130 interrupted.
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from functions import console, flow
from functions.common.audit import audit as audit_batch
from functions.common.batches import Settings, find_batch
from functions.common.brand import read_brand
from functions.common.errors import AdloomError, InputError
from functions.common.models import Models, models_folder
from functions.common.platforms import chosen
from functions.common.storage import open_store
from functions.doctor import examine
from functions.local.commands import register as register_local
from quantize.cli import app as model_app

EPILOG = (
    "Exit codes: 0 done; 1 a fault of Adloom's own; 2 wrong usage; 3 the input is at fault; 4 a model is missing; "
    "5 storage or a host did not answer; 6 a batch does not balance; 130 interrupted."
)
UNBALANCED = 6
INTERRUPTED = 130


class Commands(TyperGroup):
    """Commands whose faults end as one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with ``--debug`` a fault keeps its traceback."""
        try:
            return super().invoke(ctx)
        except AdloomError as error:
            if ctx.params.get("debug"):
                raise
            console.fault(str(error))
            ctx.exit(error.exit_code)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            console.fault(f"a fault of Adloom's own: {type(error).__name__}: {error}; --debug shows where it arose")
            ctx.exit(1)
        except KeyboardInterrupt:
            console.fault("interrupted; what was done is kept: the same command with --resume goes on from here")
            ctx.exit(INTERRUPTED)


app = typer.Typer(cls=Commands, no_args_is_help=True, epilog=EPILOG, pretty_exceptions_enable=False)
app.add_typer(model_app, name="model")


@app.callback()
def adloom(
    debug: Annotated[bool, typer.Option("--debug", help="Show where a fault arose.")] = False,
) -> None:
    """Write ad creatives for every product of a catalogue."""


Catalogue = Annotated[str, typer.Argument(help="A file in any known format, or the https address of a JSON API.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="Read a product field from this column; may be repeated."),
]
Currency = Annotated[str | None, typer.Option(help="ISO 4217 code for prices that come without one.")]
AllowHost = Annotated[list[str] | None, typer.Option(help="A host that an API catalogue may be fetched from.")]
Header = Annotated[list[str] | None, typer.Option(help="'Name: value' sent to the API; may be repeated.")]
AllowPrivate = Annotated[bool, typer.Option(help="Let an API catalogue come from a private address.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only so many products.")]


@app.command(
    epilog="Examples:  adloom run shop.csv --out ads   ·   adloom run shop.csv --out ads --resume   ·   "
    "adloom run feed.xml --out gs://shop/ads --platforms google_rsa,pinterest --brand brand.yaml"
)
def run(
    catalogue: Catalogue,
    out: Annotated[str, typer.Option(help="Folder, or gs://bucket/prefix, for records and results.")] = "adloom-out",
    platforms: Annotated[
        str, typer.Option(help="Comma-separated; see `adloom platforms`.")
    ] = "google_rsa,meta_feed,pinterest",
    brand: Annotated[Path | None, typer.Option(help="YAML file: name, voice, banned_terms …")] = None,
    limit: Limit = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    map_: Map = None,
    currency: Currency = None,
    candidates: Annotated[int, typer.Option(min=1, max=16, help="Texts sampled for each field.")] = 4,
    seed: Annotated[int, typer.Option(help="Another seed gives other texts.")] = 0,
    part_rows: Annotated[int, typer.Option(min=1, max=256, help="Products that are kept together as one part.")] = 32,
    allow_host: AllowHost = None,
    header: Header = None,
    allow_private: AllowPrivate = False,
) -> None:
    """Read a catalogue and write its creatives: creatives.jsonl, creatives.csv and report.html."""
    models = Models()
    asked = Settings(
        platforms=[platform.name for platform in chosen([p.strip() for p in platforms.split(",") if p.strip()])],
        brand=read_brand(brand),
        candidates=candidates,
        seed=seed,
        part_rows=part_rows,
        limit=limit,
        columns=columns_of(map_),
        currency=currency,
    )
    with tempfile.TemporaryDirectory(prefix="adloom-") as spool:
        path = flow.obtain(catalogue, Path(spool), allow_host or [], header or [], allow_private)
        batch = flow.batch_of(path, flow.settings_for(models, asked))
        store = open_store(out)
        if dry_run:
            console.plan(batch, store, flow.look(path, batch.settings), done=flow.begun(store, batch))
            return
        with flow.only_run(store):
            if flow.begun(store, batch) and not resume:
                raise InputError(
                    f"{out}: this catalogue was begun here with the same settings (batch {batch.batch_id}); "
                    "add --resume to go on, or name another --out"
                )
            with console.progress() as watcher:
                flow.run(store, batch, path, models, watcher)
            exports = flow.export(store, batch)
    console.summary(batch, exports, out)


@app.command(epilog="Examples:  adloom inspect shop.csv   ·   adloom inspect export.csv --map title=Bezeichnung --json")
def inspect(
    catalogue: Catalogue,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    map_: Map = None,
    currency: Currency = None,
    limit: Limit = None,
    allow_host: AllowHost = None,
    header: Header = None,
    allow_private: AllowPrivate = False,
) -> None:
    """Show what is recognised in a catalogue, how each column is read, and what would be refused."""
    settings = Settings(platforms=["meta_feed"], columns=columns_of(map_), currency=currency, limit=limit)
    with tempfile.TemporaryDirectory(prefix="adloom-") as spool:
        path = flow.obtain(catalogue, Path(spool), allow_host or [], header or [], allow_private)
        found = flow.look(path, settings)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        console.inspection(found)


@app.command(epilog="Examples:  adloom audit ads   ·   adloom audit 3f9c --out gs://shop-ads/adloom")
def audit(
    batch: Annotated[str, typer.Argument(help="The beginning of a batch id, or a folder that holds one batch.")],
    out: Annotated[str | None, typer.Option(help="Folder or gs:// address of the run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Prove that a batch is whole: every row and creative accounted for, every object unchanged."""
    if out is None and Path(batch).is_dir():
        batch, out = "", batch
    where = out or "adloom-out"
    if not where.startswith("gs://") and not Path(where).is_dir():
        raise InputError(f"{where}: no such folder; name the folder of the run with --out")
    store = open_store(where)
    books = audit_batch(store, find_batch(store, batch))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(books)).decode() + "\n")
    else:
        console.books(books)
    if not books.balanced:
        raise typer.Exit(UNBALANCED)


@app.command()
def platforms() -> None:
    """List the platforms with what each takes."""
    console.platforms()


@app.command()
def doctor() -> None:
    """Say what this machine lacks, and how to get it."""
    findings = examine(models_folder())
    console.findings(findings)
    if any(finding.missing for finding in findings):
        raise typer.Exit(4)


register_local(app)


def columns_of(pairs: list[str] | None) -> dict[str, str]:
    """``["title=Name"]`` as a mapping; InputError for a pair without ``=`` or a field that is not one."""
    fields = ("product_id", "title", "description", "category", "brand", "price", "currency", "image_url", "link")
    found = {}
    for pair in pairs or ():
        field, equals, column = pair.partition("=")
        if not equals or not column or field not in fields:
            raise InputError(f"--map {pair!r}: write FIELD=COLUMN with a field of {', '.join(fields)}")
        found[field] = column
    return found


def main() -> None:
    """Entry point of the installed command."""
    app(prog_name="adloom")


if __name__ == "__main__":
    main()
