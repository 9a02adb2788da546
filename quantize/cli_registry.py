"""The commands of `adloom model` that keep the registry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from functions import console
from functions.common.errors import InputError
from functions.common.models import Models
from quantize.options import AsJson, ModelsFolder, Tracking, need, write_json

if TYPE_CHECKING:
    from quantize.registry import Registry

Name = Annotated[str, typer.Option(help="Of the registered model.")]
NAME = "adloom-writer"


def register(
    evaluation: Annotated[Path, typer.Option(help="What `adloom model evaluate` wrote.")] = Path("evaluation.json"),
    folder: ModelsFolder = None,
    name: Name = NAME,
    tracking: Tracking = "",
) -> None:
    """Register the models of this machine with their evaluation, as the challenger."""
    registry = _registry(name, tracking)
    from quantize.evaluate import read_report

    with console.working("registering") as say:
        say("logging the model")
        made = registry.register(Models(folder), read_report(evaluation))
    console.out.print(f"{name} version {made.number}: model {made.model}, {', '.join(made.aliases)}")


def promote(
    number: Annotated[int | None, typer.Argument(metavar="VERSION", help="The challenger where none is named.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Against the gate report; this is recorded.")] = False,
    name: Name = NAME,
    tracking: Tracking = "",
) -> None:
    """Make a version the champion, where its gate report says that it is better."""
    report = _registry(name, tracking).promote(number, force=force)
    console.out.print(f"model {report.challenger} is the champion: {report.reason}", soft_wrap=True)


def rollback(name: Name = NAME, tracking: Tracking = "") -> None:
    """Make the version before the champion the champion again."""
    now = _registry(name, tracking).rollback()
    console.out.print(f"{name} version {now.number} is the champion again: model {now.model}")


def list_(name: Name = NAME, as_json: AsJson = False, tracking: Tracking = "") -> None:
    """List the registered versions, the newest first."""
    found = _registry(name, tracking).versions()
    if as_json:
        write_json(found)
        return
    from quantize.show import versions

    versions(found)


def compare(
    number: Annotated[int | None, typer.Argument(metavar="VERSION", help="The challenger where none is named.")] = None,
    against: Annotated[int | None, typer.Argument(help="The champion where none is named.")] = None,
    name: Name = NAME,
    as_json: AsJson = False,
    tracking: Tracking = "",
) -> None:
    """Hold one version against another, as promotion would."""
    registry = _registry(name, tracking)
    report = registry.compare(number or _at(registry, "challenger"), against or _at(registry, "champion"))
    if as_json:
        write_json(report)
        return
    passed = f"{report.challenger_passed:.1%} against {report.champion_passed:.1%} of texts pass all gates"
    console.out.print(f"{report.challenger} against {report.champion} on {report.products} products: {passed}")
    console.out.print(f"{report.verdict}: {report.reason}", soft_wrap=True)


def _at(registry: "Registry", alias: str) -> int:
    if (found := registry.at(alias)) is None:
        raise InputError(f"{registry.name}: there is no {alias}; name a version, see `adloom model list`")
    return found.number


def _registry(name: str, tracking: str) -> "Registry":
    need("mlflow", "matplotlib")
    from quantize import registry
    from quantize import tracking as books

    books.connect(tracking)
    return registry.Registry(name)
