"""What the commands of `adloom model` share."""

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from functions.common.errors import ModelError

Tracking = Annotated[
    str,
    typer.Option(
        envvar="MLFLOW_TRACKING_URI", help="MLflow's tracking store; sqlite:///mlflow.db where none is named."
    ),
]
ModelsFolder = Annotated[Path | None, typer.Option("--models", help="Folder with writer and embedder.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def need(*modules: str, extra: str = "train") -> None:
    """ModelError where a module of an extra is not installed."""
    if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
        raise ModelError(f"{missing[0]} is not installed; pip install 'adloom[{extra}]'")


def write_json(value: object) -> None:
    """Records on standard output, for programs."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")
