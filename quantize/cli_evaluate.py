"""The commands of `adloom model` that measure: against the gates, and against other authors by blind reading."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from functions import console
from functions.common.batches import Settings, encode
from functions.common.errors import InputError
from functions.common.models import Models
from functions.common.platforms import chosen, platforms
from functions.common.records import Product
from quantize.figures import Sample
from quantize.options import AsJson, ModelsFolder, Tracking, need, write_json

if TYPE_CHECKING:
    from quantize.authors import Author
    from quantize.show import Tell

Catalogues = Annotated[
    list[Path] | None,
    typer.Argument(help="Catalogues in any known format; the corpus's test split where none is named."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Products that are drawn; of catalogues 200 where not named.")]
Seed = Annotated[int, typer.Option(help="Of the draw of products.")]
Language = Annotated[str, typer.Option(help="Only a catalogue's products in this language; empty for all.")]
Candidates = Annotated[int, typer.Option(min=1, max=16, help="Texts sampled for each field, in the whole flow.")]


def evaluate(
    catalogues: Catalogues = None,
    name: Annotated[str, typer.Option(help="Of a sample of catalogues, in the report.")] = "catalogues",
    limit: Limit = None,
    seed: Seed = 0,
    language: Language = "en",
    folder: ModelsFolder = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="To stand beside it: a folder of models, as `NAME=FOLDER` under a name of its own, `template`, or "
            "`corpus` (by hand). May be repeated."
        ),
    ] = None,
    whole: Annotated[bool, typer.Option("--flow/--no-flow", help="Also candidates and selection; takes long.")] = True,
    candidates: Candidates = 4,
    on: Annotated[str, typer.Option("--platforms", help="Comma-separated, of the flow; all where none is named.")] = "",
    out: Annotated[Path, typer.Option(help="The report; other samples in it are kept.")] = Path("evaluation.json"),
    outputs: Annotated[int, typer.Option(min=0, help="Products whose texts are shown as they fell.")] = 20,
    keep_outputs: Annotated[
        bool, typer.Option(help="Keep those of catalogues in the report: their titles belong to their shops.")
    ] = False,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Keep it as an MLflow run.")] = True,
    tracking: Tracking = "",
) -> None:
    """Measure a model on products that it has not seen: one text a field, no choice among several; then the flow."""
    need("ctranslate2", "tokenizers", extra="generate")
    if track:
        need("mlflow", "matplotlib")
    from quantize import show
    from quantize.authors import ModelAuthor
    from quantize.evaluate import Bench, kept_report, section, training_texts
    from quantize.evaluate import outputs as fallen

    report = kept_report(out)
    models = Models(folder)
    sample, products = _sample(catalogues, name, limit, seed, language)
    authors: list[Author] = [ModelAuthor(models), *(_author(spec) for spec in against or ())]
    flow = (models, _settings(models, on, candidates)) if whole else None
    with show.counting() as tell:
        bench = Bench(products, models, training_texts())
        found, rows = section(sample, bench, authors, flow, _each(tell, len(products)))
    shown = fallen(rows[0][:outputs])
    kept = msgspec.structs.replace(found, outputs=shown if keep_outputs or not catalogues else [])
    sections = dict(sorted({**report.sections, sample.name: kept}.items()))
    out.write_bytes(encode(msgspec.structs.replace(report, sections=sections)))
    show.evaluation(found, shown)
    if track:
        from quantize import tracking as books

        books.connect(tracking)
        console.out.print(f"\nMLflow run {books.log_evaluation(found, rows, shown)}")
    console.out.print(f"report: {out}", soft_wrap=True)


def pairs(
    against: Annotated[
        list[str],
        typer.Option(
            help="A folder of models, as `NAME=FOLDER` under a name of its own, `template`, or `corpus` (by hand). "
            "May be repeated."
        ),
    ],
    catalogues: Catalogues = None,
    limit: Limit = None,
    seed: Seed = 0,
    language: Language = "en",
    folder: ModelsFolder = None,
    selected: Annotated[
        bool, typer.Option("--selected/--first", help="What the flow would post, or a model's first answers.")
    ] = True,
    candidates: Candidates = 4,
    on: Annotated[str, typer.Option("--platform", help="That the flow selects for.")] = "meta_feed",
    out: Annotated[Path, typer.Option(help="What readers get.")] = Path("pairs.jsonl"),
    key: Annotated[Path, typer.Option(help="Who wrote what: not for readers.")] = Path("pairs-key.jsonl"),
) -> None:
    """Write pairs of ads for blind reading: A and B in a shuffled order, and the key in a file of its own."""
    need("ctranslate2", "tokenizers", extra="generate")
    from quantize import show
    from quantize.authors import LIMITS, ModelAuthor, SelectedAuthor, limits_on
    from quantize.jsonlines import write_lines
    from quantize.pairwise import pairs_of

    if out.absolute() == key.absolute():
        raise InputError(f"{out}: pairs and key must be two files; readers must not see the key")

    def author_of(models: Models) -> "Author":
        return SelectedAuthor(models, _settings(models, on, candidates)) if selected else ModelAuthor(models)

    _, products = _sample(catalogues, "reading", limit, seed, language)
    limits = limits_on(chosen([on])[0]) if selected else LIMITS
    authors = [author_of(Models(folder)), *(_author(spec, author_of, limits) for spec in against)]
    names = [author.name for author in authors]
    if len(set(names)) < len(names):
        raise InputError(f"--against {', '.join(against)}: the authors {', '.join(names)} are not all different")
    with show.counting() as tell:
        copies: list[list[dict[str, str]]] = []
        for author in authors:
            told = _each(tell, len(products))(author.name)
            copies.append([])
            for product in products:
                copies[-1].append(author.write(product))
                told(1)
    made, keys = pairs_of(products, names, copies, seed)
    write_lines(out, made)
    write_lines(key, keys)
    said = f"{len(made)} pairs, {names[0]} against {', '.join(names[1:])}"
    console.out.print(f"{said}: {out}; the key: {key}", soft_wrap=True)


def votes(
    key: Annotated[Path, typer.Argument(help="The key that `adloom model pairs` wrote.")],
    given: Annotated[
        list[Path], typer.Argument(metavar="VOTES...", help="JSON Lines: pair, vote (A, B, tie), reader.")
    ],
    author: Annotated[str, typer.Option(help="Whose wins are counted.")] = "Adloom",
    as_json: AsJson = False,
) -> None:
    """Count the votes of readers: how often an author won against each other one, with the interval of 95 %."""
    from quantize.jsonlines import read_lines
    from quantize.pairwise import Key, Vote, results
    from quantize.show import result as shown

    cast = [vote for path in given for vote in read_lines(path, Vote)]
    found = results(list(read_lines(key, Key)), cast, author)
    if as_json:
        write_json(found)
    else:
        for each in found:
            shown(each)


def _sample(
    catalogues: list[Path] | None, name: str, limit: int | None, seed: int, language: str
) -> tuple[Sample, list[Product]]:
    from quantize.held import from_catalogues, held_out

    if catalogues:
        return from_catalogues(name, catalogues, limit or 200, seed, language)
    return held_out(limit, seed)


def _author(
    spec: str,
    author_of: "Callable[[Models], Author] | None" = None,
    limits: "Mapping[str, int] | None" = None,
) -> "Author":
    from quantize import corpus
    from quantize.authors import LIMITS, CorpusAuthor, ModelAuthor
    from quantize.baseline import TemplateAuthor

    if spec == "template":
        return TemplateAuthor(limits or LIMITS)
    if spec == "corpus":
        return CorpusAuthor(corpus.read(), limits or LIMITS)
    name, _, folder = ("", "", spec) if Path(spec).is_dir() else spec.partition("=")
    if not Path(folder).is_dir():
        raise InputError(f"--against {spec}: no such folder of models; name one, or `template` or `corpus`")
    author = (author_of or ModelAuthor)(Models(Path(folder)))
    author.name = name or author.name
    return author


def _settings(models: Models, names: str, candidates: int) -> Settings:
    from functions.flow import settings_for

    named = [name.strip() for name in names.split(",") if name.strip()] or list(platforms())
    return settings_for(models, Settings(platforms=[p.name for p in chosen(named)], candidates=candidates))


def _each(tell: "Tell", total: int) -> Callable[[str], Callable[[int], None]]:
    """Progress by steps out of progress by what is done."""

    def begin(what: str) -> Callable[[int], None]:
        done = 0

        def step(number: int) -> None:
            nonlocal done
            done += number
            tell(what, done, total, "")

        return step

    return begin
